// SPDX-License-Identifier: GPL-3.0-or-later
#include "reachability.hpp"

#include <algorithm>
#include <chrono>

#include "mipflow/wire/echo.hpp"

namespace mipflow::mobile_node {

Reachability::Reachability(const Address& home_agent, RandomSource& random)
    : home_agent_(home_agent), random_(random), identifier_(random.next_u16()), sequence_(random.next_u16()) {}

void Reachability::set_home_agent(const Address& home_agent) {
  if (home_agent == home_agent_) return;
  home_agent_ = home_agent;
  paths_.clear();
  ever_answered_ = ever_acknowledged_ = false;
}

void Reachability::set_paths(const std::vector<CareOf>& usable, TimePoint now) {
  std::erase_if(paths_, [&](const auto& item) {
    return std::find(usable.begin(), usable.end(), item.second.probed.care_of()) == usable.end();
  });
  if (home_agent_.is_unspecified()) return;
  for (const auto& care_of : usable) paths_.try_emplace(care_of.interface, Path{.probed = ProbedPath(care_of, now)});
  set_intervals(now);
  judge();
}

void Reachability::traffic(InterfaceIndex interface, std::uint64_t packets_out, std::uint64_t packets_in, TimePoint last,
                           TimePoint now) {
  traffic_at_ = std::max(traffic_at_, last);
  if (busy_ != is_busy(now)) set_intervals(now);
  const auto found = paths_.find(interface);
  if (found == paths_.end()) return;
  Path& path = found->second;
  if (packets_in > 0) path.unanswered = 0;
  if (packets_in > 0 || packets_out == 0) return;
  if (path.unanswered == 0) path.unanswered_since = now;
  path.unanswered += packets_out;
  if (path.unanswered < kSuspiciousPackets || now < path.unanswered_since + kSuspiciousTime) return;
  suspect(path, now);
  path.unanswered = 0;
}

void Reachability::set_intervals(TimePoint now) {
  busy_ = is_busy(now);
  for (auto& [index, path] : paths_)
    path.probed.set_interval(busy_ && !answers_none() ? ProbedPath::kBusyInterval : ProbedPath::kIdleInterval);
}

void Reachability::suspect(Path& path, TimePoint now) {
  if (answers_none() || path.probed.failing() || path.probed.proven_since(path.unanswered_since)) return;
  if (now < path.suspected_at + kSuspicionInterval) return;
  path.suspected_at = now;
  path.probed.probe_now(now);
}

void Reachability::acknowledged(const CareOf& care_of, TimePoint now) {
  ever_acknowledged_ = true;
  const auto found = paths_.find(care_of.interface);
  if (found != paths_.end() && found->second.probed.care_of() == care_of) found->second.probed.acknowledged(now);
  set_intervals(now);
  judge();
}

bool Reachability::receive(const PacketReceived& packet, TimePoint now) {
  const auto view = wire::parse_packet(packet.packet);
  const auto echo = view ? wire::decode_echo(*view) : std::nullopt;
  if (!echo || !echo->reply) return false;
  const auto found = paths_.find(packet.interface);
  if (found == paths_.end() || packet.tunnel_source || view->logical_source() != home_agent_ ||
      view->logical_destination() != found->second.probed.care_of().address || echo->identifier != identifier_)
    return true;
  if (!found->second.probed.answered(echo->sequence, echo->data, now)) return true;
  ever_answered_ = true;
  set_intervals(now);
  judge();
  return true;
}

void Reachability::on_deadline(TimePoint now, Outputs& outputs) {
  if (busy_ != is_busy(now)) set_intervals(now);
  for (auto& [index, path] : paths_)
    if (path.probed.on_deadline(now) && !answers_none()) ask_the_others(path, now);
  for (auto& [index, path] : paths_) {
    if (!path.probed.is_due(now)) continue;
    const auto& probe = path.probed.send(++sequence_, random_, answers_none(), now);
    const wire::Echo echo{.identifier = identifier_, .sequence = probe.sequence, .data = {probe.payload.begin(), probe.payload.end()}};
    outputs.packets.push_back(
        {.packet = wire::build_packet({.source = path.probed.care_of().address, .destination = home_agent_}, echo), .interface = index});
  }
  judge();
}

TimePoint Reachability::next_deadline() const {
  TimePoint next = kNever;
  for (const auto& [index, path] : paths_) next = std::min(next, path.probed.next_deadline());
  return next;
}

void Reachability::ask_the_others(const Path& doubtful, TimePoint now) {
  if (doubtful.probed.proven_since(doubtful.probed.failing_since())) return;
  for (auto& [index, path] : paths_)
    if (&path != &doubtful && !path.probed.failing() && !path.probed.proven_since(doubtful.probed.failing_since()))
      path.probed.probe_now(now);
}

void Reachability::judge() {
  for (auto& [index, path] : paths_) path.online = judge(path);
}

std::optional<bool> Reachability::judge(const Path& path) const {
  if (answers_none()) return std::nullopt;
  if (!path.probed.failing()) return path.probed.ever_proven() ? std::optional(true) : std::nullopt;
  if (path.probed.drops_probes()) return true;
  const bool may_be_the_home_agent = std::any_of(paths_.begin(), paths_.end(), [&](const auto& other) {
    return other.second.probed.undecided(path.probed.failing_since());
  });
  return may_be_the_home_agent ? path.online : std::optional(false);
}

Reachability::Measured Reachability::measured(InterfaceIndex interface) const {
  const auto found = paths_.find(interface);
  if (found == paths_.end()) return {};
  Measured out{.online = found->second.online, .round_trip = found->second.probed.round_trip(), .loss = found->second.probed.loss()};
  // A microsecond more or less is no news.
  using TenthOfMillisecond = std::chrono::duration<std::int64_t, std::ratio<1, 10'000>>;
  if (out.round_trip) out.round_trip = std::chrono::round<TenthOfMillisecond>(*out.round_trip);
  if (answers_none()) out.loss.reset();
  return out;
}

}  // namespace mipflow::mobile_node
