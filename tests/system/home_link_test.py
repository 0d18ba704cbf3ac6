#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Home links: an address that somebody has already, a home network without a link, and coming home.

Breaks when duplicate address detection believes everything is free, when the mobile node insists on a refused address, when
a virtual home link waits for neighbours that can not exist, when coming home cuts flows.
"""
from support.case import SystemCase, main
from support.occupier import Occupier
from support.traffic import Stream, UdpEcho, UdpFlow
from judge import dissect as d


class Collision(SystemCase):
    @classmethod
    def prepare(cls):
        cls.capture = cls.lab.wire("ha", "home0")
        cls.occupier = Occupier(cls.lab, lambda target, claimed: target != cls.lab.home_address and not claimed)
        cls.addClassCleanup(cls.occupier.close)
        super().prepare()

    def test_address_in_use_is_refused_and_another_one_taken(self):
        self.assertEqual(len(set(self.occupier.claimed)), 1, "nobody asked whether an address is free")
        taken = self.occupier.claimed[0]
        statuses = [m.status for _, m in self.capture.messages(d.BA, taken)]
        self.assertIn(134, statuses)
        self.assertNotIn(0, statuses, "accepted in spite of the collision")
        self.assertNotIn(taken, self.home_agent_bindings())
        self.assertNotIn(taken, [a for a, h in self.home_addresses().items() if h["state"] != "refused"])
        # RFC 6275 §11.7.1: an address that was refused with 134 is never used again.
        asked = self.capture.messages(d.BU, taken)
        refused = next(f.time for f, m in self.capture.messages(d.BA, taken) if m.status == 134)
        self.assertEqual([f for f, _ in asked if f.time > refused], [])
        echo = UdpEcho(self.lab.namespace("cn"), self.lab.correspondent_address)
        self.addCleanup(echo.close)
        flow = UdpFlow(self.lab.namespace("mn"), echo.address, echo.port)
        self.addCleanup(flow.close)
        self.assertIsNotNone(flow.ask())


class VirtualHomeLink(SystemCase):
    """2001:db8:400::/64 lies on no link: the core routes it to the home agent."""
    prefix, address = "2001:db8:400::/64", "2001:db8:400::10"

    @classmethod
    def prepare(cls):
        cls.lab.nodes["core"].ip(f"route add {cls.prefix} via {cls.lab.home_agent_address}")
        cls.lab.home_address = cls.address
        cls.captures = [cls.lab.wire("mn", name) for name in ("wlan0", "wwan0")]
        node = {"identifier": "laptop@example.org", "home-address": cls.address, "spi": 4096}
        cls.lab.start_home_agent({"home-link": "virtual", "prefix": [{"prefix": cls.prefix}], "mobile-node": [node]})
        cls.lab.start_mobile_node({"home-address": cls.address, "home-prefix": cls.prefix})
        cls.lab.wait_registered()

    def test_registered_at_once_and_moves(self):
        updates = sorted((m for c in self.captures for m in c.messages(d.BU, self.address)), key=lambda m: m[0].time)
        answers = sorted((m for c in self.captures for m in c.messages(d.BA, self.address)), key=lambda m: m[0].time)
        self.assertLess(answers[0][0].time - updates[0][0].time, 0.5, "waited for neighbours on a link that does not exist")
        stream = Stream(self.lab.namespace("mn"), self.lab.namespace("cn"), self.lab.correspondent_address)
        self.addCleanup(stream.finish, 0)
        self.assertTrue(stream.wait_for_packets())
        flow = self.flow(stream.port)
        self.assertTrue(flow["home_address"].startswith("2001:db8:400:"))
        self.move(flow["id"], {"wlan0": "wwan0", "wwan0": "wlan0"}[flow["interface"]])
        self.assertTrue(stream.wait_for_packets(50))
        self.assert_lossless(stream.finish())
        self.assertEqual(self.lab.run("core", ["ping", "-6", "-c1", "-W3", self.address], check=False).returncode, 0)


class CableOfTheHomeAgent(SystemCase):
    """With a link's carrier the kernel throws away whom it answers for there, and tells nobody."""

    def answered_for(self):
        return {entry["dst"] for entry in self.lab.ip_json("ha", "-6", "neighbour", "show", "proxy")}

    def comes_back(self, *commands):
        stream = Stream(self.lab.namespace("mn"), self.lab.namespace("cn"), self.lab.correspondent_address, 100)
        self.addCleanup(stream.finish, 0)
        self.assertTrue(stream.wait_for_packets(), "no packets")
        for node, command in commands:
            self.lab.nodes[node].ip(command)
        self.wait(lambda: set(self.home_agent_bindings()) <= self.answered_for(), "every home address answered for", 5)
        # What the router remembers hides it for a while.
        self.lab.run("core", ["ip", "-6", "neighbour", "flush", "dev", "home0"])
        self.assertTrue(stream.wait_for_packets(50, 5), "the flow did not come back")

    def test_cut_and_plugged_in(self):
        self.comes_back(("core", "link set port-ha down"), ("core", "link set port-ha up"))

    def test_switched_off_and_on(self):
        self.comes_back(("ha", "link set home0 down"), ("ha", "link set home0 up"), ("ha", "route replace default via 2001:db8:100::1"))


class ComingHome(SystemCase):
    """docs/decisions/0007: the node is at home when no live flow depends on the data path's rewriting any more."""
    mobile_node_changes = {"timers": {"udp-idle": "2s"}}

    def stream(self):
        stream = Stream(self.lab.namespace("mn"), self.lab.namespace("cn"), self.lab.correspondent_address, 100)
        self.addCleanup(stream.finish, 0)
        self.assertTrue(stream.wait_for_packets(), "no packets")
        return stream

    def test_plugged_in_at_home_and_out_again(self):
        begun_away = self.stream()
        self.lab.plug_in_at_home()
        self.wait(lambda: any(i["name"] == "eth0" and i["usable"] for i in self.lab.mipflow("interface", "list")),
                  "an address on the home link")
        self.assertTrue(begun_away.wait_for_packets(50), "a flow that was begun elsewhere broke on the home link")
        begun_away.finish(0)
        self.wait(lambda: self.lab.mipflow("status")["at_home"], "the mobile node's finding out that it is at home", 20)
        self.wait(lambda: self.lab.home_address not in self.home_agent_bindings(), "de-registration at home")
        begun_at_home = self.stream()
        self.lab.unplug_from_home()
        self.wait(lambda: not self.lab.mipflow("status")["at_home"] and self.lab.mipflow("status")["registered"], "registration away from home")
        self.assertTrue(begun_at_home.wait_for_packets(50), "the flow did not go away again")


if __name__ == "__main__":
    main()
