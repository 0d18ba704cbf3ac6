// SPDX-License-Identifier: GPL-3.0-or-later
// What RFC 6275 asks for and the suite does not look at.
#include "conformance/harness/message.hpp"
#include "conformance/home_agent/bench.hpp"
#include "conformance/home_agent/groups.hpp"

namespace mipflow::conformance::home {

namespace {

using enum wire::BindingStatus;

constexpr Duration kUnit = 4s;

// RFC 6275 §10.3.2: what is remembered of a binding that was deleted.
void late_update(HomeAgentBench& bench) {
  bench.registers();
  Update deletion = Update{}.deletion_at_home(false);
  deletion.sequence = 17;
  bench.accept(deletion);
  bench.wait(5s);
  bench.refuse({.sequence = 16}, SequenceNumberOutOfWindow, 17);
  require(!bench.node.answers_for(kHome), "the home address is intercepted again");
}
void later_update(HomeAgentBench& bench) {
  bench.registers();
  Update deletion = Update{}.deletion_at_home(false);
  deletion.sequence = 17;
  bench.accept(deletion);
  bench.wait(10s);
  bench.mobile_node.addresses.clear();
  bench.accept({.sequence = 16});
}
void new_update(HomeAgentBench& bench) {
  bench.registers();
  Update deletion = Update{}.deletion_at_home(false);
  deletion.sequence = 17;
  bench.accept(deletion);
  bench.wait(4s);
  bench.announcements(kHome);
  bench.mobile_node.addresses.clear();
  bench.accept({.source = kCareOf2, .sequence = 18});
  require(bench.announcements(kHome) > 0 && bench.node.answers_for(kHome), "interception did not begin again");
  bench.saw("NA");
}

struct Token {
  std::uint16_t index = 0;
  std::uint64_t value = 0;
};
// What the home agent, as a correspondent node, answers to an Init; `tunnel`: the care-of address of a tunnel it goes through.
Token token(HomeAgentBench& bench, std::uint8_t type, const Address& source, std::optional<Address> tunnel = std::nullopt) {
  const Bytes packet = MobilityHeader(type, test_init_data(1)).packet({.source = source, .destination = kHomeAgent});
  bench.send(tunnel ? wire::encapsulate(packet, *tunnel, kHomeAgent) : packet);
  const Bytes answer = bench.only_answer("the answer to an Init", 100ms);
  const auto view = wire::parse_packet(answer);
  const Bytes inner(view->payload.begin(), view->payload.end());
  const Bytes& test = view->protocol == kProtocolIpv6 ? inner : answer;
  if (type == kHomeTestInit) {
    const auto message = message_in<wire::HomeTest>(test, "HoT");
    return {message.home_nonce_index, message.home_keygen_token};
  }
  const auto message = message_in<wire::CareOfTest>(test, "CoT");
  return {message.care_of_nonce_index, message.care_of_keygen_token};
}

Bytes correspondent_update(const Address& home_address, const Address& care_of_address, std::uint16_t sequence,
                           const Token& home, const Token& care_of) {
  return MobilityHeader(kBindingUpdate, binding_update_data(sequence, kAcknowledge, 105))
      .nonce_indices(home.index, care_of.index)
      .authorization(binding_management_key(home.value, care_of.value), care_of_address, kHomeAgent)
      .packet({.source = care_of_address, .destination = kHomeAgent, .home_address_option = home_address});
}
std::uint16_t answer_to(HomeAgentBench& bench, const Bytes& update) {
  bench.send(update);
  const Bytes packet = bench.only_answer("a BA", 100ms);
  return static_cast<std::uint16_t>(message_in<wire::BindingAcknowledgement>(packet, "a BA").status);
}

// The home agent is a correspondent node too, but not of a mobile node whose home address it serves.
void another_kind(HomeAgentBench& bench) {
  bench.registers();
  const Token home = token(bench, kHomeTestInit, kHome, kCareOf1), care_of = token(bench, kCareOfTestInit, kCareOf1);
  const auto status = answer_to(bench, correspondent_update(kHome, kCareOf1, 16, home, care_of));
  require(status == static_cast<std::uint16_t>(RegistrationTypeChangeDisallowed), "wanted BA 139, got " + std::to_string(status));
  bench.saw("BA 139");
  bench.probe_answered();
}

void correspondents_do_not_evict(HomeAgentBench& bench) {
  bench.registers();
  unsigned accepted = 0;
  for (std::uint8_t number = 1; number <= 3; ++number) {
    Address home_address = *Address::parse("2001:db8:300::100");
    home_address.octets.back() = number;
    Address care_of_address = kCareOf2;
    care_of_address.octets.back() = number;
    const Token home = token(bench, kHomeTestInit, home_address), care_of = token(bench, kCareOfTestInit, care_of_address);
    if (answer_to(bench, correspondent_update(home_address, care_of_address, 1, home, care_of)) == 0) ++accepted;
  }
  require(accepted > 0, "no correspondent registration was accepted");
  bench.probe_answered();
}

void no_unicast_care_of_address(HomeAgentBench& bench) {
  for (const char* alternate : {"ff0e::1:2", "::", "fe80::10"}) {
    bench.ignore({.alternate = *Address::parse(alternate)}, std::string("an Alternate Care-of Address ") + alternate);
    bench.probe_refused();
  }
}
void unknown_option(HomeAgentBench& bench) {
  bench.accept({.unknown_option = true});
  bench.probe_answered();
}
void more_padding(HomeAgentBench& bench) {
  bench.accept({.padding = 8});
  bench.accept({.sequence = 16, .padding = 16});
  bench.probe_answered();
}
// Unauthenticated, at a home agent that takes such ones, so that the option alone is wrong.
void overrun(HomeAgentBench& bench) {
  bench.ignore({.authentication = Update::Authentication::Missing, .overrunning_option = true}, "an option that is too long");
  bench.probe_refused();
  bench.accept({.authentication = Update::Authentication::Missing});
}
void deprecated(HomeAgentBench& bench) {
  bench.send(Update{});
  bench.expect_acknowledgement({}, AcceptedPrefixDiscoveryNecessary);
}
void prefix_ends(HomeAgentBench& bench) {
  const TimePoint end = bench.clock.now() + 200s;
  bench.send(Update{});
  bench.expect_acknowledgement({}, AcceptedPrefixDiscoveryNecessary);
  bench.wait_until(end - 5s);
  bench.probe_answered();
  bench.wait_until(end);
  bench.probe_refused();
  require(!bench.node.answers_for(kHome), "the home address is still intercepted");
}
void without_option(HomeAgentBench& bench) {
  Update update{.source = kHome, .home_address_option = false};
  bench.ignore(update, "a registration without Home Address option");
  bench.probe_refused();
}
void unknown_type(HomeAgentBench& bench) {
  bench.send(Update{.type = kUnassignedType});
  bench.expect_binding_error(wire::BindingErrorStatus::UnrecognizedMobilityType, kCareOf1, kHome);
}
void plain_traffic(HomeAgentBench& bench) {
  bench.registers();
  bench.send(simulation::encode(bench.echo(kCareOf1, kHomeAgent)));
  const Bytes packet = bench.only_answer("a plain Echo Reply", 100ms);
  const auto view = wire::parse_packet(packet);
  const auto reply = simulation::decode_echo(packet);
  require(reply && reply->reply && view->destination == kCareOf1 && !view->routing_header_home_address,
          "wanted a plain Echo Reply, got " + describe(packet));
  bench.saw("plain reply");
}
void somebody_elses_home_address(HomeAgentBench& bench) {
  bench.registers();
  bench.registers({.home_address = kHome2, .source = kCareOf2});
  bench.reverse_tunnelled(kCareOf2, simulation::encode(bench.echo(kHome2, kCorrespondent)));
  bench.reverse_tunnel_refused(kCareOf1, simulation::encode(bench.echo(kHome2, kCorrespondent)));
}
void shorter_by_configuration(HomeAgentBench& bench) {
  const auto granted = bench.accept({}).lifetime_units;
  require(granted == 60, "wanted 60 units, got " + std::to_string(granted));
  const TimePoint end = bench.last_arrival + granted * kUnit;
  bench.wait_until(end - 1s);
  bench.probe_answered();
  bench.wait_until(end);
  bench.probe_refused();
}
void no_room(HomeAgentBench& bench) {
  bench.registers();
  bench.refuse({.home_address = kHome2, .source = kCareOf2}, InsufficientResources);
  bench.probe_answered();
}

}  // namespace

std::vector<Group> further_cases() {
  Group group{"Further cases", {}};
  const auto add = [&](const char* id, const char* title, const char* section, void (*run)(HomeAgentBench&), Change change = {}) {
    group.cases.push_back(home_agent_case(id, title, section, Link::Real, run, {}, std::move(change)));
  };
  const auto both = [&](const std::string& id, const char* title, const char* section, void (*run)(HomeAgentBench&),
                        const Change& change = {}) { add_twins(group, id, id + "-V", title, section, run, change); };
  add("X-HA-01", "a Binding Update that was late, behind a de-registration", "10.3.2, 12", late_update);
  add("X-HA-02", "ten seconds later nothing is remembered", "10.3.2, 9.5.1", later_update);
  add("X-HA-03", "a new registration before that", "10.3.2, 10.4.1", new_update);
  both("X-HA-04", "a correspondent registration of a home address that is registered here", "9.5.1", another_kind);
  both("X-HA-05", "an Alternate Care-of Address that is not unicast routable", "6.1.7", no_unicast_care_of_address);
  both("X-HA-06", "an unknown mobility option is skipped", "6.1.7, 6.2.1", unknown_option);
  both("X-HA-07", "a Header Len above what is needed", "9.2, 6.2.3", more_padding);
  both("X-HA-08", "an option that runs past the header", "6.2.1", overrun, without_keys);
  both("X-HA-09", "the home prefix will be deprecated", "10.3.1", deprecated, [](home_agent::Configuration& configuration) {
    configuration.home_prefixes.front().preferred_lifetime = 60s;
  });
  both("X-HA-10", "the home prefix ends", "10.3.1", prefix_ends, [](home_agent::Configuration& configuration) {
    auto& prefix = configuration.home_prefixes.front();
    prefix.valid_lifetime = 200s;
    prefix.preferred_lifetime = 200s;
    prefix.lifetimes_count_down = true;
  });
  add("X-HA-11", "a registration without Home Address option", "10.3.1", without_option);
  both("X-HA-12", "correspondent registrations do not displace it", "10.3.1, 9.6", correspondents_do_not_evict,
       [](home_agent::Configuration& configuration) { configuration.correspondent_node.binding_cache_capacity = 2; });
  group.cases.push_back(not_applicable("X-HA-16", "Neighbor Discovery without type 2 routing header", "9.3.2",
                                       "Towards home and care-of addresses it is the kernel's; routing headers are put on on the device "
                                       "mip0 only, which does none"));
  group.cases.push_back(not_applicable("X-HA-17", "no Redirect for packets that are intercepted", "10.4.1, 10.4.2",
                                       "Redirects are the kernel's; it sends such packets to the device mip0, another link than any they "
                                       "came by"));
  group.cases.push_back(not_applicable("X-HA-18", "multicast by scope", "10.4.2, 10.4.3",
                                       "Multicast is tunnelled only by home agents with membership control (§10.4.2), a SHOULD (§8.4) that "
                                       "mipflow does not have. That none is tunnelled: `tests/datapath/home_agent_programs_test.cpp`"));
  both("X-HA-19", "a Mobility Header of unknown type behind a Home Address option", "9.3.1, 9.2, 9.3.3", unknown_type);
  both("X-HA-20", "traffic to the care-of address goes plainly", "9.3.2", plain_traffic);
  group.cases.push_back(not_applicable("X-HA-21", "a packet too big for the tunnel", "10.4.2",
                                       "The sizes of packets are the data path's: `tests/datapath/home_agent_programs_test.cpp`"));
  both("X-HA-22", "reverse tunnel with the home address of another mobile node", "10.4.5", somebody_elses_home_address);
  both("X-HA-23", "the home agent grants less than asked", "10.3.1", shorter_by_configuration,
       [](home_agent::Configuration& configuration) { configuration.longest_binding_lifetime = 240s; });
  both("X-HA-24", "no room", "10.3.1", no_room,
       [](home_agent::Configuration& configuration) { configuration.binding_cache_capacity = 1; });
  return {group};
}

}  // namespace mipflow::conformance::home
