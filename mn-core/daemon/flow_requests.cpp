// SPDX-License-Identifier: GPL-3.0-or-later
// Requests about live flows.
#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>

#include "control_requests.hpp"
#include "mipflow/platform/clock.hpp"
#include "mipflow/platform/control_reply.hpp"

namespace mipflow::mnd {

using platform::refuse;
using platform::reply;
using Reply = platform::ControlServer::Reply;

namespace {

constexpr std::uint64_t kMostSeconds = 1'000'000;  // the node refuses what is too long; more would not fit a Duration

Reply without_flow(const char* request) {
  return refuse("malformed", std::string("the request ") + request + " needs the number of a flow: \"id\":7");
}

Reply unknown_flow(FlowId id) {
  return refuse_command({CommandError::Kind::UnknownFlow,
                         "There is no flow " + std::to_string(id) + "; 'mipflow flow list' shows the live ones."});
}

}  // namespace

std::optional<FlowSnapshot> ControlRequests::find_flow(FlowId id) const {
  const auto explanation = context_.node.explain(id, platform::read_clock());
  return explanation ? std::optional(explanation->flow) : std::nullopt;
}

Reply ControlRequests::flow(const Request& request, const Peer&) {
  const auto id = request.number("id");
  if (!id) return without_flow("flow");
  const auto found = find_flow(*id);
  if (!found) return unknown_flow(*id);
  return [flow = *found] { return platform::answer(platform::to_json(flow)); };
}

Reply ControlRequests::explain(const Request& request, const Peer&) {
  const auto id = request.number("id");
  if (!id) return without_flow("explain");
  const auto explanation = context_.node.explain(*id, platform::read_clock());
  if (!explanation) return unknown_flow(*id);
  return [explanation = *explanation] { return platform::answer(platform::to_json(explanation)); };
}

Reply ControlRequests::move_flow(const Request& request, const Peer&) {
  const auto id = request.number("id");
  const auto interface = request.text("interface");
  if (!id || !interface) return refuse("malformed", "the request move-flow needs a flow and an interface: \"id\":7,\"interface\":\"wlan0\"");
  const auto moved = command([&](Now now, Outputs& outputs) { return context_.node.move_flow(*id, *interface, now, outputs); });
  if (!moved) return refuse_command(moved.error());
  const auto flow = find_flow(*id);
  return [id = *id, interface = *interface, with = flow ? flow->moves_with : std::vector<FlowId>{}] {
    return platform::answer({{"id", id}, {"interface", interface}, {"moves_with", with}});
  };
}

Reply ControlRequests::try_flow(const Request& request, const Peer&) {
  const auto id = request.number("id");
  const auto interface = request.text("interface");
  const auto seconds = request.number("seconds");
  if (!id || !interface || !seconds)
    return refuse("malformed", "the request try-flow needs a flow, an interface and a time: \"id\":7,\"interface\":\"wlan0\",\"seconds\":10");
  const auto before = find_flow(*id);
  const auto begun = command([&](Now now, Outputs& outputs) {
    return context_.node.try_flow(*id, *interface, std::chrono::seconds{std::min(*seconds, kMostSeconds)},
                                  request.flag("keep_if_better").value_or(false), now, outputs);
  });
  if (!begun) return refuse_command(begun.error());
  return reply({{"id", *id}, {"interface", *interface}, {"from", before ? before->interface : std::string{}}, {"seconds", *seconds}});
}

Reply ControlRequests::keep_flow(const Request& request, const Peer&) {
  const auto id = request.number("id");
  if (!id) return without_flow("keep-flow");
  const auto kept = command([&](Now now, Outputs& outputs) { return context_.node.keep_flow(*id, now, outputs); });
  return kept ? reply({{"id", *id}}) : refuse_command(kept.error());
}

Reply ControlRequests::undo_move(const Request& request, const Peer&) {
  const auto id = request.number("id");
  if (!id && request.has("id")) return without_flow("undo-move");
  const auto undone = command([&](Now now, Outputs& outputs) { return context_.node.undo_move(id, now, outputs); });
  if (!undone) return refuse_command(undone.error());
  const auto flow = find_flow(*undone);
  return reply({{"id", *undone}, {"interface", flow ? flow->interface : std::string{}}});
}

Reply ControlRequests::release_flow(const Request& request, const Peer&) {
  const auto id = request.number("id");
  if (!id) return without_flow("release-flow");
  const auto released = command([&](Now now, Outputs& outputs) { return context_.node.release_flow(*id, now, outputs); });
  return released ? reply({{"id", *id}}) : refuse_command(released.error());
}

}  // namespace mipflow::mnd
