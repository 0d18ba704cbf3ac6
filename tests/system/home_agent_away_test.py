#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The home agent can not be reached for a minute.

Flows that go straight to their correspondent nodes do not notice: their bindings there and their tests live for longer. Flows through
the tunnel stand still, and go on where they were when the home agent is back: nobody moves to another interface because of it, and
nothing has to be begun anew. What the user has moved meanwhile is there as soon as the home agent hears of it.

Breaks when flows that go straight need the home agent, when an interface is blamed for it, when a Binding Update is given up, or waits
for longer than RFC 6275 §11.8 has it wait (32 s).

Seen to fail: with interfaces that are judged alone (Reachability::judge() asks no other one before it blames an interface).
"""
from support.case import main, time
from support.faults import PLAIN_HOST, FaultCase

AWAY = 60          # seconds
LONGEST_WAIT = 32  # seconds; MAX_BINDACK_TIMEOUT, RFC 6275 §12


class HomeAgentAway(FaultCase):
    def test_a_minute(self):
        straight, tunnelled, moved = self.stream(), self.stream(PLAIN_HOST), self.stream(PLAIN_HOST)
        expected = {stream: self.flow(stream.port) for stream in (straight, tunnelled, moved)}
        self.lab.nodes["core"].ip("link set port-ha down")
        self.addCleanup(self.lab.nodes["core"].ip, "link set port-ha up")
        end = time.monotonic() + AWAY
        expected[moved]["interface"] = self.other(expected[moved]["interface"])
        self.lab.mipflow_run("flow", "move", str(expected[moved]["id"]), expected[moved]["interface"])
        while time.monotonic() < end:
            self.assertTrue(straight.wait_for_packets(20, 10), "a flow that goes straight needs the home agent")
        self.assertEqual(self.flow(straight.port)["path"], "direct")
        self.lab.nodes["core"].ip("link set port-ha up")
        for stream in (tunnelled, moved):
            self.assertTrue(stream.wait_for_packets(20, LONGEST_WAIT + 10), "a flow through the tunnel does not resume")
        self.wait_settled(LONGEST_WAIT + 20)
        for stream, before in expected.items():
            flow = self.flow(stream.port)
            self.assertEqual((flow["interface"], flow["home_address"]), (before["interface"], before["home_address"]))
        self.assertTrue(moved.wait_for_packets(20, 10), "the flow that was moved does not go on")
        self.assert_lossless(straight.finish(), "the flow that goes straight")


if __name__ == "__main__":
    main()
