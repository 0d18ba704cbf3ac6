// SPDX-License-Identifier: GPL-3.0-or-later
#include "mipflow/platform/socket_diagnosis.hpp"

#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>

#include <charconv>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "netlink_answers.hpp"

namespace mipflow::platform {

namespace {

constexpr std::uint16_t kSocketsByFamily = 20;  // SOCK_DIAG_BY_FAMILY
constexpr std::uint16_t kCgroupId = 21;         // INET_DIAG_CGROUP_ID, Linux 5.8

Address address_of(const void* octets) {
  Address out;
  std::memcpy(out.octets.data(), octets, out.octets.size());
  return out;
}

// An address or port that a socket left open fits everything.
bool fits(const Address& of_socket, const Address& wanted) { return of_socket.is_unspecified() || of_socket == wanted; }
bool fits(std::uint16_t of_socket, std::uint16_t wanted) { return of_socket == 0 || of_socket == wanted; }

// How much of the flow the socket has bound: a connected one before a bound one. 0: not this flow's.
int closeness(const SocketCandidate& socket, const FlowKey& key) {
  if (socket.local_port != key.source_port || !fits(socket.facts.local, key.source) || !fits(socket.remote, key.correspondent) ||
      !fits(socket.remote_port, key.correspondent_port))
    return 0;
  return 1 + !socket.facts.local.is_unspecified() + 2 * !socket.remote.is_unspecified();
}

inet_diag_req_v2& begin_question(NetlinkMessage& message, std::uint8_t protocol) {
  auto& question = message.header<inet_diag_req_v2>();
  question.sdiag_family = AF_INET6;
  question.sdiag_protocol = protocol;
  question.idiag_states = ~0u;
  question.id.idiag_cookie[0] = question.id.idiag_cookie[1] = INET_DIAG_NOCOOKIE;
  return question;
}

bool is_of_this_process(std::uint64_t inode) {
  const std::string wanted = "socket:[" + std::to_string(inode) + "]";
  std::error_code error;
  for (std::filesystem::directory_iterator descriptor("/proc/self/fd", error), end; !error && descriptor != end; descriptor.increment(error)) {
    std::error_code gone;
    if (std::filesystem::read_symlink(descriptor->path(), gone) == wanted) return true;
  }
  return false;
}

// The only socket in the table whose "port" is this one and that fits otherwise. Of several, those of this process do not count:
// a daemon has raw sockets of its own, and sends no flows by them.
std::optional<SocketFacts> only_one_in(const char* table, std::uint16_t port, const FlowKey& key, std::optional<std::uint32_t> user) {
  std::ifstream file(table);
  std::string line;
  std::getline(file, line);  // the heading
  std::vector<SocketFacts> found;
  while (std::getline(file, line)) {
    const auto socket = decode_socket_line(line);
    if (!socket || socket->local_port != port || !fits(socket->facts.local, key.source) || !fits(socket->remote, key.correspondent)) continue;
    if (user && *user != socket->facts.user) continue;
    found.push_back(socket->facts);
  }
  if (found.size() > 1) std::erase_if(found, [](const SocketFacts& facts) { return is_of_this_process(facts.inode); });
  if (found.size() != 1) return std::nullopt;
  return found.front();
}

}  // namespace

std::optional<SocketCandidate> decode_socket(const nlmsghdr& message) {
  if (message.nlmsg_type != kSocketsByFamily || mnl_nlmsg_get_payload_len(&message) < sizeof(inet_diag_msg)) return std::nullopt;
  inet_diag_msg answer{};
  std::memcpy(&answer, mnl_nlmsg_get_payload(&message), sizeof answer);
  // One that its process has closed belongs to nobody any more.
  if (answer.idiag_family != AF_INET6 || answer.idiag_inode == 0) return std::nullopt;
  SocketCandidate out;
  out.facts.user = answer.idiag_uid;
  out.facts.inode = answer.idiag_inode;
  out.facts.cookie = answer.id.idiag_cookie[0] | std::uint64_t{answer.id.idiag_cookie[1]} << 32;
  out.facts.local = address_of(answer.id.idiag_src);
  out.remote = address_of(answer.id.idiag_dst);
  out.local_port = ntohs(answer.id.idiag_sport);
  out.remote_port = ntohs(answer.id.idiag_dport);
  mnl_attr_parse(&message, sizeof answer, [](const nlattr* attribute, void* cgroup) {
    if (mnl_attr_get_type(attribute) == kCgroupId && mnl_attr_validate(attribute, MNL_TYPE_U64) == 0)
      *static_cast<std::uint64_t*>(cgroup) = mnl_attr_get_u64(attribute);
    return MNL_CB_OK;
  }, &out.facts.cgroup);
  return out;
}

std::optional<SocketCandidate> decode_socket_line(const std::string& line) {
  std::istringstream words(line);
  std::string number, local, remote, skipped;
  SocketCandidate out;
  if (!(words >> number >> local >> remote >> skipped >> skipped >> skipped >> skipped >> out.facts.user >> skipped >> out.facts.inode))
    return std::nullopt;
  const auto read = [](std::string_view text, Address& address, std::uint16_t& port) {
    if (text.size() != 37 || text[32] != ':') return false;
    const auto hexadecimal = [&](std::size_t at, std::size_t digits, auto& value) {
      return std::from_chars(text.data() + at, text.data() + at + digits, value, 16).ec == std::errc{};
    };
    for (std::size_t word = 0; word < 4; ++word) {
      std::uint32_t value = 0;
      if (!hexadecimal(8 * word, 8, value)) return false;
      std::memcpy(address.octets.data() + 4 * word, &value, sizeof value);
    }
    return hexadecimal(33, 4, port);
  };
  if (!read(local, out.facts.local, out.local_port) || !read(remote, out.remote, out.remote_port) || out.facts.inode == 0) return std::nullopt;
  return out;
}

Result<SocketDiagnosis> SocketDiagnosis::open() {
  auto socket = NetlinkSocket::open(NETLINK_SOCK_DIAG);
  if (!socket) return Unexpected{socket.error()};
  return SocketDiagnosis(std::move(*socket));
}

std::optional<SocketFacts> SocketDiagnosis::look_up(const FlowKey& key) {
  NetlinkMessage message(kSocketsByFamily, 0);
  auto& question = begin_question(message, key.protocol);
  // The kernel reads the ends the other way round for UDP: net/ipv4/udp_diag.c, "for historical reasons".
  const bool reversed = key.protocol == kProtocolUdp;
  std::memcpy(reversed ? question.id.idiag_dst : question.id.idiag_src, key.source.octets.data(), key.source.octets.size());
  std::memcpy(reversed ? question.id.idiag_src : question.id.idiag_dst, key.correspondent.octets.data(), key.correspondent.octets.size());
  question.id.idiag_sport = htons(reversed ? key.correspondent_port : key.source_port);
  question.id.idiag_dport = htons(reversed ? key.source_port : key.correspondent_port);
  std::optional<SocketFacts> found;
  // A refusal is "there is none"; what else it may be leaves the flow without an owner as well.
  static_cast<void>(socket_.ask(message.raw(), [&](const nlmsghdr& answer) {
    if (const auto socket = decode_socket(answer)) found = socket->facts;
  }));
  return found;
}

void SocketDiagnosis::dump(std::uint8_t protocol, std::uint16_t source_port, const std::function<void()>& restart, const NetlinkSocket::Handler& handler) {
  NetlinkMessage message(kSocketsByFamily, 0);
  begin_question(message, protocol).id.idiag_sport = htons(source_port);
  static_cast<void>(socket_.dump(message, restart, handler));
}

std::optional<SocketFacts> SocketDiagnosis::among_all(const FlowKey& key) {
  std::optional<SocketFacts> found;
  int best = 0;
  dump(key.protocol, key.source_port, [&] { found.reset(), best = 0; }, [&](const nlmsghdr& answer) {
    const auto socket = decode_socket(answer);
    if (!socket) return;
    const int fit = closeness(*socket, key);
    if (fit > best) best = fit, found = socket->facts;
  });
  return found;
}

std::optional<SocketFacts> SocketDiagnosis::find_by_cookie(std::uint8_t protocol, std::uint16_t source_port, std::uint64_t cookie) {
  std::optional<SocketFacts> found;
  dump(protocol, source_port, [&] { found.reset(); }, [&](const nlmsghdr& answer) {
    const auto socket = decode_socket(answer);
    if (socket && socket->local_port == source_port && socket->facts.cookie == cookie) found = socket->facts;
  });
  return found;
}

std::vector<FlowKey> SocketDiagnosis::connected_from(const Address& source) {
  std::vector<FlowKey> found;
  dump(kProtocolUdp, 0, [&] { found.clear(); }, [&](const nlmsghdr& answer) {
    const auto socket = decode_socket(answer);
    if (socket && socket->facts.local == source && !socket->remote.is_unspecified())
      found.push_back({source, socket->remote, socket->local_port, socket->remote_port, kProtocolUdp});
  });
  return found;
}

std::optional<SocketFacts> SocketDiagnosis::find(const FlowKey& key, std::optional<std::uint32_t> user) {
  if (key.protocol == kProtocolTcp || key.protocol == kProtocolUdp) {
    if (const auto found = look_up(key)) return found;
    // Sockets that are bound to a device are not seen by the look-up, which asks for none.
    return among_all(key);
  }
  // Neither has a look-up in every kernel (CONFIG_INET_RAW_DIAG); these tables have been there always. A raw socket stands
  // under its protocol, a socket for echo under its identifier.
  if (key.protocol == kProtocolIcmpv6)
    if (const auto found = only_one_in("/proc/thread-self/net/icmp6", key.source_port, key, user)) return found;
  return only_one_in("/proc/thread-self/net/raw6", key.protocol, key, user);
}

}  // namespace mipflow::platform
