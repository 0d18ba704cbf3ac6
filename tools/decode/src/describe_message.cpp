// SPDX-License-Identifier: GPL-3.0-or-later
#include <fmt/format.h>

#include <algorithm>

#include "describe.hpp"
#include "describe_agent_service.hpp"

namespace mipflow::tools {

namespace {

using nlohmann::ordered_json;

// RFC 6275 §6.1.7, §6.1.8: units of 4 s.
void add_lifetime(std::vector<Field>& fields, unsigned units, const char* meaning_of_zero) {
  const unsigned seconds = units * 4u;
  fields.push_back(field("lifetime_units", units, ""));
  fields.push_back(field("lifetime_seconds", seconds, fmt::format("lifetime {} s{}", seconds, units == 0 ? meaning_of_zero : "")));
}

// One field per flag for scripts; humans read the letters of those that are set.
class Flags {
 public:
  explicit Flags(std::vector<Field>& fields) : fields_(fields) {}
  void add(const char* name, const char* letter, bool set) {
    fields_.push_back(field(name, set, ""));
    if (set) letters_ += std::string(" ") + letter;
  }
  void finish(const char* rest_name, unsigned rest, int digits) {
    fields_.push_back(field(rest_name, hex_number(rest, digits), ""));
    if (rest != 0) letters_ += " " + hex_number(rest, digits);
    finish();
  }
  void finish() {
    if (!fields_.empty()) fields_.back().text = letters_.empty() ? "no flags" : "flags" + letters_;
  }

 private:
  std::vector<Field>& fields_;
  std::string letters_;
};

Field status_field(unsigned status, const std::string& name) {
  return field("status", status, fmt::format("status {} ({})", status, name));
}

struct MobilityDescriber {
  Item operator()(const wire::BindingRefreshRequest&) const { return item("Binding Refresh Request"); }
  Item operator()(const wire::HomeTestInit& message) const {
    return item("Home Test Init", {field("home_init_cookie", hex_number(message.home_init_cookie, 16))});
  }
  Item operator()(const wire::CareOfTestInit& message) const {
    return item("Care-of Test Init", {field("care_of_init_cookie", hex_number(message.care_of_init_cookie, 16))});
  }
  Item operator()(const wire::HomeTest& message) const {
    return item("Home Test", {field("home_nonce_index", message.home_nonce_index),
                              field("home_init_cookie", hex_number(message.home_init_cookie, 16)),
                              field("home_keygen_token", hex_number(message.home_keygen_token, 16))});
  }
  Item operator()(const wire::CareOfTest& message) const {
    return item("Care-of Test", {field("care_of_nonce_index", message.care_of_nonce_index),
                                 field("care_of_init_cookie", hex_number(message.care_of_init_cookie, 16)),
                                 field("care_of_keygen_token", hex_number(message.care_of_keygen_token, 16))});
  }
  Item operator()(const wire::BindingUpdate& message) const {
    std::vector<Field> fields{field("sequence", message.sequence)};
    Flags flags(fields);
    flags.add("acknowledge", "A", message.acknowledge);
    flags.add("home_registration", "H", message.home_registration);
    flags.add("link_local_address_compatibility", "L", message.link_local_address_compatibility);
    flags.add("key_management_mobility_capability", "K", message.key_management_mobility_capability);
    flags.finish("other_flags", message.other_flags, 4);
    add_lifetime(fields, message.lifetime_units, " (ends the binding)");
    return item("Binding Update", std::move(fields));
  }
  Item operator()(const wire::BindingAcknowledgement& message) const {
    std::vector<Field> fields{status_field(static_cast<unsigned>(message.status), to_string(message.status)),
                              field("status_name", to_string(message.status), ""),
                              field("accepted", wire::accepts(message.status), ""), field("sequence", message.sequence)};
    Flags flags(fields);
    flags.add("key_management_mobility_capability", "K", message.key_management_mobility_capability);
    flags.finish("other_flags", message.other_flags, 2);
    add_lifetime(fields, message.lifetime_units, wire::accepts(message.status) ? " (no binding any more)" : "");
    return item("Binding Acknowledgement", std::move(fields));
  }
  Item operator()(const wire::BindingError& message) const {
    return item("Binding Error", {status_field(static_cast<unsigned>(message.status), to_string(message.status)),
                                  field("status_name", to_string(message.status), ""),
                                  field("home_address", message.home_address)});
  }
  Item operator()(const wire::AgentServiceMessage& message) const { return describe_agent_service(message); }

