// SPDX-License-Identifier: GPL-3.0-or-later
#include "describe.hpp"
#include "report.hpp"

namespace mipflow::tools {

namespace {

using nlohmann::ordered_json;

ordered_json text_or_null(const std::optional<Address>& address) {
  return address ? ordered_json(to_string(*address)) : ordered_json();
}

void add_fields(ordered_json& out, const std::vector<Field>& fields) {
  for (const Field& field : fields) out[field.name] = field.value;
}

ordered_json item_json(const Item& item) {
  ordered_json out{{"type", item.type}, {"name", item.name}};
  add_fields(out, item.fields);
  return out;
}

ordered_json message_json(const Message& message) {
  ordered_json out = item_json(message.item);
  out["protocol"] = message.protocol;
  out["options"] = ordered_json::array();
  for (const Item& option : message.options) out["options"].push_back(item_json(option));
  for (const Record& record : message.records) {
    ordered_json fields = ordered_json::object();
    add_fields(fields, record.fields);
    out["records"].push_back(std::move(fields));
  }
  return out;
}

ordered_json checksum_json(const Checksum& checksum) {
  return {{"value", hex_number(checksum.value, 4)},
          {"right", checksum.right()},
          {"expected", hex_number(checksum.expected, 4)},
          {"computed_over", {{"source", to_string(checksum.source)}, {"destination", to_string(checksum.destination)}}}};
}

void add_report(ordered_json& out, const Report& report) {
  out["valid"] = report.valid();
  out["error"] = report.problem ? ordered_json{{"kind", report.problem->kind},
                                               {"offset", report.problem->offset},
                                               {"explanation", report.problem->explanation}}
                                : ordered_json();
  out["length"] = report.length;
  out["source"] = report.has_addresses ? ordered_json(to_string(report.source)) : ordered_json();
  out["destination"] = report.has_addresses ? ordered_json(to_string(report.destination)) : ordered_json();
  out["home_address"] = text_or_null(report.home_address);
  out["care_of_address"] = text_or_null(report.care_of_address);
  out["home_address_option"] = text_or_null(report.home_address_option);
  out["routing_header_home_address"] = text_or_null(report.routing_header_home_address);
  out["upper_layer_protocol"] = report.headers_are_readable ? ordered_json(report.protocol) : ordered_json();
  out["message"] = report.message ? message_json(*report.message) : ordered_json();
  out["checksum"] = report.checksum ? checksum_json(*report.checksum) : ordered_json();
  for (const auto& [name, nested] : {std::pair{"inner", &report.inner}, std::pair{"quoted", &report.quoted}}) {
    if (!*nested) continue;
    ordered_json object = ordered_json::object();
    add_report(object, **nested);
    out[name] = std::move(object);
  }
}

}  // namespace

std::string to_json(const Report& report, const Origin& origin) {
  ordered_json out = ordered_json::object();
  out["number"] = origin.number;
  out["time"] = origin.time ? ordered_json(*origin.time) : ordered_json();
  if (!origin.carried_in.empty()) out["carried_in"] = origin.carried_in;
  add_report(out, report);
  return out.dump();
}

}  // namespace mipflow::tools
