#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Access networks that lose a tenth of all packets, bring some twice, and some late.

                       ╭─ wlan0 ── wlan: mipflow-lab-impair ─╮
  mipflow-mnd, flows ──┤                                      ├── core ── ha, cn
                       ╰─ wwan0 ── wwan: mipflow-lab-impair ─╯

The mobile node registers, flows begin, go straight and are moved there and back while both networks are so all the time: what has to
be said is said until it is heard, TCP gets every octet across, and of the numbered datagrams exactly those are missing, and exactly
those come twice, of which the networks say that they lost or doubled them: mipflow itself loses, doubles and invents nothing.

Breaks when Binding Updates or tests are not sent again, when the former care-of address is not accepted any more behind a move, when
packets are lost or doubled by anything but the networks.

Seen to fail: with previous-care-of-address-grace = 0 at the correspondent node, by the packets that were late on the network that the
flow had left.
"""
from support.case import SystemCase, main, random_seed, time
from support.faults import STRAIGHT
from lab import Impairment

BAD = {"loss": 0.1, "duplicate": 0.02, "reorder": 0.1, "reorder_by": 20, "delay": 2}
MOVES = 4
# The first four waits of a Binding Update are 1.5, 3, 6 and 12 s at a home address' first registration, 1, 2, 4, 8 s later (RFC 6275
# §11.8). More than four in a row are lost once in 100,000 times; duplicate address detection and the Home Test come on top.
CONVERGES = 40


class BadNetwork(SystemCase):
    @classmethod
    def prepare(cls):
        cls.seed = random_seed()
        cls.lab.start_home_agent()
        cls.lab.start_correspondent_node()

    def test_all_of_it(self):
        networks = [Impairment(self.lab, router, seed=self.seed + number, **BAD) for number, router in enumerate(("wlan", "wwan"))]
        self.lab.start_mobile_node(policy=STRAIGHT)
        self.lab.wait_registered(spares=1, timeout=CONVERGES)
        udp, tcp = self.lab.udp_flow(packets_per_second=200), self.lab.tcp_flow(megabits_out=1, megabits_in=1)

        def flow_to(flow):
            return next((f for f in self.flows() if f["correspondent_port"] == flow.port), None)
        for flow in (udp, tcp):
            self.wait(lambda f=flow: flow_to(f), "the flow in the flow list", CONVERGES)
        self.wait(lambda: flow_to(udp)["path"] == "direct", "the flow to go straight", CONVERGES)
        for _ in range(MOVES):
            for flow in (udp, tcp):
                listed = flow_to(flow)
                target = {"wlan0": "wwan0", "wwan0": "wlan0"}[listed["interface"]]
                self.move(listed["id"], target)
                self.wait(lambda f=flow, t=target: (flow_to(f)["interface"], flow_to(f)["state"]) == (t, "active"), f"the flow on {target}", CONVERGES)
            time.sleep(0.5)   # packets on the new path; no pass mark
        self.wait_settled(CONVERGES)
        counters = [network.stop() for network in networks]
        udp.stop()
        tcp.stop()

        for counter in counters:
            self.assertEqual(counter["received"], counter["lost"] + counter["crowded_out"] + counter["passed"])
            self.assertEqual((counter["crowded_out"], counter["overflow"], counter["refused"]), (0, 0, 0))
            self.assertGreater(counter["lost"], 0)
        self.assertTrue(tcp.complete(), "TCP lost or changed octets")
        packets = [packet for network in networks for packet in network.packets(17)]
        for way, port in ((udp.outgoing, "destination_port"), (udp.incoming, "source_port")):
            numbers = {fate: sorted(int.from_bytes(p.data[8:16], "big") for p in packets
                                    if p.fate == fate and getattr(p, port) == udp.port and p.data[4] == 0)
                       for fate in ("lost", "duplicated")}
            name = "out" if way is udp.outgoing else "in"
            self.assertGreater(len(numbers["lost"]), 20, name)
            self.assertEqual(way.lost(), numbers["lost"], f"{name}: what is missing is not what the networks lost")
            self.assertEqual(way.duplicates(), len(numbers["duplicated"]), f"{name}: what came twice is not what the networks doubled")
        for binding in self.home_registrations():
            self.assertEqual(binding["state"], "bound")


if __name__ == "__main__":
    main()
