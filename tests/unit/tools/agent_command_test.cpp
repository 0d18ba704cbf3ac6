// SPDX-License-Identifier: GPL-3.0-or-later
// `mipflow ha …` against a home agent that answers what the test says.
#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "command_line.hpp"
#include "whole_command.hpp"

using nlohmann::json;
using namespace mipflow::tools;

namespace {

json agent(const std::string& name, const std::string& state, std::size_t home_addresses, std::size_t in_exchange = 0) {
  return {{"name", name},
          {"address", "2001:db8:100::3"},
          {"role", "secondary"},
          {"state", state},
          {"home_addresses", home_addresses},
          {"in_exchange", in_exchange},
          {"packets_per_second", 1000.5},
          {"weight", 2},
          {"round_trip_seconds", 0.0004},
          {"silent_seconds", 0.05}};
}

json sharing(json agents) {
  return {{"division", "equal"},
          {"answer", "at-once"},
          {"tunnel_source", "primary"},
          {"own_weight", 1},
          {"port", 6275},
          {"listening", true},
          {"home_addresses", 30},
          {"delegated", 20},
          {"forwarded", 0},
          {"packets_per_second", 17.25},
          {"agents", std::move(agents)}};
}

// A home agent whose secondary ha2 has, each time that somebody asks, one home address less.
struct Emptying {
  explicit Emptying(std::size_t left) : left_(left) {}
  std::optional<std::string> operator()(const std::string& line) {
    const auto request = json::parse(line);
    if (request["request"] == "drain-agent") return success({{"agent", "ha2"}, {"drain", request["drain"]}});
    const auto now = left_;
    if (left_ > 0) --left_;
    return success(sharing({agent("ha2", "draining", now / 2, now - now / 2)}));
  }
  std::size_t left_;
};

}  // namespace

TEST_CASE("ha: the home agent of this host is asked unless somebody says otherwise") {
  const auto socket_of = [](const std::vector<std::string>& words) { return parse_command_line(words)->socket; };
  ::unsetenv("MIPFLOW_SOCKET");
  CHECK(socket_of({"ha", "status"}) == "/run/mipflow/had.sock");
  CHECK(socket_of({"--json", "ha", "list"}) == "/run/mipflow/had.sock");
  CHECK(socket_of({"hoa", "list"}) == "/run/mipflow/mnd.sock");
  CHECK(socket_of({"ha", "status", "--socket", "/x"}) == "/x");
  ::setenv("MIPFLOW_SOCKET", "/y", 1);
  CHECK(socket_of({"ha", "status"}) == "/y");
  ::unsetenv("MIPFLOW_SOCKET");
}

TEST_CASE("ha status: how the load is shared, and with whom") {
  const FakeControlServer server(always(success(sharing({agent("ha2", "serving", 20)}))));
  const auto outcome = run({"ha", "status", "--socket", server.path()});
  CHECK(outcome.code == kExitDone);
  CHECK(outcome.out ==
        "home addresses in the tunnels:   30\n"
        "delegated to secondaries:        20\n"
        "forwarded for primaries:         0\n"
        "packets/s through this one:      17.25\n"
        "division:                        equal\n"
        "own weight:                      1\n"
        "mobile nodes are answered:       at-once\n"
        "source of secondaries' tunnels:  primary\n"
        "UDP port:                        6275\n"
        "port is open:                    yes\n"
        "\n"
        "AGENT  ADDRESS          ROLE       STATE    WEIGHT  HOME ADDRESSES  IN EXCHANGE  PACKETS/S  ROUND TRIP  SILENT FOR\n"
        "ha2    2001:db8:100::3  secondary  serving       2              20            0     1000.5      0.4 ms        0.1s\n");
  CHECK(json::parse(server.last_request()) == json{{"version", 1}, {"request", "load-sharing"}});
}

TEST_CASE("ha status: a home agent that is alone says so") {
  const FakeControlServer server(always(success(sharing(json::array()))));
  CHECK_THAT(run({"ha", "status", "--socket", server.path()}).out, Catch::EndsWith("\nthis home agent is alone: no [[secondary]] and no [[primary]] in its configuration\n"));
}

