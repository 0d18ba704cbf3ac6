#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The foreign correspondent node is judged before it judges: scapy plays the mobile node, its home agent and the routers.

    scapy                                     wire ═════ eth0  foreign_correspondent_node.py ═════ sockets
    fe80::1 router, home and care-of addresses                 2001:db8:300::10

See support/scapy_peer.py.
"""
import hashlib
import hmac
import json
import os
import pathlib
import socket
import struct
import time
import unittest

from support.scapy_peer import ROUTER, ForeignNodeCase  # before scapy itself: it makes a network namespace
from scapy.all import (HAO, ICMPv6DestUnreach, ICMPv6EchoReply, ICMPv6EchoRequest, ICMPv6PacketTooBig,  # noqa: E402
                       ICMPv6ParamProblem, IPv6, IPv6ExtHdrDestOpt, IPv6ExtHdrRouting, MIP6MH_BA, MIP6MH_BE, MIP6MH_BRR,
                       MIP6MH_CoT, MIP6MH_CoTI, MIP6MH_HoT, MIP6MH_HoTI, Raw, UDP, in6_chksum, raw)
from foreign import return_routability as rr  # noqa: E402
from support.namespaces import udp_socket  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent
PEER, HOME1, HOME2 = "2001:db8:300::10", "2001:db8:100::1001", "2001:db8:100::1002"
CARE_A, CARE_B, FIREWALL = "2001:db8:1::77", "2001:db8:2::77", "2001:db8:9::9"


def packed(address):
    return socket.inet_pton(socket.AF_INET6, address)


def update(home, care_of, sequence, home_test, care_of_test=None, lifetime=600, flags=0x8000, source=None, option=True,
           alternate=None, wrong=False, over=None, behind=b""):
    """A Binding Update; tests are (nonce index, token). `over`: the care-of address that is authenticated."""
    header = struct.pack("!BBBBHHHH", 59, 0, 5, 0, 0, sequence, flags, lifetime // 4)
    if alternate:
        header += b"\x01\0\x03\x10" + packed(alternate)
    indices = struct.pack("!HH", home_test[0], care_of_test[0] if care_of_test else 0)
    header += b"\x04\x04" + indices + (b"\x01\x02\0\0" if alternate else b"") + b"\x05\x0c"
    header = header[:1] + bytes([(len(header) + 12 + len(behind)) // 8 - 1]) + header[2:]
    key = hashlib.sha1(home_test[1] + (care_of_test[1] if care_of_test else b"")).digest()
    value = hmac.digest(key, packed(over or alternate or care_of) + packed(PEER) + header, "sha1")[:12]
    header += (bytes(12) if wrong else value) + behind
    header = header[:4] + struct.pack("!H", in6_chksum(135, IPv6(src=home, dst=PEER), header)) + header[6:]
    packet = IPv6(src=source or care_of, dst=PEER)
    if option:
        return packet / IPv6ExtHdrDestOpt(nh=135, options=[HAO(hoa=home)]) / Raw(header)
    packet.nh = 135
    return packet / Raw(header)


class ForeignCorrespondentNodeTest(ForeignNodeCase):
    interface = "eth0"
    options = ()

    def command(self):
        return [HERE / "foreign_correspondent_node.py", "--interface", "eth0", "--address", PEER, "--router", ROUTER,
                "--log", self.log_path, "--control", self.folder / "control", *self.options]

    def order(self, words):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
            count = len(self.events("obeyed"))
            s.sendto(words.encode(), str(self.folder / "control"))
            self.wait_for_event("obeyed", count + 1)

    def socket_of_node(self, port):
        s = udp_socket(f"/proc/{self.node.pid}/ns/net", PEER, port)
        self.addCleanup(s.close)
        s.settimeout(1.0)
        return s

    def token_for(self, address, at_home):
        """(nonce index, token) of a Home Test or Care-of Test."""
        cookie = os.urandom(8)
        layer = MIP6MH_HoTI(cookie=cookie) if at_home else MIP6MH_CoTI(cookie=cookie)
        self.wire.send(IPv6(src=address, dst=PEER) / layer)
        kind = MIP6MH_HoT if at_home else MIP6MH_CoT
        entry = self.wire.wait(lambda q: q.haslayer(kind) and q.dst == address)
        self.assertIsNotNone(entry, "no test")
        answer = entry[1]
        header = raw(answer)[40:]
        self.assertEqual((answer.src, answer.nh, len(header), header[8:16]), (PEER, 135, 24, cookie))
        self.assertEqual(in6_chksum(135, answer, header[:4] + b"\0\0" + header[6:]), struct.unpack_from("!H", header, 4)[0])
        return struct.unpack_from("!H", header, 6)[0], header[16:24]

    def tokens(self, home=HOME1, care_of=CARE_A):
        return self.token_for(home, True), self.token_for(care_of, False)

    def answer_to(self, packet, seconds=1.0):
        """(status, sequence, lifetime in seconds, packet) of the Binding Acknowledgement, or None."""
        self.wire.send(packet)
        entry = self.wire.wait(lambda q: q.haslayer(MIP6MH_BA), seconds)
        if entry is None:
            return None
        answer = entry[1][MIP6MH_BA]
        return answer.status, answer.seq, answer.mhtime * 4, entry[1]

    def bind(self, home=HOME1, care_of=CARE_A, sequence=10, **more):
        tests = self.tokens(home, care_of)
        answer = self.answer_to(update(home, care_of, sequence, *tests, **more))
        self.assertEqual(answer[0], 0)
        return tests

    def send_direct(self, payload, home=HOME1, care_of=CARE_A, port=7007):
        inner = raw(IPv6(src=home, dst=PEER) / UDP(sport=9, dport=port) / Raw(payload))
        self.wire.send(IPv6(src=care_of, dst=PEER, nh=60) / IPv6ExtHdrDestOpt(nh=17, options=[HAO(hoa=home)]) / Raw(inner[40:]))

    # --- return routability

    def test_one_care_of_test_serves_two_home_addresses(self):
        care_of = self.token_for(CARE_A, False)
        for home in (HOME1, HOME2):
            self.assertEqual(self.answer_to(update(home, CARE_A, 1, self.token_for(home, True), care_of))[0], 0)

    def test_a_home_address_option_makes_no_test(self):
        self.wire.send(IPv6(src=CARE_A, dst=PEER) / IPv6ExtHdrDestOpt(options=[HAO(hoa=HOME1)]) / MIP6MH_HoTI(cookie=b"12345678"))
        self.wait_for_event("dropped")
        self.assertIsNone(self.wire.wait(lambda q: q.haslayer(MIP6MH_HoT), 0.3))

    def test_acknowledgement(self):
        tests = self.tokens()
        status, sequence, lifetime, packet = self.answer_to(update(HOME1, CARE_A, 77, *tests, lifetime=600))
        self.assertEqual((status, sequence, lifetime), (0, 77, 420), "the cap of 420 s")
        self.assertEqual((packet.dst, packet[IPv6ExtHdrRouting].addresses, packet[IPv6ExtHdrRouting].segleft), (CARE_A, [HOME1], 1))
        header = raw(packet)[64:]
        self.assertEqual((len(header), header[18:20], header[7]), (32, b"\x05\x0c", 0))
        right = hmac.digest(hashlib.sha1(tests[0][1] + tests[1][1]).digest(), packed(CARE_A) + packed(PEER) + header[:4] + b"\0\0" + header[6:-12], "sha1")
        self.assertEqual(header[-12:], right[:12])
        self.assertEqual(in6_chksum(135, IPv6(src=PEER, dst=HOME1), header[:4] + b"\0\0" + header[6:]), struct.unpack_from("!H", header, 4)[0])

    def test_no_acknowledgement_when_none_is_asked_for(self):
        tests = self.tokens()
        self.assertIsNone(self.answer_to(update(HOME1, CARE_A, 1, *tests, flags=0), 0.4))
        self.assertEqual(self.wait_for_event("binding_update")["verdict"], "accepted")
        self.assertEqual(self.answer_to(update(HOME1, CARE_A, 1, *tests, flags=0))[:2], (135, 1), "a refusal is told in any case")

    def test_what_is_dropped_without_a_word(self):
        home, care_of = self.tokens()
        for name, packet in {
            "wrong authenticator": update(HOME1, CARE_A, 1, home, care_of, wrong=True),
            "another's home token": update(HOME1, CARE_A, 1, self.token_for(HOME2, True), care_of),
            "another's care-of token": update(HOME1, CARE_A, 1, home, self.token_for(CARE_B, False)),
            "tokens exchanged": update(HOME1, CARE_A, 1, care_of, home),
            "home token alone": update(HOME1, CARE_A, 1, home, (care_of[0], b"")),
            "something behind the authenticator": update(HOME1, CARE_A, 1, home, care_of, behind=b"\x01\x06" + bytes(6)),
            "home registration": update(HOME1, CARE_A, 1, home, care_of, flags=0xC000),
        }.items():
            with self.subTest(name):
                count = len(self.events("binding_update"))
                answer = self.answer_to(packet, 0.3)
                self.wait_for_event("binding_update", count + 1)
                self.assertIsNone(answer)
        self.assertEqual(self.answer_to(update(HOME1, CARE_A, 1, home, care_of))[0], 0, "control")

    def test_statuses_of_stale_nonces_and_old_sequence_numbers(self):
        home, care_of = self.bind(sequence=65530)
        unknown = ((home[0] - 1000) & 0xFFFF, home[1])
        for tests, status in (((unknown, care_of), 136), ((home, unknown), 137), ((unknown, unknown), 138)):
            answer = self.answer_to(update(HOME1, CARE_A, 65531, *tests))
            self.assertEqual(answer[:2], (status, 65531))
            self.assertEqual(len(raw(answer[3])), 40 + 24 + 16, "no authenticator in it")
        self.assertEqual(self.answer_to(update(HOME1, CARE_A, 65530, home, care_of))[:2], (135, 65530))
        self.assertEqual(self.answer_to(update(HOME1, CARE_A, 2, home, care_of))[:2], (0, 2))
        self.assertEqual(self.answer_to(update(HOME1, CARE_A, 65535, home, care_of))[:2], (135, 2))

    def test_deregistration_needs_the_home_address_as_care_of_address(self):
        home, _ = self.bind()
        # From elsewhere, authenticated for the home address, without the option that says so.
        self.assertIsNone(self.answer_to(update(HOME1, CARE_A, 20, home, lifetime=0, over=HOME1), 0.4))
        self.assertEqual(self.wait_for_event("binding_update", 2)["verdict"], "dropped")
        status, _, lifetime, packet = self.answer_to(update(HOME1, CARE_A, 21, home, lifetime=0, alternate=HOME1))
        self.assertEqual((status, lifetime, packet.dst), (0, 0, CARE_A))
        self.send_direct(b"x")
        self.assertIsNotNone(self.wire.wait(lambda q: q.haslayer(MIP6MH_BE)), "the binding is still there")

    # --- data

    def test_data_both_ways(self):
        self.bind()
        s = self.socket_of_node(7007)
        self.send_direct(b"hello")
        data, peer = s.recvfrom(100)
        self.assertEqual((data, peer[:2]), (b"hello", (HOME1, 9)))
        s.sendto(b"answer", peer)
        packet = self.wire.wait(lambda q: q.haslayer(IPv6ExtHdrRouting) and q.haslayer(UDP))[1]
        self.assertEqual((packet.src, packet.dst, packet[IPv6ExtHdrRouting].type, packet[IPv6ExtHdrRouting].addresses),
                         (PEER, CARE_A, 2, [HOME1]))
        again = raw(packet)
        del packet[UDP].chksum
        self.assertEqual(again, raw(IPv6(raw(packet))), "checksum differs from scapy's")

    def test_without_binding_data_is_plain_and_options_are_refused(self):
        s = self.socket_of_node(7007)
        self.wire.send(IPv6(src=HOME1, dst=PEER) / UDP(sport=9, dport=7007) / Raw(b"plain"))
        peer = s.recvfrom(100)[1]
        s.sendto(b"answer", peer)
        self.assertEqual(self.wire.wait(lambda q: q.haslayer(UDP))[1].dst, HOME1)
        self.send_direct(b"direct")
        error = self.wire.wait(lambda q: q.haslayer(MIP6MH_BE))[1]
        self.assertEqual((error.dst, error[MIP6MH_BE].status, error[MIP6MH_BE].ha), (CARE_A, 1, HOME1))
        with self.assertRaises(TimeoutError):
            s.recvfrom(100)

    def test_strict_after_a_move(self):
        home, _ = self.bind()
        s = self.socket_of_node(7007)
        self.assertEqual(self.answer_to(update(HOME1, CARE_B, 11, home, self.token_for(CARE_B, False)))[0], 0)
        self.send_direct(b"late", care_of=CARE_A)
        self.assertEqual(self.wire.wait(lambda q: q.haslayer(MIP6MH_BE))[1].dst, CARE_A)
        self.send_direct(b"new", care_of=CARE_B)
        data, peer = s.recvfrom(100)
        self.assertEqual(data, b"new")
        s.sendto(b"answer", peer)
        self.assertEqual(self.wire.wait(lambda q: q.haslayer(UDP))[1].dst, CARE_B)

    def test_echo_and_packet_too_big(self):
        self.bind()
        inner = raw(IPv6(src=HOME1, dst=PEER) / ICMPv6EchoRequest(id=3, data=b"hello"))
        self.wire.send(IPv6(src=CARE_A, dst=PEER, nh=60) / IPv6ExtHdrDestOpt(nh=58, options=[HAO(hoa=HOME1)]) / Raw(inner[40:]))
        self.assertEqual(self.wire.wait(lambda q: q.haslayer(ICMPv6EchoReply))[1][IPv6ExtHdrRouting].addresses, [HOME1])
        s = self.socket_of_node(7007)
        s.setsockopt(socket.IPPROTO_IPV6, 23, 2)     # IPV6_MTU_DISCOVER: do
        s.sendto(b"x" * 1428, (HOME1, 9))            # 1476 octets, as long as it goes
        offender = self.wire.wait(lambda q: q.haslayer(UDP))[1]
        self.assertEqual(len(raw(offender)), 1500)
        self.wire.send(IPv6(src=FIREWALL, dst=PEER) / ICMPv6PacketTooBig(mtu=1400) / Raw(raw(offender)[:1232]))

        def refused():
            try:
                s.sendto(b"x" * 1428, (HOME1, 9))
            except OSError:
                return True
            return False
        end = time.monotonic() + 3
        while not refused():
            self.assertLess(time.monotonic(), end, "the socket does not hear of the path's MTU")
            time.sleep(0.02)                         # scapy is slow, and has to see the next packet behind these
        s.sendto(b"y" * 1328, (HOME1, 9))            # 1376 + 24 = 1400
        self.assertEqual(len(raw(self.wire.wait(lambda q: raw(q).endswith(b"y" * 1328))[1])), 1400)

    def test_four_unreachables_end_the_binding(self):
        self.bind()
        s = self.socket_of_node(7007)
        for count in range(4):
            self.assertEqual(self.events("unreachable"), [])
            s.sendto(b"data", (HOME1, 9))
            offender = self.wire.wait(lambda q: q.haslayer(UDP))[1]
            self.assertEqual(offender.dst, CARE_A)
            self.wire.send(IPv6(src=FIREWALL, dst=PEER) / ICMPv6DestUnreach(code=3) / Raw(raw(offender)))
        self.wait_for_event("unreachable")
        s.sendto(b"data", (HOME1, 9))
        self.assertEqual(self.wire.wait(lambda q: q.haslayer(UDP))[1].dst, HOME1)

    # --- how it behaves on command

    def test_silent(self):
        self.order("mode silent")
        self.wire.send(IPv6(src=HOME1, dst=PEER) / MIP6MH_HoTI(cookie=b"12345678"))
        self.wire.send(IPv6(src=CARE_A, dst=PEER) / MIP6MH_CoTI(cookie=b"12345678"))
        self.send_direct(b"x")
        self.wait_for_event("refused", 3)
        self.assertIsNone(self.wire.wait(lambda q: q.src == PEER and not q.dst.startswith("ff02"), 0.4))
        self.order("mode normal")
        self.tokens()

    def test_no_mobility(self):
        self.order("mode no-mobility")
        init = IPv6(src=CARE_A, dst=PEER) / MIP6MH_CoTI(cookie=b"12345678")
        self.wire.send(init)
        problem = self.wire.wait(lambda q: q.haslayer(ICMPv6ParamProblem))[1]
        self.assertEqual((problem.dst, problem[ICMPv6ParamProblem].code, problem[ICMPv6ParamProblem].ptr), (CARE_A, 1, 6))
        self.assertTrue(raw(problem).endswith(raw(init)))
        self.send_direct(b"x")
        problem = self.wire.wait(lambda q: q.haslayer(ICMPv6ParamProblem))[1][ICMPv6ParamProblem]
        self.assertEqual((problem.code, problem.ptr), (2, 46))

    def test_unreachable(self):
        self.order("mode unreachable")
        self.wire.send(IPv6(src=CARE_A, dst=PEER) / MIP6MH_CoTI(cookie=b"12345678"))
        self.assertEqual(self.wire.wait(lambda q: q.haslayer(ICMPv6DestUnreach))[1][ICMPv6DestUnreach].code, 1)

    def test_stale_once(self):
        tests = self.tokens()
        for status in (136, 137, 138):
            self.order(f"stale {status}")
            self.assertEqual(self.answer_to(update(HOME1, CARE_A, status, *tests))[0], status)
        self.assertEqual(self.answer_to(update(HOME1, CARE_A, 1, *tests))[0], 0)

    def test_forgetful(self):
        tests = self.bind()
        self.order("forget")
        self.send_direct(b"x")
        self.assertIsNotNone(self.wire.wait(lambda q: q.haslayer(MIP6MH_BE)))
        self.assertEqual(self.answer_to(update(HOME1, CARE_A, 1, *tests))[0], 0, "the tests are still good")
        self.order("restart")
        self.assertEqual(self.answer_to(update(HOME1, CARE_A, 2, *tests))[0], 138)

    def test_an_order_that_is_not_understood_changes_nothing(self):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
            s.sendto(b"mode funny", str(self.folder / "control"))
        self.wait_for_event("not_understood")
        self.tokens()

    def test_published_authenticators(self):
        """Those that others computed."""
        known = json.loads((HERE.parent / "unit/wire/vectors.json").read_text())
        crypto, seen = known["crypto"], 0
        params = known["params"]
        self.assertEqual(rr.binding_key(bytes.fromhex(crypto["home_keygen_token"]), bytes.fromhex(crypto["careof_keygen_token"])).hex(), crypto["Kbm"])
        for vector in known["vectors"]:
            name = vector.get("name", vector.get("id"))
            if name in ("bu_cn_auth", "ba_cn_auth"):
                header = bytes.fromhex(vector["hex"])[64:]
                self.assertEqual(rr.authenticator(bytes.fromhex(crypto["Kbm"]), packed(params["COA"]), packed(params["CN"]), header), header[-12:], name)
                seen += 1
        self.assertEqual(seen, 2)


class ShortLivedTest(ForeignCorrespondentNodeTest):
    """The times, shorter than in the field."""
    options = ("--nonce-period", "0.2", "--nonce-lifetime", "1.5", "--longest-lifetime", "4")

    def test_nonces_change_and_become_stale(self):
        home, care_of = self.bind()
        time.sleep(0.3)
        later = self.token_for(HOME1, True)
        self.assertEqual((later[0] - home[0]) & 0xFFFF, 1, "the nonce index counts up")
        self.assertEqual(self.answer_to(update(HOME1, CARE_A, 11, later, care_of))[0], 0, "tokens with indices of their own")
        time.sleep(1.4)
        self.assertEqual(self.answer_to(update(HOME1, CARE_A, 12, home, care_of))[0], 138)
        self.assertEqual(self.answer_to(update(HOME1, CARE_A, 12, home, self.token_for(CARE_A, False)))[0], 136)
        self.assertEqual(self.answer_to(update(HOME1, CARE_A, 12, self.token_for(HOME1, True), care_of))[0], 137)

    def test_refresh_request_and_end(self):
        bound = time.monotonic()
        self.bind()
        entry = self.wire.wait(lambda q: q.haslayer(MIP6MH_BRR), 5)
        self.assertAlmostEqual(entry[0] - bound, 2.0, delta=0.7)
        self.assertEqual((entry[1].dst, entry[1].nh), (HOME1, 135))
        self.wait_for_event("expired")
        self.assertAlmostEqual(time.monotonic() - bound, 4.0, delta=0.8)


def load_tests(loader, _tests, _pattern):
    suite = loader.loadTestsFromTestCase(ForeignCorrespondentNodeTest)
    suite.addTests(ShortLivedTest(name) for name in ("test_nonces_change_and_become_stale", "test_refresh_request_and_end"))
    return suite


if __name__ == "__main__":
    unittest.main(verbosity=2)
