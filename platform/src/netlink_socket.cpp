// SPDX-License-Identifier: GPL-3.0-or-later
#include "mipflow/platform/netlink_socket.hpp"

#include <fcntl.h>
#include <libmnl/libmnl.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <optional>

namespace mipflow::platform {

namespace {

constexpr std::size_t kReceiveSize = 64 * 1024;  // the kernel never builds a larger piece of a dump
constexpr int kDumpTries = 5;

std::size_t aligned(std::size_t size) { return NLMSG_ALIGN(size); }

// NLMSGERR_ATTR_MSG behind an error message, when the kernel sent one.
std::string reason_of(const nlmsghdr& message) {
  const auto* error = static_cast<const nlmsgerr*>(mnl_nlmsg_get_payload(&message));
  if ((message.nlmsg_flags & NLM_F_ACK_TLVS) == 0) return {};
  std::size_t skip = sizeof(nlmsgerr);
  if ((message.nlmsg_flags & NLM_F_CAPPED) == 0) skip += error->msg.nlmsg_len - sizeof(nlmsghdr);
  std::string reason;
  if (mnl_nlmsg_get_payload_len(&message) < skip) return reason;
  mnl_attr_parse(&message, static_cast<unsigned>(skip), [](const nlattr* attribute, void* out) {
    if (mnl_attr_get_type(attribute) == NLMSGERR_ATTR_MSG && mnl_attr_validate(attribute, MNL_TYPE_NUL_STRING) == 0)
      *static_cast<std::string*>(out) = mnl_attr_get_str(attribute);
    return MNL_CB_OK;
  }, &reason);
  return reason;
}

// Octets of what has come, or -1 and errno. 0: it was not the kernel's. Any process with CAP_NET_ADMIN may speak in the groups that
// we listen to; nobody but the kernel is believed.
ssize_t receive_from_kernel(int descriptor, std::span<std::byte> buffer, int flags) {
  sockaddr_nl sender{};
  socklen_t sender_size = sizeof sender;
  ssize_t size = 0;
  do {
    size = ::recvfrom(descriptor, buffer.data(), buffer.size(), flags, reinterpret_cast<sockaddr*>(&sender), &sender_size);
  } while (size < 0 && errno == EINTR);
  return size > 0 && (sender_size < sizeof sender || sender.nl_pid != 0) ? 0 : size;
}

}  // namespace

NetlinkMessage::NetlinkMessage(std::uint16_t type, std::uint16_t flags) : buffer_(sizeof(nlmsghdr)) {
  buffer_.reserve(512);
  raw().nlmsg_len = sizeof(nlmsghdr);
  raw().nlmsg_type = type;
  raw().nlmsg_flags = flags;
}

void* NetlinkMessage::extend(std::size_t size) {
  const std::size_t at = buffer_.size();
  buffer_.resize(at + aligned(size));
  raw().nlmsg_len = static_cast<std::uint32_t>(buffer_.size());
  return buffer_.data() + at;
}

void NetlinkMessage::put(std::uint16_t type, const void* data, std::size_t size) {
  auto* at = static_cast<std::byte*>(extend(NLA_HDRLEN + size));
  const nlattr attribute{static_cast<std::uint16_t>(NLA_HDRLEN + size), type};
  std::memcpy(at, &attribute, sizeof attribute);
  if (size > 0) std::memcpy(at + NLA_HDRLEN, data, size);
}

std::size_t NetlinkMessage::begin(std::uint16_t type) {
  const std::size_t token = buffer_.size();
  put(static_cast<std::uint16_t>(type | NLA_F_NESTED), nullptr, 0);
  return token;
}

void NetlinkMessage::end(std::size_t token) {
  const auto length = static_cast<std::uint16_t>(buffer_.size() - token);
  std::memcpy(buffer_.data() + token, &length, sizeof length);
}

NetlinkSocket::NetlinkSocket(FileDescriptor descriptor, std::uint32_t port)
    : descriptor_(std::move(descriptor)), port_(port), buffer_(kReceiveSize) {}

Result<NetlinkSocket> NetlinkSocket::open(int protocol) {
  FileDescriptor descriptor(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol));
  if (!descriptor) return fail("cannot open a netlink socket", errno);
  sockaddr_nl address{};
  address.nl_family = AF_NETLINK;
  if (::bind(descriptor.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    return fail("cannot bind a netlink socket", errno);
  socklen_t size = sizeof address;
  if (::getsockname(descriptor.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0)
    return fail("cannot read the port of a netlink socket", errno);
  // The kernel does not deliver to a connected socket what others than its peer send to it alone. Otherwise the answers that a
  // request waits for could be forged, and be lost because forgeries fill the buffer.
  sockaddr_nl kernel{};
  kernel.nl_family = AF_NETLINK;
  if (::connect(descriptor.get(), reinterpret_cast<const sockaddr*>(&kernel), sizeof kernel) != 0)
    return fail("cannot connect a netlink socket to the kernel", errno);
  // Both only make answers better (reasons, filters in the kernel); a kernel without them still answers.
  const int on = 1;
  ::setsockopt(descriptor.get(), SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof on);
  ::setsockopt(descriptor.get(), SOL_NETLINK, NETLINK_GET_STRICT_CHK, &on, sizeof on);
  return NetlinkSocket(std::move(descriptor), address.nl_pid);
}

Result<void> NetlinkSocket::subscribe(unsigned group) {
  if (::setsockopt(descriptor_.get(), SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof group) != 0)
    return fail("cannot subscribe to netlink group " + std::to_string(group), errno);
  return {};
}

void NetlinkSocket::enlarge_receive_buffer(int octets) {
  if (::setsockopt(descriptor_.get(), SOL_SOCKET, SO_RCVBUFFORCE, &octets, sizeof octets) != 0)
    ::setsockopt(descriptor_.get(), SOL_SOCKET, SO_RCVBUF, &octets, sizeof octets);
}

void NetlinkSocket::set_non_blocking() {
  ::fcntl(descriptor_.get(), F_SETFL, ::fcntl(descriptor_.get(), F_GETFL) | O_NONBLOCK);
}

int NetlinkSocket::send(nlmsghdr& message) {
  message.nlmsg_flags |= NLM_F_REQUEST;
  message.nlmsg_seq = ++sequence_;
  for (;;) {
    if (::send(descriptor_.get(), &message, message.nlmsg_len, 0) >= 0) return 0;
    if (errno != EINTR) return errno;
  }
}

template <class Visit>
int NetlinkSocket::receive_answers(const Visit& visit) {
  for (;;) {
    const ssize_t size = receive_from_kernel(descriptor_.get(), buffer_, 0);
    if (size < 0) return errno;
    int left = static_cast<int>(size);
    for (auto* answer = reinterpret_cast<const nlmsghdr*>(buffer_.data()); mnl_nlmsg_ok(answer, left);
         answer = mnl_nlmsg_next(answer, &left))
      if (const std::optional<int> result = visit(*answer)) return *result;
  }
}

int NetlinkSocket::ask(nlmsghdr& message, const Handler& handler) {
  message.nlmsg_flags |= NLM_F_ACK;
  last_reason_.clear();
  if (const int error = send(message)) return error;
  return receive_answers([&](const nlmsghdr& answer) -> std::optional<int> {
    if (answer.nlmsg_seq != sequence_) return std::nullopt;
    if (answer.nlmsg_type != NLMSG_ERROR) {
      if (handler) handler(answer);
      return std::nullopt;
    }
    const auto* error = static_cast<const nlmsgerr*>(mnl_nlmsg_get_payload(&answer));
    if (error->error != 0) last_reason_ = reason_of(answer);
    return -error->error;
  });
}

int NetlinkSocket::request_together(std::span<NetlinkMessage> messages, const OnRefused& on_refused) {
  if (messages.empty()) return 0;
  const std::uint32_t first = sequence_ + 1;
  std::vector<iovec> parts;
  for (NetlinkMessage& message : messages) {
    // The others answer only when they are refused.
    const bool is_last = &message == &messages.back();
    message.raw().nlmsg_flags = static_cast<std::uint16_t>(message.raw().nlmsg_flags | NLM_F_REQUEST | (is_last ? NLM_F_ACK : 0));
    message.raw().nlmsg_seq = ++sequence_;
    parts.push_back({&message.raw(), message.raw().nlmsg_len});
  }
  msghdr header{};
  header.msg_iov = parts.data();
  header.msg_iovlen = parts.size();
  while (::sendmsg(descriptor_.get(), &header, 0) < 0)
    if (errno != EINTR) return errno;
  return receive_answers([&](const nlmsghdr& answer) -> std::optional<int> {
    const std::uint32_t place = answer.nlmsg_seq - first;
    if (answer.nlmsg_type != NLMSG_ERROR || place >= messages.size()) return std::nullopt;
    const auto* error = static_cast<const nlmsgerr*>(mnl_nlmsg_get_payload(&answer));
    if (error->error != 0) on_refused(place, -error->error, reason_of(answer));
    if (place + 1 < messages.size()) return std::nullopt;
    return 0;
  });
}

int NetlinkSocket::exchange(std::span<const std::uint8_t> messages, std::uint32_t last_sequence) {
  if (::send(descriptor_.get(), messages.data(), messages.size(), 0) < 0) return errno;
  // Refusals come without being asked for, ahead of the last message's answer. When the transaction as a whole is
  // refused the answer may be missing, so the first refusal ends the waiting; the rest is dropped.
  int first_error = 0;
  bool answered = false;
  while (!answered) {
    const ssize_t size = receive_from_kernel(descriptor_.get(), buffer_, first_error == 0 ? 0 : MSG_DONTWAIT);
    if (size < 0) return first_error != 0 ? first_error : errno;
    int left = static_cast<int>(size);
    for (auto* answer = reinterpret_cast<nlmsghdr*>(buffer_.data()); mnl_nlmsg_ok(answer, left);
         answer = mnl_nlmsg_next(answer, &left)) {
      if (answer->nlmsg_type != NLMSG_ERROR) continue;
      const int error = -static_cast<const nlmsgerr*>(mnl_nlmsg_get_payload(answer))->error;
      if (first_error == 0) first_error = error;
      if (answer->nlmsg_seq == last_sequence && first_error == 0) answered = true;
    }
  }
  return first_error;
}

int NetlinkSocket::dump(NetlinkMessage& message, const std::function<void()>& restart, const Handler& handler) {
  message.raw().nlmsg_flags |= NLM_F_DUMP;
  last_reason_.clear();
  for (int tries = 0; tries < kDumpTries; ++tries) {
    restart();
    if (const int error = send(message.raw())) return error;
    bool interrupted = false;
    bool done = false;
    while (!done) {
      const ssize_t size = receive_from_kernel(descriptor_.get(), buffer_, 0);
      if (size < 0) return errno;
      int left = static_cast<int>(size);
      for (auto* answer = reinterpret_cast<nlmsghdr*>(buffer_.data()); mnl_nlmsg_ok(answer, left);
           answer = mnl_nlmsg_next(answer, &left)) {
        if (answer->nlmsg_seq != sequence_) continue;
        if (answer->nlmsg_flags & NLM_F_DUMP_INTR) interrupted = true;
        if (answer->nlmsg_type == NLMSG_ERROR) {
          last_reason_ = reason_of(*answer);
          return -static_cast<const nlmsgerr*>(mnl_nlmsg_get_payload(answer))->error;
        }
        if (answer->nlmsg_type == NLMSG_DONE) {
          done = true;
          break;
        }
        handler(*answer);
      }
    }
    if (!interrupted) return 0;
  }
  return EINTR;
}

NetlinkSocket::Received NetlinkSocket::receive(const Handler& handler) {
  const ssize_t size = receive_from_kernel(descriptor_.get(), buffer_, MSG_DONTWAIT);
  if (size < 0) {
    if (errno == EAGAIN) return Received::Nothing;
    return errno == ENOBUFS ? Received::Overrun : Received::Failed;
  }
  int left = static_cast<int>(size);
  for (auto* message = reinterpret_cast<nlmsghdr*>(buffer_.data()); mnl_nlmsg_ok(message, left);
       message = mnl_nlmsg_next(message, &left))
    handler(*message);
  return Received::Messages;
}

}  // namespace mipflow::platform
