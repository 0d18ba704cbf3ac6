// SPDX-License-Identifier: GPL-3.0-or-later
#include "mipflow/platform/packet_queue.hpp"

#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <libnetfilter_queue/libnetfilter_queue.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_queue.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>

#include "netlink_answers.hpp"

namespace mipflow::platform {

namespace {

constexpr int kReceiveBuffer = 8 * 1024 * 1024;  // octets; a burst of new flows must not overrun the socket

// Room for a message; the library does not look where it ends. The longest here has 36 octets: nlmsghdr, nfgenmsg, two
// attributes of 8.
using MessageRoom = std::array<char, 64>;

// NFQA_CFG_FLAGS: `flag` on, all others as they are.
void put_flag(nlmsghdr& message, std::uint32_t flag) {
  mnl_attr_put_u32(&message, NFQA_CFG_FLAGS, htonl(flag));
  mnl_attr_put_u32(&message, NFQA_CFG_MASK, htonl(flag));
}

}  // namespace

std::optional<QueuedPacket> decode_queued_packet(const nlmsghdr& message) {
  if (message.nlmsg_type != (NFNL_SUBSYS_QUEUE << 8 | NFQNL_MSG_PACKET)) return std::nullopt;
  std::array<nlattr*, NFQA_MAX + 1> attributes{};
  // The library checks the size of each attribute that is read below and stops at a wrong one. The header stands first;
  // once it is known the packet gets its verdict, whatever the rest is worth.
  static_cast<void>(nfq_nlmsg_parse(&message, attributes.data()));
  if (!attributes[NFQA_PACKET_HDR]) return std::nullopt;
  const auto* header = static_cast<const nfqnl_msg_packet_hdr*>(mnl_attr_get_payload(attributes[NFQA_PACKET_HDR]));
  QueuedPacket packet;
  packet.id = ntohl(header->packet_id);
  packet.incoming = header->hook == NF_INET_LOCAL_IN;
  if (const nlattr* payload = attributes[NFQA_PAYLOAD])
    packet.packet = {static_cast<const std::uint8_t*>(mnl_attr_get_payload(payload)), mnl_attr_get_payload_len(payload)};
  packet.length = static_cast<std::uint32_t>(packet.packet.size());
  // Only there when the copy was cut.
  if (const nlattr* length = attributes[NFQA_CAP_LEN]) packet.length = ntohl(mnl_attr_get_u32(length));
  if (const nlattr* user = attributes[NFQA_UID]) packet.user = ntohl(mnl_attr_get_u32(user));
  if (const nlattr* group = attributes[NFQA_GID]) packet.group = ntohl(mnl_attr_get_u32(group));
  return packet;
}

Result<PacketQueue> PacketQueue::open(std::uint16_t number) {
  auto socket = NetlinkSocket::open(NETLINK_NETFILTER);
  if (!socket) return Unexpected{socket.error()};
  PacketQueue queue(std::move(*socket), number);
  if (const auto done = queue.configure(); !done) return Unexpected{done.error()};
  return queue;
}

Result<void> PacketQueue::configure() {
  const std::string name = "NFQUEUE " + std::to_string(number_);
  const auto configure = [this](const auto& fill) {
    alignas(nlmsghdr) MessageRoom room{};
    nlmsghdr& message = *nfq_nlmsg_put(room.data(), NFQNL_MSG_CONFIG, number_);
    fill(message);
    return socket_.request(message);
  };
  if (const int error = configure([](nlmsghdr& message) { nfq_nlmsg_cfg_put_cmd(&message, AF_INET6, NFQNL_CFG_CMD_BIND); })) {
    // Which of the two depends on the kernel's version.
    if (error == EBUSY || error == EPERM)
      return fail(name + " is read by another program, or CAP_NET_ADMIN is missing; choose another number with --queue, or run as root", error);
    return fail("cannot bind " + name + "; does the kernel have CONFIG_NETFILTER_NETLINK_QUEUE?", error);
  }
  if (const int error = configure([](nlmsghdr& message) { nfq_nlmsg_cfg_put_params(&message, NFQNL_COPY_PACKET, kCopyRange); }))
    return fail("cannot set the copy range of " + name, error);
  if (const int error = configure([](nlmsghdr& message) { nfq_nlmsg_cfg_put_qmaxlen(&message, kCapacity); }))
    return fail("cannot set the length of " + name, error);
  // In a message of their own, one by one: one flag that the kernel does not know would refuse them all.
  for (const std::uint32_t flag : {NFQA_CFG_F_FAIL_OPEN, NFQA_CFG_F_GSO, NFQA_CFG_F_UID_GID}) {
    const int error = configure([flag](nlmsghdr& message) { put_flag(message, flag); });
    if (error != 0 && error != EOPNOTSUPP) return fail("cannot set the flags of " + name, error);
  }
  socket_.enlarge_receive_buffer(kReceiveBuffer);
  const int on = 1;
  ::setsockopt(socket_.descriptor(), SOL_NETLINK, NETLINK_NO_ENOBUFS, &on, sizeof on);
  socket_.set_non_blocking();
  return {};
}

std::size_t PacketQueue::read(const std::function<void(const QueuedPacket&)>& on_packet, std::size_t limit) {
  std::size_t count = 0;
  while (count < limit) {
    sockaddr_nl sender{};
    socklen_t sender_size = sizeof sender;
    const ssize_t size = ::recvfrom(socket_.descriptor(), buffer_.data(), buffer_.size(), MSG_DONTWAIT,
                                    reinterpret_cast<sockaddr*>(&sender), &sender_size);
    if (size < 0) {
      if (errno == EINTR) continue;
      if (errno == ENOBUFS) {
        ++overruns_;
        continue;
      }
      break;
    }
    if (sender.nl_pid != 0) continue;
    int left = static_cast<int>(size);
    for (auto* message = reinterpret_cast<nlmsghdr*>(buffer_.data()); mnl_nlmsg_ok(message, left);
         message = mnl_nlmsg_next(message, &left)) {
      if (const auto packet = decode_queued_packet(*message)) {
        ++count;
        on_packet(*packet);
      }
    }
  }
  return count;
}

void PacketQueue::verdict(HeldPacketId packet, VerdictKind kind) {
  alignas(nlmsghdr) MessageRoom room{};
  nlmsghdr* message = nfq_nlmsg_put(room.data(), NFQNL_MSG_VERDICT, number_);
  nfq_nlmsg_verdict_put(message, static_cast<int>(packet), kind == VerdictKind::Accept ? NF_ACCEPT : NF_DROP);
  while (::send(socket_.descriptor(), message, message->nlmsg_len, 0) < 0 && errno == EINTR) {
  }
}

}  // namespace mipflow::platform
