// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "mipflow/base/address.hpp"
#include "mipflow/base/time.hpp"

namespace mipflow::home_agent {

// Binding Updates of late that could not be verified, for the operator: that is how a key, an SPI or an identifier looks that is
// not the same at both ends. Anybody can forge one. So nothing but words comes of them, there is room for a few only, and each is
// forgotten as soon as the mobile node proves who it is, or after some minutes.
class UnverifiedUpdates {
 public:
  static constexpr std::size_t kMost = 8;
  static constexpr Duration kRemembered = std::chrono::minutes{10};  // a mobile node without an answer asks every 32 s

  enum class Why : std::uint8_t {
    UnknownAssociation,  // nobody with this identifier and SPI is configured
    AuthenticatorWrong,  // its key is another one than ours
  };
  // `identifier`: the Network Access Identifier as it was received, any octets.
  void add(const std::string& identifier, std::uint32_t spi, Why why, const Address& care_of_address, TimePoint now);
  bool empty() const { return senders_.empty(); }
  // It has proved who it is.
  void verified(const std::string& identifier, std::uint32_t spi) { senders_.erase({identifier, spi}); }

  // One sentence for each sender that has not been forgotten, with what to do; in printable ASCII.
  std::vector<std::string> troubles(TimePoint now) const;

 private:
  struct Sender {
    Why why = Why::UnknownAssociation;
    Address care_of_address;
    TimePoint last;
  };
  std::map<std::pair<std::string, std::uint32_t>, Sender> senders_;
};

}  // namespace mipflow::home_agent
