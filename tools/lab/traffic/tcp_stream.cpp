// SPDX-License-Identifier: GPL-3.0-or-later
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>
#include <system_error>
#include <thread>
#include <vector>

#include "clock.hpp"
#include "socket.hpp"
#include "stream_log.hpp"
#include "streams.hpp"

namespace mipflow::lab {
namespace {

constexpr int kTickMs = 20;
constexpr double kChunksPerSecond = 500;
// After the last octet was sent the peer has that long to send its own end of stream.
constexpr std::int64_t kLingerNs = 10'000'000'000;

// The octet that belongs to a position of the stream: no two neighbouring 251-octet blocks look alike at the same
// offset of any power of two, so lost, doubled or swapped segments show.
char octet_at(std::uint64_t position) { return static_cast<char>((position % 251) ^ ((position / 251) % 241)); }

int socket_error(const Socket& socket) {
  int error = 0;
  socklen_t length = sizeof error;
  getsockopt(socket.descriptor(), SOL_SOCKET, SO_ERROR, &error, &length);
  return error;
}

std::optional<Socket> meet_peer(const StreamOptions& options, const std::atomic<bool>& stop) {
  Socket socket(SOCK_STREAM);
  if (options.connect) {
    if (options.local) socket.bind(*options.local);
    socket.connect(*options.connect);
    while (!socket.wait_writable(kTickMs))
      if (stop) return std::nullopt;
    if (const int error = socket_error(socket); error != 0)
      throw std::system_error(error, std::generic_category(), "connect to " + to_string(*options.connect));
    return socket;
  }
  socket.set_option(SOL_SOCKET, SO_REUSEADDR, 1);
  socket.bind(*options.listen);
  if (listen(socket.descriptor(), 1) != 0) throw std::system_error(errno, std::generic_category(), "listen");
  while (!stop) {
    if (!socket.wait_readable(kTickMs)) continue;
    const int accepted = accept4(socket.descriptor(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (accepted >= 0) return Socket(accepted, nullptr);
  }
  return std::nullopt;
}

class TcpStream {
 public:
  TcpStream(Socket socket, const StreamOptions& options, const std::atomic<bool>& stop)
      : options_(options), stop_(stop), socket_(std::move(socket)), local_(socket_.local()), peer_(socket_.peer()) {
    socket_.set_option(IPPROTO_TCP, TCP_NODELAY, 1);
  }

  int run() {
    std::thread receiver([this] { receive(); });
    send();
    receiver.join();
    return finish();
  }

 private:
  bool broken() const { return error_ != 0; }

  void send() {
    const auto started = monotonic_nanoseconds();
    const auto over = [&] {
      const auto elapsed = static_cast<double>(monotonic_nanoseconds() - started) / 1e9;
      return stop_ || peer_ended_ || broken() || (options_.seconds > 0 && elapsed >= options_.seconds);
    };
    const auto chunk_size = std::max<std::size_t>(1, static_cast<std::size_t>(options_.rate * 1e6 / 8 / kChunksPerSecond));
    std::vector<char> chunk(chunk_size);
    Pace pace(options_.rate > 0 ? kChunksPerSecond : 1000.0 / kTickMs);
    for (; !over(); pace.wait()) {
      if (options_.rate <= 0) continue;
      for (std::size_t index = 0; index < chunk.size(); ++index) chunk[index] = octet_at(sent_ + index);
      for (std::size_t done = 0; done < chunk.size() && !over();) {
        const ssize_t count = ::send(socket_.descriptor(), chunk.data() + done, chunk.size() - done, MSG_NOSIGNAL);
        if (count > 0) {
          done += static_cast<std::size_t>(count);
          sent_ += static_cast<std::uint64_t>(count);
        } else if (errno == EAGAIN) {
          if (!socket_.wait_writable(kTickMs)) pace.restart();
        } else {
          error_ = errno;
        }
      }
      log_.add({EventKind::Sent, sent_, wall_nanoseconds(), 0});
    }
    longest_delay_ns_ = pace.longest_delay_ns();
    shutdown(socket_.descriptor(), SHUT_WR);
    linger_until_ns_ = monotonic_nanoseconds() + kLingerNs;
    sending_done_ = true;
  }

  void receive() {
    std::vector<char> buffer(1 << 16);
    while (!broken() && !(sending_done_ && monotonic_nanoseconds() > linger_until_ns_)) {
      if (!socket_.wait_readable(kTickMs)) continue;
      const ssize_t count = recv(socket_.descriptor(), buffer.data(), buffer.size(), 0);
      if (count == 0) {
        peer_ended_ = true;
        return;
      }
      if (count < 0) {
        if (errno != EAGAIN) error_ = errno;
        continue;
      }
      for (std::size_t index = 0; index < static_cast<std::size_t>(count); ++index)
        if (buffer[index] != octet_at(received_ + index)) ++wrong_;
      received_ += static_cast<std::uint64_t>(count);
      log_.add({EventKind::Received, received_, wall_nanoseconds(), 0});
    }
  }

  int finish() {
    tcp_info info{};
    socklen_t length = sizeof info;
    getsockopt(socket_.descriptor(), IPPROTO_TCP, TCP_INFO, &info, &length);
    if (!options_.log.empty()) log_.write(options_.log);
    const auto number = [](auto value) { return static_cast<std::int64_t>(value); };
    write_summary({{"kind", std::string("tcp")},
                   {"local", to_string(local_)},
                   {"peer", to_string(peer_)},
                   {"bytes_sent", number(sent_)},
                   {"bytes_received", number(received_)},
                   {"bytes_wrong", number(wrong_)},
                   {"ended_by_peer", peer_ended_.load()},
                   {"error", std::string(broken() ? std::strerror(error_) : "")},
                   {"retransmissions", number(info.tcpi_total_retrans)},
                   {"longest_gap_ns", log_.longest_gap_ns()},
                   {"longest_send_delay_ns", longest_delay_ns_}},
                  options_.summary);
    return broken() || wrong_ > 0 || !peer_ended_ ? 1 : 0;
  }

  const StreamOptions& options_;
  const std::atomic<bool>& stop_;
  Socket socket_;
  const sockaddr_in6 local_;
  const sockaddr_in6 peer_;
  StreamLog log_;
  std::atomic<bool> peer_ended_{false};
  std::atomic<bool> sending_done_{false};
  std::atomic<std::int64_t> linger_until_ns_{0};
  std::atomic<int> error_{0};
  std::uint64_t sent_ = 0;
  std::uint64_t received_ = 0;
  std::uint64_t wrong_ = 0;
  std::int64_t longest_delay_ns_ = 0;
};

}  // namespace

int run_tcp_stream(const StreamOptions& options, const std::atomic<bool>& stop) {
  auto socket = meet_peer(options, stop);
  if (!socket) return 1;
  return TcpStream(std::move(*socket), options, stop).run();
}

}  // namespace mipflow::lab
