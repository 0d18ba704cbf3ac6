// SPDX-License-Identifier: GPL-3.0-or-later
// Whole commands against a control server that answers what the test says.
#include "mipflow/tools/command.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "whole_command.hpp"

using nlohmann::json;
using namespace mipflow::tools;

namespace {

json example_flow() {
  return {{"id", 7},
          {"class", "default"},
          {"protocol", "udp"},
          {"source", "2001:db8:100::10"},
          {"source_port", 40000},
          {"correspondent", "2001:db8:300::10"},
          {"correspondent_port", 5000},
          {"home_address", "2001:db8:100::abcd"},
          {"care_of_address", "2001:db8:1::77"},
          {"interface", "wlan0"},
          {"path", "tunnel"},
          {"state", "active"},
          {"packets_out", 1000},
          {"bytes_out", 1'234'567},
          {"packets_in", 990},
          {"bytes_in", 64},
          {"idle_seconds", 0.02},
          {"moves_with", json::array({9, 12})}};
}

}  // namespace

TEST_CASE("a list is a table with a heading and one line per row") {
  const FakeControlServer server(always(success(json::array({example_flow()}))));
  const auto outcome = run({"flow", "list", "--socket", server.path()});
  CHECK(outcome.code == kExitDone);
  CHECK(outcome.err.empty());
  CHECK(outcome.out ==
        "ID  CLASS    PROTOCOL  CORRESPONDENT            HOME ADDRESS        CARE-OF ADDRESS  INTERFACE  PATH    STATE      OUT    IN  IDLE  MOVES WITH\n"
        " 7  default  udp       [2001:db8:300::10]:5000  2001:db8:100::abcd  2001:db8:1::77   wlan0      tunnel  active  1.2 MB  64 B  0.0s  9, 12\n");
  CHECK(json::parse(server.last_request()) == json{{"version", 1}, {"request", "flows"}});
}

TEST_CASE("an empty list says so, and --json prints it as it is") {
  const FakeControlServer server(always(success(json::array())));
  CHECK(run({"flow", "list", "--socket", server.path()}).out == "there are no flows\n");
  CHECK(run({"hoa", "list", "--socket", server.path()}).out == "there are no home addresses\n");
  CHECK(json::parse(run({"--json", "flow", "list", "--socket", server.path()}).out) == json::array());
}

TEST_CASE("--json gives the daemon's result unchanged") {
  const FakeControlServer server(always(success(json::array({example_flow()}))));
  const auto outcome = run({"flow", "list", "--json", "--socket", server.path()});
  CHECK(outcome.code == kExitDone);
  CHECK(json::parse(outcome.out) == json::array({example_flow()}));
}

TEST_CASE("each command asks its own question") {
  const FakeControlServer server(always(success(json::object())));
  const auto asked_by = [&](std::vector<std::string> words) {
    words.insert(words.end(), {"--json", "--socket", server.path()});
    CHECK(run(words).code == kExitDone);
    auto request = json::parse(server.last_request());
    CHECK(request["version"] == 1);
    request.erase("version");
    return request;
  };
  CHECK(asked_by({"status"}) == json{{"request", "status"}});
  CHECK(asked_by({"flow", "list"}) == json{{"request", "flows"}});
  CHECK(asked_by({"flow", "show", "7"}) == json{{"request", "flow"}, {"id", 7}});
  CHECK(asked_by({"flow", "move", "7", "wwan0"}) == json{{"request", "move-flow"}, {"id", 7}, {"interface", "wwan0"}});
  CHECK(asked_by({"hoa", "list"}) == json{{"request", "home-addresses"}});
  CHECK(asked_by({"hoa", "show", "2001:db8::1"}) == json{{"request", "home-address"}, {"home_address", "2001:db8::1"}});
  CHECK(asked_by({"interface", "list"}) == json{{"request", "interfaces"}});
  CHECK(asked_by({"binding", "list"}) == json{{"request", "bindings"}});
  CHECK(asked_by({"flow", "explain", "7"}) == json{{"request", "explain"}, {"id", 7}});
  CHECK(asked_by({"flow", "keep", "7"}) == json{{"request", "keep-flow"}, {"id", 7}});
  CHECK(asked_by({"flow", "undo", "7"}) == json{{"request", "undo-move"}, {"id", 7}});
  CHECK(asked_by({"flow", "undo"}) == json{{"request", "undo-move"}});
  CHECK(asked_by({"flow", "release", "7"}) == json{{"request", "release-flow"}, {"id", 7}});
  CHECK(asked_by({"hoa", "allocate"}) == json{{"request", "allocate-home-address"}});
  CHECK(asked_by({"hoa", "free", "2001:db8::1"}) == json{{"request", "free-home-address"}, {"home_address", "2001:db8::1"}});
  CHECK(asked_by({"hoa", "pin", "2001:db8::1"}) == json{{"request", "pin-home-address"}, {"home_address", "2001:db8::1"}, {"pinned", true}});
  CHECK(asked_by({"hoa", "unpin", "2001:db8::1"}) == json{{"request", "pin-home-address"}, {"home_address", "2001:db8::1"}, {"pinned", false}});
  CHECK(asked_by({"policy", "show"}) == json{{"request", "policy-show"}});
  CHECK(asked_by({"policy", "test"}) == json{{"request", "policy-test"}});
  CHECK(asked_by({"policy", "user", "remove"}) == json{{"request", "user-policy"}, {"text", nullptr}});
  CHECK(asked_by({"policy", "reload"}) == json{{"request", "policy-reload"}});
  CHECK(asked_by({"reload"}) == json{{"request", "reload"}});
  CHECK(asked_by({"counters"}) == json{{"request", "counters"}});
}

