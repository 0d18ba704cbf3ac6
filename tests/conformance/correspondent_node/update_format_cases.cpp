// SPDX-License-Identifier: GPL-3.0-or-later
// Binding Updates that are not as they should be.
#include "conformance/correspondent_node/bench.hpp"
#include "conformance/correspondent_node/groups.hpp"

namespace mipflow::conformance {

namespace {

using Authorization = Update::Authorization;

// A Binding Update that is taken in spite of what `change` did to it.
Case taken(std::string id, std::string title, std::string section, void (*change)(Update&)) {
  return correspondent_case(std::move(id), std::move(title), std::move(section), [change](CorrespondentBench& bench) {
    Update update = bench.prepared();
    change(update);
    bench.accept(update);
    bench.probe_answered();
  });
}

// One that draws an ICMPv6 Parameter Problem at `pointer` and makes no binding.
Case reported(std::string id, std::string title, std::string section, std::uint32_t pointer, void (*change)(Update&)) {
  return correspondent_case(std::move(id), std::move(title), std::move(section),
                            [change, pointer](CorrespondentBench& bench) {
                              Update update = bench.prepared();
                              change(update);
                              bench.send(update);
                              bench.expect_parameter_problem(kCareOf, pointer);
                              bench.probe_refused();
                            });
}

// Ones that are dropped without a word and make no binding.
Case dropped(std::string id, std::string title, std::string section, std::vector<void (*)(Update&)> changes) {
  return correspondent_case(std::move(id), std::move(title), std::move(section),
                            [changes = std::move(changes)](CorrespondentBench& bench) {
                              const Update right = bench.prepared();
                              for (const auto change : changes) {
                                Update update = right;
                                change(update);
                                bench.ignore(update, "such a Binding Update");
                              }
                              bench.probe_refused();
                            });
}

}  // namespace

Group update_format_cases() {
  return {
      "Format of the Binding Update",
      {
          taken("CN-2-3-1-1", "an option of Binding Acknowledgements in it is skipped", "6.1.7, 6.2.1",
                [](Update& update) { update.refresh_advice = true; }),
          dropped("CN-2-3-1-2", "Binding Authorization Data that is not last", "9.5.1, 6.2.7",
                  {[](Update& update) {
                     update.alternate = kCareOf;
                     update.authorization = Authorization::BeforeAlternate;
                   },
                   [](Update& update) { update.authorization = Authorization::BeforeNonceIndices; }}),
          reported("CN-2-3-3", "Header Len 0", "9.2, 6.1.7", 65, [](Update& update) { update.cut_short = true; }),
          taken("CN-2-3-4", "reserved octet of the Mobility Header not 0", "6.1.1",
                [](Update& update) { update.reserved = 0xff; }),
          reported("CN-2-3-5", "Payload Proto other than 59", "9.2", 64,
                   [](Update& update) { update.payload_proto = 0xff; }),
          dropped("CN-2-3-6", "wrong checksum", "9.2", {[](Update& update) { update.wrong_checksum = true; }}),
          taken("CN-2-3-7", "L means nothing to a correspondent node", "6.1.7",
                [](Update& update) { update.flags |= kLinkLocalCompatibility; }),
          taken("CN-2-3-8", "K means nothing to it either, and is 0 in the answer", "6.1.7, 6.1.8",
                [](Update& update) { update.flags |= kKeyManagement; }),
          taken("CN-2-3-9", "reserved flags set", "6.1.7", [](Update& update) { update.flags |= kReservedFlags; }),
          dropped("CN-2-3-10-1", "registration without Nonce Indices", "9.5.1",
                  {[](Update& update) { update.nonce_indices = false; }}),
          correspondent_case("CN-2-3-10-2", "de-registration without Nonce Indices", "9.5.1",
                             [](CorrespondentBench& bench) {
                               Update deletion = bench.deletion_at_home(bench.bound(), true);
                               deletion.nonce_indices = false;
                               bench.ignore(deletion, "a deletion without Nonce Indices");
                               bench.probe_answered();
                             }),
          dropped("CN-2-3-11", "Binding Authorization Data missing, with padding behind it, wrong", "9.5.1, 6.2.7",
                  {[](Update& update) { update.authorization = Authorization::Missing; },
                   [](Update& update) { update.authorization = Authorization::PaddedBehind; },
                   [](Update& update) { update.authorization = Authorization::Wrong; }}),
      }};
}

Group acknowledge_bit_cases() {
  using enum wire::BindingStatus;
  const auto refused_unasked = [](std::string id, std::string title, wire::BindingStatus status, bool home_expires,
                                  bool care_of_expires) {
    return correspondent_case(std::move(id), std::move(title), "9.5.1, 9.5.4, 5.2.7",
                              [=](CorrespondentBench& bench) {
                                Update update = bench.prepared();
                                bench.wait(242s);
                                if (!home_expires) update.home = bench.home_test();
                                if (!care_of_expires) update.care_of = bench.care_of_test();
                                update.flags = 0;
                                bench.refuse(update, status);
                              });
  };
  return {"The A bit",
          {correspondent_case("CN-2-5-1", "A = 0: taken without an answer", "9.5.4",
                              [](CorrespondentBench& bench) {
                                Update update = bench.prepared();
                                update.flags = 0;
                                bench.ignore(update, "an update with A = 0");
                                bench.probe_answered();
                              }),
           correspondent_case("CN-2-5-2", "A = 0 and an old sequence number: answered all the same", "9.5.1, 9.5.4",
                              [](CorrespondentBench& bench) {
                                Update update = bench.bound(105, 10'000);
                                update.flags = 0;
                                bench.refuse(update, SequenceNumberOutOfWindow, 10'000);
                              }),
           refused_unasked("CN-2-5-3", "A = 0 and an expired home nonce", ExpiredHomeNonceIndex, true, false),
           refused_unasked("CN-2-5-4", "A = 0 and an expired care-of nonce", ExpiredCareOfNonceIndex, false, true),
           refused_unasked("CN-2-5-5", "A = 0 and both nonces expired", ExpiredNonces, true, true)}};
}

}  // namespace mipflow::conformance
