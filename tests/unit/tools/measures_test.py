#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The figures of the lab and of the demo, on packets and logs whose right answer is known."""

import dataclasses
import struct
import sys
import tempfile
import tomllib
import unittest
import xml.etree.ElementTree as ElementTree
from ipaddress import IPv6Address
from pathlib import Path
from types import SimpleNamespace

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "tools"))

from demonstration import measure, picture  # noqa: E402
from demonstration.measure import FlowKey, Phase  # noqa: E402
from lab import LabError, daemons  # noqa: E402
from lab.capture import Packet, read_packets  # noqa: E402
from lab.process import wait_until  # noqa: E402
from lab.traffic import OneWay, StreamRecord, TcpFlow  # noqa: E402

MS = 1_000_000


def stream(sent_ms, received_ms):
    """OneWay from {sequence: milliseconds}."""
    return OneWay([(n, t * MS) for n, t in sent_ms.items()], [(n, t * MS) for n, t in received_ms.items()])


class OneWayTest(unittest.TestCase):
    def test_lost_packets_are_those_that_never_came(self):
        flow = stream({0: 0, 1: 1, 2: 2, 3: 3}, {0: 0, 3: 3, 1: 9})
        self.assertEqual(flow.lost(), [2])
        self.assertEqual(flow.duplicates(), 0)

    def test_a_packet_that_came_twice_is_counted(self):
        self.assertEqual(OneWay([(0, 0)], [(0, 1), (0, 2)]).duplicates(), 1)

    def test_a_packet_behind_a_later_one_is_reordered(self):
        flow = stream({0: 0, 1: 1, 2: 2, 3: 3}, {0: 5, 2: 6, 3: 7, 1: 8})
        self.assertEqual(flow.reordered(), [1])
        self.assertEqual(flow.reordered(explained_ns=1 * MS), [1])
        self.assertEqual(flow.reordered(explained_ns=2 * MS), [])
        self.assertEqual(stream({0: 0, 1: 1, 2: 2}, {0: 5, 2: 6}).reordered(), [])

    def test_the_longest_gap_is_between_arrivals(self):
        gap = stream({0: 0, 1: 1, 2: 2, 3: 3}, {0: 5, 1: 6, 2: 26, 3: 27}).longest_gap()
        self.assertEqual(gap.milliseconds, 20)
        self.assertEqual(gap.added_milliseconds, 19)
        self.assertEqual(gap.begin_ns, 6 * MS)

    def test_a_late_sender_adds_no_gap(self):
        gap = stream({0: 0, 1: 30, 2: 31}, {0: 5, 1: 35, 2: 36}).longest_gap()
        self.assertEqual(gap.milliseconds, 30)
        self.assertEqual(gap.added_milliseconds, 0)

    def test_a_gap_of_lost_packets_is_the_network_s(self):
        sent = {n: n for n in range(100)}
        received = {n: n for n in range(100) if not 10 <= n < 60}
        gap = stream(sent, received).longest_gap()
        self.assertEqual(gap.milliseconds, 51)
        self.assertEqual(gap.added_milliseconds, 50)

    def test_no_gap_without_two_arrivals(self):
        self.assertIsNone(stream({0: 0}, {0: 0}).longest_gap())

    def test_a_part_holds_what_was_sent_in_it(self):
        part = stream({0: 0, 1: 10, 2: 20}, {0: 30, 1: 40, 2: 50}).between(10 * MS, 20 * MS)
        self.assertEqual(part.sent, [(1, 10 * MS)])
        self.assertEqual(part.received, [(1, 40 * MS)])


class TcpPauseTest(unittest.TestCase):
    def test_the_longest_pause_inside_a_time(self):
        record = StreamRecord({}, received=[(1, 0), (2, 10 * MS), (3, 40 * MS), (4, 140 * MS)])
        self.assertEqual(TcpFlow.longest_pause(record), (100.0, 40 * MS))
        self.assertEqual(TcpFlow.longest_pause(record, 0, 100 * MS), (30.0, 10 * MS))
        self.assertEqual(TcpFlow.longest_pause(record, 0, 5 * MS), (0.0, 0))


def ipv6(source, destination, next_header, payload, hop_limit=64):
    return struct.pack("!IHBB", 0x60000000, len(payload), next_header, hop_limit) + \
        IPv6Address(source).packed + IPv6Address(destination).packed + payload


def udp(source_port, destination_port):
    return struct.pack("!HHHH", source_port, destination_port, 8, 0)


