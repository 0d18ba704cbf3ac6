// SPDX-License-Identifier: GPL-3.0-or-later
#include "mipflow/mn-core/network_policy.hpp"

#include <charconv>
#include <optional>

#include "mipflow/wire/agent_service.hpp"

namespace mipflow::mobile_node {

namespace {

constexpr std::string_view kHeading = "mipflow-network-policy 1 ";
constexpr std::string_view kDigits = "0123456789abcdef";

std::optional<Sha256Digest> digest_from(std::string_view hex) {
  Sha256Digest out{};
  if (hex.size() != 2 * out.size()) return std::nullopt;
  for (std::size_t i = 0; i < out.size(); ++i) {
    const auto high = kDigits.find(hex[2 * i]);
    const auto low = kDigits.find(hex[2 * i + 1]);
    if (high == std::string_view::npos || low == std::string_view::npos) return std::nullopt;
    out[i] = static_cast<std::uint8_t>(high * 16 + low);
  }
  return out;
}

}  // namespace

std::string write_network_policy(const NetworkPolicy& policy, const Sha256Digest& authenticator) {
  std::string out = std::string(kHeading) + std::to_string(policy.version) + " ";
  for (const std::uint8_t octet : authenticator) {
    out += kDigits[octet >> 4];
    out += kDigits[octet & 15];
  }
  return out + "\n" + policy.text;
}

Expected<NetworkPolicy, std::string> read_network_policy(std::string_view document, const wire::SecurityAssociation& association) {
  const auto refuse = [](const char* why) {
    return Unexpected{std::string("the kept policy of the network ") + why + "; it is not used and asked for anew"};
  };
  const std::size_t line_end = document.find('\n');
  if (line_end == std::string_view::npos || !document.starts_with(kHeading)) return refuse("has no heading");
  const std::string_view values = document.substr(kHeading.size(), line_end - kHeading.size());
  NetworkPolicy policy;
  const auto [behind, error] = std::from_chars(values.data(), values.data() + values.size(), policy.version);
  const auto used = static_cast<std::size_t>(behind - values.data());
  if (error != std::errc{} || used >= values.size() || values[used] != ' ') return refuse("has no version");
  const auto authenticator = digest_from(values.substr(used + 1));
  if (!authenticator) return refuse("has no authenticator");
  const std::string_view text = document.substr(line_end + 1);
  if (text.size() > wire::kLargestPolicy) return refuse("is larger than 256 KiB");
  if (!equal_in_constant_time(*authenticator, wire::policy_authenticator(association.key, policy.version, text)))
    return refuse("was not written by the home agent of this security association");
  policy.text = text;
  return policy;
}

}  // namespace mipflow::mobile_node
