// SPDX-License-Identifier: GPL-3.0-or-later
// What `flow explain`, `flow try` and `flow watch` make of the daemon's answers.
#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <functional>
#include <nlohmann/json.hpp>

#include "flow_changes.hpp"
#include "whole_command.hpp"

using nlohmann::json;
using namespace mipflow::tools;

namespace {

json explained_flow() {
  return {{"id", 7},
          {"class", "voice"},
          {"protocol", "udp"},
          {"source", "2001:db8:100::10"},
          {"source_port", 40000},
          {"correspondent", "2001:db8:300::10"},
          {"correspondent_port", 5060},
          {"owner",
           {{"user", 0}, {"group", 0}, {"process", 4711}, {"program", "/usr/bin/baresip"}, {"cgroup", "/user.slice/voice.scope"},
            {"unit", "voice.scope"}, {"wanted_class", nullptr}, {"wanted_interface", "wwan0"}}},
          {"rule_origin", "/etc/mipflow/policy.d/voice.toml:3"},
          {"rule_layer", "operator, mandatory"},
          {"home_address", "2001:db8:100::abcd"},
          {"home_address_reason", "no other flow goes to this correspondent node with it"},
          {"care_of_address", "2001:db8:1::77"},
          {"interface", "wwan0"},
          {"interface_reason", "moved by command"},
          {"path", "tunnel"},
          {"path_reason", "the correspondent node does not answer"},
          {"state", "active"},
          {"initiated_by", "mobile-node"},
          {"bytes_out", 1'234'567},
          {"bytes_in", 64},
          {"idle_seconds", 0.02},
          {"moves_with", json::array({9, 12})},
          {"interfaces",
           {{{"interface", "eth0"}, {"chosen", false}, {"reason", "has no carrier"}},
            {{"interface", "wlan0"}, {"chosen", false}, {"reason", "the flow was moved away by command"}},
            {{"interface", "wwan0"}, {"chosen", true}, {"reason", "moved by command"}}}},
          {"moves",
           {{{"ago_seconds", 125}, {"from", "wlan0"}, {"to", "wwan0"}, {"cause", "command"}, {"gap_out_seconds", 0.0214},
             {"gap_in_seconds", 0.0032}, {"retransmissions_out", 2}, {"retransmissions_in", nullptr}},
            {{"ago_seconds", 3600}, {"from", nullptr}, {"to", "wlan0"}, {"cause", "interface came"}, {"gap_out_seconds", nullptr},
             {"gap_in_seconds", nullptr}, {"retransmissions_out", nullptr}, {"retransmissions_in", nullptr}}}},
          {"trial", nullptr}};
}

// A daemon with one flow, on wlan0, that can be tried elsewhere. `carries` is called before each explanation.
class Daemon {
 public:
  std::string answer(const std::string& line) {
    const auto request = json::parse(line);
    const auto name = request.at("request").get<std::string>();
    asked.push_back(request);
    if (name == "try-flow") {
      flow["trial"] = {{"from", "wlan0"}, {"to", "wwan0"}, {"ends_in_seconds", request["seconds"]}, {"outcome", "running"}, {"reason", nullptr}};
      flow["moves"].insert(flow["moves"].begin(), json{{"ago_seconds", 0}, {"from", "wlan0"}, {"to", "wwan0"}, {"cause", "trial"},
                                                      {"gap_out_seconds", 0.012}, {"gap_in_seconds", nullptr}, {"retransmissions_out", 0}, {"retransmissions_in", 1}});
      return success({{"id", 7}, {"interface", "wwan0"}, {"from", "wlan0"}, {"seconds", request["seconds"]}});
    }
    if (name == "explain") {
      if (on_explain) on_explain(*this);
      return ended ? refusal("unknown-flow", "There is no flow 7.") : success(flow);
    }
    if (name == "undo-move") return success({{"id", 7}, {"interface", "wlan0"}});
    return success(json::object());
  }

  void end_trial(const char* outcome, const char* reason) {
    flow["trial"]["outcome"] = outcome;
    flow["trial"]["reason"] = reason;
  }
  std::size_t count(const char* name) const {
    return static_cast<std::size_t>(std::count_if(asked.begin(), asked.end(), [&](const json& request) { return request["request"] == name; }));
  }

