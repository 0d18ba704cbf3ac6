// SPDX-License-Identifier: GPL-3.0-or-later
// What the tester says to what the mobile node sends.
#include "conformance/mobile_node/bench.hpp"

namespace mipflow::conformance::mobile {

Found<wire::HomeTestInit> MobileBench::expect_home_test_init(Duration within, const Address& correspondent) {
  const auto found = next<wire::HomeTestInit>(within, [&](const Found<wire::HomeTestInit>& it) {
    return it.seen.view().destination == correspondent;
  });
  require(found.has_value(), "wanted a HoTI, got " + rest());
  const auto view = found->seen.view();
  const std::string got = ", got " + found->seen.text();
  require(found->seen.tunnel == std::pair(care_of_, kHomeAgent),
          "wanted the HoTI in the tunnel from " + to_string(care_of_) + " to the home agent" + got);
  require(view.source == kHome && !view.home_address_option && !view.routing_header_home_address,
          "wanted a HoTI from the home address without further headers" + got);
  saw("HoTI");
  return *found;
}

Found<wire::CareOfTestInit> MobileBench::expect_care_of_test_init(Duration within, const Address& correspondent) {
  const auto found = next<wire::CareOfTestInit>(within, [&](const Found<wire::CareOfTestInit>& it) {
    return it.seen.view().destination == correspondent;
  });
  require(found.has_value(), "wanted a CoTI, got " + rest());
  const auto view = found->seen.view();
  const std::string got = ", got " + found->seen.text();
  require(!found->seen.tunnel && view.source == care_of_,
          "wanted the CoTI straight from " + to_string(care_of_) + got);
  require(!view.home_address_option && !view.routing_header_home_address, "wanted a CoTI without further headers" + got);
  saw("CoTI");
  return *found;
}

Found<wire::BindingUpdate> MobileBench::expect_update(Duration within, bool lifetime_zero) {
  const auto found = next<wire::BindingUpdate>(within, [&](const Found<wire::BindingUpdate>& it) {
    return it.seen.view().destination == kCorrespondent && (it.message.lifetime_units == 0) == lifetime_zero;
  });
  require(found.has_value(), std::string("wanted a BU") + (lifetime_zero ? " of lifetime 0" : "") + ", got " + rest());
  const auto view = found->seen.view();
  const auto& update = found->message;
  const std::string got = ", got " + found->seen.text();
  require(!found->seen.tunnel && view.source == care_of_ && view.home_address_option == kHome &&
              !view.routing_header_home_address,
          "wanted a BU from " + to_string(care_of_) + " with the Home Address option" + got);
  require(!update.home_registration && !update.key_management_mobility_capability, "wanted H = 0 and K = 0" + got);
  require(update.lifetime_units <= kLongest, "wanted 420 s at most" + got);
  require(clock.now() + update.lifetime_units * kUnit <= home_registered_until_ + kUnit,
          "the binding would outlive the home registration" + got);
  const auto* indices = wire::find_option<wire::NonceIndices>(update.options);
  require(indices != nullptr && indices->home_nonce_index == home_index_ &&
              indices->care_of_nonce_index == (lifetime_zero ? 0 : care_of_index_),
          "wanted the nonce indices " + std::to_string(home_index_) + " and " +
              std::to_string(lifetime_zero ? 0 : care_of_index_) + got +
              (indices == nullptr ? "" : " with " + std::to_string(indices->home_nonce_index) + " and " + std::to_string(indices->care_of_nonce_index)));
  const auto* alternate = wire::find_option<wire::AlternateCareOfAddress>(update.options);
  require(alternate == nullptr || alternate->care_of_address == (lifetime_zero ? kHome : care_of_),
          "wanted no other alternate care-of address" + got);
  const Bytes key = binding_management_key(home_token_, lifetime_zero ? std::nullopt : std::optional(care_of_token_));
  require(is_authorized(view.payload, key, lifetime_zero ? kHome : care_of_, kCorrespondent),
          "the Binding Authorization Data is not that of the tokens, or not the last option" + got);
  saw(lifetime_zero ? "BU lifetime 0" : "BU");
  return *found;
}

void MobileBench::expect_no_return_routability(Duration during, const std::string& after, const Address& correspondent) {
  const auto init = [&]<class Message>(const Found<Message>& it) { return it.seen.view().destination == correspondent; };
  const TimePoint end = clock.now() + during;
  const auto home = next<wire::HomeTestInit>(during, init);
  require(!home, "a HoTI after " + after);
  const auto care_of = next<wire::CareOfTestInit>(end - clock.now(), init);
  require(!care_of, "a CoTI after " + after);
  saw("no return routability");
}

void MobileBench::expect_no_update(Duration during, const std::string& after) {
  const auto update = next<wire::BindingUpdate>(
      during, [](const Found<wire::BindingUpdate>& it) { return it.seen.view().destination == kCorrespondent; });
  require(!update, "a BU after " + after);
  saw("no BU");
}

Seen MobileBench::expect_datagram(const std::string& wanted) {
  const TimePoint end = clock.now() + 2s;
  do {
    for (auto it = inbox_.begin(); it != inbox_.end(); ++it) {
      const auto datagram = simulation::decode_datagram(it->packet);
      if (!datagram || datagram->number != last_number_) continue;
      const Seen seen = *it;
      inbox_.erase(it);
      return seen;
    }
  } while (clock.run_one(end));
  throw Failed("wanted " + wanted + ", got " + rest());
}

void MobileBench::traffic_is_direct() {
  datagram_by_routing_header();
  const Seen seen = expect_datagram("a direct answer");
  const auto view = seen.view();
  require(!seen.tunnel && view.source == care_of_ && view.destination == kCorrespondent && view.home_address_option == kHome,
          "wanted an answer straight from " + to_string(care_of_) + " with Home Address option, got " + seen.text());
  saw("traffic direct");
}

void MobileBench::traffic_is_tunnelled(const Address& correspondent) {
  datagram_by_tunnel(correspondent);
  const Seen seen = expect_datagram("an answer through the tunnel");
  const auto view = seen.view();
  require(seen.tunnel == std::pair(care_of_, kHomeAgent) && view.source == kHome && view.destination == correspondent &&
              !view.home_address_option,
          "wanted an answer through the tunnel, got " + seen.text());
  saw("traffic tunnelled");
}

void MobileBench::traffic_is_plain() {
  datagram_on_home_link();
  const Seen seen = expect_datagram("an answer without further headers");
  const auto view = seen.view();
  require(!seen.tunnel && view.source == kHome && view.destination == kCorrespondent && !view.home_address_option,
          "wanted an answer straight from the home address without further headers, got " + seen.text());
  saw("traffic plain");
}

void MobileBench::expect_no_datagram(Duration during, const std::string& after) {
  wait(during);
  for (const auto& seen : inbox_) {
    const auto datagram = simulation::decode_datagram(seen.packet);
    require(!datagram || datagram->number != last_number_, "an answer to " + after + ": " + seen.text());
  }
}

Found<wire::BindingError> MobileBench::expect_binding_error() {
  const auto found = next<wire::BindingError>(2s, [](const Found<wire::BindingError>&) { return true; });
  require(found.has_value(), "wanted a Binding Error, got " + rest());
  const auto view = found->seen.view();
  require(!view.home_address_option && !view.routing_header_home_address,
          "wanted a Binding Error without further headers, got " + found->seen.text());
  return *found;
}

Found<wire::Icmpv6Error> MobileBench::expect_icmpv6_error(const std::string& wanted) {
  const auto found = next<wire::Icmpv6Error>(2s, [](const Found<wire::Icmpv6Error>&) { return true; });
  require(found.has_value(), "wanted " + wanted + ", got " + rest());
  const auto view = found->seen.view();
  require(!view.home_address_option && !view.routing_header_home_address,
          "wanted " + wanted + " without further headers, got " + found->seen.text());
  return *found;
}

}  // namespace mipflow::conformance::mobile
