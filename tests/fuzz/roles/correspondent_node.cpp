// SPDX-License-Identifier: GPL-3.0-or-later
// Input: one octet (the configuration), then decisions: what mobile nodes do that hear the answers to their test messages, what
// somebody does who hears some of them, how much time passes.
//
// At every moment: a binding is there only for who has had a home keygen token and a care-of keygen token (RFC 6275 §9.5.1); an
// answer goes only where the question came from, and is hardly larger than it; tables are bounded; timers lie ahead.
#include "mipflow/correspondent-node/correspondent_node.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "fuzz/roles/clockwork.hpp"
#include "fuzz/roles/forger.hpp"
#include "mipflow/wire/return_routability.hpp"

namespace mipflow::fuzz {

using namespace correspondent_node;
using namespace std::chrono_literals;

namespace {

Address address(const char* text) { return *Address::parse(text); }

const std::vector<Address> kOwn{address("2001:db8:300::1"), address("2001:db8:301::1")};
const std::vector<Address> kHomeAddresses{address("2001:db8:100::100"), address("2001:db8:100::101"), address("2001:db8:110::1")};
const std::vector<Address> kCareOfAddresses{address("2001:db8:200::5"), address("2001:db8:201::5"), address("2001:db8:202::5")};
const std::vector<Address> kKnown = [] {
  std::vector<Address> out{address("2001:db8:9::9"), address("fe80::9"), address("ff02::1"), {}};
  for (const auto* list : {&kOwn, &kHomeAddresses, &kCareOfAddresses}) out.insert(out.end(), list->begin(), list->end());
  return out;
}();
constexpr std::size_t kCapacity = 4;

struct Token {
  wire::KeygenToken token = 0;
  std::uint16_t nonce_index = 0;
};

class Siege {
 public:
  Siege(std::uint8_t kind, BytesView input) : draw_(input, kKnown) {
    configuration_.binding_cache_capacity = kCapacity;
    configuration_.route_optimization = kind != 0xff;
    if ((kind & 1) != 0) configuration_.busy_for = 0s;
    if ((kind & 2) != 0) configuration_.previous_care_of_address_grace = 0s;
    if ((kind & 4) != 0) configuration_.longest_binding_lifetime = 20s;
    time_.on_outputs = [this](Outputs& outputs) { collect(outputs); };
    node_.emplace(configuration_, random_, plan_, time_.now());
  }

  void run() {
    for (unsigned step = 0; step < kMostSteps && !draw_.is_over(); ++step) {
      happen();
      hold_to_the_rules();
    }
    time_.advance(*node_, 600s);
    hold_to_the_rules();
    must(plan_.correspondent_bindings.items().empty(), "a binding outlives MAX_RR_BINDING_LIFETIME");
  }

 private:
  static constexpr unsigned kMostSteps = 400;

