// SPDX-License-Identifier: GPL-3.0-or-later
// `mipflow flow try`: a move for a while. The daemon ends the trial in time whatever becomes of this command.
#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <cmath>
#include <ostream>

#include "commands.hpp"
#include "flow_words.hpp"
#include "interruption.hpp"

namespace mipflow::tools {
namespace {

using Clock = std::chrono::steady_clock;
using Woken = Interruption::Woken;

constexpr Span kDefaultDuration{10};
constexpr Span kBetweenLooks{0.25};
// The daemon gives a user this long to say yes before it takes the flow back.
constexpr Span kTimeToAnswer{30};

class Trial {
 public:
  Trial(const Invocation& invocation, FlowId id, Span duration)
      : invocation_(invocation), id_(id), duration_(duration), begun_(Clock::now()) {}

  int run() {
    nlohmann::json request{{"request", "try-flow"}, {"id", id_}, {"interface", interface_name()}};
    const auto longest = duration_ + (asks() ? kTimeToAnswer : Span(0));
    request["seconds"] = std::llround(std::ceil(longest.count()));
    request["keep_if_better"] = invocation_.line.keep_if_better;
    const auto begun = ask(invocation_.line.socket, std::move(request));
    if (!begun) return complain(invocation_.console, begun.error());
    from_ = render(field(*begun, "from"), Look::Plain);
    return follow();
  }

 private:
  const std::string& interface_name() const { return invocation_.arguments[1]; }
  // On a terminal somebody can be asked; programs and --keep-if-better decide without.
  bool asks() const { return invocation_.console.input >= 0 && !invocation_.line.keep_if_better && !invocation_.line.json; }
  bool shows_progress() const { return invocation_.console.terminal && !invocation_.line.json; }
  std::ostream& out() { return invocation_.console.out; }
  Span passed() const { return Clock::now() - begun_; }

  // Looks until the trial is over, its time to be judged has come, or the user interrupts.
  int follow() {
    while (true) {
      if (const int code = look(); code != kExitDone) return code;
      if (ended_ || outcome() != "running") return conclude();
      if (asks() && passed() >= duration_) return ask_user();
      show_progress();
      if (interruption_.wait(kBetweenLooks) == Woken::Interrupted) return take_back("interrupted");
    }
  }

  // Takes a fresh explanation of the flow; a flow that is gone keeps the last one.
  int look() {
    auto flow = ask(invocation_.line.socket, {{"request", "explain"}, {"id", id_}});
    if (flow) {
      flow_ = std::move(*flow);
      if (!first_) first_ = flow_;
      return kExitDone;
    }
    ended_ = flow.error().name == "unknown-flow";
    if (ended_) return kExitDone;
    clear_progress();
    return complain(invocation_.console, flow.error());
  }

  std::string outcome() const {
    const auto& word = field(field(flow_, "trial"), "outcome");
    return word.is_string() ? word.get<std::string>() : "ended by another move";
  }

  void show_progress() {
    if (!shows_progress()) return;
    const auto left = std::max(Span(0), duration_ - passed());
    out() << fmt::format("\r\033[Kflow {} is on {} for {:.0f} s more: {}", id_, interface_name(), std::ceil(left.count()),
                         carried())
          << std::flush;
  }
  void clear_progress() {
    if (shows_progress()) out() << "\r\033[K" << std::flush;
  }

  // What the flow carried during the trial.
  std::string carried() const {
    const auto since = [&](const char* key) {
      const auto& now = field(flow_, key);
      const auto& then = field(first_ ? *first_ : flow_, key);
      if (!now.is_number() || !then.is_number()) return std::string("-");
      return render(now.get<double>() - then.get<double>(), Look::Octets);
    };
    return fmt::format("{} out, {} in", since("bytes_out"), since("bytes_in"));
  }

  // The move that the trial began with, null while it is not in the list.
  nlohmann::json first_move() const {
    for (const auto& move : field(flow_, "moves"))
      if (field(move, "cause") == "trial" && field(move, "to") == interface_name()) return move;
    return {};
  }

