// SPDX-License-Identifier: GPL-3.0-or-later
#include "open_metrics.hpp"

#include <fmt/format.h>

#include <cmath>
#include <ostream>

namespace mipflow::tools {
namespace {

const char* name_of(MetricFamily::Type type) {
  switch (type) {
    case MetricFamily::Type::Gauge: return "gauge";
    case MetricFamily::Type::Counter: return "counter";
    case MetricFamily::Type::Histogram: return "histogram";
    case MetricFamily::Type::Info: return "info";
  }
  return "unknown";
}

std::string escaped(const std::string& text) {
  std::string out;
  for (const char letter : text) {
    if (letter == '\\' || letter == '"') out += '\\';
    if (letter == '\n') out += "\\n";
    else out += letter;
  }
  return out;
}

// The shortest text that reads back as the same number: 17, 0.25, 1e+20.
std::string number(double value) {
  return std::isfinite(value) ? fmt::format("{}", value) : value > 0 ? "+Inf" : value < 0 ? "-Inf" : "NaN";
}

std::string labels_of(const MetricSample& sample) {
  std::string out;
  for (const auto& [name, value] : sample.labels)
    out += fmt::format("{}{}=\"{}\"", out.empty() ? "" : ",", name, escaped(value));
  return out.empty() ? out : "{" + out + "}";
}

}  // namespace

void print_open_metrics(std::ostream& out, const std::vector<MetricFamily>& families) {
  for (const auto& family : families) {
    if (family.samples.empty()) continue;
    out << fmt::format("# TYPE {} {}\n", family.name, name_of(family.type));
    if (!family.unit.empty()) out << fmt::format("# UNIT {} {}\n", family.name, family.unit);
    out << fmt::format("# HELP {} {}\n", family.name, escaped(family.help));
    for (const auto& sample : family.samples)
      out << fmt::format("{}{}{} {}\n", family.name, sample.suffix, labels_of(sample), number(sample.value));
  }
  out << "# EOF\n";
}

nlohmann::json metrics_json(const std::vector<MetricFamily>& families) {
  auto out = nlohmann::json::array();
  for (const auto& family : families) {
    auto samples = nlohmann::json::array();
    for (const auto& sample : family.samples)
      samples.push_back({{"name", family.name + sample.suffix}, {"labels", sample.labels}, {"value", sample.value}});
    if (!samples.empty())
      out.push_back({{"name", family.name},
                     {"type", name_of(family.type)},
                     {"unit", family.unit.empty() ? nlohmann::json() : nlohmann::json(family.unit)},
                     {"help", family.help},
                     {"samples", samples}});
  }
  return out;
}

}  // namespace mipflow::tools
