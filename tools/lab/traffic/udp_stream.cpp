// SPDX-License-Identifier: GPL-3.0-or-later
#include <endian.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <thread>
#include <vector>

#include "clock.hpp"
#include "socket.hpp"
#include "stream_log.hpp"
#include "streams.hpp"

namespace mipflow::lab {
namespace {

// A datagram: | "MFUS" | kind | 3 zero | sequence (8) | sender's wall clock, ns (8) | filling |, network byte order.
constexpr std::array<char, 4> kMagic{'M', 'F', 'U', 'S'};
enum class Kind : char { Data = 0, End = 1 };
constexpr std::size_t kHeaderSize = 24;
constexpr int kTickMs = 20;
// Late packets are waited for that long after the last one was sent.
constexpr std::int64_t kLingerNs = 400'000'000;
constexpr int kEndRepeats = 5;

struct Datagram {
  Kind kind;
  std::uint64_t sequence;
  std::int64_t sent_ns;
};

void write_header(std::vector<char>& buffer, const Datagram& datagram) {
  const std::uint64_t sequence = htobe64(datagram.sequence);
  const std::uint64_t sent = htobe64(static_cast<std::uint64_t>(datagram.sent_ns));
  std::memcpy(buffer.data(), kMagic.data(), kMagic.size());
  buffer[4] = static_cast<char>(datagram.kind);
  std::memcpy(buffer.data() + 8, &sequence, 8);
  std::memcpy(buffer.data() + 16, &sent, 8);
}

std::optional<Datagram> read_header(const char* data, std::size_t length) {
  if (length < kHeaderSize || std::memcmp(data, kMagic.data(), kMagic.size()) != 0) return std::nullopt;
  std::uint64_t sequence = 0;
  std::uint64_t sent = 0;
  std::memcpy(&sequence, data + 8, 8);
  std::memcpy(&sent, data + 16, 8);
  return Datagram{data[4] == 1 ? Kind::End : Kind::Data, be64toh(sequence), static_cast<std::int64_t>(be64toh(sent))};
}

struct Arrival {
  std::optional<Datagram> datagram;
  sockaddr_in6 from{};
  std::int64_t time_ns = 0;
  std::uint32_t queue_drops = 0;  // datagrams that this socket had no room for, since it was opened
};

class UdpStream {
 public:
  UdpStream(const StreamOptions& options, const std::atomic<bool>& stop)
      : options_(options), stop_(stop), socket_(SOCK_DGRAM) {
    socket_.set_option(SOL_SOCKET, SO_TIMESTAMPNS, 1);
    socket_.set_option(SOL_SOCKET, SO_RXQ_OVFL, 1);
    const int wanted = 4 << 20;
    if (setsockopt(socket_.descriptor(), SOL_SOCKET, SO_RCVBUFFORCE, &wanted, sizeof wanted) != 0)
      socket_.set_option(SOL_SOCKET, SO_RCVBUF, wanted);
  }

  int run() {
    if (!meet_peer()) return finish();
    std::thread receiver([this] { receive(); });
    send();
    receiver.join();
    return finish();
  }

 private:
  bool meet_peer() {
    if (options_.connect) {
      if (options_.local) socket_.bind(*options_.local);
      socket_.connect(*options_.connect);
      return true;
    }
    socket_.bind(*options_.listen);
    while (!stop_) {
      if (!socket_.wait_readable(kTickMs)) continue;
      const auto arrival = take();
      if (!arrival || !arrival->datagram) continue;
      socket_.connect(arrival->from);
      account(*arrival);
      return true;
    }
    return false;
  }

  std::optional<Arrival> take() {
    std::array<char, 65536> data;
    alignas(cmsghdr) std::array<char, 256> control;
    Arrival arrival;
    iovec vector{data.data(), data.size()};
    msghdr message{};
    message.msg_name = &arrival.from;
    message.msg_namelen = sizeof arrival.from;
    message.msg_iov = &vector;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    const ssize_t length = recvmsg(socket_.descriptor(), &message, 0);
    if (length < 0) return std::nullopt;  // nothing there, or an ICMPv6 error that the next send reports as well
    for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr; header = CMSG_NXTHDR(&message, header)) {
      if (header->cmsg_level != SOL_SOCKET) continue;
      if (header->cmsg_type == SCM_TIMESTAMPNS) {
        timespec stamp{};
        std::memcpy(&stamp, CMSG_DATA(header), sizeof stamp);
        arrival.time_ns = static_cast<std::int64_t>(stamp.tv_sec) * 1'000'000'000 + stamp.tv_nsec;
      } else if (header->cmsg_type == SO_RXQ_OVFL) {
        std::memcpy(&arrival.queue_drops, CMSG_DATA(header), sizeof arrival.queue_drops);
      }
    }
    arrival.datagram = read_header(data.data(), static_cast<std::size_t>(length));
    return arrival;
  }

