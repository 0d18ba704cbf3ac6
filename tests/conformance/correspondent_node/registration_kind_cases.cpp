// SPDX-License-Identifier: GPL-3.0-or-later
// The H bit, replays, several mobile nodes.
#include "conformance/correspondent_node/bench.hpp"
#include "conformance/correspondent_node/groups.hpp"
#include "conformance/harness/describe.hpp"

namespace mipflow::conformance {

namespace {

using enum wire::BindingStatus;

// As to a home agent: H, no Nonce Indices, no Binding Authorization Data.
Update to_home_agent(Update update) {
  update.flags |= kHomeRegistration;
  update.nonce_indices = false;
  update.authorization = Update::Authorization::Missing;
  return update;
}

void lifetime_is_unchanged(CorrespondentBench& bench) {
  bench.wait(5s);  // longer than the unit that the refused update asked for
  bench.probe_answered();
}

void circular(CorrespondentBench& bench) {
  bench.bound();
  Update back = bench.prepared(kCareOf, kHome);
  bench.send(back);
  const auto packets = bench.take(2s, false);
  require(packets.size() <= 1, "one update makes more than one packet: " + describe(packets));
  bench.saw(packets.empty() ? "silence" : "one answer");
  bench.probe(kHome, kCareOf);
  require(bench.take(2s, false).size() <= 1, "an Echo Request makes more than one packet");
  bench.care_of_test(kCareOf2);
}

}  // namespace

Group home_registration_bit_cases() {
  return {"The H bit",
          {correspondent_case("CN-5-3-1", "home registration at a node that is no home agent", "9.5.1, 10.3.1",
                              [](CorrespondentBench& bench) {
                                bench.refuse(to_home_agent(bench.prepared()), HomeRegistrationNotSupported);
                                bench.probe_refused();
                              }),
           correspondent_case("CN-5-3-2", "refresh of a correspondent registration as a home registration", "9.5.1",
                              [](CorrespondentBench& bench) {
                                Update refresh = to_home_agent(bench.bound().again());
                                refresh.lifetime = 1;
                                bench.refuse(refresh, RegistrationTypeChangeDisallowed);
                                lifetime_is_unchanged(bench);
                              }),
           correspondent_case("CN-5-3-3", "deletion of a correspondent registration as a home registration", "9.5.1",
                              [](CorrespondentBench& bench) {
                                const Update deletion = to_home_agent(bench.deletion_at_home(bench.bound(), true));
                                bench.refuse(deletion, RegistrationTypeChangeDisallowed);
                                bench.answered_by_routing_header(kHome, kCareOf);
                              }),
           correspondent_case("CN-5-3-4", "H with Nonce Indices, no binding", "9.5.1",
                              [](CorrespondentBench& bench) {
                                Update update = bench.prepared();
                                update.flags |= kHomeRegistration;
                                bench.ignore(update, "H with Nonce Indices");
                                bench.probe_refused();
                              }),
           correspondent_case("CN-5-3-5", "H with Nonce Indices, refresh", "9.5.1",
                              [](CorrespondentBench& bench) {
                                const auto last = bench.bound().sequence;
                                Update refresh = bench.prepared();
                                refresh.sequence = static_cast<std::uint16_t>(last + 1);
                                refresh.flags |= kHomeRegistration;
                                refresh.lifetime = 1;
                                bench.send(refresh);
                                bench.expect_silence_or_acknowledgement(refresh, RegistrationTypeChangeDisallowed);
                                lifetime_is_unchanged(bench);
                              }),
           correspondent_case("CN-5-3-6", "H with Nonce Indices, deletion", "9.5.1", [](CorrespondentBench& bench) {
             Update deletion = bench.deletion_at_home(bench.bound(), true);
             deletion.flags |= kHomeRegistration;
             bench.send(deletion);
             bench.expect_silence_or_acknowledgement(deletion, RegistrationTypeChangeDisallowed);
             bench.answered_by_routing_header(kHome, kCareOf);
           })}};
}

Group replay_cases() {
  return {"Replay, circles, several mobile nodes",
          {correspondent_case("CN-5-4-1", "the update of a deleted binding comes again", "9.5.3, 5.2.8",
                              [](CorrespondentBench& bench) {
                                const Update first = bench.bound(105, 10'000);
                                Update deletion = bench.deletion(first, false);
                                deletion.alternate = kHome;
                                bench.accept(deletion);
                                bench.probe_refused();
                                bench.send(first);
                                const auto packets = bench.take(2s, false);
                                for (const auto& packet : packets) {
                                  const auto decoded = wire::decode_packet(packet);
                                  const auto* mobility = std::get_if<wire::MobilityMessage>(&decoded->message);
                                  const auto* answer = mobility == nullptr
                                                           ? nullptr
                                                           : std::get_if<wire::BindingAcknowledgement>(mobility);
                                  require(answer != nullptr && !wire::accepts(answer->status),
                                          "a replayed update must not be accepted, got " + describe(packet));
                                }
                                bench.saw(packets.empty() ? "silence" : "refused");
                                bench.probe_refused();
                              }),
           correspondent_case("CN-5-4-2", "two bindings that point at each other", "6.1.7 of RFC 3775", circular,
                              "RFC 3775 forbade it, RFC 6275 does not know the rule. Judged: one packet makes at most one "
                              "packet, and the node goes on answering"),
           correspondent_case("CN-5-4-3", "two mobile nodes at a time", "9.1", [](CorrespondentBench& bench) {
             bench.bound(105, 1, kHome, kCareOf);
             bench.bound(105, 1, kHome2, kCareOf2);
             bench.probe_answered(kHome, kCareOf);
             bench.probe_answered(kHome2, kCareOf2);
           })}};
}

}  // namespace mipflow::conformance
