// SPDX-License-Identifier: GPL-3.0-or-later
// `mipflow top` without a terminal: what keys mean, and what is drawn.
#include <algorithm>
#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "full_screen.hpp"
#include "top_screen.hpp"

using nlohmann::json;
using namespace mipflow::tools;

namespace {

json flow(unsigned id, const char* interface, double bytes_in, double bytes_out, const char* name = "web") {
  return {{"id", id}, {"class", name}, {"protocol", "tcp"}, {"correspondent", "2001:db8:300::10"}, {"correspondent_port", 443}, {"interface", interface},
          {"path", "tunnel"}, {"state", "active"}, {"bytes_in", bytes_in}, {"bytes_out", bytes_out}, {"owner", nullptr}};
}

json interface(const char* name, bool usable) {
  return {{"name", name}, {"kind", "wifi"}, {"usable", usable}, {"why_not", usable ? json() : json("has no carrier")}, {"online", usable ? json(true) : json()},
          {"round_trip_seconds", usable ? json(0.0123) : json()}, {"loss_per_mille", usable ? json(5) : json()}, {"flows", 2u}};
}

TopLook look(double time, double octets, std::vector<json> flows) {
  return {{{"registered", true}, {"at_home", false}, {"home_agent", "2001:db8:1::1"}, {"home_addresses", 5}, {"spares", 2}, {"problems", json::array()}},
          flows, json::array({interface("wlan0", true), interface("eth0", false)}), {{"wlan0", {static_cast<std::uint64_t>(octets), static_cast<std::uint64_t>(octets * 2)}}}, time};
}

TopState two_looks() {
  TopState state;
  state.take(look(100, 1000, {flow(1, "wlan0", 0, 0), flow(2, "wlan0", 0, 0), flow(3, "wlan0", 0, 0)}));
  state.take(look(102, 5000, {flow(1, "wlan0", 200, 0), flow(2, "wlan0", 40'000, 2000, "call"), flow(3, "wlan0", 0, 0)}));
  return state;
}

std::string without_escapes(std::string line) {
  for (auto begin = line.find('\033'); begin != std::string::npos; begin = line.find('\033')) line.erase(begin, line.find('m', begin) - begin + 1);
  return line;
}

}  // namespace

TEST_CASE("rates are what the counters gained per second") {
  const auto state = two_looks();
  REQUIRE(state.flows().size() == 3);
  CHECK(state.flows()[0].id == 2);  // the busiest first
  CHECK(state.flows()[0].rates.in == 20'000);
  CHECK(state.flows()[0].rates.out == 1000);
  CHECK(state.flows()[1].rates.in == 100);
  CHECK(state.interfaces()[0].rates.in == 2000);
  CHECK(state.interfaces()[0].rates.out == 4000);
}

TEST_CASE("counters that begin anew are no rate") {
  auto state = two_looks();
  state.take(look(103, 10, {flow(2, "wlan0", 5, 5)}));
  CHECK(state.flows()[0].rates.in == 0);
  CHECK(state.interfaces()[0].rates.in == 0);
}

TEST_CASE("the screen of 80 columns and 24 rows") {
  const auto lines = draw_top(two_looks(), {80, 24});
  REQUIRE(lines.size() == 24);
  std::string text;
  for (const auto& line : lines) text += without_escapes(line) + "\n";
  CHECK(text ==
        "mipflow: registered, home agent 2001:db8:1::1, 3 flows, 5 home addresses (2 spar\n"
        "\n"
        "  INTERFACE    KIND     FLOWS        IN       OUT    TRIP   LOSS  STATE\n"
        "1 wlan0        wifi         2  2.0 kB/s  4.0 kB/s   12 ms   0.5%  online\n"
        "2 eth0         wifi         2         -         -       -      -  has no carrier\n"
        "\n"
        " FLOW PROGRAM    INTERFACE PATH            IN       OUT CORRESPONDENT\n"
        "    2 call       wlan0     tunnel   20.0 kB/s  1.0 kB/s tcp [2001:db8:300::10]:4\n"
        "    1 web        wlan0     tunnel     100 B/s         - tcp [2001:db8:300::10]:4\n"
        "    3 web        wlan0     tunnel           -         - tcp [2001:db8:300::10]:4\n"
        "\n\n\n\n\n\n\n\n\n\n\n\n\n"
        "arrows select  m move  u undo  e explain  s sort (by rate)  q quit\n");
  CHECK_THAT(lines[7], Catch::StartsWith("\033[7m"));  // the selected one stands out
}

TEST_CASE("whatever the size, the screen fits and shows the selected flow") {
  TopState state;
  std::vector<json> flows;
  for (unsigned id = 1; id <= 200; ++id) flows.push_back(flow(id, "wlan0", 0, 0, "n\xc3\xa4me-of-a-class"));
  state.take(look(1, 0, flows));
  for (int step = 0; step < 150; ++step) state.on_key(TopKey::Down, 0, 10);
  REQUIRE(state.selected() == 150);
  for (std::size_t rows = 0; rows <= 60; ++rows)
    for (const std::size_t columns : {0, 1, 20, 79, 80, 200}) {
      INFO(columns << "x" << rows);
      const auto lines = draw_top(state, {columns, rows});
      CHECK(lines.size() == rows);
      bool selected_is_seen = false;
      for (const auto& line : lines) {
        const auto plain = without_escapes(line);
        CHECK(static_cast<std::size_t>(std::count_if(plain.begin(), plain.end(), [](char octet) { return (octet & 0xc0) != 0x80; })) <= columns);
        selected_is_seen = selected_is_seen || line.starts_with("\033[7m");
      }
      if (rows >= 12) CHECK(selected_is_seen);
    }
}

TEST_CASE("names can not command the screen") {
  TopState state;
  state.take(look(1, 0, {flow(1, "wlan0", 0, 0, "\033[2Jx\a")}));
  for (const auto& line : draw_top(state, {80, 24})) CHECK(without_escapes(line).find_first_of("\033\a") == std::string::npos);
}

TEST_CASE("keys select, and the choice stays with its flow when the order changes") {
  auto state = two_looks();
  CHECK(state.on_key(TopKey::Down, 0, 10).kind == TopRequest::Kind::Nothing);
  REQUIRE(state.flows()[state.selected()].id == 1);
  state.take(look(103, 5000, {flow(1, "wlan0", 900'000, 0), flow(2, "wlan0", 40'000, 2000), flow(3, "wlan0", 0, 0)}));
  CHECK(state.selected() == 0);
  CHECK(state.flows()[0].id == 1);
  state.on_key(TopKey::End, 0, 10);
  CHECK(state.selected() == 2);
  state.on_key(TopKey::Down, 0, 10);
  CHECK(state.selected() == 2);
  state.take(look(104, 5000, {flow(1, "wlan0", 900'000, 0)}));
  CHECK(state.selected() == 0);
  state.take(look(105, 5000, {}));
  CHECK(state.selected() == 0);
  CHECK(state.on_key(TopKey::Letter, 'e', 10).kind == TopRequest::Kind::Nothing);
}

TEST_CASE("m and a digit move the selected flow, another key does not") {
  auto state = two_looks();
  CHECK(state.on_key(TopKey::Letter, 'm', 10).kind == TopRequest::Kind::Nothing);
  CHECK_THAT(without_escapes(draw_top(state, {80, 24}).back()), Catch::StartsWith("move flow 2 to:  1 wlan0  2 eth0"));
  const auto request = state.on_key(TopKey::Letter, '2', 10);
  CHECK(request.kind == TopRequest::Kind::Move);
  CHECK(request.flow == 2);
  CHECK(request.interface == "eth0");
  state.on_key(TopKey::Letter, 'm', 10);
  CHECK(state.on_key(TopKey::Letter, '7', 10).kind == TopRequest::Kind::Nothing);
  CHECK(state.mode() == TopState::Mode::List);
  state.on_key(TopKey::Letter, 'm', 10);
  CHECK(state.on_key(TopKey::Letter, 'q', 10).kind == TopRequest::Kind::Nothing);
  CHECK(state.on_key(TopKey::Letter, 'u', 10).kind == TopRequest::Kind::Undo);
  CHECK(state.on_key(TopKey::Letter, 'q', 10).kind == TopRequest::Kind::Quit);
}

TEST_CASE("an explanation takes the place of the lists until a key is pressed") {
  auto state = two_looks();
  const auto request = state.on_key(TopKey::Letter, 'e', 10);
  CHECK(request.kind == TopRequest::Kind::Explain);
  CHECK(request.flow == 2);
  state.show_explanation({"Flow 2: so", "  rule  \033class"});
  const auto lines = draw_top(state, {80, 24});
  CHECK(lines.size() == 24);
  CHECK(lines[2] == "Flow 2: so");
  CHECK(lines[3] == "  rule  ?class");
  state.on_key(TopKey::Escape, 0, 10);
  CHECK(state.mode() == TopState::Mode::List);
}

TEST_CASE("keys arrive as sequences of octets") {
  const auto keys = read_keys("\033[A\033OBm1\033[5~\033[24;5~\033q\x01\x80");
  std::string summary;
  for (const auto& typed : keys) summary += std::to_string(static_cast<int>(typed.key)) + (typed.key == TopKey::Letter ? std::string(1, typed.letter) : "") + " ";
  CHECK(summary == "0 1 7m 71 2 6 7q ");
  CHECK(read_keys("\033[").empty());
  CHECK(read_keys("").empty());
}

TEST_CASE("more interfaces than digits have letters, and then none") {
  CHECK(TopState::choice_key(0) == '1');
  CHECK(TopState::choice_key(8) == '9');
  CHECK(TopState::choice_key(9) == 'a');
  CHECK(TopState::choice_key(34) == 'z');
  CHECK(TopState::choice_key(35) == ' ');
}
