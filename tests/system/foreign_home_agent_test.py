#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The foreign home agent is judged before it judges: scapy plays the mobile node, its correspondent and the router.

    scapy                               wire ═════ home  foreign_home_agent.py
    fe80::1 router, care-of addresses,                   2001:db8:100::1, prefix 2001:db8:100::/64
    correspondent node

See support/scapy_peer.py.
"""
import ipaddress
import os
import pathlib
import unittest

from support.scapy_peer import ROUTER, ForeignNodeCase  # before scapy itself: it makes a network namespace
from scapy.all import (ICMPv6EchoReply, ICMPv6EchoRequest, ICMPv6HAADReply, ICMPv6HAADRequest, ICMPv6MPAdv,  # noqa: E402
                       ICMPv6MPSol, ICMPv6ND_NA, ICMPv6ND_NS, ICMPv6NDOptDstLLAddr, ICMPv6NDOptPrefixInfo,
                       ICMPv6NDOptSrcLLAddr, ICMPv6PacketTooBig, IPv6, IPv6ExtHdrDestOpt, IPv6ExtHdrRouting, HAO,
                       MIP6MH_BA, MIP6MH_BU, MIP6OptAltCoA, MIP6OptUnknown, PadN, Raw, UDP, raw)

HERE = pathlib.Path(__file__).resolve().parent
AGENT, PREFIX = "2001:db8:100::1", "2001:db8:100::"
HOME1, HOME2, HOME3 = (PREFIX + str(n) for n in (1001, 1002, 1003))
CARE_A, CARE_B = "2001:db8:1::77", "2001:db8:2::77"
CORRESPONDENT = "2001:db8:300::5"


def binding_update(home_address, care_of_address, sequence, lifetime=600, flags="AH", source=None, with_home_address=True,
                   alternate=True, extra=()):
    options = [MIP6OptAltCoA(acoa=care_of_address)] if alternate else []
    packet = IPv6(src=source or care_of_address, dst=AGENT, hlim=64)
    if with_home_address:
        packet = packet / IPv6ExtHdrDestOpt(options=[HAO(hoa=home_address)])
    return packet / MIP6MH_BU(seq=sequence, flags=flags, mhtime=lifetime // 4, options=options + list(extra))


def inner_of(packet):
    return packet[IPv6].payload if packet.nh == 41 else None


class ForeignHomeAgentTest(ForeignNodeCase):
    interface = "home"
    options = ()

    def command(self):
        return [HERE / "foreign_home_agent.py", "--interface", "home", "--address", AGENT, "--prefix", PREFIX + "/64",
                "--router", ROUTER, "--log", self.log_path, *self.options]

    def acknowledgement(self, seconds=3.0):
        return self.wire.wait(lambda q: q.haslayer(MIP6MH_BA), seconds)

    def answer_to(self, packet):
        """Sends, returns (Binding Acknowledgement, seconds it took)."""
        sent = self.wire.send(packet)
        entry = self.acknowledgement()
        self.assertIsNotNone(entry, "no Binding Acknowledgement")
        return entry[1], entry[0] - sent

    def register(self, home_address, care_of_address, sequence, **more):
        answer, _ = self.answer_to(binding_update(home_address, care_of_address, sequence, **more))
        self.assertEqual(answer[MIP6MH_BA].status, 0)

    def downlink_goes_to(self, home_address):
        """Care-of address to which a packet of the correspondent node is tunnelled."""
        payload = os.urandom(8)
        packet = IPv6(src=CORRESPONDENT, dst=home_address, hlim=60) / UDP(sport=7, dport=9) / Raw(payload)
        self.wire.send(packet)
        entry = self.wire.wait(lambda q: q.nh == 41 and raw(q).endswith(payload))
        self.assertIsNotNone(entry, f"nothing tunnelled for {home_address}")
        inner = inner_of(entry[1])
        self.assertEqual((inner.src, inner.dst, inner.hlim), (CORRESPONDENT, home_address, 59))
        return entry[1].dst

    def uplink_arrives(self, home_address, care_of_address):
        payload = os.urandom(8)
        inner = IPv6(src=home_address, dst=CORRESPONDENT, hlim=64) / UDP(sport=9, dport=7) / Raw(payload)
        self.wire.send(IPv6(src=care_of_address, dst=AGENT, hlim=64, nh=41) / inner)
        entry = self.wire.wait(lambda q: q.nh == 17 and raw(q).endswith(payload), 0.4)
        return entry is not None and entry[1].hlim == 63

    # --- registration

    def test_first_registration_takes_its_time_and_is_silent_meanwhile(self):
        sent = self.wire.send(binding_update(HOME1, CARE_A, 10, flags="H"))   # no A: answered all the same
        probe = self.wire.wait(lambda q: q.haslayer(ICMPv6ND_NS) and q[ICMPv6ND_NS].tgt == HOME1)
        self.assertEqual((probe[1].src, probe[1].hlim), ("::", 255))
        self.wire.send(binding_update(HOME1, CARE_A, 11))
        entry = self.acknowledgement()
        self.assertGreaterEqual(entry[0] - sent, 1.06)
        self.assertLessEqual(entry[0] - sent, 1.4)
        answer = entry[1]
        self.assertEqual((answer.src, answer.dst), (AGENT, CARE_A))
        self.assertEqual((answer[IPv6ExtHdrRouting].type, answer[IPv6ExtHdrRouting].segleft), (2, 1))
        self.assertEqual(answer[IPv6ExtHdrRouting].addresses, [HOME1])
        self.assertEqual((answer[MIP6MH_BA].status, answer[MIP6MH_BA].seq, answer[MIP6MH_BA].mhtime), (0, 10, 150))
        again = raw(answer)
        del answer[MIP6MH_BA].cksum
        self.assertEqual(again, raw(IPv6(raw(answer))), "checksum differs from scapy's")
        self.assertIsNone(self.acknowledgement(0.3), "the Binding Update during detection was answered")
        self.assertIn("duplicate", self.wait_for_event("ignored")["why"])
        advertisement = self.wire.wait(lambda q: q.haslayer(ICMPv6ND_NA) and q[ICMPv6ND_NA].tgt == HOME1)[1]
        self.assertEqual((advertisement.dst, advertisement[ICMPv6ND_NA].O, advertisement[ICMPv6ND_NA].R), ("ff02::1", 1, 0))

    def test_later_registrations_are_answered_at_once(self):
        self.register(HOME1, CARE_A, 10)
        answer, took = self.answer_to(binding_update(HOME1, CARE_A, 11))
        self.assertEqual(answer[MIP6MH_BA].seq, 11)
        self.assertLess(took, 0.5)

    def test_statuses(self):
        def status(*arguments, **more):
            answer, _ = self.answer_to(binding_update(*arguments, **more))
            return answer[MIP6MH_BA].status, answer[MIP6MH_BA].seq, answer[MIP6MH_BA].mhtime

        self.assertEqual(status("2001:db8:999::1", CARE_A, 5), (132, 5, 0))
        self.assertEqual(status(HOME1, CARE_A, 5, lifetime=0), (133, 5, 0))
        self.assertEqual(status(HOME1, CARE_A, 5, flags="AHR"), (140, 5, 0))
        self.register(HOME1, CARE_A, 65530)
        self.assertEqual(status(HOME1, CARE_A, 65531, flags="AHR"), (139, 65531, 0))
        self.assertEqual(status(HOME1, CARE_A, 65530), (135, 65530, 0))
        self.assertEqual(status(HOME1, CARE_A, 3), (0, 3, 150))             # wrapped around
        self.assertEqual(status(HOME1, CARE_A, 65535), (135, 3, 0))
        self.assertEqual(status(HOME1, CARE_A, 4, lifetime=0), (0, 4, 0))
        self.assertEqual(status(HOME1, CARE_A, 5, lifetime=0), (133, 5, 0))

    def test_missing_home_address_option_counts_as_deregistration(self):
        self.wire.neighbours.add(HOME1)
        answer, _ = self.answer_to(binding_update(HOME1, CARE_A, 5, source=HOME1, with_home_address=False))
        self.assertEqual((answer[MIP6MH_BA].status, answer.dst, answer.haslayer(IPv6ExtHdrRouting)), (133, HOME1, 0))

    def test_no_h_flag_and_wrong_checksum_bring_no_answer(self):
        self.wire.send(binding_update(HOME1, CARE_A, 5, flags="A"))
        wrong = binding_update(HOME1, CARE_A, 6)
        wrong[MIP6MH_BU].cksum = 0x1234
        self.wire.send(wrong)
        self.wait_for_event("ignored")
        self.wait_for_event("bad_mobility_header")
        self.assertIsNone(self.acknowledgement(1.5))

    def test_unknown_options_do_no_harm(self):
        self.register(HOME1, CARE_A, 1, extra=[PadN(optdata=b""), MIP6OptUnknown(otype=9, odata=b"\1\0\0\1\0" + b"m" * 12)])
        self.assertIn(9, self.events("binding_update")[0]["options"])

    def test_alternate_care_of_address_is_honoured(self):
        sent = binding_update(HOME1, CARE_B, 1, source=CARE_A)
        answer, _ = self.answer_to(sent)
        self.assertEqual(answer.dst, CARE_A)
        self.assertEqual(self.downlink_goes_to(HOME1), CARE_B)

    def test_address_in_use_on_the_home_link(self):
        self.wire.send(binding_update(HOME1, CARE_A, 1))
        self.assertIsNotNone(self.wire.wait(lambda q: q.haslayer(ICMPv6ND_NS) and q[ICMPv6ND_NS].tgt == HOME1))
        self.wire.send(IPv6(src=HOME1, dst="ff02::1", hlim=255) / ICMPv6ND_NA(tgt=HOME1, R=0, S=0, O=1)
                       / ICMPv6NDOptDstLLAddr(lladdr="02:00:00:00:00:09"))
        self.assertEqual(self.acknowledgement()[1][MIP6MH_BA].status, 134)
        self.wire.agent_mac = None

    # --- neighbour discovery, prefix and agent discovery

    def test_answers_solicitations_for_bound_home_addresses_only(self):
        self.register(HOME1, CARE_A, 1)
        for target in (HOME2, HOME1):
            group = ipaddress.IPv6Address(int(ipaddress.IPv6Address("ff02::1:ff00:0")) | int(ipaddress.IPv6Address(target)) & 0xFFFFFF)
            self.wire.send(IPv6(src=ROUTER, dst=str(group), hlim=255) / ICMPv6ND_NS(tgt=target)
                           / ICMPv6NDOptSrcLLAddr(lladdr=self.wire.mac_text))
        answer = self.wire.wait(lambda q: q.haslayer(ICMPv6ND_NA) and q.dst == ROUTER)[1][ICMPv6ND_NA]
        self.assertEqual((answer.tgt, answer.R, answer.S, answer.O), (HOME1, 0, 1, 0))

    def test_prefix_advertisement_at_most_once_a_second(self):
        def solicit(identifier):
            self.wire.send(IPv6(src=CARE_A, dst=AGENT) / IPv6ExtHdrDestOpt(options=[HAO(hoa=HOME1)])
                           / ICMPv6MPSol(id=identifier))
            return self.wire.wait(lambda q: q.haslayer(ICMPv6MPAdv), 0.4)

        self.register(HOME1, CARE_A, 1)
        advertisement = solicit(77)[1]
        self.assertIsNone(solicit(78))
        self.assertEqual((advertisement.dst, advertisement[IPv6ExtHdrRouting].addresses), (CARE_A, [HOME1]))
        self.assertEqual((advertisement[ICMPv6MPAdv].id, advertisement[ICMPv6NDOptPrefixInfo].prefix), (77, AGENT))

    def test_home_agent_address_discovery(self):
        self.wire.send(IPv6(src=CARE_A, dst="2001:db8:100:0:fdff:ffff:ffff:fffe") / ICMPv6HAADRequest(id=9, R=0))
        reply = self.wire.wait(lambda q: q.haslayer(ICMPv6HAADReply))[1]
        self.assertEqual((reply.src, reply.dst, reply[ICMPv6HAADReply].id, reply[ICMPv6HAADReply].addresses),
                         (AGENT, CARE_A, 9, [AGENT]))

    def test_echo(self):
        self.wire.send(IPv6(src=CARE_A, dst=AGENT) / ICMPv6EchoRequest(id=3, data=b"hello"))
        self.assertEqual(self.wire.wait(lambda q: q.haslayer(ICMPv6EchoReply))[1].data, b"hello")

    # --- tunnel

    def test_tunnel_both_ways_with_strict_source(self):
        self.register(HOME1, CARE_A, 1)
        self.assertEqual(self.downlink_goes_to(HOME1), CARE_A)
        self.assertTrue(self.uplink_arrives(HOME1, CARE_A))
        self.assertFalse(self.uplink_arrives(HOME1, CARE_B))
        self.assertFalse(self.uplink_arrives(HOME2, CARE_A))

    def test_tunnel_mtu(self):
        self.register(HOME1, CARE_A, 1)

        def send(length):
            self.wire.send(IPv6(src=CORRESPONDENT, dst=HOME1) / UDP(sport=7, dport=9) / Raw(b"x" * (length - 48)))
            return self.wire.wait(lambda q: q.nh == 41 or q.haslayer(ICMPv6PacketTooBig))[1]

        self.assertEqual(len(raw(send(1460))), 1500)
        too_big = send(1461)
        self.assertEqual((too_big.dst, too_big[ICMPv6PacketTooBig].mtu), (CORRESPONDENT, 1460))
        outer = IPv6(src=AGENT, dst=CARE_A, nh=41, plen=1460) / raw(IPv6(src=CORRESPONDENT, dst=HOME1) / UDP())
        self.wire.send(IPv6(src="2001:db8:1::1", dst=AGENT) / ICMPv6PacketTooBig(mtu=1400) / raw(outer))
        self.wait_for_event("tunnel_mtu")
        self.assertEqual(send(1400)[ICMPv6PacketTooBig].mtu, 1360)

    # --- the defect

    def move_two_together(self):
        self.register(HOME1, CARE_A, 1)
        self.register(HOME2, CARE_A, 1)
        self.register(HOME1, CARE_B, 2)
        self.register(HOME2, CARE_B, 2)

    def test_defect_shared_tunnel_stays_behind_also_after_refreshes(self):
        self.move_two_together()
        for sequence in (3, 4):
            self.assertEqual(self.downlink_goes_to(HOME1), CARE_A)
            self.assertEqual(self.downlink_goes_to(HOME2), CARE_A)
            self.register(HOME1, CARE_B, sequence)
        self.assertFalse(self.uplink_arrives(HOME1, CARE_B))

    def test_defect_is_healed_by_an_unbound_home_address(self):
        self.move_two_together()
        self.register(HOME3, CARE_B, 1)
        self.register(HOME1, CARE_B, 3)
        self.assertEqual(self.downlink_goes_to(HOME1), CARE_B)
        self.assertTrue(self.uplink_arrives(HOME1, CARE_B))
        self.assertEqual(self.downlink_goes_to(HOME2), CARE_A, "only the one that asked again")

    def test_defect_is_healed_by_registering_anew(self):
        self.move_two_together()
        self.register(HOME1, CARE_B, 3, lifetime=0)
        self.register(HOME1, CARE_B, 4)
        self.assertEqual(self.downlink_goes_to(HOME1), CARE_B)

    def test_no_defect_with_an_anchor_and_when_alone(self):
        self.register(HOME1, CARE_A, 1)
        self.register(HOME1, CARE_B, 2)            # alone on its tunnel
        self.assertEqual(self.downlink_goes_to(HOME1), CARE_B)
        self.register(HOME3, CARE_A, 1)            # the anchor on A
        self.register(HOME2, CARE_B, 1)
        self.register(HOME1, CARE_A, 3)
        self.register(HOME2, CARE_A, 2)
        self.assertEqual([self.downlink_goes_to(a) for a in (HOME1, HOME2)], [CARE_A, CARE_A])


class WithoutDefectTest(ForeignHomeAgentTest):
    """The option must really switch the defect off, else it would prove nothing in the tests that use it."""
    options = ("--without-defect", "--longest-lifetime", "240")

    def test_shared_tunnel_moves(self):
        self.move_two_together()
        self.assertEqual([self.downlink_goes_to(a) for a in (HOME1, HOME2)], [CARE_B, CARE_B])

    def test_lifetime_is_capped_without_a_word(self):
        answer, _ = self.answer_to(binding_update(HOME1, CARE_A, 1))
        self.assertEqual((answer[MIP6MH_BA].status, answer[MIP6MH_BA].mhtime), (0, 60))


def load_tests(loader, _tests, _pattern):
    suite = loader.loadTestsFromTestCase(ForeignHomeAgentTest)
    suite.addTests(WithoutDefectTest(name) for name in ("test_shared_tunnel_moves", "test_lifetime_is_capped_without_a_word"))
    return suite


if __name__ == "__main__":
    unittest.main(verbosity=2)
