// SPDX-License-Identifier: GPL-3.0-or-later
// Rules: which class a flow belongs to and what becomes of the flows of a class. docs/policy.md explains the language; in short:
//
//   [policy]
//   mandatory = true                   # for all classes of the file that do not say it themselves
//
//   [[class]]                          # the first class that matches a flow decides
//   name = "voice"                     # default: "class-1", "class-2", ... by position
//   mandatory = true                   # comes before what the network and users want; operator's files only
//   selectable = true                  # `mipflow run --class voice` may take it; "only": nothing else takes it
//   bypass = true                      # left alone; no other action then
//   interfaces = ["wlan0", "cellular", { name = "ww*", when = { online = true } }, "*"]
//                                      # in order of preference: patterns, kinds, or either with conditions. Interfaces that
//                                      # none of them fits are never used. Default: ["*"]
//   never = ["usb*"]                   # interfaces that are not used at all
//   return-after = "30 s"              # how long a better interface has to have been good before flows move to it
//   home-address = "figure-6"          # or "primary", "own", "class", or an address that is kept for the class
//   route-optimization = "prefer"      # or "yes", "no"
//   [class.match]                      # all that are given have to fit; none given: every flow fits. A list fits when one
//                                      # of its values does
//   protocol = "udp"
//   peer = "2001:db8:5::/48"
//   port = [5060, "16384-32767"]
//   local-port = 22
//   dscp = "ef"
//   flow-label = 0x12345
//   icmp-type = "echo-request"
//   extension-header = "routing"
//   user = "alice"
//   group = "audio"
//   program = "/usr/bin/ssh"
//   cgroup = "/user.slice"
//   unit = "firefox*.scope"
//   time = "mon-fri 08:00-18:00"
//   [class.except]                     # the same keys, or a list of such tables: flows that fit one do not belong to it
//
//   [default]                          # at most once, operator's files only: what no class matches
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

#include "mipflow/base/address.hpp"
#include "mipflow/base/expected.hpp"
#include "mipflow/base/flow_key.hpp"
#include "mipflow/base/flow_owner.hpp"
#include "mipflow/base/interface_preference.hpp"