TEST_CASE("ha list: who has which home address") {
  const json own{{"home_address", "2001:db8:100::10"}, {"agent", nullptr}, {"state", "own"}, {"reason", nullptr}, {"packets_per_second", 0}, {"packets", 0}, {"bytes", 0}, {"lifetime_seconds", 90}};
  json other = own;
  other.update({{"home_address", "2001:db8:100::11"}, {"agent", "ha2"}, {"state", "delegated"}, {"reason", "load"}, {"packets", 7}, {"bytes", 7000}});
  const FakeControlServer server(always(success({own, other})));
  CHECK(run({"ha", "list", "--socket", server.path()}).out ==
        "HOME ADDRESS      AGENT       STATE      REASON  PACKETS/S  PACKETS  CARRIED  LIFETIME\n"
        "2001:db8:100::10  (this one)  own        -               0        0      0 B     1m30s\n"
        "2001:db8:100::11  ha2         delegated  load            0        7   7.0 kB     1m30s\n");
  CHECK(json::parse(run({"ha", "list", "--json", "--socket", server.path()}).out) == json{own, other});
  const FakeControlServer empty(always(success(json::array())));
  CHECK(run({"ha", "list", "--socket", empty.path()}).out == "there are no home addresses\n");
}

TEST_CASE("ha: each change asks its own question and says what happens") {
  const FakeControlServer server(always(success(json::object())));
  const auto said = [&](std::vector<std::string> words) {
    words.insert(words.end(), {"--socket", server.path()});
    const auto outcome = run(words);
    CHECK(outcome.code == kExitDone);
    return outcome.out;
  };
  const auto asked = [&] {
    auto request = json::parse(server.last_request());
    request.erase("version");
    return request;
  };
  CHECK(said({"ha", "delegate", "2001:db8::1", "ha2"}) == "2001:db8::1 goes to ha2\n");
  CHECK(asked() == json{{"request", "delegate-home-address"}, {"home_address", "2001:db8::1"}, {"agent", "ha2"}});
  CHECK(said({"ha", "recall", "2001:db8::1"}) == "2001:db8::1 comes back to this home agent\n");
  CHECK(asked() == json{{"request", "recall-home-address"}, {"home_address", "2001:db8::1"}});
  CHECK(said({"ha", "release", "2001:db8::1"}) == "2001:db8::1 is left to the division again\n");
  CHECK(asked() == json{{"request", "release-home-address"}, {"home_address", "2001:db8::1"}});
  CHECK(said({"ha", "drain", "ha2"}) == "ha2 is being emptied\n");
  CHECK(asked() == json{{"request", "drain-agent"}, {"agent", "ha2"}, {"drain", true}});
  CHECK(said({"ha", "drain", "ha2", "--end"}) == "ha2 takes home addresses again\n");
  CHECK(asked() == json{{"request", "drain-agent"}, {"agent", "ha2"}, {"drain", false}});
}

TEST_CASE("ha: what makes no sense is refused before anybody is asked, what the home agent refuses is told") {
  const FakeControlServer server(always(refusal("unknown-agent", "this home agent has no secondary 'ha9'; it has ha2, ha3")));
  CHECK(run({"ha", "delegate", "nonsense", "ha2", "--socket", server.path()}).code == kExitUsage);
  CHECK(run({"ha", "delegate", "2001:db8::1", "--socket", server.path()}).code == kExitUsage);
  const auto both = run({"ha", "drain", "ha2", "--end", "--wait", "--socket", server.path()});
  CHECK(both.code == kExitUsage);
  CHECK_THAT(both.err, Catch::Contains("nothing to --wait for"));
  CHECK(run({"ha", "recall", "2001:db8::1", "--wait", "--socket", server.path()}).code == kExitUsage);
  CHECK(server.last_request().empty());
  const auto refused = run({"ha", "drain", "ha9", "--wait", "--socket", server.path()});
  CHECK(refused.code == kExitRefused);
  CHECK(refused.err == "mipflow: this home agent has no secondary 'ha9'; it has ha2, ha3\n");
}

