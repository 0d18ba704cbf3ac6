// SPDX-License-Identifier: GPL-3.0-or-later
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <stdexcept>
#include <system_error>
#include <vector>

#include "clock.hpp"
#include "socket.hpp"
#include "stream_log.hpp"
#include "streams.hpp"

namespace mipflow::lab {
namespace {

constexpr int kTickMs = 20;
constexpr timeval kConnectTimeout{.tv_sec = 3, .tv_usec = 0};

// An abortive close leaves no TIME_WAIT behind, so that thousands of connections in a row find free ports.
void close_abortively(const Socket& socket) {
  const linger at_once{.l_onoff = 1, .l_linger = 0};
  setsockopt(socket.descriptor(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}

std::optional<sockaddr_in6> local_end(const ConnectLatencyOptions& options, std::size_t index) {
  auto out = options.local;
  if (out && out->sin6_port != 0)
    out->sin6_port = htons(static_cast<std::uint16_t>(ntohs(out->sin6_port) + index % options.ports));
  return out;
}

// Nanoseconds that connect() took; nullopt when it failed or timed out.
std::optional<std::int64_t> measure_once(const ConnectLatencyOptions& options, const std::optional<sockaddr_in6>& local) {
  const Socket socket(SOCK_STREAM);
  // Blocking, because waking up from poll() would become a part of the measure.
  fcntl(socket.descriptor(), F_SETFL, 0);
  setsockopt(socket.descriptor(), SOL_SOCKET, SO_SNDTIMEO, &kConnectTimeout, sizeof kConnectTimeout);
  if (local && bind(socket.descriptor(), reinterpret_cast<const sockaddr*>(&*local), sizeof *local) != 0) return std::nullopt;
  const auto before = monotonic_nanoseconds();
  const int result = connect(socket.descriptor(), reinterpret_cast<const sockaddr*>(&options.connect), sizeof options.connect);
  const auto after = monotonic_nanoseconds();
  close_abortively(socket);
  if (result != 0) return std::nullopt;
  return after - before;
}

// `sorted` is not empty; `fraction` from 0 to 1.
std::int64_t percentile(const std::vector<std::int64_t>& sorted, double fraction) {
  const auto index = static_cast<std::size_t>(fraction * static_cast<double>(sorted.size() - 1) + 0.5);
  return sorted[index];
}

}  // namespace

int run_connect_latency(const ConnectLatencyOptions& options, const std::atomic<bool>& stop) {
  std::vector<std::int64_t> samples;
  samples.reserve(options.count);
  std::int64_t failed = 0;
  Pace pace(options.rate);
  for (std::size_t index = 0; index < options.count && !stop; ++index, pace.wait()) {
    if (const auto nanoseconds = measure_once(options, local_end(options, index)))
      samples.push_back(*nanoseconds);
    else
      ++failed;
  }
  if (!options.log.empty()) {
    std::ofstream out(options.log);
    out << "index,nanoseconds\n";
    for (std::size_t index = 0; index < samples.size(); ++index) out << index << ',' << samples[index] << '\n';
    out.flush();
    if (!out) throw std::runtime_error("can not write " + options.log);
  }
  std::sort(samples.begin(), samples.end());
  Summary summary{{"kind", std::string("connect-latency")},
                  {"connections", static_cast<std::int64_t>(samples.size())},
                  {"failed", failed}};
  if (!samples.empty()) {
    summary.emplace_back("median_ns", percentile(samples, 0.5));
    summary.emplace_back("p90_ns", percentile(samples, 0.9));
    summary.emplace_back("p99_ns", percentile(samples, 0.99));
    summary.emplace_back("longest_ns", samples.back());
  }
  write_summary(summary, options.summary);
  return samples.empty() || failed > 0 ? 1 : 0;
}

int run_accept(const sockaddr_in6& local, const std::atomic<bool>& stop) {
  Socket listener(SOCK_STREAM);
  listener.set_option(SOL_SOCKET, SO_REUSEADDR, 1);
  listener.bind(local);
  if (listen(listener.descriptor(), 4096) != 0) throw std::system_error(errno, std::generic_category(), "listen");
  while (!stop) {
    if (!listener.wait_readable(kTickMs)) continue;
    // Closed in order: an abortive close could overtake the connect() that is being measured and fail it.
    for (int accepted; (accepted = accept4(listener.descriptor(), nullptr, nullptr, SOCK_CLOEXEC)) >= 0;)
      Socket(accepted, nullptr);
  }
  return 0;
}

}  // namespace mipflow::lab
