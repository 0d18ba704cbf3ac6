#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Home registration as it looks on the wire: topology in tools/lab/__init__.py.

Breaks when a checksum, flag, option, alignment, header order, sequence number, authenticator, lifetime or retransmission
time is wrong in a real packet; when duplicate address detection is left out; when the two ends disagree.
"""
import ipaddress
import json
import struct

from support import forge
from support.attacker import Attacker
from support.case import HOME_PREFIX, SystemCase, main
from judge import dissect as d


class Registration(SystemCase):
    mobile_node_changes = {"timers": {"binding-lifetime": "16s"}}   # short, so that refreshes can be watched

    @classmethod
    def prepare(cls):
        cls.captures = [cls.lab.wire("mn", name) for name in ("wlan0", "wwan0")]
        cls.home_link = cls.lab.wire("ha", "home0")
        super().prepare()

    def messages(self, kind, home_address=None):
        found = [m for c in self.captures for m in c.messages(kind, home_address)]
        return sorted(found, key=lambda m: m[0].time)

    def test_1_every_home_address_takes_its_duplicate_address_detection(self):
        addresses = self.home_addresses()
        self.assertGreaterEqual(len(addresses), 3, "the primary one and two spares")
        for address in addresses:
            first = self.messages(d.BU, address)[0]
            answer = next(m for m in self.messages(d.BA, address) if m[0].time > first[0].time)
            self.assertEqual(answer[1].status, 0)
            waited = answer[0].time - first[0].time
            self.assertGreaterEqual(waited, 1.0, f"{address} was accepted without waiting for an answer on the home link")
            # RFC 6275 chose 1.5 s as the first timeout so that this needs one Binding Update only.
            self.assertLess(waited, 1.5)
            earlier = [m for m in self.messages(d.BU, address) if m[0].time < answer[0].time]
            self.assertEqual(len(earlier), 1, f"{address} was asked for {len(earlier)} times within {waited:.2f} s")

    def test_2_duplicate_address_detection_and_defence_on_the_home_link(self):
        probes, claims = set(), {}
        for frame in self.home_link.frames():
            layer = frame.outer
            if layer.icmpv6_type() == 135 and layer.source == bytes(16):
                probes.add(d.name(layer.payload[8:24]))
            if layer.icmpv6_type() == 136 and d.name(layer.destination) == "ff02::1":
                claims.setdefault(d.name(layer.payload[8:24]), layer.payload)
        for address in self.home_addresses():
            self.assertIn(address, probes, "no duplicate address detection on the home link")
            self.assertIn(address, claims, "no unsolicited neighbour advertisement")
            flags = claims[address][4] >> 5
            self.assertEqual(flags, 0b001, f"R, S, O of the unsolicited advertisement are {flags:03b}")
            self.assertEqual(claims[address][24:26], b"\x02\x01", "no target link-layer address")

    def test_3_home_agent_answers_for_the_mobile_node(self):
        # Breaks when the proxy neighbour entry or the solicited-node group is missing.
        self.lab.run("core", ["ip", "neighbour", "flush", "dev", "home0"])
        for address in self.home_addresses():
            self.assertEqual(self.lab.run("core", ["ping", "-6", "-c1", "-W3", address], check=False).returncode, 0, address)

    def test_3_home_agent_hears_its_mobile_nodes_by_the_home_address_option(self):
        """Breaks when the data path does not take a home registration for a binding (RFC 6275 §9.3.1)."""
        home_address, agent = self.lab.home_address, self.lab.home_agent_address
        care_of_address = self.home_agent_bindings()[home_address][0]
        attacker = Attacker(self.lab)
        self.addCleanup(attacker.close)

        def ask(source, identifier):
            message = struct.pack("!BBHHH", 128, 0, 0, identifier, 1)
            total = forge.checksum(forge.packed(home_address), forge.packed(agent), 58, message)
            message = message[:2] + struct.pack("!H", total) + message[4:]
            attacker.send(forge.ipv6(source, agent, 60, forge.home_address_option(58, home_address) + message))
        def answers(identifier):
            return [tuple(d.name(layer.destination) for layer in f.layers) for c in self.captures for f in c.frames()
                    if f.layers[-1].icmpv6_type() == 129 and f.layers[-1].payload[4:6] == struct.pack("!H", identifier)]

        ask(attacker.address, 0x6275)      # from somewhere else first: its answer would come first too
        ask(care_of_address, 0x6276)
        self.wait(lambda: answers(0x6276), "the home agent's Echo Reply")
        self.assertEqual(answers(0x6276), [(care_of_address, home_address)])
        self.assertEqual(answers(0x6275), [])

    def test_4_lists_agree(self):
        self.wait_settled()
        addresses = self.home_addresses()
        network = ipaddress.IPv6Network(HOME_PREFIX)
        self.assertTrue(all(ipaddress.IPv6Address(a) in network for a in addresses))
        self.assertEqual([a for a, h in addresses.items() if h["primary"]], [self.lab.home_address])
        self.assertEqual(addresses[self.lab.home_address]["origin"], "configured")
        self.assertEqual({h["origin"] for h in addresses.values() if not h["primary"]}, {"prefix"})
        care_of_addresses = {self.lab.care_of_address(name) for name in ("wlan0", "wwan0")}
        self.assertLessEqual({c for c, _ in self.home_agent_bindings().values()}, care_of_addresses)

    def test_5_refreshed_before_the_lifetime_ends_and_without_a_new_detection(self):
        address = self.lab.home_address
        count = len(self.messages(d.BU, address))
        self.wait(lambda: len(self.messages(d.BU, address)) >= count + 2 and len(self.messages(d.BA, address)) >= count + 2,
                  "two refreshes within the lifetime of 16 s each", 33)
        updates, answers = self.messages(d.BU, address), self.messages(d.BA, address)
        for (before, _), (after, message) in zip(updates, updates[1:]):
            if message.lifetime:
                self.assertLess(after.time - before.time, 16.0, "the binding had expired")
        refresh = updates[-2][0].time
        answer = next(frame for frame, _ in answers if frame.time > refresh)
        self.assertLess(answer.time - refresh, 0.5, "a refresh has to be answered at once")

    def test_6_mipflow_decode_reads_what_the_judge_reads(self):
        for capture in self.captures:
            capture.stop()
            done = self.lab.run("mn", [self.lab.program("mipflow"), "decode", "--json", capture.path])
            decoded = {p["number"]: p for p in map(json.loads, done.stdout.splitlines())}
            expected = {f.number: (f, m) for f in capture.frames() if (m := f.outer.mobility()) is not None}
            self.assertGreater(len(expected), 1)
            self.assertLessEqual(set(expected), set(decoded), "a message was passed over")
            for number, (frame, message) in expected.items():
                if message.kind == d.SERVICE:
                    self.assertTrue(decoded[number]["valid"], decoded[number])
                    continue
                packet = decoded[number]
                said = packet["message"]
                self.assertTrue(packet["valid"] and packet["checksum"]["right"], packet)
                self.assertEqual((said["type"], said["sequence"], said["lifetime_seconds"], packet["source"], packet["home_address"]),
                                 (message.kind, message.sequence, message.lifetime, d.name(frame.outer.source),
                                  d.name(frame.outer.home_address or frame.outer.routing_home_address)))
                self.assertEqual([o["type"] for o in said["options"]], [o.kind for o in message.options if o.kind > 1])

    def test_7_the_judge_has_nothing_to_complain_about(self):
        self.assert_judged_right(self.captures, at_least=("mobility-checksum", "authenticator", "sequence", "option-alignment",
                                                          "answer", "lifetime", "mobile-prefix", "home-address-option",
                                                          "type-2-routing-header", "tshark", "leak"))
        self.assert_judged_right([self.home_link], on_access_link=False, at_least=("neighbour-discovery", "authenticator"))


if __name__ == "__main__":
    main()
