// SPDX-License-Identifier: GPL-3.0-or-later
// RFC 4285 at the home agent.
#include "authentication.hpp"

#include <catch2/catch.hpp>

#include "fixture.hpp"
#include "unverified_updates.hpp"

using namespace mipflow;
using namespace mipflow::home_agent;
using namespace mipflow::home_agent::test;
using wire::BindingStatus;

TEST_CASE("who can not be authenticated gets no answer") {
  struct Row {
    const char* what;
    Update update;
  };
  const std::vector<Row> rows{
      {"no authentication at all", {.authenticated = false}},
      {"no identifier", {.with_identifier = false}},
      {"unknown identifier", {.identifier = "nobody@example.net"}},
      {"unknown SPI", {.spi = 1001}},
      {"identifier of one, SPI of another", {.spi = 2000}},
  };
  for (const auto& row : rows) {
    INFO(row.what);
    Fixture f(Fixture::on_virtual_home_link());
    f.send(row.update);
    CHECK(f.take_sent().empty());
    CHECK(f.fingerprint().empty());
    CHECK(f.agent->counters().dropped_unauthenticated == 1);
  }
}

TEST_CASE("a wrong authenticator is answered with 146 and changes nothing") {
  Fixture f(Fixture::on_virtual_home_link());
  f.send({});
  f.take_sent();
  const auto before = f.fingerprint();
  f.send({.care_of_address = kCareOf2, .sequence = 16, .key = Bytes(16, 0x55), .clock_offset = 1ms});
  const auto answer = f.take_acknowledgement();
  CHECK(answer->message.status == BindingStatus::MipV6AuthFail);
  CHECK(answer->authentic);
  CHECK(answer->message.sequence == 16);
  CHECK(f.fingerprint() == before);
  CHECK(f.noticed("authenticator-wrong"));

  // The authenticator is looked at before the timestamp.
  f.send({.sequence = 17, .key = Bytes(16, 0x55), .clock_offset = 1h});
  CHECK(f.take_acknowledgement()->message.status == BindingStatus::MipV6AuthFail);
}

TEST_CASE("the operator is told whose key, SPI or identifier is another one, until it proves itself or falls silent") {
  Fixture f(Fixture::on_virtual_home_link());
  const auto told = [&] { return f.agent->unverified_updates(f.now); };
  f.send({.key = Bytes(16, 0x55)});
  REQUIRE(told().size() == 1);
  CHECK_THAT(told().front(), Catch::Contains("laptop@example.net with SPI 1000 come from 2001:db8:200::5 with a wrong authenticator") &&
                                 Catch::Contains("security-associations.toml"));
  f.send({.sequence = 16, .clock_offset = 1ms});
  CHECK(f.state(kPrimary) == "bound");
  CHECK(told().empty());

  f.send({.identifier = "no\nbody\xff", .spi = 7});
  REQUIRE(told().size() == 1);
  CHECK_THAT(told().front(), Catch::Contains("no?body? with SPI 7 come from 2001:db8:200::5, and had.toml has no such mobile node"));
  f.advance(UnverifiedUpdates::kRemembered - 1ms);
  CHECK(told().size() == 1);
  f.advance(1ms);
  CHECK(told().empty());
}

TEST_CASE("somebody who makes up senders fills no memory, and the last ones are told") {
  Fixture f(Fixture::on_virtual_home_link());
  for (std::uint32_t spi = 3000; spi < 3100; ++spi) {
    f.send({.identifier = std::string(200, 'x'), .spi = spi});
    f.advance(1ms);
  }
  const auto told = f.agent->unverified_updates(f.now);
  CHECK(told.size() == UnverifiedUpdates::kMost);
  CHECK_THAT(told.back(), Catch::Contains("with SPI 3099") && !Catch::Contains(std::string(100, 'x')));
}

