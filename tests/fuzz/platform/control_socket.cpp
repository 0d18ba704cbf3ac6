// SPDX-License-Identifier: GPL-3.0-or-later
// Input: one octet (how many octets the client says at a time), then what a client says at the control socket. The server and the
// client stand in one process; what is asked is taken apart as every daemon does it.
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <boost/asio/io_context.hpp>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <chrono>

#include "fuzz/target.hpp"
#include "fuzz/text_file.hpp"
#include "mipflow/platform/control_protocol.hpp"
#include "mipflow/platform/control_server.hpp"
#include "unit/platform/temporary_directory.hpp"

namespace mipflow::fuzz {

using namespace platform;

namespace {

ControlServer::Reply answer_to(const std::string& line, const ControlServer::Peer& peer) {
  must(peer.user == ::getuid(), "the client is taken for another one");
  const auto request = ControlRequest::parse(line);
  if (!request) return [refusal = request.error()] { return error_answer(refusal.kind, refusal.message); };
  for (const char* parameter : {"id", "interface", "files", "text", "version"}) {
    const bool is_something = request->number(parameter) || request->text(parameter) || request->flag(parameter) || request->named_texts(parameter);
    must(!is_something || request->has(parameter), "a parameter has a value, and is not there");
  }
  return [name = request->name()] { return answer({{"request", name}}); };
}

class Server {
 public:
  Server() {
    auto opened = ControlServer::open(loop_, path(), answer_to);
    must(opened.has_value(), "the control server does not open");
    server_ = std::move(*opened);
  }
  std::filesystem::path path() const { return directory_ / "control.sock"; }
  void work() { loop_.run_one_for(std::chrono::milliseconds{1}); }

 private:
  test::TemporaryDirectory directory_;
  boost::asio::io_context loop_{1};
  std::unique_ptr<ControlServer> server_;
};

// Says everything, in pieces, then that there is no more; returns what came back before the server hung up.
std::string converse(Server& server, BytesView said, std::size_t piece) {
  const FileDescriptor client(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  server.path().native().copy(address.sun_path, sizeof address.sun_path - 1);
  must(::connect(client.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0, "the control server does not listen");
  std::string heard;
  bool has_said_all = false;
  const auto patience = std::chrono::steady_clock::now() + std::chrono::seconds{8};
  while (std::chrono::steady_clock::now() < patience) {
    if (!said.empty()) {
      const ssize_t sent = ::send(client.get(), said.data(), std::min(piece, said.size()), MSG_NOSIGNAL);
      if (sent > 0) said = said.subspan(static_cast<std::size_t>(sent));
    } else if (!has_said_all) {
      ::shutdown(client.get(), SHUT_WR);
      has_said_all = true;
    }
    server.work();
    char room[4096];
    const ssize_t size = ::recv(client.get(), room, sizeof room, 0);
    if (size == 0) return heard;
    if (size > 0) heard.append(room, static_cast<std::size_t>(size));
  }
  must(false, "the server neither answers nor hangs up");
  return heard;
}

}  // namespace

void fuzz_control_socket(BytesView input);
void fuzz_control_socket(BytesView input) {
  static Server server;
  if (input.empty()) return;
  const BytesView said = input.subspan(1);
  const std::string heard = converse(server, said, 1 + std::size_t{input.front()} * 4);
  must(std::ranges::count(heard, '\n') == std::ranges::count(said, static_cast<std::uint8_t>('\n')), "not every line has one answer");
  for (std::size_t at = 0; at < heard.size();) {
    const auto end = heard.find('\n', at);
    must(end != std::string::npos, "half an answer");
    must(nlohmann::json::accept(heard.substr(at, end - at)), "an answer is no JSON");
    at = end + 1;
  }
}

}  // namespace mipflow::fuzz