  void print_measurements() {
    out() << fmt::format("flow {} on {} instead of {} for {:.0f} s: {}\n", id_, interface_name(), from_,
                         std::round(passed().count()), carried());
    if (const auto move = first_move(); !move.is_null()) out() << "the move there: " << cost_of(move) << '\n';
  }

  int ask_user() {
    clear_progress();
    print_measurements();
    out() << fmt::format("keep flow {} on {}? [y/N] ", id_, interface_name()) << std::flush;
    const auto woken = wait_for_answer();
    if (woken != Woken::Input) out() << '\n';
    if (woken == Woken::Interrupted) return take_back("interrupted");
    if (woken == Woken::Input && read_yes()) return keep();
    return take_back("not kept");
  }

  // A little less than the daemon waits.
  Woken wait_for_answer() {
    const auto until = Clock::now() + std::chrono::duration_cast<Clock::duration>(kTimeToAnswer - Span(2));
    auto woken = Woken::Resized;
    while (woken == Woken::Resized) woken = interruption_.wait(until - Clock::now(), invocation_.console.input);
    return woken;
  }

  bool read_yes() const {
    std::array<char, 256> line{};
    const auto count = read(invocation_.console.input, line.data(), line.size());
    return count > 0 && (line[0] == 'y' || line[0] == 'Y');
  }

  int keep() {
    const auto kept = ask(invocation_.line.socket, {{"request", "keep-flow"}, {"id", id_}});
    if (!kept) return complain(invocation_.console, kept.error());
    out() << fmt::format("flow {} stays on {}\n", id_, interface_name());
    return kExitDone;
  }

  int take_back(const char* why) {
    clear_progress();
    const auto undone = ask(invocation_.line.socket, {{"request", "undo-move"}, {"id", id_}});
    if (!undone) return complain(invocation_.console, undone.error());
    if (invocation_.line.json) {
      print("rolled back", why);
    } else {
      out() << fmt::format("{}: flow {} is back on {}\n", why, id_, render(field(*undone, "interface"), Look::Plain));
    }
    // Without an answer it goes back as announced; an interrupt is no success.
    return std::string_view(why) == "interrupted" ? kExitNotKept : kExitDone;
  }

  int conclude() {
    clear_progress();
    const auto how = ended_ ? std::string("flow ended") : outcome();
    const auto& reason = field(field(flow_, "trial"), "reason");
    if (invocation_.line.json) {
      print(how, ended_ ? nlohmann::json() : reason);
    } else {
      print_measurements();
      out() << fmt::format("{}{}\n",
                           ended_          ? "the flow ended meanwhile"
                           : how == "kept" ? "it stays there"
                                           : printable(how),
                           !ended_ && reason.is_string() ? ": " + printable(reason.get<std::string>()) : "");
    }
    if (how == "ended by another move" || ended_) return kExitRefused;
    return how == "kept" || !invocation_.line.keep_if_better ? kExitDone : kExitNotKept;
  }

  void print(const std::string& how, const nlohmann::json& reason) {
    print_json(out(), {{"id", id_},
                       {"interface", interface_name()},
                       {"from", from_ == "-" ? nlohmann::json() : nlohmann::json(from_)},
                       {"seconds", std::round(passed().count() * 1000) / 1000},
                       {"outcome", how},
                       {"reason", reason},
                       {"move", first_move()}});
  }

  const Invocation& invocation_;
  FlowId id_;
  Span duration_;
  Clock::time_point begun_;
  Interruption interruption_;
  std::string from_;
  nlohmann::json flow_;                  // as last seen
  std::optional<nlohmann::json> first_;  // when the trial began
  bool ended_ = false;                   // the flow, not the trial
};

}  // namespace

int try_flow(const Invocation& invocation) {
  const auto id = take_flow_id(invocation, 0);
  if (!id) return kExitUsage;
  return Trial(invocation, *id, invocation.line.duration.value_or(kDefaultDuration)).run();
}

}  // namespace mipflow::tools
