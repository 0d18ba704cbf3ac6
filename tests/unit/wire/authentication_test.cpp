// SPDX-License-Identifier: GPL-3.0-or-later
#include "mipflow/wire/authentication.hpp"

#include <catch2/catch.hpp>

#include "mipflow/base/crypto.hpp"
#include "mipflow/wire/packet.hpp"
#include "vectors.hpp"

using namespace mipflow;
using namespace mipflow::wire;
using namespace mipflow::test;
using namespace std::chrono_literals;

namespace {

const Address kHome = address("2001:db8:100::100");
const Address kOtherHome = address("2001:db8:100::101");
const Address kCareOf = address("2001:db8:200::5");
const Address kAgent = address("2001:db8:100::1");

SecurityAssociation association_of_vectors() {
  const auto& crypto = vectors_document().at("crypto").at("rfc4285");
  return {vectors_document().at("params").at("NAI"), crypto.at("mn_ha_spi").get<std::uint32_t>(),
          from_hex(crypto.at("mn_ha_key").get<std::string>())};
}

std::uint64_t timestamp_of_vectors() {
  return Reader(from_hex(vectors_document().at("crypto").at("rfc4285").at("ntp_timestamp").get<std::string>())).u64();
}

BytesView header_of(const Vector& vector) {
  return BytesView(vector.packet).subspan(parse_packet(vector.packet)->payload_offset);
}

// The message of a vector without the three options that encode_authenticated() puts on.
MobilityMessage bare(const Vector& vector) {
  auto message = std::get<MobilityMessage>(decode_packet(vector.packet)->message);
  std::visit(
      [](auto& concrete) {
        std::erase_if(concrete.options, [](const MobilityOption& option) {
          return std::holds_alternative<MobileNodeIdentifier>(option) ||
                 std::holds_alternative<ReplayProtection>(option) || std::holds_alternative<MessageAuthentication>(option);
        });
      },
      message);
  return message;
}

Bytes authenticated_update(bool with_identifier = true) {
  const SecurityAssociation association = association_of_vectors();
  return encode_authenticated(BindingUpdate{.sequence = 1, .home_registration = true},
                              {association, association.key, kCareOf, kHome, 1, with_identifier});
}

bool is_right(const Bytes& header) {
  const SecurityAssociation association = association_of_vectors();
  return authenticator_is_right(header, association.spi, association.key, kCareOf, kHome);
}

}  // namespace

TEST_CASE("the RFC 4285 packets of other programs authenticate") {
  const SecurityAssociation association = association_of_vectors();
  for (const char* name : {"bu_rfc4285_mnha", "ba_rfc4285"}) {
    INFO(name);
    const BytesView header = header_of(vector_named(name));
    CHECK(authenticator_is_right(header, association.spi, association.key, kCareOf, kHome));
    CHECK_FALSE(authenticator_is_right(header, association.spi + 1, association.key, kCareOf, kHome));
    CHECK_FALSE(authenticator_is_right(header, association.spi - 1, association.key, kCareOf, kHome));
    CHECK_FALSE(authenticator_is_right(header, association.spi, from_hex("00"), kCareOf, kHome));
    CHECK_FALSE(authenticator_is_right(header, association.spi, association.key, kAgent, kHome));
    CHECK_FALSE(authenticator_is_right(header, association.spi, association.key, kCareOf, kOtherHome));
  }
}

TEST_CASE("our RFC 4285 packets are those of other programs") {
  const SecurityAssociation association = association_of_vectors();
  for (const char* name : {"bu_rfc4285_mnha", "ba_rfc4285"}) {
    INFO(name);
    const Vector& vector = vector_named(name);
    Bytes header = encode_authenticated(
        bare(vector), {association, association.key, kCareOf, kHome, timestamp_of_vectors(), /*with_identifier=*/true});
    const auto view = parse_packet(vector.packet);
    const Bytes packet = build_packet_from_header(
        {view->source, view->destination, view->home_address_option, view->routing_header_home_address}, header);
    CHECK(to_hex(packet) == to_hex(vector.packet));
  }
}

