// SPDX-License-Identifier: GPL-3.0-or-later
#include "describe_agent_service.hpp"

#include <fmt/format.h>

#include "describe.hpp"

namespace mipflow::tools {

namespace {

using nlohmann::ordered_json;

std::string lifetime_text(std::uint32_t seconds) {
  return seconds == wire::kInfiniteLifetime ? "forever" : fmt::format("{} s", seconds);
}

Field addresses_field(const std::vector<wire::HomeAddressLifetimes>& addresses) {
  ordered_json list = ordered_json::array();
  std::string text;
  for (const auto& item : addresses) {
    list.push_back({{"home_address", to_string(item.home_address)},
                    {"preferred_lifetime", item.preferred},
                    {"valid_lifetime", item.valid}});
    text += fmt::format("{}{} preferred {}, valid {}", text.empty() ? "" : "; ", to_string(item.home_address),
                        lifetime_text(item.preferred), lifetime_text(item.valid));
  }
  return field("addresses", std::move(list), addresses.empty() ? "no address" : text);
}

Field addresses_field(const std::vector<Address>& addresses) {
  ordered_json list = ordered_json::array();
  std::string text;
  for (const auto& address : addresses) {
    list.push_back(to_string(address));
    text += (text.empty() ? "" : " ") + to_string(address);
  }
  return field("addresses", std::move(list), addresses.empty() ? "no address" : text);
}

struct BodyDescriber {
  Item operator()(const wire::HomeAddressRequest& body) const {
    return item("Home Address Request", {field("source", to_string(body.source)), field("count", body.count)});
  }
  Item operator()(const wire::HomeAddressReply& body) const {
    std::vector<Field> fields{field("source", to_string(body.source)),
                              field("status", static_cast<unsigned>(body.status),
                                    fmt::format("status {} ({})", static_cast<unsigned>(body.status), to_string(body.status))),
                              field("status_name", to_string(body.status), ""), addresses_field(body.addresses)};
    const BytesView reason(reinterpret_cast<const std::uint8_t*>(body.reason.data()), body.reason.size());
    if (!body.reason.empty()) fields.push_back(field("reason", printable(reason)));
    return item("Home Address Reply", std::move(fields));
  }
  Item operator()(const wire::HomeAddressRelease& body) const {
    const bool duplicate = body.reason == wire::HomeAddressReleaseReason::Duplicate;
    return item("Home Address Release", {field("reason", duplicate ? "duplicate" : "not-needed"), addresses_field(body.addresses)});
  }
  Item operator()(const wire::HomeAddressReleaseAcknowledgement&) const { return item("Home Address Release Acknowledgement"); }
  Item operator()(const wire::HomeAddressChange& body) const {
    return item("Home Address Change", {addresses_field(body.addresses)});
  }
  Item operator()(const wire::HomeAddressChangeAcknowledgement&) const { return item("Home Address Change Acknowledgement"); }
  Item operator()(const wire::PolicyRequest& body) const {
    return item("Policy Request", {field("known_version", body.known_version), field("offset", body.offset)});
  }
  Item operator()(const wire::PolicyReply& body) const {
    return item("Policy Reply", {field("unchanged", body.status == wire::PolicyStatus::Unchanged), field("version", body.version),
                                 field("total_length", body.total_length), field("offset", body.offset),
                                 field("part_length", body.part.size()), field("authenticator", hex_digits(body.authenticator), "")});
  }
  Item operator()(const wire::PolicyChanged& body) const { return item("Policy Changed", {field("version", body.version)}); }
  Item operator()(const wire::HomeAddressRefresh& body) const { return item("Home Address Refresh", {addresses_field(body.addresses)}); }
  Item operator()(const wire::HomeAddressRefreshReply& body) const {
    return item("Home Address Refresh Reply", {addresses_field(body.addresses)});
  }
  Item operator()(const wire::UnknownOperation& body) const {
    return item(fmt::format("Address and policy service, operation {}", body.operation), {field("body", hex_digits(body.body))});
  }

  static Item item(std::string title, std::vector<Field> fields = {}) { return {0, "", std::move(title), std::move(fields)}; }
};

}  // namespace

Item describe_agent_service(const wire::AgentServiceMessage& message) {
  Item out = std::visit(BodyDescriber{}, message.body);
  const auto operation = wire::operation_of(message.body);
  out.fields.insert(out.fields.begin(),
                    {field("operation", to_string(static_cast<wire::AgentServiceOperation>(operation)), ""),
                     field("transaction", message.transaction)});
  return out;
}

}  // namespace mipflow::tools
