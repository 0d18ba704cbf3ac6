// SPDX-License-Identifier: GPL-3.0-or-later
// What the readers of a policy file's parts share: the place of a mistake, lists, unknown keys.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "mipflow/base/expected.hpp"
#include "mipflow/flow-separator/policy.hpp"

// The folder throws nothing because of input; without exceptions toml++ hands out its errors as values. Its assertions fail
// on malformed files such as "[[[" and "[[}", behind which it reports the error properly, so a debug build goes without them
// as a release does.
#define TOML_EXCEPTIONS 0
#define TOML_ASSERT(expr) static_assert(true)
#include <toml++/toml.h>

#include "policy_values.hpp"

namespace mipflow::flow_separator {

// What a value is, for "expected ..., found ...".
std::string describe(const toml::node& node);

// A number 0 to `largest`.
std::optional<std::uint32_t> integer(const toml::node& node, std::uint32_t largest);

// The mistakes of one file.
class Mistakes {
 public:
  explicit Mistakes(const std::string& file) : file_(file) {}

  void add(const toml::source_position& at, std::string reason);
  void add(const toml::node& at, std::string reason) { add(at.source().begin, std::move(reason)); }
  // About the file as a whole.
  void add(std::string reason) { add(toml::source_position{}, std::move(reason)); }

  bool empty() const { return list_.empty(); }
  // In the order of the text.
  std::vector<PolicyError> take() &&;

 private:
  const std::string& file_;
  std::vector<PolicyError> list_;
};

// The readers of one file's parts.
class TableReader {
 public:
  explicit TableReader(Mistakes& mistakes) : mistakes_(mistakes) {}

 protected:
  void fail(const toml::node& at, std::string reason) { mistakes_.add(at, std::move(reason)); }

  // `elsewhere`: keys that belong into another table, which `belongs` names.
  void refuse_unknown_keys(const toml::table& table, std::span<const std::string_view> known, std::string_view where,
                           std::span<const std::string_view> elsewhere = {}, std::string_view belongs = {});

  // Hands every element of a list, or the value itself when it is no list, to `element`, and reports what it refuses.
  template <class Element>
  void read_list(const toml::node& node, std::string_view key, Element&& element) {
    const auto one = [&](const toml::node& value) {
      if (const Parsed<bool> parsed = element(value); !parsed) fail(value, quoted(key) + ": " + parsed.error());
    };
    const toml::array* list = node.as_array();
    if (list == nullptr) return one(node);
    if (list->empty()) fail(node, quoted(key) + ": the list is empty; leave the key out when everything is meant");
    for (const toml::node& value : *list) one(value);
  }

  // A key with one text that `parse` understands.
  template <class Value, class Take>
  void read_word(const toml::table& table, const char* key, const char* expected, Parsed<Value> (*parse)(std::string_view),
                 Take&& take) {
    const toml::node* node = table.get(key);
    if (node == nullptr) return;
    if (!node->is_string()) return fail(*node, quoted(key) + ": expected " + expected + ", found " + describe(*node));
    if (const auto value = parse(node->as_string()->get()); value)
      take(*value);
    else
      fail(*node, quoted(key) + ": " + value.error());
  }

  std::optional<bool> read_truth(const toml::table& table, std::string_view key);

 private:
  Mistakes& mistakes_;
};

}  // namespace mipflow::flow_separator