TEST_CASE("every flipped bit that the authenticator covers is noticed, the checksum is not covered") {
  const Bytes header = authenticated_update();
  REQUIRE(is_right(header));
  for (std::size_t bit = 0; bit < header.size() * 8; ++bit) {
    Bytes changed = header;
    changed[bit / 8] = static_cast<std::uint8_t>(changed[bit / 8] ^ (1u << bit % 8));
    INFO("bit " << bit);
    const bool in_checksum = bit / 8 == 4 || bit / 8 == 5;
    CHECK(is_right(changed) == in_checksum);
  }
}

TEST_CASE("no cut of an authenticated message passes") {
  const Bytes header = authenticated_update();
  for (std::size_t length = 0; length < header.size(); ++length)
    CHECK_FALSE(is_right(Bytes(header.begin(), header.begin() + static_cast<std::ptrdiff_t>(length))));
}

TEST_CASE("options: only what was asked for, in the order identifier, timestamp, authentication") {
  const auto options = [](const Bytes& header) {
    Bytes finished = header;
    fill_checksum(finished, kHome, kAgent);
    return std::get<BindingUpdate>(*decode_mobility_header(finished, kHome, kAgent)).options;
  };
  const MobilityOptions all = options(authenticated_update());
  REQUIRE(all.size() == 3);
  CHECK(std::holds_alternative<MobileNodeIdentifier>(all[0]));
  CHECK(std::holds_alternative<ReplayProtection>(all[1]));
  CHECK(std::holds_alternative<MessageAuthentication>(all[2]));
  CHECK(options(authenticated_update(false)).size() == 2);
  const SecurityAssociation association = association_of_vectors();
  const Bytes bare_update = encode_authenticated(
      BindingUpdate{}, {association, association.key, kCareOf, kHome, 1, false, /*with_timestamp=*/false});
  CHECK(options(bare_update).size() == 1);
  CHECK(is_right(bare_update));
}

TEST_CASE("octets behind the authenticator are not accepted") {
  SECTION("an option that nobody authenticated") {
    Bytes header = authenticated_update();
    const Bytes smuggled = from_hex("0310" "20010db8bad000000000000000000bad" "00000000000000");
    header.insert(header.end(), smuggled.begin(), smuggled.end() - 1);
    header[1] = static_cast<std::uint8_t>(header.size() / 8 - 1);
    CHECK_FALSE(is_right(header));
  }
  SECTION("a second authenticator") {
    const SecurityAssociation association = association_of_vectors();
    BindingUpdate update;
    update.options = {MessageAuthentication{MessageAuthentication::kMobileNodeHomeAgent, association.spi, Bytes(12)}};
    CHECK_FALSE(is_right(encode_authenticated(update, {association, association.key, kCareOf, kHome, 1, false})));
  }
  SECTION("an authenticator that is cut shorter, though right as far as it goes") {
    BindingUpdate update;
    for (const std::uint8_t length : {std::uint8_t{0}, std::uint8_t{4}, std::uint8_t{11}}) {
      update.options = {MessageAuthentication{MessageAuthentication::kMobileNodeHomeAgent, 256, Bytes(length)}};
      CHECK_FALSE(is_right(encode(update)));
    }
  }
}

TEST_CASE("a message without the option is not right") {
  CHECK_FALSE(is_right(encode(BindingUpdate{})));
  CHECK_FALSE(is_right({}));
}

TEST_CASE("derived keys: one per home address, the association's own for the primary one") {
  const SecurityAssociation association = association_of_vectors();
  CHECK(derived_key(association, kHome, kHome) == association.key);
  const Bytes derived = derived_key(association, kHome, kOtherHome);
  CHECK(derived.size() == 16);
  CHECK(derived != derived_key(association, kHome, address("2001:db8:100::102")));
  CHECK(derived != derived_key(association, kOtherHome, kHome));
  // The definition, by hand.
  const std::string label = "mipflow home address key";
  Bytes input(label.begin(), label.end());
  input.insert(input.end(), kHome.octets.begin(), kHome.octets.end());
  input.insert(input.end(), kOtherHome.octets.begin(), kOtherHome.octets.end());
  const Sha256Digest digest = hmac_sha256(association.key, input);
  CHECK(std::ranges::equal(derived, BytesView(digest).first(16)));
}

