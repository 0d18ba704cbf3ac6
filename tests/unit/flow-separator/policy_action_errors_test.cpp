// SPDX-License-Identifier: GPL-3.0-or-later
// What a user reads when the action of a class is wrong: place and words.
#include <catch2/catch.hpp>

#include "policy_support.hpp"

namespace mipflow::flow_separator {

using namespace testing;

TEST_CASE("golden messages about what becomes of flows", "[policy]") {
  check(GENERATE(values<Golden>({
      {"[[class]]\ninterface = [\"wlan0\"]", "2:1: unknown key \"interface\" in a class; did you mean \"interfaces\"?"},
      {"[[class]]\ninterfaces = []", "2:14: \"interfaces\": the list is empty; leave the key out when everything is meant"},
      {"[[class]]\ninterfaces = [\"wlan0\", 7]",
       "2:24: \"interfaces\": expected names of interfaces like \"wlan0\" or \"ww*\", kinds like \"wifi\", or tables like "
       "{ kind = \"cellular\", when = { online = true } }, found 7"},
      {"[[class]]\ninterfaces = \"wlan 0\"",
       "2:14: \"interfaces\": \"wlan 0\" can not be the name of an interface; expected a name of at most 15 characters like "
       "\"wlan0\" or a pattern like \"ww*\""},
      {"[[class]]\nhome-address = \"any\"", "2:16: \"home-address\": expected \"figure-6\", \"primary\", \"own\", \"class\" or an IPv6 "
                                            "address below the home prefix, found \"any\""},
      {"[[class]]\nhome-address = \"figure6\"", "2:16: \"home-address\": \"figure6\" is not possible; did you mean \"figure-6\"?"},
      {"[[class]]\nhome-address = 6",
       "2:16: \"home-address\": expected \"figure-6\", \"primary\", \"own\", \"class\" or an IPv6 address, found 6"},
      {"[[class]]\nhome-address = \"fe80::5060\"", "2:16: \"home-address\": \"fe80::5060\" is no address that others can reach; "
                                                   "expected a global unicast address below the home prefix"},
      {"[[class]]\nhome-address = \"2001:db8::/64\"", "2:16: \"home-address\": expected \"figure-6\", \"primary\", \"own\", \"class\" or an "
                                                      "IPv6 address below the home prefix, found \"2001:db8::/64\""},
      {"[default]\nhome-address = \"2001:db8:100::5060\"",
       "2:16: \"home-address\": everything that no class matches would share this address and move together; give it to a [[class]]; "
       "expected here is \"figure-6\", \"primary\" or \"own\""},
      {"[[class]]\nroute-optimization = \"always\"",
       "2:22: \"route-optimization\": expected \"yes\", \"prefer\" or \"no\", found \"always\""},
      {"[default]\nroute-optimization = true",
       "2:22: \"route-optimization\": expected \"yes\", \"prefer\" or \"no\", found true"},
      {"[[class]]\nroute-optimisation = \"no\"",
       "2:1: unknown key \"route-optimisation\" in a class; did you mean \"route-optimization\"?"},
      {"[[class]]\ninterfaces = { kind = \"wlan\" }",
       "2:23: \"kind\": \"wlan\" is not a kind of interfaces; expected one of wired, wifi, cellular, other"},
      {"[[class]]\ninterfaces = { kind = \"celular\" }",
       "2:23: \"kind\": \"celular\" is not a kind of interfaces; did you mean \"cellular\"?"},
      {"[[class]]\ninterfaces = { kind = \"wifi\", name = \"wlan0\" }", "2:14: \"interfaces\": expected \"kind\" or \"name\", found both"},
      {"[[class]]\ninterfaces = { nme = \"wlan0\" }", "2:16: unknown key \"nme\" in an interface; did you mean \"name\"?"},
      {"[[class]]\ninterfaces = { kind = \"wifi\", online = true }",
       "2:31: unknown key \"online\" in an interface; it belongs into \"when\""},
      {"[[class]]\ninterfaces = { name = \"wlan 0\" }",
       "2:23: \"name\": \"wlan 0\" can not be the name of an interface; expected a name of at most 15 characters like \"wlan0\" or a "
       "pattern like \"ww*\""},
      {"[[class]]\ninterfaces = { name = 5 }",
       "2:23: \"name\": expected the name of an interface like \"wlan0\" or a pattern like \"ww*\", found 5"},
      {"[[class]]\ninterfaces = \"name:\"",
       "2:14: \"interfaces\": \"\" can not be the name of an interface; expected a name of at most 15 characters like \"wlan0\" or a "
       "pattern like \"ww*\""},
      {"[[class]]\ninterfaces = { when = 5 }", "2:23: \"when\" has to be a table like { online = true }, found 5"},
      {"[[class]]\ninterfaces = { when = {} }", "2:23: \"when\" without a condition; leave it out when there is none"},
      {"[[class]]\ninterfaces = { when = { loss = \"2 %\" } }",
       "2:25: unknown key \"loss\" in \"when\"; possible are online, metered, round-trip-below, loss-below"},
      {"[[class]]\ninterfaces = { when = { online = 1 } }", "2:34: \"online\": expected true or false, found 1"},
      {"[[class]]\ninterfaces = { when = { metered = \"no\" } }", "2:35: \"metered\": expected true or false, found \"no\""},
      {"[[class]]\ninterfaces = { when = { round-trip-below = \"100\" } }",
       "2:44: \"round-trip-below\": \"100\" is no duration; expected a number and \"ms\", \"s\", \"min\" or \"h\", like \"30 s\""},
      {"[[class]]\ninterfaces = { when = { round-trip-below = \"0 ms\" } }",
       "2:44: \"round-trip-below\": expected 1 ms to 60 s, found \"0 ms\""},
      {"[[class]]\ninterfaces = { when = { loss-below = \"2\" } }",
       "2:38: \"loss-below\": \"2\" is no share; expected one above 0 % and at most 100 % with at most one decimal, like \"2 %\" or "
       "\"0.5 %\""},
      {"[[class]]\ninterfaces = { when = { loss-below = 0.02 } }",
       "2:38: \"loss-below\": expected a share like \"2 %\", found a number with a fraction"},
      {"[[class]]\nnever = []", "2:9: \"never\": the list is empty; leave the key out when everything is meant"},
      {"[[class]]\nnever = \"a/b\"",
       "2:9: \"never\": \"a/b\" can not be the name of an interface; expected a name of at most 15 characters like \"wlan0\" or a pattern "
       "like \"ww*\""},
      {"[[class]]\nreturn-after = -1", "2:16: \"return-after\": expected a duration like \"30 s\" or a number of seconds, found -1"},
      {"[[class]]\nreturn-after = \"soon\"",
       "2:16: \"return-after\": \"soon\" is no duration; expected a number and \"ms\", \"s\", \"min\" or \"h\", like \"30 s\""},
      {"[[class]]\nreturn-after = \"25 h\"", "2:16: \"return-after\": expected at most 24 h, found \"25 h\""},
      {"[[class]]\nreturn-after = 86401", "2:16: \"return-after\": expected at most 24 h, found 86401"},
      {"[[class]]\nbypass = \"yes\"", "2:10: \"bypass\": expected true or false, found \"yes\""},
      {"[[class]]\nbypass = true\ninterfaces = \"wlan0\"",
       "3:14: \"interfaces\" means nothing with bypass = true, which leaves the flows to the host's own routes"},
      {"[default]\nbypass = true\nroute-optimization = \"no\"",
       "3:22: \"route-optimization\" means nothing with bypass = true, which leaves the flows to the host's own routes"},
      {"[default]\nhome-address = \"class\"",
       "2:16: \"home-address\": everything that no class matches would share one address and move together; give it to a [[class]]; "
       "expected here is \"figure-6\", \"primary\" or \"own\""},
  })));
}

}  // namespace mipflow::flow_separator
