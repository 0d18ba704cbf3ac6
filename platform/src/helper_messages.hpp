// SPDX-License-Identifier: GPL-3.0-or-later
// What the messages between the daemon and its helper processes are made of.
#pragma once

#include <string>
#include <string_view>

#include "mipflow/base/bytes.hpp"

namespace mipflow::platform {

// Its length in two octets, and the text; nothing when it is longer than these can say.
inline void write_text(Writer& writer, const std::string& text) {
  const std::string_view fitting = text.size() > 0xffff ? std::string_view() : std::string_view(text);
  writer.u16(static_cast<std::uint16_t>(fitting.size()));
  writer.bytes({reinterpret_cast<const std::uint8_t*>(fitting.data()), fitting.size()});
}

inline std::string read_text(Reader& reader) {
  const auto octets = reader.bytes(reader.u16());
  return {octets.begin(), octets.end()};
}

// Of a control group: empty, or below the root of the hierarchy and nowhere else.
inline bool is_plain_path(std::string_view path) {
  return (path.empty() || path.starts_with('/')) && path.find('\0') == std::string_view::npos &&
         path.find("/../") == std::string_view::npos && !path.ends_with("/..");
}

}  // namespace mipflow::platform
