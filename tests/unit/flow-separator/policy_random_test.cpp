// SPDX-License-Identifier: GPL-3.0-or-later
// The compiled policy against trying one class after the other.
#include <catch2/catch.hpp>

#include <array>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "mipflow/flow-separator/policy.hpp"
#include "policy_model.hpp"
#include "policy_support.hpp"
#include "support/seed.hpp"

namespace mipflow::flow_separator {

using testing::ModelClass;
using testing::ModelMatch;

namespace {

constexpr int kPolicies = 200;
constexpr int kFlowsPerPolicy = 150;
constexpr std::array<std::uint8_t, 4> kProtocols{kProtocolTcp, kProtocolUdp, kProtocolIcmpv6, 50};

// Policies and flows from few values, so that they meet often and miss often.
class Maker {
 public:
  explicit Maker(std::uint64_t seed) : random_(seed) {}

  unsigned below(unsigned limit) { return static_cast<unsigned>(random_() % limit); }
  bool once_in(unsigned times) { return below(times) == 0; }

  Address address() {
    Address out = Address::parse("2001:db8::").value();
    out.octets[4] = static_cast<std::uint8_t>(below(3));
    out.octets[15] = static_cast<std::uint8_t>(below(4));
    return out;
  }

  std::string path() {
    std::string out;
    for (unsigned i = 1 + below(3); i > 0; --i) out += std::string("/") + kNames[below(4)] + (once_in(2) ? "-x" : "");
    return out;
  }
  std::string pattern(std::string text) {
    for (unsigned i = below(3); i > 0; --i) {
      const unsigned at = 1 + below(static_cast<unsigned>(text.size()) - 1);
      if (once_in(2))
        text[at] = '?';
      else
        text.replace(at, 1 + below(4), "*");
    }
    return text;
  }

  ModelMatch::Ranges ranges(unsigned values, unsigned widest) {
    ModelMatch::Ranges out;
    for (unsigned i = 1 + below(3); i > 0; --i) {
      const unsigned low = below(values);
      out.emplace_back(low, low + below(widest));
    }
    return out;
  }

  // Asks for up to four things, so that most classes refuse most flows. A user's file asks for no users and groups.
  ModelMatch match(bool of_user) {
    ModelMatch out;
    for (unsigned asked = 2 + below(3); asked > 0; --asked) switch (below(of_user ? 12 : 14)) {
        case 0: out.ports = ranges(60, 8); break;
        case 1: out.local_ports = ranges(5, 2); break;
        case 2: out.dscps = ranges(3, 1); break;
        case 3: out.flow_labels = ranges(3, 2); break;
        case 4: out.icmp_types = ranges(3, 2); break;
        case 5: out.extension_headers.assign(1 + below(2), below(5)); break;
        case 6: out.programs.assign(1 + below(2), pattern(path())); break;
        case 7: out.cgroups.assign(1 + below(2), pattern(path())); break;
        case 8: out.units.assign(1, pattern(std::string(kNames[below(4)]) + ".scope")); break;
        case 9: out.times.push_back(time_range()); break;
        case 10: out.peers.emplace_back(address(), below(129)); break;
        case 11: out.protocols = {{kProtocols[below(4)], 255}}; break;
        case 12: out.users = ranges(3, 2); break;
        default: out.groups = ranges(3, 2); break;
      }
    if (!out.icmp_types.empty()) {  // or the reader refuses what can never match
      out.ports.clear();
      out.local_ports.clear();
      out.protocols.clear();
    }
    return out;
  }

  ModelMatch::Time time_range() {
    ModelMatch::Time out;
    for (unsigned day = 0; day < 7; ++day)
      if (once_in(3)) out.days.push_back(day);
    do {
      out.begin = below(24) * 60;
      out.end = (1 + below(24)) * 60;
    } while (out.begin == out.end);
    return out;
  }

  std::vector<ModelClass> model() {
    std::vector<ModelClass> out(below(200));  // several words of bits, and none
    for (std::size_t i = 0; i < out.size(); ++i) {
      ModelClass& each = out[i];
      const unsigned writer = below(10);
      each.name = "c" + std::to_string(i / 2 * 2 + (writer < 6 ? i % 2 : 0));  // some names in several files
      each.full_name = each.name;
      if (writer < 2) {
        each.layer = PolicyLayer::Mandatory;
      } else if (writer >= 8) {
        each.layer = PolicyLayer::Network;
        each.full_name = "network:" + each.name;
      } else if (writer >= 6) {
        each.layer = PolicyLayer::User;
        each.user = writer - 6;
        each.full_name = std::to_string(*each.user) + ':' + each.name;
      }
      each.selectable = once_in(8) ? Selectable::Only : once_in(2) ? Selectable::Yes : Selectable::No;
      each.match = match(each.user.has_value());
      if (once_in(3))
        for (unsigned n = 1 + below(2); n > 0; --n) each.exceptions.push_back(match(each.user.has_value()));
    }
    std::set<std::string> names;  // each may be written once
    std::erase_if(out, [&](const ModelClass& each) { return !names.insert(each.full_name).second; });
    return out;
  }

