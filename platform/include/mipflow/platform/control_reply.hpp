// SPDX-License-Identifier: GPL-3.0-or-later
// Answers of a daemon at its control socket. What they hold is taken now, their text is made on the server's thread.
#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "mipflow/platform/control_protocol.hpp"
#include "mipflow/platform/control_server.hpp"

namespace mipflow::platform {

inline ControlServer::Reply reply(nlohmann::json result) {
  return [result = std::move(result)] { return answer(result); };
}

inline ControlServer::Reply refuse(std::string kind, std::string message) {
  return [kind = std::move(kind), message = std::move(message)] { return error_answer(kind, message); };
}

// One list with an object per snapshot.
template <class... Snapshots>
ControlServer::Reply reply_list(std::vector<Snapshots>... lists) {
  return [lists = std::make_shared<const std::tuple<std::vector<Snapshots>...>>(std::move(lists)...)] {
    nlohmann::json out = nlohmann::json::array();
    const auto append = [&](const auto& list) {
      for (const auto& item : list) out.push_back(to_json(item));
    };
    std::apply([&](const auto&... list) { (append(list), ...); }, *lists);
    return answer(out);
  };
}

}  // namespace mipflow::platform