  json flow = explained_flow();
  bool ended = false;
  std::function<void(Daemon&)> on_explain;
  std::vector<json> asked;
};

// The second look finds the trial over.
std::function<void(Daemon&)> ends_with(const char* outcome, const char* reason) {
  return [=, looks = 0](Daemon& daemon) mutable {
    daemon.flow["bytes_out"] = 1'234'567 + 1000 * looks;
    if (++looks == 2) daemon.end_trial(outcome, reason);
  };
}

FakeControlServer::Answer answers_of(Daemon& daemon) {
  return [&](const std::string& line) { return daemon.answer(line); };
}

// A user who types before being asked.
class Typed {
 public:
  explicit Typed(const std::string& text) {
    REQUIRE(pipe(ends_) == 0);
    REQUIRE(write(ends_[1], text.data(), text.size()) == static_cast<ssize_t>(text.size()));
  }
  ~Typed() {
    close(ends_[0]);
    close(ends_[1]);
  }
  int input() const { return ends_[0]; }

 private:
  int ends_[2];
};

}  // namespace

TEST_CASE("explain tells whose flow it is, why it goes there, and what its moves cost") {
  const FakeControlServer server(always(success(explained_flow())));
  const auto outcome = run({"flow", "explain", "7", "--socket", server.path()});
  CHECK(outcome.code == kExitDone);
  CHECK(outcome.out ==
        "Flow 7: udp to [2001:db8:300::10]:5060, 1.2 MB out, 64 B in, active\n"
        "  belongs to      baresip (process 4711) of root in voice.scope\n"
        "  asked for       wwan0, by mipflow run\n"
        "  rule            class voice, /etc/mipflow/policy.d/voice.toml:3 (operator, mandatory)\n"
        "  home address    2001:db8:100::abcd: no other flow goes to this correspondent node with it\n"
        "  interface       wwan0: moved by command\n"
        "                  not eth0: has no carrier\n"
        "                  not wlan0: the flow was moved away by command\n"
        "  bound to        2001:db8:1::77\n"
        "  path            tunnel: the correspondent node does not answer\n"
        "  moves with      flows 9, 12: they share its home address\n"
        "  moves           2m05s ago: wlan0 -> wwan0 (command); gap out 21 ms, gap in 3.2 ms, 2 sent again out\n"
        "                  1h00m ago: - -> wlan0 (interface came); not measured\n");
}

TEST_CASE("explain says so when nobody is known, and obeys no name") {
  auto flow = explained_flow();
  flow["owner"] = nullptr;
  flow["class"] = "\033[31mred";
  flow["moves"] = json::array();
  flow["moves_with"] = json::array();
  flow["trial"] = {{"from", "wlan0"}, {"to", "wwan0"}, {"ends_in_seconds", 4}, {"outcome", "running"}, {"reason", nullptr}};
  const FakeControlServer server(always(success(flow)));
  const auto outcome = run({"flow", "explain", "7", "--socket", server.path()});
  CHECK_THAT(outcome.out, Catch::Contains("belongs to      nobody that is known"));
  CHECK_THAT(outcome.out, Catch::Contains("class ?[31mred"));
  CHECK_THAT(outcome.out, Catch::Contains("moves with      no other flow\n"));
  CHECK_THAT(outcome.out, Catch::Contains("trial           wwan0 instead of wlan0: running, goes back in 4.0s\n"));
  CHECK_THAT(outcome.out, Catch::Contains("moves           none so far\n"));
}

TEST_CASE("a trial in a pipe waits for the daemon's end and tells what was measured") {
  Daemon daemon;
  daemon.on_explain = ends_with("rolled back", "nobody asked to keep it: 10 packets out");
  const FakeControlServer server(answers_of(daemon));
  const auto outcome = run({"flow", "try", "7", "wwan0", "--for", "5", "--socket", server.path()});
  CHECK(outcome.code == kExitDone);
  CHECK_THAT(outcome.out, Catch::StartsWith("flow 7 on wwan0 instead of wlan0 for 0 s: 1.0 kB out, 0 B in\n"
                                            "the move there: gap out 12 ms, 0 sent again out, 1 sent again in\n"));
  CHECK_THAT(outcome.out, Catch::EndsWith("rolled back: nobody asked to keep it: 10 packets out\n"));
  CHECK(daemon.asked.front() == json{{"version", 1}, {"request", "try-flow"}, {"id", 7}, {"interface", "wwan0"}, {"seconds", 5}, {"keep_if_better", false}});
  CHECK(daemon.count("undo-move") == 0);
}

