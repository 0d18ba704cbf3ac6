// SPDX-License-Identifier: GPL-3.0-or-later
#include "mipflow/flow-separator/policy.hpp"

#include <algorithm>
#include <utility>

#include "policy_index.hpp"
#include "policy_reader.hpp"

namespace mipflow::flow_separator {

struct Policy::Compiled {
  std::vector<PolicyClass> classes;  // the default class last
  PolicyIndex index;                 // over all but the default class
};

std::string to_string(const PolicyError& error) {
  std::string out = error.file;
  if (error.line != 0) out += ':' + std::to_string(error.line) + ':' + std::to_string(error.column);
  return out + ": " + error.reason;
}

Policy::Policy()
    : compiled_(std::make_shared<const Compiled>(Compiled{.classes = {PolicyClass{.name = "default", .origin = {}}},
                                                          .index = PolicyIndex({})})) {}

Policy::Policy(std::shared_ptr<const Compiled> compiled) : compiled_(std::move(compiled)) {}

Policy::~Policy() = default;

Expected<Policy, std::vector<PolicyError>> Policy::parse(std::span<const PolicyFile> files, const UserResolver& users) {
  PolicyDraft draft;
  for (const PolicyFile& file : files) read_policy_file(file, users, draft);
  if (!draft.errors.empty()) return Unexpected{std::move(draft.errors)};

  PolicyIndex index(draft.matches);
  draft.classes.push_back(draft.default_class.value_or(PolicyClass{.name = "default", .origin = {}}));
  return Policy(std::make_shared<const Compiled>(Compiled{std::move(draft.classes), std::move(index)}));
}

const PolicyClass& Policy::classify(const FlowAttributes& flow) const {
  return compiled_->classes[compiled_->index.first_match(flow)];
}

const std::vector<PolicyClass>& Policy::classes() const { return compiled_->classes; }

const PolicyClass* Policy::find(std::string_view name) const {
  const auto found = std::find_if(compiled_->classes.begin(), compiled_->classes.end(),
                                  [&](const PolicyClass& each) { return each.name == name; });
  return found == compiled_->classes.end() ? nullptr : &*found;
}

}  // namespace mipflow::flow_separator
