# SPDX-License-Identifier: GPL-3.0-or-later
"""What moves and first switches of route-optimised flows took, from captures and logs. Pure: takes lists, gives figures.

All ends and captures are on one machine and have one clock."""

import math
from dataclasses import dataclass

from lab.capture import BINDING_UPDATE


def percentile(values, share):
    """The smallest value that at least this share of all values does not exceed (nearest rank)."""
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


@dataclass(frozen=True)
class Move:
    """A move as it was commanded."""
    command_ns: int       # just before the command was handed to the daemon
    until_ns: int         # the next command, or the end
    target: str           # the interface
    care_of_address: str  # there
    home_address: str     # of the flow


@dataclass(frozen=True)
class MoveFigures:
    update_ms: float       # from the command until the Binding Update to the correspondent node leaves
    outgoing_ms: float     # from the command until a packet of the flow leaves by the new interface
    incoming_ms: float     # from the Binding Update's leaving until a packet of the flow comes in by the new interface
    sender_ms: float       # of it, how long the correspondent's application had nothing to send when the update was there
    old_incoming_ms: float # from the Binding Update's leaving until nothing comes in by another interface any more, 0 if at once

    @property
    def round_trip_ms(self):
        """From the Binding Update's leaving until incoming packets have changed to the new interface, less the pause that
        the sender made."""
        return max(self.incoming_ms - self.sender_ms, self.old_incoming_ms)


def _first(packets, begin_ns, matches):
    """The earliest matching packet from that time on, None without one."""
    return min((packet for packet in packets if packet.time_ns >= begin_ns and matches(packet)),
               key=lambda packet: packet.time_ns, default=None)


def _is_update(packet, move, correspondent):
    return (packet.mobility_type == BINDING_UPDATE and packet.source == move.home_address and packet.destination == correspondent)


def figures_of_move(move, captures, far_packets, key, correspondent):
    """MoveFigures, or None when one of the packets that they are about was not seen before the move was over.
    `captures`: {interface of the mobile node: packets}; `far_packets`: the correspondent node's interface."""
    def first(packets, begin_ns, matches):
        packet = _first(packets, begin_ns, matches)
        return None if packet is None or packet.time_ns >= move.until_ns else packet

    def comes_in_the_new_way(packet):
        return key.incoming(packet) and packet.path == "direct" and packet.outer_destination == move.care_of_address

    new = captures[move.target]
    update = first(new, move.command_ns, lambda packet: _is_update(packet, move, correspondent))
    leaves = first(new, move.command_ns, lambda packet: key.outgoing(packet) and packet.outer_source == move.care_of_address)
    if update is None or leaves is None:
        return None
    comes = first(new, update.time_ns, comes_in_the_new_way)
    there = first(far_packets, update.time_ns, lambda packet: _is_update(packet, move, correspondent))
    answer = there and first(far_packets, there.time_ns, key.incoming)
    if comes is None or answer is None:
        return None
    old = [packet.time_ns for interface, packets in captures.items() if interface != move.target
           for packet in packets if key.incoming(packet) and update.time_ns <= packet.time_ns < move.until_ns]
    return MoveFigures((update.time_ns - move.command_ns) / 1e6, (leaves.time_ns - move.command_ns) / 1e6,
                       (comes.time_ns - update.time_ns) / 1e6, (answer.time_ns - there.time_ns) / 1e6,
                       max((time - update.time_ns for time in old), default=0) / 1e6)


@dataclass(frozen=True)
class SwitchFigures:
    """A flow that began in the tunnel and went on directly; of each direction a dictionary {"out": ..., "in": ...}."""
    tunnelled: dict    # packets
    direct: dict       # packets
    switch_ms: float   # from the flow's first packet until its first one that leaves directly
    lost: dict         # packets
    duplicates: dict   # packets
    reordered: dict    # packets that came behind one that was sent later than the two ways' difference explains


def figures_of_switch(captures, key, stream, ways_differ_ns):
    """`stream`: what both ends logged (lab.UdpFlow); `captures` as above. None when the flow was not seen leaving both ways."""
    packets = [packet for each in captures.values() for packet in each if key.contains(packet)]
    matches = {"out": key.outgoing, "in": key.incoming}
    times = {path: [packet.time_ns for packet in packets if key.outgoing(packet) and packet.path == path] for path in ("tunnel", "direct")}
    if not all(times.values()):
        return None
    ways = {"out": stream.outgoing, "in": stream.incoming}

    def count(path):
        return {name: sum(1 for packet in packets if packet.path == path and match(packet)) for name, match in matches.items()}
    return SwitchFigures(count("tunnel"), count("direct"), (min(times["direct"]) - min(times["tunnel"])) / 1e6,
                         {name: len(way.lost()) for name, way in ways.items()},
                         {name: way.duplicates() for name, way in ways.items()},
                         {name: len(way.reordered(ways_differ_ns)) for name, way in ways.items()})


def packets_on(captures, key, begin_ns):
    """{interface: packets of a flow that were seen there from that time on}."""
    return {interface: sum(1 for packet in packets if key.contains(packet) and packet.time_ns >= begin_ns)
            for interface, packets in captures.items()}
