#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The arithmetic of the flow benchmark, on packets whose right answer is known."""

import json
import sys
import unittest
from pathlib import Path
from types import SimpleNamespace

ROOT = Path(__file__).resolve().parents[3]
sys.path[:0] = [str(ROOT / "tools"), str(ROOT / "tests/benchmarks/flows")]

import figures  # noqa: E402
import report  # noqa: E402
from demonstration.measure import FlowKey  # noqa: E402
from lab.capture import Packet  # noqa: E402
from lab.traffic import OneWay  # noqa: E402

MS = 1_000_000
HOME, OLD, NEW, PEER, AGENT = "2001:db8:100::7", "2001:db8:1::a", "2001:db8:2::a", "2001:db8:300::10", "2001:db8:100::2"
KEY = FlowKey("UDP", 17, 5002)


def data(time_ms, out, care_of, path="direct"):
    ends = (HOME, PEER) if out else (PEER, HOME)
    far = PEER if path == "direct" else AGENT
    outer = (care_of, far) if out else (far, care_of)
    ports = (40000, 5002) if out else (5002, 40000)
    return Packet(round(time_ms * MS), 100, path, *outer, *ends, 17, *ports, 64)


def update(time_ms, care_of=NEW, home=HOME, peer=PEER, kind=5):
    return Packet(round(time_ms * MS), 120, "direct", care_of, peer, home, peer, 135, 0, 0, 64, kind)


class PercentileTest(unittest.TestCase):
    def test_nearest_rank(self):
        values = list(range(1, 101))
        self.assertEqual(figures.percentile(values, 0.99), 99)
        self.assertEqual(figures.percentile(values[::-1], 0.5), 50)
        self.assertEqual(figures.percentile(values[:20], 0.99), 20)
        self.assertEqual(figures.percentile([7], 0.01), 7)


class MoveTest(unittest.TestCase):
    move = figures.Move(10 * MS, 100 * MS, "wwan0", NEW, HOME)

    def setUp(self):
        self.captures = {
            "wlan0": [data(9.5, True, OLD), data(9.9, False, OLD), data(10.55, False, OLD), data(101, False, OLD)],
            "wwan0": [update(10.5), data(10.6, True, NEW), update(10.8, kind=6), data(12.2, False, NEW), data(13.2, False, NEW)],
        }
        self.far = [data(10.52, False, OLD), update(10.7), data(12.0, False, NEW)]

    def taken(self):
        return figures.figures_of_move(self.move, self.captures, self.far, KEY, PEER)

    def test_a_move(self):
        taken = self.taken()
        for name, milliseconds in (("update_ms", 0.5), ("outgoing_ms", 0.6), ("incoming_ms", 1.7), ("sender_ms", 1.3),
                                   ("old_incoming_ms", 0.05), ("round_trip_ms", 0.4)):
            self.assertAlmostEqual(getattr(taken, name), milliseconds, msg=name)

    def test_what_comes_by_the_old_interface_makes_the_move_longer(self):
        self.captures["wlan0"].append(data(40, False, OLD, "tunnel"))
        self.assertAlmostEqual(self.taken().round_trip_ms, 29.5)

    def test_only_the_flow_s_own_update_to_the_correspondent_node_counts(self):
        self.captures["wwan0"][0:0] = [update(10.1, home="2001:db8:100::8"), update(10.2, peer=AGENT), update(9.0)]
        self.assertAlmostEqual(self.taken().update_ms, 0.5)

    def test_a_packet_of_the_tunnel_is_none_that_came_the_new_way(self):
        self.captures["wwan0"].insert(3, data(11, False, NEW, "tunnel"))
        self.assertAlmostEqual(self.taken().incoming_ms, 1.7)

    def test_a_sender_that_did_not_pause_explains_nothing(self):
        self.far.append(data(10.7, False, OLD))
        self.assertAlmostEqual(self.taken().sender_ms, 0)

    def test_a_move_that_was_not_seen_to_its_end_has_no_figures(self):
        for capture, index in (("wwan0", 0), ("wwan0", 1)):
            with self.subTest(missing=self.captures[capture][index]):
                kept = self.captures[capture].pop(index)
                self.assertIsNone(self.taken())
                self.captures[capture].insert(index, kept)
        self.far.pop(1)
        self.assertIsNone(self.taken())
        self.setUp()
        self.captures["wwan0"][3:] = [data(100, False, NEW)]
        self.assertIsNone(self.taken(), "what came after the next command is not this move's")


