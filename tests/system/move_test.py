#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The main job: two flows to the same correspondent node, one is moved, the other does not notice.

Breaks when a move takes other flows with it, loses or doubles a packet, is seen by the correspondent node, sends Binding
Updates for home addresses that did not move, or when packets of a flow come from the wrong interface.
"""
from support.case import SystemCase, main
from support.traffic import Stream, TcpEcho, TcpFlow
from judge import dissect as d

RATE = 300


class Move(SystemCase):
    def setUp(self):
        self.node, self.correspondent = self.lab.namespace("mn"), self.lab.namespace("cn")
        self.streams = [Stream(self.node, self.correspondent, self.lab.correspondent_address, RATE) for _ in range(2)]
        self.stayer, self.mover = self.streams
        for stream in self.streams:
            self.addCleanup(stream.finish, 0)
            self.assertTrue(stream.wait_for_packets(), "the flow does not start")
        self.other = {"wlan0": "wwan0", "wwan0": "wlan0"}

    def both(self):
        return [self.flow(s.port) for s in self.streams]

    def put_on(self, interface):
        for flow in self.both():
            if flow["interface"] != interface:
                self.move(flow["id"], interface)
        self.wait(lambda: all(f["interface"] == interface for f in self.both()), f"both flows on {interface}")
        self.wait_settled()
        self.assertTrue(all(s.wait_for_packets(20) for s in self.streams))

    def packets(self, captures, stream):
        """{(interface, direction): [times]} of a stream."""
        found = {}
        for capture in captures:
            for frame, direction in capture.data(stream.port):
                found.setdefault((capture.interface, direction), []).append(frame.time)
        return found

    def test_one_flow_moves_alone_and_nothing_is_lost(self):
        stay, move = self.both()
        self.assertNotEqual(stay["home_address"], move["home_address"], "two flows to one correspondent node share an address")
        for flow in (stay, move):
            self.assertNotEqual(flow["home_address"], self.lab.home_address, "the Primary Home Address was to be avoided")
            self.assertEqual((flow["correspondent"], flow["path"], flow["moves_with"], flow["initiated_by"]),
                             (self.lab.correspondent_address, "tunnel", [], "mobile-node"))
        self.put_on("wlan0")
        captures = [self.lab.wire("mn", name) for name in ("wlan0", "wwan0")]
        before = self.home_agent_bindings()
        self.assertTrue(all(s.wait_for_packets(50) for s in self.streams))
        self.move(move["id"], "wwan0")
        self.assertTrue(all(s.wait_for_packets(150) for s in self.streams))
        self.wait_settled()
        stay, move = self.both()
        after = self.home_agent_bindings()
        results = [s.finish() for s in self.streams]
        for result, name in zip(results, ("the flow that stayed", "the flow that moved")):
            self.assert_lossless(result, name)
        for stream, flow in zip(self.streams, (stay, move)):
            self.assertEqual([stream.duplicates(x) for x in ("out", "in")], [0, 0])
            self.assertEqual(stream.peers, {flow["home_address"]}, "the correspondent node noticed")
        self.assertEqual((stay["interface"], move["interface"]), ("wlan0", "wwan0"))
        self.assertEqual((move["care_of_address"], move["interface_reason"]), (self.lab.care_of_address("wwan0"), "moved by command"))

        # The home agent: of the addresses in use only the one binding changed. (Spares come and go meanwhile.)
        for address in (stay["home_address"], self.lab.home_address):
            self.assertEqual(after[address], before[address])
        self.assertEqual(after[move["home_address"]][0], self.lab.care_of_address("wwan0"))

        # The wire: the other flow never left its interface, the moved one changed exactly once.
        seen = self.packets(captures, self.stayer)
        self.assertEqual({interface for interface, _ in seen}, {"wlan0"}, "packets of the unmoved flow on another interface")
        seen = self.packets(captures, self.mover)
        self.assertEqual(set(seen), {(i, x) for i in ("wlan0", "wwan0") for x in ("out", "in")})
        self.assertLess(max(seen["wlan0", "out"]), min(seen["wwan0", "out"]), "packets went out of both interfaces by turns")
        updates = [(c.interface, d.name(f.outer.home_address)) for c in captures for f, m in c.messages(d.BU)]
        self.assertEqual([i for i, a in updates if a == move["home_address"]], ["wwan0"], "one Binding Update moves a flow")
        self.assertFalse({stay["home_address"], self.lab.home_address} & {a for _, a in updates})
        self.assert_judged_right(captures, at_least=("tunnel-addresses", "authenticator"), from_the_start=False)

    def test_many_moves_lose_nothing(self):
        self.put_on("wlan0")
        target = "wwan0"
        for _ in range(20):
            self.move(self.flow(self.mover.port)["id"], target)
            self.assertTrue(self.mover.wait_for_packets(20))
            target = self.other[target]
        self.wait_settled()
        for stream, name in zip(self.streams, ("stayer", "mover")):
            result = stream.finish()
            self.assert_lossless(result, name)
        # A move needs no packet to wait for the home agent; generous, because two cores run everything here.
        self.assertLess(max(self.mover.longest_gap(x) for x in ("out", "in")), 0.25)

    def test_cable_cut_under_both_flows_and_a_tcp_flow(self):
        echo = TcpEcho(self.correspondent, self.lab.correspondent_address)
        self.addCleanup(echo.close)
        tcp = TcpFlow(self.node, echo.address, echo.port)
        self.addCleanup(tcp.close)
        self.assertIsNotNone(tcp.ask())
        self.move(self.flow(tcp.port, "tcp")["id"], "wlan0")
        self.put_on("wlan0")
        self.lab.cut("wlan0")
        try:
            self.assertTrue(all(s.wait_for_packets(100, 5) for s in self.streams), "a flow did not survive the cut")
            self.assertIsNotNone(tcp.ask(200_000), "the TCP flow did not survive the cut")
            self.assertEqual({f["interface"] for f in self.both()}, {"wwan0"})
            self.assertFalse(self.usable("wlan0"))
            for stream in self.streams:
                for direction in ("out", "in"):
                    # Detection is an event of the kernel and the other interface is registered: no timer is waited for.
                    self.assertLess(stream.longest_gap(direction), 0.4, f"{direction} after the cut")
            self.wait_settled()
        finally:
            self.lab.restore("wlan0")
        self.wait(lambda: self.usable("wlan0"), "wlan0 back in use")
        # No flow is thrown back without an order or a policy, and moving works again.
        self.put_on("wlan0")
        self.assertTrue(all(s.wait_for_packets(20) for s in self.streams))

    def leaves_and_returns(self, leave, come_back):
        """The flows go on over wwan0 when wlan0 becomes useless in this way, and wlan0 is used again afterwards."""
        self.put_on("wlan0")
        leave()
        try:
            self.assertTrue(all(s.wait_for_packets(60, 5) for s in self.streams), "a flow did not survive")
            self.assertEqual({f["interface"] for f in self.both()}, {"wwan0"})
        finally:
            come_back()
        self.wait(lambda: self.usable("wlan0"), "wlan0 back in use", 15)
        self.put_on("wlan0")

    def test_interface_switched_off(self):
        node = self.lab.nodes["mn"]
        self.leaves_and_returns(lambda: node.ip("link set wlan0 down"), lambda: node.ip("link set wlan0 up"))

    def test_care_of_address_taken_away(self):
        node, address = self.lab.nodes["mn"], self.lab.care_of_address("wlan0")
        # The next router advertisement would bring it back too.
        self.leaves_and_returns(lambda: node.ip(f"address del {address}/64 dev wlan0"),
                                lambda: self.wait(lambda: self.lab.care_of_address("wlan0"), "an address by router advertisement", 10))

    def test_all_interfaces_gone_and_back(self):
        for name in ("wlan0", "wwan0"):
            self.lab.cut(name)
        try:
            self.wait(lambda: {f["state"] for f in self.both()} == {"stranded"}, "flows that are told to be stranded")
            self.assertIn("interface", " ".join(self.lab.mipflow("status")["problems"]).lower())
        finally:
            for name in ("wlan0", "wwan0"):
                self.lab.restore(name)
        self.assertTrue(all(s.wait_for_packets(20, 15) for s in self.streams), "flows did not come back")


if __name__ == "__main__":
    main()
