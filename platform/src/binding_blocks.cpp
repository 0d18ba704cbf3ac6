// SPDX-License-Identifier: GPL-3.0-or-later
#include "binding_blocks.hpp"

#include <charconv>
#include <iterator>
#include <optional>

#include "binding_records.hpp"
#include "mipflow/base/crypto.hpp"

namespace mipflow::platform {

namespace {

constexpr std::string_view kKey = "mipflow-bindings";
constexpr std::string_view kBlock = "block ";
constexpr std::size_t kDigestLetters = 64;

struct Announcement {
  std::size_t octets = 0;
  std::string digest;
};

std::optional<Announcement> read_announcement(std::string_view line) {
  if (!line.starts_with(kBlock)) return std::nullopt;
  line.remove_prefix(kBlock.size());
  Announcement out;
  const auto number = std::from_chars(line.data(), line.data() + line.size(), out.octets);
  line.remove_prefix(static_cast<std::size_t>(number.ptr - line.data()));
  if (number.ec != std::errc{} || line.size() != 1 + kDigestLetters || line.front() != ' ' || out.octets > BlockReader::kMostOctets)
    return std::nullopt;
  out.digest = line.substr(1);
  return out;
}

}  // namespace

std::string digest_of(std::string_view text) {
  const auto octets = [](std::string_view view) { return BytesView(reinterpret_cast<const std::uint8_t*>(view.data()), view.size()); };
  return to_hexadecimal(hmac_sha256(octets(kKey), octets(text)));
}

std::string make_block(std::string_view content) {
  std::string out(kBlock);
  out += std::to_string(content.size()) + " " + digest_of(content) + "\n";
  out += content;
  return out;
}

bool BlockReader::whole_block_follows() {
  stream_.clear();
  stream_.seekg(static_cast<std::streamoff>(position_));
  const std::string rest{std::istreambuf_iterator<char>(stream_), {}};
  // Anywhere: the end of the line in front of it may be what is damaged.
  for (std::size_t at = rest.find(kBlock, 1); at != std::string::npos; at = rest.find(kBlock, at + 1)) {
    const std::size_t end = rest.find('\n', at);
    if (end == std::string::npos) return false;
    const auto announced = read_announcement(std::string_view(rest).substr(at, end - at));
    if (announced && announced->octets <= rest.size() - end - 1 &&
        digest_of(std::string_view(rest).substr(end + 1, announced->octets)) == announced->digest)
      return true;
  }
  return false;
}

BlockReader::Found BlockReader::next() {
  const Found found = read_next();
  return found == Found::Torn && whole_block_follows() ? Found::Damaged : found;
}

BlockReader::Found BlockReader::read_next() {
  std::string line;
  if (!std::getline(stream_, line)) return Found::End;
  // Without an end of the line the rest of the file was never written.
  if (stream_.eof()) return Found::Torn;
  const auto announced = read_announcement(line);
  if (!announced) {
    // What was never written may read as zeros.
    if (line.starts_with(kBlock) || line.find('\0') != std::string::npos) return Found::Torn;
    content_ = std::move(line);
    position_ += content_.size() + 1;
    return Found::Line;
  }
  content_.resize(announced->octets);
  stream_.read(content_.data(), static_cast<std::streamsize>(announced->octets));
  if (static_cast<std::size_t>(stream_.gcount()) != announced->octets) return Found::Torn;
  if (digest_of(content_) != announced->digest) return Found::Torn;
  position_ += line.size() + 1 + announced->octets;
  return Found::Block;
}

}  // namespace mipflow::platform
