// SPDX-License-Identifier: GPL-3.0-or-later
#include "mipflow/platform/operator_log.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <string_view>

namespace mipflow::platform {

namespace {

const char* name_of(Severity severity) {
  switch (severity) {
    case Severity::Debug: return "debug: ";
    case Severity::Info: return "";
    case Severity::Warning: return "warning: ";
    case Severity::Error: return "error: ";
  }
  return "";
}

// syslog levels, as sd-daemon(3) describes the prefix
const char* journal_prefix(Severity severity) {
  switch (severity) {
    case Severity::Debug: return "<7>";
    case Severity::Info: return "<6>";
    case Severity::Warning: return "<4>";
    case Severity::Error: return "<3>";
  }
  return "<6>";
}

// $JOURNAL_STREAM names device and inode of journald's stream; it may be inherited by a process with another stderr.
bool standard_error_is_journal() {
  const char* stream = std::getenv("JOURNAL_STREAM");
  struct stat status{};
  if (!stream || fstat(STDERR_FILENO, &status) != 0) return false;
  return std::to_string(status.st_dev) + ":" + std::to_string(status.st_ino) == stream;
}

// Text from the network (names, addresses as they came) must not fake lines of its own.
std::string on_one_line(std::string text) {
  std::replace_if(text.begin(), text.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; }, ' ');
  return text;
}

}  // namespace

void OperatorLog::note(const Notice& notice, TimePoint now) {
  auto found = events_.find(std::string_view(notice.event));
  if (found == events_.end()) found = events_.emplace(notice.event, Event{}).first;
  Event& event = found->second;
  ++event.count;
  if (notice.severity < least_) return;
  if (const auto earned = static_cast<std::uint64_t>((now - event.refilled) / kRefill); earned > 0) {
    event.allowance = static_cast<unsigned>(std::min<std::uint64_t>(kBurst, event.allowance + earned));
    event.refilled = now;
  }
  if (event.allowance == 0) {
    ++event.suppressed;
    return;
  }
  --event.allowance;
  std::string line = on_one_line(notice.text) + " [" + notice.event + "]";
  if (event.suppressed > 0) line += " (" + std::to_string(event.suppressed) + " like it were not written)";
  event.suppressed = 0;
  sink_(notice.severity, line);
}

std::map<std::string, std::uint64_t> OperatorLog::counters() const {
  std::map<std::string, std::uint64_t> out;
  for (const auto& [name, event] : events_) out.emplace(name, event.count);
  return out;
}

OperatorLog::Sink standard_error_sink() {
  const bool journal = standard_error_is_journal();
  return [journal](Severity severity, const std::string& line) {
    const std::string whole = (journal ? journal_prefix(severity) : name_of(severity)) + line + "\n";
    // One write, so that lines of several processes do not mix; a lost line is better than a stopped daemon.
    [[maybe_unused]] const auto written = ::write(STDERR_FILENO, whole.data(), whole.size());
  };
}

}  // namespace mipflow::platform
