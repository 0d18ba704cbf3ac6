// SPDX-License-Identifier: GPL-3.0-or-later
// The measures. Each runs until `stop` becomes true, its time is over, or its peer ends it, then writes its log and
// its summary and returns an exit code: 0 done, 1 the measure failed (the summary says why).
#pragma once

#include <netinet/in.h>

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>

namespace mipflow::lab {

struct StreamOptions {
  std::optional<sockaddr_in6> listen;   // wait for the peer here, or ...
  std::optional<sockaddr_in6> connect;  // ... begin with this peer
  std::optional<sockaddr_in6> local;    // of the beginning side; the kernel chooses when absent
  double rate = 0;                      // packets/s (UDP) or megabits/s (TCP) that this end sends; 0 = only receives
  std::size_t size = 64;                // UDP payload, octets, at least 32
  double seconds = 0;                   // 0 = until stopped
  std::string log;                      // CSV file, empty = none
  std::string summary;                  // JSON file, empty = standard output
};

// A numbered stream in each direction over one pair of sockets. The listening end takes the first sender as its peer
// for good: it connects its socket, so a peer that came back with another address would not be heard.
int run_udp_stream(const StreamOptions& options, const std::atomic<bool>& stop);

// A paced transfer in each direction over one connection. Every octet is checked on arrival.
int run_tcp_stream(const StreamOptions& options, const std::atomic<bool>& stop);

// Accepts and closes connections until stopped: the peer of run_connect_latency.
int run_accept(const sockaddr_in6& listen, const std::atomic<bool>& stop);

struct ConnectLatencyOptions {
  sockaddr_in6 connect{};
  std::optional<sockaddr_in6> local;
  std::uint16_t ports = 1;  // with a local port: so many from there on take turns
  std::size_t count = 1000;
  double rate = 500;       // connections/s
  std::string log;         // one CSV row per connection: index,nanoseconds
  std::string summary;
};

// How long connect() takes, each time over a new connection.
int run_connect_latency(const ConnectLatencyOptions& options, const std::atomic<bool>& stop);

}  // namespace mipflow::lab
