// SPDX-License-Identifier: GPL-3.0-or-later
// Home Test Init and Care-of Test Init, well formed and not.
#include "conformance/correspondent_node/bench.hpp"
#include "conformance/correspondent_node/groups.hpp"

namespace mipflow::conformance {

namespace {

constexpr std::uint64_t kCookie = 0xc001c0de12345678;

// What the two messages do not have in common.
struct Kind {
  std::uint8_t type;
  std::uint8_t answer;
  Address source;
  const char* sections;  // of the message's format
  const char* option_rule;
};

Bytes init_packet(const Kind& kind, MobilityHeader header, std::optional<Address> home_address_option = std::nullopt) {
  return header.packet(
      {.source = kind.source, .destination = kCorrespondent, .home_address_option = home_address_option});
}

std::vector<Case> shared_cases(const Kind& kind, const std::string& first, const std::string& rest) {
  const auto header = [kind](std::uint16_t reserved = 0) {
    return MobilityHeader(kind.type, test_init_data(kCookie, reserved));
  };
  const std::string format = kind.sections;
  return {
      correspondent_case(first, "a Nonce Indices option in it is skipped", format + ", 6.2.1",
                         [=](CorrespondentBench& bench) {
                           bench.test(header().nonce_indices(1, 2), kind.answer, kCookie, kind.source);
                         }),
      correspondent_case(rest + "2", "with a Home Address option", kind.option_rule,
                         [=](CorrespondentBench& bench) {
                           Kind abroad = kind;
                           abroad.source = kCareOf;
                           bench.send(init_packet(abroad, header(), kHome));
                           bench.expect_silence("a test init with a Home Address option");
                         }),
      correspondent_case(rest + "3", "Header Len 0", "9.2, " + format,
                         [=](CorrespondentBench& bench) {
                           bench.send(init_packet(kind, header().cut_short()));
                           bench.expect_parameter_problem(kind.source, 41);
                         }),
      correspondent_case(rest + "4", "reserved fields that are not 0", "6.1.1, " + format,
                         [=](CorrespondentBench& bench) {
                           bench.test(header().reserved(0xff), kind.answer, kCookie, kind.source);
                           bench.test(header(0xffff), kind.answer, kCookie, kind.source);
                         }),
      correspondent_case(rest + "5", "Payload Proto other than 59", "9.2",
                         [=](CorrespondentBench& bench) {
                           bench.send(init_packet(kind, header().payload_proto(0xff)));
                           bench.expect_parameter_problem(kind.source, 40);
                         }),
      correspondent_case(rest + "6", "wrong checksum", "9.2",
                         [=](CorrespondentBench& bench) {
                           bench.send(init_packet(kind, header().wrong_checksum()));
                           bench.expect_silence("a wrong checksum");
                         }),
  };
}

}  // namespace

Group home_test_init_cases() {
  return {"Home Test Init", shared_cases({kHomeTestInit, kHomeTest, kHome, "6.1.3", "9.4.1"}, "CN-2-1-1", "CN-2-1-")};
}

Group care_of_test_init_cases() {
  Group group{"Care-of Test Init",
              shared_cases({kCareOfTestInit, kCareOfTest, kCareOf, "6.1.4", "9.4.2"}, "CN-2-2-1-1", "CN-2-2-")};
  group.cases.insert(group.cases.begin() + 1,
                     correspondent_case("CN-2-2-1-2", "an Alternate Care-of Address option in it is skipped", "6.1.4, 6.2.1",
                                        [](CorrespondentBench& bench) {
                                          auto header = bench.care_of_test_init(kCookie);
                                          bench.test(header.alternate_care_of_address(kCareOf2), kCareOfTest, kCookie, kCareOf);
                                        }));
  return group;
}

}  // namespace mipflow::conformance
