#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""A mobile node that finds its home agents itself (home-agent = "auto", RFC 6275 §11.4.1), with two of them on one home link, see
support/two_home_agents.py.

Breaks when it asks otherwise than the RFC says or registers with another one than the first of the list, when flows do not
survive the death of the home agent that serves them, when it goes on to accept tunnels from the dead one, or when a restart
forgets who serves.
"""
import signal
import time

from support.case import main, wait_until
from support.traffic import Stream
from support.two_home_agents import AGENTS, ANYCAST, BEST_FIRST, TwoHomeAgentsCase

# Two flows, two home addresses, both through the home agent.
POLICY = '[default]\nhome-address = "own"\nroute-optimization = "no"\n'
PREFERRED, OTHER = BEST_FIRST


class HomeAgentSearch(TwoHomeAgentsCase):
    @classmethod
    def prepare(cls):
        for address, _ in AGENTS.values():
            wait_until(lambda: cls.ask(address) == (address, BEST_FIRST), f"the list of {address}", 15)
        cls.asked = [cls.lab.capture("mn", interface, "icmp6 and (ip6[40] == 144 or ip6[40] == 145)") for interface in ("wlan0", "wwan0")]
        cls.lab.start_mobile_node({"home-agent": "auto"}, POLICY)
        cls.lab.wait_registered()

    def status(self):
        return self.lab.mipflow("status")

    def registrations(self, peer):
        """States of the home addresses at this home agent."""
        return [binding["state"] for binding in self.lab.mipflow("binding", "list") if binding["peer"] == peer]

    def wait_all_at(self, peer, timeout):
        other = ({PREFERRED, OTHER} - {peer}).pop()
        self.wait(lambda: not self.registrations(other) and set(self.registrations(peer)) == {"bound"},
                  "all home addresses at the other home agent", timeout)

    def stream(self):
        stream = Stream(self.lab.namespace("mn"), self.lab.namespace("cn"), self.lab.correspondent_address, rate=100)
        self.addCleanup(stream.finish, 0)
        self.assertTrue(stream.wait_for_packets(20), "no packets")
        return stream

    def test_1_the_preferred_one_serves(self):
        status = self.status()
        self.assertEqual((status["home_agent"], status["home_agent_origin"]), (PREFERRED, "discovered"))
        self.assertEqual(status["home_agents"], BEST_FIRST)
        self.assertIsNone(status["home_agent_search"])
        self.assertIsNotNone(status["served_for_seconds"])
        self.wait_all_at(PREFERRED, 15)
        packets = sum((capture.packets() for capture in self.asked), [])
        self.assertEqual(len(packets), 2, packets)  # one request, one reply
        request, reply = packets
        care_of = {self.lab.care_of_address(interface) for interface in ("wlan0", "wwan0")}
        self.assertIn(request.source, care_of)
        self.assertEqual(request.destination, ANYCAST)
        self.assertEqual(request.path, "plain")
        self.assertIn(reply.source, BEST_FIRST)
        self.assertEqual(reply.destination, request.source)

    def test_2_it_dies_under_two_flows(self):
        streams = [self.stream(), self.stream()]
        homes = [self.flow(stream.port)["home_address"] for stream in streams]
        self.assertNotEqual(*homes)
        self.wait_all_at(PREFERRED, 15)
        self.pull_the_plug("ha2")
        # Seconds without an answer, probes, three Binding Updates, two duplicate address detections.
        self.wait_all_at(OTHER, 60)
        self.assertEqual(self.status()["home_agent"], OTHER)
        for stream in streams:
            self.assertTrue(stream.wait_for_packets(50, 20), "the flow did not go on")
        since = time.monotonic()
        for stream in streams:
            self.assertTrue(stream.wait_for_packets(200, 20))
        self.assertEqual([self.flow(stream.port)["home_address"] for stream in streams], homes)
        for stream in streams:
            stream.finish()
            self.assertEqual(stream.peers, {homes[streams.index(stream)]})
            for direction in ("out", "in"):
                sent = stream.one_way(direction).between(since * 1e9, float("inf"))
                self.assertGreater(len(sent.sent), 100)
                self.assertEqual(sent.lost(), [], f"{direction}: lost behind the change")
        # Nothing of the dead one is left: no rule, no end of a tunnel.
        rules = [rule.get("dst") for rule in self.lab.ip_json("mn", "-6", "rule", "show")]
        self.assertIn(OTHER, rules)
        self.assertNotIn(PREFERRED, rules)

    def test_3_a_restart_goes_on_with_the_one_that_serves(self):
        stream = self.stream()
        asked = [self.lab.capture("mn", interface, "icmp6 and ip6[40] == 144") for interface in ("wlan0", "wwan0")]
        self.lab.mobile_node.stop(signal.SIGKILL)
        self.lab.start_mobile_node({"home-agent": "auto"}, POLICY)
        self.lab.wait_registered()
        self.wait_all_at(OTHER, 15)
        self.assertEqual((self.status()["home_agent"], self.status()["home_agent_origin"]), (OTHER, "recovered"))
        self.assertTrue(stream.wait_for_packets(50))
        for direction, (sent, lost, _) in stream.finish().items():
            self.assertEqual(lost, 0, f"{direction}: {lost} of {sent}")
        self.assertEqual([capture.packets() for capture in asked], [[], []])


if __name__ == "__main__":
    main()
