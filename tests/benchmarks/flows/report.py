# SPDX-License-Identifier: GPL-3.0-or-later
"""Targets, and the text and JSON of the flow benchmark."""

import dataclasses
import json

from demonstration.report import Check

from streams import summary

MOST_ADDED_MEDIAN_US = 20
MOST_ADDED_P99_US = 100
MOST_GAP_OF_MOVE_MS = 5      # over the round trip to the home agent
MOST_GAP_OF_CUT_MS = 20      # over the round trip to the home agent
MOST_UPDATE_MS = 1           # from the command until the Binding Update leaves, p99
MOST_INCOMING_MS = 1         # over the round trip to the correspondent node, median: what lies between two packets


def added_us(connect):
    """What kinds of connect() take more than others: {"first-plain": {"median_ns": microseconds, ...}, ...}."""
    pairs = {"first-plain": ("first", "plain"), "first-known": ("first", "known"), "first-rewritten": ("first", "rewritten"), "queue-plain": ("queue", "plain")}
    return {name: {figure: connect[kind][figure] - connect[base][figure] for figure in ("median_ns", "p99_ns")}
            for name, (kind, base) in pairs.items()}


def _lost(side):
    return side["out"]["lost"] + side["in"]["lost"]


def _longest_gap(*sides):
    return max(way["added_gap_ms"] for side in sides for way in side.values())


def _connect_checks(results):
    added = added_us(results["connect_us"])
    first, least = added["first-plain"], added["queue-plain"]
    for figure, name, limit in (("median_ns", "median", MOST_ADDED_MEDIAN_US), ("p99_ns", "p99", MOST_ADDED_P99_US)):
        yield Check(f"first packet: {name} {first[figure]:.1f} µs more than plain (an empty queue: {least[figure]:.1f})", first[figure] <= limit)


def _loss_checks(kind, streams):
    for name, who in (("mover", "lost"), ("stayer", "the other stream lost")):
        side = streams[name]
        yield Check(f"{kind}: {who} {side['out']['lost']} of {side['out']['sent']} out, {side['in']['lost']} of {side['in']['sent']} in, "
                    f"{side['out']['duplicates'] + side['in']['duplicates']} twice",
                    _lost(side) + side["out"]["duplicates"] + side["in"]["duplicates"] == 0)


def _tunnel_checks(results):
    trip = results["round_trips_ms"]["home_agent"]
    yield from _loss_checks("moves in the tunnel", results["moves"])
    gap = _longest_gap(results["moves"]["mover"])
    yield Check(f"moves in the tunnel: longest gap {gap:.1f} ms, round trip {trip:.2f} ms", gap <= trip + MOST_GAP_OF_MOVE_MS)
    gap = _longest_gap(results["cut"]["mover"], results["cut"]["stayer"])
    yield Check(f"cable cut: longest gap {gap:.1f} ms, round trip {trip:.2f} ms", gap <= trip + MOST_GAP_OF_CUT_MS)


def _direct_checks(results):
    direct, trip = results["direct"], results["round_trips_ms"]["direct"]
    moves, unseen = direct["moves"], direct["unseen"]
    kind = f"{len(moves) + unseen} direct moves"
    yield from _loss_checks(kind, direct)
    seen = direct["stayer_packets"]
    yield Check(f"{kind}: of the other stream {seen['wlan0']} packets on its interface, {seen['wwan0']} on the other one",
                seen["wwan0"] == 0 and seen["wlan0"] > 0)
    yield Check(f"{kind}: {unseen} without a Binding Update or without packets both ways on the new interface", unseen == 0)
    if not moves:
        return
    update = summary([move.update_ms for move in moves])
    yield Check(f"{kind}: the Binding Update leaves {update['median']:.2f} ms after the command, p99 {update['p99']:.2f} ms",
                update["p99"] <= MOST_UPDATE_MS)
    incoming = summary([move.round_trip_ms for move in moves])
    yield Check(f"{kind}: {incoming['median']:.2f} ms after it the new interface has the incoming packets, p99 {incoming['p99']:.2f} ms, "
                f"round trip {trip:.2f} ms", incoming["median"] <= trip + MOST_INCOMING_MS)
    gap = _longest_gap(direct["mover"])
    yield Check(f"{kind}: longest gap {gap:.1f} ms", gap <= trip + MOST_GAP_OF_MOVE_MS)


def _switch_checks(results):
    switches = results["switches"]
    seen = [switch for switch in switches if switch is not None]
    kind = f"{len(switches)} first switches from the tunnel to the direct way"
    both_ways = [switch for switch in seen if all(switch.tunnelled.values()) and all(switch.direct.values())]
    yield Check(f"{kind}: {len(both_ways)} seen in both directions", bool(switches) and len(both_ways) == len(switches))
    for name, word in (("lost", "lost"), ("duplicates", "twice"), ("reordered", "out of order")):
        totals = {way: sum(getattr(switch, name)[way] for switch in seen) for way in ("out", "in")}
        yield Check(f"{kind}: {totals['out']} packets {word} out, {totals['in']} in", not any(totals.values()))


def checks(results):
    return [*_connect_checks(results), *_tunnel_checks(results), *_direct_checks(results), *_switch_checks(results)]


def show(results, found):
    print("connect() in µs      median      p99")
    for kind, figures in results["connect_us"].items():
        print(f"  {kind:16} {figures['median_ns']:8.1f} {figures['p99_ns']:8.1f}")
    print("move in ms           median      p99")
    if moves := results["direct"]["moves"]:
        for name, what in (("update_ms", "update leaves"), ("outgoing_ms", "outgoing packet"), ("incoming_ms", "incoming packet"),
                           ("round_trip_ms", "less sender")):
            values = summary([getattr(move, name) for move in moves])
            print(f"  {what:16} {values['median']:8.2f} {values['p99']:8.2f}")
    for check in found:
        print(f"{'met   ' if check.true else 'MISSED'}  {check.claim}")


def as_json(results, found):
    def plain(value):
        if dataclasses.is_dataclass(value):
            return dataclasses.asdict(value)
        raise TypeError(value)
    whole = {**results, "added_us": added_us(results["connect_us"]), "checks": found}
    return json.dumps(whole, default=plain, indent=2) + "\n"