  void happen() {
    switch (draw_.below(12)) {
      case 0: case 1: test(true); break;
      case 2: case 3: test(false); break;
      case 4: case 5: case 6: binding_update(); break;
      case 7: case 8: case 9: forged(); break;
      case 10: time_.advance(*node_, draw_.flag() ? std::chrono::milliseconds{draw_.u16()} : std::chrono::milliseconds{1'000 * draw_.u8()}); break;
      default: rest(); break;
    }
  }

  void deliver(const Bytes& packet) {
    forger_.overhear(packet);
    question_ = packet;
    const auto view = wire::parse_packet(packet);
    question_from_ = view ? std::optional(view->source) : std::nullopt;
    answers_ = 0;
    time_.call([&](Now now, Outputs& outputs) { node_->handle(PacketReceived{.packet = packet, .interface = 3}, now, outputs); });
    question_.clear();
  }

  // Home Test Init by way of the home agent, Care-of Test Init straight; whoever has the address gets the answer.
  void test(bool home) {
    const Address& own = draw_.one_of(kOwn);
    const Address& from = draw_.one_of(home ? kHomeAddresses : kCareOfAddresses);
    const wire::MobilityMessage init = home ? wire::MobilityMessage{wire::HomeTestInit{draw_.u8(), {}}} : wire::CareOfTestInit{draw_.u8(), {}};
    deliver(wire::build_packet({from, own}, init));
  }

  // With the tokens that came for these addresses, or with those of others, which must be worth nothing.
  void binding_update() {
    const Address& own = draw_.one_of(kOwn);
    const Address& home_address = draw_.one_of(kHomeAddresses);
    const bool deletes = draw_.below(5) == 0;
    const Address& care_of_address = deletes && draw_.flag() ? home_address : draw_.one_of(kCareOfAddresses);
    const Address& home_token_of = draw_.below(6) == 0 ? draw_.one_of(kHomeAddresses) : home_address;
    const Address& care_of_token_of = draw_.below(6) == 0 ? draw_.one_of(kCareOfAddresses) : care_of_address;
    const auto home = home_tokens_.find({home_token_of, own});
    const auto care_of = care_of_tokens_.find({care_of_token_of, own});
    const bool has_both = home != home_tokens_.end() && care_of != care_of_tokens_.end();
    wire::BindingUpdate message;
    message.sequence = draw_.flag() ? ++sequence_ : draw_.u16();
    message.acknowledge = draw_.flag();
    message.home_registration = draw_.below(16) == 0;
    message.lifetime_units = deletes ? 0 : draw_.u8();
    if (draw_.flag()) message.options.emplace_back(wire::AlternateCareOfAddress{draw_.below(8) == 0 ? draw_.one_of(kCareOfAddresses) : care_of_address});
    const Token home_token = home != home_tokens_.end() ? home->second : Token{draw_.u64(), draw_.u16()};
    const Token care_of_token = care_of != care_of_tokens_.end() ? care_of->second : Token{draw_.u64(), draw_.u16()};
    message.options.emplace_back(wire::NonceIndices{home_token.nonce_index, care_of_token.nonce_index});
    // Whoever has the tokens of an address proves to be reachable there; that of another address proves nothing.
    if (has_both && home_token_of == home_address && care_of_token_of == care_of_address) proven_.insert({{home_address, own}, care_of_address});
    const auto key = wire::binding_management_key(home_token.token, deletes && care_of_address == home_address ? std::nullopt : std::optional(care_of_token.token));
    wire::Envelope envelope{care_of_address, own};
    if (care_of_address != home_address) envelope.home_address_option = home_address;
    deliver(wire::build_packet_from_header(envelope, wire::encode_with_binding_authorization(message, key, care_of_address, own)));
  }

  void forged() { deliver(forger_.packet()); }

  void rest() {
    switch (draw_.below(3)) {
      case 0: {
        BindingActivities activities;
        for (const auto& [pair, item] : plan_.correspondent_bindings.items()) activities.idle[pair] = std::chrono::seconds{draw_.u8()};
        return time_.call([&](Now now, Outputs& outputs) { node_->handle(activities, now, outputs); });
      }
      case 1:
        configuration_.longest_binding_lifetime = std::chrono::seconds{draw_.u8()};
        configuration_.route_optimization = draw_.below(4) != 0;
        return time_.call([&](Now now, Outputs& outputs) { node_->set_configuration(configuration_, now, outputs); });
      default: {
        const auto ahead = std::chrono::seconds{draw_.u16()};
        time_.set_wall_clock(ahead - std::chrono::seconds{draw_.u16()});
      }
    }
  }

  void collect(Outputs& outputs) {
    must(outputs.verdicts.empty() && outputs.kept.empty(), "a correspondent node does what it has no business with");
    for (const auto& packet : outputs.packets) {
      const auto view = wire::parse_packet(packet.packet);
      must(view.has_value() && wire::decode_packet(packet.packet).has_value(), "a message of ours can not be decoded");
      if (!question_.empty()) {
        ++answers_;
        must(view->destination == question_from_, "an answer goes where the question did not come from");
        // The largest growth that RFC 6275 asks for: Care-of Test Init (16 octets) is answered by Care-of Test (24); a packet is
        // quoted in an ICMPv6 error or its home address in a Binding Error (24 octets behind 40, whatever the packet was).
        must(packet.packet.size() <= std::max<std::size_t>(question_.size() + 48, 64 + 24) && packet.packet.size() <= 1'280, "an answer is larger than it may be");
      }
      if (const auto decoded = wire::decode_packet(packet.packet))
        if (const auto* mobility = std::get_if<wire::MobilityMessage>(&decoded->message)) {
          if (const auto* home = std::get_if<wire::HomeTest>(mobility)) home_tokens_[{view->destination, view->source}] = {home->home_keygen_token, home->home_nonce_index};
          if (const auto* care_of = std::get_if<wire::CareOfTest>(mobility))
            care_of_tokens_[{view->destination, view->source}] = {care_of->care_of_keygen_token, care_of->care_of_nonce_index};
        }
      // On the way between mobile node and home agent it sees no Home Tests: those are what it must not have.
      if (view->logical_destination() == view->destination) forger_.overhear(packet.packet);
    }
    if (!question_.empty()) must(answers_ <= 2, "one packet is answered by too many");
    for (const auto& notice : outputs.notices) must(notice.event != nullptr && !notice.text.empty(), "a notice that says nothing");
  }

  void hold_to_the_rules() {
    const Now now = time_.now();
    must(plan_.correspondent_bindings.items().size() <= kCapacity, "the binding cache grows beyond its capacity");
    for (const auto& [pair, item] : plan_.correspondent_bindings.items()) {
      must(proven_.contains({pair, item.care_of_address}), "a binding without return routability: " + to_string(pair.home_address) + " at " + to_string(item.care_of_address));
      must(item.previous_care_of_address.is_unspecified() || proven_.contains({pair, item.previous_care_of_address}), "a previous care-of address that was never proven");
      must(node_->is_bound(pair) && node_->permits(pair, item.care_of_address), "the plan has a binding that the role has not");
    }
    const auto bindings = node_->bindings(now);
    must(bindings.size() <= 4 * kCapacity + 64, "what is remembered of bindings grows");
    std::size_t bound = 0;
    for (const auto& binding : bindings) {
      if (binding.state != "bound") continue;
      ++bound;
      must(binding.lifetime && *binding.lifetime <= wire::kMaxRrBindingLifetime, "a binding that lasts longer than MAX_RR_BINDING_LIFETIME");
    }
    must(bound == plan_.correspondent_bindings.items().size(), "the role has a binding that the plan has not");
  }

  struct Less {
    using Pair = forwarding::HomeAddressAndCorrespondent;
    bool operator()(const std::pair<Pair, Address>& a, const std::pair<Pair, Address>& b) const {
      return std::tie(a.first.home_address, a.first.correspondent, a.second) < std::tie(b.first.home_address, b.first.correspondent, b.second);
    }
  };

  Draw draw_;
  Forger forger_{draw_};
  Clockwork time_;
  SeededRandom random_{42};
  Configuration configuration_;
  forwarding::ForwardingPlan plan_;
  std::optional<CorrespondentNode> node_;
  std::map<std::pair<Address, Address>, Token> home_tokens_, care_of_tokens_;  // by mobile node's address and ours
  std::set<std::pair<forwarding::HomeAddressAndCorrespondent, Address>, Less> proven_;
  std::uint16_t sequence_ = 0;
  Bytes question_;
  std::optional<Address> question_from_;
  std::size_t answers_ = 0;
};

}  // namespace

void fuzz_correspondent_node(BytesView input);
void fuzz_correspondent_node(BytesView input) {
  if (input.empty()) return;
  Siege(input.front(), input.subspan(1)).run();
}

}  // namespace mipflow::fuzz