class CaptureTest(unittest.TestCase):
    def read(self, *frames, cut=0):
        content = struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 160, 1)
        for number, frame in enumerate(frames):
            content += struct.pack("<IIII", 1, number, len(frame), len(frame) + 7) + frame
        with tempfile.NamedTemporaryFile(suffix=".pcap") as file:
            file.write(content[:len(content) - cut])
            file.flush()
            return read_packets(Path(file.name))

    def frame(self, packet):
        return bytes(12) + b"\x86\xdd" + packet

    def test_a_plain_packet(self):
        [packet] = self.read(self.frame(ipv6("2001:db8::1", "2001:db8::2", 17, udp(1000, 2000))))
        self.assertEqual(packet, Packet(1_000_000_000, 14 + 40 + 8 + 7, "plain", None, None, "2001:db8::1", "2001:db8::2", 17, 1000, 2000, 64))

    def test_a_tunnelled_packet_is_shown_from_the_inside(self):
        inner = ipv6("2001:db8::1", "2001:db8::2", 17, udp(1000, 2000), hop_limit=63)
        [packet] = self.read(self.frame(ipv6("2001:db8:1::a", "2001:db8:100::2", 41, inner)))
        self.assertEqual((packet.path, packet.outer_source, packet.outer_destination), ("tunnel", "2001:db8:1::a", "2001:db8:100::2"))
        self.assertEqual((packet.source, packet.destination_port, packet.hop_limit), ("2001:db8::1", 2000, 63))

    def test_a_route_optimised_packet_is_shown_with_its_home_addresses(self):
        option = bytes([17, 2, 1, 2, 0, 0, 0xC9, 16]) + IPv6Address("2001:db8:100::7").packed
        routing = bytes([135, 2, 2, 1, 0, 0, 0, 0]) + IPv6Address("2001:db8:100::7").packed
        update = bytes([59, 1, 5, 0, 0, 0, 0, 9]) + bytes(8)
        out, back, signal = self.read(
            self.frame(ipv6("2001:db8:1::a", "2001:db8:300::10", 60, option + udp(1000, 2000))),
            self.frame(ipv6("2001:db8:300::10", "2001:db8:1::a", 43, bytes([17]) + routing[1:] + udp(2000, 1000))),
            self.frame(ipv6("2001:db8:1::a", "2001:db8:300::10", 60, bytes([135]) + option[1:] + update)))
        self.assertEqual((out.path, out.outer_source, out.source, out.destination), ("direct", "2001:db8:1::a", "2001:db8:100::7", "2001:db8:300::10"))
        self.assertEqual((out.source_port, out.destination_port, out.mobility_type), (1000, 2000, None))
        self.assertEqual((back.path, back.outer_destination, back.destination, back.destination_port),
                         ("direct", "2001:db8:1::a", "2001:db8:100::7", 1000))
        self.assertEqual((signal.path, signal.protocol, signal.mobility_type, signal.source), ("direct", 135, 5, "2001:db8:100::7"))

    def test_other_extension_headers_are_stepped_over_and_broken_ones_end_the_reading(self):
        padding = bytes([17, 0, 1, 4, 0, 0, 0, 0])
        later_fragment = bytes([17, 0, 0, 8, 0, 0, 0, 1])
        short_option = bytes([17, 0, 0xC9, 16, 0, 0, 0, 0])
        no_more_segments = bytes([17, 2, 2, 0, 0, 0, 0, 0]) + bytes(16)
        for header, kind, ports in ((padding, 60, (1, 2)), (padding, 0, (1, 2)), (later_fragment, 44, (0, 0)),
                                    (short_option, 60, (1, 2)), (no_more_segments, 43, (1, 2))):
            [packet] = self.read(self.frame(ipv6("2001:db8::1", "2001:db8::2", kind, header + udp(1, 2))))
            self.assertEqual((packet.path, packet.source_port, packet.destination_port), ("plain", *ports))
        [packet] = self.read(self.frame(ipv6("2001:db8::1", "2001:db8::2", 60, bytes([17, 9]) + bytes(6))))
        self.assertEqual((packet.path, packet.source_port), ("plain", 0))

    def test_what_is_cut_or_foreign_does_not_stop_the_reading(self):
        good = self.frame(ipv6("2001:db8::1", "2001:db8::2", 17, udp(1, 2)))
        self.assertEqual(len(self.read(b"\0" * 20, good[:30], good)), 1)
        self.assertEqual(len(self.read(good, good, cut=5)), 1)
        tunnel_of_nothing = self.frame(ipv6("2001:db8::1", "2001:db8::2", 41, b"\x60"))
        self.assertIsNone(self.read(tunnel_of_nothing)[0].outer_source)

    def test_another_kind_of_file_is_refused(self):
        with tempfile.NamedTemporaryFile() as file, self.assertRaises(LabError):
            read_packets(Path(file.name))