TEST_CASE("every bit of the Mobility Header and of both addresses is covered") {
  Fixture f(Fixture::on_virtual_home_link());
  const Bytes good = f.packet_of({});
  const auto view = *wire::parse_packet(good);
  for (std::size_t bit = 0; bit < view.payload.size() * 8; ++bit) {
    Bytes bad = good;
    bad[view.payload_offset + bit / 8] ^= static_cast<std::uint8_t>(1u << (bit % 8));
    // With the checksum made right again, so that only the authenticator can notice.
    Bytes header(bad.begin() + static_cast<std::ptrdiff_t>(view.payload_offset), bad.end());
    wire::fill_checksum(header, kPrimary, kHomeAgent);
    std::ranges::copy(header, bad.begin() + static_cast<std::ptrdiff_t>(view.payload_offset));
    if (bad == good) continue;  // the bit was one of the checksum
    f.send_packet(bad);
    INFO("bit " << bit);
    REQUIRE(f.fingerprint().empty());
  }
  f.send_packet(good);
  CHECK(f.state(kPrimary) == "bound");
}

TEST_CASE("an authenticator for one home address is none for another") {
  Fixture f(Fixture::on_virtual_home_link());
  f.send({.home_address = kDynamic, .key = Fixture::key_of(kPrimary)});
  CHECK(f.take_acknowledgement()->message.status == BindingStatus::MipV6AuthFail);
  CHECK(f.fingerprint().empty());
}

TEST_CASE("an option behind the authenticator is not accepted") {
  Fixture f(Fixture::on_virtual_home_link());
  Bytes header = wire::encode(wire::BindingUpdate{});
  const Bytes good = f.packet_of({});
  const auto view = *wire::parse_packet(good);
  Bytes longer(view.payload.begin(), view.payload.end());
  const Bytes appended{200, 6, 0, 0, 0, 0, 0, 0};
  longer.insert(longer.end(), appended.begin(), appended.end());
  ++longer[1];
  f.send_packet(wire::build_packet_from_header({kCareOf1, kHomeAgent, kPrimary}, longer));
  CHECK(f.fingerprint().empty());
}

TEST_CASE("the identifier may have several security associations while a key is being changed") {
  auto configuration = Fixture::on_virtual_home_link();
  auto second = configuration.mobile_nodes[0];
  second.security_association.spi = 1001;
  second.security_association.key = Bytes(16, 0x77);
  configuration.mobile_nodes.push_back(second);
  Fixture f(configuration);
  f.send({});
  CHECK(f.take_acknowledgement()->message.status == BindingStatus::Accepted);
  f.send({.sequence = 16, .spi = 1001, .key = Bytes(16, 0x77), .clock_offset = 1ms});
  CHECK(f.take_acknowledgement()->message.status == BindingStatus::Accepted);
}

TEST_CASE("timestamps: the window, the order, and what is told back") {
  struct Row {
    const char* what;
    std::optional<Duration> offset;
    BindingStatus status;
  };
  const std::vector<Row> rows{
      {"now", 0s, BindingStatus::Accepted},
      {"at the edge behind", -7s, BindingStatus::Accepted},
      {"at the edge before", 7s, BindingStatus::Accepted},
      {"too old", -7s - 1ms, BindingStatus::MipV6IdMismatch},
      {"too new", 7s + 1ms, BindingStatus::MipV6IdMismatch},
      {"an hour off", 1h, BindingStatus::MipV6IdMismatch},
      {"missing", std::nullopt, BindingStatus::MipV6MesgIdReqd},
  };
  for (const auto& row : rows) {
    INFO(row.what);
    Fixture f(Fixture::on_virtual_home_link());
    f.advance(1min);  // nothing of before the start is at stake
    f.send({.clock_offset = row.offset});
    const auto answer = f.take_acknowledgement();
    REQUIRE(answer);
    CHECK(answer->message.status == row.status);
    CHECK(answer->authentic);
    if (row.status == BindingStatus::Accepted) {
      CHECK(answer->timestamp == wire::ntp_timestamp(f.now.wall + *row.offset));
    } else {
      CHECK(f.fingerprint().empty());
    }
    if (row.status == BindingStatus::MipV6MesgIdReqd) CHECK_FALSE(answer->timestamp);
    if (row.status == BindingStatus::MipV6IdMismatch) {
      const std::uint64_t ours = wire::ntp_timestamp(f.now.wall);
      const std::uint64_t theirs = wire::ntp_timestamp(f.now.wall + *row.offset);
      CHECK(*answer->timestamp >> 32 == ours >> 32);
      CHECK((*answer->timestamp & 0xffffffff) == (theirs & 0xffffffff));
    }
  }
}

