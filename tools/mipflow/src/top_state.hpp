// SPDX-License-Identifier: GPL-3.0-or-later
// What `mipflow top` knows and what a key means to it. No terminal, no socket, no clock: time is an argument.
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "link_counters.hpp"
#include "mipflow/base/flow_key.hpp"

namespace mipflow::tools {

// One look at the daemon: the answers to `status`, `flows` and `interfaces`, and the octets of the interfaces.
struct TopLook {
  nlohmann::json status, flows, interfaces;
  std::map<std::string, LinkCounters> links;
  double time = 0;  // seconds of any clock that only goes forward
};

struct Rates {
  double in = 0, out = 0;  // octets per second
};

struct TopFlow {
  FlowId id = 0;
  std::string interface, what, protocol, correspondent, path, state;
  Rates rates;
};

struct TopInterface {
  std::string name, kind, router_state, round_trip, loss;
  bool usable = false;
  Rates rates;
  std::uint64_t flows = 0;
};

enum class TopKey : unsigned char { Up, Down, PageUp, PageDown, Home, End, Escape, Letter };

// What the caller has to do for a key.
struct TopRequest {
  enum class Kind : unsigned char { Nothing, Move, Undo, Explain, Quit };
  Kind kind = Kind::Nothing;
  FlowId flow = 0;
  std::string interface = {};
};

class TopState {
 public:
  enum class Sort : unsigned char { Rate, Number, Interface, What };
  enum class Mode : unsigned char { List, ChooseInterface, Explanation };

  void take(const TopLook& look);
  // `letter` with TopKey::Letter. `page`: how many flows one screen shows.
  TopRequest on_key(TopKey key, char letter, std::size_t page);
  // A line for the user: what became of a request, or why nothing can be seen. Goes with the next key.
  void say(std::string message) { message_ = std::move(message); }
  void show_explanation(std::vector<std::string> lines);

  const nlohmann::json& status() const { return status_; }
  const std::vector<TopFlow>& flows() const { return flows_; }            // sorted
  const std::vector<TopInterface>& interfaces() const { return interfaces_; }
  // The key that chooses the interface at this place of interfaces(): 1 to 9, then letters.
  static char choice_key(std::size_t position);
  std::size_t selected() const { return selected_; }                      // place in flows(); 0 without flows
  Sort sort() const { return sort_; }
  Mode mode() const { return mode_; }
  const std::string& message() const { return message_; }
  const std::vector<std::string>& explanation() const { return explanation_; }

 private:
  void take_flows(const nlohmann::json& flows, double passed);
  void take_interfaces(const TopLook& look, double passed);
  void order();
  void select(std::ptrdiff_t steps);
  TopRequest on_letter(char letter);
  TopRequest choose(char letter);

  nlohmann::json status_;
  std::vector<TopFlow> flows_;
  std::vector<TopInterface> interfaces_;
  std::map<FlowId, Rates> carried_;               // octets, not per second
  std::map<std::string, LinkCounters> links_;
  std::optional<double> time_;
  std::size_t selected_ = 0;
  bool chosen_ = false;                           // by a key: the selection stays with its flow; else it stays on top
  Sort sort_ = Sort::Rate;
  Mode mode_ = Mode::List;
  std::string message_;
  std::vector<std::string> explanation_;
};

}  // namespace mipflow::tools
