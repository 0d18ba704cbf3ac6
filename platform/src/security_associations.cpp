// SPDX-License-Identifier: GPL-3.0-or-later
#include "mipflow/platform/security_associations.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <set>
#include <utility>

#include "mipflow/platform/failure.hpp"
#include "mipflow/platform/file_descriptor.hpp"
#include "mipflow/platform/service_user.hpp"
#include "toml_reader.hpp"

namespace mipflow::platform {

namespace {

constexpr std::size_t kLargestFile = 64 * 1024 * 1024;  // octets; a million associations fit
constexpr std::size_t kSmallestKey = 16;                // octets, RFC 4285 §1
constexpr std::size_t kLargestKey = 512;
constexpr std::size_t kLongestIdentifier = 253;         // octets of an NAI, RFC 7542

std::optional<Bytes> parse_hexadecimal(const std::string& text) {
  Bytes out;
  if (text.size() % 2 != 0) return std::nullopt;
  const auto digit = [](char c) -> int {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
  };
  for (std::size_t i = 0; i < text.size(); i += 2) {
    const int high = digit(text[i]);
    const int low = digit(text[i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    out.push_back(static_cast<std::uint8_t>(high * 16 + low));
  }
  return out;
}

// "chown root:_mipflow 'keys.toml'; chmod 0640 'keys.toml'". The name, where that group exists at all, is what the files are installed with.
std::string giving_to_daemons(const std::string& file) {
  const std::string group = group_named(kServiceUser) ? kServiceUser : name_of_group(::getegid());
  return "chown root:" + group + " '" + file + "'; chmod 0640 '" + file + "'";
}

// The rights are those of the open file, so nobody can exchange it between looking and reading.
std::optional<std::string> read_secret_file(const std::filesystem::path& file, ConfigurationErrors& errors) {
  const auto refuse = [&](const std::string& reason) {
    errors.push_back({file.string(), 0, 0, reason});
    return std::nullopt;
  };
  const FileDescriptor descriptor(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  if (!descriptor && errno == EACCES && ::geteuid() != 0)
    return refuse("cannot be read by the user " + name_of_user(::geteuid()) + "; run: " + giving_to_daemons(file.string()));
  if (!descriptor) return refuse("cannot be opened: " + error_text(errno));
  struct stat status{};
  if (::fstat(descriptor.get(), &status) != 0) return refuse("cannot be examined: " + error_text(errno));
  if (const auto objection = objection_to_key_file(status, file, group_of_keys())) return refuse(*objection);
  std::string text;
  std::array<char, 65536> part;
  for (;;) {
    const ssize_t size = ::read(descriptor.get(), part.data(), part.size());
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return refuse("cannot be read: " + error_text(errno));
    if (size == 0) return text;
    text.append(part.data(), static_cast<std::size_t>(size));
    if (text.size() > kLargestFile) return refuse("is larger than 64 MiB");
  }
}

// Empty when it is missing or wrong, which is noted.
Bytes read_key(TomlReader& reader) {
  if (!reader.require("key", "at least 32 hexadecimal digits")) return {};
  // The value is never shown: it may be all but right.
  const auto key = parse_hexadecimal(reader.text("key").value_or("?"));
  if (key && key->size() >= kSmallestKey && key->size() <= kLargestKey) return *key;
  reader.refuse("key", "is no key; expected 32 to 1024 hexadecimal digits (16 octets and more), for example from: openssl rand -hex 16");
  return {};
}

std::optional<wire::SecurityAssociation> read_association(const toml::table& table, ConfigurationErrors& errors) {
  TomlReader reader(table, "[[association]]", errors);
  const std::size_t before = errors.size();
  wire::SecurityAssociation out;
  if (reader.require("identifier", "the mobile node's name, like \"alice@example.org\"")) {
    out.network_access_identifier = reader.text("identifier").value_or("");
    if (out.network_access_identifier.empty() || out.network_access_identifier.size() > kLongestIdentifier)
      reader.refuse("identifier", "expected 1 to 253 octets");
  }
  if (reader.require("spi", "a number from 256 up, the same at both ends"))
    out.spi = static_cast<std::uint32_t>(reader.number("spi", wire::kSmallestSpi, 0xffff'ffff).value_or(0));
  out.key = read_key(reader);
  reader.refuse_unknown_keys();
  if (errors.size() != before) return std::nullopt;
  return out;
}

void read_agent(const toml::table& table, AgentKeys& agents, ConfigurationErrors& errors) {
  TomlReader reader(table, "[[agent]]", errors);
  std::optional<Address> address;
  if (reader.require("address", "the home-agent-address of the other home agent")) address = reader.address("address");
  const Bytes key = read_key(reader);
  if (address && !agents.emplace(*address, key).second) reader.refuse("address", to_string(*address) + " has a key already");
  reader.refuse_unknown_keys();
}

}  // namespace

std::optional<std::string> objection_to_key_file(const struct stat& status, const std::filesystem::path& file, std::optional<gid_t> readers) {
  if (!S_ISREG(status.st_mode)) return "is no regular file";
  if (status.st_uid != 0 && status.st_uid != ::geteuid())
    return "belongs to user " + std::to_string(status.st_uid) + " but holds secret keys; run: chown root '" + file.string() + "'";
  if ((status.st_mode & 077) == 0) return std::nullopt;
  const auto group = status.st_uid == 0 ? readers : std::nullopt;
  if (group && status.st_gid == *group && (status.st_mode & 037) == 0) return std::nullopt;
  return "can be used by others than " + std::string(group ? "the daemons" : "its owner") + " but holds secret keys; run: " +
         (group ? giving_to_daemons(file.string()) : "chmod 0600 '" + file.string() + "'");
}

Expected<SecretKeys, ConfigurationErrors> load_secret_keys(const std::filesystem::path& file, const UnwrittenFiles& instead) {
  ConfigurationErrors errors;
  SecretKeys out;
  const auto unwritten = instead.find(file);
  const auto text = unwritten != instead.end() ? std::optional(unwritten->second) : read_secret_file(file, errors);
  const auto top = text ? parse_toml(*text, file.string(), errors) : std::nullopt;
  if (!top) return Unexpected{errors};
  TomlReader reader(*top, "", errors);
  std::set<std::pair<std::string, std::uint32_t>> seen;
  for (const auto* table : reader.tables("association")) {
    auto association = read_association(*table, errors);
    if (!association) continue;
    if (!seen.emplace(association->network_access_identifier, association->spi).second)
      errors.push_back(error_at(*table, "[[association]]: identifier \"" + association->network_access_identifier + "\" has SPI " +
                                            std::to_string(association->spi) + " already"));
    out.associations.push_back(std::move(*association));
  }
  for (const auto* table : reader.tables("agent")) read_agent(*table, out.agents, errors);
  reader.refuse_unknown_keys();
  if (!errors.empty()) return Unexpected{errors};
  return out;
}

Expected<std::vector<wire::SecurityAssociation>, ConfigurationErrors> load_security_associations(const std::filesystem::path& file,
                                                                                                 const UnwrittenFiles& instead) {
  auto keys = load_secret_keys(file, instead);
  if (!keys) return Unexpected{keys.error()};
  return std::move(keys->associations);
}

const wire::SecurityAssociation* find_association(const std::vector<wire::SecurityAssociation>& associations,
                                                  const std::string& identifier, std::optional<std::uint32_t> spi) {
  const wire::SecurityAssociation* found = nullptr;
  for (const auto& association : associations) {
    if (association.network_access_identifier != identifier || (spi && association.spi != *spi)) continue;
    if (found) return nullptr;
    found = &association;
  }
  return found;
}

}  // namespace mipflow::platform
