// SPDX-License-Identifier: GPL-3.0-or-later
// Completion of command lines. The shells' scripts are thin: they hand the words in front of the cursor to
// `mipflow __complete`, which answers with one candidate per line, a tab and what it is.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <ostream>
#include <set>

#include "command_table.hpp"
#include "flow_words.hpp"
#include "setup_options.hpp"

namespace mipflow::tools {
namespace {

struct Candidate {
  std::string text;
  std::string meaning;
};
using Candidates = std::vector<Candidate>;
using Words = std::vector<std::string>;

constexpr const char* kBash = R"(# bash completion for mipflow, made by: mipflow completion bash
_mipflow() {
  local word=${COMP_WORDS[COMP_CWORD]} line
  COMPREPLY=()
  while IFS= read -r line; do
    COMPREPLY+=("${line%%$'\t'*}")
  done < <(mipflow __complete "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
  # An IPv6 address holds colons, at which bash splits words.
  if declare -F __ltrim_colon_completions > /dev/null; then __ltrim_colon_completions "$word"; fi
  if [ ${#COMPREPLY[@]} -eq 1 ] && [ "${COMPREPLY[0]}" = "<file>" ]; then
    COMPREPLY=()
    compopt -o filenames 2> /dev/null
    while IFS= read -r line; do COMPREPLY+=("$line"); done < <(compgen -f -- "$word")
  fi
}
_mipflow_words() {
  local cur prev words cword
  if declare -F _get_comp_words_by_ref > /dev/null; then
    _get_comp_words_by_ref -n : cur prev words cword
    COMP_WORDS=("${words[@]}")
    COMP_CWORD=$cword
  fi
  _mipflow
}
complete -F _mipflow_words mipflow
)";

constexpr const char* kZsh = R"(#compdef mipflow
# zsh completion for mipflow, made by: mipflow completion zsh
_mipflow() {
  local -a candidates
  local line
  for line in "${(@f)$(mipflow __complete "${(@)words[2,CURRENT]}" 2>/dev/null)}"; do
    [[ $line == "<file>"* ]] && { _files; return }
    [[ -n $line ]] && candidates+=("${${line%%$'\t'*}//:/\\:}:${line#*$'\t'}")
  done
  _describe mipflow candidates
}
if [ "$funcstack[1]" = "_mipflow" ]; then _mipflow "$@"; else compdef _mipflow mipflow; fi
)";

constexpr const char* kFish = R"(# fish completion for mipflow, made by: mipflow completion fish
function __mipflow_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    for line in (mipflow __complete $words[2..-1] "$current" 2>/dev/null)
        if string match -q '<file>*' -- $line
            __fish_complete_path (commandline -ct)
        else
            echo $line
        end
    end
end
complete -c mipflow -f -a '(__mipflow_complete)'
)";

const std::map<std::string, const char*>& scripts() {
  static const std::map<std::string, const char*> table{{"bash", kBash}, {"zsh", kZsh}, {"fish", kFish}};
  return table;
}

// What an argument can be now. A daemon that does not answer leaves nothing to offer.
Candidates values_of(ArgumentKind kind, const std::string& socket) {
  Candidates out;
  const auto from_daemon = [&](const char* request, const auto& candidate_of) {
    const auto items = ask(socket, {{"request", request}});
    if (!items || !items->is_array()) return;
    for (const auto& item : *items) out.push_back(candidate_of(item));
  };
  const auto word = [](const nlohmann::json& item, const char* key) { return render(field(item, key), Look::Plain); };
  switch (kind) {
    case ArgumentKind::Anything: break;
    case ArgumentKind::File: out.push_back({"<file>", ""}); break;
    case ArgumentKind::Flow:
      from_daemon("flows", [&](const auto& flow) {
        const auto program = program_of(flow);
        return Candidate{word(flow, "id"),
                         flow_in_words(flow) + " on " + word(flow, "interface") + (program.empty() ? "" : ", " + program)};
      });
      break;
    case ArgumentKind::Interface:
      from_daemon("interfaces", [&](const auto& item) {
        return Candidate{word(item, "name"), field(item, "usable") == true ? word(item, "kind") : word(item, "why_not")};
      });
      break;
    case ArgumentKind::HomeAddress:
      from_daemon("home-addresses", [&](const auto& item) {
        return Candidate{word(item, "home_address"), word(item, "state")};
      });
      break;
    case ArgumentKind::BoundHomeAddress:
      from_daemon("delegations", [&](const auto& item) {
        return Candidate{word(item, "home_address"), word(item, "agent") + ", " + word(item, "state")};
      });
      break;
    case ArgumentKind::Agent:
      if (const auto sharing = ask(socket, {{"request", "load-sharing"}}); sharing)
        for (const auto& item : field(*sharing, "agents"))
          if (field(item, "role") == "secondary") out.push_back({word(item, "name"), word(item, "state")});
      break;
    case ArgumentKind::Class:
      if (const auto policy = ask(socket, {{"request", "policy-show"}}); policy)
        for (const auto& item : field(*policy, "classes")) out.push_back({word(item, "name"), word(item, "origin")});
      break;
    case ArgumentKind::Shell:
      for (const auto& [name, script] : scripts()) out.push_back({name, ""});
      break;
  }
  return out;
}

// Behind `run`: its options and what they take, then a program, whose own words are not ours to complete.
Candidates candidates_of_run(const Words& behind, const std::string& current, const std::string& socket) {
  for (std::size_t index = 0; index < behind.size(); ++index) {
    const auto& word = behind[index];
    if (!word.starts_with("-") || word == "--") return {{"<file>", ""}};
    if (++index < behind.size()) continue;
    if (word == "--via") return values_of(ArgumentKind::Interface, socket);
    if (word == "--class") return values_of(ArgumentKind::Class, socket);
    return {{"<file>", ""}};
  }
  if (!current.starts_with("-")) return {{"<file>", ""}};
  return {{"--via", "where the flows begin"}, {"--class", "class of the policy"}, {"--socket", ""}, {"--help", ""}};
}

// Behind `setup`: its options. Addresses and names are what only the user knows.
Candidates candidates_of_setup(const Words& behind, const std::string& current) {
  if (!behind.empty() && (behind.back() == "--secret-file" || behind.back() == "--directory" || behind.back() == "--socket")) return {{"<file>", ""}};
  if (!current.starts_with("-")) return behind.empty() ? Candidates{{"home-agent", "had.toml"}, {"add-mobile-node", "one more in had.toml"}} : Candidates{};
  Candidates out;
  for (auto& name : setup_option_names()) out.push_back({std::move(name), ""});
  return out;
}

bool begins_with(const Words& words, const Words& beginning) {
  return words.size() >= beginning.size() && std::equal(beginning.begin(), beginning.end(), words.begin());
}

// The words that can stand behind `typed`: the next one of every command that begins with it.
Candidates next_words(const Words& typed) {
  Candidates out;
  std::set<std::string> seen;
  for (const auto& command : command_table()) {
    if (command.words.size() <= typed.size() || !begins_with(command.words, typed)) continue;
    const auto& next = command.words[typed.size()];
    const bool whole = command.words.size() == typed.size() + 1;
    if (seen.insert(next).second) out.push_back({next, whole ? command.summary : "..."});
  }
  if (typed.empty())
    for (const auto& command : foreign_commands()) out.push_back({command.word, command.summary});
  return out;
}

// Options that take a word of their own: what stands behind them is no argument of the command.
bool takes_value(const std::string& option) { return option == "--socket" || option == "--for"; }

Candidates candidates(const Words& before, const std::string& current, const std::string& socket) {
  if (!before.empty() && before.front() == "run")
    return candidates_of_run({before.begin() + 1, before.end()}, current, socket);
  if (!before.empty() && before.front() == "setup") return candidates_of_setup({before.begin() + 1, before.end()}, current);
  Words typed;
  for (std::size_t index = 0; index < before.size(); ++index) {
    if (before[index].starts_with("-")) {
      if (takes_value(before[index]) && index++ + 1 == before.size())
        return before.back() == "--socket" ? Candidates{{"<file>", ""}} : Candidates{};
      continue;
    }
    typed.push_back(before[index]);
  }
  const auto& table = command_table();
  const auto found =
      std::find_if(table.begin(), table.end(), [&](const Command& command) { return begins_with(typed, command.words); });
  if (current.starts_with("-")) {
    Candidates out;
    for (auto& name : option_names(found == table.end() ? Words{} : found->options)) out.push_back({std::move(name), ""});
    return out;
  }
  if (found == table.end())
    return typed.size() == 1 && typed[0] == "decode" ? Candidates{{"<file>", ""}} : next_words(typed);
  const auto position = typed.size() - found->words.size();
  if (found->kinds.empty() || position >= found->most_arguments) return {};
  return values_of(found->kinds[std::min(position, found->kinds.size() - 1)], socket);
}

}  // namespace

int print_completion(const Invocation& invocation) {
  const auto found = scripts().find(invocation.arguments[0]);
  if (found == scripts().end())
    return complain(invocation.console, kExitUsage,
                    fmt::format("there is no completion for '{}'; there is bash, fish and zsh", invocation.arguments[0]));
  if (invocation.line.json) print_json(invocation.console.out, {{"shell", found->first}, {"script", found->second}});
  else invocation.console.out << found->second;
  return kExitDone;
}

int complete_words(const std::vector<std::string>& words, const Console& console) {
  const std::string current = words.empty() ? "" : words.back();
  const Words before(words.begin(), words.empty() ? words.end() : words.end() - 1);
  // The socket that the line being completed names, else the usual one of its command.
  Words options;
  const auto command = std::find_if(before.begin(), before.end(), [](const std::string& word) { return !word.starts_with("-"); });
  if (command != before.end() && *command == "ha") options = {*command};
  for (std::size_t index = 0; index < before.size(); ++index)
    if (before[index] == "--socket" && index + 1 < before.size()) options = {"--socket", before[index + 1]};
  const auto line = parse_command_line(options);
  if (!line) return kExitUsage;
  for (const auto& candidate : candidates(before, current, line->socket))
    if (candidate.text == "<file>" || candidate.text.starts_with(current))
      console.out << printable(candidate.text) << '\t' << printable(candidate.meaning) << '\n';
  return kExitDone;
}

}  // namespace mipflow::tools
