// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <atomic>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

// A control socket whose answers a test chooses. It runs in a thread of its own until it is destroyed.
class FakeControlServer {
 public:
  // Gets one request line without its newline; what it returns is sent as it is. nullopt closes the connection
  // without a word.
  using Answer = std::function<std::optional<std::string>(const std::string& request)>;

  explicit FakeControlServer(Answer answer);
  ~FakeControlServer();
  FakeControlServer(const FakeControlServer&) = delete;
  FakeControlServer& operator=(const FakeControlServer&) = delete;

  const std::string& path() const { return path_; }
  std::string last_request() const;

 private:
  void serve();

  Answer answer_;
  std::string directory_;
  std::string path_;
  int listener_ = -1;
  std::atomic<bool> stop_{false};
  mutable std::mutex mutex_;
  std::string last_request_;
  std::thread thread_;
};

// A directory that goes away with everything in it.
class TemporaryDirectory {
 public:
  TemporaryDirectory();
  ~TemporaryDirectory();
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  const std::string& path() const { return path_; }
  // Writes a file and returns its path.
  std::string write(const std::string& name, const std::string& text) const;

 private:
  std::string path_;
};
