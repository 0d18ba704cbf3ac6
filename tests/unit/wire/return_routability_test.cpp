// SPDX-License-Identifier: GPL-3.0-or-later
// RFC 6275 §5.2.5, §5.2.6, §6.2.7 against values and packets of programs that share no code with this project.
#include "mipflow/wire/return_routability.hpp"

#include <catch2/catch.hpp>

#include "mipflow/wire/packet.hpp"
#include "vectors.hpp"

using namespace mipflow;
using namespace mipflow::wire;
using namespace mipflow::test;

namespace {

const nlohmann::json& crypto() { return vectors_document().at("crypto"); }
Address address_of(const char* name) { return *Address::parse(crypto().at(name).get<std::string>()); }
KeygenToken token_of(const char* name) { return Reader(from_hex(crypto().at(name).get<std::string>())).u64(); }
std::string hex_of(const Sha1Digest& digest) { return to_hex(digest); }

Sha1Digest key_of(const char* name) {
  const Bytes octets = from_hex(crypto().at(name).get<std::string>());
  Sha1Digest key{};
  REQUIRE(octets.size() == key.size());
  std::copy(octets.begin(), octets.end(), key.begin());
  return key;
}

struct Authorized {
  const char* vector;
  const char* key;
  const char* care_of_address;  // what the authenticator is over
};
// Registration, with an alternate care-of address, deletion from home (over the home address), without A; and the answer.
constexpr Authorized kAuthorized[] = {{"bu_cn_auth", "Kbm", "careof_address"},
                                      {"bu_cn_altcoa", "Kbm_for_careof_2", "careof_address_2"},
                                      {"bu_cn_dereg_home", "Kbm_delete", "home_address"},
                                      {"bu_cn_noack", "Kbm", "careof_address"},
                                      {"ba_cn_auth", "Kbm", "careof_address"}};

BytesView header_of(const Vector& vector) {
  return BytesView(vector.packet).subspan(parse_packet(vector.packet)->payload_offset);
}

MobilityMessage without_authorization(const Vector& vector) {
  auto message = std::get<MobilityMessage>(decode_packet(vector.packet)->message);
  std::visit(
      [](auto& concrete) {
        std::erase_if(concrete.options,
                      [](const MobilityOption& option) { return std::holds_alternative<BindingAuthorizationData>(option); });
      },
      message);
  return message;
}

}  // namespace

TEST_CASE("Kbm of both tokens, of another care-of address's token, and of the home token alone") {
  const KeygenToken home = token_of("home_keygen_token");
  CHECK(hex_of(binding_management_key(home, token_of("careof_keygen_token"))) == crypto().at("Kbm"));
  CHECK(hex_of(binding_management_key(home, token_of("careof_keygen_token_2"))) == crypto().at("Kbm_for_careof_2"));
  CHECK(hex_of(binding_management_key(home, std::nullopt)) == crypto().at("Kbm_delete"));
}

TEST_CASE("the authorised packets of other programs are right") {
  for (const Authorized& row : kAuthorized) {
    INFO(row.vector);
    const BytesView header = header_of(vector_named(row.vector));
    CHECK(binding_authorization_is_right(header, key_of(row.key), address_of(row.care_of_address), address_of("correspondent")));
    // What the answer of the option holds is what is computed over the rest.
    const Authenticator expected =
        binding_authenticator(key_of(row.key), address_of(row.care_of_address), address_of("correspondent"), header);
    CHECK(std::equal(expected.begin(), expected.end(), header.end() - 12));
  }
}

TEST_CASE("the same packets come out octet by octet when they are built from their values") {
  for (const Authorized& row : kAuthorized) {
    INFO(row.vector);
    const Vector& vector = vector_named(row.vector);
    const auto view = parse_packet(vector.packet).value();
    Bytes header = encode_with_binding_authorization(without_authorization(vector), key_of(row.key),
                                                     address_of(row.care_of_address), address_of("correspondent"));
    fill_checksum(header, view.logical_source(), view.logical_destination());
    CHECK(to_hex(header) == to_hex(header_of(vector)));
  }
}

TEST_CASE("every bit that the authenticator covers is noticed, both addresses and the key too; the checksum is not covered") {
  const Bytes good = [] {
    const BytesView header = header_of(vector_named("bu_cn_auth"));
    return Bytes(header.begin(), header.end());
  }();
  const Address care_of = address_of("careof_address"), correspondent = address_of("correspondent");
  const Sha1Digest key = key_of("Kbm");
  REQUIRE(binding_authorization_is_right(good, key, care_of, correspondent));
  constexpr std::size_t kChecksum = 4;
  for (std::size_t octet = 0; octet < good.size(); ++octet)
    for (unsigned bit = 0; bit < 8; ++bit) {
      INFO(octet << ' ' << bit);
      Bytes bad = good;
      bad[octet] = static_cast<std::uint8_t>(bad[octet] ^ (1u << bit));
      const bool is_checksum = octet == kChecksum || octet == kChecksum + 1;
      CHECK(binding_authorization_is_right(bad, key, care_of, correspondent) == is_checksum);
    }
  CHECK_FALSE(binding_authorization_is_right(good, key, correspondent, care_of));
  CHECK_FALSE(binding_authorization_is_right(good, key, address_of("home_address"), correspondent));
  CHECK_FALSE(binding_authorization_is_right(good, key_of("Kbm_delete"), care_of, correspondent));
}

TEST_CASE("without the option, cut, or with something behind it nothing is right") {
  const Address care_of = address_of("careof_address"), correspondent = address_of("correspondent");
  const Sha1Digest key = key_of("Kbm");
  for (const char* name : {"bu_cn_no_auth", "bu_cn_wrong_mac", "bu_cn_pad_after_auth", "ba_cn_expired_nonces"})
    CHECK_FALSE(binding_authorization_is_right(header_of(vector_named(name)), key, care_of, correspondent));
  const BytesView good = header_of(vector_named("bu_cn_auth"));
  for (std::size_t length = 0; length < good.size(); ++length)
    CHECK_FALSE(binding_authorization_is_right(good.first(length), key, care_of, correspondent));
  // Octets behind the header's own end are none of its business.
  Bytes longer(good.begin(), good.end());
  longer.resize(longer.size() + 5, 0xff);
  CHECK(binding_authorization_is_right(longer, key, care_of, correspondent));
}

TEST_CASE("two options, one of them right: not the right one decides but that there are two") {
  BindingUpdate update{.sequence = 1, .lifetime_units = 105};
  const Address care_of = address_of("careof_address"), correspondent = address_of("correspondent");
  const Sha1Digest key = key_of("Kbm");
  Bytes header = encode(BindingUpdate{.sequence = 1, .lifetime_units = 105, .options = {UnknownOption{5, Bytes(12)}}});
  const Bytes last = encode_with_binding_authorization(update, key, care_of, correspondent);
  // The tail of a good one (its option) behind a header that has an option of the type already.
  header.insert(header.end(), {1, 0});
  header.insert(header.end(), last.end() - 14, last.end());
  header[1] = static_cast<std::uint8_t>(header.size() / 8 - 1);
  REQUIRE(header.size() % 8 == 0);
  const Authenticator right = binding_authenticator(key, care_of, correspondent, header);
  std::copy(right.begin(), right.end(), header.end() - 12);
  CHECK_FALSE(binding_authorization_is_right(header, key, care_of, correspondent));
}
