// SPDX-License-Identifier: GPL-3.0-or-later
// `mipflow flow explain`: what the daemon knows about a flow, in sentences.
#include <fmt/format.h>

#include <ostream>
#include <sstream>

#include "commands.hpp"
#include "flow_words.hpp"

namespace mipflow::tools {
namespace {

std::string word(const nlohmann::json& object, const char* key) { return render(field(object, key), Look::Plain); }
std::string octets(const nlohmann::json& object, const char* key) { return render(field(object, key), Look::Octets); }

// ": …" with the daemon's half a sentence; nothing when it gave none.
std::string because(const nlohmann::json& flow, const char* key) {
  const auto& reason = field(flow, key);
  return reason.is_string() ? ": " + reason.get<std::string>() : "";
}

std::string headline(const nlohmann::json& flow) {
  return fmt::format("Flow {}: {}, {} out, {} in, {}", word(flow, "id"), flow_in_words(flow), octets(flow, "bytes_out"),
                     octets(flow, "bytes_in"), word(flow, "state"));
}

std::string rule(const nlohmann::json& flow) {
  const auto& origin = field(flow, "rule_origin");
  const auto& layer = field(flow, "rule_layer");
  auto out = "class " + word(flow, "class");
  if (origin.is_string()) out += ", " + origin.get<std::string>();
  if (layer.is_string()) out += fmt::format(" ({})", layer.get<std::string>());
  return out;
}

}  // namespace

std::string cost_of(const nlohmann::json& move) {
  std::string out;
  const auto add = [&](std::string words) { out += (out.empty() ? "" : ", ") + std::move(words); };
  for (const auto& [key, name] : {std::pair{"gap_out_seconds", "out"}, std::pair{"gap_in_seconds", "in"}})
    if (const auto& gap = field(move, key); gap.is_number()) add(fmt::format("gap {} {}", name, render(gap, Look::Measured)));
  for (const auto& [key, name] : {std::pair{"retransmissions_out", "out"}, std::pair{"retransmissions_in", "in"}})
    if (const auto& count = field(move, key); count.is_number()) add(fmt::format("{} sent again {}", render(count, Look::Plain), name));
  return out.empty() ? "not measured" : out;
}

namespace {

std::string move_line(const nlohmann::json& move) {
  return fmt::format("{} ago: {} -> {} ({}); {}", render(field(move, "ago_seconds"), Look::Seconds), word(move, "from"), word(move, "to"),
                     word(move, "cause"), cost_of(move));
}

std::string trial_line(const nlohmann::json& trial) {
  auto out = fmt::format("{} instead of {}: {}", word(trial, "to"), word(trial, "from"), word(trial, "outcome"));
  if (field(trial, "outcome") == "running") out += fmt::format(", goes back in {}", render(field(trial, "ends_in_seconds"), Look::Seconds));
  if (const auto& reason = field(trial, "reason"); reason.is_string()) out += "; " + reason.get<std::string>();
  return out;
}

void line(std::ostream& out, const char* title, const std::string& text) {
  out << fmt::format("  {:<14}  {}\n", title, printable(text));
}

}  // namespace

std::string explanation_text(const nlohmann::json& flow) {
  std::ostringstream out;
  out << printable(headline(flow)) << '\n';
  const auto owner = owner_in_words(flow);
  line(out, "belongs to", owner.empty() ? "nobody that is known: no socket of this host, or it was not looked up" : owner);
  for (const auto& [key, title] : {std::pair{"wanted_interface", "asked for"}, std::pair{"wanted_class", "asked for"}})
    if (const auto& wanted = field(field(flow, "owner"), key); wanted.is_string())
      line(out, title, (key == std::string("wanted_class") ? "class " : "") + wanted.get<std::string>() + ", by mipflow run");
  line(out, "rule", rule(flow));
  line(out, "home address", word(flow, "home_address") + because(flow, "home_address_reason"));
  line(out, "interface", word(flow, "interface") + because(flow, "interface_reason"));
  for (const auto& verdict : field(flow, "interfaces"))
    if (field(verdict, "chosen") != true) line(out, "", fmt::format("not {}: {}", word(verdict, "interface"), word(verdict, "reason")));
  line(out, "bound to", word(flow, "care_of_address"));
  line(out, "path", word(flow, "path") + because(flow, "path_reason"));
  const auto& others = field(flow, "moves_with");
  line(out, "moves with", others.empty() ? "no other flow" : "flows " + render(others, Look::Plain) + ": they share its home address");
  if (const auto& trial = field(flow, "trial"); trial.is_object()) line(out, "trial", trial_line(trial));
  const auto& moves = field(flow, "moves");
  if (moves.empty()) line(out, "moves", "none so far");
  const char* title = "moves";
  for (const auto& move : moves) {
    line(out, title, move_line(move));
    title = "";
  }
  return out.str();
}

int explain_flow(const Invocation& invocation) {
  const auto id = take_flow_id(invocation, 0);
  if (!id) return kExitUsage;
  return ask_and_show(invocation, {{"request", "explain"}, {"id", *id}},
                      [&](const nlohmann::json& flow) { invocation.console.out << explanation_text(flow); });
}

}  // namespace mipflow::tools