  void account(const Arrival& arrival) {
    queue_drops_ = std::max(queue_drops_, arrival.queue_drops);
    if (!arrival.datagram) {
      ++foreign_;
      return;
    }
    const auto& datagram = *arrival.datagram;
    if (datagram.kind == Kind::End) {
      peer_ended_ = true;
      return;
    }
    log_.add({EventKind::Received, datagram.sequence, arrival.time_ns, datagram.sent_ns});
    if (any_received_ && datagram.sequence < highest_received_) ++reordered_;
    highest_received_ = any_received_ ? std::max(highest_received_, datagram.sequence) : datagram.sequence;
    any_received_ = true;
  }

  void receive() {
    while (!sending_done_ || monotonic_nanoseconds() < linger_until_ns_) {
      if (!socket_.wait_readable(kTickMs)) continue;
      while (const auto arrival = take()) account(*arrival);
    }
  }

  void send() {
    const auto started = monotonic_nanoseconds();
    const auto over = [&] {
      const auto elapsed = static_cast<double>(monotonic_nanoseconds() - started) / 1e9;
      return stop_ || peer_ended_ || (options_.seconds > 0 && elapsed >= options_.seconds);
    };
    std::vector<char> buffer(std::max(options_.size, kHeaderSize));
    Pace pace(options_.rate > 0 ? options_.rate : 1000.0 / kTickMs);
    for (std::uint64_t sequence = 0; !over(); pace.wait()) {
      if (options_.rate <= 0) continue;
      const auto now = wall_nanoseconds();
      write_header(buffer, {Kind::Data, sequence, now});
      const bool sent = ::send(socket_.descriptor(), buffer.data(), buffer.size(), 0) >= 0;
      if (!sent) last_error_ = errno;
      log_.add({sent ? EventKind::Sent : EventKind::SendFailed, sequence, now, 0});
      ++sequence;
    }
    longest_delay_ns_ = pace.longest_delay_ns();
    Pace end_pace(1000.0 / kTickMs);
    for (int repeat = 0; repeat < kEndRepeats; ++repeat, end_pace.wait()) {
      write_header(buffer, {Kind::End, 0, wall_nanoseconds()});
      if (::send(socket_.descriptor(), buffer.data(), kHeaderSize, 0) < 0) last_error_ = errno;
    }
    linger_until_ns_ = monotonic_nanoseconds() + kLingerNs;
    sending_done_ = true;
  }

  int finish() {
    if (!options_.log.empty()) log_.write(options_.log);
    const auto number = [](std::uint64_t value) { return static_cast<std::int64_t>(value); };
    write_summary({{"kind", std::string("udp")},
                   {"local", to_string(socket_.local())},
                   {"peer", to_string(socket_.peer())},
                   {"sent", number(log_.count(EventKind::Sent))},
                   {"send_failed", number(log_.count(EventKind::SendFailed))},
                   {"last_send_error", std::string(last_error_ == 0 ? "" : std::strerror(last_error_))},
                   {"received", number(log_.count(EventKind::Received))},
                   {"reordered", number(reordered_)},
                   {"foreign", number(foreign_)},
                   {"socket_queue_drops", static_cast<std::int64_t>(queue_drops_)},
                   {"longest_gap_ns", log_.longest_gap_ns()},
                   {"longest_send_delay_ns", longest_delay_ns_}},
                  options_.summary);
    return any_received_ || log_.count(EventKind::Sent) > 0 ? 0 : 1;
  }

  const StreamOptions& options_;
  const std::atomic<bool>& stop_;
  Socket socket_;
  StreamLog log_;
  std::atomic<bool> peer_ended_{false};
  std::atomic<bool> sending_done_{false};
  std::atomic<std::int64_t> linger_until_ns_{0};
  bool any_received_ = false;
  std::uint64_t highest_received_ = 0;
  std::uint64_t reordered_ = 0;
  std::uint64_t foreign_ = 0;
  std::uint32_t queue_drops_ = 0;
  std::int64_t longest_delay_ns_ = 0;
  int last_error_ = 0;
};

}  // namespace

int run_udp_stream(const StreamOptions& options, const std::atomic<bool>& stop) { return UdpStream(options, stop).run(); }

}  // namespace mipflow::lab
