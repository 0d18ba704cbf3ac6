// SPDX-License-Identifier: GPL-3.0-or-later
// The packets of vectors.json: built and decoded by programs that share no code with this project.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "mipflow/base/bytes.hpp"

namespace mipflow::test {

Bytes from_hex(std::string_view hex);
std::string to_hex(BytesView bytes);
Address address(const char* text);

struct Vector {
  std::string name;
  bool malformed = false;
  Bytes packet;           // from its IPv6 header on; the IPv4 and UDP headers of dual-stack packets are taken off
  nlohmann::json whole;   // the entry as it is in the file
};

const nlohmann::json& vectors_document();
const std::vector<Vector>& all_vectors();
const Vector& vector_named(std::string_view name);

}  // namespace mipflow::test
