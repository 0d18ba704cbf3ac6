// SPDX-License-Identifier: GPL-3.0-or-later
#include "mipflow/base/address.hpp"

#include <arpa/inet.h>

#include <catch2/catch.hpp>
#include <random>

using namespace mipflow;

namespace {

Address address(const char* text) {
  const auto parsed = Address::parse(text);
  REQUIRE(parsed);
  return *parsed;
}

}  // namespace

TEST_CASE("RFC 4291 §2.2 and RFC 5952: text in, text out") {
  struct Row {
    const char* in;
    const char* out;
  };
  const Row rows[] = {
      {"::", "::"},
      {"::1", "::1"},
      {"1::", "1::"},
      {"2001:db8::", "2001:db8::"},
      {"2001:DB8:0:0:8:800:200C:417A", "2001:db8::8:800:200c:417a"},
      {"2001:0db8:0000:0000:0000:0000:0000:0001", "2001:db8::1"},
      {"2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"},         // the first of two equal runs
      {"2001:0:0:1:0:0:0:1", "2001:0:0:1::1"},               // the longest run
      {"2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"},      // one group is no run
      {"2001:db8::0:1:1:1:1", "2001:db8::1:1:1:1"},          // shortened as far as it goes
      {"0:0:1:2:3:4:5:6", "::1:2:3:4:5:6"},
      {"1:2:3:4:5:6::", "1:2:3:4:5:6::"},
      {"1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"},
      {"::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8"},
      {"::ffff:192.0.2.1", "::ffff:192.0.2.1"},
      {"::ffff:c000:201", "::ffff:192.0.2.1"},
      {"64:ff9b::192.0.2.33", "64:ff9b::c000:221"},
      {"1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:102:304"},
  };
  for (const Row& row : rows) {
    INFO(row.in);
    const auto parsed = Address::parse(row.in);
    REQUIRE(parsed);
    CHECK(to_string(*parsed) == row.out);
  }

}

TEST_CASE("what is not an address") {
  for (const char* text :
       {"", ":", ":::", "1", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1::2::3", "12345::", "g::", "::1%eth0", "::1/64", " ::1",
        "::1 ", "1:2:3:4:5:6:7:8::", "::1:2:3:4:5:6:7:8", ":1::", "1:", "::1:", "1.2.3.4", "::1.2.3", "::1.2.3.4.5", "::256.1.1.1",
        "::01.2.3.4", "::1.2.3.4:5", "1:2:3:4:5:6:7:1.2.3.4", "::-1", "::+1", "::0x1", "2001:db8::1\n"}) {
    INFO(text);
    CHECK_FALSE(Address::parse(text));
  }
  CHECK_FALSE(Address::parse(std::string_view("::1\0", 4)));
}

TEST_CASE("random addresses: parsing and printing agree with the C library") {
  const auto seed = std::random_device{}();
  INFO("seed " << seed);
  std::mt19937 random(seed);
  for (int round = 0; round < 20'000; ++round) {
    Address value;
    // Many zero groups, where the forms differ.
    for (std::size_t i = 0; i < 16; i += 2) {
      if (random() % 2) continue;
      value.octets[i] = static_cast<std::uint8_t>(random() % 3 ? random() : 0);
      value.octets[i + 1] = static_cast<std::uint8_t>(random());
    }
    const std::string text = to_string(value);
    INFO(text);
    CHECK(Address::parse(text) == value);
    Address by_library;
    REQUIRE(inet_pton(AF_INET6, text.c_str(), by_library.octets.data()) == 1);
    CHECK(by_library == value);
    char library_text[INET6_ADDRSTRLEN];
    REQUIRE(inet_ntop(AF_INET6, value.octets.data(), library_text, sizeof library_text) != nullptr);
    CHECK(Address::parse(library_text) == value);
    // The library writes ::/96 addresses in the mixed form, which RFC 5952 does not ask for.
    if (std::string(library_text).find('.') == std::string::npos) CHECK(text == library_text);
  }
}

