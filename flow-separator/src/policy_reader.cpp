// SPDX-License-Identifier: GPL-3.0-or-later
#include "policy_reader.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <utility>

#include "action_reader.hpp"
#include "match_reader.hpp"
#include "mipflow/base/toml_text.hpp"
#include "policy_toml.hpp"

namespace mipflow::flow_separator {
namespace {

constexpr std::array<std::string_view, 3> kFileKeys{"policy", "class", "default"};
constexpr std::array<std::string_view, 1> kPolicyKeys{"mandatory"};
constexpr std::array<std::string_view, 11> kClassKeys{"name",       "mandatory", "selectable",   "bypass",
                                                      "interfaces", "never",     "return-after", "home-address",
                                                      "route-optimization", "match", "except"};

constexpr std::array<std::string_view, 6> kDefaultKeys{"bypass",       "interfaces",   "never",
                                                       "return-after", "home-address", "route-optimization"};

constexpr std::size_t kLongestName = 64;

// What stands before the names of the file's classes, so that whoever writes one file need not know the names of the others.
// A user whose name could be taken for something else is named by the number.
std::string name_prefix(const PolicyFile& file) {
  if (file.layer == PolicyLayer::Network) return std::string(kNetworkPrefix);
  if (file.layer != PolicyLayer::User) return {};
  const std::string& name = file.user_name;
  const bool clear = !name.empty() && name != "network" && (name.front() < '0' || name.front() > '9') &&
                     name.find(':') == std::string::npos;
  return (clear ? name : std::to_string(*file.user)) + ':';
}

class FileReader : TableReader {
 public:
  FileReader(const PolicyFile& file, const NameResolver& names, PolicyDraft& draft, Mistakes& mistakes)
      : TableReader(mistakes),
        file_(file),
        prefix_(name_prefix(file)),
        draft_(draft),
        matches_(file, names, draft, mistakes),
        actions_(mistakes) {}

  void read(const toml::table& root) {
    refuse_unknown_keys(root, kFileKeys, "the file");
    if (const toml::node* node = root.get("policy")) read_policy(*node);
    if (const toml::node* classes = root.get("class")) {
      const toml::array* list = classes->as_array();
      if (list == nullptr)
        fail(*classes, "\"class\" has to be a list of tables; write [[class]] instead of [class]");
      else
        for (const toml::node& element : *list) read_class(element);
    }
    if (const toml::node* node = root.get("default")) read_default(*node);
  }

 private:
  bool of_operator() const { return file_.layer == PolicyLayer::Default; }
  const char* whose() const { return file_.layer == PolicyLayer::User ? "a user's file" : "a file of the network"; }
  std::string origin(const toml::node& at) const { return file_.name + ':' + std::to_string(at.source().begin.line); }

  void read_policy(const toml::node& node) {
    const toml::table* table = node.as_table();
    if (table == nullptr) return fail(node, "\"policy\" has to be a table written as [policy], found " + describe(node));
    refuse_unknown_keys(*table, kPolicyKeys, "[policy]", kClassKeys, "a [[class]]");
    mandatory_ = read_mandatory(*table).value_or(false);
  }

  std::optional<bool> read_mandatory(const toml::table& table) {
    const auto mandatory = read_truth(table, "mandatory");
    if (!mandatory || of_operator()) return mandatory;
    fail(*table.get("mandatory"),
         "\"mandatory\" can not stand in " + std::string(whose()) + "; only the operator's classes can be");
    return std::nullopt;
  }

  void read_class(const toml::node& node) {
    const toml::table* table = node.as_table();
    if (table == nullptr) return fail(node, "expected a table written as [[class]], found " + describe(node));
    if (const auto full = take_room_for_class()) return fail(node, *full);
    refuse_unknown_keys(*table, kClassKeys, "a class", kMatchKeys, "[class.match]");

    PolicyDraft::Class draft;
    PolicyClass& result = draft.policy_class;
    result.origin = origin(node);
    result.layer = read_mandatory(*table).value_or(mandatory_) ? PolicyLayer::Mandatory : file_.layer;
    if (file_.layer == PolicyLayer::User) result.user = file_.user;
    result.name = prefix_ + "class-" + std::to_string(number_of_next_class());
    if (const toml::node* name = table->get("name")) read_name(*name, result.name);
    note_name(result, table->get("name") != nullptr ? *table->get("name") : node);
    read_selectable(*table, result);
    actions_.read(*table, result);
    if (result.home_address == HomeAddressRule::Fixed && file_.layer == PolicyLayer::User)
      fail(*table->get("home-address"), "\"home-address\": a user can not have an address kept; expected here is \"figure-6\", "
                                        "\"primary\", \"own\" or \"class\"");

    if (const toml::node* match = table->get("match")) matches_.read_match(*match, draft.match.match);
    if (const toml::node* except = table->get("except")) matches_.read_exceptions(*except, draft.match.exceptions);
    draft.match.only_wanted = result.selectable == Selectable::Only;
    if (result.user) {
      make_users_own(draft.match.match, *result.user);
      // They are looked at for every flow; so those of one user cost the others nothing.
      for (FlowMatch& exception : draft.match.exceptions) make_users_own(exception, *result.user);
    }
    draft_.classes.push_back(std::move(draft));
  }

  static void make_users_own(FlowMatch& match, std::uint32_t user) {
    match.users.assign(1, {user, user});
    match.of_user = true;
  }

