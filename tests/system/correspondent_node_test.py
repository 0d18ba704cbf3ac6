#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""mipflow-cnd and a mobile node that nobody of us wrote: the whole exchange, data both ways, and the end of a binding.

Breaks when the correspondent node needs more from a mobile node than the standard says, answers it otherwise than it says, or
loses a packet around a move.
"""
import struct

from support import residue
from support.case import main, time
from support.correspondent_case import CARES, HOMES, CorrespondentCase
from foreign import mobility as m
from foreign import packets as p

HOME, OTHER_HOME, CARE_A, CARE_B = HOMES[0], HOMES[1], CARES[0], CARES[1]


class CorrespondentNode(CorrespondentCase):
    @classmethod
    def prepare(cls):
        cls.lab.run("cn", ["ethtool", "-K", "eth0", "tx", "off"])      # so that whoever captures sees the checksums of the wire
        cls.capture = cls.lab.wire("cn", "eth0")
        super().prepare()

    def test_registration_and_data(self):
        before = self.bindings()
        tokens = self.bind()
        self.assertEqual(self.bindings() - before, {(HOME, CARE_A, self.sequences[HOME])})
        self.assert_talks()
        answer = self.node.register(HOME, CARE_A, self.next_sequence(HOME), tokens, lifetime=262140)
        self.assertEqual((answer.status, answer.lifetime, answer.home_address), (0, 420, p.packed(HOME)), "the tests are good for more than one")

    def test_two_home_addresses_with_one_care_of_test_move_alone(self):
        care_of_a, care_of_b = (self.node.token(c, False) for c in (CARE_A, CARE_B))
        homes = {h: self.node.token(h, True) for h in (HOME, OTHER_HOME)}
        for home, token in homes.items():
            self.bind(home, CARE_A, (token, care_of_a))
            self.assert_talks(home, CARE_A)
        self.bind(OTHER_HOME, CARE_B, (homes[OTHER_HOME], care_of_b))
        self.assert_talks(HOME, CARE_A)
        self.assert_talks(OTHER_HOME, CARE_B)
        self.assertTrue({(HOME, CARE_A, self.sequences[HOME]), (OTHER_HOME, CARE_B, self.sequences[OTHER_HOME])} <= self.bindings())

    def test_packets_under_way_while_the_node_moves(self):
        self.bind()
        self.assert_talks()
        self.bind(care_of=CARE_B)
        # From the care-of address of before: for a moment yes, answers go to the new one; then no more.
        self.node.send_direct(HOME, CARE_A, 9, self.port, b"under way")
        self.assertEqual(self.socket.recvfrom(100)[0], b"under way")
        self.assert_talks(HOME, CARE_B)
        self.wait_until_refused(HOME, CARE_A)
        self.assert_talks(HOME, CARE_B)

    def test_lengths(self):
        self.bind()
        for length in (1, 2, 7, 8, 9, 100, 1427, 1428):    # 1428 + 48 + 24 octets are what the link carries
            payload = bytes([length & 0xFF]) * length
            self.node.send_direct(HOME, CARE_A, 9, self.port, payload)
            data, peer = self.socket.recvfrom(2000)
            self.assertEqual(data, payload)
            self.socket.sendto(payload, peer)
            self.assertIsNotNone(self.node.arrives(self.node.visited, payload), f"{length} octets did not come back")

    def test_fragments_both_ways(self):
        self.bind()
        whole = m.udp(p.packed(HOME), self.node.correspondent, 9, self.port, bytes(range(256)) * 9)
        for offset in (0, 1280):
            part = whole[40 + offset:40 + offset + 1280]
            more = 40 + offset + 1280 < len(whole)
            header = struct.pack("!BBHI", p.UDP, 0, offset | more, 0x1234)
            self.node.visited.send(m.with_home_address_option(p.ipv6(p.packed(HOME), self.node.correspondent, p.FRAGMENT, header + part), p.packed(CARE_A)))
        data, peer = self.socket.recvfrom(4000)
        self.assertEqual(data, bytes(range(256)) * 9)
        self.socket.sendto(data, peer)
        parts = [self.node.visited.wait(lambda q: q.fragment) for _ in range(2)]
        for part in parts:
            self.assertIsNotNone(part, "a fragment is missing")
            self.assertEqual((p.text(part.routing_home_address), p.text(part.destination)), (HOME, CARE_A))
        together = b"".join(q.payload[8:] for q in sorted(parts, key=lambda q: struct.unpack_from("!H", q.payload, 2)[0] & 0xFFF8))
        self.assertEqual(together[8:], data)

    def test_no_acknowledgement_unless_asked_for_or_refused(self):
        tokens = self.bind()
        self.node.update(HOME, CARE_A, self.next_sequence(HOME), tokens, flags=0)
        self.wait(lambda: (HOME, CARE_A, self.sequences[HOME]) in self.bindings(), "the binding")
        self.assertIsNone(self.node.acknowledgement(CARE_A, seconds=0.4))
        self.node.update(HOME, CARE_A, self.sequences[HOME], tokens, flags=0)
        self.assertEqual(self.node.acknowledgement(CARE_A).status, 135)

    def test_deregistration(self):
        tokens = self.bind()
        self.assert_talks()
        answer = self.node.deregister(HOME, CARE_A, self.next_sequence(HOME), tokens[0])
        self.assertEqual((answer.status, answer.lifetime, answer.authentic), (0, 0, True))
        self.assertNotIn(HOME, {h for h, _, _ in self.bindings()})
        self.socket.sendto(b"to the home link", (HOME, 9))
        packet = self.node.arrives(self.node.home, b"to the home link")
        self.assertEqual((packet.routing_home_address, p.text(packet.destination)), (None, HOME))
        # What is recorded of the deleted binding brings it not back.
        self.node.update(HOME, CARE_A, self.sequences[HOME] - 1, tokens)
        self.assertEqual(self.node.acknowledgement(CARE_A).status, 135)
        self.assertNotIn(HOME, {h for h, _, _ in self.bindings()})

    def test_without_a_binding_packets_are_plain_and_options_are_refused(self):
        home = HOMES[5]
        self.node.home.send(m.udp(p.packed(home), self.node.correspondent, 9, self.port, b"plain"))
        data, peer = self.socket.recvfrom(100)
        self.assertEqual((data, peer[0]), (b"plain", home))
        self.socket.sendto(b"answer", peer)
        self.assertIsNotNone(self.node.arrives(self.node.home, b"answer"))
        self.node.send_direct(home, CARE_A, 9, self.port, b"direct")
        self.assertEqual(self.binding_error(CARE_A), home)
        self.assert_hears_nothing()

    def test_echo(self):
        self.bind()
        request = p.icmpv6(p.ECHO_REQUEST, 0, b"\0\1\0\2hello", p.packed(HOME), self.node.correspondent)
        self.node.visited.send(m.with_home_address_option(request, p.packed(CARE_A)))
        reply = self.node.visited.wait(lambda q: q.upper == p.ICMPV6 and q.payload[:1] == b"\x81")
        self.assertEqual((reply.payload[4:], p.text(reply.routing_home_address)), (b"\0\1\0\2hello", HOME))

    def test_z_judged(self):
        self.bind()
        self.assert_judged_right([self.capture], only_from=self.lab.correspondent_address, on_access_link=False, authentication="none",
                                 transport_checksums=True, at_least=("authenticator", "token", "type-2-routing-header", "transport-checksum"))

    def test_zz_restart_and_end(self):
        self.bind()
        self.assert_talks()
        self.assertEqual(self.lab.correspondent_node.stop(), 0)
        left = [line for lines in residue.snapshot(self.lab, "cn", ("eth0",)).values() for line in lines if "mip0" in line or "mipflow" in line]
        self.assertEqual(left, [], "something of the daemon is left")
        self.lab.start_correspondent_node()
        # The correspondent node knows nothing any more, and says so; the mobile node begins anew.
        self.node.send_direct(HOME, CARE_A, 9, self.port, b"x")
        self.assertEqual(self.binding_error(CARE_A), HOME)
        self.bind()
        self.assert_talks()


class ShortLived(CorrespondentCase):
    correspondent_node_changes = {"longest-binding-lifetime": "8s", "refresh-request-before-expiry": "5s",
                                  "previous-care-of-address-grace": "0s"}

    def refresh_request(self, seconds):
        return self.node.home.wait(lambda q: q.upper == p.MOBILITY and q.payload[2] == m.REFRESH_REQUEST, seconds)

    def test_binding_in_use_is_asked_for_again_and_ends(self):
        begin = time.monotonic()
        self.bind()
        while time.monotonic() - begin < 2.5:
            self.assert_talks()
            time.sleep(0.2)
        request = self.refresh_request(4)
        self.assertIsNotNone(request, "no Binding Refresh Request")
        self.assertEqual((p.text(request.destination), request.routing_home_address), (HOME, None))
        self.assertTrue(p.mobility_header_is_right(request))
        self.wait(lambda: not self.bindings(), "the end of the binding", 8)
        self.assertAlmostEqual(time.monotonic() - begin, 8.0, delta=1.0)
        self.wait_until_refused(HOME, CARE_A)

    def test_strict_without_grace(self):
        self.bind()
        self.bind(care_of=CARE_B)
        self.wait_until_refused(HOME, CARE_A)
        self.assert_hears_nothing()


class SwitchedOff(CorrespondentCase):
    correspondent_node_changes = {"route-optimization": False}

    def test_no_test_and_no_binding(self):
        self.assertEqual([self.node.token(HOME, True, seconds=0.5), self.node.token(CARE_A, False, seconds=0.5)], [None, None])
        self.node.send_direct(HOME, CARE_A, 9, self.port, b"direct")
        self.assertEqual(self.binding_error(CARE_A), HOME)
        self.assert_hears_nothing()


if __name__ == "__main__":
    main()
