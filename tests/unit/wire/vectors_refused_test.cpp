// SPDX-License-Identifier: GPL-3.0-or-later
// The packets of vectors.json that have to be refused, each with who refuses it and why.
#include <catch2/catch.hpp>
#include <set>

#include "mipflow/base/crypto.hpp"
#include "mipflow/wire/packet.hpp"
#include "vectors.hpp"

using namespace mipflow;
using namespace mipflow::wire;
using namespace mipflow::test;

namespace {

// Refused by the codec: kind and offset (the pointer of an ICMPv6 Parameter Problem where one is asked for).
struct RefusedByCodec {
  const char* name;
  const char* reason;  // as the file names it
  DecodeErrorKind kind;
  std::size_t offset;
};
constexpr RefusedByCodec kRefusedByCodec[] = {
    {"bad_mh_checksum", "bad_checksum", DecodeErrorKind::ChecksumWrong, 40 + 24 + 4},
    {"bad_payload_proto", "payload_proto_not_59", DecodeErrorKind::PayloadProtoWrong, 40},
    {"bu_hdrlen_too_small", "hdrlen_below_minimum_for_type", DecodeErrorKind::HeaderLenTooSmall, 65},
    {"unknown_mh_type", "unknown_mh_type", DecodeErrorKind::UnknownMobilityType, 40 + 2},
    {"bu_cn_pad_after_auth", "auth_data_not_last", DecodeErrorKind::OptionMisplaced, 40 + 24 + 32},
    {"hao_bad_length", "hao_length_not_16", DecodeErrorKind::HomeAddressOptionWrong, 47},
    {"hao_twice", "hao_more_than_once", DecodeErrorKind::HomeAddressOptionWrong, 40 + 30},
    {"rh2_segleft_2", "rh2_segments_left", DecodeErrorKind::RoutingHeaderWrong, 40 + 3},
    {"rh2_hdrlen_4", "rh2_length", DecodeErrorKind::RoutingHeaderWrong, 40 + 1},
    {"bu_option_overrun", "option_overrun", DecodeErrorKind::OptionOverrun, 40 + 24 + 13},
    {"mh_length_beyond_packet", "mh_truncated", DecodeErrorKind::Truncated, 56},
    {"na_multicast_solicited", "na_multicast_with_S", DecodeErrorKind::NeighborDiscoveryWrong, 40 + 4},
};

const BindingUpdate& update_in(const SignallingPacket& packet) {
  return std::get<BindingUpdate>(std::get<MobilityMessage>(packet.message));
}

// Well formed, so a role refuses it; `seen` is what the codec hands the role to find that out.
struct RefusedByRole {
  const char* name;
  const char* reason;
  const char* whose_check;
  bool (*seen)(const Bytes& packet);
};
const RefusedByRole kRefusedByRole[] = {
    {"bu_cn_no_nonce_indices", "nonce_indices_missing", "correspondent node, RFC 6275 §9.5.1",
     [](const Bytes& packet) {
       const auto decoded = decode_packet(packet);
       return decoded && !update_in(*decoded).home_registration &&
              find_option<NonceIndices>(update_in(*decoded).options) == nullptr;
     }},
    {"bu_cn_no_auth", "binding_auth_data_missing", "correspondent node, RFC 6275 §9.5.1",
     [](const Bytes& packet) {
       const auto decoded = decode_packet(packet);
       return decoded && !update_in(*decoded).home_registration &&
              find_option<BindingAuthorizationData>(update_in(*decoded).options) == nullptr;
     }},
    {"bu_cn_wrong_mac", "authenticator_mismatch", "correspondent node, RFC 6275 §9.5.1",
     [](const Bytes& packet) {
       const auto decoded = decode_packet(packet);
       if (!decoded) return false;
       const auto* data = find_option<BindingAuthorizationData>(update_in(*decoded).options);
       if (data == nullptr) return false;
       // RFC 6275 §6.2.7: First(96, HMAC_SHA1(Kbm, care-of address | correspondent | MH Data without authenticator)).
       Writer input;
       input.address(decoded->view.source);
       input.address(decoded->view.destination);
       input.bytes(decoded->view.payload.first(decoded->view.payload.size() - data->authenticator.size()));
       input.patch_u16(2 * 16 + 4, 0);
       const Bytes kbm = from_hex(vectors_document().at("crypto").at("Kbm").get<std::string>());
       const Sha1Digest right = hmac_sha1(kbm, input.view());
       return !equal_in_constant_time(BytesView(right).first(12), data->authenticator);
     }},
    {"bu_home_with_nonce_indices", "nonce_indices_with_H", "home agent, RFC 6275 §9.5.1",
     [](const Bytes& packet) {
       const auto decoded = decode_packet(packet);
       return decoded && update_in(*decoded).home_registration &&
              find_option<NonceIndices>(update_in(*decoded).options) != nullptr;
     }},
    {"hoti_with_hao", "hao_in_test_init", "correspondent node, RFC 6275 §9.4.1",
     [](const Bytes& packet) {
       const auto decoded = decode_packet(packet);
       return decoded && decoded->view.home_address_option &&
              std::holds_alternative<HomeTestInit>(std::get<MobilityMessage>(decoded->message));
     }},
    {"udp_hao_no_binding", "hao_without_matching_binding", "correspondent node's binding cache, RFC 6275 §9.3.1",
     [](const Bytes& packet) {
       const auto view = parse_packet(packet);
       return view && view->home_address_option && view->protocol == kProtocolUdp;
     }},
    {"hao_multicast", "hao_not_unicast_routable", "correspondent node, RFC 6275 §9.3.1",
     [](const Bytes& packet) {
       const auto view = parse_packet(packet);
       return view && view->home_address_option && !view->home_address_option->is_unicast_routable();
     }},
    {"rh2_foreign_home_address", "rh2_not_own_home_address", "mobile node, RFC 6275 §11.3.3",
     [](const Bytes& packet) {
       const auto view = parse_packet(packet);
       return view && view->routing_header_home_address == address("2001:db8:310::30");  // the mobile node has 100::100
     }},
    {"bu_altcoa_link_local", "careof_not_unicast_routable", "home agent, RFC 6275 §9.5.1",
     [](const Bytes& packet) {
       const auto decoded = decode_packet(packet);
       if (!decoded) return false;
       const auto* option = find_option<AlternateCareOfAddress>(update_in(*decoded).options);
       return option != nullptr && !option->care_of_address.is_unicast_routable();
     }},
    {"mpa_without_rh2", "mpa_without_rh2", "mobile node, RFC 6275 §11.4.3",
     [](const Bytes& packet) {
       const auto decoded = decode_packet(packet);
       return decoded && !decoded->view.routing_header_home_address &&
              std::holds_alternative<MobilePrefixAdvertisement>(std::get<Icmpv6Message>(decoded->message));
     }},
};

}  // namespace

