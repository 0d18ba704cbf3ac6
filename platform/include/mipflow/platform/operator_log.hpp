// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "mipflow/base/notice.hpp"
#include "mipflow/base/time.hpp"

namespace mipflow::platform {

// Notices to the operator: counted per event, limited per event, so that nobody on the network can fill the disk.
class OperatorLog {
 public:
  // Takes one finished line, without the line end.
  using Sink = std::function<void(Severity, const std::string& line)>;

  static constexpr unsigned kBurst = 5;                            // lines of one event before it is limited
  static constexpr Duration kRefill = std::chrono::seconds{10};    // one more line each

  // Lines of a lower severity than `least` are counted but not written.
  OperatorLog(Sink sink, Severity least) : sink_(std::move(sink)), least_(least) {}

  void note(const Notice& notice, TimePoint now);
  void note(Severity severity, const char* event, const std::string& text, TimePoint now) { note({severity, event, text}, now); }

  // How often each event happened since the start, written or not.
  std::map<std::string, std::uint64_t> counters() const;

 private:
  struct Event {
    std::uint64_t count = 0;
    unsigned allowance = kBurst;
    TimePoint refilled{};
    std::uint64_t suppressed = 0;
  };

  Sink sink_;
  Severity least_;
  std::map<std::string, Event, std::less<>> events_;  // identifiers come from the program, so there are few
};

// Writes to standard error: with the level prefix that journald understands when it listens, else with the level's name.
OperatorLog::Sink standard_error_sink();

}  // namespace mipflow::platform