TEST_CASE("random text is refused exactly where the C library refuses it") {
  const auto seed = std::random_device{}();
  INFO("seed " << seed);
  std::mt19937 random(seed);
  const std::string alphabet = ":::::.0123af";
  for (int round = 0; round < 200'000; ++round) {
    std::string text;
    for (std::size_t length = random() % 14; text.size() < length;) text += alphabet[random() % alphabet.size()];
    Address by_library;
    const bool library_accepts = inet_pton(AF_INET6, text.c_str(), by_library.octets.data()) == 1;
    const auto ours = Address::parse(text);
    INFO(text);
    REQUIRE(ours.has_value() == library_accepts);
    if (ours) REQUIRE(*ours == by_library);
  }
}

TEST_CASE("kinds of addresses") {
  struct Row {
    const char* text;
    bool loopback, multicast, link_local, unique_local, routable;
  };
  for (const Row& row : {
           Row{"::", false, false, false, false, false},
           Row{"::1", true, false, false, false, false},
           Row{"::2", false, false, false, false, true},
           Row{"ff02::1", false, true, false, false, false},
           Row{"ff0e::1", false, true, false, false, false},
           Row{"fe80::1", false, false, true, false, false},
           Row{"febf::1", false, false, true, false, false},
           Row{"fec0::1", false, false, false, false, true},
           Row{"fc00::1", false, false, false, true, true},
           Row{"fd12::1", false, false, false, true, true},
           Row{"fe00::1", false, false, false, false, true},
           Row{"::ffff:192.0.2.1", false, false, false, false, false},
           Row{"2001:db8::1", false, false, false, false, true},
       }) {
    INFO(row.text);
    const Address value = address(row.text);
    CHECK(value.is_unspecified() == (value == Address{}));
    CHECK(value.is_loopback() == row.loopback);
    CHECK(value.is_multicast() == row.multicast);
    CHECK(value.is_link_local() == row.link_local);
    CHECK(value.is_unique_local() == row.unique_local);
    CHECK(value.is_unicast_routable() == row.routable);
  }
}

TEST_CASE("addresses made from others") {
  CHECK(solicited_node_multicast(address("2001:db8::12:3456:789a")) == address("ff02::1:ff56:789a"));
  CHECK(link_local_with_same_interface_identifier(address("2001:db8:1:2:3:4:5:6")) == address("fe80::3:4:5:6"));
}

TEST_CASE("prefixes clear what stands behind their length") {
  const Address all = address("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff");
  for (unsigned length = 0; length <= 130; ++length) {
    const Prefix prefix(all, length);
    INFO(length);
    CHECK(prefix.length() == std::min(length, 128u));
    unsigned ones = 0;
    for (unsigned bit = 0; bit < 128; ++bit) {
      const bool set = prefix.address().octets[bit / 8] >> (7 - bit % 8) & 1;
      CHECK(set == (bit < length));
      ones += set;
    }
    CHECK(ones == prefix.length());
    CHECK(prefix.contains(all));
    CHECK(prefix.contains(Address{}) == (length == 0));
  }
}

TEST_CASE("prefixes as text") {
  CHECK(to_string(Prefix()) == "::/0");
  for (const char* text : {"::/0", "2001:db8::/32", "2001:db8::1/128", "fe80::/10", "8000::/1"}) {
    const auto prefix = Prefix::parse(text);
    REQUIRE(prefix);
    CHECK(to_string(*prefix) == text);
  }
  CHECK(to_string(*Prefix::parse("2001:db8::1")) == "2001:db8::1/128");
  for (const char* text : {"", "/", "/64", "2001:db8::/", "2001:db8::/129", "2001:db8::/-1", "2001:db8::/+1", "2001:db8::/032",
                           "2001:db8::/32 ", "2001:db8::/32/1", "2001:db8::1/64", "4000::/1", "::/4294967296"}) {
    INFO(text);
    CHECK_FALSE(Prefix::parse(text));
  }
}