TEST_CASE("each daemon's bindings have the columns that it knows") {
  json binding{{"home_address", "2001:db8:100::abcd"}, {"care_of_address", "2001:db8:1::77"}, {"state", "bound"}, {"sequence", 7}, {"lifetime_seconds", 400}};
  auto of_mobile_node = binding;
  of_mobile_node["peer"] = "2001:db8:300::10";
  of_mobile_node["last_status"] = "accepted";
  const FakeControlServer mobile_node(always(success(json::array({of_mobile_node}))));
  CHECK(run({"binding", "list", "--socket", mobile_node.path()}).out ==
        "HOME ADDRESS        CARE-OF ADDRESS  PEER              STATE  SEQUENCE  LIFETIME  LAST STATUS\n"
        "2001:db8:100::abcd  2001:db8:1::77   2001:db8:300::10  bound         7     6m40s  accepted\n");
  binding["correspondent"] = "2001:db8:300::10";
  binding["idle_seconds"] = 2;
  const FakeControlServer correspondent_node(always(success(json::array({binding}))));
  CHECK(run({"binding", "list", "--socket", correspondent_node.path()}).out ==
        "HOME ADDRESS        CARE-OF ADDRESS  CORRESPONDENT     STATE  SEQUENCE  LIFETIME  IDLE\n"
        "2001:db8:100::abcd  2001:db8:1::77   2001:db8:300::10  bound         7     6m40s  2.0s\n");
}

TEST_CASE("flow show names every field, also those that it does not know") {
  auto flow = example_flow();
  flow["loss"] = "none";
  const FakeControlServer server(always(success(flow)));
  const auto outcome = run({"flow", "show", "7", "--socket", server.path()});
  CHECK(outcome.code == kExitDone);
  CHECK_THAT(outcome.out, Catch::Contains("home address:        2001:db8:100::abcd\n"));
  CHECK_THAT(outcome.out, Catch::Contains("moves with:          9, 12\n"));
  CHECK_THAT(outcome.out, Catch::Contains("loss:                none\n"));
}

TEST_CASE("the daemon's refusal is passed on with exit code 1") {
  const FakeControlServer server(always(refusal("unknown-interface", "there is no interface wwan7; usable: wlan0, wwan0")));
  const auto outcome = run({"flow", "move", "7", "wwan7", "--socket", server.path()});
  CHECK(outcome.code == kExitRefused);
  CHECK(outcome.out.empty());
  CHECK(outcome.err == "mipflow: there is no interface wwan7; usable: wlan0, wwan0\n");
}

TEST_CASE("a refusal without a reason is still a sentence") {
  const FakeControlServer server(always("{\"ok\":false,\"error\":{\"message\":7}}\n"));
  const auto outcome = run({"status", "--socket", server.path()});
  CHECK(outcome.code == kExitRefused);
  CHECK(outcome.err == "mipflow: the daemon refused the request without a reason\n");
}

