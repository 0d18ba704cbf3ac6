// SPDX-License-Identifier: GPL-3.0-or-later
// Input: one octet (who reads it: the table of interfaces, addresses and routes; the queue of held packets; the look at sockets; its
// look at /proc), two for the type, then what stands behind the header of a netlink message.
#include <linux/netlink.h>

#include <cstring>
#include <memory>

#include "fuzz/target.hpp"
#include "fuzz/text_file.hpp"
#include "netlink_answers.hpp"
#include "rtnetlink_codec.hpp"

namespace mipflow::fuzz {

using namespace platform;

namespace {

// Exactly as long as the message, for a read behind its end to be seen.
class Message {
 public:
  Message(std::uint16_t type, BytesView payload)
      : size_(sizeof(nlmsghdr) + payload.size()), octets_(std::make_unique<std::uint32_t[]>((size_ + 3) / 4)) {
    nlmsghdr header{};
    header.nlmsg_len = static_cast<std::uint32_t>(size_);
    header.nlmsg_type = type;
    std::memcpy(octets_.get(), &header, sizeof header);
    if (!payload.empty()) std::memcpy(reinterpret_cast<std::uint8_t*>(octets_.get()) + sizeof header, payload.data(), payload.size());
  }
  const nlmsghdr& header() const { return *reinterpret_cast<const nlmsghdr*>(octets_.get()); }

 private:
  std::size_t size_;
  std::unique_ptr<std::uint32_t[]> octets_;
};

void tables(const nlmsghdr& message) {
  int about = 0;
  about += decode_link(message).has_value();
  about += decode_address(message).has_value();
  about += !decode_route(message).empty();
  about += decode_rule(message).has_value();
  about += decode_neighbour(message).has_value();
  must(about <= 1, "a message is about two kinds of things");
  for (const auto& route : decode_route(message)) must(route.destination.length() <= 128, "a prefix that is longer than an address");
}

void queue(const nlmsghdr& message, BytesView payload) {
  const auto packet = decode_queued_packet(message);
  if (packet) must(packet->packet.size() <= payload.size(), "a held packet that is longer than its message");
}

}  // namespace

void fuzz_netlink(BytesView input);
void fuzz_netlink(BytesView input) {
  if (input.size() < 3) return;
  if (input.front() % 4 == 3) {
    static_cast<void>(decode_socket_line(text_of(input.subspan(1))));
    return;
  }
  std::uint16_t type = 0;
  std::memcpy(&type, input.data() + 1, sizeof type);
  const BytesView payload = input.subspan(3);
  const Message message(type, payload);
  switch (input.front() % 4) {
    case 0: return tables(message.header());
    case 1: return queue(message.header(), payload);
    default: static_cast<void>(decode_socket(message.header()));
  }
}

}  // namespace mipflow::fuzz
