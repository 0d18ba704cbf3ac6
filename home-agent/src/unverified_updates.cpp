// SPDX-License-Identifier: GPL-3.0-or-later
#include "unverified_updates.hpp"

#include <algorithm>

namespace mipflow::home_agent {

namespace {

constexpr std::size_t kMostShown = 64;  // characters of an identifier that somebody made up

std::string shown(const std::string& identifier) {
  std::string out = identifier.substr(0, kMostShown);
  std::ranges::replace_if(out, [](char each) { return each < ' ' || each > '~'; }, '?');
  return out;
}

std::string sentence(const std::string& who, UnverifiedUpdates::Why why, const std::string& care_of_address) {
  switch (why) {
    case UnverifiedUpdates::Why::AuthenticatorWrong:
      return "Binding Updates of " + who + " come from " + care_of_address +
             " with a wrong authenticator: its key there is not the one here, or somebody pretends to be it; make it the same in "
             "security-associations.toml at both ends ('mipflow setup add-mobile-node' makes a new one).";
    case UnverifiedUpdates::Why::UnknownAssociation:
      return "Binding Updates of " + who + " come from " + care_of_address +
             ", and had.toml has no such mobile node: if it is one of yours, compare identifier and SPI with those there, or add it with "
             "'mipflow setup add-mobile-node'.";
  }
  return {};
}

}  // namespace

void UnverifiedUpdates::add(const std::string& identifier, std::uint32_t spi, Why why, const Address& care_of_address, TimePoint now) {
  senders_[{identifier, spi}] = {why, care_of_address, now};
  if (senders_.size() <= kMost) return;
  senders_.erase(std::ranges::min_element(senders_, {}, [](const auto& item) { return item.second.last; }));
}

std::vector<std::string> UnverifiedUpdates::troubles(TimePoint now) const {
  std::vector<std::string> out;
  for (const auto& [key, sender] : senders_)
    if (now < sender.last + kRemembered)
      out.push_back(sentence(shown(key.first) + " with SPI " + std::to_string(key.second), sender.why, to_string(sender.care_of_address)));
  return out;
}

}  // namespace mipflow::home_agent
