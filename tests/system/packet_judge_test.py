#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Judges the judge: a right conversation built by scapy brings no complaint, and every rule can be broken."""
import json
import os
import pathlib
import struct
import tempfile
import unittest

from support.conversations import (AGENT, CARE_A, CARE_B, HOME, KEY, PEER, PREFIX, SPI, acknowledgement, advertisement, binding_error,
                                   binding_update, care_of_test, care_of_test_init, conversation, direct_acknowledgement,
                                   direct_conversation, direct_data, direct_update, home_test, home_test_init, in_tunnel, lifetimes, message, octets,
                                   pcap, service, service_conversation, solicitation, tunnelled, with_checksum)
from scapy.all import HAO, ICMPv6EchoRequest, ICMPv6HAADRequest, ICMPv6ND_NA, ICMPv6ND_NS, IPv6, IPv6ExtHdrDestOpt, Raw, UDP, raw
from judge.capture import read_all
from judge.packets import judge_packet
from judge.verdict import Verdict
from packet_judge import expect, judge

OTHER_HOME = "2001:db8:100::1002"
BROKEN = set()          # rules that were seen to complain
VECTORS = pathlib.Path(__file__).resolve().parents[1] / "unit" / "wire" / "vectors.json"


def patched(packet, at, value, mend=True, source=HOME, destination=AGENT):
    """One octet of a Mobility Header that stands behind 24 octets of extension header changed; checksum mended."""
    header = bytearray(packet[64:])
    header[at] = value
    return packet[:64] + (with_checksum(bytes(header), source, destination) if mend else bytes(header))


def moved_option(packet):
    """The Alternate Care-of Address at 8n+4 instead of 8n+6: the PadN before it comes after it."""
    header = packet[64:]
    body = header[:12] + header[14:32] + b"\x01\0" + header[32:]
    return packet[:64] + with_checksum(body, HOME, AGENT)


def fragmented(packet):
    """The Fragment header before the Home Address option: wrong order."""
    return packet[:4] + struct.pack("!H", len(packet) - 32) + b"\x2c" + packet[7:40] + bytes([60, 0, 0, 0, 0, 0, 0, 1]) + packet[40:]


def behind_the_authenticator(packet):
    """8 octets of padding where nothing may stand."""
    header = packet[64:65] + bytes([packet[65] + 1]) + packet[66:] + b"\x01\x06" + bytes(6)
    return packet[:4] + struct.pack("!H", len(packet) - 40 + 8) + packet[6:64] + with_checksum(header, HOME, PEER)


def authorization_moved(packet):
    """The Nonce Indices behind a PadN of 2 octets: what follows stands at 8n+4."""
    header = packet[64:65] + bytes([packet[65] + 1]) + packet[66:76] + b"\x01\0" + packet[76:82] + packet[82:] + bytes(6)
    return packet[:4] + struct.pack("!H", len(packet) - 40 + 8) + packet[6:64] + with_checksum(header, HOME, PEER)


