// SPDX-License-Identifier: GPL-3.0-or-later
#include "tshark_view.hpp"

#include <array>
#include <cstdio>

#include "mipflow/wire/packet.hpp"
#include "vectors.hpp"

namespace mipflow::test {

namespace {

using namespace mipflow::wire;

std::string hex_number(std::uint64_t value, int digits) {
  std::array<char, 24> text{};
  std::snprintf(text.data(), text.size(), "0x%0*llx", digits, static_cast<unsigned long long>(value));
  return text.data();
}

std::string link_layer_text(const LinkLayerAddress& address) {
  std::array<char, 24> text{};
  std::snprintf(text.data(), text.size(), "%02x:%02x:%02x:%02x:%02x:%02x", address[0], address[1], address[2], address[3],
                address[4], address[5]);
  return text.data();
}

class View {
 public:
  void packet(BytesView bytes);
  std::map<std::string, std::string> take() { return std::move(fields_); }

 private:
  void put(const std::string& field, const std::string& value) {
    std::string& values = fields_[field];
    values += values.empty() ? value : ";" + value;
  }
  template <class Number>
  void number(const std::string& field, Number value) { put(field, std::to_string(static_cast<std::uint64_t>(value))); }
  void text(const std::string& field, const Address& value) { put(field, to_string(value)); }

  void mobility(BytesView header, const MobilityMessage& message);
  void options(const MobilityOptions& options);
  void icmpv6(BytesView bytes, const Icmpv6Message& message);
  void prefix(const PrefixInformation& prefix);

