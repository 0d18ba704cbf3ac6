// SPDX-License-Identifier: GPL-3.0-or-later
#include "mipflow/platform/kept_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <string_view>

#include "binding_records.hpp"
#include "kept_file_writer.hpp"
#include "mipflow/base/crypto.hpp"
#include "mipflow/platform/file_descriptor.hpp"

namespace mipflow::platform {

namespace {

constexpr std::string_view kSeal = "# digest ";
constexpr std::string_view kSealKey = "mipflow-kept";

std::string seal_of(std::string_view text) {
  const auto octets = [](std::string_view view) { return BytesView(reinterpret_cast<const std::uint8_t*>(view.data()), view.size()); };
  return std::string(kSeal) + to_hexadecimal(hmac_sha256(octets(kSealKey), octets(text))) + "\n";
}

}  // namespace

Result<void> write_kept_file(const std::filesystem::path& file, const std::string& text, mode_t mode, std::optional<gid_t> group) {
  KeptFileWriter writer(file, mode, group);
  const auto written = writer.write(text);
  return written ? writer.finish() : written;
}

Result<void> remove_kept_file(const std::filesystem::path& file) {
  if (::unlink(file.c_str()) != 0) {
    if (errno == ENOENT) return {};
    return fail("cannot remove " + file.string(), errno);
  }
  synchronise_directory_of(file);
  return {};
}

Result<std::string> read_kept_file(const std::filesystem::path& file, std::size_t most) {
  const FileDescriptor descriptor(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  if (!descriptor) return fail("cannot read " + file.string(), errno);
  std::string text;
  std::array<char, 16384> buffer;
  for (;;) {
    const ssize_t size = ::read(descriptor.get(), buffer.data(), buffer.size());
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return fail("cannot read " + file.string(), errno);
    if (size == 0) return text;
    if (text.size() + static_cast<std::size_t>(size) > most) return fail(file.string() + " has more than " + std::to_string(most) + " octets", EFBIG);
    text.append(buffer.data(), static_cast<std::size_t>(size));
  }
}

Result<void> write_sealed_file(const std::filesystem::path& file, std::string text) {
  if (!text.ends_with('\n')) text += '\n';
  text += seal_of(text);
  return write_kept_file(file, text);
}

Result<std::string> read_sealed_file(const std::filesystem::path& file, std::size_t most) {
  const std::size_t seal_octets = seal_of({}).size();
  auto sealed = read_kept_file(file, most + 1 + seal_octets);
  if (!sealed) return sealed;
  const std::size_t end = sealed->size() < seal_octets ? 0 : sealed->size() - seal_octets;
  if (sealed->size() < seal_octets || std::string_view(*sealed).substr(end) != seal_of(std::string_view(*sealed).substr(0, end)))
    return Unexpected{Failure{"it is damaged: its last line is not the digest of what stands before", EBADMSG}};
  sealed->resize(end);
  return sealed;
}

}  // namespace mipflow::platform
