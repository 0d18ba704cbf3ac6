// SPDX-License-Identifier: GPL-3.0-or-later
#include "top_screen.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "rendering.hpp"

namespace mipflow::tools {
namespace {

constexpr const char* kBold = "\033[1m";
constexpr const char* kReverse = "\033[7m";
constexpr const char* kPlain = "\033[0m";

// The first `columns` characters; a character of UTF-8 is one, and is not cut through.
std::string clipped(const std::string& text, std::size_t columns) {
  std::size_t count = 0;
  for (std::size_t index = 0; index < text.size(); ++index) {
    if ((static_cast<unsigned char>(text[index]) & 0xc0) == 0x80) continue;
    if (count++ == columns) return text.substr(0, index);
  }
  return text;
}

std::string set_off(const char* how, const std::string& text) { return how + text + kPlain; }

std::string per_second(double octets) { return octets < 0.5 ? "-" : render(octets, Look::Octets) + "/s"; }

std::string headline(const TopState& state) {
  const auto& status = state.status();
  const auto word = [&](const char* key) { return render(field(status, key), Look::Plain); };
  const bool registered = field(status, "registered") == true;
  const bool at_home = field(status, "at_home") == true;
  return printable(fmt::format("mipflow: {}, home agent {}, {} flows, {} home addresses ({} spare)",
                               at_home ? "at home" : registered ? "registered" : "NOT registered", word("home_agent"), state.flows().size(),
                               word("home_addresses"), word("spares")));
}

std::vector<std::string> interface_lines(const TopState& state) {
  std::vector<std::string> out;
  for (std::size_t position = 0; position < state.interfaces().size(); ++position) {
    const auto& item = state.interfaces()[position];
    out.push_back(printable(fmt::format("{} {:<12.12} {:<8} {:>5} {:>9} {:>9} {:>7} {:>6}  {}", TopState::choice_key(position), item.name, item.kind,
                                        item.flows, per_second(item.rates.in), per_second(item.rates.out), item.round_trip, item.loss, item.router_state)));
  }
  return out;
}

// The path matters while all is well, else the state: 80 columns have no room for both.
std::string flow_line(const TopFlow& flow) {
  return printable(fmt::format("{:>5} {:<10.10} {:<9.9} {:<8.8} {:>9} {:>9} {} {}", flow.id, flow.what, flow.interface,
                               flow.state == "active" ? flow.path : flow.state, per_second(flow.rates.in), per_second(flow.rates.out), flow.protocol,
                               flow.correspondent));
}

const char* name_of(TopState::Sort sort) {
  switch (sort) {
    case TopState::Sort::Rate: return "rate";
    case TopState::Sort::Number: return "number";
    case TopState::Sort::Interface: return "interface";
    case TopState::Sort::What: return "program";
  }
  return "";
}

std::string last_line(const TopState& state) {
  if (!state.message().empty()) return printable(state.message());
  switch (state.mode()) {
    case TopState::Mode::Explanation: return "any key: back";
    case TopState::Mode::ChooseInterface: {
      std::string out = fmt::format("move flow {} to:", state.flows().empty() ? 0 : state.flows()[state.selected()].id);
      for (std::size_t position = 0; position < state.interfaces().size(); ++position)
        out += fmt::format("  {} {}", TopState::choice_key(position), printable(state.interfaces()[position].name));
      return out + "  (another key: nowhere)";
    }
    case TopState::Mode::List: break;
  }
  return fmt::format("arrows select  m move  u undo  e explain  s sort (by {})  q quit", name_of(state.sort()));
}

// Lines that are always there: headline, problem, headings of two tables, an empty line, the last line.
constexpr std::size_t kFixedLines = 6;

std::size_t shown_interfaces(const TopState& state, ScreenSize size) {
  // However many interfaces there are, some flows are seen.
  const auto room = size.rows > kFixedLines + 3 ? size.rows - kFixedLines - 3 : 0;
  return std::min(state.interfaces().size(), room);
}

}  // namespace

std::size_t flows_on_screen(const TopState& state, ScreenSize size) {
  const auto taken = kFixedLines + shown_interfaces(state, size);
  return size.rows > taken ? size.rows - taken : 0;
}

std::vector<std::string> draw_top(const TopState& state, ScreenSize size) {
  std::vector<std::string> out;
  const auto add = [&](const std::string& line, const char* how = nullptr) {
    auto text = clipped(line, size.columns);
    out.push_back(how == nullptr ? text : set_off(how, text));
  };
  add(headline(state), kBold);
  const auto& problems = field(state.status(), "problems");
  add(problems.is_array() && !problems.empty() ? "problem: " + printable(render(problems.front(), Look::Plain)) : "");
  if (state.mode() == TopState::Mode::Explanation) {
    for (const auto& line : state.explanation())
      if (out.size() + 1 < size.rows) add(printable(line));
  } else {
    add(fmt::format("  {:<12} {:<8} {:>5} {:>9} {:>9} {:>7} {:>6}  STATE", "INTERFACE", "KIND", "FLOWS", "IN", "OUT", "TRIP", "LOSS"), kBold);
    auto interfaces = interface_lines(state);
    interfaces.resize(shown_interfaces(state, size));
    for (const auto& line : interfaces) add(line);
    add("");
    add(fmt::format("{:>5} {:<10} {:<9} {:<8} {:>9} {:>9} CORRESPONDENT", "FLOW", "PROGRAM", "INTERFACE", "PATH", "IN", "OUT"), kBold);
    const auto room = flows_on_screen(state, size);
    const auto& flows = state.flows();
    const auto first = state.selected() < room ? 0 : state.selected() - room + 1;
    for (auto position = first; position < std::min(flows.size(), first + room); ++position)
      add(flow_line(flows[position]), position == state.selected() ? kReverse : nullptr);
    if (flows.empty() && room > 0) add("      there are no flows");
  }
  if (out.size() + 1 > size.rows) out.resize(size.rows > 0 ? size.rows - 1 : 0);
  while (out.size() + 1 < size.rows) out.emplace_back();
  if (size.rows > 0) add(last_line(state), kBold);
  return out;
}

}  // namespace mipflow::tools
