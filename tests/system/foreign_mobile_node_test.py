#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The mobile node with a home agent that nobody of us wrote: foreign_home_agent.py in the place of mipflow-had.

Breaks when the mobile node needs anything from the home agent that the standard does not give, when silence during duplicate
address detection confuses it, and when it runs into the defect with shared tunnels; the last class shows that the defect
really lies in wait.
"""
from support import foreign_nodes
from support.case import HOME_PREFIX, SYSTEM, SystemCase, main
from support.traffic import Stream, TcpEcho, TcpFlow
from judge import dissect as d

INSECURE = {"authentication": "none-insecure"}


class ForeignCase(SystemCase):
    mobile_node_changes = INSECURE
    agent_options = ()

    @classmethod
    def prepare(cls):
        cls.start_foreign_home_agent(cls.agent_options)
        cls.captures = [cls.lab.wire("mn", name) for name in ("wlan0", "wwan0")]
        cls.lab.start_mobile_node(cls.mobile_node_changes)
        cls.lab.wait_registered(cls.spares)

    @classmethod
    def start_foreign_home_agent(cls, options=()):
        cls.agent = foreign_nodes.start_home_agent(cls.lab, SYSTEM, HOME_PREFIX, options)
        cls.events = staticmethod(cls.agent.events)

    def bound(self):
        """home address -> last "bound" event."""
        return {e["home_address"]: e for e in self.events("bound")}

    def setUp(self):
        self.node, self.correspondent = self.lab.namespace("mn"), self.lab.namespace("cn")

    def stream(self, rate=100):
        stream = Stream(self.node, self.correspondent, self.lab.correspondent_address, rate)
        self.addCleanup(stream.finish, 0)
        self.assertTrue(stream.wait_for_packets(), "the flow does not start")
        return stream

    def put_on(self, interface, streams):
        for stream in streams:
            flow = self.flow(stream.port)
            if flow["interface"] != interface:
                self.move(flow["id"], interface)
        self.wait(lambda: all(self.flow(s.port)["interface"] == interface for s in streams), f"flows on {interface}")
        self.assertTrue(all(s.wait_for_packets(20) for s in streams))


class ForeignHomeAgent(ForeignCase):
    def test_1_registered_without_authentication_and_said_so(self):
        status = self.lab.mipflow("status")
        self.assertEqual((status["registered"], status["authentication"]), (True, "none-insecure"))
        self.assertTrue(self.events("binding_update"))
        self.assertTrue(all(not {9, 10} & set(e["options"]) for e in self.events("binding_update")))
        self.assertTrue(self.events("prefix_solicitation"), "spares without prefix discovery?")
        self.assertGreaterEqual(len(self.bound()), 3)

    def test_2_two_flows_and_a_move(self):
        streams = [self.stream(), self.stream()]
        stay, move = (self.flow(s.port) for s in streams)
        self.assertNotEqual(stay["home_address"], move["home_address"])
        for target in ("wwan0", "wlan0"):
            self.move(move["id"], target)
            self.assertTrue(all(s.wait_for_packets(50) for s in streams))
            self.assertEqual(self.flow(streams[1].port)["interface"], target)
        for stream, name in zip(streams, ("stayer", "mover")):
            peers = stream.peers
            result = stream.finish()
            self.assertEqual(len(peers), 1, "the correspondent node noticed")
            for direction, (_, lost, _) in result.items():
                # This home agent lets nothing in from the care-of address of before, not even what is under way.
                self.assertLessEqual(lost, 0 if name == "stayer" else 6, f"{name} {direction}")

    def test_3_cable_cut_under_two_flows_in_spite_of_the_defect(self):
        streams = [self.stream(), self.stream()]
        tcp_echo = TcpEcho(self.correspondent, self.lab.correspondent_address)
        self.addCleanup(tcp_echo.close)
        tcp = TcpFlow(self.node, tcp_echo.address, tcp_echo.port)
        self.addCleanup(tcp.close)
        for interface, other in (("wlan0", "wwan0"), ("wwan0", "wlan0")):
            self.put_on(interface, streams)
            self.lab.cut(interface)
            try:
                self.assertTrue(all(s.wait_for_packets(50, 8) for s in streams), f"a flow did not survive the cut of {interface}")
                self.assertIsNotNone(tcp.ask(50_000, 15), "TCP did not survive")
                self.assertEqual({self.flow(s.port)["interface"] for s in streams}, {other})
                bound = self.bound()
                for stream in streams:
                    event = bound[self.flow(stream.port)["home_address"]]
                    self.assertFalse(event["stuck"], event)
                    self.assertEqual(event["tunnel"], self.lab.care_of_address(other))
            finally:
                self.lab.restore(interface)
            self.wait(lambda: self.usable(interface), f"{interface} back in use")
            # A new anchor is registered there before the next cut.
            self.wait(lambda: any(e["tunnel"] == self.lab.care_of_address(interface) for e in self.bound().values()),
                      f"an anchor on {interface}")

    def test_4_judged(self):
        self.assert_judged_right(self.captures, authentication="none", at_least=("mobility-checksum", "sequence", "tunnel-addresses"))

    def test_5_stop_says_goodbye(self):
        before = len(self.events("acknowledgement"))
        self.assertEqual(self.lab.mobile_node.stop(), 0)
        ended = {e["home_address"] for e in self.events("acknowledgement")[before:] if e["status"] == 0 and e["lifetime"] == 0}
        self.assertIn(self.lab.home_address, ended)


class SilenceDuringDetection(ForeignCase):
    @classmethod
    def prepare(cls):
        cls.start_foreign_home_agent()

    def test_node_that_moves_while_the_home_agent_is_silent(self):
        """The interface of the first Binding Update goes away before its answer can come."""
        capture = {name: self.lab.wire("mn", name) for name in ("wlan0", "wwan0")}
        self.lab.start_mobile_node(self.mobile_node_changes)

        def first():
            return next((n for n, c in capture.items() if c.messages(d.BU, self.lab.home_address)), None)
        interface = self.wait(first, "the first Binding Update", 5)
        self.lab.cut(interface)
        self.addCleanup(self.lab.restore, interface)
        self.wait(lambda: [e for e in self.events("ignored") if "duplicate" in e["why"] and e["home_address"] == self.lab.home_address],
                  "a Binding Update that is ignored during detection", 3)
        other = {"wlan0": "wwan0", "wwan0": "wlan0"}[interface]

        def right():
            event = self.bound().get(self.lab.home_address)
            return event and event["tunnel"] == self.lab.care_of_address(other) and self.lab.mipflow("status")["registered"]
        self.wait(right, "the binding on the interface that is left", 12)
        self.assertTrue(self.stream().wait_for_packets(20))


class DefectLiesInWait(ForeignCase):
    """Control: without anchors a cut meets the defect. Fails when the foreign home agent became harmless."""
    mobile_node_changes = {**INSECURE, "home-addresses": {"anchor-per-interface": False}}

    @classmethod
    def prepare(cls):
        cls.lab.cut("wwan0")     # so that no spare address comes to lie there by itself
        super().prepare()

    def test_without_anchors_the_defect_strikes(self):
        for _ in range(2):
            self.stream()
        self.wait(lambda: self.lab.mipflow("status")["spares"] == 2, "a full pool on wlan0")
        self.lab.restore("wwan0")
        self.wait(lambda: self.usable("wwan0"), "wwan0 in use", 15)
        self.lab.cut("wlan0")
        self.addCleanup(self.lab.restore, "wlan0")
        self.wait(lambda: any(e["stuck"] for e in self.events("bound")), "a tunnel that stays behind", 8)


if __name__ == "__main__":
    main()