  std::optional<std::string> take_room_for_class() {
    const auto full = [](std::size_t most) { return "too many classes; at most " + std::to_string(most) + " are possible"; };
    if (draft_.volume.classes >= Policy::kMaxClasses) return full(Policy::kMaxClasses);
    if (file_.layer == PolicyLayer::User) {
      auto& used = draft_.of_users[*file_.user].classes;
      if (used >= Policy::kMaxUserClasses) return full(Policy::kMaxUserClasses) + " for a user";
      ++used;
    }
    ++draft_.volume.classes;
    return std::nullopt;
  }

  // Counts from 1 over all files whose classes have the same prefix.
  std::size_t number_of_next_class() { return ++draft_.numbers[prefix_]; }

  void read_default(const toml::node& node) {
    if (!of_operator())
      return fail(node, "[default] can not stand in " + std::string(whose()) +
                            "; a [[class]] without \"match\" takes what no class before it does");
    const toml::table* table = node.as_table();
    if (table == nullptr) return fail(node, "\"default\" has to be a table written as [default], found " + describe(node));
    if (draft_.default_class)
      return fail(node, "a second [default]; the first one is at " + draft_.default_class->origin);
    refuse_unknown_keys(*table, kDefaultKeys, "[default]", kClassKeys, "a [[class]]");
    PolicyClass result{.name = "default", .origin = origin(node)};
    actions_.read(*table, result);
    if (result.home_address == HomeAddressRule::Fixed || result.home_address == HomeAddressRule::Class)
      fail(*table->get("home-address"),
           "\"home-address\": everything that no class matches would share " +
               std::string(result.fixed_home_address ? "this address" : "one address") +
               " and move together; give it to a [[class]]; expected here is \"figure-6\", \"primary\" or \"own\"");
    draft_.default_class = std::move(result);
  }

  void read_name(const toml::node& node, std::string& name) {
    const auto* text = node.as_string();
    if (text == nullptr) return fail(node, "\"name\" has to be a text, found " + describe(node));
    const std::string& value = text->get();
    const bool odd = std::any_of(value.begin(), value.end(), [](char c) {
      return static_cast<unsigned char>(c) <= ' ' || c == '\'' || c == '"' || c == ':' || c == '\x7f';
    });
    if (value.empty() || value.size() > kLongestName || odd)
      return fail(node, "the name " + quoted(value) + " is not possible; expected 1 to " + std::to_string(kLongestName) +
                            " characters without blanks, colons and quotation marks");
    if (value == "default") return fail(node, "the name \"default\" belongs to what no class matches; write [default]");
    name = prefix_ + value;
  }

  void note_name(const PolicyClass& named, const toml::node& at) {
    const auto [first, is_new] = draft_.origins.emplace(named.name, named.origin);
    if (!is_new)
      fail(at, "a second class with the name " + quoted(named.name.substr(prefix_.size())) + "; the first one is at " +
                   first->second);
  }

  void read_selectable(const toml::table& table, PolicyClass& result) {
    result.selectable = file_.layer == PolicyLayer::User ? Selectable::Yes : Selectable::No;
    const toml::node* node = table.get("selectable");
    if (node == nullptr) return;
    if (node->is_boolean())
      result.selectable = node->as_boolean()->get() ? Selectable::Yes : Selectable::No;
    else if (node->is_string() && node->as_string()->get() == to_string(Selectable::Only))
      result.selectable = Selectable::Only;
    else
      return fail(*node, "\"selectable\": expected true, false or \"only\", found " + describe(*node));
    if (result.selectable == Selectable::Only)
      for (const char* key : {"match", "except"})
        if (const toml::node* unused = table.get(key))
          fail(*unused, quoted(key) + " means nothing with selectable = \"only\": no flow gets the class by itself");
  }

  const PolicyFile& file_;
  const std::string prefix_;
  bool mandatory_ = false;  // of the file
  PolicyDraft& draft_;
  MatchReader matches_;
  ActionReader actions_;
};

void read(const PolicyFile& file, const NameResolver& names, PolicyDraft& draft, Mistakes& mistakes) {
  if (file.layer == PolicyLayer::User && !file.user) return mistakes.add("is a user's file, but nobody said whose");
  if (file.layer != PolicyLayer::Default && file.text.size() > Policy::kMaxForeignText)
    return mistakes.add("has " + std::to_string(file.text.size()) + " octets; at most " +
                        std::to_string(Policy::kMaxForeignText) + " are possible");
  if (const auto obstacle = find_obstacle(file.text))
    return mistakes.add({static_cast<toml::source_index>(obstacle->position.line),
                         static_cast<toml::source_index>(obstacle->position.column)}, obstacle->reason);
  const toml::parse_result parsed = toml::parse(file.text, std::string_view(file.name));
  if (!parsed) return mistakes.add(parsed.error().source().begin, std::string(parsed.error().description()));
  FileReader(file, names, draft, mistakes).read(parsed.table());
}

}  // namespace

void read_policy_file(const PolicyFile& file, const NameResolver& names, PolicyDraft& draft) {
  Mistakes mistakes(file.name);
  read(file, names, draft, mistakes);
  auto found = std::move(mistakes).take();
  draft.errors.insert(draft.errors.end(), std::make_move_iterator(found.begin()), std::make_move_iterator(found.end()));
}

}  // namespace mipflow::flow_separator
