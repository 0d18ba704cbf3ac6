// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <unordered_map>
#include <utility>

#include "mipflow/base/address.hpp"
#include "mipflow/wire/forwarding_messages.hpp"

namespace mipflow::home_agent {

// The last words of one primary about home addresses that its secondary does not have (any more), so that an older Start
// that was under way for long does not bring them back to life.
//
// It ends by itself: a message is believed only while it is among the last 64 sequence numbers of its sender (Association).
// Behind a word's message, at most 63 older ones and 64 newer ones can be believed before everything that is older than it
// has left that window; so the word is kept for twice as many messages, and with the heartbeats these come whether or not
// there is something to say. A message carries a bounded number of words, so this is bounded, too.
class GoneNumbers {
 public:
  static constexpr std::uint64_t kMessages = 128;

  // Behind each message that was believed.
  void message_believed() {
    ++messages_;
    while (!order_.empty() && order_.front().first + kMessages < messages_) {
      const auto found = words_.find(order_.front().second);
      if (found != words_.end() && found->second.at == order_.front().first) words_.erase(found);
      order_.pop_front();
    }
  }
  void remember(const Address& home_address, wire::DelegationNumber number) {
    words_[home_address] = {number, messages_};
    order_.emplace_back(messages_, home_address);
  }
  void forget(const Address& home_address) { words_.erase(home_address); }
  // 0 when nothing is known.
  wire::DelegationNumber find(const Address& home_address) const {
    const auto found = words_.find(home_address);
    return found == words_.end() ? 0 : found->second.number;
  }
  std::size_t size() const { return words_.size(); }

 private:
  struct Word {
    wire::DelegationNumber number = 0;
    std::uint64_t at = 0;
  };
  std::uint64_t messages_ = 0;
  std::unordered_map<Address, Word> words_;
  std::deque<std::pair<std::uint64_t, Address>> order_;
};

}  // namespace mipflow::home_agent
