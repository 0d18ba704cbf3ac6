// SPDX-License-Identifier: GPL-3.0-or-later
// What one end of a stream saw, kept in memory while it runs and written when it ends.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <variant>
#include <vector>

namespace mipflow::lab {

enum class EventKind : char { Sent = 's', Received = 'r', SendFailed = 'e' };

// `position`: sequence number of a datagram, or octets so far of a byte stream. `sent_ns` is the sender's own stamp
// inside a received datagram, 0 where there is none.
struct StreamEvent {
  EventKind kind;
  std::uint64_t position;
  std::int64_t time_ns;
  std::int64_t sent_ns;
};

// Filled by one sending and one receiving thread.
class StreamLog {
 public:
  StreamLog();
  void add(const StreamEvent& event);

  // The longest pause between two receptions; 0 with fewer than two.
  std::int64_t longest_gap_ns() const;
  std::uint64_t count(EventKind kind) const;

  // CSV with the header `event,position,time_ns,sent_ns`; std::runtime_error when the file can not be written.
  void write(const std::string& path) const;

 private:
  // An hour at 1,000 packets/s both ways; what comes later is counted but not kept.
  static constexpr std::size_t kCapacity = 8'000'000;

  mutable std::mutex mutex_;
  std::vector<StreamEvent> events_;
  std::map<EventKind, std::uint64_t> counts_;
  std::int64_t last_received_ns_ = 0;
  std::int64_t longest_gap_ns_ = 0;
};

// A flat JSON object of the figures of one end.
using SummaryValue = std::variant<bool, std::int64_t, std::string>;
using Summary = std::vector<std::pair<std::string, SummaryValue>>;
// To the file, or to standard output when `path` is empty.
void write_summary(const Summary& summary, const std::string& path);

}  // namespace mipflow::lab