class SwitchTest(unittest.TestCase):
    def stream(self, out, back=((0, 0, 1),)):
        def way(packets):
            return OneWay([(number, sent * MS) for number, sent, _ in packets],
                          [(number, came * MS) for number, _, came in packets if came is not None])
        return SimpleNamespace(outgoing=way(out), incoming=way(back))

    captures = {"wlan0": [data(1, True, OLD, "tunnel"), data(2, False, OLD, "tunnel"), data(3, True, OLD), data(4, False, OLD), data(5, True, OLD)],
                "wwan0": []}

    def test_packets_of_both_ways_are_counted(self):
        switch = figures.figures_of_switch(self.captures, KEY, self.stream([(0, 0, 1), (1, 1, 2)]), 0)
        self.assertEqual((switch.tunnelled, switch.direct), ({"out": 1, "in": 1}, {"out": 2, "in": 1}))
        self.assertAlmostEqual(switch.switch_ms, 2)
        self.assertEqual((switch.lost, switch.duplicates, switch.reordered), ({"out": 0, "in": 0},) * 3)

    def test_only_the_difference_of_the_ways_explains_a_wrong_order(self):
        stream = self.stream([(0, 0, 9), (1, 3, 5)], [(0, 0, None), (1, 1, 2)])
        self.assertEqual(figures.figures_of_switch(self.captures, KEY, stream, 2 * MS).reordered, {"out": 1, "in": 0})
        self.assertEqual(figures.figures_of_switch(self.captures, KEY, stream, 3 * MS).reordered, {"out": 0, "in": 0})
        self.assertEqual(figures.figures_of_switch(self.captures, KEY, stream, 0).lost, {"out": 0, "in": 1})

    def test_a_stream_that_never_changed_its_way_has_no_figures(self):
        for path in ("tunnel", "direct"):
            only = {name: [packet for packet in packets if packet.path == path] for name, packets in self.captures.items()}
            self.assertIsNone(figures.figures_of_switch(only, KEY, self.stream([(0, 0, 1)]), 0))

    def test_packets_are_counted_by_interface(self):
        captures = {"wlan0": [data(1, True, OLD)], "wwan0": [data(2, False, NEW), data(3, True, NEW), update(4)]}
        self.assertEqual(figures.packets_on(captures, KEY, 0), {"wlan0": 1, "wwan0": 2})
        self.assertEqual(figures.packets_on(captures, KEY, 3 * MS), {"wlan0": 0, "wwan0": 1})


