// SPDX-License-Identifier: GPL-3.0-or-later
#include "application_requests.hpp"

#include <algorithm>
#include <vector>

#include "control_requests.hpp"
#include "mipflow/flow-separator/policy.hpp"
#include "mipflow/platform/clock.hpp"
#include "mipflow/platform/control_reply.hpp"

namespace mipflow::mnd {

using flow_separator::Policy;
using flow_separator::PolicyClass;
using flow_separator::PolicyLayer;
using flow_separator::Selectable;
using platform::ControlRequest;
using platform::FlowWish;
using platform::refuse;
using platform::reply;
using Reply = platform::ControlServer::Reply;

namespace {

constexpr auto kSweepInterval = std::chrono::seconds{5};

std::string listed(const std::vector<std::string>& names) {
  std::string out;
  for (const auto& name : names) out += (out.empty() ? "" : ", ") + name;
  return out;
}

// As users name it: classes of users and of the network have a word in front that no file writes.
std::string short_name(const PolicyClass& policy_class) {
  const bool has_prefix = policy_class.layer == PolicyLayer::User || policy_class.layer == PolicyLayer::Network;
  return has_prefix ? policy_class.name.substr(policy_class.name.find(':') + 1) : policy_class.name;
}

std::vector<std::string> classes_for(const Policy& policy, uid_t user) {
  std::vector<std::string> out;
  for (const auto& each : policy.classes())
    if (each.selectable != Selectable::No && (!each.user || *each.user == user)) out.push_back(short_name(each));
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

std::optional<Reply> objection_to_class(const Policy& policy, const std::string& name, uid_t user) {
  const auto possible = classes_for(policy, user);
  if (std::binary_search(possible.begin(), possible.end(), name)) return std::nullopt;
  const std::string others =
      possible.empty() ? "; no class of the policy says selectable = true" : "; those that may be asked for: " + listed(possible);
  if (policy.find(name) != nullptr)
    return refuse("not-permitted", "the class '" + name + "' of the policy can not be asked for: it does not say selectable = true" + others);
  return refuse("unknown-class", "the policy has no class '" + name + "'" + others);
}

std::optional<Reply> objection_to_interface(const std::vector<InterfaceSnapshot>& interfaces, const std::string& name) {
  std::vector<std::string> names;
  for (const auto& each : interfaces) {
    if (each.name == name) return std::nullopt;
    names.push_back(each.name);
  }
  return refuse("unknown-interface", "there is no interface '" + name + "'" + (names.empty() ? std::string() : "; there is " + listed(names)));
}

std::optional<std::uint16_t> port_in(const ControlRequest& request, const char* parameter) {
  const auto number = request.number(parameter);
  if (!number || *number > 0xffff) return std::nullopt;
  return static_cast<std::uint16_t>(*number);
}

std::optional<Address> address_in(const ControlRequest& request, const char* parameter) {
  const auto text = request.text(parameter);
  return text ? Address::parse(*text) : std::nullopt;
}

// Of a connected socket; nullopt when one of the parameters is missing or no TCP or UDP flow.
std::optional<FlowKey> key_in(const ControlRequest& request) {
  const auto protocol = request.text("protocol");
  const auto source = address_in(request, "source"), correspondent = address_in(request, "correspondent");
  const auto source_port = port_in(request, "source_port"), correspondent_port = port_in(request, "correspondent_port");
  if (!protocol || (*protocol != "tcp" && *protocol != "udp") || !source || !correspondent || !source_port || !correspondent_port)
    return std::nullopt;
  return FlowKey{*source, *correspondent, *source_port, *correspondent_port, *protocol == "tcp" ? kProtocolTcp : kProtocolUdp};
}

Reply refuse_key(const char* request) {
  return refuse("malformed", std::string("the request ") + request +
                                 " needs a connected socket: \"protocol\":\"udp\",\"source\":\"2001:db8:1::1\",\"source_port\":4711,"
                                 "\"correspondent\":\"2001:db8:2::2\",\"correspondent_port\":5060");
}

Reply refuse_unknown_flow() {
  return refuse("unknown-flow", "the socket has no flow that mipflow knows; one begins with the first packet that leaves by it");
}

}  // namespace

ApplicationRequests::ApplicationRequests(boost::asio::io_context& loop, const MobileNode& node, const platform::Helpers& helpers, Hooks hooks)
    : node_(node), hooks_(std::move(hooks)), groups_(helpers.program_groups), holders_(helpers.socket_holders), sweep_timer_(loop) {
  // Without it nobody's sockets can be told from another's, and the requests that need it say so.
  if (auto opened = platform::SocketDiagnosis::open()) diagnosis_.emplace(std::move(*opened));
  if (!groups_->empty()) sweep_later();
}

std::optional<Reply> ApplicationRequests::handle(const ControlRequest& request, const Peer& peer) {
  if (request.name() == "run") return run(request, peer);
  if (request.name() == "mark-socket") return mark_socket(request, peer);
  if (request.name() == "socket-flow") return socket_flow(request);
  if (request.name() == "move-socket") return move_socket(request, peer);
  return std::nullopt;
}

std::optional<FlowWish> ApplicationRequests::wish_in(const ControlRequest& request, const Peer& peer, std::optional<Reply>& refusal) const {
  const FlowWish wish{request.text("class").value_or(""), request.text("interface").value_or("")};
  if (!wish.policy_class.empty()) refusal = objection_to_class(*node_.policy(), wish.policy_class, peer.user);
  if (!refusal && !wish.interface.empty()) refusal = objection_to_interface(node_.interfaces(platform::read_clock()), wish.interface);
  if (refusal) return std::nullopt;
  return wish;
}

Reply ApplicationRequests::run(const ControlRequest& request, const Peer& peer) {
  std::optional<Reply> refusal;
  const auto wish = wish_in(request, peer, refusal);
  if (!wish) return *refusal;
  if (wish->empty()) return refuse("malformed", "the request run needs a class or an interface: \"class\":\"voice\" or \"interface\":\"wlan0\"");
  if (peer.process == 0)
    return refuse("not-possible", "your process is in a process namespace that mipflow-mnd can not see; run the program outside of the container");
  sweep_later();
  return [groups = groups_, holders = holders_, process = peer.process, wish = *wish] {
    // When we may not see it, the benefit of the doubt.
    if (!holders->is_in_our_network(process).value_or(true))
      return platform::error_answer("not-possible",
                                    "your process has another network than mipflow-mnd (a container or a network namespace), so its flows are none of mipflow's");
    const auto group = groups->put_into_new_group(process, wish, holders->cgroup_of(process));
    return group ? platform::answer({{"group", *group}}) : platform::error_answer("not-possible", group.error().message);
  };
}

// An application may have been told its flow's home address as its own (cgroup/getsockname6): the key gets what the socket has.
std::optional<platform::SocketFacts> ApplicationRequests::socket_of(FlowKey& key, std::uint64_t cookie) {
  if (!diagnosis_) return std::nullopt;
  auto found = diagnosis_->find(key);
  if (found && found->cookie == cookie) return found;
  found = diagnosis_->find_by_cookie(key.protocol, key.source_port, cookie);
  if (found && !found->local.is_unspecified()) key.source = found->local;
  return found;
}

Reply ApplicationRequests::mark_socket(const ControlRequest& request, const Peer& peer) {
  const auto cookie = request.number("cookie");
  if (!cookie) return refuse("malformed", "the request mark-socket needs the number that SO_COOKIE gives: \"cookie\":4711");
  std::optional<Reply> refusal;
  auto wish = wish_in(request, peer, refusal);
  if (!wish) return *refusal;
  // One that is not bound yet can not be seen from outside: then its user is looked at when a flow of it begins.
  std::uint32_t user = peer.user;
  auto key = key_in(request);
  if (const auto socket = key ? socket_of(*key, *cookie) : std::nullopt) {
    if (peer.user != 0 && socket->user != peer.user) return refuse("not-permitted", "the socket belongs to another user");
    user = socket->user;
  }
  // What the request does not name stays.
  const auto before = marks_.find(*cookie, user);
  if (!request.text("class")) wish->policy_class = before.policy_class;
  if (!request.text("interface")) wish->interface = before.interface;
  marks_.set(*cookie, user, *wish);
  if (key) hooks_.look_up_again(*key);
  return reply({{"class", wish->policy_class}, {"interface", wish->interface}});
}

Reply ApplicationRequests::socket_flow(const ControlRequest& request) {
  auto key = key_in(request);
  if (!key) return refuse_key("socket-flow");
  if (const auto cookie = request.number("cookie")) socket_of(*key, *cookie);
  const auto flow = node_.find_flow(*key, platform::read_clock());
  if (!flow) return refuse_unknown_flow();
  return [flow = *flow] { return platform::answer(platform::to_json(flow)); };
}

Reply ApplicationRequests::move_socket(const ControlRequest& request, const Peer& peer) {
  auto key = key_in(request);
  if (!key) return refuse_key("move-socket");
  const auto cookie = request.number("cookie");
  const auto interface = request.text("interface");
  if (!cookie || !interface) return refuse("malformed", "the request move-socket needs a cookie and an interface: \"cookie\":4711,\"interface\":\"wlan0\"");
  const auto socket = socket_of(*key, *cookie);
  if (!socket) return refuse("not-possible", "there is no socket with these addresses and this cookie");
  if (peer.user != 0 && socket->user != peer.user) return refuse("not-permitted", "the socket belongs to another user");
  const auto flow = node_.find_flow(*key, platform::read_clock());
  if (!flow) return refuse_unknown_flow();
  if (const auto moved = hooks_.move_flow(flow->id, *interface); !moved) return refuse_command(moved.error());
  return reply({{"id", flow->id}, {"interface", *interface}});
}

void ApplicationRequests::sweep_later() {
  sweep_timer_.expires_after(kSweepInterval);
  sweep_timer_.async_wait([this](const boost::system::error_code& error) {
    if (error) return;
    groups_->remove_empty();
    if (!groups_->empty()) sweep_later();
  });
}

}  // namespace mipflow::mnd
