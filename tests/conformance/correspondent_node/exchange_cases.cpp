// SPDX-License-Identifier: GPL-3.0-or-later
#include "conformance/correspondent_node/bench.hpp"
#include "conformance/correspondent_node/groups.hpp"

namespace mipflow::conformance {

Group exchange_cases() {
  return {"The exchange from end to end",
          {correspondent_case("CN-1-1", "return routability with a node that knows nothing yet", "9.3.1, 9.3.3, 9.4.1–9.4.4",
                              [](CorrespondentBench& bench) {
                                bench.answered_at_home();
                                bench.probe_refused();
                                bench.care_of_test();
                                bench.home_test();
                              }),
           correspondent_case("CN-1-2", "the Binding Update behind it is taken and acknowledged", "9.5.1, 9.5.2, 9.5.4, 6.1.8",
                              [](CorrespondentBench& bench) { bench.accept(bench.prepared()); }),
           correspondent_case("CN-1-3", "both directions go straight", "9.3.1, 9.3.2", [](CorrespondentBench& bench) {
             bench.bound();
             bench.answered_by_routing_header(kHome, kCareOf);
             bench.probe_answered();
           })}};
}

Group unknown_type_cases() {
  const auto unknown = [](const Address& source, std::optional<Address> home_address_option) {
    const Bytes data = home_address_option ? binding_update_data(1, kAcknowledge, 105) : test_init_data(1);
    return MobilityHeader(kUnassignedType, data)
        .packet({.source = source, .destination = kCorrespondent, .home_address_option = home_address_option});
  };
  return {"Unknown types, several addresses",
          {correspondent_case("CN-2-4-1", "a Mobility Header type that nobody assigned", "9.2, 9.3.3",
                              [unknown](CorrespondentBench& bench) {
                                using enum wire::BindingErrorStatus;
                                bench.send(unknown(kHome, std::nullopt));
                                bench.expect_binding_error(UnrecognizedMobilityType, kHome, Address{});
                                bench.send(unknown(kMulticast, std::nullopt));
                                bench.expect_silence("one from a multicast source");
                                bench.send(unknown(kCareOf, kHome));
                                bench.expect_binding_error(UnrecognizedMobilityType, kCareOf, kHome);
                              }),
           correspondent_case("CN-2-4-2", "each address of the node answers tests for itself", "9.4.3, 9.4.4",
                              [](CorrespondentBench& bench) {
                                std::uint64_t cookie = 7;
                                for (const auto& own : {kCorrespondent, kCorrespondent2}) {
                                  bench.test(bench.home_test_init(cookie), kHomeTest, cookie, kHome, own);
                                  ++cookie;
                                  bench.test(bench.care_of_test_init(cookie), kCareOfTest, cookie, kCareOf, own);
                                  ++cookie;
                                }
                              })}};
}

}  // namespace mipflow::conformance
