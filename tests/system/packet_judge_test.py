#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Judges the judge: a right conversation built by scapy brings no complaint, and every rule can be broken."""
import hmac
import json
import os
import pathlib
import struct
import tempfile
import unittest

os.environ.setdefault("XDG_CACHE_HOME", tempfile.gettempdir())
from scapy.all import (HAO, ICMPv6EchoRequest, ICMPv6MPAdv, ICMPv6MPSol, ICMPv6ND_NS, ICMPv6NDOptPrefixInfo,  # noqa: E402
                       IPv6, IPv6ExtHdrDestOpt, IPv6ExtHdrRouting, Raw, UDP, in6_chksum, inet_pton, raw,
                       socket as sockets)
from judge.capture import read_all  # noqa: E402
from judge.packets import judge_packet  # noqa: E402
from judge.verdict import Verdict  # noqa: E402
from packet_judge import expect, judge  # noqa: E402

AGENT, PREFIX, HOME, CARE_A, CARE_B, PEER = ("2001:db8:100::1", "2001:db8:100::/64", "2001:db8:100::1001", "2001:db8:1::7",
                                             "2001:db8:2::7", "2001:db8:300::5")
OTHER_HOME = "2001:db8:100::1002"
KEY, SPI = bytes(range(16)), 300
VECTORS = pathlib.Path(__file__).resolve().parents[1] / "unit" / "wire" / "vectors.json"


def octets(address):
    return inet_pton(sockets.AF_INET6, address)


def pcap(packets):
    """A capture of link type RAW; `packets` are (seconds, octets)."""
    out = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 101)
    for time, packet in packets:
        seconds = int(time)
        out += struct.pack("<IIII", seconds, round((time - seconds) * 1e6), len(packet), len(packet)) + packet
    return out


def with_checksum(header, source, destination):
    value = in6_chksum(135, IPv6(src=source, dst=destination), header[:4] + b"\0\0" + header[6:])
    return header[:4] + struct.pack("!H", value) + header[6:]


def signed(fixed, care_of_address, home_address, timestamp, first=b"", identifier=True, spi=SPI, key=KEY):
    """Puts the three RFC 4285 options behind the fixed part and `first`, each aligned as it has to be."""
    header = fixed + first
    if identifier:
        header += b"\x08\x06\x01a@b.c"
    while len(header) % 8 != 2:
        header += b"\0" if len(header) % 8 == 1 else b"\x01" + bytes([(2 - len(header)) % 8 - 2]) + bytes((2 - len(header)) % 8 - 2)
    header += b"\x0a\x08" + timestamp + b"\0" + b"\x09\x11\x01" + struct.pack("!I", spi)
    header = header[:1] + bytes([(len(header) + 12) // 8 - 1]) + header[2:]
    return header + hmac.digest(key, octets(care_of_address) + octets(home_address) + header, "sha1")[:12]


def binding_update(sequence, care_of=CARE_A, home=HOME, lifetime=600, flags=0xC000, stamp=b"TTTTSSSS", acoa=None, **more):
    fixed = struct.pack("!BBBBHHHH", 59, 0, 5, 0, 0, sequence, flags, lifetime // 4)
    alternate = b"\x01\0\x03\x10" + octets(acoa or care_of)
    header = signed(fixed, acoa or care_of, home, stamp, alternate, **more)
    return raw(IPv6(src=care_of, dst=AGENT, nh=60) / IPv6ExtHdrDestOpt(nh=135, options=[HAO(hoa=home)])
               / Raw(with_checksum(header, home, AGENT)))


def acknowledgement(sequence, care_of=CARE_A, home=HOME, lifetime=600, status=0, flags=0, stamp=b"TTTTSSSS", acoa=None, **more):
    fixed = struct.pack("!BBBBHBBHH", 59, 0, 6, 0, 0, status, flags, sequence, lifetime // 4)
    header = signed(fixed, acoa or care_of, home, stamp, identifier=False, **more)
    return raw(IPv6(src=AGENT, dst=care_of, nh=43) / IPv6ExtHdrRouting(type=2, segleft=1, addresses=[home], nh=135)
               / Raw(with_checksum(header, AGENT, home)))


def tunnelled(source, destination, care_of=CARE_A, up=True, hop_limit=64):
    outer = IPv6(src=care_of if up else AGENT, dst=AGENT if up else care_of, nh=41, hlim=hop_limit)
    return raw(outer / IPv6(src=source, dst=destination, hlim=63) / UDP(sport=5, dport=6) / Raw(b"data"))


def solicitation(identifier=9, home=HOME, with_option=True):
    packet = IPv6(src=CARE_A, dst=AGENT)
    return raw((packet / IPv6ExtHdrDestOpt(options=[HAO(hoa=home)]) if with_option else packet) / ICMPv6MPSol(id=identifier))


def advertisement(identifier=9, preferred=100):
    return raw(IPv6(src=AGENT, dst=CARE_A) / IPv6ExtHdrRouting(type=2, segleft=1, addresses=[HOME])
               / ICMPv6MPAdv(id=identifier, flags=0)
               / ICMPv6NDOptPrefixInfo(prefixlen=64, prefix="2001:db8:100::", validlifetime=200, preferredlifetime=preferred))


def conversation():
    """Registration with a retransmission, prefix discovery, data both ways, a move, the end."""
    return {
        "first": (10.0, binding_update(7)), "again": (11.5, binding_update(8)), "answer": (11.6, acknowledgement(8)),
        "solicitation": (12.0, solicitation()), "advertisement": (12.1, advertisement()),
        "up": (13.0, tunnelled(HOME, PEER)), "down": (13.1, tunnelled(PEER, HOME, up=False)),
        "move": (14.0, binding_update(9, CARE_B)), "move again": (15.0, binding_update(10, CARE_B)),
        "moved": (15.1, acknowledgement(10, CARE_B)), "moved up": (15.2, tunnelled(HOME, PEER, CARE_B)),
        "end": (16.0, binding_update(11, CARE_B, lifetime=0)), "ended": (16.1, acknowledgement(11, CARE_B, lifetime=0)),
    }


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
            ("placement", "extra", (17.0, raw(IPv6(src=CARE_A, dst=PEER) / IPv6ExtHdrDestOpt(options=[HAO(hoa=HOME)]) / UDP()))),
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
        for number, (rule, name, change) in enumerate(breaks):
            with self.subTest(rule=rule, packet=name, number=number):
                packets = dict(good)
                changes = change if isinstance(change, list) else [change]
                packets.pop(name, None)
                verdict = self.verdict(list(packets.values()) + changes, outside=rule == "tshark")
                self.assertIn(rule, verdict.rules(), str(verdict))
        tested = {rule for rule, _, _ in breaks}
        source = "".join(p.read_text() for p in (pathlib.Path(__file__).parent / "judge").glob("*.py"))
        named = {part.split('"')[1] for part in source.replace(", f\"", ", \"").split("frame, ") if part.startswith('"')}
        self.assertGreater(len(named), 15)
        self.assertEqual(named - tested, set(), "rules without a breakage in this list")

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
