// SPDX-License-Identifier: GPL-3.0-or-later
// A long life with everything in random order: cables, addresses, flows, commands, a home agent and a correspondent node
// that lose, delay, repeat, refuse and forget, and forgers. What has to hold at every moment is checked at every step.
#include <random>

#include "flow_support.hpp"
#include "scripted_correspondent.hpp"
#include "support/seed.hpp"

using namespace mipflow;
using namespace mipflow::mobile_node;
using namespace mipflow::mobile_node::test;

namespace {

class Life {
 public:
  Life(std::uint64_t seed, Configuration configuration, const char* policy)
      : random_(seed), test_(std::move(configuration), policy) {}

  void step() {
    switch (draw(20)) {
      case 0: carrier(); break;
      case 1: roam(); break;
      case 2: router(); break;
      case 3: case 4: case 5: outgoing(); break;
      case 6: remember(test_.incoming(static_cast<std::uint16_t>(1 + draw(40)), any_home_address())); break;
      case 7: activity(); break;
      case 8: move(); break;
      case 9: noise(); break;
      case 10: advertise(); break;
      case 11: case 12: case 13: correspondent_answers(); break;
      case 14: correspondent_speaks(); break;
      default: answer(); break;
    }
    observe();
    test_.advance(std::chrono::milliseconds{draw(4) == 0 ? draw(20'000) : draw(80)});
    observe();
    check();
  }

  // Everybody comes to rest: all interfaces up, a home agent that answers.
  void calm_down() {
    test_.wlan_up();
    test_.wwan_up();
    correspondent_.home_index = correspondent_.care_of_index = 1;
    correspondent_.serve(std::chrono::minutes{10});
    observe();
    check();
    CHECK(test_.node.status(test_.both()).registered);
    CHECK(held_.empty());
    if (test_.configuration.home_address_cap == 64) {
      CHECK(count_state(test_, "spare") == test_.configuration.warm_pool_size);
      CHECK(count_state(test_, "registering") == 0);
    }
    for (const auto& flow : test_.node.flows(test_.both())) CHECK((flow.state == "active" || flow.state == "closing"));
  }

  std::size_t direct_flows() const { return direct_flows_; }

 private:
  unsigned draw(unsigned below) { return static_cast<unsigned>(random_() % below); }
  bool chance(unsigned one_in) { return draw(one_in) == 0; }

  void carrier() {
    const bool wlan = chance(2);
    test_.carrier(wlan ? kWlan : kWwan, wlan ? "wlan0" : "wwan0", !chance(3));
  }
  void roam() {
    const InterfaceIndex index = chance(2) ? kWlan : kWwan;
    Address care_of_address = index == kWlan ? kWlanAddress : kWwanAddress;
    care_of_address.octets[15] = static_cast<std::uint8_t>(0x10 + draw(3));
    if (chance(2))
      test_.handle(AddressRemoved{index, care_of_address});
    else
      test_.handle(AddressChanged{.interface = index, .address = care_of_address, .tentative = chance(4), .deprecated = chance(4)});
  }
  void router() {
    test_.handle(RouterChanged{chance(2) ? kWlan : kWwan, address("fe80::1"), !chance(4)});
  }
  Address any_home_address() {
    const auto all = test_.node.home_addresses(test_.both());
    return chance(2) ? kPrimary : all[draw(static_cast<unsigned>(all.size()))].home_address;
  }
  void outgoing() {
    const auto port = static_cast<std::uint16_t>(100 + draw(60));
    const Address source = chance(4) ? any_home_address() : kPrimary;
    remember(chance(3) ? test_.outgoing_tcp(port, chance(2) ? 0x02 : 0x10, source) : test_.outgoing(port, source));
  }
  void remember(HeldPacketId id) { held_[id] = test_.now() + test_.configuration.hold_limit; }
  void activity() {
    FlowActivities event;
    for (const auto& flow : test_.node.flows(test_.both()))
      if (chance(2)) event.flows.push_back({.key = flow.key, .packets_out = 5, .idle = std::chrono::seconds{draw(100)}, .closed = chance(10)});
    test_.handle(event);
  }
  void move() {
    const auto flows = test_.node.flows(test_.both());
    if (flows.empty()) return;
    static_cast<void>(test_.move(flows[draw(static_cast<unsigned>(flows.size()))].id, chance(2) ? "wlan0" : "wwan0"));
  }
  void noise() {
    Bytes bytes(draw(200));
    for (auto& octet : bytes) octet = static_cast<std::uint8_t>(draw(256));
    if (!bytes.empty()) bytes[0] = 0x60;
    test_.handle(PacketReceived{.packet = std::move(bytes)});
  }
  void advertise() {
    if (solicitations_.empty()) return;
    test_.advertise(solicitations_[draw(static_cast<unsigned>(solicitations_.size()))],
                    {{.autonomous = true, .valid_lifetime = 100'000, .preferred_lifetime = 100'000, .prefix = address("2001:db8:1::")}});
  }
  void answer() {
    if (updates_.empty()) return;
    // Mostly to one of the newest, sometimes to an ancient one.
    const auto& update = chance(5) ? updates_[draw(static_cast<unsigned>(updates_.size()))]
                                   : updates_[updates_.size() - 1 - draw(static_cast<unsigned>(std::min<std::size_t>(updates_.size(), 6)))];
    TestNode::AcknowledgementOptions options;
    static constexpr int kStatuses[] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 128, 129, 130, 132, 133, 134, 135, 139, 144, 174, 200};
    int status = kStatuses[draw(static_cast<unsigned>(std::size(kStatuses)))];
    if (status == 134 && update.home_address == kPrimary) status = 0;  // would end the life
    options.status = static_cast<wire::BindingStatus>(status);
    if (status == 135) options.sequence = static_cast<std::uint16_t>(update.message.sequence + 3);
    options.wrong_key = chance(15);
    test_.acknowledge(update, options);
  }

  // Tests and Binding Updates get the right answer, a wrong one, or another one's; some are answered late, some never.
  void correspondent_answers() {
    for (auto& init : correspondent_.take_home_test_inits()) home_test_inits_.push_back(init);
    for (auto& init : correspondent_.take_care_of_test_inits()) care_of_test_inits_.push_back(init);
    const auto any_of_the_last = [this](const auto& all) {
      return all[all.size() - 1 - draw(static_cast<unsigned>(std::min<std::size_t>(all.size(), 4)))];
    };
    const std::optional<wire::Cookie> cookie = chance(5) ? std::optional<wire::Cookie>(draw(1000)) : std::nullopt;
    if (!home_test_inits_.empty()) correspondent_.answer(any_of_the_last(home_test_inits_), cookie);
    if (!care_of_test_inits_.empty()) correspondent_.answer_care_of(any_of_the_last(care_of_test_inits_), cookie);
    for (auto& update : correspondent_.take_updates()) correspondent_updates_.push_back(update);
    if (correspondent_updates_.empty()) return;
    const auto update = any_of_the_last(correspondent_updates_);
    static constexpr int kStatuses[] = {0, 0, 0, 0, 0, 0, 0, 0, 128, 129, 135, 136, 137, 138, 200};
    ScriptedCorrespondent::Acknowledgement options;
    options.status = static_cast<wire::BindingStatus>(kStatuses[draw(static_cast<unsigned>(std::size(kStatuses)))]);
    options.wrong_key = chance(6);
    options.authenticated = !chance(6);
    if (chance(4)) options.lifetime_units = static_cast<std::uint16_t>(draw(20));
    const bool is_right = correspondent_.believes(update) && options.authenticated && !options.wrong_key;
    if (is_right && wire::accepts(options.status) && update.message.lifetime_units > 0) accepted_.insert(update.home_address);
    correspondent_.acknowledge(update, options);
  }
  void correspondent_speaks() {
    switch (draw(4)) {
      case 0: correspondent_.home_index = static_cast<std::uint16_t>(draw(3)); break;
      case 1: correspondent_.care_of_index = static_cast<std::uint16_t>(draw(3)); break;
      case 2:
        correspondent_.binding_error(any_home_address(), chance(2) ? kWlanAddress : kWwanAddress,
                                     static_cast<wire::BindingErrorStatus>(1 + (chance(10) ? draw(2) : 0)));
        break;
      default: {
        const wire::BindingRefreshRequest request{};
        test_.handle(PacketReceived{.packet = wire::build_packet({.source = kCorrespondent, .destination = any_home_address()},
                                                                 wire::MobilityMessage{request}),
                                    .tunnel_source = kHomeAgent});
      }
    }
  }

  void observe() {
    for (auto& update : test_.take_updates()) {
      auto& times = sent_[update.home_address];
      times.push_back(update.at);
      if (times.size() > 3) CHECK(update.at - times[times.size() - 4] >= 1s);
      CHECK(configuration().home_prefix.contains(update.home_address));
      CHECK_FALSE(configuration().home_prefix.contains(update.care_of_address));
      updates_.push_back(std::move(update));
    }
    for (auto& solicitation : test_.take_solicitations()) solicitations_.push_back(std::move(solicitation));
    for (const auto& verdict : test_.take_verdicts()) {
      CHECK(held_.erase(verdict.packet) == 1);  // exactly one verdict
      CHECK(verdict.kind == VerdictKind::Accept);
    }
    test_.take_events();
    let_correspondent_answer();
    for (auto& init : correspondent_.take_home_test_inits()) home_test_inits_.push_back(init);
    for (auto& init : correspondent_.take_care_of_test_inits()) care_of_test_inits_.push_back(init);
    for (auto& update : correspondent_.take_updates()) {
      look_at(update);
      correspondent_updates_.push_back(std::move(update));
    }
  }
  void look_at(const SentUpdate& update) {
    correspondent_times_.push_back(update.at);
    if (const auto count = correspondent_times_.size(); count > 3)
      CHECK(update.at - correspondent_times_[count - 4] >= 1s);  // RFC 6275 §11.8, whatever the home address
    CHECK_FALSE(update.message.home_registration);
  }
  // Most of the time the correspondent node does what it should.
  void let_correspondent_answer() {
    while (!chance(4) && correspondent_.answer_everything()) {}
    for (; looked_at_ < correspondent_.updates.size(); ++looked_at_) look_at(correspondent_.updates[looked_at_]);
    for (const auto& [home_address, care_of_address] : correspondent_.bindings) accepted_.insert(home_address);
  }

  void check() {
    const auto& plan = test_.node.plan();
    for (const auto& [id, until] : held_) CHECK(until > test_.now());
    std::set<forwarding::BindingId> direct;
    for (const auto& [key, item] : plan.flows.items()) {
      const auto* home_address = plan.home_addresses.find(item.home_address);
      REQUIRE(home_address != nullptr);
      const auto* binding = plan.bindings.find(item.binding);
      REQUIRE(binding != nullptr);
      CHECK(binding->home_address == item.home_address);
      if (home_address->default_binding == item.binding) {
        CHECK(binding->header == forwarding::HeaderKind::Tunnel);
        CHECK(binding->peer == kHomeAgent);
        continue;
      }
      // The direct path: somebody has provably accepted it, and may send back.
      CHECK(binding->header == forwarding::HeaderKind::RouteOptimized);
      CHECK(binding->peer == key.correspondent);
      CHECK(accepted_.contains(item.home_address));
      CHECK(plan.routing_header_sources.find({item.home_address, key.correspondent}) != nullptr);
      direct.insert(item.binding);
      ++direct_flows_;
    }
    std::set<forwarding::BindingId> used;
    for (const auto& [home_address, item] : plan.home_addresses.items()) {
      CHECK(used.insert(item.default_binding).second);
      CHECK(item.primary == (home_address == kPrimary));
    }
    std::size_t optimised = 0;
    for (const auto& [id, item] : plan.bindings.items()) optimised += item.header == forwarding::HeaderKind::RouteOptimized ? 1 : 0;
    CHECK(plan.bindings.items().size() - optimised <= used.size());
    // Bindings that no flow has at the moment are kept for the next one, but not for long.
    CHECK(optimised <= plan.routing_header_sources.items().size());
    CHECK(direct.size() <= optimised);
    const auto flows = test_.node.flows(test_.both());
    CHECK(flows.size() == plan.flows.items().size());
    CHECK(test_.home_address(kPrimary));
    std::size_t staying = 0;
    for (const auto& entry : test_.node.home_addresses(test_.both())) staying += entry.state == "releasing" ? 0 : 1;
    CHECK(staying <= test_.configuration.home_address_cap);
    for (const auto& flow : flows) {
      const auto entry = test_.home_address(flow.home_address);
      REQUIRE(entry);
      CHECK(std::count(entry->flows.begin(), entry->flows.end(), flow.id) == 1);
    }
    CHECK(test_.node.next_deadline() > test_.now());
  }

  std::mt19937_64 random_;
  TestNode test_;
  std::vector<SentUpdate> updates_;
  std::vector<SentSolicitation> solicitations_;
  std::map<HeldPacketId, TimePoint> held_;
  std::map<Address, std::vector<TimePoint>> sent_;
  ScriptedCorrespondent correspondent_{test_};
  std::vector<ScriptedCorrespondent::SentInit> home_test_inits_, care_of_test_inits_;
  std::vector<SentUpdate> correspondent_updates_;
  std::vector<TimePoint> correspondent_times_;
  std::set<Address> accepted_;  // home addresses whose binding the correspondent node has provably accepted once
  std::size_t direct_flows_ = 0;
  std::size_t looked_at_ = 0;  // of the correspondent node's updates
};

}  // namespace

TEST_CASE("nothing that may happen in any order breaks what has to hold") {
  auto given = configuration();
  const char* policy = "";
  SECTION("as configured by default") {}
  SECTION("with route optimisation") { policy = "[default]\nroute-optimization = \"yes\"\n"; }
  SECTION("with route optimisation for some, and one home address") {
    policy = "[[class]]\nmatch = { protocol = \"udp\" }\nroute-optimization = \"yes\"\nhome-address = \"primary\"\n"
             "[default]\nroute-optimization = \"no\"\n";
  }
  SECTION("few home addresses") {
    given.home_address_cap = 4;
    given.flow_capacity = 20;
  }
  SECTION("without anchors and spares") {
    given.anchor_per_interface = false;
    given.warm_pool_size = 0;
  }
  const auto seed = mipflow::test::seed("a long life of a mobile node");
  INFO("seed " << seed);
  std::size_t direct_flows = 0;
  for (unsigned life = 0; life < 8; ++life) {
    Life random_life(seed + life, given, policy);
    for (int step = 0; step < 400; ++step) random_life.step();
    random_life.calm_down();
    direct_flows += random_life.direct_flows();
  }
  // A life without any direct path would show nothing about them.
  if (std::string_view(policy).find("yes") != std::string_view::npos) CHECK(direct_flows > 0);
}