TEST_CASE("without a daemon the exit code is 3 and the message names the socket") {
  const TemporaryDirectory directory;
  const auto outcome = run({"status", "--socket", directory.path() + "/none.sock"});
  CHECK(outcome.code == kExitNoDaemon);
  CHECK_THAT(outcome.err, Catch::Contains(directory.path() + "/none.sock"));
  CHECK_THAT(run({"status", "--socket", directory.path() + "/mnd.sock"}).err, Catch::Contains("systemctl status mipflow-mnd"));
  CHECK_THAT(run({"status", "--socket", directory.path() + "/had.sock"}).err, Catch::Contains("systemctl status mipflow-had"));
  CHECK_THAT(run({"status", "--socket", directory.path() + "/cnd.sock"}).err, Catch::Contains("systemctl status mipflow-cnd"));
  CHECK(run({"status", "--socket", std::string(300, 'x')}).code == kExitNoDaemon);
}

TEST_CASE("a daemon that closes the connection is not reachable") {
  const FakeControlServer server([](const std::string&) { return std::nullopt; });
  const auto outcome = run({"status", "--socket", server.path()});
  CHECK(outcome.code == kExitNoDaemon);
  CHECK_THAT(outcome.err, Catch::Contains("without an answer"));
}

TEST_CASE("what is no answer of the protocol is said to be none") {
  for (const auto* line : {"hello\n", "[]\n", "{}\n", "{\"ok\":1}\n", "\n", "{\"ok\":true\n"}) {
    INFO(line);
    const FakeControlServer server(always(line));
    const auto outcome = run({"status", "--socket", server.path()});
    CHECK(outcome.code == kExitRefused);
    CHECK_THAT(outcome.err, Catch::Contains("no answer of the control protocol"));
  }
}

TEST_CASE("results of another shape than expected are shown, not a crash") {
  for (const auto& result : {json(7), json("text"), json(nullptr), json::array({1, "two", nullptr}), json{{"key", json::array({json::array()})}}}) {
    INFO(result.dump());
    const FakeControlServer server(always(success(result)));
    for (const auto& words : std::vector<std::vector<std::string>>{{"status"}, {"flow", "list"}, {"flow", "show", "1"}, {"flow", "move", "1", "x"}, {"hoa", "list"}, {"hoa", "show", "::1"}, {"hoa", "allocate"}, {"flow", "explain", "1"}, {"flow", "undo"}, {"policy", "show"}, {"policy", "test"}, {"interface", "list"}, {"policy", "reload"}, {"counters"}}) {
      auto arguments = words;
      arguments.insert(arguments.end(), {"--socket", server.path()});
      CHECK(run(arguments).code == kExitDone);
    }
  }
}

TEST_CASE("wrong usage is refused before anybody is asked") {
  struct Row {
    std::vector<std::string> arguments;
    std::string reason;
  };
  const std::vector<Row> rows{
      {{}, "usage: mipflow"},
      {{"flow"}, "there is no command 'flow': there is 'mipflow flow list', 'mipflow flow show ID', 'mipflow flow explain ID'"},
      {{"flwo", "list"}, "there is no command 'flwo list': 'mipflow --help' lists the commands"},
      {{"flows"}, "there is no command 'flows': there is 'mipflow flow list'"},
      {{"inter", "list"}, "there is no command 'inter list': there is 'mipflow interface list'"},
      {{"flow", "list", "7"}, "wrong number of arguments; usage: mipflow flow list"},
      {{"flow", "move", "7"}, "wrong number of arguments; usage: mipflow flow move ID INTERFACE"},
      {{"flow", "show", "seven"}, "'seven' is no flow"},
      {{"flow", "show", "0"}, "'0' is no flow"},
      {{"flow", "show", "7x"}, "'7x' is no flow"},
      {{"flow", "show", "99999999999999999999999"}, "is no flow"},
      {{"hoa", "show", "2001:db8::1::2"}, "'2001:db8::1::2' is no IPv6 address"},
      {{"flow", "explain", "seven"}, "'seven' is no flow"},
      {{"flow", "undo", "7", "8"}, "wrong number of arguments; usage: mipflow flow undo [ID]"},
      {{"hoa", "free", "1.2.3.4"}, "'1.2.3.4' is no IPv6 address"},
      {{"hoa", "pin", "x"}, "'x' is no IPv6 address"},
      {{"status", "--for", "5"}, "'mipflow status' has no option --for"},
      {{"flow", "move", "7", "wwan0", "--watch"}, "'mipflow flow move' has no option --watch"},
      {{"status", "--watch=0.05"}, "--watch: expected 0.1 to 86400 seconds"},
      {{"status", "--watch=nan"}, "--watch"},
      {{"flow", "try", "7", "wwan0", "--for", "0"}, "--for: expected 1 to 86400 seconds"},
      {{"flow", "list", "--help", "--home"}, "unrecognised option '--home'"},
      {{"status", "--jsno"}, "unrecognised option '--jsno'"},
      {{"status", "--socket"}, "--socket"},
      {{"status", "--home-agent", "--correspondent-node"}, "--home-agent and --correspondent-node are two daemons"},
  };
  for (const auto& row : rows) {
    const auto outcome = run(row.arguments);
    INFO(row.reason);
    CHECK(outcome.code == kExitUsage);
    CHECK(outcome.out.empty());
    CHECK_THAT(outcome.err, Catch::Contains(row.reason));
  }
}

