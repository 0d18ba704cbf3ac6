// SPDX-License-Identifier: GPL-3.0-or-later
// The blocks of the file that BindingStore keeps: what makes a torn or damaged one show.
#pragma once

#include <cstddef>
#include <cstdint>
#include <istream>
#include <string>
#include <string_view>

namespace mipflow::platform {

// Digest as it stands in the file. Against torn and damaged files, not against forgers: whoever can write there is root.
std::string digest_of(std::string_view text);

std::string make_block(std::string_view content);

// Reads blocks one after the other, so that a file of many bindings is never in memory as a whole.
class BlockReader {
 public:
  // Octets of a block's content. What announces more is damaged.
  static constexpr std::size_t kMostOctets = 256 * 1024 * 1024;

  // Goes on where `stream` stands.
  BlockReader(std::istream& stream, std::size_t position) : stream_(stream), position_(position) {}

  enum class Found : std::uint8_t {
    Block,    // content() is right
    Line,     // another line, in content(), without its end
    End,      // of the file
    Torn,     // it is not right, and nothing that is right stands behind it
    Damaged,  // it is not right, and others behind it are
  };
  Found next();
  const std::string& content() const { return content_; }
  // Octets from the beginning of the file to behind what was found last; of Torn and Damaged: to its beginning.
  std::size_t position() const { return position_; }

 private:
  Found read_next();
  bool whole_block_follows();

  std::istream& stream_;
  std::size_t position_;
  std::string content_;
};

}  // namespace mipflow::platform