TEST_CASE("ha drain --wait: follows until the agent is empty") {
  SECTION("in a pipe, one line") {
    const FakeControlServer server(Emptying(3));
    const auto outcome = run({"ha", "drain", "ha2", "--wait", "--socket", server.path()});
    CHECK(outcome.code == kExitDone);
    CHECK(outcome.out == "ha2 is empty\n");
  }
  SECTION("on a terminal, with what is left") {
    const FakeControlServer server(Emptying(2));
    CHECK(run({"ha", "drain", "ha2", "--wait", "--socket", server.path()}, true).out ==
          "\r\033[Kha2 has 2 home addresses left\r\033[Kha2 has 1 home addresses left\r\033[Kha2 is empty\n");
  }
  SECTION("as JSON, the agent as it is then") {
    const FakeControlServer server(Emptying(1));
    CHECK(json::parse(run({"ha", "drain", "ha2", "--wait", "--json", "--socket", server.path()}, true).out) == agent("ha2", "draining", 0));
  }
}

TEST_CASE("ha drain --wait: an agent that is no secondary any more, and a home agent that goes") {
  const auto answers_once_then = [](std::optional<std::string> then) {
    return [then](const std::string& line) -> std::optional<std::string> {
      return json::parse(line)["request"] == "drain-agent" ? success(json::object()) : then;
    };
  };
  const FakeControlServer removed(answers_once_then(success(sharing({agent("ha3", "serving", 3)}))));
  const auto gone = run({"ha", "drain", "ha2", "--wait", "--socket", removed.path()});
  CHECK(gone.code == kExitRefused);
  CHECK_THAT(gone.err, Catch::Contains("ha2 is no secondary any more"));
  const FakeControlServer silent(answers_once_then(std::nullopt));
  CHECK(run({"ha", "drain", "ha2", "--wait", "--socket", silent.path()}).code != kExitDone);
}

TEST_CASE("ha: completion knows agents and home addresses") {
  const FakeControlServer server([](const std::string& line) -> std::optional<std::string> {
    if (json::parse(line)["request"] == "load-sharing") {
      auto primary = agent("ha1", "serving", 1);
      primary["role"] = "primary";
      return success(sharing({agent("ha2", "serving", 3), primary}));
    }
    return success({{{"home_address", "2001:db8::1"}, {"agent", "ha2"}, {"state", "delegated"}}});
  });
  const auto completed = [&](std::vector<std::string> words) {
    words.insert(words.begin(), {"__complete", "--socket", server.path()});
    return run(words).out;
  };
  CHECK(completed({"ha", "drain", ""}) == "ha2\tserving\n");
  CHECK(completed({"ha", "delegate", ""}) == "2001:db8::1\tha2, delegated\n");
  CHECK(completed({"ha", "delegate", "2001:db8::1", ""}) == "ha2\tserving\n");
  CHECK_THAT(completed({"ha", "drain", "ha2", "--"}), Catch::Contains("--wait") && Catch::Contains("--end"));
}

TEST_CASE("ha: the agents in metrics") {
  const FakeControlServer server([](const std::string& line) -> std::optional<std::string> {
    const auto name = json::parse(line)["request"];
    if (name == "status") return success({{"role", "home-agent"}, {"version", "1"}, {"problems", json::array()}});
    if (name == "load-sharing") return success(sharing({agent("ha2", "serving", 20), agent("ha3", "dead", 0)}));
    return refusal("unknown-request", "a home agent knows no such request");
  });
  const auto outcome = run({"metrics", "--socket", server.path()});
  CHECK(outcome.code == kExitDone);
  for (const auto* line : {"mipflow_tunnelled_packets_per_second 17.25\n",
                           "mipflow_agent_answers{agent=\"ha2\",agent_role=\"secondary\"} 1\n",
                           "mipflow_agent_answers{agent=\"ha3\",agent_role=\"secondary\"} 0\n",
                           "mipflow_agent_home_addresses{agent=\"ha2\",agent_role=\"secondary\"} 20\n",
                           "mipflow_agent_round_trip_seconds{agent=\"ha2\",agent_role=\"secondary\"} 0.0004\n"})
    CHECK_THAT(outcome.out, Catch::Contains(line));
}
