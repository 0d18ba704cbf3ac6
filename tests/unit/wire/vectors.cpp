// SPDX-License-Identifier: GPL-3.0-or-later
#include "vectors.hpp"

#include <fstream>
#include <stdexcept>

namespace mipflow::test {

Bytes from_hex(std::string_view hex) {
  Bytes bytes;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2)
    bytes.push_back(static_cast<std::uint8_t>(std::stoul(std::string(hex.substr(i, 2)), nullptr, 16)));
  return bytes;
}

std::string to_hex(BytesView bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string hex;
  for (const std::uint8_t octet : bytes) {
    hex += kDigits[octet >> 4];
    hex += kDigits[octet & 15];
  }
  return hex;
}

Address address(const char* text) {
  const auto parsed = Address::parse(text);
  if (!parsed) throw std::invalid_argument(std::string("not an IPv6 address: ") + text);
  return *parsed;
}

const nlohmann::json& vectors_document() {
  static const nlohmann::json document = [] {
    std::ifstream file(MIPFLOW_VECTORS);
    if (!file) throw std::runtime_error(std::string("can not read ") + MIPFLOW_VECTORS);
    return nlohmann::json::parse(file);
  }();
  return document;
}

const std::vector<Vector>& all_vectors() {
  static const std::vector<Vector> vectors = [] {
    constexpr std::ptrdiff_t kIpv4AndUdpHeader = 20 + 8;
    std::vector<Vector> out;
    for (const auto& entry : vectors_document().at("vectors")) {
      Vector vector{entry.at("name"), entry.at("malformed"), from_hex(entry.at("hex").get<std::string>()), entry};
      if (entry.at("link") == "ipv4") vector.packet.erase(vector.packet.begin(), vector.packet.begin() + kIpv4AndUdpHeader);
      out.push_back(std::move(vector));
    }
    return out;
  }();
  return vectors;
}

const Vector& vector_named(std::string_view name) {
  for (const Vector& vector : all_vectors())
    if (vector.name == name) return vector;
  throw std::invalid_argument("no vector of that name: " + std::string(name));
}

}  // namespace mipflow::test
