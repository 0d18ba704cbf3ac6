// SPDX-License-Identifier: GPL-3.0-or-later
// What the tester says to what the home agent sends.
#include <algorithm>

#include "conformance/harness/message.hpp"
#include "conformance/home_agent/bench.hpp"

namespace mipflow::conformance::home {

namespace {

constexpr Duration kAnswerTime = 100ms;         // there and back
constexpr Duration kRegistrationTime = 1500ms;  // that and duplicate address detection
constexpr Duration kSilence = 2s;

std::string number(wire::BindingStatus status) { return std::to_string(static_cast<unsigned>(status)); }

}  // namespace

Bytes HomeAgentBench::only_answer(const std::string& wanted, Duration within) {
  auto packets = take(within);
  require(packets.size() == 1, "wanted " + wanted + ", got " + describe(packets));
  return packets.front();
}

void HomeAgentBench::expect_silence(const std::string& after) {
  const auto packets = take(kSilence);
  require(packets.empty() && mobile_node.received.empty(),
          "wanted silence after " + after + ", got " + describe(packets) + " and at home " + describe(mobile_node.received));
  saw("silence");
}

wire::BindingAcknowledgement HomeAgentBench::expect_acknowledgement(const Update& update, wire::BindingStatus status,
                                                                    std::optional<std::uint16_t> sequence) {
  const std::string wanted = "BA " + number(status) + " to " + to_string(update.source);
  auto packets = take(kRegistrationTime);
  if (update.from_home()) {
    require(packets.empty(), "wanted " + wanted + " on the home link, got " + describe(packets));
    packets = std::exchange(mobile_node.received, {});
  }
  require(packets.size() == 1, "wanted " + wanted + ", got " + describe(packets));
  const auto message = message_in<wire::BindingAcknowledgement>(packets.front(), wanted);
  const auto view = wire::parse_packet(packets.front());
  const std::string got = ", got " + describe(packets);
  require(message.status == status, "wanted " + wanted + got);
  require(view->source == kHomeAgent && view->destination == update.source && !view->home_address_option, "wanted " + wanted + got);
  require(view->routing_header_home_address == (update.from_home() ? std::nullopt : std::optional(update.home_address)),
          std::string("wanted a BA ") + (update.from_home() ? "without" : "with") + " type 2 routing header" + got);
  require(message.sequence == sequence.value_or(update.sequence),
          "wanted sequence number " + std::to_string(sequence.value_or(update.sequence)) + got);
  require(!message.key_management_mobility_capability, "wanted K = 0" + got);
  if (wire::accepts(status))
    require(message.lifetime_units <= update.lifetime && (message.lifetime_units == 0) == (update.lifetime == 0),
            "wanted a lifetime of at most " + std::to_string(update.lifetime) + " units" + got);
  if (const auto* advice = wire::find_option<wire::BindingRefreshAdvice>(message.options))
    require(advice->interval_units < message.lifetime_units, "the Binding Refresh Advice is not shorter than the lifetime" + got);
  if (update.authentication != Update::Authentication::Missing)
    require(is_authenticated(view->payload, kSpi, key_of(update.home_address), update.care_of_address(), update.home_address),
            "the MN-HA authentication option is missing or wrong" + got);
  saw("BA " + number(status));
  return message;
}

void HomeAgentBench::expect_parameter_problem(const Address& to, std::uint32_t pointer) {
  const std::string wanted = "Parameter Problem code 0 pointer " + std::to_string(pointer) + " to " + to_string(to);
  auto packets = take(kSilence);
  if (to == kHome) {
    require(packets.empty(), "wanted " + wanted + " on the home link, got " + describe(packets));
    packets = std::exchange(mobile_node.received, {});
  }
  require(packets.size() == 1, "wanted " + wanted + ", got " + describe(packets));
  const auto message = message_in<wire::Icmpv6Error>(packets.front(), wanted);
  const auto view = wire::parse_packet(packets.front());
  require(message.type == wire::kIcmpv6ParameterProblem && message.code == 0 && message.parameter == pointer &&
              view->destination == to && !view->routing_header_home_address && !view->home_address_option,
          "wanted " + wanted + ", got " + describe(packets));
  saw("Parameter Problem at " + std::to_string(pointer));
}

void HomeAgentBench::expect_binding_error(wire::BindingErrorStatus status, const Address& to, const Address& home_address) {
  const std::string wanted =
      "BE " + std::to_string(static_cast<unsigned>(status)) + " for " + to_string(home_address) + " to " + to_string(to);
  auto packets = take(kAnswerTime);
  if (to == kHome) {
    require(packets.empty(), "wanted " + wanted + " on the home link, got " + describe(packets));
    packets = std::exchange(mobile_node.received, {});
  }
  require(packets.size() == 1, "wanted " + wanted + ", got " + describe(packets));
  const auto message = message_in<wire::BindingError>(packets.front(), wanted);
  const auto view = wire::parse_packet(packets.front());
  require(message.status == status && message.home_address == home_address && view->source == kHomeAgent &&
              view->destination == to && !view->routing_header_home_address && !view->home_address_option,
          "wanted " + wanted + ", got " + describe(packets));
  saw("BE " + std::to_string(static_cast<unsigned>(status)));
}

wire::BindingAcknowledgement HomeAgentBench::registers(const Update& update) {
  wire::BindingAcknowledgement out;
  quietly([&] { out = accept(update); });
  return out;
}

wire::BindingAcknowledgement HomeAgentBench::accept(const Update& update) {
  send(update);
  return expect_acknowledgement(update, wire::BindingStatus::Accepted);
}

void HomeAgentBench::refuse(const Update& update, wire::BindingStatus status, std::optional<std::uint16_t> sequence) {
  send(update);
  expect_acknowledgement(update, status, sequence);
}

void HomeAgentBench::ignore(const Update& update, const std::string& what) {
  send(update);
  expect_silence(what);
}

void HomeAgentBench::probe_answered(const Address& care_of_address, const Address& home_address) {
  const auto asked = echo(home_address, kHomeAgent);
  const Bytes plain = simulation::encode(asked);
  const wire::Envelope envelope{.source = care_of_address, .destination = kHomeAgent, .home_address_option = home_address};
  send(wire::build_packet_around(envelope, kProtocolIcmpv6, wire::parse_packet(plain)->payload));
  const std::string wanted = "an Echo Reply to " + to_string(home_address) + " by way of " + to_string(care_of_address);
  const Bytes packet = only_answer(wanted, kAnswerTime);
  const auto view = wire::parse_packet(packet);
  const bool tunnelled = view->protocol == kProtocolIpv6;
  const auto reply = simulation::decode_echo(tunnelled ? view->payload : BytesView(packet));
  require(reply && reply->reply && reply->sequence == asked.sequence && reply->source == kHomeAgent &&
              reply->destination == home_address && view->source == kHomeAgent && view->destination == care_of_address &&
              (tunnelled || view->routing_header_home_address == home_address),
          "wanted " + wanted + ", got " + describe(packet));
  saw("probe answered");
}

void HomeAgentBench::probe_refused(const Address& care_of_address, const Address& home_address) {
  const Bytes plain = simulation::encode(echo(home_address, kHomeAgent));
  const wire::Envelope envelope{.source = care_of_address, .destination = kHomeAgent, .home_address_option = home_address};
  send(wire::build_packet_around(envelope, kProtocolIcmpv6, wire::parse_packet(plain)->payload));
  quietly([&] { expect_binding_error(wire::BindingErrorStatus::UnknownBinding, care_of_address, home_address); });
  saw("probe refused");
}

Bytes HomeAgentBench::intercepted(const Address& care_of_address, const Bytes& packet) {
  send(packet);
  const std::string wanted = "the packet in the tunnel to " + to_string(care_of_address);
  Bytes found = only_answer(wanted, kAnswerTime);
  const auto outer = wire::parse_packet(found);
  require(outer->protocol == kProtocolIpv6 && outer->source == kHomeAgent && outer->destination == care_of_address &&
              std::ranges::equal(outer->payload, packet),
          "wanted " + wanted + ", got " + describe(found));
  saw("tunnelled to " + to_string(care_of_address));
  return found;
}

void HomeAgentBench::reverse_tunnelled(const Address& care_of_address, const Bytes& inner) {
  send(wire::encapsulate(inner, care_of_address, kHomeAgent));
  const Bytes packet = only_answer("the packet out of the tunnel", kAnswerTime);
  require(packet == inner, "wanted the packet out of the tunnel as it was sent, got " + describe(packet));
  saw("forwarded from " + to_string(care_of_address));
}

void HomeAgentBench::reverse_tunnel_refused(const Address& care_of_address, const Bytes& inner) {
  send(wire::encapsulate(inner, care_of_address, kHomeAgent));
  for (const auto& packet : take(kAnswerTime))
    require(wire::parse_packet(packet)->destination != kCorrespondent, "a packet was forwarded: " + describe(packet));
  saw("not forwarded from " + to_string(care_of_address));
}

unsigned HomeAgentBench::announcements(const Address& target) {
  unsigned count = 0;
  std::vector<Bytes> others;
  for (const auto& packet : neighbour.heard) {
    const auto decoded = wire::decode_packet(packet);
    const auto* icmpv6 = decoded ? std::get_if<wire::Icmpv6Message>(&decoded->message) : nullptr;
    const auto* advertisement = icmpv6 == nullptr ? nullptr : std::get_if<wire::NeighborAdvertisement>(icmpv6);
    if (advertisement == nullptr || advertisement->target != target) {
      others.push_back(packet);
      continue;
    }
    require(!advertisement->router && !advertisement->solicited && advertisement->override_flag &&
                advertisement->target_link_layer_address == kHomeAgentMac && decoded->view.source == kHomeAgent &&
                !decoded->view.routing_header_home_address,
            "a Neighbor Advertisement about " + to_string(target) + " is not as §10.4.1 wants it: " + describe(packet));
    ++count;
  }
  neighbour.heard = std::move(others);
  return count;
}

void HomeAgentBench::solicitation_answered(const Address& target, Solicitation form) {
  neighbour.heard.clear();
  neighbour.received.clear();
  solicit(target, form);
  wait(kAnswerTime);
  const bool detection = form == Solicitation::Detection;
  const auto& place = detection ? neighbour.heard : neighbour.received;
  require(place.size() == 1, "wanted a Neighbor Advertisement about " + to_string(target) + ", got " + describe(place));
  const auto answer = message_in<wire::NeighborAdvertisement>(place.front(), "a Neighbor Advertisement");
  require(answer.target == target && !answer.router && answer.solicited == !detection && !answer.override_flag &&
              answer.target_link_layer_address == kHomeAgentMac,
          "the Neighbor Advertisement is not a proxy's: " + describe(place));
  saw("NA");
}

void HomeAgentBench::solicitation_ignored(const Address& target, Solicitation form) {
  neighbour.heard.clear();
  neighbour.received.clear();
  solicit(target, form);
  wait(kSilence);
  require(neighbour.heard.empty() && neighbour.received.empty(),
          "wanted no Neighbor Advertisement about " + to_string(target) + ", got " + describe(neighbour.heard) + "; " +
              describe(neighbour.received));
  saw("no NA");
}

}  // namespace mipflow::conformance::home
