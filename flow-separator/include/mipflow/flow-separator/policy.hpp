// SPDX-License-Identifier: GPL-3.0-or-later
// The operator's rules: which class a flow belongs to and what becomes of the flows of a class.
//
//   [[class]]                          # the first class that matches a flow decides
//   name = "voice"                     # default: "class-1", "class-2", ... by position
//   interfaces = ["wlan0", "ww*", "*"] # in order of preference; ? and * as in a shell. Interfaces that no pattern names are
//                                      # never used. Default: ["*"]
//   home-address = "figure-6"          # or "primary": flows of this class stay on the Primary Home Address
//   [class.match]                      # all that are given have to fit; none given: every flow fits
//   protocol = "udp"                   # "tcp", "udp", "icmpv6", "sctp", ... or a number 0-255, or a list of them
//   peer = "2001:db8:5::/48"           # prefix or address of the correspondent node, or a list
//   port = [5060, "16384-32767"]       # of the correspondent node; TCP, UDP and SCTP only; number, range or a list
//   local-port = 22                    # of this host
//   dscp = "ef"                        # 0-63 or a name of the IANA registry, or a list
//   flow-label = 0x12345               # 0-0xfffff, or a list
//   user = "alice"                     # of the local socket; name or number, or a list
//
//   [default]                          # at most once: what no class matches
//   interfaces = ["*"]
//   home-address = "figure-6"
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "mipflow/base/expected.hpp"
#include "mipflow/base/flow_key.hpp"

namespace mipflow::flow_separator {

// What is known of a flow when its first packet is seen (WO 2004/057826: protocol headers, flow label, ports).
struct FlowAttributes {
  FlowKey key{};
  std::uint8_t dscp = 0;                                  // upper six bits of the Traffic Class
  std::uint32_t flow_label = 0;                           // 20 bits
  std::optional<std::uint32_t> user = std::nullopt;       // uid of the local socket, when there is one
};

// How flows of a class get a home address.
enum class HomeAddressRule : std::uint8_t {
  Figure6,  // one of their own as far as needed to move alone
  Primary,  // the Primary Home Address: a peer that knows the host by it, flows that need not move alone
};

struct PolicyClass {
  std::string name{};
  std::vector<std::string> interfaces{"*"};  // patterns in order of preference, never empty
  HomeAddressRule home_address = HomeAddressRule::Figure6;
  std::string origin{};                      // "file:line", empty for the built-in default class
};

// `line` and `column` count from 1; 0 when the error is about the file as a whole. `reason` is a sentence that says what
// was found and what was expected.
struct PolicyError {
  std::string file;
  std::size_t line = 0;
  std::size_t column = 0;
  std::string reason;
  friend bool operator==(const PolicyError&, const PolicyError&) = default;
};
// "file:line:column: reason".
std::string to_string(const PolicyError& error);

struct PolicyFile {
  std::string name;  // for messages and origins; nothing is opened
  std::string text;  // UTF-8 TOML
};

// The uid of a user name, or nullopt when there is no such user. The core asks nobody itself.
using UserResolver = std::function<std::optional<std::uint32_t>(std::string_view name)>;

// Immutable; a reload makes a new one.
class Policy {
 public:
  static constexpr std::size_t kMaxClasses = 4096;
  static constexpr std::size_t kMaxRanges = 16'384;  // values, ranges and prefixes in all matches together

  // The built-in default class alone: every flow may use every interface.
  Policy();
  Policy(const Policy&) = default;
  Policy(Policy&&) = default;
  Policy& operator=(const Policy&) = default;
  Policy& operator=(Policy&&) = default;
  ~Policy();

  // Reads the files as one policy: the classes of the first file come before those of the second. On failure all mistakes
  // that were found, at least one, in the order of the text.
  static Expected<Policy, std::vector<PolicyError>> parse(std::span<const PolicyFile> files, const UserResolver& users);

  // The first class that matches, else the default class. Costs about the same for one class and for a thousand.
  const PolicyClass& classify(const FlowAttributes& flow) const;

  const std::vector<PolicyClass>& classes() const;  // in order, the default class last
  const PolicyClass& default_class() const { return classes().back(); }
  const PolicyClass* find(std::string_view name) const;  // nullptr when there is none

 private:
  struct Compiled;
  explicit Policy(std::shared_ptr<const Compiled> compiled);
  std::shared_ptr<const Compiled> compiled_;
};

}  // namespace mipflow::flow_separator
