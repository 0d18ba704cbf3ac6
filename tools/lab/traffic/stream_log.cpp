// SPDX-License-Identifier: GPL-3.0-or-later
#include "stream_log.hpp"

#include <algorithm>
#include <fstream>
#include <iostream>
#include <sstream>
#include <stdexcept>

namespace mipflow::lab {
namespace {

// The values are numbers, addresses and messages of the C library: nothing but quotes and backslashes needs care.
std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (const char letter : text) {
    if (letter == '"' || letter == '\\') out += '\\';
    out += letter;
  }
  return out + "\"";
}

std::string json(const SummaryValue& value) {
  if (const auto* boolean = std::get_if<bool>(&value)) return *boolean ? "true" : "false";
  if (const auto* number = std::get_if<std::int64_t>(&value)) return std::to_string(*number);
  return quoted(std::get<std::string>(value));
}

}  // namespace

StreamLog::StreamLog() { events_.reserve(1 << 17); }

void StreamLog::add(const StreamEvent& event) {
  const std::lock_guard lock(mutex_);
  ++counts_[event.kind];
  if (event.kind == EventKind::Received) {
    if (last_received_ns_ != 0) longest_gap_ns_ = std::max(longest_gap_ns_, event.time_ns - last_received_ns_);
    last_received_ns_ = event.time_ns;
  }
  if (events_.size() < kCapacity) events_.push_back(event);
}

std::int64_t StreamLog::longest_gap_ns() const {
  const std::lock_guard lock(mutex_);
  return longest_gap_ns_;
}

std::uint64_t StreamLog::count(EventKind kind) const {
  const std::lock_guard lock(mutex_);
  const auto found = counts_.find(kind);
  return found == counts_.end() ? 0 : found->second;
}

void StreamLog::write(const std::string& path) const {
  const std::lock_guard lock(mutex_);
  std::ofstream out(path);
  out << "event,position,time_ns,sent_ns\n";
  for (const auto& event : events_)
    out << static_cast<char>(event.kind) << ',' << event.position << ',' << event.time_ns << ',' << event.sent_ns << '\n';
  out.flush();
  if (!out) throw std::runtime_error("can not write " + path);
}

void write_summary(const Summary& summary, const std::string& path) {
  std::ostringstream text;
  text << "{";
  const char* separator = "";
  for (const auto& [name, value] : summary) {
    text << separator << quoted(name) << ": " << json(value);
    separator = ", ";
  }
  text << "}\n";
  if (path.empty()) {
    std::cout << text.str() << std::flush;
    return;
  }
  std::ofstream out(path);
  out << text.str() << std::flush;
  if (!out) throw std::runtime_error("can not write " + path);
}

}  // namespace mipflow::lab
