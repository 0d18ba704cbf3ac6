// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <nlohmann/json.hpp>

namespace mipflow::library {

// What a socket of this process is called in the control protocol: its cookie, and when it is connected its protocol, addresses
// and ports.
struct SocketName {
  nlohmann::json parameters = nlohmann::json::object();
  bool connected = false;
};

// 0 or a negative errno.
int name_of(int socket, SocketName& out);

}  // namespace mipflow::library
