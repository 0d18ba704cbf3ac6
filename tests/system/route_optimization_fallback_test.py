#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Correspondent nodes that do not, can not, or do no longer take part in route optimisation: flows take the tunnel, lose
nothing on the way there, and the mobile node remembers for a while.

Breaks when a flow is stuck with a way that does not work, loses packets although another way works, or when the mobile node
goes on asking somebody who has said no.
"""
from support.case import main, time
from support.foreign_correspondent_case import ForeignCorrespondentCase

RATE = 100


class NeverDirect(ForeignCorrespondentCase):
    """From the first packet on the correspondent node behaves like `mode`."""
    mode = "silent"
    wait_for_reason = 15      # seconds: three tries, and what the last one waits

    def test_flow_stays_in_the_tunnel_and_the_node_is_remembered(self):
        stream = self.stream(RATE, path=None)
        self.wait(lambda: self.peer.events("refused"), "a try", 5)
        listed = self.wait(lambda: (f := self.flow(stream.port)) and "asked again" in f["path_reason"] and f, "a reason in the flow list", self.wait_for_reason)
        self.assertEqual(listed["path"], "tunnel")
        asked = len(self.peer.events("refused"))
        other = self.stream(RATE, path="tunnel")
        self.assertTrue(all(s.wait_for_packets(150) for s in (stream, other)))
        self.assertIn("asked again", self.flow(other.port)["path_reason"])
        self.assertEqual(len(self.peer.events("refused")), asked, "asked although it had said no")
        for s in (stream, other):
            self.assert_lossless(s.finish())
            self.assertEqual({path for _, _, path in self.data_paths(s)}, {"tunnel"})
        self.assert_judged_right(self.captures.values(), at_least=("cookie", "tunnel-addresses"))


class NoMobility(NeverDirect):
    mode = "no-mobility"
    wait_for_reason = 5


class BehindAFirewall(NeverDirect):
    mode = "unreachable"


class Forgetful(ForeignCorrespondentCase):
    def test_lost_bindings_are_made_again(self):
        stream = self.stream(RATE)
        home = self.flow(stream.port)["home_address"]
        for order in ("forget", "restart"):
            with self.subTest(order):
                # A Binding Error right behind an acknowledgement is taken to be about a packet from before.
                self.assertTrue(stream.wait_for_packets(int(1.5 * RATE)))
                count = len(self.peer.events("binding_update"))
                self.peer.order(order)
                self.wait(lambda: len(self.peer.events("binding_update")) > count, "another Binding Update", 10)
                self.wait(lambda: [e for e in self.peer.events("binding_update")[count:] if e["verdict"] == "accepted" and e["home_address"] == home],
                          "another binding", 10)
                self.wait_path(stream, "direct")
        self.assertTrue(stream.wait_for_packets(30))
        # What the correspondent node refused before its Binding Errors were here is lost; it was not told about more.
        self.assert_nearly_lossless(stream.finish(), RATE, times=4)
        self.assertLess(len(self.peer.events("binding_error")), 2 * RATE * 0.1)

    def test_becomes_silent_while_the_flow_is_direct(self):
        """Bindings stay; but the move's Binding Update has no answer."""
        stream = self.stream(RATE)
        self.put(stream, "wlan0")
        self.wait(lambda: any(e["source"] == self.lab.care_of_address("wwan0") for e in self.peer.events("care_of_test_init")), "the other care-of test")
        self.peer.order("mode silent")
        self.move(self.flow(stream.port)["id"], "wwan0")
        self.wait_path(stream, "tunnel", 10)
        received = len(stream.received["out"])
        self.wait(lambda: len(stream.received["out"]) > received + 20, "packets through the tunnel", 5)
        self.peer.order("mode normal")


class Swallowed(ForeignCorrespondentCase):
    """Firewalls let Mobility Headers pass, and nothing else that has a Home Address option or a type 2 routing header."""
    policy = '[default]\nroute-optimization = "prefer"\n'
    FIREWALL = """table ip6 firewall { chain forward { type filter hook forward priority 0;
        meta l4proto != 135 exthdr dst exists drop
        meta l4proto != 135 exthdr rt exists drop
    }; }"""

    @classmethod
    def prepare(cls):
        super().prepare()
        for node in ("wlan", "wwan"):
            cls.lab.nodes[node].run(["nft", "-f", "-"], text_input=cls.FIREWALL)

    def test_flow_returns_to_the_tunnel_in_both_directions(self):
        stream = self.stream(RATE, path=None)
        home = self.flow(stream.port)["home_address"]
        self.wait(lambda: self.bound().get(home), "the binding that leads nowhere", 10)
        self.wait(lambda: "nothing that is sent straight" in self.flow(stream.port)["path_reason"], "a flow that is given back to the tunnel", 20)
        # The correspondent node would go on sending straight for the lifetime of its binding, seven minutes.
        self.wait(lambda: home not in self.bound(), "the end of the binding", 3)
        self.assertTrue(stream.wait_for_packets(2 * RATE), "the flow does not go on")
        self.assertEqual({path for _, _, path in self.data_paths(stream, time.time() - 1)}, {"tunnel"})
        self.assert_judged_right(self.captures.values(), at_least=("authenticator", "token"))


class Stale(ForeignCorrespondentCase):
    def test_stale_nonces_cost_a_test_and_no_flow(self):
        stream = self.stream(RATE)
        home, target = self.flow(stream.port)["home_address"], "wlan0"
        for status in (136, 137, 138):
            with self.subTest(status):
                self.peer.order(f"stale {status}")
                target = {"wlan0": "wwan0", "wwan0": "wlan0"}[self.flow(stream.port)["interface"]]
                count = len(self.peer.events("binding_update"))
                begin = time.time()
                self.put(stream, target)

                def settled():
                    events = [e for e in self.peer.events("binding_update")[count:] if e["home_address"] == home]
                    return [e["status"] for e in events] == [status, 0] and events
                self.wait(settled, "one refusal and one binding", 5)
                tests = {kind for _, _, kind, _ in self.signalling(begin)} - {"BU"}
                self.assertTrue(tests >= {136: {"HoTI"}, 137: {"CoTI"}, 138: {"HoTI", "CoTI"}}[status], tests)
                self.assertEqual(self.bound()[home], self.lab.care_of_address(target))
                self.assertTrue(stream.wait_for_packets(30))
        self.assert_nearly_lossless(stream.finish(), RATE, times=6)
        self.assert_judged_right(self.captures.values(), at_least=("authenticator", "token", "direct-data"))


class ShortNonces(ForeignCorrespondentCase):
    """Nonces that end long before the tokens should: every move meets stale ones."""
    correspondent_options = ("--nonce-period", "0.5", "--nonce-lifetime", "3")

    def test_moves_work_all_the_same(self):
        stream = self.stream(RATE)
        for _ in range(2):
            time.sleep(3.1)      # the nonces' time
            target = {"wlan0": "wwan0", "wwan0": "wlan0"}[self.flow(stream.port)["interface"]]
            self.put(stream, target)
            self.assertTrue(stream.wait_for_packets(30))
        refused = [e["status"] for e in self.peer.events("binding_update") if e["verdict"] == "refused"]
        self.assertTrue(refused and set(refused) <= {136, 137, 138}, refused)
        self.assert_nearly_lossless(stream.finish(), RATE, times=4)


if __name__ == "__main__":
    main()
