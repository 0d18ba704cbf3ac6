// SPDX-License-Identifier: GPL-3.0-or-later
// Input: one octet (which of the texts that a mobile node keeps over a restart), then the text.
#include "fuzz/target.hpp"
#include "fuzz/text_file.hpp"
#include "mipflow/base/address.hpp"
#include "mipflow/base/shell_pattern.hpp"
#include "mipflow/base/toml_text.hpp"
#include "mipflow/mn-core/kept_home_addresses.hpp"
#include "mipflow/mn-core/network_policy.hpp"
#include "mipflow/wire/agent_service.hpp"

namespace mipflow::fuzz {

using namespace mobile_node;

namespace {

const wire::SecurityAssociation kAssociation{"alice@example.org", 256, Bytes(16, 7)};

void home_addresses(const std::string& text) {
  const auto read = read_kept_home_addresses(text);
  if (!read) {
    must(!read.error().empty(), "a text is refused without a reason");
    return;
  }
  const auto again = read_kept_home_addresses(write_kept_home_addresses(*read));
  must(again.has_value() && *again == *read, "kept home addresses come back as others");
}

void network_policy(const std::string& text) {
  must(!read_network_policy(text, kAssociation), "a policy that nobody signed is believed");
  const auto read = read_network_policy(write_network_policy({7, text}, wire::policy_authenticator(kAssociation.key, 7, text)), kAssociation);
  must(text.size() > wire::kLargestPolicy || (read.has_value() && *read == NetworkPolicy{7, text}), "a kept policy comes back as another one");
}

void words(const std::string& text) {
  if (const auto address = Address::parse(text)) must(Address::parse(to_string(*address)) == address, "an address comes back as another one");
  if (const auto prefix = Prefix::parse(text)) must(Prefix::parse(to_string(*prefix)) == prefix, "a prefix comes back as another one");
  static_cast<void>(find_obstacle(text));
  const auto half = text.size() / 2;
  const std::string_view pattern = std::string_view(text).substr(0, half), subject = std::string_view(text).substr(half);
  const bool matches = matches_shell_pattern(pattern, subject);
  std::size_t steps = (pattern.size() + 1) * (subject.size() + 1) * 2;
  const auto in_steps = matches_shell_pattern(pattern, subject, steps);
  must(!in_steps || *in_steps == matches, "a pattern fits or not, depending on who asks");
}

}  // namespace

void fuzz_kept_texts(BytesView input);
void fuzz_kept_texts(BytesView input) {
  if (input.empty()) return;
  const std::string text = text_of(input.subspan(1));
  switch (input.front() % 3) {
    case 0: return home_addresses(text);
    case 1: return network_policy(text);
    default: return words(text);
  }
}

}  // namespace mipflow::fuzz