class ReportTest(unittest.TestCase):
    """Every target can be missed, and only that line then says so."""

    def results(self):
        def way():
            return {"sent": 1000, "lost": 0, "duplicates": 0, "longest_gap_ms": 2.0, "added_gap_ms": 1.0}
        def pair():
            return {name: {"out": way(), "in": way()} for name in ("mover", "stayer")}
        both = {"out": 10, "in": 10}
        none = {"out": 0, "in": 0}
        return {"round_trips_ms": {"home_agent": 0.2, "direct": 0.2, "tunnel": 0.3},
                "connect_us": {kind: {"median_ns": at, "p99_ns": at} for kind, at in (("plain", 40), ("queue", 50), ("known", 45), ("first", 55), ("rewritten", 57))},
                "moves": pair(), "cut": pair(),
                "direct": {**pair(), "moves": [figures.MoveFigures(0.5, 0.6, 1.1, 0.5, 0.1)] * 20, "unseen": 0,
                           "stayer_packets": {"wlan0": 2000, "wwan0": 0}},
                "switches": [figures.SwitchFigures(dict(both), dict(both), 100.0, dict(none), dict(none), dict(none))] * 3}

    def missed(self, change):
        results = self.results()
        change(results)
        found = report.checks(results)
        json.loads(report.as_json(results, found))
        return [check.claim for check in found if not check.true]

    def test_all_is_well(self):
        self.assertEqual(self.missed(lambda _: None), [])

    def test_every_target(self):
        slow = figures.MoveFigures(1.5, 1.6, 1.1, 0.5, 0.1)
        late = figures.MoveFigures(0.5, 0.6, 3.1, 0.5, 0.1)
        def switch(**changes):
            zero = {"out": 0, "in": 0}
            return figures.SwitchFigures(**{"tunnelled": {"out": 1, "in": 1}, "direct": {"out": 1, "in": 1}, "switch_ms": 1.0, "lost": zero,
                                            "duplicates": zero, "reordered": zero, **changes})
        rows = [
            ("first packet: p99", lambda r: r["connect_us"]["first"].update(p99_ns=141)),
            ("first packet: median", lambda r: r["connect_us"]["first"].update(median_ns=61)),
            ("moves in the tunnel: lost 0 of 1000 out, 1", lambda r: r["moves"]["mover"]["in"].update(lost=1)),
            ("moves in the tunnel: the other stream lost 1", lambda r: r["moves"]["stayer"]["out"].update(lost=1)),
            ("moves in the tunnel: longest gap", lambda r: r["moves"]["mover"]["in"].update(added_gap_ms=5.3)),
            ("cable cut: longest gap", lambda r: r["cut"]["stayer"]["in"].update(added_gap_ms=20.3)),
            ("20 direct moves: lost 2", lambda r: r["direct"]["mover"]["out"].update(lost=2)),
            ("20 direct moves: the other stream lost 0 of 1000 out, 0 of 1000 in, 1 twice",
             lambda r: r["direct"]["stayer"]["in"].update(duplicates=1)),
            ("20 direct moves: of the other stream", lambda r: r["direct"].update(stayer_packets={"wlan0": 2000, "wwan0": 1})),
            ("20 direct moves: of the other stream", lambda r: r["direct"].update(stayer_packets={"wlan0": 0, "wwan0": 0})),
            ("21 direct moves: 1 without", lambda r: r["direct"].update(unseen=1)),
            ("20 direct moves: the Binding Update", lambda r: r["direct"].update(moves=[slow] + r["direct"]["moves"][1:])),
            ("20 direct moves: 2.60 ms after it", lambda r: r["direct"].update(moves=[late] * 20)),
            ("20 direct moves: longest gap", lambda r: r["direct"]["mover"]["out"].update(added_gap_ms=5.3)),
            ("3 first switches from the tunnel to the direct way: 2 seen", lambda r: r["switches"].__setitem__(1, None)),
            ("1 first switches from the tunnel to the direct way: 0 seen",
             lambda r: r.update(switches=[switch(direct={"out": 5, "in": 0})])),
            ("0 first switches", lambda r: r.update(switches=[])),
            ("1 first switches from the tunnel to the direct way: 1 packets lost", lambda r: r.update(switches=[switch(lost={"out": 1, "in": 0})])),
            ("1 first switches from the tunnel to the direct way: 0 packets twice out, 1",
             lambda r: r.update(switches=[switch(duplicates={"out": 0, "in": 1})])),
            ("1 first switches from the tunnel to the direct way: 4 packets out of order",
             lambda r: r.update(switches=[switch(reordered={"out": 4, "in": 0})])),
        ]
        for beginning, change in rows:
            with self.subTest(beginning):
                missed = self.missed(change)
                self.assertEqual(len(missed), 1, missed)
                self.assertEqual(missed[0][:len(beginning)], beginning)


if __name__ == "__main__":
    unittest.main()
