// SPDX-License-Identifier: GPL-3.0-or-later
#include "mipflow/wire/forwarding_messages.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <random>
#include <string>

#include "mipflow/base/crypto.hpp"
#include "vectors.hpp"

using namespace mipflow;
using namespace mipflow::wire;
using namespace mipflow::test;

namespace {

const Address kPrimary = address("2001:db8:100::1");
const Address kSecondary = address("2001:db8:100::2");
const Address kHome = address("2001:db8:100::100");
const Address kCareOf = address("2001:db8:200::5");
constexpr DelegationNumber kNumber = 0x0102030405060708;
const Bytes kKey = from_hex("000102030405060708090a0b0c0d0e0f");

ForwardingMessage message_with(ForwardingRecords records) {
  return {0x1111111111111111, 0x2222222222222222, 7, std::move(records)};
}

StartForwarding start() { return {kHome, kCareOf, kPrimary, kNumber, 3600, true}; }

Expected<ForwardingMessage, ForwardingDecodeError> decode(BytesView payload) {
  return decode_forwarding_message(payload, kKey, kPrimary, kSecondary);
}
Bytes encode(const ForwardingMessage& message) { return encode_forwarding_message(message, kKey, kPrimary, kSecondary); }

// With an authenticator that is right for what stands before it, so that only the contents are left to be refused.
Bytes authenticated(Bytes message) {
  if (message.size() < kForwardingAuthenticatorLength) return message;
  message.resize(message.size() - kForwardingAuthenticatorLength);
  Bytes covered(kPrimary.octets.begin(), kPrimary.octets.end());
  covered.insert(covered.end(), kSecondary.octets.begin(), kSecondary.octets.end());
  covered.insert(covered.end(), message.begin(), message.end());
  const Sha256Digest digest = hmac_sha256(kKey, covered);
  message.insert(message.end(), digest.begin(), digest.begin() + kForwardingAuthenticatorLength);
  return message;
}

Bytes with_length(Bytes message) {
  message[4] = static_cast<std::uint8_t>(message.size() >> 8);
  message[5] = static_cast<std::uint8_t>(message.size());
  return message;
}

// `head` is magic to reserved, `records` what stands between the sequence number and the authenticator.
void check_codec(const ForwardingMessage& message, const std::string& head, const std::string& records, const std::string& authenticator) {
  const Bytes whole = encode(message);
  CHECK(to_hex(whole) == head + "11111111111111112222222222222222" "0000000000000007" + records + authenticator);
  const auto decoded = decode(whole);
  REQUIRE(decoded);
  CHECK(*decoded == message);

  for (std::size_t length = 0; length < whole.size(); ++length) {
    Bytes cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length));
    REQUIRE(!decode(cut));
    CHECK(decode(cut).error() == ForwardingDecodeError::Malformed);
    // The same cut, but with a length and an authenticator that pretend nothing happened.
    if (length < 6 + kForwardingAuthenticatorLength) continue;
    const auto pretended = decode(authenticated(with_length(cut)));
    REQUIRE(!pretended);
    CHECK(pretended.error() == ForwardingDecodeError::Malformed);
  }
  for (std::size_t i = 0; i < whole.size(); ++i) {
    Bytes spoilt = whole;
    spoilt[i] ^= 0x10;
    REQUIRE_FALSE(decode(spoilt));
    if (i >= 7) CHECK(decode(spoilt).error() == ForwardingDecodeError::AuthenticatorWrong);
  }
  Bytes longer = whole;
  longer.push_back(0);
  CHECK(decode(longer).error() == ForwardingDecodeError::Malformed);
}

}  // namespace