namespace mipflow::flow_separator {

// Extension headers that a first packet had, as a set of bits.
enum class ExtensionHeader : std::uint8_t {
  HopByHop = 1,
  Routing = 2,
  Fragment = 4,
  DestinationOptions = 8,
  Authentication = 16,
};

// The local time that rules with `time` ask for.
struct LocalTime {
  std::uint8_t weekday = 0;   // 0 is Monday
  std::uint16_t minute = 0;   // since midnight
  friend bool operator==(const LocalTime&, const LocalTime&) = default;
};

// What is known of a flow when its first packet is seen (WO 2004/057826: protocol headers, flow label, ports).
struct FlowAttributes {
  FlowKey key{};
  std::uint8_t dscp = 0;                                  // upper six bits of the Traffic Class
  std::uint32_t flow_label = 0;                           // 20 bits
  std::optional<std::uint32_t> user = std::nullopt;       // uid of the local socket, when there is one
  std::optional<std::uint8_t> icmp_type = std::nullopt;   // ICMPv6 only
  std::uint8_t extension_headers = 0;                     // ExtensionHeader
  FlowOwnerPointer owner = nullptr;                       // group, program, cgroup, unit, `mipflow run`
};

// How flows of a class get a home address.
enum class HomeAddressRule : std::uint8_t {
  Figure6,  // one of their own as far as needed to move alone
  Primary,  // the Primary Home Address: a peer that knows the host by it, flows that need not move alone
  Own,      // one that no other flow has, whatever Figure 6 would allow
  Fixed,    // PolicyClass::fixed_home_address
  Class,    // one for all flows of the class and no others
};
// As a policy file writes it; "fixed" for Fixed, where the file has the address.
std::string_view to_string(HomeAddressRule rule);

// Whether flows of a class go straight to their correspondent node (RFC 6275 §5.2, §11.7.2) when that is possible.
enum class RouteOptimization : std::uint8_t {
  No,      // always by way of the home agent: the correspondent node does not learn the care-of address
  Prefer,  // once a flow has shown that it lasts: a short one is over before return routability is
  Yes,     // from its first packet on
};
// As a policy file writes it.
std::string_view to_string(RouteOptimization choice);

// Who wrote a class. The order of the layers is the order of decision: the first class that matches, seen over all layers.
enum class PolicyLayer : std::uint8_t {
  Mandatory,  // operator, `mandatory = true`: users can not override it
  Network,    // served by the home agent, applied as the operator's
  User,       // of one user, for flows of this user only
  Default,    // operator
  BuiltIn,    // the default class that nobody wrote
};
// "operator, mandatory", "network", "user", "operator", "built in".
std::string_view to_string(PolicyLayer layer);

// Whether who starts a program with `mipflow run --class` may ask for the class.
enum class Selectable : std::uint8_t {
  No,    // default of operator's and network's classes
  Yes,   // default of a user's classes, for this user
  Only,  // and flows get it no other way: the class matches nothing
};
// "no", "yes", "only".
std::string_view to_string(Selectable selectable);

struct PolicyClass {
  // Unique in a policy. The operator's classes have the name that the file gives them; others have a name in front of it,
  // "network:voice", "alice:voice", which no operator can write.
  std::string name{};
  InterfaceWish interfaces{};
  HomeAddressRule home_address = HomeAddressRule::Figure6;
  std::optional<Address> fixed_home_address = std::nullopt;  // with HomeAddressRule::Fixed; registered as long as the class exists
  RouteOptimization route_optimization = RouteOptimization::Prefer;
  // The flows are left alone: they go out as if mipflow were not there, with the interface's own address, and do not move.
  bool bypass = false;
  Selectable selectable = Selectable::No;
  PolicyLayer layer = PolicyLayer::Default;
  std::optional<std::uint32_t> user = std::nullopt;  // with PolicyLayer::User: whose it is
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
  PolicyLayer layer = PolicyLayer::Default;  // Default, Network or User; what is mandatory says so itself
  std::optional<std::uint32_t> user = std::nullopt;  // with PolicyLayer::User
  std::string user_name{};                           // of this user, for the names of the classes; empty: the number is used
};

// The number of a user or a group by its name, or nullopt when there is none. The core asks nobody itself.
struct NameResolver {
  using Resolver = std::function<std::optional<std::uint32_t>(std::string_view name)>;
  Resolver user{};
  Resolver group{};
};

// Immutable; a reload makes a new one.
class Policy {
 public:
  static constexpr std::size_t kMaxClasses = 4096;  // likewise exceptions
  static constexpr std::size_t kMaxRanges = 16'384;  // values, ranges, prefixes and patterns in all matches together
  // One user's, who is not trusted with the daemon's time and memory.
  static constexpr std::size_t kMaxUserClasses = 256;
  static constexpr std::size_t kMaxUserRanges = 1024;
  static constexpr std::size_t kMaxUserPatternText = 1024;  // octets of all patterns with `*` or `?` in matches together
  // The octets of programs, cgroups and units that all patterns of a user are compared with, for each of the three: what is not
  // known by then fits nothing.
  static constexpr std::size_t kMaxUserPatternSteps = 4096;
  static constexpr std::size_t kLongestOwnerText = 1024;    // octets of a program, cgroup or unit; what is behind them does not count
  static constexpr std::size_t kMaxForeignText = 65'536;    // octets of a file of a user or of the network

  // The built-in default class alone: every flow may use every interface.
  Policy();
  Policy(const Policy&) = default;
  Policy(Policy&&) = default;
  Policy& operator=(const Policy&) = default;
  Policy& operator=(Policy&&) = default;
  ~Policy();

  // Reads the files as one policy. The classes of a layer come before those of the next one, within a layer those of the
  // first file before those of the second. On failure all mistakes that were found, at least one, in the order of the text.
  static Expected<Policy, std::vector<PolicyError>> parse(std::span<const PolicyFile> files, const NameResolver& names);

  // The first class that matches, else the default class. Costs about the same for one class and for a thousand. What is
  // not known of a flow fits nothing that asks for it: no owner, no time. A class that `mipflow run` wants
  // (FlowOwner::wanted_class) is taken when the flow's user may select it and no mandatory class matches.
  const PolicyClass& classify(const FlowAttributes& flow, std::optional<LocalTime> time = std::nullopt) const;
  // Some class asks for what a look-up of the socket tells (FlowAttributes::owner): user, group, program, cgroup or unit.
  bool asks_for_owner() const;
  // The look-up could change the class of this flow. False when asks_for_owner() is, and for a flow whose owner is known.
  // What `mipflow run` may want is not considered: that can change any flow's class while such a program runs.
  bool needs_owner(const FlowAttributes& flow, std::optional<LocalTime> time = std::nullopt) const;
  // Some class asks for the time.
  bool asks_for_time() const;

  // Destinations that no class but one with `bypass` gets a flow to, in no order: those of classes that ask for nothing
  // but `peer`, as far as no class before them matches any flow there.
  std::vector<Prefix> bypassed_prefixes() const;

  const std::vector<PolicyClass>& classes() const;  // in order, the default class last
  const PolicyClass& default_class() const { return classes().back(); }
  const PolicyClass* find(std::string_view name) const;  // nullptr when there is none

 private:
  struct Compiled;
  explicit Policy(std::shared_ptr<const Compiled> compiled);
  std::shared_ptr<const Compiled> compiled_;
};

}  // namespace mipflow::flow_separator
