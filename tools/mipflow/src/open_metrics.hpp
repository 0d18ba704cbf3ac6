// SPDX-License-Identifier: GPL-3.0-or-later
// The text format of OpenMetrics 1.0 (https://openmetrics.io), as monitoring systems read it.
#pragma once

#include <iosfwd>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace mipflow::tools {

struct MetricSample {
  std::string suffix;                         // behind the family's name: "", "_total", "_bucket", "_sum", "_count", "_info"
  std::map<std::string, std::string> labels;  // any octets; escaped when written
  double value = 0;
};

struct MetricFamily {
  enum class Type : unsigned char { Gauge, Counter, Histogram, Info };
  std::string name;  // ends with "_" and the unit when there is one; a counter's without "_total"
  Type type = Type::Gauge;
  std::string unit;  // "seconds", "bytes", "ratio"; empty: none
  std::string help;
  std::vector<MetricSample> samples;
};

// Families without samples are left out. Ends with "# EOF".
void print_open_metrics(std::ostream& out, const std::vector<MetricFamily>& families);
// The same as a list of objects: docs/schema/metrics.json.
nlohmann::json metrics_json(const std::vector<MetricFamily>& families);

}  // namespace mipflow::tools
