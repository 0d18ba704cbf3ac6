// SPDX-License-Identifier: GPL-3.0-or-later
// RFC 6275 §5.2.2, §5.2.7: how long nonces serve, and what those get who use them later.
#include "nonces.hpp"

#include <set>

#include "fixture.hpp"

using namespace mipflow;
using namespace mipflow::correspondent_node::test;
using correspondent_node::Nonces;
using correspondent_node::TokenKind;
using wire::BindingStatus;

TEST_CASE("a nonce comes with its first use, is renewed after 30 s and accepted for 240 s, to the nanosecond") {
  SeededRandom random(1);
  Nonces nonces(random);
  CHECK(nonces.size() == 0);
  CHECK(nonces.next_deadline() == kNever);
  const TimePoint start = TimePoint{} + 77s;
  const auto first = nonces.current(start).index;
  CHECK(nonces.current(start + 30s - 1ns).index == first);
  CHECK(nonces.current(start + 30s).index == static_cast<std::uint16_t>(first + 1));
  // The last token of the first nonce serves MAX_TOKEN_LIFETIME.
  CHECK(nonces.find(first, start + 30s - 1ns + 210s));
  CHECK(nonces.find(first, start + 240s - 1ns));
  CHECK_FALSE(nonces.find(first, start + 240s));
  CHECK(nonces.next_deadline() == start + 240s);
  nonces.on_deadline(start + 240s);
  CHECK(nonces.size() == 1);
}

TEST_CASE("a nonce that is used seldom does not last longer") {
  SeededRandom random(1);
  Nonces nonces(random);
  const TimePoint start{};
  const auto first = nonces.current(start).index;
  CHECK(nonces.current(start + 100s).index != first);
  CHECK(nonces.current(start + 239s).index != first);
  CHECK_FALSE(nonces.find(first, start + 240s));
}

TEST_CASE("a nonce that became void is renewed early, at most once a second") {
  SeededRandom random(1);
  Nonces nonces(random);
  const TimePoint start{};
  const auto first = nonces.current(start);
  CHECK(nonces.current(start + 999ms, first.ends).index == first.index);
  CHECK(nonces.current(start + 1s, first.ends - 1ns).index == first.index);
  CHECK(nonces.current(start + 1s, first.ends).index == static_cast<std::uint16_t>(first.index + 1));
  CHECK(nonces.find(first.index, start + 1s));  // whoever has an entry may still use it
  for (auto at = start; at < start + 1000s; at += 10ms) {
    nonces.current(at, kNever);
    REQUIRE(nonces.size() <= 240);
  }
}

TEST_CASE("never more nonces than are needed, no index twice among them, indices wrap") {
  SeededRandom random(3);
  Nonces nonces(random);
  TimePoint now{};
  std::uint16_t last = nonces.current(now).index;
  bool wrapped = false;
  for (int i = 0; i < 70'000; ++i) {
    now += 30s;
    const auto& current = nonces.current(now);
    REQUIRE(current.index == static_cast<std::uint16_t>(last + 1));
    wrapped = wrapped || current.index == 0;
    last = current.index;
    REQUIRE(nonces.size() <= 8);
  }
  CHECK(wrapped);
  for (int back = 0; back < 8; ++back) CHECK(nonces.find(static_cast<std::uint16_t>(last - back), now));
  CHECK_FALSE(nonces.find(static_cast<std::uint16_t>(last - 8), now));
  CHECK_FALSE(nonces.find(static_cast<std::uint16_t>(last + 1), now));
}

TEST_CASE("tokens differ by nonce, kind and address") {
  SeededRandom random(4);
  Nonces nonces(random);
  std::set<wire::KeygenToken> seen;
  for (int i = 0; i < 4; ++i) {
    const auto nonce = nonces.current(TimePoint{} + i * 30s);
    for (const TokenKind kind : {TokenKind::Home, TokenKind::CareOf})
      for (const Address& whose : {kHome, kCareOf1, kCareOf2}) seen.insert(nonces.token(kind, whose, nonce));
  }
  CHECK(seen.size() == 4 * 2 * 3);
}

TEST_CASE("the tokens that another program made of the same Kcn and nonces") {
  // From the same source as tests/unit/wire/vectors.json.
  static constexpr std::array<std::uint8_t, 20> kNodeKey{0xa6, 0x3a, 0x29, 0x05, 0x3b, 0xc5, 0xe0, 0x28, 0x63, 0x4a,
                                                         0xa2, 0x2d, 0x7b, 0x0d, 0x86, 0xb2, 0xb2, 0x25, 0xd3, 0x9b};
  struct Scripted final : RandomSource {
    std::uint64_t next_u64() override { return drawn++ == 0 ? 0 : kNodeKey[drawn - 2]; }  // the first index, then Kcn
    std::size_t drawn = 0;
  } random;
  const Nonces nonces(random);
  REQUIRE(random.drawn == 21);
  const correspondent_node::Nonce home{0x21b5174ce65e025a, kNever, 258}, care_of{0x715adfba500f4e91, kNever, 772};
  CHECK(nonces.token(TokenKind::Home, kHome, home) == 0x0bed408a055f9571);
  CHECK(nonces.token(TokenKind::CareOf, kCareOf1, care_of) == 0xa1c6acd5723d6024);
  CHECK(nonces.token(TokenKind::CareOf, kCareOf2, care_of) == 0x29fd487c1dd88208);
}

