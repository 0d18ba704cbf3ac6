#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""What strangers send in a correspondent node's name changes nothing at the mobile node: tests with wrong cookies or on the wrong
way, acknowledgements without the right authenticator, and type 2 routing headers that nobody may use.

Every attack stands next to what makes it wrong; where a right one can be made, it must work.
"""
from support.attacker import Attacker, Neighbour
from support.case import main, time
from support.foreign_correspondent_case import ForeignCorrespondentCase
from support.namespaces import udp_socket
from foreign import mobility as m
from foreign import packets as p
from judge import dissect as d

STRANGER = "2001:db8:300::bad"


class AttackCase(ForeignCorrespondentCase):
    @classmethod
    def prepare(cls):
        super().prepare()
        cls.correspondent = p.packed(cls.lab.correspondent_address)
        cls.attacker = Attacker(cls.lab)            # may write any source address
        cls.addClassCleanup(cls.attacker.close)
        cls.neighbours = {name: Neighbour(cls.lab, name) for name in ("wlan0", "wwan0")}
        for neighbour in cls.neighbours.values():
            cls.addClassCleanup(neighbour.close)

    def counted(self):
        return sum(self.lab.mipflow("counters").values())


class ForgedTests(AttackCase):
    mode = "silent"

    def inits(self, kind):
        """(interface, Layer of the Mobility Header) of the Test Inits on the wire."""
        return [(name, frame.layers[-1]) for name, capture in self.captures.items() for frame in capture.frames()
                if (message := frame.layers[-1].mobility()) is not None and message.kind == kind]

    def test_answers_of_others_are_not_taken(self):
        """While the correspondent node is silent somebody else answers. Had one token of his been taken, the correspondent node would
        see a Binding Update with a wrong authenticator."""
        stream = self.stream(path=None)
        home, interface = self.flow(stream.port)["home_address"], self.flow(stream.port)["interface"]
        care_of = self.lab.care_of_address(interface)
        self.wait(lambda: self.inits(d.HOTI) and self.inits(d.COTI), "tests")
        evil, index = b"evil tok", 77
        forged = [m.test(self.correspondent, p.packed(home), m.HOME_TEST, index, b"whatever", evil),
                  m.test(self.correspondent, p.packed(care_of), m.CARE_OF_TEST, index, b"whatever", evil),
                  m.test(p.packed(STRANGER), p.packed(care_of), m.CARE_OF_TEST, index, b"whatever", evil)]
        for packet in forged:
            self.attacker.send(packet)
        # The right cookie, but not out of the home agent's tunnel; and with a wrong checksum; and from somebody else.
        cookie = self.inits(d.HOTI)[-1][1].payload[8:16]
        self.neighbours[interface].send(m.test(self.correspondent, p.packed(home), m.HOME_TEST, index, cookie, evil))
        self.neighbours[interface].send(m.with_routing_header(m.test(self.correspondent, p.packed(home), m.HOME_TEST, index, cookie, evil), p.packed(care_of)))
        name, init = self.inits(d.COTI)[-1]
        spoilt = m.test(self.correspondent, init.source, m.CARE_OF_TEST, index, init.payload[8:16], evil)
        self.neighbours[name].send(spoilt[:44] + b"\x12\x34" + spoilt[46:])
        self.neighbours[name].send(m.test(p.packed(STRANGER), init.source, m.CARE_OF_TEST, index, init.payload[8:16], evil))
        self.assertTrue(stream.wait_for_packets(30))
        self.assertEqual(self.flow(stream.port)["path"], "tunnel")
        self.peer.order("mode normal")
        self.wait_path(stream, "direct", 20)
        updates = self.peer.events("binding_update")
        self.assertEqual({e["verdict"] for e in updates}, {"accepted"}, updates)
        self.assertNotIn([index, index], [e["nonce_indices"] for e in updates])
        self.assert_lossless(stream.finish())


class DirectFlow(AttackCase):
    def setUp(self):
        self.flow_stream = self.stream()
        listed = self.flow(self.flow_stream.port)
        self.home, self.interface = listed["home_address"], listed["interface"]
        self.care_of = self.lab.care_of_address(self.interface)

    def state(self):
        """What an attacker could want to change."""
        return sorted((b["home_address"], b["care_of_address"], b["peer"], b["state"], b["sequence"]) for b in self.lab.mipflow("binding", "list")
                      if b["peer"] == self.lab.correspondent_address and b["home_address"] == self.home)

    def assert_changes_nothing(self, name, packet, sender=None):
        with self.subTest(name):
            before, count = self.state(), len(self.peer.events("binding_update"))
            self.assertEqual(len(before), 1)
            (sender or self.attacker).send(packet)
            self.assertTrue(self.flow_stream.wait_for_packets(10), "the flow suffered")
            self.assertEqual(self.state(), before)
            self.assertEqual(self.flow(self.flow_stream.port)["path"], "direct")
            self.assertEqual(len(self.peer.events("binding_update")), count, "a Binding Update for a stranger")
            self.assertTrue(self.lab.mobile_node.running(), "the daemon has ended")

    def test_forged_acknowledgements(self):
        (_, _, _, _, sequence), home, care_of = self.state()[0], p.packed(self.home), p.packed(self.care_of)

        def answer(status, number, units=105, key=None, source=self.correspondent):
            return m.acknowledgement(source, care_of, home, True, status, number, units, key, care_of)
        for name, packet in {
            "accepted for 4 s, without authenticator": answer(0, sequence, 1),
            "accepted for 4 s, with a wrong key": answer(0, sequence, 1, b"wrong" * 4),
            "accepted, unasked": answer(0, sequence + 1, 105, b"wrong" * 4),
            "refused (130) with a wrong key": answer(130, sequence, 0, b"wrong" * 4),
            "refused (135) without authenticator": answer(135, sequence + 3000, 0),
            "refused (135) with a wrong key": answer(135, sequence + 3000, 0, b"wrong" * 4),
            "stale nonces (136), though nothing was asked": answer(136, sequence, 0),
            "stale nonces (137), though nothing was asked": answer(137, sequence, 0),
            "stale nonces (138) of a future question": answer(138, sequence + 1, 0),
            "from somebody else": answer(0, sequence, 1, b"wrong" * 4, p.packed(STRANGER)),
        }.items():
            self.assert_changes_nothing(name, packet)

    def test_other_messages(self):
        home, care_of = p.packed(self.home), p.packed(self.care_of)
        offender = m.with_home_address_option(m.udp(home, p.packed(STRANGER), 1, 2, b"never sent"), care_of)
        for name, packet in {
            "Binding Error of a stranger": m.binding_error(p.packed(STRANGER), care_of, home),
            "Binding Error about somebody else's home address": m.binding_error(self.correspondent, care_of, p.packed("2001:db8:100::9999")),
            "Binding Refresh Request of a stranger": m.refresh_request(p.packed(STRANGER), home),
            "Care-of Test that nobody asked for": m.test(self.correspondent, care_of, m.CARE_OF_TEST, 5, b"whatever", b"evil tok"),
            "Home Test that nobody asked for": m.test(self.correspondent, home, m.HOME_TEST, 5, b"whatever", b"evil tok"),
            "Parameter Problem about what was never sent": m.icmpv6_error(p.packed(STRANGER), offender, m.PARAMETER_PROBLEM, 1, 6),
            "Unreachable about what was never sent": m.icmpv6_error(p.packed(STRANGER), offender, m.UNREACHABLE, 0),
        }.items():
            self.assert_changes_nothing(name, packet)

    def test_forged_binding_error_costs_a_detour_and_nothing_more(self):
        """Nobody can tell it from a real one. The flow takes the tunnel, comes back, and loses nothing."""
        self.assertTrue(self.flow_stream.wait_for_packets(120))
        count = len(self.peer.events("binding_update"))
        self.attacker.send(m.binding_error(self.correspondent, p.packed(self.care_of), p.packed(self.home)))
        self.wait(lambda: len(self.peer.events("binding_update")) > count, "another Binding Update", 5)
        self.wait_path(self.flow_stream, "direct")
        for _ in range(200):
            self.attacker.send(m.binding_error(self.correspondent, p.packed(self.care_of), p.packed(self.home)))
        begin = time.monotonic()
        self.assertTrue(self.flow_stream.wait_for_packets(150))
        spent = len(self.peer.events("binding_update")) - count
        self.assertLessEqual(spent, 3 * (1 + time.monotonic() - begin), "a flood of Binding Errors makes one of Binding Updates")
        self.assert_lossless(self.flow_stream.finish())

    def test_type_2_routing_headers(self):
        """They lead to our home addresses, from correspondent nodes that we have a binding with and the home agent, and nowhere else."""
        here = udp_socket(self.lab.namespace("mn"), "::")
        self.addCleanup(here.close)
        here.settimeout(0.4)
        port = here.getsockname()[1]
        capture = self.lab.wire("mn", self.interface)

        def inner(source, destination=None):
            return m.udp(p.packed(source), p.packed(destination or self.home), 4444, port, b"routed")

        def routed(packet, **changes):
            packet = bytearray(m.with_routing_header(packet, p.packed(self.care_of)))
            for at, value in changes.get("patch", {}).items():
                packet[at] = value
            return bytes(packet)
        peer = self.lab.correspondent_address
        spare = next(a for a, h in self.home_addresses().items() if h["state"] == "spare")
        cases = {
            "from a stranger": routed(inner(STRANGER)),
            "from the home agent, to somebody else's address": routed(inner(self.lab.home_agent_address, "2001:db8:300::1")),
            "to a home address that this correspondent node has no binding of": routed(inner(peer, spare)),
            "to somebody else's address": routed(inner(peer, "2001:db8:300::1")),
            "to the care-of address itself": routed(inner(peer, self.care_of)),
            "to a multicast address": routed(inner(peer, "ff02::1")),
            "no segment left": routed(inner(peer), patch={43: 0}),
            "two segments left": routed(inner(peer), patch={43: 2}),
            "another length": routed(inner(peer), patch={41: 4}),
            "type 0": routed(inner(peer), patch={42: 0}),
            "two of them": m.with_routing_header(routed(inner(peer)), p.packed(self.care_of)),
        }
        for name, packet in cases.items():
            with self.subTest(name):
                self.attacker.send(packet)
                with self.assertRaises(TimeoutError, msg=f"{name}: it reached the socket"):
                    here.recvfrom(100)
        capture.stop()
        # What is of another type is the kernel's own business, which may answer it (RFC 8200 §4.4).
        about_type_0 = lambda f: f.outer.icmpv6_type() == 4 and f.outer.payload[8 + 42] == 0
        leaving = [f for f in capture.frames() if f.outer.source == p.packed(self.care_of) and not about_type_0(f) and
                   (f.outer.icmpv6_type() in (1, 3, 4) or f.layers[-1].payload.endswith(b"routed"))]
        self.assertEqual([str(f) for f in leaving], [], "an answer to them, or one that was forwarded")
        # Control. The home agent may (decision 23), whose name a forger of sources can also put on a tunnel.
        for source in (peer, self.lab.home_agent_address):
            self.attacker.send(routed(inner(source)))
            self.assertEqual(here.recvfrom(100)[0], b"routed")

    def test_home_address_option_is_nothing_for_a_mobile_node(self):
        """It holds no bindings of others."""
        here = udp_socket(self.lab.namespace("mn"), "::")
        self.addCleanup(here.close)
        here.settimeout(0.4)
        packet = m.udp(p.packed("2001:db8:100::9999"), p.packed(self.care_of), 4444, here.getsockname()[1], b"spoofed")
        self.attacker.send(m.with_home_address_option(packet, p.packed(STRANGER)))
        with self.assertRaises(TimeoutError):
            here.recvfrom(100)


if __name__ == "__main__":
    main()