TEST_CASE("a recorded Binding Update is refused for as long as its timestamp could pass") {
  Fixture f(Fixture::on_virtual_home_link());
  f.advance(1min);
  const Bytes recorded = f.packet_of({.lifetime_units = 1});
  f.send_packet(recorded);
  CHECK(f.take_acknowledgement()->message.status == BindingStatus::Accepted);
  for (const Duration wait : {0s, 3s, 1s, 1s, 1s, 1s, 1s, 2s, 10s}) {
    f.advance(wait);
    const auto before = f.fingerprint();
    f.send_packet(recorded);
    CHECK(f.take_acknowledgement()->message.status == BindingStatus::MipV6IdMismatch);
    CHECK(f.fingerprint() == before);
  }
  CHECK(f.agent->counters().expired == 1);
}

TEST_CASE("what was sent before the home agent started could be a replay that it has forgotten") {
  Fixture f(Fixture::on_virtual_home_link());
  f.advance(1min);
  const Bytes recorded = f.packet_of({});
  f.send_packet(recorded);
  f.send({.sequence = 16, .lifetime_units = 0, .clock_offset = 1ms});
  f.advance(2ms);
  f.restart();
  f.take_sent();
  f.send_packet(recorded);
  CHECK(f.take_acknowledgement()->message.status == BindingStatus::MipV6IdMismatch);
  CHECK(f.fingerprint().empty());
  f.send({.sequence = 17});
  CHECK(f.take_acknowledgement()->message.status == BindingStatus::Accepted);
}

TEST_CASE("home addresses are judged apart: their Binding Updates may overtake each other") {
  Fixture f(Fixture::on_virtual_home_link());
  const Bytes slow = f.packet_of({});
  f.advance(100ms);
  f.send({.home_address = kDynamic, .care_of_address = kCareOf2});
  f.send_packet(slow);
  for (const auto& answer : f.take_acknowledgements()) CHECK(answer.message.status == BindingStatus::Accepted);
}

TEST_CASE("mobile nodes without a clock are served when the configuration says so, by sequence numbers") {
  auto configuration = Fixture::on_virtual_home_link();
  configuration.mobile_nodes[0].timestamps_required = false;
  Fixture f(configuration);
  const Bytes recorded = f.packet_of({.clock_offset = std::nullopt});
  f.send_packet(recorded);
  auto answer = f.take_acknowledgement();
  CHECK(answer->message.status == BindingStatus::Accepted);
  CHECK_FALSE(answer->timestamp);
  f.send_packet(recorded);
  CHECK(f.take_acknowledgement()->message.status == BindingStatus::SequenceNumberOutOfWindow);
}

TEST_CASE("judge_timestamp") {
  const Duration wall = 1'700'000'000s;
  const auto judge = [&](Duration offset, std::uint64_t last, Duration started = Duration{}) {
    return judge_timestamp(wire::ntp_timestamp(wall + offset), true, last, started, 7s, wall);
  };
  CHECK(judge(0s, 0) == Freshness::Fresh);
  CHECK(judge(0s, wire::ntp_timestamp(wall)) == Freshness::TimestampWrong);
  CHECK(judge(0s, wire::ntp_timestamp(wall) - 1) == Freshness::Fresh);
  CHECK(judge(0s, wire::ntp_timestamp(wall + 6s)) == Freshness::TimestampWrong);
  // Our clock was set back by an hour since: the mobile node must not be locked out for that hour.
  CHECK(judge(0s, wire::ntp_timestamp(wall + 1h)) == Freshness::Fresh);
  CHECK(judge(-1s, 0, wall) == Freshness::TimestampWrong);
  CHECK(judge(-1s, 1, wall) == Freshness::Fresh);
  CHECK(judge(0s, 0, wall) == Freshness::Fresh);
  CHECK(judge(0s, 0, wall + 1h) == Freshness::Fresh);
  CHECK(judge_timestamp(std::nullopt, true, 0, {}, 7s, wall) == Freshness::TimestampMissing);
  CHECK(judge_timestamp(std::nullopt, false, 5, {}, 7s, wall) == Freshness::Fresh);
}
