// SPDX-License-Identifier: GPL-3.0-or-later
#include "fake_control_server.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <stdexcept>

namespace {

std::string make_directory() {
  std::string pattern = (std::filesystem::temp_directory_path() / "mipflow-test-XXXXXX").string();
  if (mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp failed");
  return pattern;
}

}  // namespace

FakeControlServer::FakeControlServer(Answer answer)
    : answer_(std::move(answer)), directory_(make_directory()), path_(directory_ + "/control.sock") {
  listener_ = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path_.c_str(), sizeof address.sun_path - 1);
  if (bind(listener_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 || listen(listener_, 4) != 0)
    throw std::runtime_error("can not listen at " + path_);
  thread_ = std::thread([this] { serve(); });
}

FakeControlServer::~FakeControlServer() {
  stop_ = true;
  thread_.join();
  close(listener_);
  std::filesystem::remove_all(directory_);
}

std::string FakeControlServer::last_request() const {
  const std::lock_guard lock(mutex_);
  return last_request_;
}

void FakeControlServer::serve() {
  while (!stop_) {
    pollfd poller{listener_, POLLIN, 0};
    if (poll(&poller, 1, 10) <= 0) continue;
    const int client = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    std::string request;
    std::array<char, 4096> buffer;
    while (request.find('\n') == std::string::npos) {
      const ssize_t count = recv(client, buffer.data(), buffer.size(), 0);
      if (count <= 0) break;
      request.append(buffer.data(), static_cast<std::size_t>(count));
    }
    request.resize(std::min(request.size(), request.find('\n')));
    {
      const std::lock_guard lock(mutex_);
      last_request_ = request;
    }
    if (const auto answer = answer_(request)) {
      for (std::size_t done = 0; done < answer->size();) {
        const ssize_t count = send(client, answer->data() + done, answer->size() - done, MSG_NOSIGNAL);
        if (count <= 0) break;
        done += static_cast<std::size_t>(count);
      }
    }
    close(client);
  }
}

TemporaryDirectory::TemporaryDirectory() : path_(make_directory()) {}
TemporaryDirectory::~TemporaryDirectory() { std::filesystem::remove_all(path_); }

std::string TemporaryDirectory::write(const std::string& name, const std::string& text) const {
  const std::string file = path_ + "/" + name;
  std::ofstream(file) << text;
  return file;
}
