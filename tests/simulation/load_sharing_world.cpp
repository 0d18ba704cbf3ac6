// SPDX-License-Identifier: GPL-3.0-or-later
#include "simulation/load_sharing_world.hpp"

#include <algorithm>
#include <utility>

#include "mipflow/wire/packet.hpp"

namespace mipflow::simulation {

using namespace home_agent;
using namespace std::chrono_literals;

namespace {

constexpr InterfaceIndex kHomeInterface = 2;
const Prefix kHomePrefix = *Prefix::parse("2001:db8:100::/64");

}  // namespace

// ---- a node ----

void SharingNode::start(bool with_disk, Now now) {
  if (!with_disk) disk_ = {};
  plan_ = {};
  defence_ = std::make_unique<NeighbourDefence>(plan_);
  interception_ = std::make_unique<Interception>(plan_, *defence_);
  interception_->set_home_link(link_);
  tunnels_ = std::make_unique<Tunnels>(plan_);
  sharing_ = std::make_unique<Sharing>(
      Sharing::Parts{configuration, address_, *interception_, *tunnels_, random_, [](const Address&) { return false; },
                     [this](const Address& address) { return address == address_; }},
      disk_, now);
}

void SharingNode::crash() {
  sharing_.reset();
  plan_ = {};
}

void SharingNode::write(Now now) {
  if (!sharing_->changed()) return;
  disk_ = sharing_->persisted(now);
  sharing_->clear_changed();
}

// ---- the world ----

SharingWorld::SharingWorld(std::uint64_t seed, std::vector<std::string>* trace) : random_(seed), trace_(trace) {
  const std::size_t secondaries = 2 + below(2);
  LoadSharing common;
  common.heartbeat = between(50ms, 150ms);
  common.dead_after = 5 * common.heartbeat;
  common.retransmission = between(20ms, 60ms);
  common.linger = between(200ms, 2s);
  common.rest = between(500ms, 3s);
  common.division = static_cast<Division>(below(3));
  common.answer = static_cast<AnswerMoment>(below(2));
  common.own_weight = static_cast<unsigned>(below(3));
  common.tunnel_from_primary = chance(0.7);
  common.load_threshold = 100;

  const HomeLink link = chance(0.5) ? HomeLink{kHomeInterface, {2, 0, 0, 0, 0, 1}, {}} : HomeLink{};
  for (std::size_t node = 0; node <= secondaries; ++node) {
    nodes_.push_back(std::make_unique<SharingNode>(with_last("2001:db8:100::", static_cast<std::uint16_t>(node + 1)), link, random_()));
    nodes_.back()->configuration = common;
  }
  const Address& primary = nodes_[kPrimary]->address();
  for (std::size_t node = 1; node <= secondaries; ++node) {
    nodes_[kPrimary]->configuration.secondaries.push_back({std::to_string(node), nodes_[node]->address(), key_of(node), 1});
    const auto capacity = static_cast<std::uint32_t>(chance(0.2) ? 2 : 100);
    nodes_[node]->configuration.primaries = {{"primary", primary, key_of(node), {kHomePrefix}, capacity}};
  }
  const auto home_addresses = static_cast<std::uint16_t>(2 + below(5));
  for (std::uint16_t n = 0; n < home_addresses; ++n) {
    home_addresses_.push_back(with_last("2001:db8:100::", static_cast<std::uint16_t>(0x100 + n)));
    watches_[home_addresses_.back()];
  }
  comes_back_.resize(nodes_.size());
  open_.assign(nodes_.size(), std::vector<bool>(nodes_.size(), true));
  if (chance(0.3)) writes_late_ = 0.4;
  may_forget_ = writes_late_ > 0;
  if (chance(0.5)) dies_in_between_ = 0.004;
  heal_network();
  for (std::size_t node = 0; node < nodes_.size(); ++node) start(node, true);
}

void SharingWorld::note(const std::string& what) {
  if (trace_ == nullptr) return;
  const auto since = std::chrono::duration_cast<std::chrono::microseconds>(now_ - kBegin);
  trace_->push_back(std::to_string(since.count()) + " us: " + what);
}

std::optional<std::string> SharingWorld::run() {
  const std::size_t actions = 10 + below(25);
  for (std::size_t i = 0; i < actions; ++i) {
    act();
    if (auto wrong = check()) return wrong;
    if (auto wrong = run_until(now_ + between(0ms, chance(0.2) ? 1500ms : 150ms))) return wrong;
  }
  return settle();
}

// All comes back, nothing is lost any more, and nobody wants anything.
std::optional<std::string> SharingWorld::settle() {
  note("from here on all is quiet");
  quiet_ = true;
  dies_in_between_ = writes_late_ = 0;
  heal_network();
  for (std::size_t node = 0; node < nodes_.size(); ++node)
    if (!nodes_[node]->is_up()) start(node, true);
  with_all_secondaries();
  constexpr Duration kLongest = 25s;
  const TimePoint end = now_ + kLongest;
  std::optional<std::string> wrong;
  do {
    if (auto trouble = run_until(now_ + 300ms)) return trouble;
    wrong = check_settled();
  } while (wrong && now_ < end);
  if (wrong) return "it does not come to rest: " + *wrong;
  return std::nullopt;
}

std::optional<std::string> SharingWorld::run_until(TimePoint limit) {
  while (step(limit)) {
    ++tally_.events;
    if (trouble_) return trouble_;
    if (auto wrong = check()) return wrong;
  }
  now_ = limit;
  return std::nullopt;
}

bool SharingWorld::step(TimePoint limit) {
  TimePoint next = limit;
  enum class What { Nothing,
                    Delivery,
                    Wake,
                    BindingEnd,
                    Return } what = What::Nothing;
  std::size_t who = 0;
  const auto propose = [&](TimePoint at, What kind, std::size_t index) {
    if (at >= next && !(what == What::Nothing && at == next)) return;
    next = at;
    what = kind;
    who = index;
  };
  if (!messages_.empty()) propose(messages_.top().at, What::Delivery, 0);
  for (std::size_t node = 0; node < nodes_.size(); ++node) {
    propose(std::max(now_, nodes_[node]->next_deadline()), What::Wake, node);
    if (comes_back_[node]) propose(*comes_back_[node], What::Return, node);
  }
  std::size_t place = 0;
  if (nodes_[kPrimary]->is_up())
    for (const auto& [home_address, binding] : bindings_) propose(binding.ends, What::BindingEnd, place++);
  now_ = std::max(now_, std::min(next, limit));
  switch (what) {
    case What::Nothing:
      return false;
    case What::Delivery: {
      const Message message = messages_.top();
      messages_.pop();
      deliver(message);
      break;
    }
    case What::Wake:
      wake(who);
      break;
    case What::BindingEnd: {
      const Address home_address = std::next(bindings_.begin(), static_cast<std::ptrdiff_t>(who))->first;
      note(to_string(home_address) + " expires");
      unbind(home_address);
      break;
    }
    case What::Return:
      start(who, chance(0.6));
      break;
  }
  return true;
}

void SharingWorld::wake(std::size_t node) {
  constexpr unsigned kPatience = 200;
  wakes_at_once_ = last_wake_ == now_ ? wakes_at_once_ + 1 : 0;
  last_wake_ = now_;
  if (wakes_at_once_ > kPatience) trouble_ = name_of(node) + " wants to be woken again and again without time passing";
  Outputs outputs;
  nodes_[node]->sharing().on_deadline(time_of(node), outputs);
  nodes_[node]->tunnels().on_deadline(now_);
  carry_out(node, std::move(outputs));
}

void SharingWorld::deliver(const Message& message) {
  SharingNode& to = *nodes_[message.to];
  if (!to.is_up()) return;
  Outputs outputs;
  to.sharing().on_deadline(time_of(message.to), outputs);
  to.sharing().handle(ForwardingMessageReceived{message.payload, nodes_[message.from]->address()}, time_of(message.to), outputs);
  carry_out(message.to, std::move(outputs));
}

// Sends, and writes; or dies before one, between the two, or in the middle.
void SharingWorld::carry_out(std::size_t node, Outputs outputs) {
  const bool dies = !quiet_ && chance(dies_in_between_);
  std::size_t leave = outputs.packets.size();
  bool writes = !chance(writes_late_);
  if (dies) {
    leave = below(leave + 1);
    writes = chance(0.5);
  }
  for (std::size_t i = 0; i < leave; ++i) {
    Bytes& packet = outputs.packets[i].packet;
    if (const auto update = update_answered_by(packet)) {
      std::erase_if(unanswered_, [&](const auto& waiting) { return waiting.second.update == *update; });
      continue;
    }
    constexpr std::size_t kUdpHeader = 8;
    const auto view = wire::parse_packet(packet);
    if (!view || view->payload.size() < kUdpHeader) {
      trouble_ = name_of(node) + " sends something that is no packet";
      return;
    }
    for (std::size_t to = 0; to < nodes_.size(); ++to)
      if (nodes_[to]->address() == view->destination)
        transmit(node, to, Bytes(view->payload.begin() + kUdpHeader, view->payload.end()));
  }
  if (trace_ != nullptr)
    for (const Notice& notice : outputs.notices) note(name_of(node) + " says: " + notice.text);
  if (writes) {
    nodes_[node]->write(time_of(node));
    if (node == kPrimary) bindings_disk_ = bindings_;
  } else if (dies) {
    may_forget_ = true;
  }
  if (dies) crash(node);
}

void SharingWorld::transmit(std::size_t from, std::size_t to, Bytes payload) {
  ++tally_.messages;
  if (!open_[from][to] || chance(loss_)) {
    ++tally_.lost;
    return;
  }
  const int copies = chance(duplication_) ? 2 : 1;
  for (int copy = 0; copy < copies; ++copy)
    messages_.push({now_ + delay_ + between(0ns, jitter_), ++order_, from, to, payload});
}

}  // namespace mipflow::simulation