TEST_CASE("a trial that decides by measurement says by its exit code how") {
  for (const auto& [word, code] : {std::pair{"kept", 0}, std::pair{"rolled back", 4}, std::pair{"ended by another move", 1}}) {
    Daemon daemon;
    daemon.on_explain = ends_with(word, "it was so");
    const FakeControlServer server(answers_of(daemon));
    const auto outcome = run({"--json", "flow", "try", "7", "wwan0", "--keep-if-better", "--socket", server.path()});
    INFO(word);
    CHECK(outcome.code == code);
    CHECK(daemon.asked.front()["keep_if_better"] == true);
    CHECK(daemon.asked.front()["seconds"] == 10);
    const auto result = json::parse(outcome.out);
    CHECK(result["outcome"] == word);
    CHECK(result["reason"] == "it was so");
    CHECK(result["from"] == "wlan0");
    CHECK(result["move"]["gap_out_seconds"] == 0.012);
  }
}

TEST_CASE("a flow that ends while it is tried is no success") {
  Daemon daemon;
  daemon.on_explain = [looks = 0](Daemon& it) mutable { it.ended = ++looks == 2; };
  const FakeControlServer server(answers_of(daemon));
  const auto outcome = run({"flow", "try", "7", "wwan0", "--socket", server.path()});
  CHECK(outcome.code == kExitRefused);
  CHECK_THAT(outcome.out, Catch::EndsWith("the flow ended meanwhile\n"));
}

TEST_CASE("somebody at a terminal is asked, and only a yes keeps the flow") {
  struct Row {
    const char* typed;
    const char* request;
    const char* last_line;
  };
  for (const auto& row : {Row{"y\n", "keep-flow", "flow 7 stays on wwan0\n"}, Row{"n\n", "undo-move", "not kept: flow 7 is back on wlan0\n"},
                          Row{"\n", "undo-move", "not kept: flow 7 is back on wlan0\n"}}) {
    Daemon daemon;
    const FakeControlServer server(answers_of(daemon));
    const Typed user(row.typed);
    const auto outcome = run({"flow", "try", "7", "wwan0", "--for", "1", "--socket", server.path()}, false, user.input());
    INFO(row.typed);
    CHECK(outcome.code == kExitDone);
    CHECK(daemon.asked.front()["seconds"] == 31);  // time to answer, then the daemon takes it back
    CHECK(daemon.asked.back()["request"] == row.request);
    CHECK_THAT(outcome.out, Catch::Contains("keep flow 7 on wwan0? [y/N] "));
    CHECK_THAT(outcome.out, Catch::EndsWith(row.last_line));
  }
}

TEST_CASE("a trial that the daemon refuses is not begun") {
  const FakeControlServer server(always(refusal("not-possible", "Flow 7 is on wwan0 already.")));
  const auto outcome = run({"flow", "try", "7", "wwan0", "--socket", server.path()});
  CHECK(outcome.code == kExitRefused);
  CHECK(outcome.err == "mipflow: Flow 7 is on wwan0 already.\n");
  CHECK(outcome.out.empty());
}

TEST_CASE("what happened to flows is found by comparing") {
  const auto flow = [](unsigned id, const json& interface, const char* path, const char* state) {
    return json{{"id", id}, {"interface", interface}, {"interface_reason", "so"}, {"path", path}, {"path_reason", "thus"}, {"state", state}};
  };
  const auto before = json::array({flow(1, "wlan0", "tunnel", "active"), flow(2, "wlan0", "tunnel", "active"), flow(3, nullptr, "tunnel", "stranded")});
  const auto now = json::array({flow(2, "wlan0", "tunnel", "active"), flow(3, "wwan0", "direct", "active"), flow(4, "wwan0", "tunnel", "held")});
  std::string summary;
  for (const auto& event : flow_changes(before, now))
    summary += event["event"].get<std::string>() + " " + event["id"].dump() + " " + event["from"].dump() + "->" + event["to"].dump() + " " + event["reason"].dump() + "\n";
  CHECK(summary ==
        "end 1 \"wlan0\"->null null\n"
        "move 3 null->\"wwan0\" \"so\"\n"
        "path 3 \"tunnel\"->\"direct\" \"thus\"\n"
        "state 3 \"stranded\"->\"active\" null\n"
        "begin 4 null->\"wwan0\" \"so\"\n");
  CHECK(flow_changes(now, now).empty());
  CHECK(flow_changes("nonsense", json::array({7, nullptr, json{{"id", "x"}}})).empty());
}