TEST_CASE("every command explains itself") {
  const auto overview = run({"--help"});
  CHECK(overview.code == kExitDone);
  for (const auto& words : std::vector<std::vector<std::string>>{{"status"}, {"flow", "list"}, {"flow", "show"}, {"flow", "explain"}, {"flow", "move"}, {"flow", "try"}, {"flow", "keep"}, {"flow", "undo"}, {"flow", "release"}, {"flow", "watch"}, {"hoa", "list"}, {"hoa", "show"}, {"hoa", "allocate"}, {"hoa", "free"}, {"hoa", "pin"}, {"hoa", "unpin"}, {"interface", "list"}, {"binding", "list"}, {"policy", "check"}, {"policy", "show"}, {"policy", "test"}, {"policy", "reload"}, {"policy", "user", "set"}, {"policy", "user", "remove"}, {"reload"}, {"counters"}}) {
    auto arguments = words;
    std::string name;
    for (const auto& word : words) name += (name.empty() ? "" : " ") + word;
    INFO(name);
    CHECK_THAT(overview.out, Catch::Contains("  " + name));
    arguments.push_back("--help");
    const auto outcome = run(arguments);
    CHECK(outcome.code == kExitDone);
    CHECK_THAT(outcome.out, Catch::StartsWith("usage: mipflow [OPTIONS] " + name));
  }
}

TEST_CASE("the first word of several commands explains those, and no others") {
  const auto outcome = run({"flow", "--help"});
  CHECK(outcome.code == kExitDone);
  CHECK_THAT(outcome.out, Catch::StartsWith("usage: mipflow [OPTIONS] flow COMMAND"));
  for (const auto* line : {"  flow list  ", "  flow show ID  ", "  flow move ID INTERFACE  "}) CHECK_THAT(outcome.out, Catch::Contains(line));
  CHECK_THAT(outcome.out, !Catch::Contains("hoa list"));
  CHECK(run({"flwo", "--help"}).code == kExitUsage);
}

TEST_CASE("decode reads its own arguments") {
  CHECK_THAT(run({"decode", "--help"}).out, Catch::Contains("decode"));
  CHECK(run({"decode", "no-such-file.pcap"}).code == 2);
  const auto late = run({"--json", "decode", "6000"});
  CHECK(late.code == kExitUsage);
  CHECK_THAT(late.err, Catch::Contains("'decode' stands first"));
}

TEST_CASE("names can not command the terminal, and only a terminal gets bold headings") {
  auto flow = example_flow();
  flow["class"] = "\033[31mred\a";
  const FakeControlServer server(always(success(json::array({flow}))));
  CHECK(run({"flow", "list", "--socket", server.path()}).out.find('\033') == std::string::npos);
  const auto outcome = run({"flow", "list", "--socket", server.path()}, true);
  CHECK_THAT(outcome.out, Catch::StartsWith("\033[1m"));
  CHECK_THAT(outcome.out, Catch::Contains("?[31mred?"));
}

TEST_CASE("status tells problems apart from facts") {
  const FakeControlServer server(always(success({{"registered", false}, {"flows", 0}, {"problems", json::array({"no interface is usable: plug one in"})}})));
  const auto outcome = run({"status", "--socket", server.path()});
  CHECK(outcome.out == "registered:  no\nflows:       0\nproblem: no interface is usable: plug one in\n");
}

TEST_CASE("a long answer arrives whole") {
  auto flows = json::array();
  for (int id = 1; id <= 5000; ++id) {
    auto flow = example_flow();
    flow["id"] = id;
    flows.push_back(flow);
  }
  const FakeControlServer server(always(success(flows)));
  const auto outcome = run({"flow", "list", "--json", "--socket", server.path()});
  CHECK(outcome.code == kExitDone);
  CHECK(json::parse(outcome.out).size() == 5000);
}