  FlowAttributes flow() {
    FlowAttributes out{.key = {.source = {},
                               .correspondent = address(),
                               .source_port = static_cast<std::uint16_t>(below(5)),
                               .correspondent_port = static_cast<std::uint16_t>(below(64)),
                               .protocol = kProtocols[below(4)]},
                       .dscp = static_cast<std::uint8_t>(below(3)),
                       .flow_label = below(3)};
    if (once_in(2)) out.user = below(3);
    if (out.key.protocol == kProtocolIcmpv6) out.icmp_type = static_cast<std::uint8_t>(below(4));
    if (once_in(2)) out.extension_headers = static_cast<std::uint8_t>(below(32));
    if (!once_in(3)) out.owner = owner(out.user);
    return out;
  }

  FlowOwnerPointer owner(std::optional<std::uint32_t> user) {
    FlowOwner out;
    out.user = user;
    if (!out.user && once_in(2)) out.user = below(3);
    if (once_in(2)) out.group = below(3);
    if (once_in(2)) out.program = path();
    if (once_in(2)) out.cgroup = path();
    if (once_in(2)) out.unit = std::string(kNames[below(4)]) + ".scope";
    if (once_in(2)) out.wanted_class = "c" + std::to_string(below(200));
    return std::make_shared<const FlowOwner>(std::move(out));
  }

  std::optional<LocalTime> time() {
    if (once_in(4)) return std::nullopt;
    return LocalTime{static_cast<std::uint8_t>(below(7)), static_cast<std::uint16_t>(below(1440))};
  }

 private:
  static constexpr const char* kNames[]{"alpha", "beta", "al", "gammagamma"};
  std::mt19937_64 random_;
};

std::vector<PolicyFile> files_of(const std::vector<ModelClass>& model) {
  std::vector<PolicyFile> out{{"operator", {}},
                              {"network", {}, PolicyLayer::Network},
                              {"user 0", {}, PolicyLayer::User, 0},
                              {"user 1", {}, PolicyLayer::User, 1}};
  for (const ModelClass& each : model) {
    const std::size_t file = each.user ? 2 + *each.user : each.layer == PolicyLayer::Network ? 1 : 0;
    out[file].text += each.text();
  }
  return out;
}

}  // namespace

TEST_CASE("the compiled policy finds the class that trying them in order finds", "[policy][random]") {
  Maker make(mipflow::test::seed("policy_random_test"));
  std::size_t defaults = 0;
  std::size_t later_than_first_word = 0;
  std::size_t wanted = 0;
  for (int run = 0; run < kPolicies; ++run) {
    const auto model = make.model();
    const Policy policy = testing::parse(files_of(model));
    REQUIRE(policy.classes().size() == model.size() + 1);
    for (int n = 0; n < kFlowsPerPolicy; ++n) {
      const FlowAttributes flow = make.flow();
      const auto time = make.time();
      const std::string expected = classify(model, flow, time);
      const PolicyClass& found = policy.classify(flow, time);
      REQUIRE(found.name == expected);
      REQUIRE(policy.find(expected) == &found);
      defaults += expected == "default" ? 1 : 0;
      later_than_first_word += expected != "default" && &found - policy.classes().data() >= 64 ? 1 : 0;
      wanted += found.selectable == Selectable::Only ? 1 : 0;
    }
  }
  CHECK(defaults > 100);
  CHECK(later_than_first_word > 100);
  CHECK(wanted > 50);
}

TEST_CASE("a flow that needs no owner has the same class whoever owns it", "[policy][random]") {
  Maker make(mipflow::test::seed("policy_random_test, owners"));
  std::size_t needed = 0;
  std::size_t differing = 0;
  std::size_t not_needed = 0;
  for (int run = 0; run < kPolicies; ++run) {
    const auto model = make.model();
    const Policy policy = testing::parse(files_of(model));
    for (int n = 0; n < 30; ++n) {
      FlowAttributes flow = make.flow();
      flow.owner = nullptr;
      const auto time = make.time();
      const bool needs = policy.needs_owner(flow, time);
      const std::string unowned = policy.classify(flow, time).name;
      ++(needs ? needed : not_needed);
      bool differs = false;
      for (int owners = 0; owners < 20; ++owners) {
        FlowOwner owner = *make.owner(flow.user);
        owner.wanted_class.clear();
        FlowAttributes owned = flow;
        owned.owner = std::make_shared<const FlowOwner>(std::move(owner));
        REQUIRE_FALSE(policy.needs_owner(owned, time));
        differs |= policy.classify(owned, time).name != unowned;
      }
      REQUIRE((needs || !differs));
      differing += differs ? 1 : 0;
    }
  }
  CHECK(needed > 100);
  CHECK(not_needed > 100);
  CHECK(differing > 100);
}

}  // namespace mipflow::flow_separator
