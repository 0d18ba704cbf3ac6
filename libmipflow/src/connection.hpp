// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <deque>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "mipflow.h"

namespace mipflow::library {

// What stands behind a handle. Every function takes the lock; numbers are 0, or more, or a negative errno.
class Connection {
 public:
  explicit Connection(std::string path) : path_(std::move(path)) {}
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  int begin();  // the descriptor for poll()
  int reach();  // whether the daemon answers
  int want(int socket, const char* what, const char* value);
  int get_flow(int socket, mipflow_flow& out);
  int move(int socket, const char* interface);
  int watch(int socket);
  int unwatch(int socket);
  int next_event(mipflow_event& out);
  int event_descriptor() const { return timer_; }
  std::string last_message() const;
  int fail(int error, std::string message);

 private:
  // What follows expects that the lock is held.
  int ask(nlohmann::json request, nlohmann::json& result);
  int name(int socket, nlohmann::json& request, bool has_to_be_connected);
  int look_up(int socket, mipflow_flow& out);
  int complain(int error, std::string message);
  void look_at_all();
  void set_timer(bool at_once);

  mutable std::mutex mutex_;
  std::string path_;
  std::string message_;
  int timer_ = -1;
  std::map<int, std::optional<mipflow_flow>> watched_;  // by socket: where its flow went the last time
  std::deque<mipflow_event> events_;
};

}  // namespace mipflow::library
