// SPDX-License-Identifier: GPL-3.0-or-later
#include "control_client.hpp"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>

namespace mipflow::tools {
namespace {

constexpr int kProtocolVersion = 1;
constexpr timeval kPatience{.tv_sec = 5, .tv_usec = 0};
// A hundred thousand flows are about 50 MB of JSON; what is longer is no answer that we asked for.
constexpr std::size_t kLongestAnswer = std::size_t{256} << 20;

using Error = Unexpected<ControlError>;

Error not_reachable(std::string message) { return Error{ControlError{ControlError::Kind::NotReachable, std::move(message), {}}}; }
Error bad_answer(std::string message) { return Error{ControlError{ControlError::Kind::BadAnswer, std::move(message), {}}}; }

class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  ~Descriptor() {
    if (number_ >= 0) close(number_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int number() const { return number_; }

 private:
  int number_;
};

std::string explain_connect_failure(const std::string& path, int error) {
  if (error == ENOENT || error == ECONNREFUSED) {
    // A daemon gives its socket the same name in every directory.
    const char* daemon = path.ends_with("/had.sock") ? "mipflow-had" : path.ends_with("/cnd.sock") ? "mipflow-cnd" : "mipflow-mnd";
    return fmt::format("no daemon listens at {}: is it running (systemctl status {}), and is this its socket (--socket)?", path, daemon);
  }
  if (error == EACCES || error == EPERM)
    return fmt::format("permission denied at {}: only root and members of the group 'mipflow' may ask the daemon; 'usermod -aG mipflow USER' "
                       "as root makes USER a member, from the next login on", path);
  return fmt::format("can not reach the daemon at {}: {}", path, std::strerror(error));
}

bool send_all(int descriptor, std::string_view text) {
  while (!text.empty()) {
    const ssize_t sent = send(descriptor, text.data(), text.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent <= 0) return false;
    text.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

Expected<std::string, ControlError> read_line(int descriptor, const std::string& path) {
  std::string line;
  std::array<char, 65536> buffer;
  while (true) {
    const ssize_t count = recv(descriptor, buffer.data(), buffer.size(), 0);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
      return not_reachable(fmt::format("the daemon at {} does not answer within {} seconds", path, kPatience.tv_sec));
    if (count < 0) return not_reachable(fmt::format("the daemon at {} went away: {}", path, std::strerror(errno)));
    if (count == 0) return not_reachable(fmt::format("the daemon at {} closed the connection without an answer", path));
    const std::string_view part(buffer.data(), static_cast<std::size_t>(count));
    const auto newline = part.find('\n');
    line.append(part.substr(0, newline));
    if (newline != std::string_view::npos) return line;
    if (line.size() > kLongestAnswer) return bad_answer(fmt::format("the answer of the daemon at {} has no end", path));
  }
}

Expected<nlohmann::json, ControlError> take_result(const std::string& line, const std::string& path) {
  auto answer = nlohmann::json::parse(line, nullptr, false);
  if (!answer.is_object() || !answer.contains("ok") || !answer["ok"].is_boolean())
    return bad_answer(fmt::format("what the daemon at {} says is no answer of the control protocol", path));
  if (answer["ok"].get<bool>()) return answer.contains("result") ? answer["result"] : nlohmann::json();
  std::string message = "the daemon refused the request without a reason";
  std::string name;
  if (const auto error = answer.find("error"); error != answer.end() && error->is_object()) {
    if (const auto text = error->find("message"); text != error->end() && text->is_string()) message = text->get<std::string>();
    if (const auto kind = error->find("kind"); kind != error->end() && kind->is_string()) name = kind->get<std::string>();
  }
  return Unexpected{ControlError{ControlError::Kind::Refused, message, name}};
}

}  // namespace

Expected<nlohmann::json, ControlError> ask(const std::string& socket_path, nlohmann::json request) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (socket_path.size() >= sizeof address.sun_path)
    return not_reachable(fmt::format("the path of the socket is too long ({} octets, at most {}): {}", socket_path.size(),
                                     sizeof address.sun_path - 1, socket_path));
  std::memcpy(address.sun_path, socket_path.c_str(), socket_path.size() + 1);

  const Descriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (socket.number() < 0) return not_reachable(fmt::format("can not open a socket: {}", std::strerror(errno)));
  setsockopt(socket.number(), SOL_SOCKET, SO_RCVTIMEO, &kPatience, sizeof kPatience);
  setsockopt(socket.number(), SOL_SOCKET, SO_SNDTIMEO, &kPatience, sizeof kPatience);
  if (connect(socket.number(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    return not_reachable(explain_connect_failure(socket_path, errno));

  request["version"] = kProtocolVersion;
  // Arguments of the user may hold any octets; what is no UTF-8 is replaced, the daemon refuses the name anyway.
  const auto text = request.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
  // A daemon that refuses us may close before it read everything: its answer counts, not the failed write.
  const bool sent = send_all(socket.number(), text);
  auto line = read_line(socket.number(), socket_path);
  if (!line) {
    if (!sent) return not_reachable(fmt::format("the daemon at {} does not take the request", socket_path));
    return Unexpected{line.error()};
  }
  return take_result(*line, socket_path);
}

}  // namespace mipflow::tools