// The octets and authenticators were computed with Python's struct and hmac:
//   body = struct.pack("!HBBHBB", 0x6d46, 1, type, 32 + len(records) + 16, count, 0) + struct.pack("!QQQ", 0x11…, 0x22…, 7) + records
//   hmac.new(bytes(range(16)), primary + secondary + body, hashlib.sha256).digest()[:16]
TEST_CASE("every forwarding message has its golden octets, comes back as it went, and no cut and no change of it is believed") {
  const std::string home = "20010db8010000000000000000000100";
  const std::string number = "0102030405060708";
  SECTION("Start Forwarding") {
    check_codec(message_with(std::vector{start()}), "6d46010100700100",
                home + "20010db8020000000000000000000005" "20010db8010000000000000000000001" + number + "00000e10" "80000000",
                "6ec2e210fe6d87c61c9171fce0766164");
  }
  SECTION("Start Forwarding Acknowledgement") {
    check_codec(message_with(std::vector{StartForwardingAcknowledgement{kHome, kNumber, ForwardingStatus::NotPermitted}}), "6d46010200500100",
                home + number + "8000000000000000", "5644aad118f6d6ddf6cff6261836c5bf");
  }
  SECTION("Stop Forwarding, two records") {
    const StopForwarding stop{kHome, kNumber};
    check_codec(message_with(std::vector{stop, stop}), "6d46010300600200", home + number + home + number,
                "090b1ddbe68912a405bc9a8c394d12f1");
  }
  SECTION("Stop Forwarding Acknowledgement") {
    check_codec(message_with(std::vector{StopForwardingAcknowledgement{kHome, kNumber, 5, 600, ForwardingStatus::NotForwarding}}),
                "6d46010400600100", home + number + "0000000000000005" "0000000000000258" "0100000000000000",
                "00cce79c7400a1b3f723bd6e41398543");
  }
  SECTION("Heartbeat") {
    check_codec(message_with(std::vector{Heartbeat{9, 0x0a0b}}), "6d46010500400100", "0000000000000009" "0000000000000a0b",
                "95c49e7cc38e3e6adac93f6d8e6d4fa8");
  }
  SECTION("Heartbeat Acknowledgement") {
    check_codec(message_with(std::vector{HeartbeatAcknowledgement{9, 5, 3, 1000, true}}), "6d46010600500100",
                "0000000000000009" "0000000000000005" "00000003" "000003e8" "8000000000000000", "39c1addf2975bd6a5f4b6771c7206d7e");
  }
  SECTION("Report") {
    check_codec(message_with(std::vector{ForwardingReport{kHome, kNumber, 5, 600}}), "6d46010700580100",
                home + number + "0000000000000005" "0000000000000258", "9d26630ba9fbe2e73f73c9255d886f84");
  }
}

TEST_CASE("the authenticator covers who sent it to whom, and the key is the pair's") {
  const Bytes message = encode(message_with(std::vector{start()}));
  CHECK(decode_forwarding_message(message, kKey, kPrimary, kSecondary));
  using Error = ForwardingDecodeError;
  CHECK(decode_forwarding_message(message, kKey, kSecondary, kPrimary).error() == Error::AuthenticatorWrong);  // reflected
  CHECK(decode_forwarding_message(message, kKey, kHome, kSecondary).error() == Error::AuthenticatorWrong);
  CHECK(decode_forwarding_message(message, kKey, kPrimary, kHome).error() == Error::AuthenticatorWrong);
  CHECK(decode_forwarding_message(message, Bytes(16, 9), kPrimary, kSecondary).error() == Error::AuthenticatorWrong);
  CHECK(decode_forwarding_message(message, {}, kPrimary, kSecondary).error() == Error::AuthenticatorWrong);
}

