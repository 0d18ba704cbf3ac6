# SPDX-License-Identifier: GPL-3.0-or-later
"""What happened to the flows, from captures and from the logs of both ends. Pure: takes lists, gives figures."""

from collections import Counter
from dataclasses import dataclass, field

# A move is over at the latest this long after its command; until then the flow's packets may use both interfaces.
SETTLING_NS = 500_000_000


@dataclass(frozen=True)
class Phase:
    """A part of the story: from its event until the event of the next one."""
    title: str     # "moved to wwan0"
    event: str     # what stands at the line in the picture, empty for the first phase
    begin_ns: int
    end_ns: int

    def settled(self):
        return Phase(self.title, self.event, min(self.begin_ns + SETTLING_NS, self.end_ns), self.end_ns)

    def contains(self, time_ns):
        return self.begin_ns <= time_ns < self.end_ns


@dataclass(frozen=True)
class FlowKey:
    """A flow as it is on the wire: protocol number and the correspondent's port."""
    name: str
    protocol: int
    port: int
    kind: str = ""  # "UDP", "TCP"

    def outgoing(self, packet):
        return packet.protocol == self.protocol and packet.destination_port == self.port

    def incoming(self, packet):
        return packet.protocol == self.protocol and packet.source_port == self.port

    def contains(self, packet):
        return self.outgoing(packet) or self.incoming(packet)


@dataclass
class FlowPhase:
    """One flow during one phase."""
    flow: str
    phase: str
    home_address: str | None = None
    care_of_address: str | None = None
    interface: str | None = None
    path: str | None = None  # as the daemon said it: "tunnel", "direct"
    packets: dict = field(default_factory=dict)          # interface -> packets while the phase lasted
    settled_packets: dict = field(default_factory=dict)  # the same without the first moments
    lost_out: int | None = None   # datagrams; None for TCP, which repairs losses itself
    lost_in: int | None = None
    gap_out_ms: float | None = None
    gap_in_ms: float | None = None
    added_gap_ms: float | None = None  # of the longer gap, what the sender's own pauses do not explain


def count_packets(captures, key, phase):
    """{interface: number of packets of the flow in this phase} from {interface: packets}."""
    return {interface: sum(1 for packet in packets if key.contains(packet) and phase.contains(packet.time_ns))
            for interface, packets in captures.items()}


def packets_by_path(captures, key, phase):
    """{"tunnel" | "direct" | "plain": number of packets of the flow in this phase}, without what there was none of."""
    return dict(Counter(packet.path for packets in captures.values() for packet in packets
                        if key.contains(packet) and phase.contains(packet.time_ns)))


def addresses_of(packets, key):
    """The addresses under which a flow's own end is seen: {"2001:db8::1", ...}."""
    return {packet.source for packet in packets if key.outgoing(packet)} | \
           {packet.destination for packet in packets if key.incoming(packet)}


def care_of_addresses_of(captures, key, phase):
    """{interface: care-of addresses that carried the flow's outgoing packets in this phase}."""
    return {interface: {packet.outer_source for packet in packets
                        if key.outgoing(packet) and phase.contains(packet.time_ns)}
            for interface, packets in captures.items()}


def switch_milliseconds(captures, key, interface, begin_ns):
    """How long after begin_ns the first outgoing packet of the flow left by the interface; None when none did."""
    times = [packet.time_ns for packet in captures[interface] if key.outgoing(packet) and packet.time_ns >= begin_ns]
    return (min(times) - begin_ns) / 1e6 if times else None


def measure_udp(flow, phase, figures):
    """Fills in losses and gaps of datagrams that were sent during the phase."""
    outgoing = flow.outgoing.between(phase.begin_ns, phase.end_ns)
    incoming = flow.incoming.between(phase.begin_ns, phase.end_ns)
    figures.lost_out = len(outgoing.lost())
    figures.lost_in = len(incoming.lost())
    gaps = {"out": outgoing.longest_gap(), "in": incoming.longest_gap()}
    figures.gap_out_ms = gaps["out"].milliseconds if gaps["out"] else None
    figures.gap_in_ms = gaps["in"].milliseconds if gaps["in"] else None
    figures.added_gap_ms = max((gap.added_milliseconds for gap in gaps.values() if gap), default=None)


def measure_tcp(flow, phase, figures):
    figures.gap_out_ms = flow.longest_pause(flow.server, phase.begin_ns, phase.end_ns)[0]
    figures.gap_in_ms = flow.longest_pause(flow.client, phase.begin_ns, phase.end_ns)[0]


def goes_on(received, phase, longest_pause_ms):
    """Whether something of [(position, time)] arrives from the beginning of the phase to its end, without a longer pause."""
    times = [phase.begin_ns, *sorted(at for _, at in received if phase.contains(at)), phase.end_ns]
    return all(after - before < longest_pause_ms * 1e6 for before, after in zip(times, times[1:]))


def rate_over_time(packets, matches, begin_ns, end_ns, step_ns):
    """Number of matching packets in each step from begin_ns to end_ns."""
    counts = [0] * max(1, -(-(end_ns - begin_ns) // step_ns))
    for packet in packets:
        if begin_ns <= packet.time_ns < end_ns and matches(packet):
            counts[(packet.time_ns - begin_ns) // step_ns] += 1
    return counts
