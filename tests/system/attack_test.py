#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Forged, replayed, malformed packets and packets through the wrong tunnel change nothing and are counted.

Breaks when a message without a valid authenticator is believed, when an old one is believed twice, when anybody may send
through the tunnels, when a malformed packet ends a daemon. Every attack stands in a list, next to what makes it wrong; the
control cases at the end of each list are right and must work, else the attacks would prove nothing.
"""
import random
import struct

from support import forge
from support.attack_case import AttackCase
from support.attacker import Neighbour, derived_key
from support.case import main, time
from support.namespaces import udp_socket
from judge import dissect as d
from lab.daemons import SPI


class Attacks(AttackCase):
    @classmethod
    def prepare(cls):
        cls.captures = {name: cls.lab.wire("mn", name) for name in ("wlan0", "wwan0")}
        super().prepare()

    # --- at the home agent

    def test_forged_binding_updates(self):
        new, old = self.last_sequence() + 10, self.last_sequence() - 5
        right = self.key(self.home_address)
        stranger = "2001:db8:100::5555"
        cases = {
            "without authentication": self.update(new, key=None),
            "without authentication, de-registration": self.update(new, key=None, lifetime=0),
            "wrong key": self.update(new, key=b"wrong" * 4),
            "wrong key, de-registration from the right care-of address": self.update(new, key=b"wrong" * 4, lifetime=0, source=self.care_of),
            "key of the Primary Home Address for another one": self.update(new, key=self.primary_key),
            "no identifier": self.update(new, key=right, identifier=None),
            "identifier of nobody": self.update(new, key=right, identifier="nobody@example.org"),
            "unknown SPI": self.update(new, key=right, spi=SPI + 1),
            "reserved SPI": self.update(new, key=right, spi=3),
            "wrong checksum": self.update(new, key=right, wrong_checksum=True),
            "no Home Address option": self.update(new, key=right, with_option=False),
            "not a home registration": self.update(new, key=right, flags=0x8000),
            "multicast care-of address": self.update(new, key=right, care_of_address="ff0e::1"),
            "link-local care-of address": self.update(new, key=right, care_of_address="fe80::1"),
            "home address outside the prefix": self.update(1, home_address="2001:db8:999::1", key=derived_key(right, self.lab.home_address, "2001:db8:999::1")),
            "new home address without authentication": self.update(1, home_address=stranger, key=None),
            "cut in the middle": self.update(new, key=right)[:90],
            "old sequence number without authentication": self.update(old, key=None),
        }
        for name, packet in cases.items():
            if name == "cut in the middle":
                packet = packet[:4] + struct.pack("!H", len(packet) - 40) + packet[6:]
            self.assert_changes_nothing(name, packet, "ha")

    def test_authenticated_but_old_binding_updates_are_refused(self):
        right = self.key(self.home_address)
        self.assert_changes_nothing("old sequence number", self.update(self.last_sequence(), key=right, source=self.care_of), "ha",
                                    answers=[(self.home_address, 135)])
        self.assert_changes_nothing("timestamp of an hour ago", self.update(self.last_sequence() + 1, key=right, stamp=forge.timestamp(-3600),
                                                                           source=self.care_of), "ha", answers=[(self.home_address, 144)])

    def test_replayed_binding_updates(self):
        """What an observer recorded: both the last one and the one before that points to the other interface."""
        self.move(self.flow_id, "wwan0")
        self.wait_settled()
        self.move(self.flow_id, "wlan0")
        self.wait_settled()
        recorded = [f for c in self.captures.values() for f, m in c.messages(d.BU, self.home_address)]
        self.assertGreaterEqual(len(recorded), 3)
        for number, frame in enumerate(recorded):
            self.assert_changes_nothing(f"replay {number}", frame.outer.octets, "ha")

    def test_z_right_binding_update_of_the_forger_works(self):
        """Control: the same code with the right key, sequence number and time is believed; so the lists above are no paper."""
        spare = next(a for a, h in self.home_addresses().items() if h["state"] == "spare")
        self.attacker.send(self.update(self.last_sequence(spare) + 100, home_address=spare, key=self.key(spare)))
        self.wait(lambda: self.home_agent_bindings()[spare][0] == self.attacker.address, "the right Binding Update's effect", 3)

    def test_forged_prefix_and_discovery_messages_at_the_home_agent(self):
        option = forge.home_address_option(58, self.home_address)

        def solicitation(identifier):
            message = struct.pack("!BBHHH", 146, 0, 0, identifier, 0)
            value = forge.checksum(forge.packed(self.home_address), forge.packed(self.agent), 58, message)
            return forge.ipv6(self.attacker.address, self.agent, 60, option + message[:2] + struct.pack("!H", value) + message[4:])

        self.assert_changes_nothing("solicitation without authentication", solicitation(7), "ha")
        # Home Test Init with a Home Address option, a care-of test, an unknown type, a binding error to a home agent.
        header = struct.pack("!BBBBHH", 59, 1, 1, 0, 0, 0) + b"cookie!!"
        for name, packet in {
            "Home Test Init with a Home Address option": forge.ipv6(self.attacker.address, self.agent, 60,
                forge.home_address_option(135, self.home_address) + forge.summed(header, self.home_address, self.agent)),
            "unknown type": forge.ipv6(self.attacker.address, self.agent, 135,
                forge.summed(struct.pack("!BBBBHH", 59, 0, 99, 0, 0, 0), self.attacker.address, self.agent)),
            "Binding Error": forge.binding_error(self.attacker.address, self.agent, self.home_address),
        }.items():
            self.assert_changes_nothing(name, packet, "ha", counted=False)

    def test_tunnel_from_a_wrong_source(self):
        """Nobody may speak for a home address but its registered care-of address."""
        there = udp_socket(self.correspondent, self.lab.correspondent_address)
        self.addCleanup(there.close)
        there.settimeout(0.7)
        port = there.getsockname()[1]
        inner = forge.udp(self.home_address, self.lab.correspondent_address, 4444, port)
        for name, source in {"attacker": self.attacker.address, "care-of address of the other interface": self.lab.care_of_address("wwan0"),
                             "the home agent itself": self.agent, "the home address": self.home_address}.items():
            # The home agent tells the mobile node's other care-of address that the home address is not bound to it, and the
            # mobile node says once more where it is.
            refreshes = 1 if name == "care-of address of the other interface" else 0
            sequence = self.last_sequence()
            self.assert_changes_nothing(name, forge.tunnelled(source, self.agent, inner), "ha", counted=name != "the home agent itself",
                                        refreshes=refreshes)
            self.wait(lambda: self.last_sequence() == (sequence + refreshes) % 2**16, f"{refreshes} Binding Updates", 3)
            self.wait_settled()
            with self.assertRaises(TimeoutError, msg=f"a packet tunnelled from {name} was let through"):
                there.recvfrom(100)
        # Control: from the right care-of address it is let through.
        self.attacker.send(forge.tunnelled(self.care_of, self.agent, inner))
        self.assertEqual(there.recvfrom(100)[1][0], self.home_address)

    def test_flood_of_tunnelled_packets(self):
        """Each could be a lost binding. The home agent's daemon hears of few, and answers fewer."""
        def count(name):
            return self.lab.mipflow("counters", node="ha").get(name, 0)
        told, answered, state = count("datapath-unbound_sources_told"), count("tunnel-source-unbound"), self.state()
        begin = time.monotonic()
        for number in range(5000):
            source = f"2001:db8:100::{number + 0x1000:x}"
            self.attacker.send(forge.tunnelled(self.attacker.address, self.agent, forge.udp(source, self.lab.correspondent_address, 1, 2)))
        self.wait(lambda: count("tunnel-source-unbound") > answered, "an answer", 3)
        self.assertIsNotNone(self.client.ask(), "the live flow suffered")
        took = time.monotonic() - begin
        self.assertLessEqual(count("datapath-unbound_sources_told") - told, took * 200 + 5)
        self.assertLessEqual(count("tunnel-source-unbound") - answered, 64 + took * 32 + 1)
        self.assertEqual(self.state(), state)

    def test_garbage_at_the_home_agent(self):
        self.garbage("ha", self.agent)

    def garbage(self, node, destination):
        seed = time.time_ns() % 2**32
        print(f"seed {seed}")
        chance = random.Random(seed)
        packets = []
        for _ in range(400):
            header = bytes([59, 0, chance.randrange(12), 0, 0, 0]) + chance.randbytes(chance.randrange(2, 90))
            header += bytes(-len(header) % 8)
            header = header[:1] + bytes([len(header) // 8 - 1 if chance.random() < 0.8 else chance.randrange(256)]) + header[2:]
            source = chance.choice([self.attacker.address, self.agent, self.lab.correspondent_address])
            home = chance.choice([self.home_address, self.lab.home_address, "ff02::1", "::"])
            shape = chance.randrange(4)
            if shape == 0:
                packets.append(forge.ipv6(source, destination, 135, forge.summed(header, source, destination)))
            elif shape == 1:
                packets.append(forge.ipv6(source, destination, 60, forge.home_address_option(135, home) + forge.summed(header, home, destination)))
            elif shape == 2:
                packets.append(forge.ipv6(source, destination, 43, forge.type_2_routing_header(135, home) + forge.summed(header, source, home)))
            else:
                inner = forge.ipv6(self.agent, home, chance.choice([135, 58, 41, 60, 43, 44, 17]), header)
                packets.append(forge.tunnelled(source, destination, inner[:chance.randrange(1, len(inner))]))
        # Among the garbage for the mobile node there can be a Binding Refresh Request or a Binding Error in the home agent's name. Nobody
        # can tell them from real ones; all they may do is a refresh, under the rate limit (RFC 6275 §11.8).
        self.assert_changes_nothing(f"garbage, seed {seed}", packets, node, refreshes=9 if node == "mn" else 0)

    # --- at the mobile node

    def test_forged_acknowledgements(self):
        sequence = self.last_sequence()
        for address in (self.home_address, self.lab.home_address):
            def answer(number, **more):
                return forge.binding_acknowledgement(self.agent, self.care_of, address, number, **more)
            cases = {
                "unasked, accepted": answer(sequence + 1, lifetime=4),
                "right sequence number, lifetime 4 s, no authentication": answer(sequence, lifetime=4),
                "status 135 without authentication": answer(sequence + 3000, status=135),
                "status 146 without authentication": answer(sequence, status=146),
                "status 144 without authentication": answer(sequence, status=144, stamp=forge.timestamp(9999)),
                "status 134 without authentication": answer(sequence, status=134),
                "status 129 with a wrong key": answer(sequence, status=129, key=b"wrong" * 4, spi=SPI, stamp=forge.timestamp()),
                "accepted with a wrong key": answer(sequence, lifetime=4, key=b"wrong" * 4, spi=SPI, stamp=forge.timestamp()),
                "from somebody else": forge.binding_acknowledgement(self.agent, self.care_of, address, sequence, source=self.attacker.address),
            }
            for name, packet in cases.items():
                self.assert_changes_nothing(f"{name}, {address}", packet, "mn")

    def test_recorded_acknowledgements_again(self):
        recorded = [f for c in self.captures.values() for f, m in c.messages(d.BA)]
        self.assertGreaterEqual(len(recorded), 3)
        for number, frame in enumerate(recorded):
            self.assert_changes_nothing(f"replay {number}", frame.outer.octets, "mn")

    def test_forged_messages_at_the_mobile_node(self):
        evil = "2001:db8:666::"
        offender = forge.tunnelled(self.care_of, self.agent, forge.udp(self.home_address, self.lab.correspondent_address, self.client.port, 9))
        nothing = forge.udp(self.care_of, "2001:db8:300::77", 1, 2)
        inner = forge.udp(self.lab.correspondent_address, self.home_address, 7, 9)
        cases = {
            "prefix advertisement without authentication": forge.prefix_advertisement(self.agent, self.care_of, self.home_address, evil),
            "prefix that ends at once": forge.prefix_advertisement(self.agent, self.care_of, self.lab.home_address, "2001:db8:100::", valid=0, preferred=0),
            "Binding Error from somebody": forge.binding_error(self.attacker.address, self.care_of, self.home_address),
            "Binding Refresh Request from somebody": forge.tunnelled(self.agent, self.care_of,
                forge.binding_refresh_request(self.attacker.address, self.home_address)),
            "Packet Too Big about what was never sent": forge.packet_too_big("2001:db8:1::1", self.care_of, 1280, nothing),
            "Packet Too Big of 68 octets": forge.packet_too_big("2001:db8:1::1", self.care_of, 68, offender),
            "parameter problem about a binding update": forge.icmpv6(self.attacker.address, self.care_of, 4, 1, struct.pack("!I", 6) + offender[:200]),
            "tunnel from somebody else": forge.tunnelled(self.attacker.address, self.care_of, inner),
            "tunnel from the home agent's neighbour": forge.tunnelled("2001:db8:100::1", self.care_of, inner),
        }
        uncounted = {"Packet Too Big about what was never sent", "parameter problem about a binding update"}
        for name, packet in cases.items():
            self.assert_changes_nothing(name, packet, "mn", counted=name not in uncounted)

    def test_tunnelled_packets_of_strangers_do_not_reach_the_socket(self):
        here = udp_socket(self.node, "::")
        self.addCleanup(here.close)
        here.settimeout(0.7)
        inner = forge.udp(self.lab.correspondent_address, self.lab.home_address, 4444, here.getsockname()[1])
        neighbour = Neighbour(self.lab, "wlan0")
        self.addCleanup(neighbour.close)
        cases = {"tunnel of a stranger": (self.attacker, forge.tunnelled(self.attacker.address, self.care_of, inner)),
                 "home agent as source, but not to a care-of address": (neighbour, forge.tunnelled(self.agent, "ff02::1", inner))}
        for name, (sender, packet) in cases.items():
            with self.subTest(name):
                sender.send(packet)
                with self.assertRaises(TimeoutError, msg=f"{name}: it reached the socket"):
                    here.recvfrom(100)
        # Control.
        neighbour.send(forge.tunnelled(self.agent, self.primary()["care_of_address"] if self.primary()["interface"] == "wlan0" else self.care_of, inner))
        self.assertEqual(here.recvfrom(100)[0], b"forged")

    def test_garbage_at_the_mobile_node(self):
        self.garbage("mn", self.care_of)


if __name__ == "__main__":
    main()
