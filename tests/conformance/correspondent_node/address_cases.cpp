// SPDX-License-Identifier: GPL-3.0-or-later
#include "conformance/correspondent_node/bench.hpp"
#include "conformance/correspondent_node/groups.hpp"

namespace mipflow::conformance {

Group bad_address_cases() {
  const auto registration = [](std::string id, std::string title, std::string section,
                               void (*change)(Update&, const Address&)) {
    return correspondent_case(std::move(id), std::move(title), std::move(section), [change](CorrespondentBench& bench) {
      const Update right = bench.prepared();
      for (const auto& bad : {kMulticast, kLinkLocal}) {
        Update update = right;
        change(update, bad);
        bench.ignore(update, "the address " + to_string(bad));
      }
      bench.probe_refused();
    });
  };
  const auto deletion = [](std::string id, std::string title, std::string section,
                           void (*change)(Update&, const Address&)) {
    return correspondent_case(std::move(id), std::move(title), std::move(section), [change](CorrespondentBench& bench) {
      const Update right = bench.deletion(bench.bound(), true);
      for (const auto& bad : {kMulticast, kLinkLocal}) {
        Update update = right;
        change(update, bad);
        bench.ignore(update, "the address " + to_string(bad));
      }
      bench.probe_answered();
    });
  };
  return {"Addresses that can not be",
          {registration("CN-2-6-1", "registration from a multicast, from a link-local source", "6.1.7, 9.5.4",
                        [](Update& update, const Address& bad) { update.source = bad; }),
           registration("CN-2-6-2", "multicast, link-local home address", "9.5.1, 9.3.1",
                        [](Update& update, const Address& bad) { update.home_address = bad; }),
           registration("CN-2-6-3", "multicast, link-local Alternate Care-of Address", "6.1.7",
                        [](Update& update, const Address& bad) { update.alternate = bad; }),
           deletion("CN-2-6-4", "de-registration without Home Address option from such sources", "9.5.1, 9.5.4",
                    [](Update& update, const Address& bad) {
                      update.source = bad;
                      update.home_address_option = false;
                    }),
           deletion("CN-2-6-5", "de-registration with such an Alternate Care-of Address", "6.1.7",
                    [](Update& update, const Address& bad) { update.alternate = bad; })}};
}

Group alternate_address_cases() {
  return {"Alternate care-of address",
          {correspondent_case("CN-3-1-1", "another than the source: the binding goes there, the answer to the source",
                              "9.5.1, 9.5.4, 5.2.6",
                              [](CorrespondentBench& bench) {
                                Update update = bench.prepared(kHome, kCareOf2);
                                update.source = kCareOf;
                                update.alternate = kCareOf2;
                                bench.accept(update);
                                bench.answered_by_routing_header(kHome, kCareOf2);
                              }),
           correspondent_case("CN-3-1-2", "the same as the source", "9.5.1, 9.5.4", [](CorrespondentBench& bench) {
             Update update = bench.prepared();
             update.alternate = kCareOf;
             bench.accept(update);
             bench.probe_answered();
           })}};
}

}  // namespace mipflow::conformance
