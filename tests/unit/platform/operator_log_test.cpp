// SPDX-License-Identifier: GPL-3.0-or-later
#include <catch2/catch.hpp>

#include "mipflow/platform/operator_log.hpp"

using namespace mipflow;
using namespace mipflow::platform;
using namespace std::chrono_literals;

namespace {

struct Written {
  std::vector<std::string> lines;
  OperatorLog log{[this](Severity, const std::string& line) { lines.push_back(line); }, Severity::Info};
  TimePoint now{1000s};
  void note(const char* event, Severity severity = Severity::Warning) { log.note(severity, event, std::string("about ") + event, now); }
};

}  // namespace

TEST_CASE("an event is written until its burst is used up, and counted for ever") {
  Written written;
  for (unsigned i = 0; i < 100; ++i) written.note("flood");
  CHECK(written.lines.size() == OperatorLog::kBurst);
  CHECK(written.lines.front() == "about flood [flood]");
  CHECK(written.log.counters().at("flood") == 100);
}

TEST_CASE("one event's flood does not silence another one") {
  Written written;
  for (unsigned i = 0; i < 100; ++i) written.note("flood");
  written.lines.clear();
  written.note("rare");
  CHECK(written.lines == std::vector<std::string>{"about rare [rare]"});
}

TEST_CASE("a limited event is written again after the refill and says how many were not") {
  Written written;
  for (unsigned i = 0; i < OperatorLog::kBurst + 7; ++i) written.note("flood");
  written.lines.clear();
  written.now += OperatorLog::kRefill - 1ns;
  written.note("flood");
  CHECK(written.lines.empty());
  written.now += 1ns;
  written.note("flood");
  CHECK(written.lines == std::vector<std::string>{"about flood [flood] (8 like it were not written)"});
  written.note("flood");
  CHECK(written.lines.size() == 1);
}

TEST_CASE("a long silence fills no more than one burst") {
  Written written;
  for (unsigned i = 0; i < 100; ++i) written.note("flood");
  written.lines.clear();
  written.now += 24h;
  for (unsigned i = 0; i < 100; ++i) written.note("flood");
  CHECK(written.lines.size() == OperatorLog::kBurst);
}

TEST_CASE("what is less severe than asked for is counted, not written") {
  Written written;
  written.note("detail", Severity::Debug);
  CHECK(written.lines.empty());
  CHECK(written.log.counters().at("detail") == 1);
}

TEST_CASE("text from outside can not fake a line of its own") {
  Written written;
  written.log.note(Severity::Info, "name", "an interface called eth0\n<0>all is lost\x1b[2J", written.now);
  CHECK(written.lines == std::vector<std::string>{"an interface called eth0 <0>all is lost [2J [name]"});
}
