// SPDX-License-Identifier: GPL-3.0-or-later
// Tunnelled packets of whom the home agent knows nothing: it says so, sparingly.
#include "fixture.hpp"

using namespace mipflow;
using namespace mipflow::home_agent;
using namespace mipflow::home_agent::test;

namespace {

const Address kOtherHomeAgent = address("2001:db8:100::2");

Address numbered(const char* prefix, int number) {
  Address out = address(prefix);
  out.octets[14] = static_cast<std::uint8_t>(number >> 8);
  out.octets[15] = static_cast<std::uint8_t>(number);
  return out;
}

}  // namespace

TEST_CASE("who sends from a home address that is not bound is told with a Binding Error") {
  Fixture f;
  f.refuse(kDynamic, kCareOf1);
  const auto sent = f.take_sent();
  REQUIRE(sent.size() == 1);
  CHECK(sent[0].out.interface == 0);
  const auto view = sent[0].decoded().view;
  CHECK(view.source == kHomeAgent);
  CHECK(view.destination == kCareOf1);
  CHECK_FALSE(view.routing_header_home_address);
  const auto error = Fixture::message_in<wire::BindingError>(sent[0]);
  REQUIRE(error);
  CHECK(error->status == wire::BindingErrorStatus::UnknownBinding);
  CHECK(error->home_address == kDynamic);
  CHECK(f.fingerprint().empty());
}

TEST_CASE("a home address that is bound elsewhere, or was, is told as well") {
  Fixture f;
  f.establish({});
  f.take_sent();
  const auto before = f.fingerprint();
  SECTION("bound elsewhere: the home agent may have forgotten a move") {
    f.refuse(kPrimary, kCareOf2);
    CHECK(f.take_messages<wire::BindingError>().size() == 1);
    CHECK(f.fingerprint() == before);
  }
  SECTION("no longer bound") {
    f.advance(421s);
    REQUIRE(f.state(kPrimary) != "bound");
    f.refuse(kPrimary, kCareOf1);
    CHECK(f.take_messages<wire::BindingError>().size() == 1);
  }
}

TEST_CASE("no Binding Error where it would be late, wrong or go through a tunnel") {
  Fixture f;
  SECTION("another home agent has delegated the home address to this one") {
    f.agent->plan().tunnels.set(kPrimary, {kCareOf1, kOtherHomeAgent});
    f.refuse(kPrimary, kCareOf1);
    f.refuse(kPrimary, kCareOf2);
  }
  SECTION("the binding came while the report was on its way") {
    f.establish({});
    f.take_sent();
    f.refuse(kPrimary, kCareOf1);
  }
  SECTION("the moment of the care-of address before") {
    f.establish({});
    f.send({.care_of_address = kCareOf2, .sequence = 16});
    f.take_sent();
    f.refuse(kPrimary, kCareOf1);
  }
  SECTION("duplicate address detection runs: the answer is about to come") {
    f.send({});
    f.take_sent();
    f.refuse(kPrimary, kCareOf1);
  }
  SECTION("below no home prefix") { f.refuse(kCorrespondent, kCareOf1); }
  SECTION("the home agent's own address") { f.refuse(kHomeAgent, kCareOf1); }
  SECTION("to the home agent itself") { f.refuse(kDynamic, kHomeAgent); }
  SECTION("to a bound home address") {
    f.establish({});
    f.take_sent();
    f.refuse(kDynamic, kPrimary);
  }
  SECTION("to what is no node's address") {
    for (const char* source : {"::", "::1", "ff0e::1", "fe80::1"}) f.refuse(kDynamic, address(source));
  }
  CHECK(f.take_messages<wire::BindingError>().empty());
}

TEST_CASE("strangers provoke few Binding Errors for one address, and not many for all") {
  Fixture f;
  const auto provoke = [&f](int destinations) {
    for (int i = 0; i < 1000; ++i) f.refuse(numbered("2001:db8:100::", 0x200 + i), numbered("2001:db8:666::", 1 + i % destinations));
    return f.take_messages<wire::BindingError>().size();
  };
  SECTION("one address: as many as a mobile node can have lost, then 32 in a second") {
    CHECK(provoke(1) == 64);
    f.advance(1s);
    CHECK(provoke(1) == 32);
    // Another one is not the worse for it.
    f.refuse(kDynamic, kCareOf1);
    CHECK(f.take_messages<wire::BindingError>().size() == 1);
  }
  SECTION("many addresses: 200 in a second") {
    CHECK(provoke(1000) == 100);
    f.advance(1s);
    CHECK(provoke(1000) == 100);
    f.advance(100ms);
    CHECK(provoke(1000) == 20);
  }
  CHECK(f.fingerprint().empty());
}
