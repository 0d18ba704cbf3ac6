// SPDX-License-Identifier: GPL-3.0-or-later
#include "sharing/sharing.hpp"

#include <utility>

namespace mipflow::home_agent {

namespace {

std::uint64_t new_session(RandomSource& random) {
  std::uint64_t session = 0;
  while (session == 0) session = random.next_u64();
  return session;
}

}  // namespace

Sharing::Sharing(Parts parts, const PersistedLoadSharing& restored, Now now)
    : configuration_(parts.configuration),
      own_{parts.home_agent_address, parts.configuration.port, new_session(parts.random)},
      primary_({parts.configuration, own_, parts.interception, counters_}, restored.delegations, now),
      secondary_({parts.configuration, own_, parts.interception, parts.tunnels, counters_, std::move(parts.is_bound_here),
                  std::move(parts.is_own_address)},
                 restored.forwardings, now) {}

void Sharing::handle(const ForwardingMessageReceived& received, Now now, Outputs& outputs) {
  const auto is_it = [&](const PrimaryAgent& agent) { return agent.address == received.source; };
  if (primary_.is_secondary(received.source))
    primary_.handle(received.source, received.message, now, outputs);
  else if (std::ranges::any_of(configuration_.primaries, is_it))
    secondary_.handle(received.source, received.message, now, outputs);
  else
    ++counters_.dropped_stranger;
}

void Sharing::handle(const TunnelActivity& activity, Now now, Outputs& outputs) {
  primary_.handle(activity, now, outputs);
  secondary_.handle(activity, now, outputs);
}

void Sharing::apply_configuration(const Address& home_agent_address, Now now, Outputs& outputs) {
  own_.address = home_agent_address;
  own_.port = configuration_.port;
  primary_.apply_configuration(now, outputs);
  secondary_.apply_configuration(now, outputs);
}

void Sharing::on_deadline(Now now, Outputs& outputs) {
  primary_.on_deadline(now, outputs);
  secondary_.on_deadline(now, outputs);
}

PersistedLoadSharing Sharing::persisted(Now now) const { return {primary_.persisted(), secondary_.persisted(now)}; }

void Sharing::clear_changed() {
  primary_.clear_changed();
  secondary_.clear_changed();
}

}  // namespace mipflow::home_agent
