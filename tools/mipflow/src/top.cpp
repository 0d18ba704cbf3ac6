// SPDX-License-Identifier: GPL-3.0-or-later
// `mipflow top`: asks the daemon once a second, draws, and carries out what keys ask for.
#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <sstream>

#include "commands.hpp"
#include "flow_words.hpp"
#include "full_screen.hpp"
#include "interruption.hpp"

namespace mipflow::tools {
namespace {

using Clock = std::chrono::steady_clock;
using Woken = Interruption::Woken;

constexpr Span kBetweenLooks{1};

class Top {
 public:
  Top(const Invocation& invocation, FullScreen screen) : invocation_(invocation), screen_(std::move(screen)) {}

  void run() {
    auto next = Clock::now();
    while (true) {
      if (Clock::now() >= next) {
        look();
        next = Clock::now() + std::chrono::duration_cast<Clock::duration>(kBetweenLooks);
      }
      screen_.show(draw_top(state_, screen_.size()));
      switch (interruption_.wait(next - Clock::now(), invocation_.console.input)) {
        case Woken::Interrupted: return;
        case Woken::Stopped: stop(); break;
        case Woken::Input:
          if (!read_input()) return;
          break;
        case Woken::Time:
        case Woken::Resized: break;
      }
    }
  }

 private:
  void look() {
    TopLook taken;
    taken.links = read_link_counters();
    taken.time = Span(Clock::now().time_since_epoch()).count();
    for (const auto& [request, answer] : {std::pair{"status", &taken.status}, std::pair{"flows", &taken.flows}, std::pair{"interfaces", &taken.interfaces}}) {
      auto result = ask(invocation_.line.socket, {{"request", request}});
      if (!result) return state_.say(result.error().message);
      *answer = std::move(*result);
    }
    state_.take(taken);
  }

  // The shell gets its terminal back and stops us; when it lets us go on, everything is drawn anew.
  void stop() {
    screen_.leave();
    raise(SIGSTOP);
    screen_.enter();
  }

  bool read_input() {
    std::array<char, 256> buffer{};
    const auto count = read(invocation_.console.input, buffer.data(), buffer.size());
    if (count <= 0) return false;  // the terminal is gone
    for (const auto& typed : read_keys({buffer.data(), static_cast<std::size_t>(count)})) {
      const auto request = state_.on_key(typed.key, typed.letter, flows_on_screen(state_, screen_.size()));
      if (request.kind == TopRequest::Kind::Quit) return false;
      carry_out(request);
    }
    return true;
  }

  void carry_out(const TopRequest& request) {
    switch (request.kind) {
      case TopRequest::Kind::Nothing:
      case TopRequest::Kind::Quit: return;
      case TopRequest::Kind::Move:
        return command({{"request", "move-flow"}, {"id", request.flow}, {"interface", request.interface}},
                       [&](const nlohmann::json&) { return fmt::format("flow {} moves to {}", request.flow, request.interface); });
      case TopRequest::Kind::Undo:
        return command({{"request", "undo-move"}}, [](const nlohmann::json& result) {
          return fmt::format("flow {} goes back to {}", render(field(result, "id"), Look::Plain), render(field(result, "interface"), Look::Plain));
        });
      case TopRequest::Kind::Explain: return explain(request.flow);
    }
  }

  template <class InWords>
  void command(nlohmann::json request, InWords&& in_words) {
    const auto result = ask(invocation_.line.socket, std::move(request));
    if (result) look();
    state_.say(result ? in_words(*result) : result.error().message);
  }

  void explain(FlowId flow) {
    const auto result = ask(invocation_.line.socket, {{"request", "explain"}, {"id", flow}});
    if (!result) return state_.say(result.error().message);
    std::istringstream text(explanation_text(*result));
    std::vector<std::string> lines;
    for (std::string line; std::getline(text, line);) lines.push_back(line);
    state_.show_explanation(std::move(lines));
  }

  const Invocation& invocation_;
  TopState state_;
  FullScreen screen_;
  Interruption interruption_{true};
};

}  // namespace

int show_top(const Invocation& invocation) {
  if (invocation.line.json) return complain(invocation.console, kExitUsage, "top draws on a terminal; what it shows is in 'flow list' and 'interface list'");
  // Somebody who is not there to look is told before the terminal is changed.
  if (const auto there = ask(invocation.line.socket, {{"request", "status"}}); !there) return complain(invocation.console, there.error());
  auto screen = FullScreen::open(invocation.console.input);
  if (!screen)
    return complain(invocation.console, kExitUsage, "top needs a terminal; 'mipflow flow list --watch' and 'mipflow --json flow watch' do not");
  Top(invocation, std::move(*screen)).run();
  return kExitDone;
}

}  // namespace mipflow::tools