TEST_CASE("while nobody asks nothing wakes the correspondent node for nonces, and old ones are thrown away") {
  Fixture f;
  CHECK(f.node->next_deadline() == kNever);
  f.return_routability();
  CHECK(f.node->next_deadline() == f.now.monotonic + 240s);
  f.advance(240s);
  CHECK(f.node->next_deadline() == kNever);
}

TEST_CASE("indices change within the life of a nonce") {
  Fixture f;
  std::set<std::uint16_t> home, care_of;
  for (Duration at{}; at < 240s; at += 20s) {
    const Tokens tokens = f.return_routability();
    home.insert(tokens.home_index);
    care_of.insert(tokens.care_of_index);
    f.advance(20s);
  }
  CHECK(home.size() >= 6);
  CHECK(care_of.size() >= 6);
}

namespace {

enum class Old { Home, CareOf, Both };

struct Row {
  Old which;
  bool unknown;  // an index that was never given out; else one that is too old
  bool deregistration, from_home;
  BindingStatus status;
};

}  // namespace

TEST_CASE("indices too old or unknown: 136, 137, 138 without authenticator, also without A; for a deletion the care-of index is nothing") {
  for (const bool acknowledge : {true, false})
    for (const bool unknown : {false, true})
      for (const Row row : {Row{Old::Home, unknown, false, false, BindingStatus::ExpiredHomeNonceIndex},
                            {Old::CareOf, unknown, false, false, BindingStatus::ExpiredCareOfNonceIndex},
                            {Old::Both, unknown, false, false, BindingStatus::ExpiredNonces},
                            {Old::Home, unknown, true, false, BindingStatus::ExpiredHomeNonceIndex},
                            {Old::Home, unknown, true, true, BindingStatus::ExpiredHomeNonceIndex},
                            {Old::Both, unknown, true, false, BindingStatus::ExpiredHomeNonceIndex},
                            {Old::Both, unknown, true, true, BindingStatus::ExpiredHomeNonceIndex},
                            {Old::CareOf, unknown, true, false, BindingStatus::Accepted},
                            {Old::CareOf, unknown, true, true, BindingStatus::Accepted}}) {
        INFO(static_cast<int>(row.which) << row.unknown << row.deregistration << row.from_home);
        Fixture f;
        Tokens tokens;
        if (row.deregistration) tokens = f.bind({.sequence = 1});
        const bool home_old = row.which != Old::CareOf;
        const bool care_of_old = row.which != Old::Home;
        if (!unknown) {
          if (home_old) f.home_test(tokens);
          if (care_of_old) f.care_of_test(tokens);
          f.advance(240s);
        }
        if (!home_old || unknown) f.home_test(tokens);
        if (!care_of_old || unknown) f.care_of_test(tokens);
        if (unknown && home_old) tokens.home_index = static_cast<std::uint16_t>(tokens.home_index + 100);
        if (unknown && care_of_old) tokens.care_of_index = static_cast<std::uint16_t>(tokens.care_of_index + 100);

        Update update{.sequence = 2, .acknowledge = acknowledge};
        if (row.deregistration) update.lifetime_units = 0;
        if (row.deregistration && row.from_home) {
          update.source = kHome;
          update.home_address_option = false;
        } else if (row.deregistration) {
          update.alternate_care_of_address = kHome;
        }
        const auto before = f.fingerprint();
        f.send(update, tokens);
        if (row.status == BindingStatus::Accepted) {
          if (acknowledge)
            check_acknowledgement(f.take_one<wire::BindingAcknowledgement>(), row.status, update, tokens);
          else
            CHECK(f.silent());
          CHECK(f.care_of(kHome) == Address{});
        } else {
          check_acknowledgement(f.take_one<wire::BindingAcknowledgement>(), row.status, update, tokens);
          CHECK(f.fingerprint() == before);
          if (row.deregistration) CHECK(f.care_of(kHome) == kCareOf1);
        }
      }
}

TEST_CASE("older tokens are good for registration and deletion until the last nanosecond") {
  Fixture f;
  const Tokens tokens = f.return_routability();
  f.advance(30s);
  const Tokens newer = f.return_routability();
  CHECK(newer.home_index != tokens.home_index);
  f.advance(210s - 1ns);
  const Update update{.sequence = 1};
  f.send(update, tokens);
  check_acknowledgement(f.take_one<wire::BindingAcknowledgement>(), BindingStatus::Accepted, update, tokens);
  const Update deletion{.sequence = 2, .lifetime_units = 0};
  f.send(deletion, tokens);
  check_acknowledgement(f.take_one<wire::BindingAcknowledgement>(), BindingStatus::Accepted, deletion, tokens);
  f.advance(1ns);
  f.send({.sequence = 3}, tokens);
  CHECK(f.take_one<wire::BindingAcknowledgement>().message.status == BindingStatus::ExpiredNonces);
}