class JudgeTest(unittest.TestCase):
    expectations = dict(key=KEY, spi=SPI, primary_home_address=HOME)

    def verdict(self, packets, outside=True, **more):
        with tempfile.TemporaryDirectory(prefix="mipflow-judge-") as folder:
            path = pathlib.Path(folder) / "test.pcap"
            path.write_bytes(pcap(sorted(packets)))
            return judge([path], expect(AGENT, PREFIX, **{**self.expectations, **more}), outside)

    def test_right_conversation(self):
        verdict = self.verdict(conversation().values())
        self.assertEqual(verdict.complaints, [], str(verdict))
        for rule in ("mobility-checksum", "authenticator", "sequence", "retransmission", "tunnel-addresses", "tshark",
                     "option-alignment", "answer", "lifetime", "mobile-prefix", "leak"):
            self.assertGreater(verdict.seen[rule], 0, f"rule {rule} had nothing to look at")

    def test_a_registration_may_begin_anew_when_a_link_has_changed(self):
        packets = {**conversation(), "again": (10.4, binding_update(8)), "answer": (10.5, acknowledgement(8))}
        for change, complaints in ((10.2, set()), (9.9, {"retransmission"}), (10.45, {"retransmission"})):
            verdict = self.verdict(packets.values(), outside=False, link_changes=(change,))
            self.assertEqual({rule for _, rule, _ in verdict.complaints}, complaints)

    def test_what_waited_for_a_neighbour_says_nothing_about_the_time_of_sending(self):
        late = {**conversation(), "again": (10.5, binding_update(8))}
        neighbour = raw(IPv6(src="fe80::1", dst=CARE_A, hlim=255) / ICMPv6ND_NA(tgt="fe80::1", S=1))
        for answered, complaints in ((9.99, set()), (9.9, {"retransmission"}), (10.01, {"retransmission"})):
            verdict = self.verdict({**late, "neighbour": (answered, neighbour)}.values(), outside=False)
            self.assertEqual({rule for _, rule, _ in verdict.complaints}, complaints, str(verdict))

    def test_every_rule_can_be_broken(self):
        good = conversation()
        first, answer = good["first"][1], good["answer"][1]
        breaks = [
            ("mobility-checksum", "first", (10.0, patched(first, 5, first[69] ^ 1, mend=False))),
            ("mobility-checksum", "first", (10.0, first[:64] + with_checksum(first[64:], CARE_A, AGENT))),
            ("mobility-header", "first", (10.0, patched(first, 0, 17))),
            ("mobility-header", "first", (10.0, patched(first, 1, 1))),
            ("mobility-header", "first", (10.0, patched(first, 3, 1))),
            ("mobility-header", "first", (10.0, patched(first, 2, 99))),
            ("option-alignment", "first", (10.0, moved_option(first))),
            ("mobility-options", "first", (10.0, patched(first, 15, 255))),
            ("option-padding", "first", (10.0, patched(first, 32, 1))),
            ("flags", "first", (10.0, binding_update(7, flags=0xC400))),
            ("flags", "first", (10.0, binding_update(7, flags=0x8000))),
            ("flags", "first", (10.0, binding_update(7, flags=0xD000))),
            ("flags", "answer", (11.6, acknowledgement(8, flags=0x40))),
            ("flags", "answer", (11.6, acknowledgement(8, flags=0x80))),
            ("sequence", "again", (11.5, binding_update(7))),
            ("sequence", "again", (11.5, binding_update(7 + 32768))),
            ("retransmission", "again", (11.4, binding_update(8))),
            ("retransmission", "move again", (14.9, binding_update(10, CARE_B))),
            ("rate", "extra", [(10.1 + i / 10, binding_update(i + 100, CARE_A)) for i in range(4)]),
            ("alternate-care-of-address", "first", (10.0, binding_update(7, acoa=CARE_B))),
            ("authenticator", "first", (10.0, binding_update(7, key=b"wrong"))),
            ("authenticator", "answer", (11.6, acknowledgement(8, care_of=CARE_A, acoa=CARE_B))),
            ("authentication", "first", (10.0, binding_update(7, spi=200))),
            ("authentication", "first", (10.0, binding_update(7, identifier=False))),
            ("authentication", "answer", (11.6, acknowledgement(8, stamp=b"TTTTXXXX"))),
            ("answer", "answer", (11.6, acknowledgement(77))),
            ("lifetime", "answer", (11.6, acknowledgement(8, lifetime=604))),
            ("lifetime", "answer", (11.6, acknowledgement(8, lifetime=0))),
            ("addresses", "answer", (11.6, acknowledgement(8, CARE_B, acoa=CARE_A))),
            ("addresses", "first", (10.0, binding_update(7, home="2001:db8:999::1"))),
            ("placement", "solicitation", (12.0, solicitation(with_option=False))),
            ("answer", "answer", (11.6, raw(IPv6(src=AGENT, dst=CARE_A, nh=135) / Raw(with_checksum(answer[64:], AGENT, CARE_A))))),
            ("placement", "extra", [(9.0, raw(IPv6(src=HOME, dst=AGENT, nh=135) / Raw(first[64:]))), (9.1, acknowledgement(7, HOME))]),
            ("mobile-prefix", "advertisement", (12.1, advertisement(identifier=8))),
            ("mobile-prefix", "advertisement", (12.1, advertisement(preferred=300))),
            ("tunnel-addresses", "up", (13.0, tunnelled(OTHER_HOME, PEER))),
            ("tunnel-addresses", "up", (13.0, tunnelled(HOME, PEER, CARE_B))),
            ("tunnel-addresses", "down", (13.1, tunnelled(PEER, "2001:db8:999::1", up=False))),
            ("tunnel", "up", (13.0, tunnelled("fe80::1", PEER))),
            ("hop-limit", "up", (13.0, tunnelled(HOME, PEER, hop_limit=3))),
            ("leak", "extra", (13.0, raw(IPv6(src=HOME, dst=PEER) / UDP()))),
            ("leak", "extra", (13.0, raw(IPv6(src=PEER, dst=HOME) / UDP()))),
            ("header-order", "first", (10.0, fragmented(first))),
            ("home-address-option", "first", (10.0, first[:42] + b"\x01\x02ab" + first[46:])),
            ("type-2-routing-header", "answer", (11.6, answer[:43] + b"\x02" + answer[44:])),
            ("soundness", "first", (10.0, first[:47] + b"\x0f" + first[48:])),
            ("neighbour-discovery", "extra", (13.0, raw(IPv6(src="fe80::1", dst="ff02::1", hlim=64) / ICMPv6ND_NS(tgt=CARE_A)))),
            ("icmpv6-checksum", "solicitation", (12.0, solicitation()[:-8] + b"\x92\0\xff\xff" + solicitation()[-4:])),
            ("icmpv6", "extra", (13.0, raw(IPv6(src=CARE_A, dst=AGENT, nh=41) / Raw(solicitation())))),
            ("length", "first", (10.0, first[:-8])),
            ("tshark", "extra", (13.0, raw(IPv6(src=CARE_A, dst=PEER) / ICMPv6EchoRequest(cksum=0x1234)))),
        ]
        self.break_one_by_one(good, breaks)

    def break_one_by_one(self, good, breaks, **more):
        for number, (rule, name, change) in enumerate(breaks):
            with self.subTest(rule=rule, packet=name, number=number):
                packets = dict(good)
                changes = change if isinstance(change, list) else [change]
                packets.pop(name, None)
                verdict = self.verdict(list(packets.values()) + changes, outside=rule == "tshark", **more)
                self.assertIn(rule, verdict.rules(), str(verdict))
                BROKEN.add(rule)

    def test_right_service_conversation(self):
        verdict = self.verdict(service_conversation().values())
        self.assertEqual(verdict.complaints, [], str(verdict))
        for rule in ("service", "authenticator", "authentication", "rate", "retransmission", "placement", "tshark"):
            self.assertGreater(verdict.seen[rule], 0, f"rule {rule} had nothing to look at")

    def test_every_rule_of_the_service_can_be_broken(self):
        given = lifetimes("2001:db8:100::77")
        ask, again = b"\1\1", b"TTTTUUUV"
        breaks = [
            ("service", "ask", (11.0, service(1, ask, version=2))),
            ("service", "ask", (11.0, service(77, ask))),
            ("service", "ask", (11.0, service(1, b"\1"))),
            ("service", "ask", (11.0, service(1, ask, up=False))),
            ("service", "ask", (11.0, service(3, b"\0\1" + octets(HOME)))),
            ("service", "ask again", (12.0, service(1, ask, stamp=b"TTTTUUUU"))),
            ("service", "given", (12.1, service(2, b"\1\0\2\0" + given, up=False, stamp=again))),
            ("service", "given", (12.1, service(2, b"\1\0\1\0" + given, 99, up=False, stamp=again))),
            ("service", "given", (12.1, service(2, b"\1\0\1\0" + given, up=False, stamp=b"TTTTXXXX"))),
            ("service", "given", (12.1, service(4, b"", up=False, stamp=again))),
            ("service", "change", (13.0, service(5, b"\1\1" + given, 900, up=False, stamp=b"TTTTVVVV"))),
            ("service", "part", (14.1, service(8, struct.pack("!BBHIII", 0, 0, 1001, 9, 1001, 0) + bytes(32 + 1001), 6, up=False, stamp=b"TTTTWWWX"))),
            ("service", "release", (16.0, service(3, b"\0\0", 7, stamp=b"TTTTZZZZ"))),
            ("retransmission", "ask again", (11.9, service(1, ask, stamp=again))),
            ("rate", "extra", [(14.2 + i / 10, service(7, bytes(8), 50 + i, stamp=b"TTTTWWY%d" % i)) for i in range(4)]),
            ("authenticator", "ask", (11.0, service(1, ask, key=b"wrong"))),
            ("authenticator", "given", (12.1, service(2, b"\1\0\1\0" + given, up=False, stamp=again, key=b"wrong"))),
            ("authentication", "hint", (15.0, service(9, b"\0\0\0\x0a", 0, up=False, stamp=b"TTTTYYYY", spi=200))),
        ]
        self.break_one_by_one(service_conversation(), breaks)

    def test_right_direct_conversation(self):
        verdict = self.verdict(direct_conversation().values(), messages_per_hour=10, transport_checksums=True)
        self.assertEqual(verdict.complaints, [], str(verdict))
        for rule in ("authorization", "token", "cookie", "direct-data", "budget", "transport-checksum", "order", "placement"):
            self.assertGreater(verdict.seen[rule], 0, f"rule {rule} had nothing to look at")
        late = {n: p for n, p in direct_conversation().items() if p[0] >= 13.25}
        self.assertEqual(self.verdict(late.values(), from_the_start=False).complaints, [])

    def test_every_rule_of_route_optimization_can_be_broken(self):
        good = direct_conversation()
        update, answer = good["update"][1], good["accepted"][1]
        tokens_of_b = (b"HOMETOKN", b"TOKEN4TB")
        other_peer = "2001:db8:300::6"
        breaks = [
            ("placement", "home init", (12.0, home_test_init())),
            ("leak", "home init", (12.0, home_test_init())),
            ("placement", "care-of init", (12.0, in_tunnel(care_of_test_init()))),
            ("placement", "home test", (13.1, home_test(cookie=b"homecok2"))),
            ("placement", "care-of test", (12.1, in_tunnel(care_of_test(), up=False))),
            ("placement", "care-of init", (12.0, raw(IPv6(src=CARE_A, dst=PEER, nh=60) / IPv6ExtHdrDestOpt(nh=135, options=[HAO(hoa=HOME)])
                                                     / Raw(care_of_test_init()[40:])))),
            ("placement", "refresh request", (21.0, message(0, b"\0\0", PEER, CARE_B))),
            ("placement", "error", (22.2, in_tunnel(binding_error(CARE_B), CARE_B, up=False))),
            ("placement", "update", (13.2, in_tunnel(update))),
            ("placement", "up", (13.4, in_tunnel(direct_data()))),
            ("addresses", "home init", (12.0, in_tunnel(home_test_init(source=CARE_A)))),
            ("addresses", "care-of init", (12.0, care_of_test_init(source=HOME))),
            ("addresses", "up", (13.4, direct_data(home="2001:db8:999::1"))),
            ("cookie", "home init again", (13.0, in_tunnel(home_test_init()))),
            ("cookie", "care-of test", (12.1, care_of_test(cookie=b"somebody"))),
            ("retransmission", "home init again", (12.9, in_tunnel(home_test_init(b"homecok2")))),
            ("retransmission", "extra", (13.25, direct_update(101))),
            ("rate", "extra", [(15.0 + i / 10, care_of_test_init(b"cookie%02d" % i, f"2001:db8:1::{i + 1}")) for i in range(4)]),
            ("rate", "extra", [(15.0 + i / 10, in_tunnel(home_test_init(b"cookie%02d" % i, f"2001:db8:100::{i + 0x1010:x}"))) for i in range(4)]),
            ("budget", "extra", [(30.0 + i * 40, care_of_test_init(b"cookie%02d" % i, f"2001:db8:1::{i + 1}")) for i in range(4)]),
            ("flags", "update", (13.2, direct_update(100, flags=0xC000))),
            ("flags", "update", (13.2, direct_update(100, flags=0))),
            ("flags", "update", (13.2, direct_update(100, flags=0x9000))),
            ("sequence", "move", (20.0, direct_update(100, CARE_B, indices=(7, 9), tokens=tokens_of_b))),
            ("order", "home answer", []),
            ("token", "update", (13.2, direct_update(100, indices=(6, 8)))),
            ("token", "update", (13.2, direct_update(100, indices=(7, 9)))),
            ("token", "extra", (223.2, direct_update(103, CARE_A))),
            ("authenticator", "update", (13.2, direct_update(100, tokens=(b"HOMETOKN", b"WRONG!!!")))),
            ("authenticator", "update", (13.2, direct_update(100, tokens=(b"HOMETOKN",)))),
            ("authenticator", "accepted", (13.3, direct_acknowledgement(100, tokens=tokens_of_b))),
            ("authenticator", "end", (22.0, direct_update(102, CARE_B, 0, (7, 0), tokens_of_b, acoa=HOME))),
            ("authenticator", "ended", (22.1, direct_acknowledgement(102, CARE_B, 0, tokens=tokens_of_b[:1]))),
            ("authorization", "accepted", (13.3, direct_acknowledgement(100, tokens=None))),
            ("authorization", "moved", (20.1, direct_acknowledgement(101, CARE_B, status=137, tokens=tokens_of_b))),
            ("authorization", "update", (13.2, patched(update, 12, 1, destination=PEER))),
            ("authorization", "update", (13.2, behind_the_authenticator(update))),
            ("option-alignment", "update", (13.2, authorization_moved(update))),
            ("mobility-options", "accepted", (13.3, patched(answer, 19, 11, source=PEER, destination=HOME))),
            ("mobility-checksum", "update", (13.2, update[:64] + with_checksum(update[64:], CARE_A, PEER))),
            ("mobility-checksum", "accepted", (13.3, answer[:64] + with_checksum(answer[64:], PEER, CARE_A))),
            ("alternate-care-of-address", "end", (22.0, direct_update(102, CARE_B, 0, (7, 0), tokens_of_b[:1]))),
            ("alternate-care-of-address", "update", (13.2, direct_update(100, acoa=CARE_B))),
            ("lifetime", "accepted", (13.3, direct_acknowledgement(100, lifetime=424))),
            ("lifetime", "update", [(13.2, direct_update(100, lifetime=800)), (13.3, direct_acknowledgement(100, lifetime=800))]),
            ("answer", "accepted", (13.3, direct_acknowledgement(99))),
            ("addresses", "moved", (20.1, direct_acknowledgement(101, CARE_A, tokens=tokens_of_b))),
            ("direct-data", "up", (13.25, direct_data())),                    # before the acknowledgement
            ("direct-data", "up", (13.4, direct_data(CARE_B))),               # from where it was never bound
            ("direct-data", "up", (13.4, direct_data(peer=other_peer))),
            ("direct-data", "down", (13.5, direct_data(CARE_B, up=False))),
            ("direct-data", "accepted", (13.3, direct_acknowledgement(100, status=130, lifetime=0))),
            ("direct-data", "extra", (20.3, direct_data())),                  # from the care-of address of before
            ("direct-data", "extra", (22.2, direct_data(CARE_B))),            # after the end
            ("direct-data", "extra", [(20.3, binding_error(CARE_B)), (20.5, direct_data(CARE_B))]),
            ("direct-data", "moved", [(20.1, direct_acknowledgement(101, CARE_B, status=137, tokens=None, lifetime=0)), (20.3, direct_data(CARE_B))]),
            ("direct-data", "end", (434.0, direct_data(CARE_B))),             # 420 s after 13.2 s: over
            ("transport-checksum", "up", (13.4, direct_data(wrong=1))),
            ("placement", "extra", (13.0, raw(IPv6(src=CARE_A, dst=AGENT) / IPv6ExtHdrDestOpt(options=[HAO(hoa=HOME)]) / ICMPv6HAADRequest(R=0)))),
            ("tshark", "up", (13.4, direct_data(wrong=1))),
        ]
        self.break_one_by_one(good, breaks, messages_per_hour=8, transport_checksums=True)

    def test_z_no_rule_without_a_breakage(self):
        source = "".join(p.read_text() for p in (pathlib.Path(__file__).parent / "judge").glob("*.py"))
        named = {part.split('"')[1] for part in source.replace(", f\"", ", \"").split("frame, ") if part.startswith('"')}
        self.assertGreater(len(named), 20)
        self.assertEqual(named - BROKEN, set(), "rules that neither list breaks")

    def test_without_authentication_none_may_show_up(self):
        self.assertIn("authentication", self.verdict(conversation().values(), authentication="none").rules())

    def test_transport_checksums_are_looked_at_on_request(self):
        broken = tunnelled(HOME, PEER)
        broken = broken[:-1] + bytes([broken[-1] ^ 1])
        packets = list(conversation().values()) + [(13.5, broken)]
        self.assertEqual(self.verdict(packets).complaints, [])
        self.assertIn("tshark", self.verdict(packets, transport_checksums=True).rules())

    def test_published_vectors(self):
        """Packets that others wrote down: the right ones are right, and of the wrong ones the judge sees its share."""
        seen = {"bad_mh_checksum": "mobility-checksum", "bad_payload_proto": "mobility-header", "bu_hdrlen_too_small": "mobility-header",
                "unknown_mh_type": "mobility-header", "hoti_with_hao": "placement", "hao_multicast": "home-address-option",
                "hao_bad_length": "soundness", "hao_twice": "soundness", "rh2_segleft_2": "type-2-routing-header",
                "rh2_hdrlen_4": "soundness", "bu_option_overrun": "mobility-options", "mpa_without_rh2": "placement"}
        basic = {"soundness", "header-order", "home-address-option", "type-2-routing-header", "mobility-checksum",
                 "mobility-header", "icmpv6-checksum", "neighbour-discovery"}
        for vector in json.loads(VECTORS.read_text())["vectors"]:
            name = vector.get("name", vector.get("id"))
            if vector["link"] != "ipv6" or vector["malformed"] and name not in seen:
                continue
            with self.subTest(vector=name), tempfile.TemporaryDirectory(prefix="mipflow-judge-") as folder:
                path = pathlib.Path(folder) / "vector.pcap"
                path.write_bytes(pcap([(1.0, bytes.fromhex(vector["hex"]))]))
                verdict = Verdict()
                for frame in read_all([path]):
                    judge_packet(frame, expect(AGENT, PREFIX, on_access_link=False), verdict)
                if vector["malformed"]:
                    self.assertIn(seen[name], verdict.rules(), str(verdict))
                else:
                    self.assertEqual(verdict.rules() & basic, set(), str(verdict))


if __name__ == "__main__":
    unittest.main(verbosity=2)
