// SPDX-License-Identifier: GPL-3.0-or-later
#include "mipflow/platform/packet_queue.hpp"

#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_queue.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

namespace mipflow::platform {

namespace {

constexpr int kReceiveBuffer = 8 * 1024 * 1024;  // octets; a burst of new flows must not overrun the socket

constexpr std::uint16_t message_type(int message) { return static_cast<std::uint16_t>(NFNL_SUBSYS_QUEUE << 8 | message); }

NetlinkMessage config_message(std::uint16_t queue) {
  NetlinkMessage message(message_type(NFQNL_MSG_CONFIG), 0);
  auto& header = message.header<nfgenmsg>();
  header.nfgen_family = AF_UNSPEC;
  header.version = NFNETLINK_V0;
  header.res_id = htons(queue);
  return message;
}

template <class Value>
std::optional<Value> value_of(const nlattr* attribute) {
  if (!attribute || mnl_attr_get_payload_len(attribute) < sizeof(Value)) return std::nullopt;
  Value out;
  std::memcpy(&out, mnl_attr_get_payload(attribute), sizeof out);
  return out;
}

std::optional<QueuedPacket> decode(const nlmsghdr& message) {
  if (message.nlmsg_type != message_type(NFQNL_MSG_PACKET)) return std::nullopt;
  std::array<const nlattr*, NFQA_MAX + 1> attributes{};
  mnl_attr_parse(&message, sizeof(nfgenmsg), [](const nlattr* attribute, void* out) {
    const auto type = mnl_attr_get_type(attribute);
    if (type <= NFQA_MAX) static_cast<const nlattr**>(out)[type] = attribute;
    return MNL_CB_OK;
  }, attributes.data());
  const auto header = value_of<nfqnl_msg_packet_hdr>(attributes[NFQA_PACKET_HDR]);
  if (!header) return std::nullopt;
  QueuedPacket packet;
  packet.id = ntohl(header->packet_id);
  packet.incoming = header->hook == NF_INET_LOCAL_IN;
  if (const nlattr* payload = attributes[NFQA_PAYLOAD])
    packet.packet = {static_cast<const std::uint8_t*>(mnl_attr_get_payload(payload)), mnl_attr_get_payload_len(payload)};
  packet.length = static_cast<std::uint32_t>(packet.packet.size());
  // Only there when the copy was cut.
  if (const auto length = value_of<std::uint32_t>(attributes[NFQA_CAP_LEN])) packet.length = ntohl(*length);
  if (const auto user = value_of<std::uint32_t>(attributes[NFQA_UID])) packet.user = ntohl(*user);
  return packet;
}

}  // namespace

Result<PacketQueue> PacketQueue::open(std::uint16_t number) {
  auto socket = NetlinkSocket::open(NETLINK_NETFILTER);
  if (!socket) return Unexpected{socket.error()};
  PacketQueue queue(std::move(*socket), number);
  if (const auto done = queue.configure(); !done) return Unexpected{done.error()};
  return queue;
}

Result<void> PacketQueue::configure() {
  const std::string name = "NFQUEUE " + std::to_string(number_);
  NetlinkMessage bind = config_message(number_);
  const nfqnl_msg_config_cmd command{NFQNL_CFG_CMD_BIND, 0, htons(AF_INET6)};
  bind.put(NFQA_CFG_CMD, &command, sizeof command);
  if (const int error = socket_.request(bind)) {
    // Which of the two depends on the kernel's version.
    if (error == EBUSY || error == EPERM)
      return fail(name + " is read by another program, or CAP_NET_ADMIN is missing; choose another number with --queue, or run as root", error);
    return fail("cannot bind " + name + "; does the kernel have CONFIG_NETFILTER_NETLINK_QUEUE?", error);
  }
  NetlinkMessage params = config_message(number_);
  nfqnl_msg_config_params copy{};
  copy.copy_range = htonl(kCopyRange);
  copy.copy_mode = NFQNL_COPY_PACKET;
  params.put(NFQA_CFG_PARAMS, &copy, sizeof copy);
  if (const int error = socket_.request(params)) return fail("cannot set the copy range of " + name, error);

  NetlinkMessage capacity = config_message(number_);
  capacity.put_u32(NFQA_CFG_QUEUE_MAXLEN, htonl(kCapacity));
  if (const int error = socket_.request(capacity)) return fail("cannot set the length of " + name, error);

  // In a message of their own, one by one: one flag that the kernel does not know would refuse them all.
  for (const std::uint32_t flag : {NFQA_CFG_F_FAIL_OPEN, NFQA_CFG_F_GSO, NFQA_CFG_F_UID_GID}) {
    NetlinkMessage flags = config_message(number_);
    flags.put_u32(NFQA_CFG_FLAGS, htonl(flag));
    flags.put_u32(NFQA_CFG_MASK, htonl(flag));
    if (const int error = socket_.request(flags); error != 0 && error != EOPNOTSUPP)
      return fail("cannot set the flags of " + name, error);
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
      if (const auto packet = decode(*message)) {
        ++count;
        on_packet(*packet);
      }
    }
  }
  return count;
}

void PacketQueue::verdict(HeldPacketId packet, VerdictKind kind) {
  struct Message {  // nlmsghdr, nfgenmsg and one attribute, all multiples of four octets
    nlmsghdr header;
    nfgenmsg family;
    nlattr attribute;
    nfqnl_msg_verdict_hdr verdict;
  };
  Message message{};
  message.header.nlmsg_len = sizeof message;
  message.header.nlmsg_type = message_type(NFQNL_MSG_VERDICT);
  message.header.nlmsg_flags = NLM_F_REQUEST;
  message.family.nfgen_family = AF_UNSPEC;
  message.family.version = NFNETLINK_V0;
  message.family.res_id = htons(number_);
  message.attribute.nla_len = sizeof message.attribute + sizeof message.verdict;
  message.attribute.nla_type = NFQA_VERDICT_HDR;
  message.verdict.verdict = htonl(kind == VerdictKind::Accept ? NF_ACCEPT : NF_DROP);
  message.verdict.id = htonl(static_cast<std::uint32_t>(packet));
  while (::send(socket_.descriptor(), &message, sizeof message, 0) < 0 && errno == EINTR) {
  }
}

}  // namespace mipflow::platform
