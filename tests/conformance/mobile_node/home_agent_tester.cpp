// SPDX-License-Identifier: GPL-3.0-or-later
#include "conformance/mobile_node/home_agent_tester.hpp"

#include <algorithm>
#include <utility>

namespace mipflow::conformance::mobile {

namespace {

constexpr const char* kIdentifier = "laptop@example.org";
constexpr Duration kTolerance = 20ms;

bool to_home_agent(const Registration& update) { return update.seen.view().destination == kHomeAgent; }

std::uint64_t timestamp_of(const Registration& update) {
  const auto* option = wire::find_option<wire::ReplayProtection>(update.message.options);
  return option == nullptr ? 0 : option->ntp_timestamp;
}

}  // namespace

const Bytes& association_key() {
  static const Bytes out{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};
  return out;
}

mobile_node::Configuration authenticated_configuration() {
  auto out = usual_configuration();
  out.authentication = mobile_node::Authentication::Rfc4285;
  out.security_association = {kIdentifier, kSpi, association_key()};
  return out;
}

void without_route_optimization(mobile_node::Configuration& configuration) { configuration.route_optimization = false; }

HomeAgentTester::HomeAgentTester(MobileBench& bench) : bench_(bench) {
  bench_.judges_home_registrations = true;
  bench_.home_acknowledgement = [this](const Registration& update) { return acknowledgement(update, {}); };
}

// ---- home registrations ----

std::optional<Registration> HomeAgentTester::next(Duration within) { return bench_.next<wire::BindingUpdate>(within, to_home_agent); }

// RFC 6275 §6.1.7, §6.3, §11.7.1; RFC 4285 §4 to §6.
void HomeAgentTester::judge(const Registration& found, const Address& care_of_address) {
  constexpr std::size_t kNextHeader = 6, kExtensionHeader = 40, kFlags = 8;
  constexpr std::uint8_t kDestinationOptions = 60;
  const bool at_home = care_of_address == kHome;
  const auto view = found.seen.view();
  const auto& update = found.message;
  const std::string got = ", got " + found.seen.text();
  require(!found.seen.tunnel && view.source == care_of_address && !view.routing_header_home_address,
          "wanted a home registration straight from " + to_string(care_of_address) + got);
  if (at_home) {
    require(!view.home_address_option || view.home_address_option == kHome, "wanted no other home address" + got);
  } else {
    require(view.home_address_option == kHome && found.seen.packet[kNextHeader] == kDestinationOptions &&
                found.seen.packet[kExtensionHeader] == kProtocolMobilityHeader,
            "wanted the Home Address option in front of the Mobility Header" + got);
  }
  const unsigned flags = static_cast<unsigned>(view.payload[kFlags] << 8 | view.payload[kFlags + 1]);
  require((flags & ~static_cast<unsigned>(kLinkLocalCompatibility)) == (kAcknowledge | kHomeRegistration),
          "wanted A = 1, H = 1, K = 0 and no reserved bit" + got);
  const auto* alternate = wire::find_option<wire::AlternateCareOfAddress>(update.options);
  require(alternate == nullptr ? at_home : alternate->care_of_address == care_of_address,
          "wanted the Alternate Care-of Address to be that of the source" + got);
  require(wire::find_option<wire::NonceIndices>(update.options) == nullptr &&
              wire::find_option<wire::BindingAuthorizationData>(update.options) == nullptr,
          "wanted nothing of return routability" + got);
  const auto* identifier = wire::find_option<wire::MobileNodeIdentifier>(update.options);
  const std::string name = kIdentifier;
  require(identifier != nullptr && identifier->subtype == wire::MobileNodeIdentifier::kNai &&
              std::ranges::equal(identifier->identifier, name),
          "wanted the mobile node's network access identifier" + got);
  require(is_authenticated(view.payload, kSpi, association_key(), care_of_address, kHome),
          "the MN-HA option is wrong, or not the last one" + got);
  require(!last_sequence_ || wire::sequence_is_newer(update.sequence, *last_sequence_), "no newer sequence number" + got);
  require(timestamp_of(found) > last_timestamp_, "no later timestamp" + got);
  last_sequence_ = update.sequence;
  last_timestamp_ = timestamp_of(found);
}

Registration HomeAgentTester::expect(const Address& care_of_address, Duration within) {
  const auto found = next(within);
  require(found.has_value(), "wanted a home registration, got " + bench_.rest());
  judge(*found, care_of_address);
  require(found->message.lifetime_units > 0, "wanted a registration, got a deletion");
  saw("home BU");
  return *found;
}

Registration HomeAgentTester::expect_deregistration(Duration within) {
  const auto found = next(within);
  require(found.has_value(), "wanted a de-registration, got " + bench_.rest());
  judge(*found, kHome);
  require(found->message.lifetime_units == 0, "wanted lifetime 0, got " + found->seen.text());
  saw("home BU lifetime 0 from the home address");
  return *found;
}

void HomeAgentTester::expect_none(Duration during, const std::string& after) {
  const auto found = next(during);
  require(!found, "a home registration after " + after);
  saw("no home BU");
}

std::vector<Registration> HomeAgentTester::expect_repetitions(const Registration& first, Duration first_gap, unsigned count,
                                                              const std::function<void(const Registration&)>& reaction) {
  constexpr Duration kLongestGap = 32s;  // MAX_BINDACK_TIMEOUT
  std::vector<Registration> out{first};
  Duration gap = first_gap;
  for (unsigned i = 0; i < count; ++i, gap = std::min<Duration>(gap * 2, kLongestGap)) {
    reaction(out.back());
    const auto again = next(gap + 2s);
    require(again.has_value(), "the home registration was not sent again; there is " + bench_.rest());
    judge(*again, first.seen.view().source);
    const Duration passed = again->seen.at - out.back().seen.at;
    require(passed > gap - kTolerance && passed < gap + kTolerance,
            "sent again after " + std::to_string(passed / 1ms) + " ms, wanted " + std::to_string(gap / 1ms));
    out.push_back(*again);
  }
  reaction(out.back());
  saw("home BU again, gaps doubling from " + std::to_string(first_gap / 1ms) + " ms");
  return out;
}

Bytes HomeAgentTester::acknowledgement(const Registration& update, const HomeAcknowledgement& answer) const {
  using enum HomeAcknowledgement::Authentication;
  constexpr std::uint8_t kUnassignedOption = 200;
  const auto view = update.seen.view();
  MobilityHeader header(kBindingAcknowledgement,
                        binding_acknowledgement_data(answer.status, answer.sequence.value_or(update.message.sequence),
                                                     answer.lifetime.value_or(update.message.lifetime_units)));
  header.reserved(answer.reserved).payload_proto(answer.payload_proto);
  if (answer.refresh_advice) header.refresh_advice(*answer.refresh_advice);
  if (answer.unknown_option) header.option(kUnassignedOption, {1, 2, 3});
  if (answer.with_timestamp) header.timestamp(answer.timestamp.value_or(timestamp_of(update)));
  if (answer.authentication != Missing) {
    Bytes used = association_key();
    if (answer.authentication == Wrong) used.back() ^= 1;
    header.mobile_node_authentication(kSpi, used, view.source, kHome);
  }
  if (answer.cut_short) header.cut_short();
  if (answer.wrong_checksum) header.wrong_checksum();
  return header.packet({.source = view.destination,
                        .destination = view.source,
                        .routing_header_home_address = view.source == kHome ? std::nullopt : std::optional(kHome)});
}

void HomeAgentTester::acknowledge(const Registration& update, const HomeAcknowledgement& answer) {
  bench_.send(acknowledgement(update, answer));
}

Registration HomeAgentTester::first_update() {
  bench_.appear(kLinkX);
  return expect(kLinkX);
}

Registration HomeAgentTester::registered(const HomeAcknowledgement& answer) {
  return bench_.quietly([&] {
    const auto update = first_update();
    acknowledge(update, answer);
    bench_.wait(100ms);
    require(bench_.node.registered(), "the mobile node is not registered");
    return update;
  });
}

Registration HomeAgentTester::moved() {
  bench_.go(kLinkY);
  const auto update = expect(kLinkY);
  acknowledge(update);
  bench_.wait(100ms);
  return update;
}

void HomeAgentTester::binding_ends_unreachable() {
  registered({.lifetime = 15});
  is_registered();
  bench_.node.cut(kWlan);
  bench_.wait(61s);
  bench_.clear();
}

void HomeAgentTester::is_registered() {
  bench_.datagram_by_routing_header(kHomeAgent);
  const Seen seen = bench_.expect_datagram("an answer to the home agent");
  require(seen.tunnel == std::pair(bench_.care_of_address(), kHomeAgent) && seen.view().source == kHome &&
              seen.view().destination == kHomeAgent,
          "wanted an answer to the home agent through the tunnel, got " + seen.text());
  saw("registered");
}

void HomeAgentTester::is_not_registered() {
  bench_.datagram_by_routing_header(kHomeAgent);
  bench_.datagram_by_tunnel(kHomeAgent);
  bench_.expect_no_datagram(2s, "a packet of the home agent where there is no registration");
  saw("not registered");
}

// ---- cases ----

std::function<void(HomeAgentTester&)> accepted(const HomeAcknowledgement& answer) {
  return [answer](HomeAgentTester& tester) {
    tester.acknowledge(tester.first_update(), answer);
    tester.is_registered();
    tester.expect_none(30s, "its acceptance");
  };
}

std::function<void(HomeAgentTester&)> ignored(const HomeAcknowledgement& wrong) {
  return [wrong](HomeAgentTester& tester) {
    tester.expect_repetitions(tester.first_update(), kFirstGap, 4, [&](const Registration& update) {
      HomeAcknowledgement answer = wrong;
      if (answer.sequence) answer.sequence = static_cast<std::uint16_t>(update.message.sequence + *wrong.sequence);
      tester.acknowledge(update, answer);
    });
    tester.is_not_registered();
  };
}

Case home_case(std::string id, std::string title, std::string section, std::function<void(HomeAgentTester&)> run,
               std::string remark, const std::function<void(mobile_node::Configuration&)>& change) {
  return {std::move(id), std::move(title), std::move(section),
          [run = std::move(run), change](Record& record) {
            auto configuration = authenticated_configuration();
            if (change) change(configuration);
            MobileBench bench(record, 2, std::move(configuration));
            HomeAgentTester tester(bench);
            run(tester);
          },
          std::move(remark)};
}

Case not_applicable(std::string id, std::string title, std::string section, std::string reason) {
  return {std::move(id), std::move(title), std::move(section), {}, std::move(reason)};
}

}  // namespace mipflow::conformance::mobile
