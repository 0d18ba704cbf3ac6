// SPDX-License-Identifier: GPL-3.0-or-later
// Mobile prefix discovery. Solicitations are plain, which the home agent has to be told to accept: RFC 4285 does not cover ICMPv6.
#include "conformance/harness/message.hpp"
#include "conformance/home_agent/bench.hpp"
#include "conformance/home_agent/groups.hpp"

namespace mipflow::conformance::home {

namespace {

constexpr std::uint16_t kIdentifier = 0x1234;
constexpr Duration kUnit = 4s;

void plain_solicitations(home_agent::Configuration& configuration) { configuration.accept_unauthenticated_insecure = true; }

Bytes solicitation(std::uint16_t reserved, bool home_address_option) {
  Bytes message = wire::encode(wire::MobilePrefixSolicitation{kIdentifier}, home_address_option ? kHome : kCareOf1, kHomeAgent);
  constexpr std::size_t kChecksum = 2, kReserved = 6;
  const unsigned sum = static_cast<unsigned>(message[kChecksum] << 8 | message[kChecksum + 1]) - reserved;
  message[kChecksum] = static_cast<std::uint8_t>(sum >> 8);
  message[kChecksum + 1] = static_cast<std::uint8_t>(sum);
  message[kReserved + 1] = static_cast<std::uint8_t>(reserved);
  return wire::build_packet_around({.source = kCareOf1,
                                    .destination = kHomeAgent,
                                    .home_address_option = home_address_option ? std::optional(kHome) : std::nullopt},
                                   kProtocolIcmpv6, message);
}

wire::MobilePrefixAdvertisement advertisement_in(const Bytes& packet) {
  const std::string wanted = "a Mobile Prefix Advertisement by way of " + to_string(kCareOf1);
  const auto message = message_in<wire::MobilePrefixAdvertisement>(packet, wanted);
  const auto view = wire::parse_packet(packet);
  require(view->source == kHomeAgent && view->destination == kCareOf1 && view->routing_header_home_address == kHome,
          "wanted " + wanted + ", got " + describe(packet));
  require(!message.managed_address_configuration && !message.other_stateful_configuration, "M or O is set");
  require(!message.prefixes.empty(), "it tells no prefix");
  for (const auto& prefix : message.prefixes)
    require(prefix.prefix_length == 64 && prefix.on_link && prefix.autonomous && prefix.router_address,
            "a prefix option is not as it should be");
  return message;
}

wire::MobilePrefixAdvertisement answered(HomeAgentBench& bench, std::uint16_t reserved) {
  bench.send(solicitation(reserved, true));
  const auto message = advertisement_in(bench.only_answer("a Mobile Prefix Advertisement", 100ms));
  require(message.identifier == kIdentifier, "it has another identifier than the solicitation");
  bench.saw("MPA");
  return message;
}

void at_once(HomeAgentBench& bench) {
  bench.registers();
  answered(bench, 0);
}
void reserved_bits(HomeAgentBench& bench) {
  bench.registers();
  answered(bench, 1);
}
void as_long_as_the_binding(HomeAgentBench& bench) {
  const auto granted = bench.registers({.lifetime = 0xffff});
  const auto message = answered(bench, 0);
  require(std::chrono::seconds{message.prefixes.front().valid_lifetime} >= granted.lifetime_units * kUnit,
          "the prefix is valid for less time than the binding was granted");
  bench.saw("the prefix outlives the binding");
}
void unbound(HomeAgentBench& bench) {
  bench.send(solicitation(0, true));
  bench.expect_binding_error(wire::BindingErrorStatus::UnknownBinding, kCareOf1, kHome);
}

void without_option(HomeAgentBench& bench) {
  bench.registers();
  bench.send(solicitation(0, false));
  bench.expect_silence("a solicitation without Home Address option");
}

void change_the_prefix(HomeAgentBench& bench) {
  home_agent::Configuration changed = bench.node.configuration();
  changed.home_prefixes.front().valid_lifetime = 86400s;
  bench.node.configure(std::move(changed));
}

// The times between the advertisements that come of themselves within `during`, to the second.
std::vector<long> gaps(HomeAgentBench& bench, Duration during, const std::function<void()>& at_the_second = {}) {
  std::vector<TimePoint> times;
  for (const TimePoint end = bench.clock.now() + during; bench.clock.now() < end;)
    for (const Bytes& packet : bench.take(100ms)) {
      advertisement_in(packet);
      times.push_back(bench.clock.now());
      if (times.size() == 2 && at_the_second) at_the_second();
    }
  std::vector<long> out;
  for (std::size_t i = 1; i < times.size(); ++i)
    out.push_back(std::chrono::round<std::chrono::seconds>(times[i] - times[i - 1]).count());
  require(!times.empty(), "no advertisement came of itself");
  return out;
}

// MaxMobPfxAdvInterval is a day: the change is told within that, and this is behind its repeats.
constexpr Duration kLongEnough = 24h + 1h;

void unsolicited(HomeAgentBench& bench) {
  bench.registers({.lifetime = 0xffff});
  change_the_prefix(bench);
  const auto times = gaps(bench, kLongEnough);
  require(times == std::vector<long>{3, 6, 12},
          "wanted repeats after 3, 6 and 12 s, got " + std::to_string(times.size()) + " repeats");
  bench.saw("MPA ×4, 3, 6 and 12 s apart");
}

// §10.6.2: neither an answer nor a binding that is gone leaves a repeat behind.
void no_repeat_behind(HomeAgentBench& bench, const std::function<void()>& end) {
  bench.registers({.lifetime = 0xffff});
  change_the_prefix(bench);
  const auto times = gaps(bench, kLongEnough, end);
  require(times == std::vector<long>{3}, "wanted one repeat and no more, got " + std::to_string(times.size()));
  bench.saw("MPA ×2");
}
void acknowledged(HomeAgentBench& bench) {
  no_repeat_behind(bench, [&] {
    bench.wait(1s);  // no more than one a second
    answered(bench, 0);
  });
}
void binding_ends(HomeAgentBench& bench) {
  no_repeat_behind(bench, [&] { bench.accept(Update{}.deletion()); });
}

}  // namespace

std::vector<Group> prefix_cases() {
  Group group{"Mobile prefix discovery", {}};
  const auto add = [&](const char* real_id, const char* virtual_id, const char* title, const char* section,
                       void (*run)(HomeAgentBench&)) {
    add_twins(group, real_id, virtual_id, title, section, run, plain_solicitations);
  };
  add("HA_8_1_1", "HA_8_1_2", "a solicitation is answered at once", "10.6.2, 10.6.3, 6.8", at_once);
  add("HA_8_1_15", "HA_8_1_16", "reserved bits", "6.7", reserved_bits);
  add("HA_8_1_7", "HA_8_1_8", "the prefix is valid as long as the binding", "10.6.4, 10.3.1", as_long_as_the_binding);
  add("HA_8_1_3", "HA_8_1_4", "without a binding", "9.3.1, 9.3.3", unbound);
  add("X-HA-13", "X-HA-13-V", "without Home Address option", "6.7, 10.6.2", without_option);
  add("X-HA-14", "X-HA-14-V", "a change is told and repeated", "10.6.2, 10.6.3, 12", unsolicited);
  add("X-HA-14-2", "X-HA-14-2-V", "and not again behind a solicitation", "10.6.2", acknowledged);
  add("X-HA-15", "X-HA-15-V", "and not again behind the end of the binding", "10.6.2", binding_ends);
  return {group};
}

}  // namespace mipflow::conformance::home
