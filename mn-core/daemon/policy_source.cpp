// SPDX-License-Identifier: GPL-3.0-or-later
#include "policy_source.hpp"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <system_error>
#include <utility>

#include "mipflow/platform/kept_file.hpp"

namespace mipflow::mnd {

using flow_separator::PolicyFile;
using flow_separator::PolicyLayer;

namespace {

constexpr std::size_t kLongestDocument = 1024 * 1024;  // octets, of a kept network policy

std::optional<std::uint32_t> user_of(const std::filesystem::path& file) {
  const std::string name = file.stem().string();
  std::uint32_t user = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), user);
  return error == std::errc{} && end == name.data() + name.size() && file.extension() == ".toml" ? std::optional(user) : std::nullopt;
}

Expected<void, std::string> make_directory(const std::filesystem::path& directory) {
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (!error) return {};
  std::string problem = "cannot make the directory ";
  problem += directory.string() + ": " + error.message();
  return Unexpected{std::move(problem)};
}

}  // namespace

std::vector<PolicyFile> PolicySource::users_and_network(std::optional<std::uint32_t> without, platform::ConfigurationErrors& unreadable) const {
  std::vector<PolicyFile> out;
  if (auto policy = kept_network_policy()) {
    if (*policy) out.push_back({.name = "network", .text = std::move((*policy)->text), .layer = PolicyLayer::Network});
  } else {
    unreadable.push_back({.file = network_file().string(), .reason = policy.error()});
  }
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(user_directory(), error)) {
    const auto user = user_of(entry.path());
    if (!user || user == without) continue;
    if (auto text = platform::read_sealed_file(entry.path(), kLongestUserPolicy))
      out.push_back({.name = entry.path().string(), .text = std::move(*text), .layer = PolicyLayer::User, .user = user});
    else
      unreadable.push_back({.file = entry.path().string(), .reason = text.error().message});
  }
  // The order decides between the classes of one layer.
  std::sort(out.begin(), out.end(), [](const PolicyFile& a, const PolicyFile& b) { return a.name < b.name; });
  return out;
}

PolicySource::Loaded PolicySource::load() const {
  platform::ConfigurationErrors left_out;
  return load(left_out);
}

PolicySource::Loaded PolicySource::load(platform::ConfigurationErrors& left_out) const {
  return platform::load_policy_leaving_out(directory_, users_and_network(std::nullopt, left_out), left_out);
}

PolicySource::Loaded PolicySource::load_instead(std::vector<PolicyFile> operators) const {
  platform::ConfigurationErrors told_when_they_are_loaded;
  auto files = users_and_network(std::nullopt, told_when_they_are_loaded);
  files.insert(files.begin(), std::make_move_iterator(operators.begin()), std::make_move_iterator(operators.end()));
  return platform::parse_policy(std::move(files));
}

PolicySource::Loaded PolicySource::load_with(std::uint32_t user, const std::optional<std::string>& text) const {
  platform::ConfigurationErrors told_when_they_are_loaded;
  auto files = users_and_network(user, told_when_they_are_loaded);
  if (text) files.push_back({.name = "your policy", .text = *text, .layer = PolicyLayer::User, .user = user});
  return platform::load_policy(directory_, std::move(files));
}

Expected<void, std::string> PolicySource::keep_user_policy(std::uint32_t user, const std::optional<std::string>& text) const {
  const auto file = user_directory() / (std::to_string(user) + ".toml");
  std::error_code error;
  if (!text) {
    if (const auto removed = platform::remove_kept_file(file); !removed) return Unexpected{removed.error().message};
    return {};
  }
  if (auto made = make_directory(user_directory()); !made) return made;
  std::filesystem::permissions(user_directory(), std::filesystem::perms::owner_all, error);
  std::size_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(user_directory(), error)) count += user_of(entry.path()).has_value();
  if (count >= kMostUserPolicies && !std::filesystem::exists(file, error)) {
    std::string problem = "users who have a policy of their own are already as many as may: ";
    problem += std::to_string(kMostUserPolicies);
    return Unexpected{std::move(problem)};
  }
  if (const auto kept = platform::write_sealed_file(file, *text); !kept) return Unexpected{kept.error().message};
  return {};
}

Expected<void, std::string> PolicySource::keep_network_policy(const std::string& document) const {
  if (auto made = make_directory(state_directory_); !made) return made;
  if (const auto kept = platform::write_kept_file(network_file(), document); !kept) return Unexpected{kept.error().message};
  return {};
}

std::optional<mobile_node::NetworkPolicy> PolicySource::network_policy() const {
  auto policy = kept_network_policy();
  return policy ? std::move(*policy) : std::nullopt;
}

Expected<std::optional<mobile_node::NetworkPolicy>, std::string> PolicySource::kept_network_policy() const {
  using Kept = std::optional<mobile_node::NetworkPolicy>;
  // Without a key nothing proves that it is the home agent's.
  if (!node_.network_policy || node_.authentication != mobile_node::Authentication::Rfc4285) return Kept{};
  const auto document = platform::read_kept_file(network_file(), kLongestDocument);
  if (!document && document.error().error == ENOENT) return Kept{};
  if (!document) return Unexpected{document.error().message};
  auto policy = mobile_node::read_network_policy(*document, node_.security_association);
  if (!policy) return Unexpected{policy.error()};
  return Kept{std::move(*policy)};
}

}  // namespace mipflow::mnd