TEST_CASE("as many records as fit, and no packet needs more than 1,280 octets on the way") {
  CHECK(most_records(ForwardingType::StartForwarding) == 18);
  CHECK(most_records(ForwardingType::StartForwardingAcknowledgement) == 37);
  CHECK(most_records(ForwardingType::StopForwarding) == 49);
  CHECK(most_records(ForwardingType::StopForwardingAcknowledgement) == 24);
  CHECK(most_records(ForwardingType::Heartbeat) == 1);
  CHECK(most_records(ForwardingType::HeartbeatAcknowledgement) == 1);
  CHECK(most_records(ForwardingType::Report) == 29);
  CHECK(most_records(static_cast<ForwardingType>(0)) == 0);

  const auto check_full = [](auto record) {
    std::vector<decltype(record)> records;
    const ForwardingType type = type_of(ForwardingRecords{records});
    records.assign(most_records(type), record);
    const ForwardingMessage full = message_with(records);
    const Bytes octets = encode(full);
    CHECK(octets.size() + 8 + 40 <= 1280);  // UDP, IPv6
    REQUIRE(decode(octets));
    CHECK(*decode(octets) == full);

    // One more, in the place of the authenticator and behind it: nobody sends that.
    Bytes more = octets;
    const std::size_t length = (octets.size() - 48) / records.size();
    more.insert(more.end(), length, 1);
    more[6] = static_cast<std::uint8_t>(records.size() + 1);
    CHECK(decode(authenticated(with_length(more))).error() == ForwardingDecodeError::Malformed);
  };
  check_full(start());
  check_full(StartForwardingAcknowledgement{kHome, kNumber, ForwardingStatus::Accepted});
  check_full(StopForwarding{kHome, kNumber});
  check_full(StopForwardingAcknowledgement{kHome, kNumber, 1, 2, ForwardingStatus::Accepted});
  check_full(Heartbeat{1});
  check_full(HeartbeatAcknowledgement{1, 2, 3, 4, false});
  check_full(ForwardingReport{kHome, kNumber, 1, 2});
}

TEST_CASE("other magics and versions are not ours, whatever else they are") {
  const Bytes right = encode(message_with(std::vector{Heartbeat{1}}));
  for (const std::size_t offset : {0u, 1u, 2u}) {
    Bytes other = right;
    ++other[offset];
    CHECK(decode(authenticated(other)).error() == ForwardingDecodeError::NotOurs);
  }
}

TEST_CASE("what a right key says is refused where it can not be") {
  const auto change = [](const ForwardingMessage& message, std::size_t offset, std::initializer_list<std::uint8_t> octets) {
    Bytes changed = encode(message);
    std::ranges::copy(octets, changed.begin() + static_cast<std::ptrdiff_t>(offset));
    return decode(authenticated(std::move(changed)));
  };
  const auto is_malformed = [](const auto& decoded) { return !decoded && decoded.error() == ForwardingDecodeError::Malformed; };
  const ForwardingMessage message = message_with(std::vector{start()});
  CHECK(change(message, 7, {0}));
  SECTION("types that there are not") {
    for (const std::uint8_t type : {std::uint8_t{0}, std::uint8_t{8}, std::uint8_t{255}}) CHECK(is_malformed(change(message, 3, {type})));
  }
  SECTION("a type that has records of another length") {
    for (const std::uint8_t type : {std::uint8_t{2}, std::uint8_t{3}, std::uint8_t{4}, std::uint8_t{5}, std::uint8_t{6}, std::uint8_t{7}})
      CHECK(is_malformed(change(message, 3, {type})));
  }
  SECTION("lengths") {
    const std::size_t right = encode(message).size();
    for (unsigned length = 0; length < 0x600; ++length)
      if (length != right)
        REQUIRE(is_malformed(change(message, 4, {static_cast<std::uint8_t>(length >> 8), static_cast<std::uint8_t>(length)})));
    CHECK(is_malformed(change(message, 4, {0xff, 0xff})));
  }
  SECTION("counts") {
    for (unsigned count = 0; count < 256; ++count)
      if (count != 1) REQUIRE(is_malformed(change(message, 6, {static_cast<std::uint8_t>(count)})));
    const ForwardingMessage heartbeat = message_with(std::vector{Heartbeat{1}});
    for (unsigned count = 0; count < 256; ++count)
      if (count != 1) REQUIRE(is_malformed(change(heartbeat, 6, {static_cast<std::uint8_t>(count)})));
  }
  SECTION("no session of the sender, no sequence number, no number of a delegation") {
    ForwardingMessage none = message;
    none.sender_session = 0;
    CHECK(is_malformed(decode(encode(none))));
    none = message;
    none.sequence = 0;
    CHECK(is_malformed(decode(encode(none))));
    CHECK(is_malformed(decode(encode(message_with(std::vector{StartForwarding{kHome, kCareOf, kPrimary, 0, 1, false}})))));
    CHECK(is_malformed(decode(encode(message_with(std::vector{StartForwardingAcknowledgement{kHome, 0}})))));
    CHECK(is_malformed(decode(encode(message_with(std::vector{StopForwarding{kHome, 1}, StopForwarding{kHome, 0}})))));
    CHECK(is_malformed(decode(encode(message_with(std::vector{StopForwardingAcknowledgement{kHome, 0}})))));
    CHECK(is_malformed(decode(encode(message_with(std::vector{ForwardingReport{kHome, 0}})))));
  }
  SECTION("no session of the receiver: in heartbeats and their acknowledgements only") {
    const auto without = [](ForwardingRecords records) { return ForwardingMessage{1, 0, 1, std::move(records)}; };
    CHECK(decode(encode(without(std::vector{Heartbeat{0}}))));
    CHECK(decode(encode(without(std::vector{HeartbeatAcknowledgement{0}}))));
    CHECK(is_malformed(decode(encode(without(std::vector{start()})))));
    CHECK(is_malformed(decode(encode(without(std::vector{StartForwardingAcknowledgement{kHome, 1}})))));
    CHECK(is_malformed(decode(encode(without(std::vector{StopForwarding{kHome, 1}})))));
    CHECK(is_malformed(decode(encode(without(std::vector{StopForwardingAcknowledgement{kHome, 1}})))));
    CHECK(is_malformed(decode(encode(without(std::vector{ForwardingReport{kHome, 1}})))));
  }
}

