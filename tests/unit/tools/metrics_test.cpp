// SPDX-License-Identifier: GPL-3.0-or-later
#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>
#include <sstream>

#include "link_counters.hpp"
#include "open_metrics.hpp"
#include "whole_command.hpp"

using nlohmann::json;
using namespace mipflow::tools;

TEST_CASE("OpenMetrics text has type, unit, help and escaped labels") {
  std::ostringstream out;
  print_open_metrics(out, {{"mipflow_uptime_seconds", MetricFamily::Type::Gauge, "seconds", "How long.", {{"", {}, 12.5}}},
                           {"mipflow_empty", MetricFamily::Type::Gauge, "", "Left out.", {}},
                           {"mipflow_events", MetricFamily::Type::Counter, "", "A \"help\"\nof two lines.", {{"_total", {{"event", "a\"b\\c\nd"}}, 3}}}});
  CHECK(out.str() ==
        "# TYPE mipflow_uptime_seconds gauge\n"
        "# UNIT mipflow_uptime_seconds seconds\n"
        "# HELP mipflow_uptime_seconds How long.\n"
        "mipflow_uptime_seconds 12.5\n"
        "# TYPE mipflow_events counter\n"
        "# HELP mipflow_events A \\\"help\\\"\\nof two lines.\n"
        "mipflow_events_total{event=\"a\\\"b\\\\c\\nd\"} 3\n"
        "# EOF\n");
}

TEST_CASE("an interface's octets are read from the kernel's lines, names with colons too") {
  std::istringstream lines(
      "Inter-|   Receive                                                |  Transmit\n"
      " face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed\n"
      "    lo: 1000      10    0    0    0     0          0         0     2000      10    0    0    0     0       0          0\n"
      " wlan0:5 1 0 0 0 0 0 0 6 1 0 0 0 0 0 0\n"
      "eth0:1: 7 1 0 0 0 0 0 0 8 1 0 0 0 0 0 0\n"
      "broken: 7 1\n"
      "nonsense\n");
  const auto counters = parse_link_counters(lines);
  REQUIRE(counters.size() == 3);
  CHECK(counters.at("lo").bytes_in == 1000);
  CHECK(counters.at("lo").bytes_out == 2000);
  CHECK(counters.at("wlan0").bytes_out == 6);
  CHECK(counters.at("eth0:1").bytes_in == 7);
}

TEST_CASE("a daemon that knows only some of it still has metrics") {
  const FakeControlServer server([](const std::string& line) {
    const auto name = json::parse(line)["request"];
    if (name == "status") return success({{"role", "home-agent"}, {"version", "1"}, {"mobile_nodes", 3}, {"problems", json::array()}});
    if (name == "bindings") return success({{{"state", "bound"}}, {{"state", "bound"}}, {{"state", "deleted"}}});
    if (name == "counters") return success({{"binding-updates", 17}});
    return refusal("unknown-request", "a home agent knows no such request");
  });
  const auto outcome = run({"metrics", "--socket", server.path()});
  CHECK(outcome.code == kExitDone);
  CHECK_THAT(outcome.out, Catch::Contains("mipflow_build_info{role=\"home-agent\",version=\"1\"} 1\n"));
  CHECK_THAT(outcome.out, Catch::Contains("mipflow_mobile_nodes 3\n"));
  CHECK_THAT(outcome.out, Catch::Contains("mipflow_bindings{state=\"bound\"} 2\nmipflow_bindings{state=\"deleted\"} 1\n"));
  CHECK_THAT(outcome.out, Catch::Contains("mipflow_events_total{event=\"binding-updates\"} 17\n"));
  CHECK_THAT(outcome.out, !Catch::Contains("mipflow_flows") && Catch::EndsWith("# EOF\n"));
}

TEST_CASE("a refusal of another kind is no half picture") {
  const FakeControlServer server(always(refusal("not-permitted", "you may not")));
  const auto outcome = run({"metrics", "--socket", server.path()});
  CHECK(outcome.code == kExitRefused);
  CHECK(outcome.out.empty());
}
