#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""What comes out of a tunnel, and what does not: packets of somebody who can write the other end's address.

The outer source is no secret and is not authenticated (there is no IPsec), so whoever is on the path, or where nobody filters forged
sources, gets packets into the tunnel. They may say no more than the other end could: nothing from this host itself, nothing for the
link, nothing out of a tunnel in the tunnel, nothing in another mobile node's name. Each list ends with a packet that is right and
must arrive, else the list would be paper.

Seen to fail with these switched off, all in one build: is_own_address(), the look at the inner source, is_neighbor_discovery() and
from_home_agent in mobile_node.bpf.c (what comes out at the mobile node, from "from itself" on); the look-up in tunnel_sources in
home_agent.bpf.c (what is let through, from "in the name of" on), the look at the inner destination and is_neighbor_discovery() there
(what is not for the home agent's links, from "to ff02::1" on). What came out once is heard in the cases behind it too.
"""
import struct

from support import forge
from support.attack_case import AttackCase
from support.attacker import Neighbour
from support.case import main
from support.namespaces import udp_socket

MARK = b"come out of the tunnel"


def routed(packet, home_address):
    return forge.ipv6_like(packet, 43, forge.type_2_routing_header(packet[6], home_address) + packet[40:])


def fragments(packet, cut, identification=77, overlap=0):
    def piece(begin, end, more):
        return forge.ipv6_like(packet, 44, struct.pack("!BBHI", packet[6], 0, begin | more, identification) + packet[40 + begin:40 + end])
    return [piece(0, cut, 1), piece(cut - overlap, len(packet) - 40, 0)]


def router_advertisement(source, destination, prefix="2001:db8:666::", lifetime=1800):
    option = struct.pack("!BBBBIII", 3, 4, 64, 0xC0, 86400, 86400, 0) + forge.packed(prefix)
    return forge.icmpv6(source, destination, 134, 0, struct.pack("!BBHII", 64, 0, lifetime, 0, 0) + option, hop_limit=255)


def redirect(source, destination, target):
    return forge.icmpv6(source, destination, 137, 0, bytes(4) + forge.packed("fe80::bad") + forge.packed(target), hop_limit=255)


class AtTheMobileNode(AttackCase):
    def setUp(self):
        super().setUp()
        self.here = udp_socket(self.node, "::")
        self.addCleanup(self.here.close)
        self.here.settimeout(3)
        self.port = self.here.getsockname()[1]
        self.neighbour = Neighbour(self.lab, "wlan0")
        self.addCleanup(self.neighbour.close)
        self.spare = next(a for a, h in self.home_addresses().items() if h["state"] == "spare")

    def udp(self, source, destination, payload=MARK):
        return forge.udp(source, destination, 4444, self.port, payload)

    def tunnelled(self, inner, source=None):
        return forge.tunnelled(source or self.agent, self.care_of, inner)

    def cases(self):
        peer, home = self.lab.correspondent_address, self.home_address
        right = self.udp(peer, home)
        yield from {f"from itself, {source}": self.tunnelled(self.udp(source, home)) for source in (home, self.spare, self.care_of,
                                                                                                 self.lab.care_of_address("wwan0"))}.items()
        yield from {f"from {source}": self.tunnelled(self.udp(source, home)) for source in ("fe80::1", "ff02::1", "::1", "::")}.items()
        yield from {f"to {to}": self.tunnelled(self.udp(peer, to)) for to in ("ff02::1", "::1", "fe80::1", self.care_of, "2001:db8:300::1")}.items()
        yield "tunnel in the tunnel", self.tunnelled(forge.tunnelled(self.agent, home, right))
        yield "tunnel to the care-of address in the tunnel", self.tunnelled(forge.tunnelled(self.agent, self.care_of, right))
        yield "tunnel three deep", self.tunnelled(forge.tunnelled(self.agent, home, forge.tunnelled(self.agent, self.spare, right)))
        yield "type 2 routing header in the tunnel", self.tunnelled(routed(self.udp(peer, home), self.spare))
        yield "type 2 routing header around the tunnel", routed(self.tunnelled(right), home)
        yield "Home Address option in the tunnel", self.tunnelled(forge.ipv6_like(
            self.udp(peer, home), 60, forge.home_address_option(17, "2001:db8:100::9999") + self.udp("2001:db8:100::9999", home)[40:]))
        yield "Home Address option around the tunnel", forge.ipv6(self.attacker.address, self.care_of, 60,
                                                                  forge.home_address_option(41, self.agent) + right)
        yield "stranger", self.tunnelled(right, self.attacker.address)
        yield "neighbour of the home agent", self.tunnelled(right, "2001:db8:100::1")
        yield "home agent, to all nodes", forge.tunnelled(self.agent, "ff02::1", right)
        yield "router advertisement", self.tunnelled(router_advertisement("fe80::1", home))
        yield "router advertisement of a global source", self.tunnelled(router_advertisement(peer, home))
        yield "redirect", self.tunnelled(redirect(peer, home, peer))
        yield "cut inner header", self.tunnelled(right[:30])
        yield "inner packet that is IPv4", self.tunnelled(b"\x45" + right[1:])
        yield "inner payload longer than the outer one", self.tunnelled(right[:4] + struct.pack("!H", len(right)) + right[6:])

    def test_what_does_not_come_out(self):
        routes = self.lab.run("mn", ["ip", "-6", "route", "show", "table", "all", "proto", "ra"]).stdout.count("2001:db8:666")
        before = self.state()
        for name, packet in self.cases():
            with self.subTest(name):
                self.neighbour.send(packet)
                right = f"right, behind {name}".encode()[:200]
                self.neighbour.send(self.tunnelled(self.udp(self.lab.correspondent_address, self.home_address, right)))
                self.assertEqual(self.here.recvfrom(2000)[0], right, "it came out")
        for name, pieces in self.in_fragments():
            with self.subTest(name):
                for piece in pieces:
                    self.neighbour.send(piece)
                right = f"right, behind {name}".encode()
                self.neighbour.send(self.tunnelled(self.udp(self.lab.correspondent_address, self.home_address, right)))
                self.assertEqual(self.here.recvfrom(2000)[0], right, "it came out")
        self.assertIsNotNone(self.client.ask(), "the live flow suffered")
        self.assertEqual(self.state(), before)
        self.assertEqual(self.lab.run("mn", ["ip", "-6", "route", "show", "table", "all", "proto", "ra"]).stdout.count("2001:db8:666"), routes)
        # Control: what is cut up at the tunnel's entrance comes out whole.
        whole = self.tunnelled(self.udp(self.lab.correspondent_address, self.home_address, MARK * 4))
        for piece in fragments(whole, 80):
            self.neighbour.send(piece)
        self.assertEqual(self.here.recvfrom(2000)[0], MARK * 4)

    def in_fragments(self):
        right = self.tunnelled(self.udp(self.lab.correspondent_address, self.home_address, MARK * 4))
        yield "fragments of a stranger", fragments(forge.ipv6_from(right, self.attacker.address), 80, 1)
        yield "fragments that overlap", fragments(right, 80, 2, overlap=16)
        yield "fragments of which one is missing", fragments(right, 80, 3)[1:]
        first, last = fragments(right, 80, 4)
        yield "fragments of two packets", [first, last[:44] + struct.pack("!I", 5) + last[48:]]
        yield "from itself, in fragments", fragments(self.tunnelled(self.udp(self.home_address, self.home_address, MARK * 4)), 80, 6)


class AtTheHomeAgent(AttackCase):
    def setUp(self):
        super().setUp()
        self.there = udp_socket(self.correspondent, self.lab.correspondent_address)
        self.at_the_agent = udp_socket(self.lab.namespace("ha"), "::")
        for heard in (self.there, self.at_the_agent):
            self.addCleanup(heard.close)
            heard.settimeout(3)
        self.port = self.there.getsockname()[1]

    def udp(self, source, destination, port=None, payload=MARK):
        return forge.udp(source, destination, 4444, port or self.port, payload)

    def tunnelled(self, inner, source=None):
        return forge.tunnelled(source or self.care_of, self.agent, inner)

    def test_what_is_not_let_through(self):
        peer, home = self.lab.correspondent_address, self.home_address
        # Somebody else's home address: of the same mobile node, but at the other interface.
        others = self.agent, "2001:db8:100::1", "2001:db8:100::9999", peer, self.lab.home_address, "::1", "fe80::1"
        cases = {f"in the name of {source}": self.tunnelled(self.udp(source, peer)) for source in others if source != home}
        cases |= {
            "stranger": self.tunnelled(self.udp(home, peer), self.attacker.address),
            "tunnel in the tunnel, in the name of a neighbour": self.tunnelled(forge.tunnelled(home, self.agent, self.udp("2001:db8:100::1", peer))),
            "tunnel in the tunnel, in the mobile node's own name": self.tunnelled(forge.tunnelled(home, self.agent, self.udp(home, peer))),
            "Home Address option around the tunnel": forge.ipv6(self.attacker.address, self.agent, 60,
                                                                forge.home_address_option(41, self.care_of) + self.udp(home, peer)),
            "type 2 routing header around the tunnel": routed(self.tunnelled(self.udp(home, peer)), home),
        }
        if self.home_registered_here(self.lab.home_address):
            del cases[f"in the name of {self.lab.home_address}"]
        self.nothing_heard(self.there, cases, lambda text: self.tunnelled(self.udp(home, peer, payload=text)))

    def home_registered_here(self, home_address):
        return self.home_agent_bindings()[home_address][0] == self.care_of

    def test_what_is_not_for_the_home_agents_links(self):
        port = self.at_the_agent.getsockname()[1]
        cases = {f"to {to}": self.tunnelled(self.udp(self.home_address, to, port)) for to in ("ff02::1", "ff02::2", "::1", "fe80::1")}
        cases["router advertisement"] = self.tunnelled(router_advertisement(self.home_address, self.agent))
        cases["neighbour advertisement"] = self.tunnelled(forge.icmpv6(self.home_address, self.agent, 136, 0,
            b"\x20\0\0\0" + forge.packed("2001:db8:100::1") + b"\x02\x01\x02\0\0\0\0\x66", hop_limit=255))
        router = self.lab.run("ha", ["ip", "-6", "neighbour", "show", "2001:db8:100::1"]).stdout.split()[:5]
        self.nothing_heard(self.at_the_agent, cases, lambda text: self.tunnelled(self.udp(self.home_address, self.agent, port, text)))
        self.assertEqual(self.lab.run("ha", ["ip", "-6", "neighbour", "show", "2001:db8:100::1"]).stdout.split()[:5], router)

    def nothing_heard(self, listener, cases, right_packet):
        before = self.state()
        for name, packet in cases.items():
            with self.subTest(name):
                self.attacker.send(packet)
                right = f"right, behind {name}".encode()
                self.attacker.send(right_packet(right))
                self.assertEqual(listener.recvfrom(2000)[0], right, "it was let through")
        self.assertIsNotNone(self.client.ask(), "the live flow suffered")
        self.assertEqual(self.state(), before)


if __name__ == "__main__":
    main()
