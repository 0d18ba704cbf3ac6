// SPDX-License-Identifier: GPL-3.0-or-later
// Random mobile nodes, and somebody who hears everything and replays, mixes and forges. Against a model that says for every
// Binding Update whether it may be accepted: nothing that is not the mobile node's own and new ever changes anything.
#include <algorithm>
#include <map>

#include "fixture.hpp"
#include "support/seed.hpp"

using namespace mipflow;
using namespace mipflow::correspondent_node::test;
using correspondent_node::Configuration;
using wire::BindingStatus;

namespace {

constexpr std::size_t kMostRecorded = 200;

class Play {
 public:
  explicit Play(std::uint64_t seed) : random_(seed), f_(configuration()) {}

  void step() {
    switch (random_.next_u32() % 8) {
      case 0: f_.advance(std::chrono::milliseconds{random_.next_u32() % 20'000}); break;
      case 1: test_home(); break;
      case 2: test_care_of(); break;
      case 3: case 4: update(); break;
      case 5: replay(); break;
      case 6: forge(); break;
      case 7: f_.use(home(), std::chrono::milliseconds{random_.next_u32() % 5000}); break;
    }
    f_.take_sent();
    std::erase_if(model_, [&](const auto& item) { return item.second.ends <= f_.now.monotonic; });
    compare();
  }

 private:
  struct Bound {
    Address care_of_address;
    TimePoint ends;
  };
  struct MobileNode {
    std::uint16_t sequence = 0;
    Tokens home;
    bool has_home = false;
  };

  static Configuration configuration() {
    Configuration out;
    out.previous_care_of_address_grace = 0s;  // the model has none
    return out;
  }
  const Address& home() { return homes_[random_.next_u32() % homes_.size()]; }
  const Address& care_of() { return care_ofs_[random_.next_u32() % care_ofs_.size()]; }

  void test_home() {
    const Address& whose = home();
    f_.home_test(nodes_[whose].home, whose);
    nodes_[whose].has_home = true;
  }
  void test_care_of() {
    const Address& whose = care_of();
    f_.care_of_test(care_of_tokens_[whose], whose);
  }

  // What a mobile node does; it counts on, whatever happens.
  void update() {
    const Address& whose = home();
    const Address& where = care_of();
    MobileNode& node = nodes_[whose];
    if (!node.has_home || !care_of_tokens_.contains(where)) return;
    Tokens tokens = node.home;
    tokens.care_of = care_of_tokens_[where].care_of;
    tokens.care_of_index = care_of_tokens_[where].care_of_index;
    node.sequence = static_cast<std::uint16_t>(node.sequence + 1 + random_.next_u32() % 1000);
    Update update{.home_address = whose, .source = where, .sequence = node.sequence,
                  .lifetime_units = static_cast<std::uint16_t>(random_.next_u32() % 40)};
    const Bytes packet = Fixture::packet_of(update, tokens);
    remember(packet);
    if (random_.next_u32() % 4 == 0) return;  // lost, but heard by the other one
    f_.send_packet(packet);
    const auto answers = f_.take<wire::BindingAcknowledgement>();
    REQUIRE(answers.size() == 1);
    if (!wire::accepts(answers[0].message.status)) {
      // Only because the tokens were too old.
      CHECK((answers[0].message.status == BindingStatus::ExpiredHomeNonceIndex ||
             answers[0].message.status == BindingStatus::ExpiredCareOfNonceIndex ||
             answers[0].message.status == BindingStatus::ExpiredNonces));
      return;
    }
    check_acknowledgement(answers[0], BindingStatus::Accepted, update, tokens);
    accepted_.push_back(packet);
    if (update.lifetime_units == 0)
      model_.erase(whose);
    else
      model_[whose] = {where, f_.now.monotonic + update.lifetime_units * 4s};
  }

  // No registration that was accepted once is accepted again. A deletion may be where there is nothing to delete.
  void replay() {
    if (accepted_.empty()) return;
    const Bytes& packet = accepted_[random_.next_u32() % accepted_.size()];
    f_.send_packet(packet);
    for (const auto& answer : f_.take<wire::BindingAcknowledgement>())
      CHECK((!wire::accepts(answer.message.status) || answer.message.lifetime_units == 0));
  }

  // Parts of what was heard, put together in another way, or with a bit changed; sealed with the checksum anybody can make.
  void forge() {
    if (heard_.empty()) return;
    const Bytes& first = heard_[random_.next_u32() % heard_.size()];
    const auto view = wire::parse_packet(first).value();
    Bytes header(view.payload.begin(), view.payload.end());
    wire::Envelope envelope{view.source, view.destination, view.home_address_option};
    const Bytes& second = heard_[random_.next_u32() % heard_.size()];
    const auto other = wire::parse_packet(second).value();
    bool different = true;
    switch (random_.next_u32() % 4) {
      case 0: {
        const std::size_t octet = 6 + random_.next_u32() % (header.size() - 6);
        header[octet] = static_cast<std::uint8_t>(header[octet] ^ (1u << (random_.next_u32() % 8)));
        break;
      }
      case 1:
        different = other.home_address_option != view.home_address_option;
        envelope.home_address_option = other.home_address_option;
        break;
      case 2:  // a deletion's authenticator does not cover where it comes from
        different = other.source != view.source && header[10] + header[11] != 0;
        envelope.source = other.source;
        break;
      case 3:
        different = !std::equal(header.end() - 12, header.end(), other.payload.end() - 12);
        std::copy(other.payload.end() - 12, other.payload.end(), header.end() - 12);
        break;
    }
    if (!different) return;
    f_.send_packet(wire::build_packet_from_header(envelope, header));
    for (const auto& answer : f_.take<wire::BindingAcknowledgement>()) CHECK_FALSE(wire::accepts(answer.message.status));
  }

  void remember(const Bytes& packet) {
    if (heard_.size() < kMostRecorded)
      heard_.push_back(packet);
    else
      heard_[random_.next_u32() % heard_.size()] = packet;
  }
  void compare() {
    REQUIRE(f_.plan.correspondent_bindings.items().size() == model_.size());
    for (const auto& [whose, bound] : model_) REQUIRE(f_.care_of(whose) == bound.care_of_address);
  }

  SeededRandom random_;
  Fixture f_;
  std::vector<Address> homes_{kHome, kHome2, address("2001:db8:100::b2")};
  std::vector<Address> care_ofs_{kCareOf1, kCareOf2, kCareOf3};
  std::map<Address, MobileNode> nodes_;
  std::map<Address, Tokens> care_of_tokens_;
  std::map<Address, Bound> model_;
  std::vector<Bytes> heard_, accepted_;
};

}  // namespace

TEST_CASE("replays, forgeries and mixtures never change anything") {
  SeededRandom seeds(mipflow::test::seed("correspondent node"));
  for (int round = 0; round < 40; ++round) {
    Play play(seeds.next_u64());
    for (int step = 0; step < 1000; ++step) play.step();
  }
}

TEST_CASE("random octets and cut packets change nothing") {
  SeededRandom random(mipflow::test::seed("correspondent node, random octets"));
  Fixture f;
  const Tokens tokens = f.bind({.sequence = 1});
  const Bytes good = Fixture::packet_of({.sequence = 2}, tokens);
  const auto right = wire::parse_packet(good).value();
  const auto before = f.fingerprint();
  for (std::size_t length = 0; length < good.size(); ++length)
    f.send_packet(Bytes(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(length)));
  for (int i = 0; i < 20'000; ++i) {
    Bytes packet = good;
    for (unsigned changes = 1 + random.next_u32() % 4; changes > 0; --changes)
      packet[random.next_u32() % packet.size()] = static_cast<std::uint8_t>(random.next_u32());
    // Hop limit, padding and the like may be what they want.
    const auto view = wire::parse_packet(packet);
    if (view && view->source == right.source && view->destination == right.destination &&
        view->home_address_option == right.home_address_option && std::ranges::equal(view->payload, right.payload))
      continue;
    f.send_packet(packet);
    f.take_sent();
  }
  CHECK(f.fingerprint() == before);
}