  static Item item(const char* title, std::vector<Field> fields = {}) { return {0, "", title, std::move(fields)}; }
};

std::string link_layer_text(const LinkLayerAddress& address) {
  return fmt::format("{:02x}", fmt::join(address, ":"));
}

void add(std::vector<Field>& fields, const char* name, const std::optional<LinkLayerAddress>& address) {
  if (address) fields.push_back(field(name, link_layer_text(*address)));
}

std::string lifetime_of_prefix(std::uint32_t seconds) {
  return seconds == 0xffffffff ? "forever" : fmt::format("{} s", seconds);
}

void add(std::vector<Field>& fields, const std::vector<wire::PrefixInformation>& prefixes) {
  ordered_json list = ordered_json::array();
  std::string text;
  for (const wire::PrefixInformation& prefix : prefixes) {
    list.push_back({{"prefix", to_string(prefix.prefix)},
                    {"prefix_length", prefix.prefix_length},
                    {"on_link", prefix.on_link},
                    {"autonomous", prefix.autonomous},
                    {"router_address", prefix.router_address},
                    {"valid_lifetime", prefix.valid_lifetime},
                    {"preferred_lifetime", prefix.preferred_lifetime}});
    text += fmt::format("{}prefix {}/{}{}{}{}, valid {}, preferred {}", text.empty() ? "" : "; ", to_string(prefix.prefix),
                        prefix.prefix_length, prefix.on_link ? " L" : "", prefix.autonomous ? " A" : "",
                        prefix.router_address ? " R" : "", lifetime_of_prefix(prefix.valid_lifetime),
                        lifetime_of_prefix(prefix.preferred_lifetime));
  }
  fields.push_back(field("prefixes", std::move(list), prefixes.empty() ? "no prefix" : text));
}

void add(std::vector<Field>& fields, const std::optional<wire::PrefixAuthentication>& authentication) {
  if (!authentication) return;
  fields.push_back(field("authentication",
                         {{"spi", authentication->spi},
                          {"ntp_timestamp", hex_number(authentication->ntp_timestamp, 16)},
                          {"authenticator", hex_digits(authentication->authenticator)}},
                         fmt::format("authenticated under SPI {}", authentication->spi)));
}

struct Icmpv6Describer {
  Item operator()(const wire::HomeAgentAddressDiscoveryRequest& message) const {
    return {wire::kIcmpv6HomeAgentAddressDiscoveryRequest, "home-agent-address-discovery-request",
            "Home Agent Address Discovery Request", {field("identifier", message.identifier)}};
  }
  Item operator()(const wire::HomeAgentAddressDiscoveryReply& message) const {
    Item item{wire::kIcmpv6HomeAgentAddressDiscoveryReply, "home-agent-address-discovery-reply",
              "Home Agent Address Discovery Reply", {field("identifier", message.identifier)}};
    ordered_json agents = ordered_json::array();
    std::string text = message.home_agents.empty() ? "no home agent" : "home agents";
    for (const Address& agent : message.home_agents) {
      agents.push_back(to_string(agent));
      text += " " + to_string(agent);
    }
    item.fields.push_back(field("home_agents", std::move(agents), text));
    return item;
  }
  Item operator()(const wire::MobilePrefixSolicitation& message) const {
    Item item{wire::kIcmpv6MobilePrefixSolicitation, "mobile-prefix-solicitation", "Mobile Prefix Solicitation",
              {field("identifier", message.identifier)}};
    add(item.fields, message.authentication);
    return item;
  }
  Item operator()(const wire::MobilePrefixAdvertisement& message) const {
    Item item{wire::kIcmpv6MobilePrefixAdvertisement, "mobile-prefix-advertisement", "Mobile Prefix Advertisement",
              {field("identifier", message.identifier)}};
    Flags flags(item.fields);
    flags.add("managed_address_configuration", "M", message.managed_address_configuration);
    flags.add("other_stateful_configuration", "O", message.other_stateful_configuration);
    flags.finish();
    add(item.fields, message.prefixes);
    add(item.fields, message.authentication);
    return item;
  }
  Item operator()(const wire::NeighborSolicitation& message) const {
    Item item{wire::kIcmpv6NeighborSolicitation, "neighbor-solicitation", "Neighbor Solicitation", {field("target", message.target)}};
    add(item.fields, "source_link_layer_address", message.source_link_layer_address);
    return item;
  }
  Item operator()(const wire::NeighborAdvertisement& message) const {
    Item item{wire::kIcmpv6NeighborAdvertisement, "neighbor-advertisement", "Neighbor Advertisement", {field("target", message.target)}};
    Flags flags(item.fields);
    flags.add("router", "R", message.router);
    flags.add("solicited", "S", message.solicited);
    flags.add("override", "O", message.override_flag);
    flags.finish();
    add(item.fields, "target_link_layer_address", message.target_link_layer_address);
    return item;
  }
  Item operator()(const wire::RouterAdvertisement& message) const {
    Item item{wire::kIcmpv6RouterAdvertisement, "router-advertisement", "Router Advertisement",
              {field("current_hop_limit", message.current_hop_limit, "")}};
    Flags flags(item.fields);
    flags.add("managed", "M", message.managed);
    flags.add("other", "O", message.other);
    flags.add("home_agent", "H", message.home_agent);
    flags.finish();
    item.fields.push_back(field("router_lifetime", message.router_lifetime, fmt::format("router lifetime {} s", message.router_lifetime)));
    add(item.fields, message.prefixes);
    add(item.fields, "source_link_layer_address", message.source_link_layer_address);
    if (const auto interval = message.advertisement_interval_ms)
      item.fields.push_back(field("advertisement_interval_ms", *interval, fmt::format("advertisement interval {} ms", *interval)));
    if (const auto preference = message.home_agent_preference) item.fields.push_back(field("home_agent_preference", *preference));
    if (const auto lifetime = message.home_agent_lifetime)
      item.fields.push_back(field("home_agent_lifetime", *lifetime, fmt::format("home agent lifetime {} s", *lifetime)));
    return item;
  }
  Item operator()(const wire::Icmpv6Error& message) const {
    Item item{message.type, "", "", {field("code", message.code)}};
    switch (message.type) {
      case wire::kIcmpv6DestinationUnreachable:
        item.name = "destination-unreachable";
        item.title = "Destination Unreachable";
        break;
      case wire::kIcmpv6PacketTooBig:
        item.name = "packet-too-big";
        item.title = "Packet Too Big";
        item.fields.push_back(field("mtu", message.parameter, fmt::format("MTU {}", message.parameter)));
        break;
      case wire::kIcmpv6TimeExceeded:
        item.name = "time-exceeded";
        item.title = "Time Exceeded";
        break;
      default:
        item.name = "parameter-problem";
        item.title = "Parameter Problem";
        item.fields.push_back(field("pointer", message.parameter, fmt::format("points at octet {}", message.parameter)));
        break;
    }
    return item;
  }
};

}  // namespace

Message describe(const wire::MobilityMessage& message) {
  Message out{"mobility-header", std::visit(MobilityDescriber{}, message)};
  const wire::MobilityType type = wire::type_of(message);
  out.item.type = static_cast<unsigned>(type);
  out.item.name = to_string(type);
  std::visit(
      [&](const auto& concrete) {
        for (const wire::MobilityOption& option : concrete.options) out.options.push_back(describe(option));
      },
      message);
  return out;
}

Message describe(const wire::Icmpv6Message& message) { return {"icmpv6", std::visit(Icmpv6Describer{}, message)}; }

Message describe_unknown_mobility_type(std::uint8_t type) {
  const char* name = to_string(static_cast<wire::MobilityType>(type));
  return {"mobility-header", {type, name, fmt::format("Mobility Header type {} ({})", type, name)}};
}

}  // namespace mipflow::tools
