// SPDX-License-Identifier: GPL-3.0-or-later
// The border to C: no exception crosses it.
#include "mipflow.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <memory>
#include <new>

#include "connection.hpp"

struct mipflow_handle {
  mipflow::library::Connection connection;
};

namespace {

template <class Call>
int guarded(struct mipflow_handle* handle, Call&& call) noexcept {
  if (handle == nullptr) return -EINVAL;
  try {
    return call(handle->connection);
  } catch (const std::bad_alloc&) {
    return -ENOMEM;
  } catch (const std::exception& error) {
    try {
      return handle->connection.fail(EIO, error.what());
    } catch (...) {
      return -EIO;
    }
  }
}

const char* path_or_default(const char* path) {
  if (path != nullptr) return path;
  const char* from_environment = std::getenv("MIPFLOW_SOCKET");
  return from_environment != nullptr && *from_environment != '\0' ? from_environment : "/run/mipflow/mnd.sock";
}

}  // namespace

int mipflow_open(const char* socket_path, struct mipflow_handle** handle) {
  if (handle == nullptr) return -EINVAL;
  *handle = nullptr;
  try {
    auto made = std::unique_ptr<mipflow_handle>(new mipflow_handle{.connection = mipflow::library::Connection(path_or_default(socket_path))});
    if (const int error = made->connection.begin()) return error;
    *handle = made.release();
  } catch (const std::bad_alloc&) {
    return -ENOMEM;
  }
  return guarded(*handle, [](auto& connection) { return connection.reach(); });
}

void mipflow_close(struct mipflow_handle* handle) { delete handle; }

size_t mipflow_last_message(struct mipflow_handle* handle, char* buffer, size_t size) {
  try {
    const std::string message = handle == nullptr ? "there is no handle" : handle->connection.last_message();
    if (buffer != nullptr && size > 0) buffer[message.copy(buffer, size - 1)] = '\0';
    return message.size();
  } catch (...) {
    if (buffer != nullptr && size > 0) *buffer = '\0';
    return 0;
  }
}

int mipflow_want_class(struct mipflow_handle* handle, int socket, const char* class_name) {
  return guarded(handle, [&](auto& connection) { return connection.want(socket, "class", class_name); });
}

int mipflow_want_interface(struct mipflow_handle* handle, int socket, const char* interface_name) {
  return guarded(handle, [&](auto& connection) { return connection.want(socket, "interface", interface_name); });
}

int mipflow_get_flow(struct mipflow_handle* handle, int socket, struct mipflow_flow* flow) {
  if (flow == nullptr) return -EINVAL;
  return guarded(handle, [&](auto& connection) { return connection.get_flow(socket, *flow); });
}

int mipflow_move(struct mipflow_handle* handle, int socket, const char* interface_name) {
  if (interface_name == nullptr) return -EINVAL;
  return guarded(handle, [&](auto& connection) { return connection.move(socket, interface_name); });
}

int mipflow_watch(struct mipflow_handle* handle, int socket) {
  return guarded(handle, [&](auto& connection) { return connection.watch(socket); });
}

int mipflow_unwatch(struct mipflow_handle* handle, int socket) {
  return guarded(handle, [&](auto& connection) { return connection.unwatch(socket); });
}

int mipflow_event_fd(struct mipflow_handle* handle) { return handle == nullptr ? -EINVAL : handle->connection.event_descriptor(); }

int mipflow_next_event(struct mipflow_handle* handle, struct mipflow_event* event) {
  if (event == nullptr) return -EINVAL;
  return guarded(handle, [&](auto& connection) { return connection.next_event(*event); });
}
