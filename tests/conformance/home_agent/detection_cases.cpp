// SPDX-License-Identifier: GPL-3.0-or-later
// Duplicate Address Detection on behalf of the mobile node.
#include "conformance/harness/message.hpp"
#include "conformance/home_agent/bench.hpp"
#include "conformance/home_agent/groups.hpp"

namespace mipflow::conformance::home {

namespace {

using enum wire::BindingStatus;

constexpr std::uint16_t kFlags = kAcknowledge | kHomeRegistration;
constexpr Duration kDetection = 1s;  // RetransTimer

// Solicitations of Duplicate Address Detection for the target that the neighbour heard.
unsigned probes(const HomeAgentBench& bench, const Address& target) {
  unsigned count = 0;
  for (const Bytes& packet : bench.heard()) {
    const auto decoded = wire::decode_packet(packet);
    const auto* icmpv6 = decoded ? std::get_if<wire::Icmpv6Message>(&decoded->message) : nullptr;
    const auto* solicitation = icmpv6 == nullptr ? nullptr : std::get_if<wire::NeighborSolicitation>(icmpv6);
    if (solicitation == nullptr || solicitation->target != target) continue;
    const auto& view = decoded->view;
    require(view.source.is_unspecified() && view.destination == solicited_node_multicast(target) &&
                !solicitation->source_link_layer_address && !view.routing_header_home_address,
            "a Neighbor Solicitation is none of Duplicate Address Detection: " + describe(packet));
    ++count;
  }
  return count;
}

void nobody_else(HomeAgentBench& bench, bool compatible) {
  const TimePoint sent_at = bench.clock.now();
  bench.accept({.flags = static_cast<std::uint16_t>(compatible ? kFlags | kLinkLocalCompatibility : kFlags)});
  require(bench.last_arrival - sent_at >= kDetection, "the acknowledgement did not wait for Duplicate Address Detection");
  require(probes(bench, kHome) == 1, "wanted a solicitation for the home address, heard " + describe(bench.heard()));
  require(probes(bench, kHomeLinkLocal) == (compatible ? 1u : 0u),
          "solicitations for the link-local address: " + describe(bench.heard()));
  bench.saw(compatible ? "NS for home address and link-local address" : "NS for the home address");
  bench.probe_answered();
}

void unrelated(HomeAgentBench& bench) {
  const Update update;
  bench.send(update);
  bench.wait(kDetection / 2);
  const Address all_nodes = *Address::parse("ff02::1");
  bench.node.home_link.from_neighbour(
      bench.neighbour, wire::build_packet({.source = kHomeLinkLocal, .destination = all_nodes},
                                          wire::NeighborAdvertisement{.override_flag = true,
                                                                      .target = kHomeLinkLocal,
                                                                      .target_link_layer_address = kNeighbourMac}));
  bench.expect_acknowledgement(update, Accepted);
  bench.probe_answered();
}

struct Conflict {
  const char* id;
  bool acknowledge;
  bool compatible;
  const Address& on;
};

void conflict(HomeAgentBench& bench, const Conflict& row) {
  bench.neighbour.addresses.insert(row.on);
  const auto flags = static_cast<std::uint16_t>((row.acknowledge ? kAcknowledge : 0) | kHomeRegistration |
                                                (row.compatible ? kLinkLocalCompatibility : 0));
  bench.refuse({.flags = flags}, DuplicateAddressDetectionFailed);
  bench.probe_refused();
  bench.wait(5s);
  for (const Address& target : {kHome, kHomeLinkLocal}) {
    require(!bench.node.answers_for(target), "the home agent answers for " + to_string(target));
    require(bench.announcements(target) == 0, "the home agent announced " + to_string(target));
  }
  bench.saw("no proxy");
}

}  // namespace

std::vector<Group> detection_cases() {
  Group free{"Duplicate address detection, no duplicate", {}};
  free.cases.push_back(home_agent_case("HA_2_3_1", "for the home address", "10.3.1", Link::Real,
                                       [](HomeAgentBench& bench) { nobody_else(bench, false); }));
  free.cases.push_back(home_agent_case("HA_2_3_2", "with L for the link-local address too", "10.3.1", Link::Real,
                                       [](HomeAgentBench& bench) { nobody_else(bench, true); }));
  free.cases.push_back(home_agent_case("HA_2_3_3", "without L the link-local address is nobody's business", "10.3.1", Link::Real,
                                       unrelated));

  Group taken{"Duplicate address detection, a duplicate", {}};
  const Conflict rows[] = {{"HA_2_4_1", true, false, kHome},
                           {"HA_2_4_4", false, false, kHome},
                           {"HA_2_4_2", true, true, kHome},
                           {"HA_2_4_5", false, true, kHome},
                           {"HA_2_4_3", true, true, kHomeLinkLocal},
                           {"HA_2_4_6", false, true, kHomeLinkLocal}};
  for (const Conflict& row : rows)
    taken.cases.push_back(home_agent_case(row.id,
                                          std::string(&row.on == &kHome ? "of the home address" : "of the link-local address") +
                                              ", A = " + (row.acknowledge ? "1" : "0") + ", L = " + (row.compatible ? "1" : "0"),
                                          "10.3.1", Link::Real, [row](HomeAgentBench& bench) { conflict(bench, row); }));
  return {free, taken};
}

}  // namespace mipflow::conformance::home
