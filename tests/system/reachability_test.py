#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Links that are up and lead nowhere, or are slow: the mobile node notices, and flows whose policy minds leave them.

Breaks when an interface that is up counts as one that works: behind a captive portal flows stand still for ever, and new ones
begin there; when a link that became slow is not measured; when probes are sent to excess, or forged answers are believed.
"""
from support.case import SystemCase, main
from lab import Impairment
from support.traffic import Stream

POLICY = """
[[class]]
name = "voice"
interfaces = [{ name = "wlan0", when = { round-trip-below = "100 ms" } }, "wwan0"]
[class.match]
protocol = "udp"
peer = "2001:db8:300::/64"

[default]
interfaces = ["wlan0", "wwan0"]
"""
LEAVES_WITHIN = 7 + 1       # docs/operations.md, and the second between two looks at the counters
RETURNS_WITHIN = 33
SLOW_WITHIN = 30 + 5        # the next probe, and four that look closer


class Reachability(SystemCase):
    policy = POLICY

    def setUp(self):
        self.wait(lambda: all(self.interface(name)["online"] for name in ("wlan0", "wwan0")), "both interfaces online", 40)
        self.wait(lambda: self.lab.mipflow("status")["spares"] == 2, "a full pool")

    def interface(self, name):
        return next(i for i in self.lab.mipflow("interface", "list") if i["name"] == name)

    def stream(self):
        stream = Stream(self.lab.namespace("mn"), self.lab.namespace("cn"), self.lab.correspondent_address)
        self.addCleanup(stream.finish, 0)
        self.assertTrue(stream.wait_for_packets())
        return stream

    def nft(self, rules):
        self.lab.nodes["wlan"].run(["nft", "-f", "-"], text_input=rules)

    def captive_portal(self):
        """Its router answers, and lets nothing through."""
        self.nft("add table inet portal\n"
                 "add chain inet portal through { type filter hook forward priority 0; policy drop; }\n")
        self.addCleanup(self.nft, "table inet portal\ndelete table inet portal")

    def open_portal(self):
        self.nft("table inet portal\ndelete table inet portal")

    def test_1_interfaces_are_measured(self):
        for name in ("wlan0", "wwan0"):
            self.wait(lambda: self.interface(name)["round_trip_seconds"] is not None, f"a round trip of {name}")
            self.assertLess(self.interface(name)["round_trip_seconds"], 0.05)
            self.assertEqual(self.interface(name)["loss_per_mille"], 0)

    def test_2_flows_leave_a_captive_portal_and_come_back(self):
        stream = self.stream()
        self.assertEqual(self.flow(stream.port)["interface"], "wlan0")
        self.captive_portal()
        self.wait(lambda: self.flow(stream.port)["interface"] == "wwan0", "the flow on the interface that works", LEAVES_WITHIN)
        self.assertTrue(self.interface("wlan0")["usable"], "the link itself is as good as ever")
        self.assertIs(self.interface("wlan0")["online"], False)
        self.assertTrue(stream.wait_for_packets(50))
        another = self.stream()
        self.assertEqual(self.flow(another.port)["interface"], "wwan0", "a new flow began behind the portal")
        self.assertEqual(self.lab.mobile_node.output().count("captive portal?"), 1)
        self.assertTrue(all(h["interface"] == "wwan0" for h in self.home_addresses().values()), self.home_addresses())
        self.open_portal()
        self.wait(lambda: self.flow(stream.port)["interface"] == "wlan0", "the flow back where its class likes it best", RETURNS_WITHIN)
        self.assertTrue(stream.wait_for_packets(50))
        self.wait_settled()

    def test_3_a_class_that_asks_for_a_short_round_trip_leaves_a_slow_link(self):
        stream = self.stream()
        self.assertEqual(self.flow(stream.port)["interface"], "wlan0")
        slow = Impairment(self.lab, "wlan", ways=("lan",), delay=250)
        self.addCleanup(slow.stop)
        self.wait(lambda: self.flow(stream.port)["interface"] == "wwan0", "the flow on the fast interface", SLOW_WITHIN)
        self.assertIs(self.interface("wlan0")["online"], True)
        self.assertGreater(self.interface("wlan0")["round_trip_seconds"], 0.1)
        slow.stop()
        self.wait(lambda: self.flow(stream.port)["interface"] == "wlan0", "the flow back on its first choice", SLOW_WITHIN)

    def test_4_an_idle_host_sends_few_probes(self):
        wire = self.lab.capture("mn", "wlan0", "icmp6 and ip6[40] == 128")
        try:
            self.lab.run("mn", ["sleep", "20"])
        finally:
            wire.stop()
        # One each 30 s, and four when something was odd before.
        self.assertLessEqual(len(wire.packets()), 6)


if __name__ == "__main__":
    main()