  std::map<std::string, std::string> fields_;
};

void View::packet(BytesView bytes) {
  const auto view = parse_packet(bytes);
  if (!view) return;
  text("ipv6.src", view->source);
  text("ipv6.dst", view->destination);
  number("ipv6.hlim", view->hop_limit);
  if (view->home_address_option) text("ipv6.opt.mipv6.home_address", *view->home_address_option);
  if (view->routing_header_home_address) text("ipv6.routing.mipv6.home_address", *view->routing_header_home_address);
  if (view->fragment_offset) {
    number("ipv6.fraghdr.offset", *view->fragment_offset);
    number("ipv6.fraghdr.more", view->more_fragments);
    number("ipv6.fraghdr.nxt", view->protocol);
  }
  if (view->protocol == kProtocolIpv6) packet(view->payload);
  const auto signalling = decode_packet(bytes);
  if (!signalling) return;
  if (const auto* message = std::get_if<MobilityMessage>(&signalling->message)) mobility(view->payload, *message);
  if (const auto* message = std::get_if<Icmpv6Message>(&signalling->message)) icmpv6(view->payload, *message);
}

void View::mobility(BytesView header, const MobilityMessage& message) {
  number("mip6.proto", header[0]);
  number("mip6.hlen", header[1]);
  number("mip6.mhtype", type_of(message));
  put("mip6.csum", hex_number(static_cast<std::uint64_t>(header[4] << 8 | header[5]), 4));
  if (const auto* hoti = std::get_if<HomeTestInit>(&message)) put("mip6.hoti.cookie", hex_number(hoti->home_init_cookie, 16));
  if (const auto* coti = std::get_if<CareOfTestInit>(&message))
    put("mip6.coti.cookie", hex_number(coti->care_of_init_cookie, 16));
  if (const auto* hot = std::get_if<HomeTest>(&message)) {
    number("mip6.hot.nindex", hot->home_nonce_index);
    put("mip6.hot.cookie", hex_number(hot->home_init_cookie, 16));
    put("mip6.hot.token", hex_number(hot->home_keygen_token, 16));
  }
  if (const auto* cot = std::get_if<CareOfTest>(&message)) {
    number("mip6.cot.nindex", cot->care_of_nonce_index);
    put("mip6.cot.cookie", hex_number(cot->care_of_init_cookie, 16));
    put("mip6.hot.token", hex_number(cot->care_of_keygen_token, 16));  // tshark's name for both tokens
  }
  if (const auto* update = std::get_if<BindingUpdate>(&message)) {
    number("mip6.bu.seqnr", update->sequence);
    number("mip6.bu.a_flag", update->acknowledge);
    number("mip6.bu.h_flag", update->home_registration);
    number("mip6.bu.l_flag", update->link_local_address_compatibility);
    number("mip6.bu.k_flag", update->key_management_mobility_capability);
    number("mip6.nemo.bu.r_flag", (update->other_flags & 0x0400) != 0);
    number("mip6.bu.f_flag", (update->other_flags & 0x0100) != 0);
    number("mip6.bu.b_flag", (update->other_flags & 0x0040) != 0);
    number("mip6.bu.lifetime", update->lifetime_units);
  }
  if (const auto* acknowledgement = std::get_if<BindingAcknowledgement>(&message)) {
    number("mip6.ba.status", acknowledgement->status);
    number("mip6.ba.k_flag", acknowledgement->key_management_mobility_capability);
    number("mip6.nemo.ba.r_flag", (acknowledgement->other_flags & 0x40) != 0);
    number("mip6.ba.seqnr", acknowledgement->sequence);
    number("mip6.ba.lifetime", acknowledgement->lifetime_units);
  }
  if (const auto* error = std::get_if<BindingError>(&message)) {
    number("mip6.be.status", error->status);
    text("mip6.be.haddr", error->home_address);
  }
  std::visit([&](const auto& concrete) { options(concrete.options); }, message);
}

// Options of other RFCs come out of the decoder as octets; reading them here shows that these are the right octets.
void View::options(const MobilityOptions& options) {
  for (const MobilityOption& option : options) {
    if (const auto* o = std::get_if<BindingRefreshAdvice>(&option)) number("mip6.bra.interval", o->interval_units);
    if (const auto* o = std::get_if<AlternateCareOfAddress>(&option)) text("mip6.acoa.acoa", o->care_of_address);
    if (const auto* o = std::get_if<NonceIndices>(&option)) {
      number("mip6.ni.hni", o->home_nonce_index);
      number("mip6.ni.cni", o->care_of_nonce_index);
    }
    if (const auto* o = std::get_if<BindingAuthorizationData>(&option)) put("mip6.bad.auth", to_hex(o->authenticator));
    if (const auto* o = std::get_if<MobileNodeIdentifier>(&option)) {
      number("mip6.mnid.subtype", o->subtype);
      put("mip6.mnid.identifier", std::string(o->identifier.begin(), o->identifier.end()));
    }
    if (const auto* o = std::get_if<MessageAuthentication>(&option)) {
      number("mip6.auth.subtype", o->subtype);
      number("mip6.auth.mobility_spi", o->spi);
      // tshark 4.0 leaves out the last two octets of a 96-bit authenticator.
      put("mip6.auth.auth_data", to_hex(BytesView(o->authenticator).first(o->authenticator.size() - 2)));
    }
    const auto* unknown = std::get_if<UnknownOption>(&option);
    if (unknown == nullptr) continue;
    Reader data(unknown->data);
    switch (unknown->type) {
      case 6:
        data.skip(1);
        number("mip6.nemo.mnp.pfl", data.u8());
        text("mip6.nemo.mnp.mnp", data.address());
        break;
      case 17: {
        number("mip6.dnsu.status", data.u8());
        number("mip6.dnsu.flag.r", data.u8() >> 7);
        break;
      }
      case 35:
        number("mip6.bi.bid", data.u16());
        number("mip6.bi.status", data.u8());
        number("mip6.bi.h_flag", data.u8() >> 7);
        if (data.remaining() == 16) text("mip6.bi.coa_ipv6", data.address());
        break;
      case 31:
        number("mip6.natd.f_flag", data.u16() >> 15);
        number("mip6.natd.refresh_t", data.u32());
        break;
      default: number("mip6.mobility_opt", unknown->type); break;
    }
  }
}

void View::prefix(const PrefixInformation& prefix) {
  text("icmpv6.opt.prefix", prefix.prefix);
  number("icmpv6.opt.prefix.length", prefix.prefix_length);
  number("icmpv6.opt.prefix.flag.r", prefix.router_address);
  number("icmpv6.opt.prefix.flag.a", prefix.autonomous);
  number("icmpv6.opt.prefix.flag.l", prefix.on_link);
  number("icmpv6.opt.prefix.valid_lifetime", prefix.valid_lifetime);
  number("icmpv6.opt.prefix.preferred_lifetime", prefix.preferred_lifetime);
}

void View::icmpv6(BytesView bytes, const Icmpv6Message& message) {
  number("icmpv6.type", bytes[0]);
  number("icmpv6.code", bytes[1]);
  number("icmpv6.checksum.status", 1);  // decode_packet() refuses every other one
  if (const auto* m = std::get_if<HomeAgentAddressDiscoveryRequest>(&message))
    number("icmpv6.mip6.identifier", m->identifier);
  if (const auto* m = std::get_if<HomeAgentAddressDiscoveryReply>(&message)) {
    number("icmpv6.mip6.identifier", m->identifier);
    for (const Address& agent : m->home_agents) text("icmpv6.mip6.home_agent_address", agent);
  }
  if (const auto* m = std::get_if<MobilePrefixSolicitation>(&message)) number("icmpv6.mip6.identifier", m->identifier);
  if (const auto* m = std::get_if<MobilePrefixAdvertisement>(&message)) {
    number("icmpv6.mip6.identifier", m->identifier);
    number("icmpv6.mip6.flag.m", m->managed_address_configuration);
    number("icmpv6.mip6.flag.o", m->other_stateful_configuration);
    for (const PrefixInformation& p : m->prefixes) prefix(p);
  }
  if (const auto* m = std::get_if<RouterAdvertisement>(&message)) {
    number("icmpv6.nd.ra.flag.h", m->home_agent);
    number("icmpv6.nd.ra.router_lifetime", m->router_lifetime);
    for (const PrefixInformation& p : m->prefixes) prefix(p);
    if (m->advertisement_interval_ms) number("icmpv6.opt.advertisement_interval", *m->advertisement_interval_ms);
    if (m->home_agent_preference) number("icmpv6.opt.home_agent_preference", *m->home_agent_preference);
    if (m->home_agent_lifetime) number("icmpv6.opt.home_agent_lifetime", *m->home_agent_lifetime);
    if (m->source_link_layer_address) put("icmpv6.opt.linkaddr", link_layer_text(*m->source_link_layer_address));
  }
  if (const auto* m = std::get_if<NeighborAdvertisement>(&message)) {
    text("icmpv6.nd.na.target_address", m->target);
    number("icmpv6.nd.na.flag.r", m->router);
    number("icmpv6.nd.na.flag.s", m->solicited);
    number("icmpv6.nd.na.flag.o", m->override_flag);
    if (m->target_link_layer_address) put("icmpv6.opt.linkaddr", link_layer_text(*m->target_link_layer_address));
  }
  if (const auto* m = std::get_if<NeighborSolicitation>(&message)) text("icmpv6.nd.ns.target_address", m->target);
  if (const auto* m = std::get_if<Icmpv6Error>(&message)) {
    if (m->type == kIcmpv6ParameterProblem) number("icmpv6.pointer", m->parameter);
    packet(m->invoking_packet);
  }
}

}  // namespace

std::map<std::string, std::string> tshark_view(BytesView packet) {
  View view;
  view.packet(packet);
  return view.take();
}

bool is_our_business(std::string_view field) {
  static constexpr std::string_view kOthers[] = {
      "frame.", "_ws.", "udp.", "dhcpv6.", "ip.",
      // The walk over the headers keeps none of these; the test that builds every packet again, octet by octet, does.
      "ipv6.nxt", "ipv6.plen", "ipv6.dstopts.nxt", "ipv6.opt.type", "ipv6.routing.type", "ipv6.routing.segleft",
      "ipv6.opt.tel", "mip6.mobility_opt.len",
      // Dual stack options (RFC 5555), which are carried as octets and compared as octets.
      "mip6.ipv4"};
  for (const std::string_view other : kOthers)
    if (field.starts_with(other)) return false;
  return true;
}

}  // namespace mipflow::test
