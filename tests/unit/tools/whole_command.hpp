// SPDX-License-Identifier: GPL-3.0-or-later
// Runs whole commands, and answers them as a daemon would.
#pragma once

#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "fake_control_server.hpp"
#include "mipflow/tools/command.hpp"

struct Outcome {
  int code;
  std::string out;
  std::string err;
};

inline Outcome run(std::vector<std::string> arguments, bool terminal = false, int input = -1) {
  std::ostringstream out;
  std::ostringstream err;
  const int code = mipflow::tools::run_command(arguments, {out, err, terminal, input});
  return {code, out.str(), err.str()};
}

inline std::string success(const nlohmann::json& result) {
  return nlohmann::json{{"version", 1}, {"ok", true}, {"result", result}}.dump() + "\n";
}

inline std::string refusal(const std::string& kind, const std::string& message) {
  return nlohmann::json{{"version", 1}, {"ok", false}, {"error", {{"kind", kind}, {"message", message}}}}.dump() + "\n";
}

// Answers every request with the same line.
inline FakeControlServer::Answer always(std::string line) {
  return [line = std::move(line)](const std::string&) { return line; };
}
