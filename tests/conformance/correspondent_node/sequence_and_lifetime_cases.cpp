// SPDX-License-Identifier: GPL-3.0-or-later
#include "conformance/correspondent_node/bench.hpp"
#include "conformance/correspondent_node/groups.hpp"

namespace mipflow::conformance {

namespace {

constexpr Duration kUnit = 4s;

Case second_sequence(std::string id, std::uint16_t first, std::uint16_t second, bool newer) {
  const std::string title =
      std::to_string(second) + (newer ? " is newer than " : " is not newer than ") + std::to_string(first);
  return correspondent_case(std::move(id), title, newer ? "9.5.1, 6.1.8" : "9.5.1, 9.5.4", [=](CorrespondentBench& bench) {
    Update update = bench.bound(105, first);
    update.sequence = second;
    if (newer)
      bench.accept(update);
    else
      bench.refuse(update, wire::BindingStatus::SequenceNumberOutOfWindow, first);
  });
}

Case first_sequence(std::string id, std::uint16_t sequence) {
  return correspondent_case(std::move(id), "the first one may be " + std::to_string(sequence), "9.5.1",
                            [=](CorrespondentBench& bench) {
                              Update update = bench.prepared();
                              update.sequence = sequence;
                              bench.accept(update);
                            });
}

// A registration for `first` units when that is not 0, then one for `asked`: granted are `granted` units, and the binding
// lives that long from then on and no longer.
Case lifetime(std::string id, std::string title, std::uint16_t first, std::uint16_t asked, std::uint16_t granted) {
  return correspondent_case(
      std::move(id), std::move(title), "9.5.2, 5.2.6, 12, 9.6", [=](CorrespondentBench& bench) {
        Update update = first == 0 ? bench.prepared() : bench.bound(first).again();
        update.lifetime = asked;
        const TimePoint sent_at = bench.clock.now();
        const auto acknowledgement = bench.accept(update);
        require(acknowledgement.lifetime_units == granted, "wanted " + std::to_string(granted) + " units, got " +
                                                               std::to_string(acknowledgement.lifetime_units));
        bench.saw(std::to_string(granted) + " units");
        bench.probe_answered();
        bench.wait_until(sent_at + granted * kUnit - 1s);
        bench.probe_answered();
        bench.wait_until(sent_at + granted * kUnit + 100ms);
        bench.probe_refused();
      });
}

}  // namespace

Group sequence_cases() {
  return {"Sequence numbers",
          {second_sequence("CN-5-1-1-1", 10'000, 10'001, true), second_sequence("CN-5-1-1-2", 10'000, 42'767, true),
           second_sequence("CN-5-1-1-3", 42'768, 0, true), second_sequence("CN-5-1-1-4", 42'768, 9'999, true),
           second_sequence("CN-5-1-2-1", 10'000, 9'999, false), second_sequence("CN-5-1-2-2", 10'000, 10'000, false),
           second_sequence("CN-5-1-2-3", 10'000, 42'768, false), second_sequence("CN-5-1-2-4", 10'000, 0, false),
           first_sequence("CN-5-1-3-1", 0), first_sequence("CN-5-1-3-2", 32'768), first_sequence("CN-5-1-3-3", 65'535)}};
}

Group lifetime_cases() {
  return {"Lifetimes",
          {lifetime("CN-5-2-1", "for ever becomes 420 s", 0, 0xffff, 105),
           lifetime("CN-5-2-2", "a short one is granted", 0, 10, 10),
           lifetime("CN-5-2-3", "one unit more than allowed", 0, 106, 105),
           lifetime("CN-5-2-4", "longer: for ever becomes 420 s", 10, 0xffff, 105),
           lifetime("CN-5-2-5", "shorter", 100, 10, 10), lifetime("CN-5-2-6", "longer", 10, 20, 20),
           lifetime("CN-5-2-7", "longer, by one unit more than allowed", 10, 106, 105),
           correspondent_case("CN-5-2-8", "a refused update makes it no longer", "9.5.2, 5.2.6, 12, 9.6",
                              [](CorrespondentBench& bench) {
                                const TimePoint sent_at = bench.clock.now();
                                Update update = bench.bound(10);
                                update.lifetime = 20;
                                bench.refuse(update, wire::BindingStatus::SequenceNumberOutOfWindow, update.sequence);
                                bench.wait_until(sent_at + 30s);
                                bench.probe_answered();
                                bench.wait_until(sent_at + 42s);
                                bench.probe_refused();
                              })}};
}

}  // namespace mipflow::conformance