class MeasureTest(unittest.TestCase):
    key = FlowKey("UDP", 17, 5000)

    def packet(self, time_ms, out=True, outer="2001:db8:1::a", home="2001:db8:100::7"):
        here, there = (home, 40000), ("2001:db8:300::10", 5000)
        source, destination = (here, there) if out else (there, here)
        return Packet(time_ms * MS, 100, "tunnel", outer, "2001:db8:100::2", source[0], destination[0], 17, source[1], destination[1], 64)

    def test_packets_are_counted_by_interface_inside_the_phase(self):
        captures = {"wlan0": [self.packet(1), self.packet(5, out=False), self.packet(10)], "wwan0": [self.packet(6)]}
        self.assertEqual(measure.count_packets(captures, self.key, Phase("", "", 0, 10 * MS)), {"wlan0": 2, "wwan0": 1})
        other = FlowKey("TCP", 6, 5000)
        self.assertEqual(measure.count_packets(captures, other, Phase("", "", 0, 10 * MS)), {"wlan0": 0, "wwan0": 0})

    def test_every_address_of_the_flow_s_own_end_is_seen(self):
        packets = [self.packet(1), self.packet(2, out=False), self.packet(3, home="2001:db8:100::8")]
        self.assertEqual(measure.addresses_of(packets, self.key), {"2001:db8:100::7", "2001:db8:100::8"})

    def test_packets_are_counted_by_the_way_that_they_take(self):
        direct = dataclasses.replace(self.packet(6), path="direct")
        captures = {"wlan0": [self.packet(1), self.packet(20)], "wwan0": [direct, dataclasses.replace(direct, destination_port=9)]}
        self.assertEqual(measure.packets_by_path(captures, self.key, Phase("", "", 0, 10 * MS)), {"tunnel": 1, "direct": 1})
        self.assertEqual(measure.packets_by_path(captures, self.key, Phase("", "", 5 * MS, 10 * MS)), {"direct": 1})

    def test_the_switch_is_the_first_packet_that_leaves_there(self):
        captures = {"wwan0": [self.packet(3, out=False), self.packet(7), self.packet(9)]}
        self.assertEqual(measure.switch_milliseconds(captures, self.key, "wwan0", 2 * MS), 5.0)
        self.assertIsNone(measure.switch_milliseconds(captures, self.key, "wwan0", 10 * MS))

    def test_a_settled_phase_begins_later_but_never_after_its_end(self):
        self.assertEqual(Phase("", "", 0, 10_000 * MS).settled().begin_ns, measure.SETTLING_NS)
        self.assertEqual(Phase("", "", 0, 100 * MS).settled().begin_ns, 100 * MS)

    def test_a_flow_goes_on_only_from_the_beginning_to_the_end(self):
        phase = Phase("", "", 1000 * MS, 2000 * MS)
        def goes_on(*milliseconds):
            return measure.goes_on([(0, time * MS) for time in milliseconds], phase, 400)
        self.assertTrue(goes_on(1300, 1600, 1900))
        self.assertFalse(goes_on(1500, 1800))
        self.assertFalse(goes_on(1300, 1550))
        self.assertFalse(goes_on(1300, 1350, 1800))
        self.assertFalse(goes_on(900, 2100))
        self.assertFalse(goes_on())

    def test_the_picture_is_well_formed_and_shows_both_interfaces(self):
        captures = {"wlan0": [self.packet(n) for n in range(0, 1000)], "wwan0": [self.packet(n) for n in range(1000, 2000)]}
        phases = [Phase("at first", "", 0, 1000 * MS), Phase("moved <&>", "moved <&>", 1000 * MS, 2000 * MS)]
        part = SimpleNamespace(title="Part <1>", captures=captures, udp_key=self.key, tcp_key=FlowKey("TCP", 6, 5001), phases=phases,
                               notes=lambda: {("UDP", "at first"): "lost 0"})
        text = picture.draw([part, part])
        tree = ElementTree.fromstring(text)
        space = "{http://www.w3.org/2000/svg}"
        colours = [polygon.get("fill") for polygon in tree.iter(space + "polygon")]
        self.assertEqual(colours, [picture.COLOURS["wlan0"], picture.COLOURS["wwan0"]] * 2)
        texts = [element.text for element in tree.iter(space + "text")]
        for text, times in (("moved <&>", 4), ("Part <1>", 2), ("lost 0", 2)):
            self.assertEqual(texts.count(text), times, text)


class ConfigurationTest(unittest.TestCase):
    def test_toml_is_read_back_as_it_was(self):
        values = {"text": "a \"b\" \\ c", "number": 7, "yes": True, "list": ["x", "y"], "table": {"key": 1, "inner": {"k": "v"}},
                  "entry": [{"a": 1}, {"a": 2, "deep": {"b": 3}}], "none": []}
        self.assertEqual(tomllib.loads(daemons.toml(values)), values)

    def test_changes_are_laid_over_and_none_takes_away(self):
        self.assertEqual(daemons.merged({"a": 1, "t": {"x": 1, "y": 2}}, {"a": None, "t": {"y": 3}, "b": 4}),
                         {"t": {"x": 1, "y": 3}, "b": 4})


class WaitTest(unittest.TestCase):
    def test_what_was_waited_for_is_named(self):
        def never():
            raise LabError("still closed")
        with self.assertRaisesRegex(LabError, "in vain for the door .still closed."):
            wait_until(never, "the door", timeout=0.05)


if __name__ == "__main__":
    unittest.main()
