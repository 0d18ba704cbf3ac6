// SPDX-License-Identifier: GPL-3.0-or-later
#include "flow_words.hpp"

#include <fmt/format.h>
#include <pwd.h>

#include <array>

#include "rendering.hpp"

namespace mipflow::tools {

std::string endpoint(const nlohmann::json& flow, const char* address_key, const char* port_key) {
  const auto address = render(field(flow, address_key), Look::Plain);
  const auto& port = field(flow, port_key);
  return port.is_null() || port == 0 ? address : fmt::format("[{}]:{}", address, render(port, Look::Plain));
}

std::string user_name(std::uint32_t user) {
  std::array<char, 16384> buffer;
  passwd entry{};
  passwd* found = nullptr;
  if (getpwuid_r(user, &entry, buffer.data(), buffer.size(), &found) != 0 || found == nullptr) return std::to_string(user);
  return entry.pw_name;
}

std::string program_of(const nlohmann::json& flow) {
  const auto& program = field(field(flow, "owner"), "program");
  if (!program.is_string()) return {};
  const auto& path = program.get_ref<const std::string&>();
  return path.substr(path.find_last_of('/') + 1);
}

std::string owner_in_words(const nlohmann::json& flow) {
  const auto& owner = field(flow, "owner");
  auto out = program_of(flow);
  const auto add = [&](const std::string& words) { out += (out.empty() ? "" : " ") + words; };
  if (const auto& process = field(owner, "process"); process.is_number_unsigned())
    add(out.empty() ? fmt::format("process {}", process.get<std::uint64_t>()) : fmt::format("(process {})", process.get<std::uint64_t>()));
  if (const auto& user = field(owner, "user"); user.is_number_unsigned())
    add((out.empty() ? "a program of " : "of ") + user_name(user.get<std::uint32_t>()));
  if (const auto& unit = field(owner, "unit"); unit.is_string()) add("in " + unit.get<std::string>());
  return out;
}

std::string flow_in_words(const nlohmann::json& flow) {
  return fmt::format("{} {} {}", render(field(flow, "protocol"), Look::Plain),
                     field(flow, "initiated_by") == "correspondent-node" ? "from" : "to",
                     endpoint(flow, "correspondent", "correspondent_port"));
}

}  // namespace mipflow::tools
