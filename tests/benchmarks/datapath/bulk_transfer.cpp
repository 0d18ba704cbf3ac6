// SPDX-License-Identifier: GPL-3.0-or-later
// One TCP stream between two network namespaces, as fast as it goes:
//   bulk_transfer SENDER_NAMESPACE RECEIVER_NAMESPACE SOURCE SOURCE_PORT DESTINATION DESTINATION_PORT MILLISECONDS
// prints {"octets":…,"seconds":…,"cpu_seconds":…}. Both ends are threads of this process, so its processor time is that
// of sockets, routing and everything else that is done on their behalf (on virtual links: the whole path).
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

namespace {

[[noreturn]] void fail(const char* what) {
  std::perror(what);
  std::exit(1);
}

// A socket belongs to the namespace that its thread was in when it was made.
int stream_socket_in(const char* name_space) {
  const int fd = ::open(name_space, O_RDONLY | O_CLOEXEC);
  if (fd < 0 || ::setns(fd, CLONE_NEWNET) != 0) fail(name_space);
  ::close(fd);
  const int out = ::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (out < 0) fail("socket");
  const int on = 1;
  ::setsockopt(out, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  const timeval patience{10, 0};
  ::setsockopt(out, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  ::setsockopt(out, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  return out;
}

sockaddr_in6 address_of(const char* text, std::uint16_t port) {
  sockaddr_in6 out{};
  out.sin6_family = AF_INET6;
  out.sin6_port = htons(port);
  if (::inet_pton(AF_INET6, text, &out.sin6_addr) != 1) fail(text);
  return out;
}

double processor_seconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) { return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6; };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

}  // namespace

int main(int count, char** values) {
  if (count != 8) {
    std::fprintf(stderr, "bulk_transfer SENDER_NAMESPACE RECEIVER_NAMESPACE SOURCE SOURCE_PORT DESTINATION DESTINATION_PORT MILLISECONDS\n");
    return 1;
  }
  const auto port = [&](int at) { return static_cast<std::uint16_t>(std::atoi(values[at])); };
  const std::chrono::milliseconds duration(std::atoi(values[7]));
  const sockaddr_in6 source = address_of(values[3], port(4));
  const sockaddr_in6 destination = address_of(values[5], port(6));
  const sockaddr_in6 any = address_of("::", port(6));  // what arrives may have been rewritten

  int listener = -1;
  std::thread([&] { listener = stream_socket_in(values[2]); }).join();
  if (::bind(listener, reinterpret_cast<const sockaddr*>(&any), sizeof any) != 0 || ::listen(listener, 1) != 0)
    fail("listen");
  int sender = -1;
  std::thread([&] { sender = stream_socket_in(values[1]); }).join();
  if (::bind(sender, reinterpret_cast<const sockaddr*>(&source), sizeof source) != 0 ||
      ::connect(sender, reinterpret_cast<const sockaddr*>(&destination), sizeof destination) != 0)
    fail("connect");
  const int receiver = ::accept(listener, nullptr, nullptr);
  if (receiver < 0) fail("accept");

  constexpr std::size_t block = 256 * 1024;
  std::uint64_t octets = 0;
  const double cpu_before = processor_seconds();
  const auto begin = std::chrono::steady_clock::now();
  std::thread send([&] {
    const std::vector<char> data(block, 'x');
    while (std::chrono::steady_clock::now() - begin < duration)
      if (::send(sender, data.data(), data.size(), MSG_NOSIGNAL) < 0) fail("send");
    ::shutdown(sender, SHUT_WR);
  });
  std::vector<char> data(block);
  for (;;) {
    const ssize_t got = ::recv(receiver, data.data(), data.size(), 0);
    if (got < 0) fail("recv");
    if (got == 0) break;
    octets += static_cast<std::uint64_t>(got);
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  send.join();
  std::printf("{\"octets\":%llu,\"seconds\":%.6f,\"cpu_seconds\":%.6f}\n", static_cast<unsigned long long>(octets), took.count(),
              processor_seconds() - cpu_before);
  return 0;
}
