// SPDX-License-Identifier: GPL-3.0-or-later
// The C library with a control server whose answers the test chooses.
#include <catch2/catch.hpp>

#include <arpa/inet.h>
#include <mipflow.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <nlohmann/json.hpp>

#include "fake_control_server.hpp"

using nlohmann::json;

namespace {

std::string answer(const json& result) { return json{{"version", 1}, {"ok", true}, {"result", result}}.dump() + "\n"; }
std::string refusal(const char* kind) {
  return json{{"version", 1}, {"ok", false}, {"error", {{"kind", kind}, {"message", std::string("this is ") + kind}}}}.dump() + "\n";
}

json flow_on(const char* interface) {
  return {{"id", 7}, {"class", "voice"}, {"interface", interface}, {"home_address", "2001:db8:1::1"}, {"care_of_address", "2001:db8:2::2"}, {"path", "direct"}};
}

struct Handle {
  explicit Handle(const std::string& path) : opened(mipflow_open(path.c_str(), &handle)) {}
  ~Handle() { mipflow_close(handle); }
  std::string message() const {
    char text[200];
    mipflow_last_message(handle, text, sizeof text);
    return text;
  }
  mipflow_handle* handle = nullptr;
  int opened;
};

struct Socket {
  explicit Socket(bool connected = true, int family = AF_INET6) : number(::socket(family, SOCK_DGRAM, 0)) {
    sockaddr_in6 peer{};
    peer.sin6_family = AF_INET6;
    peer.sin6_addr = in6addr_loopback;
    peer.sin6_port = htons(9);
    if (connected) REQUIRE(::connect(number, reinterpret_cast<const sockaddr*>(&peer), sizeof peer) == 0);
  }
  ~Socket() { ::close(number); }
  int number;
};

bool becomes_readable(int descriptor) {
  pollfd wait{.fd = descriptor, .events = POLLIN, .revents = 0};
  return ::poll(&wait, 1, 5000) == 1;
}

}  // namespace

TEST_CASE("library: a socket is told by its cookie, and by its addresses when it is connected") {
  const FakeControlServer server([](const std::string&) { return answer({{"class", "voice"}, {"interface", ""}}); });
  const Handle flows(server.path());
  REQUIRE(flows.opened == 0);
  const Socket loose(false), connected;
  CHECK(mipflow_want_class(flows.handle, loose.number, "voice") == 0);
  auto asked = json::parse(server.last_request());
  CHECK(asked["request"] == "mark-socket");
  CHECK(asked["class"] == "voice");
  CHECK_FALSE(asked.contains("interface"));
  CHECK(asked["cookie"].is_number_unsigned());
  CHECK_FALSE(asked.contains("source"));
  CHECK(mipflow_want_interface(flows.handle, connected.number, nullptr) == 0);
  asked = json::parse(server.last_request());
  CHECK(asked["interface"] == "");
  CHECK_FALSE(asked.contains("class"));
  CHECK(asked["protocol"] == "udp");
  CHECK(asked["source"] == "::1");
  CHECK(asked["correspondent"] == "::1");
  CHECK(asked["correspondent_port"] == 9);
}

TEST_CASE("library: where a flow goes") {
  const FakeControlServer server([](const std::string&) { return answer(flow_on("wlan0")); });
  const Handle flows(server.path());
  const Socket socket;
  mipflow_flow flow{};
  REQUIRE(mipflow_get_flow(flows.handle, socket.number, &flow) == 0);
  CHECK(flow.id == 7);
  CHECK(std::string(flow.class_name) == "voice");
  CHECK(std::string(flow.interface_name) == "wlan0");
  CHECK(std::string(flow.care_of_address) == "2001:db8:2::2");
  CHECK(flow.direct == 1);
}

TEST_CASE("library: every refusal has an errno and a sentence") {
  std::string kind;
  const FakeControlServer server([&](const std::string&) { return refusal(kind.c_str()); });
  const Handle flows(server.path());
  const Socket socket;
  for (const auto& [name, error] : std::vector<std::pair<std::string, int>>{
           {"not-permitted", EPERM}, {"unknown-class", EINVAL}, {"unknown-interface", ENODEV}, {"unknown-flow", ENOENT}, {"interface-not-usable", ENETDOWN}, {"something-new", EIO}}) {
    kind = name;
    CHECK(mipflow_move(flows.handle, socket.number, "wlan0") == -error);
    CHECK(flows.message() == "this is " + name);
  }
}

TEST_CASE("library: wrong arguments change nothing and say why") {
  const FakeControlServer server([](const std::string&) { return answer(flow_on("wlan0")); });
  const Handle flows(server.path());
  const Socket loose(false), four(false, AF_INET);
  mipflow_flow flow{};
  CHECK(mipflow_get_flow(flows.handle, loose.number, &flow) == -ENOTCONN);
  CHECK(mipflow_get_flow(flows.handle, four.number, &flow) == -EAFNOSUPPORT);
  CHECK(mipflow_get_flow(flows.handle, -1, &flow) == -EBADF);
  CHECK(mipflow_get_flow(flows.handle, STDERR_FILENO, &flow) < 0);
  CHECK_FALSE(flows.message().empty());
  CHECK(mipflow_get_flow(flows.handle, loose.number, nullptr) == -EINVAL);
  CHECK(mipflow_move(flows.handle, loose.number, nullptr) == -EINVAL);
  CHECK(mipflow_get_flow(nullptr, loose.number, &flow) == -EINVAL);
  CHECK(mipflow_event_fd(nullptr) == -EINVAL);
  CHECK(mipflow_unwatch(flows.handle, loose.number) == -EINVAL);
  mipflow_close(nullptr);
}

TEST_CASE("library: without a daemon there is a handle that says so, and works later") {
  const TemporaryDirectory directory;
  const Handle flows(directory.path() + "/mnd.sock");
  CHECK(flows.opened == -ECONNREFUSED);
  REQUIRE(flows.handle != nullptr);
  CHECK(flows.message().find("mipflow-mnd") != std::string::npos);
  char cut[5];
  CHECK(mipflow_last_message(flows.handle, cut, sizeof cut) > 4);
  CHECK(std::string(cut).size() == 4);
}

TEST_CASE("library: a watched flow that moves is an event, once") {
  std::atomic<const char*> interface{"wlan0"};
  const FakeControlServer server([&](const std::string&) { return answer(flow_on(interface)); });
  const Handle flows(server.path());
  Socket socket;
  mipflow_event event{};
  REQUIRE(mipflow_watch(flows.handle, socket.number) == 0);
  CHECK(mipflow_next_event(flows.handle, &event) == 0);
  interface = "wwan0";
  int told = 0;
  for (int looks = 0; looks < 20 && told == 0; ++looks) {
    REQUIRE(becomes_readable(mipflow_event_fd(flows.handle)));
    told = mipflow_next_event(flows.handle, &event);
  }
  REQUIRE(told == 1);
  CHECK(event.socket == socket.number);
  CHECK(std::string(event.before.interface_name) == "wlan0");
  CHECK(std::string(event.now.interface_name) == "wwan0");
  REQUIRE(becomes_readable(mipflow_event_fd(flows.handle)));
  CHECK(mipflow_next_event(flows.handle, &event) == 0);
  CHECK(mipflow_unwatch(flows.handle, socket.number) == 0);
}