TEST_CASE("NTP timestamps") {
  CHECK(ntp_timestamp(0s) == 2'208'988'800ull << 32);
  CHECK(ntp_timestamp(500ms) == (2'208'988'800ull << 32 | 0x80000000));
  CHECK(wall_of_ntp(2'208'988'801ull << 32) == 1s);
  CHECK(wall_of_ntp(0) == -2'208'988'800s);
  for (const Duration wall : {Duration{0}, Duration{1}, Duration{999'999'999}, Duration{1'700'000'000'123'456'789}})
    CHECK(wall_of_ntp(ntp_timestamp(wall)) == wall);
  // Later is larger, to the nanosecond: replays are told by it.
  CHECK(ntp_timestamp(Duration{1'700'000'000'000'000'001}) > ntp_timestamp(Duration{1'700'000'000'000'000'000}));
}

TEST_CASE("mobile prefix messages are authenticated over addresses and content") {
  const Bytes key = association_of_vectors().key;
  const PrefixInformation prefix{.valid_lifetime = 7200, .preferred_lifetime = 3600, .prefix = kAgent};
  for (const Icmpv6Message& message :
       {Icmpv6Message{MobilePrefixSolicitation{7, {}}}, Icmpv6Message{MobilePrefixAdvertisement{7, false, false, {prefix}, {}}}}) {
    const Bytes bytes = encode_signed(message, 256, key, 99, kCareOf, kHome, kAgent, kHome, kAgent);
    CHECK(decode_icmpv6(bytes, kHome, kAgent, 64));
    CHECK(prefix_authenticator_is_right(bytes, 256, key, kCareOf, kHome, kAgent));
    CHECK_FALSE(prefix_authenticator_is_right(bytes, 257, key, kCareOf, kHome, kAgent));
    CHECK_FALSE(prefix_authenticator_is_right(bytes, 256, from_hex("00"), kCareOf, kHome, kAgent));
    CHECK_FALSE(prefix_authenticator_is_right(bytes, 256, key, kHome, kHome, kAgent));
    CHECK_FALSE(prefix_authenticator_is_right(bytes, 256, key, kCareOf, kOtherHome, kAgent));
    CHECK_FALSE(prefix_authenticator_is_right(bytes, 256, key, kCareOf, kHome, kHome));
    for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
      Bytes changed = bytes;
      changed[bit / 8] = static_cast<std::uint8_t>(changed[bit / 8] ^ (1u << bit % 8));
      INFO("bit " << bit);
      const bool in_checksum = bit / 8 == 2 || bit / 8 == 3;
      CHECK(prefix_authenticator_is_right(changed, 256, key, kCareOf, kHome, kAgent) == in_checksum);
    }
    for (std::size_t length = 0; length < bytes.size(); ++length)
      CHECK_FALSE(prefix_authenticator_is_right(BytesView(bytes).first(length), 256, key, kCareOf, kHome, kAgent));
    Bytes longer = bytes;
    longer.insert(longer.end(), bytes.end() - 32, bytes.end());
    CHECK_FALSE(prefix_authenticator_is_right(longer, 256, key, kCareOf, kHome, kAgent));
  }
}

TEST_CASE("a mobile prefix message has one authentication option, not two, though the last one be right") {
  const Bytes key = association_of_vectors().key;
  Bytes bytes = encode_signed(MobilePrefixSolicitation{7, {}}, 256, key, 99, kCareOf, kHome, kAgent, kHome, kAgent);
  bytes.insert(bytes.end(), bytes.end() - 32, bytes.end());
  Writer covered;
  for (const Address& each : {kCareOf, kHome, kAgent}) covered.address(each);
  covered.bytes(BytesView(bytes).first(bytes.size() - 16));
  covered.patch_u16(3 * 16 + 2, 0);
  const Sha256Digest digest = hmac_sha256(key, covered.view());
  std::copy_n(digest.begin(), 16, bytes.end() - 16);
  CHECK_FALSE(prefix_authenticator_is_right(bytes, 256, key, kCareOf, kHome, kAgent));
}

TEST_CASE("other ICMPv6 messages come back unsigned") {
  const Icmpv6Message message = HomeAgentAddressDiscoveryRequest{7};
  CHECK(encode_signed(message, 256, Bytes(16), 99, kCareOf, kHome, kAgent, kCareOf, kAgent) ==
        encode(message, kCareOf, kAgent));
}
