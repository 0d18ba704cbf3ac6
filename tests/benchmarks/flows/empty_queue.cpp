// SPDX-License-Identifier: GPL-3.0-or-later
// The least that asking a daemon can cost: reads a packet queue and lets every packet go at once.
//
//   empty_queue NUMBER
#include <poll.h>

#include <cstdio>
#include <cstdlib>

#include "mipflow/platform/packet_queue.hpp"

using namespace mipflow;

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fputs("usage: empty_queue NUMBER\n", stderr);
    return 2;
  }
  auto queue = platform::PacketQueue::open(static_cast<std::uint16_t>(std::atoi(argv[1])));
  if (!queue) {
    std::fprintf(stderr, "%s\n", queue.error().message.c_str());
    return 1;
  }
  constexpr std::size_t kAtOnce = 16;
  pollfd ready{queue->descriptor(), POLLIN, 0};
  for (;;) {
    ::poll(&ready, 1, -1);
    queue->read([&queue](const platform::QueuedPacket& packet) { queue->verdict(packet.id, VerdictKind::Accept); }, kAtOnce);
  }
}
