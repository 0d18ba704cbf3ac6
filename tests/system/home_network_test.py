#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""A routed home network: one route leads the whole prefix to the home agent's mip0, what is bound goes into tunnels, and what is not
is routed as if that route were not there.

Breaks when packets to addresses that nobody has bound vanish, are tunnelled, run in circles, lose more than one hop on their way or
are answered where RFC 4443 §2.4 says no; when an operator's own route below the prefix is not followed, or wins over a binding; when
the rule or the route is deleted and does not come back.

Mutations that were tried: packets that nobody has bound dropped at mip0, without a second look at the routes (test_nobody,
test_operators_route_is_followed, test_one_hop and test_a_route_into_mip0_is_no_circle fail); the hop that mip0 costs not given back
(test_one_hop fails); host routes written besides (test_one_route_for_all fails).
"""
import struct

from support import forge
from support.attacker import Attacker
from support.case import SystemCase, main
from judge import dissect as d

PREFIX, PART = "2001:db8:400::/64", "2001:db8:400::7:0/112"
NOBODY = "2001:db8:400::dead"
IN_PART, ADDRESS = "2001:db8:400::7:1", "2001:db8:400::7:10"   # somebody's host below PART, and the mobile node
UNREACHABLE, ECHO_REQUEST = 1, 128


class RoutedHomeNetwork(SystemCase):
    @classmethod
    def prepare(cls):
        core, agent = cls.lab.nodes["core"], cls.lab.nodes["ha"]
        core.ip(f"route add {PREFIX} via {cls.lab.home_agent_address}")
        # What a careful operator has: what nobody serves ends here, and a part of the prefix is somewhere else.
        agent.ip(f"route add unreachable {PREFIX} metric 4096")
        agent.ip(f"route add {PART} via 2001:db8:100::1")
        core.ip(f"route add {PART} via 2001:db8:f1::2 table 99")
        cls.lab.run("core", ["ip", "-6", "rule", "add", "iif", "home0", "to", PART, "lookup", "99"])
        cls.lab.nodes["wlan"].ip(f"address add {IN_PART}/128 dev lo")
        cls.lab.home_address = ADDRESS
        node = {"identifier": "laptop@example.org", "home-address": ADDRESS, "spi": 4096}
        cls.lab.start_home_agent({"home-link": "virtual", "prefix": [{"prefix": PREFIX}], "mobile-node": [node]})
        cls.lab.start_mobile_node({"home-address": ADDRESS, "home-prefix": PREFIX})
        cls.lab.wait_registered()
        cls.link = cls.lab.wire("ha", "home0")
        cls.sender = Attacker(cls.lab)
        cls.addClassCleanup(cls.sender.close)

    def ask(self, destination, identifier, source=None, kind=ECHO_REQUEST):
        source = source or self.lab.correspondent_address
        message = struct.pack("!BBHHH", kind, 0, 0, identifier, 1) + bytes(40)
        total = forge.checksum(forge.packed(source), forge.packed(destination), 58, message)
        self.sender.send(forge.ipv6(source, destination, 58, message[:2] + struct.pack("!H", total) + message[4:]))

    def messages(self, kind, behind=8):
        """ICMPv6 messages of the kind on the home agent's link, as (source, destination, what stands behind so many octets)."""
        layers = (frame.outer for frame in self.link.frames())
        return [(d.name(l.source), d.name(l.destination), l.payload[behind:]) for l in layers if l.icmpv6_type() == kind]

    def passed_on(self, identifier):
        """Whether the home agent has sent the question on: it is on its link twice then."""
        asked = [rest for source, to, rest in self.messages(ECHO_REQUEST, 4) if to == IN_PART and rest[:2] == struct.pack("!H", identifier)]
        return len(asked) == 2

    def unreachable(self, identifier):
        """Who said that the question with the identifier did not reach NOBODY, and to whom."""
        return [(source, destination) for source, destination, quoted in self.messages(UNREACHABLE)
                if quoted[24:40] == forge.packed(NOBODY) and quoted[44:46] == struct.pack("!H", identifier)]

    def ping(self, node, address, *options):
        return self.lab.run(node, ["ping", "-6", "-c1", "-W3", *options, address], check=False)

    def test_nobody(self):
        before = self.lab.mipflow("counters", node="ha")["datapath-unbound_destinations"]
        self.ask(NOBODY, 1)
        self.wait(lambda: self.unreachable(1), "Destination Unreachable")
        self.assertEqual([to for _, to in self.unreachable(1)], [self.lab.correspondent_address])
        self.assertEqual(self.lab.mipflow("counters", node="ha")["datapath-unbound_destinations"], before + 1)

        # RFC 4443 §2.4 (e): no error about an error, nor to what is no single node; (f): and not for every packet.
        self.ask(NOBODY, 2, kind=UNREACHABLE)
        self.ask(NOBODY, 3, source="ff0e::1")
        self.ask(NOBODY, 4, source="::")
        for _ in range(500):
            self.ask(NOBODY, 5)
        self.ask(IN_PART, 6)   # behind all of them
        self.wait(lambda: self.passed_on(6), "the last question")
        for identifier in (2, 3, 4):
            self.assertEqual(self.unreachable(identifier), [])
        self.assertLess(len(self.unreachable(5)), 100)

    def test_one_hop(self):
        """cn ─ core ─ ha ─ core ─ wlan, which has the address: three routers on the way."""
        self.assertEqual(self.ping("cn", IN_PART, "-t4").returncode, 0, "the packet lost a hop at mip0")
        self.assertNotEqual(self.ping("cn", IN_PART, "-t3").returncode, 0, "it went another way")

    def test_operators_route_is_followed(self):
        self.assertEqual(self.ping("cn", IN_PART).returncode, 0)
        self.assertEqual(self.ping("ha", IN_PART).returncode, 0, "not from the home agent itself")
        said = self.ping("ha", NOBODY, "-W5").stdout
        self.assertIn("nreachable", said, "the home agent's own programs do not learn that there is nobody")

    def test_a_route_into_mip0_is_no_circle(self):
        self.lab.nodes["ha"].ip("route add 2001:db8:400::c dev mip0")
        self.addCleanup(self.lab.nodes["ha"].ip, "route del 2001:db8:400::c dev mip0")
        before = self.lab.mipflow("counters", node="ha")
        self.ask("2001:db8:400::c", 21)
        name = "datapath-no_binding"
        self.wait(lambda: self.lab.mipflow("counters", node="ha")[name] == before[name] + 1, "the packet is dropped")
        name = "datapath-unbound_destinations"
        self.assertEqual(self.lab.mipflow("counters", node="ha")[name], before[name] + 1)

    def test_bound_in_spite_of_it(self):
        for node in ("cn", "ha"):
            self.assertEqual(self.ping(node, ADDRESS).returncode, 0, node)

    def test_one_route_for_all(self):
        bound = self.home_agent_bindings()
        self.assertGreaterEqual(len(bound), 3)
        routes = self.lab.run("ha", ["ip", "-6", "route", "show", "table", "all", "dev", "mip0", "proto", "75"]).stdout.splitlines()
        self.assertEqual([route.split()[0] for route in routes], [PREFIX])
        for _ in range(2):
            for deleted in (["rule", "del", "pref", "6276"], ["route", "flush", "table", "6278"]):
                self.lab.run("ha", ["ip", "-6", *deleted])
                self.wait(lambda: f"{PREFIX} " in self.lab.run("ha", ["ip", "-6", "route", "show", "table", "6278"], check=False).stdout
                          and "6276:" in self.lab.run("ha", ["ip", "-6", "rule"]).stdout, "rule and route are there again")
        self.assertEqual(self.ping("cn", ADDRESS).returncode, 0)


if __name__ == "__main__":
    main()
