// SPDX-License-Identifier: GPL-3.0-or-later
// A daemon that comes behind one that was killed: bindings go on for the rest of their lifetimes, and nothing from before counts.
#include "fixture.hpp"

using namespace mipflow;
using namespace mipflow::correspondent_node;
using namespace mipflow::correspondent_node::test;
using wire::BindingStatus;

namespace {

const forwarding::HomeAddressAndCorrespondent kPair{kHome, kCorrespondent};

// What a runner would keep: of each pair that the plan hands out, what the role says then.
std::vector<KeptBinding> kept_of(Fixture& f) {
  std::vector<KeptBinding> out;
  for (const auto& entry : f.plan.correspondent_bindings.take_changes().set)
    if (const auto kept = f.node->kept(entry.first)) out.push_back(*kept);
  return out;
}

// The same moment, another daemon.
struct Restarted : Fixture {
  Restarted(Fixture& before, const std::vector<KeptBinding>& kept, Configuration configuration = {}) : Fixture(configuration) {
    random = SeededRandom{43};
    now = before.now;
    node->restore(kept, now);
  }
};

}  // namespace

TEST_CASE("a binding is handed out to be kept with every Binding Update that was accepted, and with no other") {
  Fixture f;
  Tokens tokens = f.bind({.sequence = 7});
  auto kept = kept_of(f);
  REQUIRE(kept.size() == 1);
  CHECK(kept[0] == KeptBinding{.pair = kPair, .care_of_address = kCareOf1, .previous_care_of_address = {}, .sequence = 7, .ends = f.now.monotonic + 420s});
  f.advance(10s);
  CHECK(kept_of(f).empty());
  // Packets see nothing of a refresh.
  f.send({.sequence = 8, .lifetime_units = 20}, tokens);
  kept = kept_of(f);
  REQUIRE(kept.size() == 1);
  CHECK(kept[0].sequence == 8);
  CHECK(kept[0].ends == f.now.monotonic + 80s);
  f.send({.sequence = 8}, tokens);
  CHECK(kept_of(f).empty());
  f.configure({.longest_binding_lifetime = 40s});
  kept = kept_of(f);
  REQUIRE(kept.size() == 1);
  CHECK(kept[0].ends == f.now.monotonic + 40s);
  f.advance(40s);
  CHECK_FALSE(f.node->kept(kPair));
}

TEST_CASE("after a restart a binding is used to the end of its lifetime and not longer") {
  Fixture before;
  before.bind({.lifetime_units = 10});
  before.advance(15s);
  Restarted f(before, kept_of(before));
  CHECK(f.permits(kHome, kCareOf1));
  CHECK(f.care_of(kHome) == kCareOf1);
  f.advance(25s - 1ns);
  CHECK(f.permits(kHome, kCareOf1));
  f.advance(1ns);
  CHECK_FALSE(f.permits(kHome, kCareOf1));
  CHECK(f.state(kHome).empty());
}

TEST_CASE("after a restart what a mobile node proved before is worth nothing, and it is told so") {
  Fixture before;
  const Tokens old = before.bind({.sequence = 100});
  Restarted f(before, kept_of(before));
  const auto untouched = f.fingerprint();
  f.send({.source = kCareOf2, .sequence = 101}, old);
  CHECK(f.take_one<wire::BindingAcknowledgement>().message.status == BindingStatus::ExpiredNonces);
  CHECK(f.fingerprint() == untouched);

  // With new tokens it goes on counting where it was; not before.
  const Tokens tokens = f.return_routability(kHome, kCareOf2);
  f.send({.source = kCareOf2, .sequence = 100}, tokens);
  const auto refused = f.take_one<wire::BindingAcknowledgement>();
  CHECK(refused.message.status == BindingStatus::SequenceNumberOutOfWindow);
  CHECK(refused.message.sequence == 100);
  f.send({.source = kCareOf2, .sequence = 101}, tokens);
  CHECK(f.take_one<wire::BindingAcknowledgement>().message.status == BindingStatus::Accepted);
  CHECK(f.care_of(kHome) == kCareOf2);
  // What was under way when it moved.
  CHECK(f.permits(kHome, kCareOf1));
}

TEST_CASE("after a restart the care-of address before is accepted for its moment") {
  Fixture before;
  before.bind({.sequence = 1});
  before.bind({.source = kCareOf2, .sequence = 2});
  Restarted f(before, kept_of(before));
  CHECK(f.permits(kHome, kCareOf1));
  CHECK(f.permits(kHome, kCareOf2));
  CHECK(f.care_of(kHome) == kCareOf2);
  f.advance(2s);
  CHECK_FALSE(f.permits(kHome, kCareOf1));
  CHECK(f.permits(kHome, kCareOf2));
}

TEST_CASE("what ended meanwhile, or is not allowed any more, does not come back") {
  Fixture before;
  before.bind({.lifetime_units = 10});
  auto kept = kept_of(before);
  SECTION("its lifetime is over") {
    before.advance(40s);
    Restarted f(before, kept);
    CHECK(f.plan.correspondent_bindings.items().empty());
  }
  SECTION("route optimisation is switched off") {
    Restarted f(before, kept, {.route_optimization = false});
    CHECK(f.plan.correspondent_bindings.items().empty());
  }
  SECTION("there is less room") {
    kept.push_back(kept[0]);
    kept[1].pair.home_address = kHome2;
    Restarted f(before, kept, {.binding_cache_capacity = 1});
    CHECK(f.plan.correspondent_bindings.items().size() == 1);
  }
  SECTION("lifetimes are shorter") {
    Restarted f(before, kept, {.longest_binding_lifetime = 8s});
    CHECK(f.permits(kHome, kCareOf1));
    f.advance(8s);
    CHECK_FALSE(f.permits(kHome, kCareOf1));
  }
  SECTION("a table that others wrote to says what no Binding Update can") {
    kept[0].ends = kNever;
    Restarted f(before, kept);
    f.advance(wire::kMaxRrBindingLifetime);
    CHECK_FALSE(f.permits(kHome, kCareOf1));
    kept[0].care_of_address = address("ff02::1");
    Restarted again(before, kept);
    CHECK(again.plan.correspondent_bindings.items().empty());
  }
}
