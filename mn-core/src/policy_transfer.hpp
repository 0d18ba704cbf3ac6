// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "mipflow/base/time.hpp"
#include "mipflow/mn-core/network_policy.hpp"
#include "mipflow/wire/agent_service.hpp"

namespace mipflow::mobile_node {

// Fetches the policy that the home agent serves, part by part: after the first registration, every hour, and when the home
// agent says that it has changed. A text is taken when it is whole, its authenticator is right and its version newer than
// the one that is known: who recorded an old policy can not bring it back. State only; AgentService sends.
class PolicyTransfer {
 public:
  static constexpr Duration kInterval = std::chrono::hours{1};

  // `known_version`: of the text that was kept; 0 when there is none.
  explicit PolicyTransfer(std::uint32_t known_version) : known_version_(known_version) {}

  void ask(TimePoint now);
  // The home agent hints that it has this version.
  void hint(std::uint32_t version, TimePoint now);
  // Nothing came of it: asked again later.
  void give_up(TimePoint retry_at);

  // When a part is wanted; kNever while none is.
  TimePoint due() const { return due_; }
  wire::PolicyRequest request() const;

  struct Outcome {
    std::optional<std::string> document{};   // a newer text: to be kept
    const char* refused = nullptr;           // why nothing came of it
  };
  Outcome handle(const wire::PolicyReply& reply, BytesView key, TimePoint now);

  std::uint32_t known_version() const { return known_version_; }

 private:
  // The text so far.
  struct Text {
    std::uint32_t version = 0;
    std::uint32_t total_length = 0;
    Sha256Digest authenticator{};
    std::string octets;
  };
  Outcome refuse(const char* why, TimePoint now);

  std::uint32_t known_version_;
  TimePoint due_ = kNever;
  std::optional<Text> text_;
};

}  // namespace mipflow::mobile_node