TEST_CASE("reserved octets and flags without a meaning are ignored, so that a later edition may give them one") {
  const ForwardingMessage message = message_with(std::vector{start()});
  Bytes changed = encode(message);
  changed[7] = 0xff;
  changed[32 + 60] |= 0x7f;
  changed[32 + 61] = changed[32 + 62] = changed[32 + 63] = 0xff;
  const auto decoded = decode(authenticated(changed));
  REQUIRE(decoded);
  CHECK(*decoded == message);
}

TEST_CASE("a status without a name here comes through and has words all the same") {
  const auto unknown = static_cast<ForwardingStatus>(200);
  const ForwardingMessage message = message_with(std::vector{StartForwardingAcknowledgement{kHome, kNumber, unknown}});
  CHECK(*decode(encode(message)) == message);
  CHECK(is_refusal(unknown));
  CHECK(std::string(to_string(unknown)) == "a status that is not known");
  CHECK_FALSE(is_refusal(ForwardingStatus::NotForwarding));
  CHECK(is_refusal(ForwardingStatus::NotPermitted));
}

TEST_CASE("random octets never do more than decode, and what decodes can be written again") {
  const auto seed = std::random_device{}();
  INFO("seed " << seed);
  std::mt19937 random(seed);
  std::size_t accepted = 0;
  for (int round = 0; round < 20'000; ++round) {
    Bytes octets(random() % 1'300);
    for (auto& octet : octets) octet = static_cast<std::uint8_t>(random());
    const bool is_near = random() % 4 != 0 && octets.size() > 64;
    if (is_near) {
      const auto type = static_cast<ForwardingType>(random() % 9);
      const std::size_t most = most_records(type);
      static constexpr std::array<std::size_t, 8> kLengths{0, 64, 32, 24, 48, 16, 32, 40};
      const std::size_t count = most == 0 ? 1 : 1 + random() % most;
      if (const auto number = static_cast<std::size_t>(type); number < kLengths.size())
        octets.resize(48 + count * kLengths[number] + (random() % 8 == 0 ? 1 : 0), static_cast<std::uint8_t>(round));
      octets[0] = 0x6d;
      octets[1] = 0x46;
      octets[2] = 1;
      octets[3] = static_cast<std::uint8_t>(type);
      octets[6] = static_cast<std::uint8_t>(count);
      octets = authenticated(with_length(std::move(octets)));
    }
    const auto decoded = decode(octets);
    if (!decoded) continue;
    REQUIRE(is_near);  // nobody guesses an authenticator
    ++accepted;
    const auto again = decode(encode(*decoded));
    REQUIRE(again);
    REQUIRE(*again == *decoded);
  }
  CHECK(accepted > 1'000);
}
