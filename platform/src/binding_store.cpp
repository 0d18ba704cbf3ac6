// SPDX-License-Identifier: GPL-3.0-or-later
#include "mipflow/platform/binding_store.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>
#include <sstream>

#include "mipflow/base/crypto.hpp"
#include "mipflow/platform/file_descriptor.hpp"

namespace mipflow::platform {

using home_agent::PersistedBinding;
using nlohmann::json;

namespace {

constexpr const char* kMagic = "mipflow-bindings";
constexpr int kVersion = 1;

std::string digest_of(const std::string& text) {
  // Against torn files, not against forgers: whoever can write here is root.
  const auto octets = [](const std::string& value) { return BytesView(reinterpret_cast<const std::uint8_t*>(value.data()), value.size()); };
  const auto digest = hmac_sha256(octets(kMagic), octets(text));
  std::string out;
  for (const auto octet : digest) {
    constexpr const char* kDigits = "0123456789abcdef";
    out += kDigits[octet >> 4];
    out += kDigits[octet & 15];
  }
  return out;
}

json to_json(const PersistedBinding& binding) {
  return {{"home_address", to_string(binding.home_address)},
          {"care_of_address", to_string(binding.care_of_address)},
          {"primary_home_address", to_string(binding.primary_home_address)},
          {"identifier", binding.network_access_identifier},
          {"spi", binding.spi},
          {"sequence", binding.sequence},
          {"last_timestamp", binding.last_timestamp},
          {"expires_nanoseconds", binding.wall_expiry.count()},
          {"link_local_address_compatibility", binding.link_local_address_compatibility}};
}

std::optional<Address> address_of(const json& value, const char* key) {
  const auto found = value.find(key);
  if (found == value.end() || !found->is_string()) return std::nullopt;
  return Address::parse(found->get<std::string>());
}

template <class Number>
std::optional<Number> number_of(const json& value, const char* key) {
  const auto found = value.find(key);
  if (found == value.end() || !found->is_number_integer()) return std::nullopt;
  const auto number = found->get<std::uint64_t>();
  if (number > std::numeric_limits<Number>::max()) return std::nullopt;
  return static_cast<Number>(number);
}

std::optional<PersistedBinding> from_json(const json& value) {
  if (!value.is_object()) return std::nullopt;
  const auto home_address = address_of(value, "home_address");
  const auto care_of_address = address_of(value, "care_of_address");
  const auto primary = address_of(value, "primary_home_address");
  const auto identifier = value.find("identifier");
  const auto spi = number_of<std::uint32_t>(value, "spi");
  const auto sequence = number_of<std::uint16_t>(value, "sequence");
  const auto timestamp = number_of<std::uint64_t>(value, "last_timestamp");
  const auto expires = number_of<std::int64_t>(value, "expires_nanoseconds");
  const auto link_local = value.find("link_local_address_compatibility");
  if (!home_address || !care_of_address || !primary || identifier == value.end() || !identifier->is_string() || !spi || !sequence ||
      !timestamp || !expires || link_local == value.end() || !link_local->is_boolean())
    return std::nullopt;
  PersistedBinding out;
  out.home_address = *home_address;
  out.care_of_address = *care_of_address;
  out.primary_home_address = *primary;
  out.network_access_identifier = identifier->get<std::string>();
  out.spi = *spi;
  out.sequence = *sequence;
  out.last_timestamp = *timestamp;
  out.wall_expiry = Duration{*expires};
  out.link_local_address_compatibility = link_local->get<bool>();
  return out;
}

Result<void> write_all(int descriptor, const std::string& text, const std::string& name) {
  std::size_t done = 0;
  while (done < text.size()) {
    const ssize_t size = ::write(descriptor, text.data() + done, text.size() - done);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return fail("cannot write " + name, errno);
    done += static_cast<std::size_t>(size);
  }
  if (::fsync(descriptor) != 0) return fail("cannot synchronise " + name, errno);
  return {};
}

}  // namespace

Result<std::vector<PersistedBinding>> BindingStore::load() const {
  std::ifstream file(file_, std::ios::binary);
  if (!file) {
    std::error_code error;
    if (!std::filesystem::exists(file_, error)) return std::vector<PersistedBinding>{};
    return fail("cannot read the bindings in " + file_.string(), errno);
  }
  const auto damaged = [&](const std::string& why) {
    return fail("the bindings in " + file_.string() + " are damaged (" + why + ") and are not used; mobile nodes register anew at their next refresh");
  };
  std::string magic;
  std::string digest;
  int version = 0;
  std::size_t count = 0;
  std::string first;
  std::getline(file, first);
  std::istringstream heading(first);
  if (!(heading >> magic >> version >> count >> digest) || magic != kMagic) return damaged("no heading");
  if (version != kVersion) return damaged("version " + std::to_string(version) + " is unknown");
  std::ostringstream rest;
  rest << file.rdbuf();
  if (digest_of(rest.str()) != digest) return damaged("the digest is wrong");

  std::vector<PersistedBinding> out;
  std::istringstream lines(rest.str());
  for (std::string line; std::getline(lines, line);) {
    auto binding = from_json(json::parse(line, nullptr, false));
    if (!binding) return damaged("line " + std::to_string(out.size() + 2) + " is no binding");
    out.push_back(std::move(*binding));
  }
  if (out.size() != count) return damaged("bindings are missing");
  return out;
}

Result<void> BindingStore::save(const std::vector<PersistedBinding>& bindings) const {
  std::string rest;
  for (const auto& binding : bindings) rest += to_json(binding).dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
  const std::string text =
      std::string(kMagic) + " " + std::to_string(kVersion) + " " + std::to_string(bindings.size()) + " " + digest_of(rest) + "\n" + rest;

  const std::string next = file_.string() + ".new";
  const FileDescriptor descriptor(::open(next.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (!descriptor) return fail("cannot write " + next, errno);
  if (const auto done = write_all(descriptor.get(), text, next); !done) return done;
  if (::rename(next.c_str(), file_.c_str()) != 0) return fail("cannot rename " + next + " to " + file_.string(), errno);
  // Without this the name may still be the old file's after a power cut.
  const FileDescriptor directory(::open(file_.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (directory) ::fsync(directory.get());
  return {};
}

}  // namespace mipflow::platform