TEST_CASE("packets that the codec refuses, with the offset of what is wrong") {
  for (const RefusedByCodec& row : kRefusedByCodec) {
    INFO(row.name);
    const Vector& vector = vector_named(row.name);
    CHECK(vector.whole.at("reason") == row.reason);
    const auto decoded = decode_packet(vector.packet);
    REQUIRE(!decoded);
    CHECK(std::string(to_string(decoded.error().kind)) == to_string(row.kind));
    CHECK(decoded.error().offset == row.offset);
    if (vector.whole.at("fields").contains("pointer"))
      CHECK(decoded.error().offset == vector.whole.at("fields").at("pointer").get<std::size_t>());
  }
}

TEST_CASE("packets that a role refuses: the codec shows what it needs for that") {
  for (const RefusedByRole& row : kRefusedByRole) {
    INFO(row.name << ", refused by " << row.whose_check);
    const Vector& vector = vector_named(row.name);
    CHECK(vector.whole.at("reason") == row.reason);
    CHECK(row.seen(vector.packet));
  }
}

TEST_CASE("each packet to be refused is in one of the two tables") {
  std::set<std::string> in_tables;
  for (const auto& row : kRefusedByCodec) CHECK(in_tables.insert(row.name).second);
  for (const auto& row : kRefusedByRole) CHECK(in_tables.insert(row.name).second);
  std::set<std::string> in_file;
  for (const Vector& vector : all_vectors())
    if (vector.malformed) in_file.insert(vector.name);
  CHECK(in_tables == in_file);
}
