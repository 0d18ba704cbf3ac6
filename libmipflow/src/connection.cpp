// SPDX-License-Identifier: GPL-3.0-or-later
#include "connection.hpp"

#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string_view>
#include <system_error>
#include <vector>

#include "control_client.hpp"
#include "socket_name.hpp"

namespace mipflow::library {

namespace {

using nlohmann::json;
using tools::ControlError;

int errno_of(const ControlError& error, const std::string& path) {
  switch (error.kind) {
    case ControlError::Kind::NotReachable: return ::access(path.c_str(), W_OK) != 0 && errno == EACCES ? EACCES : ECONNREFUSED;
    case ControlError::Kind::BadAnswer: return EPROTO;
    case ControlError::Kind::Refused: break;
  }
  struct Name {
    std::string_view name;
    int error;
  };
  static constexpr Name kNames[]{{"not-permitted", EPERM},       {"unknown-class", EINVAL},         {"unknown-interface", ENODEV},
                                 {"unknown-flow", ENOENT},       {"interface-not-usable", ENETDOWN}, {"busy", EBUSY},
                                 {"unknown-request", EPROTO},    {"version", EPROTO},                {"malformed", EINVAL}};
  for (const auto& each : kNames)
    if (each.name == error.name) return each.error;
  return EIO;
}

template <std::size_t Size>
void copy_text(const json& object, const char* key, char (&out)[Size]) {
  std::memset(out, 0, Size);
  const auto found = object.find(key);
  if (found == object.end() || !found->is_string()) return;
  found->get_ref<const std::string&>().copy(out, Size - 1);
}

mipflow_flow flow_in(const json& object) {
  mipflow_flow out{};
  if (!object.is_object()) return out;
  if (const auto id = object.find("id"); id != object.end() && id->is_number_unsigned()) out.id = id->get<std::uint64_t>();
  copy_text(object, "class", out.class_name);
  copy_text(object, "interface", out.interface_name);
  copy_text(object, "home_address", out.home_address);
  copy_text(object, "care_of_address", out.care_of_address);
  const auto path = object.find("path");
  out.direct = path != object.end() && *path == "direct";
  return out;
}

bool goes_the_same_way(const mipflow_flow& left, const mipflow_flow& right) {
  return std::string_view(left.interface_name) == right.interface_name && std::string_view(left.care_of_address) == right.care_of_address &&
         left.direct == right.direct;
}

}  // namespace

Connection::~Connection() {
  if (timer_ >= 0) ::close(timer_);
}

int Connection::begin() {
  timer_ = ::timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
  return timer_ < 0 ? -errno : 0;
}

int Connection::complain(int error, std::string message) {
  message_ = std::move(message);
  return -error;
}

int Connection::fail(int error, std::string message) {
  const std::scoped_lock lock(mutex_);
  return complain(error, std::move(message));
}

std::string Connection::last_message() const {
  const std::scoped_lock lock(mutex_);
  return message_;
}

int Connection::ask(json request, json& result) {
  auto answer = tools::ask(path_, std::move(request));
  if (!answer) return complain(errno_of(answer.error(), path_), answer.error().message);
  result = std::move(*answer);
  return 0;
}

int Connection::name(int socket, json& request, bool has_to_be_connected) {
  SocketName name;
  if (const int error = name_of(socket, name)) return complain(-error, "this is no TCP or UDP socket of IPv6: " + std::generic_category().message(-error));
  if (has_to_be_connected && !name.connected) return complain(ENOTCONN, "the socket is not connected");
  request.update(name.parameters);
  return 0;
}

int Connection::reach() {
  const std::scoped_lock lock(mutex_);
  json ignored;
  return ask({{"request", "status"}}, ignored);
}

int Connection::want(int socket, const char* what, const char* value) {
  const std::scoped_lock lock(mutex_);
  json request{{"request", "mark-socket"}, {what, value == nullptr ? "" : value}}, ignored;
  if (const int error = name(socket, request, false)) return error;
  return ask(std::move(request), ignored);
}

int Connection::look_up(int socket, mipflow_flow& out) {
  json request{{"request", "socket-flow"}}, flow;
  if (const int error = name(socket, request, true)) return error;
  if (const int error = ask(std::move(request), flow)) return error;
  out = flow_in(flow);
  return 0;
}

int Connection::get_flow(int socket, mipflow_flow& out) {
  const std::scoped_lock lock(mutex_);
  return look_up(socket, out);
}

int Connection::move(int socket, const char* interface) {
  const std::scoped_lock lock(mutex_);
  json request{{"request", "move-socket"}, {"interface", interface}}, ignored;
  if (const int error = name(socket, request, true)) return error;
  return ask(std::move(request), ignored);
}

int Connection::watch(int socket) {
  const std::scoped_lock lock(mutex_);
  if (!watched_.contains(socket) && watched_.size() >= MIPFLOW_WATCH_MOST) return complain(ENOSPC, "too many sockets are watched with this handle");
  mipflow_flow flow{};
  const int error = look_up(socket, flow);
  if (error != 0 && error != -ENOENT) return error;
  watched_[socket] = error == 0 ? std::optional(flow) : std::nullopt;
  if (watched_.size() == 1) set_timer(false);
  return 0;
}

int Connection::unwatch(int socket) {
  const std::scoped_lock lock(mutex_);
  if (watched_.erase(socket) == 0) return complain(EINVAL, "the socket is not watched");
  std::erase_if(events_, [&](const mipflow_event& event) { return event.socket == socket; });
  set_timer(!events_.empty());
  return 0;
}

void Connection::look_at_all() {
  for (auto each = watched_.begin(); each != watched_.end();) {
    mipflow_flow now{};
    const int error = look_up(each->first, now);
    if (error == -EBADF || error == -ENOTSOCK || error == -ENOTCONN) {
      each = watched_.erase(each);
      continue;
    }
    if (error == 0) {
      if (each->second && !goes_the_same_way(*each->second, now)) events_.push_back({each->first, *each->second, now});
      each->second = now;
    }
    ++each;
  }
}

int Connection::next_event(mipflow_event& out) {
  const std::scoped_lock lock(mutex_);
  std::uint64_t times = 0;
  const bool is_due = ::read(timer_, &times, sizeof times) == sizeof times;
  if (events_.empty() && is_due) look_at_all();
  if (events_.empty()) {
    if (watched_.empty()) set_timer(false);
    return 0;
  }
  out = events_.front();
  events_.pop_front();
  set_timer(!events_.empty());
  return 1;
}

void Connection::set_timer(bool at_once) {
  itimerspec value{};
  if (!watched_.empty() || at_once) {
    value.it_interval.tv_nsec = MIPFLOW_WATCH_INTERVAL * 1'000'000;
    value.it_value.tv_nsec = at_once ? 1 : value.it_interval.tv_nsec;
  }
  ::timerfd_settime(timer_, 0, &value, nullptr);
}

}  // namespace mipflow::library
