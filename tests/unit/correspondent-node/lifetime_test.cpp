// SPDX-License-Identifier: GPL-3.0-or-later
// RFC 6275 §9.5.2, §9.5.5, §9.6: lifetimes, refresh requests, and bindings that do not fit a new configuration.
#include "fixture.hpp"

using namespace mipflow;
using namespace mipflow::correspondent_node::test;
using correspondent_node::Configuration;
using wire::BindingStatus;

namespace {

std::uint16_t granted(Fixture& f, std::uint16_t units, std::uint16_t sequence) {
  const Tokens tokens = f.return_routability();
  const Update update{.sequence = sequence, .lifetime_units = units};
  f.send(update, tokens);
  const auto answer = f.take_one<wire::BindingAcknowledgement>();
  check_acknowledgement(answer, BindingStatus::Accepted, update, tokens);
  return answer.message.lifetime_units;
}

// Ends exactly so long from now.
void check_ends_after(Fixture& f, Duration lifetime) {
  f.advance(lifetime - 1ns);
  CHECK(f.permits(kHome, kCareOf1));
  f.take_sent();
  f.advance(1ns);
  CHECK_FALSE(f.permits(kHome, kCareOf1));
  CHECK(f.node->counters().expired == 1);
}

}  // namespace

TEST_CASE("a binding ends to the nanosecond, at most MAX_RR_BINDING_LIFETIME after its Binding Update") {
  struct Row {
    std::uint16_t asked, granted;
  };
  for (const Row row : {Row{1, 1}, {10, 10}, {105, 105}, {106, 105}, {0xffff, 105}}) {
    Fixture f;
    CHECK(granted(f, row.asked, 1) == row.granted);
    check_ends_after(f, row.granted * 4s);
  }
}

TEST_CASE("a refresh makes a lifetime longer or shorter; one that is refused does neither") {
  Fixture f;
  CHECK(granted(f, 10, 1) == 10);
  f.advance(20s);
  SECTION("longer") {
    CHECK(granted(f, 20, 2) == 20);
    check_ends_after(f, 80s);
  }
  SECTION("shorter") {
    CHECK(granted(f, 1, 2) == 1);
    check_ends_after(f, 4s);
  }
  SECTION("to the longest") {
    CHECK(granted(f, 0xffff, 2) == 105);
    check_ends_after(f, 420s);
  }
  SECTION("refused") {
    const Tokens tokens = f.return_routability();
    f.send({.sequence = 1, .lifetime_units = 20}, tokens);
    CHECK(f.take_one<wire::BindingAcknowledgement>().message.status == BindingStatus::SequenceNumberOutOfWindow);
    check_ends_after(f, 20s);
  }
}

TEST_CASE("a smaller lifetime of the configuration is what is granted; 420 s can not be exceeded by it") {
  Configuration configuration;
  for (const auto& [configured, units] : {std::pair{100s, 25}, std::pair{10'000s, 105}, std::pair{7s, 1}, std::pair{1s, 1}}) {
    configuration.longest_binding_lifetime = configured;
    Fixture f(configuration);
    CHECK(granted(f, 105, 1) == units);
    check_ends_after(f, units * 4s);
  }
}

TEST_CASE("Binding Refresh Requests go to the home address, three at most, when the binding carried packets lately") {
  Fixture f;
  f.bind();
  f.advance(400s);
  CHECK(f.silent());
  f.use();
  f.advance(10s - 1ns);
  CHECK(f.silent());
  f.advance(1ns);
  const auto first = f.take_one<wire::BindingRefreshRequest>();
  CHECK(first.view.source == kCorrespondent);
  CHECK(first.view.destination == kHome);
  CHECK_FALSE(first.view.routing_header_home_address);
  f.use();
  f.advance(10s - 1ns);
  const auto others = f.take<wire::BindingRefreshRequest>();
  REQUIRE(others.size() == 2);
  CHECK(others[0].at - first.at == 5s);
  CHECK(others[1].at - first.at == 7500ms);
  CHECK(f.node->counters().refresh_requests == 3);
  CHECK(f.permits(kHome, kCareOf1));
  f.advance(1ns);
  CHECK_FALSE(f.permits(kHome, kCareOf1));
  CHECK(f.silent());
}

TEST_CASE("no refresh request for what carries nothing, nor behind a Binding Update; one for what wakes up late") {
  Fixture f;
  f.bind({.sequence = 1});
  SECTION("never used") {
    f.advance(1000s);
    CHECK(f.silent());
  }
  SECTION("used long ago") {
    f.advance(10s);
    f.use();
    f.advance(1000s);
    CHECK(f.silent());
  }
  SECTION("the data path tells the time since the binding was set, to a second: that is no use") {
    f.advance(409s);
    f.use(kHome, 408s);
    f.advance(1000s);
    CHECK(f.silent());
  }
  SECTION("refreshed") {
    f.advance(405s);
    f.use();
    f.advance(5s);
    CHECK(f.take<wire::BindingRefreshRequest>().size() == 1);
    const Tokens fresh = f.return_routability();
    f.send({.sequence = 2}, fresh);
    f.take_sent();
    f.advance(60s);
    CHECK(f.silent());
    CHECK(f.permits(kHome, kCareOf1));
  }
  SECTION("awake in the last seconds") {
    f.advance(411s);
    f.use();
    f.advance(5s);
    CHECK(f.take<wire::BindingRefreshRequest>().size() == 1);
  }
  SECTION("a short lifetime: not before its half") {
    const Tokens fresh = f.return_routability();
    f.send({.sequence = 2, .lifetime_units = 2}, fresh);
    f.take_sent();
    const TimePoint start = f.now.monotonic;
    f.advance(3s);
    f.use();
    f.advance(5s);
    const auto requests = f.take<wire::BindingRefreshRequest>();
    REQUIRE(requests.size() >= 1);
    CHECK(requests[0].at - start == 4s);
  }
}

TEST_CASE("a configuration that allows less ends or shortens bindings at once") {
  Fixture f;
  f.bind();
  f.bind({.home_address = kHome2});
  Configuration configuration;
  SECTION("switched off") {
    configuration.route_optimization = false;
    f.configure(configuration);
    CHECK(f.plan.correspondent_bindings.items().empty());
    // Their Binding Updates can not be replayed when it is on again.
    configuration.route_optimization = true;
    f.configure(configuration);
    CHECK(f.state(kHome) == "deleted");
  }
  SECTION("shorter lifetimes") {
    configuration.longest_binding_lifetime = 40s;
    f.configure(configuration);
    f.advance(40s - 1ns);
    CHECK(f.plan.correspondent_bindings.items().size() == 2);
    f.advance(1ns);
    CHECK(f.plan.correspondent_bindings.items().empty());
  }
  SECTION("a smaller cache") {
    f.use(kHome2, -1s);  // nonsense from below
    f.advance(10s);
    f.use(kHome);
    configuration.binding_cache_capacity = 1;
    f.configure(configuration);
    CHECK(f.care_of(kHome) == kCareOf1);
    CHECK(f.care_of(kHome2) == Address{});
  }
  SECTION("nothing that matters") {
    const auto before = f.fingerprint();
    configuration.busy_for = 1s;
    f.configure(configuration);
    CHECK(f.fingerprint() == before);
  }
}
