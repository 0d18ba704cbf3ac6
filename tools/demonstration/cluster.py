# SPDX-License-Identifier: GPL-3.0-or-later
"""The story of home agents that share the load: what is done in the lab, and what is claimed about it at the end."""

import dataclasses
from collections import Counter

from lab import wait_until
from lab.capture import PROTOCOL_UDP
from lab.cluster import SECONDARIES

from . import cluster_picture
from .measure import FlowKey, Phase, goes_on
from .part import now_ns, show_command
from .report import Check, milliseconds
from .traces import traces

FLOWS = tuple(FlowKey(f"stream {number}", PROTOCOL_UDP, 5000 + number, "UDP") for number in range(1, 9))
AGENTS = {"ha": "ha, the primary: keeps all registrations", "ha2": "ha2, a secondary", "ha3": "ha3, a secondary"}
_RATE = 250           # packets per second and direction of each flow
_PHASE_SECONDS = 4.0
_LONGEST_PAUSE_MS = 1000.0

# Each stream has a home address of its own, and goes through the home agents all the time.
POLICY = """\
[default]
home-address = "own"
route-optimization = "no"
"""
PRIMARY = {"load-sharing": {"division": "load", "load-threshold": 500, "load-tolerance": 25, "rest": "1s"}}


@dataclasses.dataclass
class ClusterFigure:
    """One flow in one phase."""
    flow: str
    phase: str
    home_address: str
    packets: dict   # agent -> packets that it tunnelled for the flow
    lost_out: int
    lost_in: int
    duplicates: int
    gap_in_ms: float | None


class ClusterStory:
    def __init__(self, lab, teller):
        self.lab, self.teller = lab, teller
        self.checks, self.figures, self.phases, self.extra = [], [], [], {}
        self._began = []  # (title, event, begin)
        self._even_since = None

    def claim(self, claim, true, measured=""):
        self.checks.append(Check(claim, bool(true), measured))

    # ---- what is done ----

    def play(self):
        self._before = traces(self.lab, ("mn", "ha", *SECONDARIES))
        self._start()
        self._spread()
        self._drain("ha2")
        self._crash("ha3")
        self.teller.step("End the streams and measure")
        self._end()

    def _start(self):
        lab, teller = self.lab, self.teller
        teller.step("Start the primary, the laptop, and eight streams to it")
        lab.start_primary(PRIMARY)
        lab.start_cluster_mobile_node(policy=POLICY, changes={"home-addresses": {"warm-pool": len(FLOWS)}}, spares=len(FLOWS))
        teller.say(f"{len(FLOWS)} streams of {_RATE} numbered packets/s each way, each under a home address of its own")
        self._taps = {agent: lab.capture(agent, "home0") for agent in AGENTS}
        self._near_tap = lab.capture("mn", "wlan0", "ip6 and ip6[6] = 41")
        self.streams = [lab.udp_flow(port=flow.port, packets_per_second=_RATE, label=f"udp-{flow.port}") for flow in FLOWS]
        wait_until(lambda: len(self._home_addresses()) == len(FLOWS), "all streams in `mipflow flow list`")
        self.home_addresses = self._home_addresses()
        self._act("one home agent", "")
        self._rest()
        self._show("ha", "status")

    def _home_addresses(self):
        """{port: home address} of the streams."""
        return {flow["correspondent_port"]: flow["home_address"] for flow in self.lab.mipflow("flow", "list")
                if flow["correspondent_port"] in {key.port for key in FLOWS} and flow["packets_in"] > 0}

    def _spread(self):
        self.teller.step("Start two secondaries: the primary delegates by load")
        self._act("two secondaries come", "ha2 and ha3 start")
        for name in SECONDARIES:
            self.lab.start_secondary(name)
        self.lab.wait_agents()
        wait_until(self._is_divided_for_good, "an even division of the streams that lasts", 40)
        self._act("shared by three", "the load is shared")
        self._rest()
        self._show("ha", "status")
        self._show("ha", "list")

    def _drain(self, agent):
        self.teller.step(f"Drain {agent}, as before maintenance")
        self._act(f"{agent} drained", f"drain {agent}")
        self._show("ha", "drain", agent)
        wait_until(lambda: agent not in self.lab.holders().values(), f"{agent} empty", 20)
        self._rest()
        self._show("ha", "status")
        self.teller.step(f"Let {agent} serve again")
        self._act(f"{agent} serves again", f"{agent} serves again")
        self._show("ha", "drain", agent, "--end")
        wait_until(lambda: agent in self._stream_holders().values(), f"streams at {agent}", 20)
        self._settle()
        self._rest()

    def _crash(self, agent):
        self.teller.step(f"Pull the plug of {agent}: its machine is gone without a word")
        self._held = {port for port, holder in self._stream_holders().items() if holder == agent}
        self._act(f"{agent} gone", f"{agent} loses power")
        self.lab.pull_the_plug(agent)
        self.lab.wait_agents("dead", (agent,))
        self._rest()
        self._show("ha", "status")

    def _end(self):
        end = now_ns()
        for stream in self.streams:
            stream.stop()
        self.captures = {agent: tap.packets() for agent, tap in self._taps.items()}
        self._near = self._near_tap.packets()
        ends = [begin for _, _, begin in self._began[1:]] + [end]
        self.phases = [Phase(title, event, begin, until) for (title, event, begin), until in zip(self._began, ends)]
        self.sent = {agent: [packet for packet in packets if packet.outer_source == self.lab.home_agent_address
                             and packet.destination in self.home_addresses.values()]
                     for agent, packets in self.captures.items()}
        for phase in self.phases:
            self.figures += [self._measure(flow, stream, phase) for flow, stream in zip(FLOWS, self.streams)]
        self._judge()

    # ---- small things ----

    def _act(self, title, event):
        self._began.append((title, event, now_ns()))

    def _rest(self):
        """Until the present act has lasted long enough to be seen."""
        begin = self._began[-1][2]
        wait_until(lambda: now_ns() - begin >= _PHASE_SECONDS * 1e9, "the end of the act", _PHASE_SECONDS + 1)

    def _settle(self):
        """Until nobody moves anything any more."""
        wait_until(lambda: not any(agent["in_exchange"] for agent in self.lab.agents()), "the end of all exchanges", 20)

    def _is_divided_for_good(self):
        """Two streams at one agent and three at each other, for so long that measured rates have followed."""
        if sorted(Counter(self._stream_holders().values()).values()) != [2, 3, 3]:
            self._even_since = None
        elif self._even_since is None:
            self._even_since = now_ns()
        return self._even_since is not None and now_ns() - self._even_since >= _PHASE_SECONDS * 1e9

    def _stream_holders(self):
        """{port: agent} of the streams."""
        holders = self.lab.holders()
        return {port: holders.get(home, "") or "ha" for port, home in self.home_addresses.items()}

    def _show(self, *words):
        show_command(self.lab, self.teller, *words, node="ha")

    # ---- what it was ----

    def _measure(self, flow, stream, phase):
        outgoing = stream.outgoing.between(phase.begin_ns, phase.end_ns)
        incoming = stream.incoming.between(phase.begin_ns, phase.end_ns)
        gap = incoming.longest_gap()
        tunnelled = {agent: sum(1 for packet in packets if flow.incoming(packet) and phase.contains(packet.time_ns))
                     for agent, packets in self.sent.items()}
        return ClusterFigure(flow.name, phase.title, self.home_addresses[flow.port], tunnelled, len(outgoing.lost()), len(incoming.lost()),
                             outgoing.duplicates() + incoming.duplicates(), gap.milliseconds if gap else None)

    def _of(self, title):
        return [figure for figure in self.figures if figure.phase == title]

    def _agents_of(self, title):
        return {agent for figure in self._of(title) for agent, count in figure.packets.items() if count}

    def _judge(self):
        homes = set(self.home_addresses.values())
        self.claim("each stream has a home address of its own", len(homes) == len(FLOWS), f"{len(homes)} home addresses")
        seen = {packet.outer_source for packet in self._near if packet.destination in homes}
        self.claim("the laptop sees one home agent all the time", seen == {self.lab.home_agent_address}, ", ".join(sorted(seen)))
        self.claim("at first the primary tunnels everything", self._agents_of("one home agent") == {"ha"})
        self._judge_sharing()
        calm = [figure for figure in self.figures if figure.phase != "ha3 gone"]
        lost = sum(figure.lost_out + figure.lost_in for figure in calm)
        self.claim("spreading, draining and serving again lose no packet", lost == 0, f"{lost} lost")
        self.claim("a drained home agent tunnels nothing", not any(figure.packets["ha2"] for figure in self._settled("ha2 drained")))
        self.claim("an agent that serves again gets its share", "ha2" in self._agents_of("ha2 serves again"))
        self._judge_crash()
        self.extra["duplicates"] = sum(figure.duplicates for figure in self.figures)

    def _settled(self, title):
        phase = next(phase for phase in self.phases if phase.title == title)
        middle = Phase(title, "", (phase.begin_ns + phase.end_ns) // 2, phase.end_ns)
        return [self._measure(flow, stream, middle) for flow, stream in zip(FLOWS, self.streams)]

    def _judge_sharing(self):
        totals = {agent: sum(figure.packets[agent] for figure in self._settled("shared by three")) for agent in AGENTS}
        mean = sum(totals.values()) / len(totals)
        # Eight equal streams can not be divided by three: one agent has two, the others three each.
        self.claim("then the three share the load as evenly as eight streams allow", min(totals.values()) >= 0.7 * mean,
                   ", ".join(f"{agent} {count}" for agent, count in totals.items()) + " packets")

    def _judge_crash(self):
        phase = self.phases[-1]
        rest = [figure for flow, figure in zip(FLOWS, self._of(phase.title)) if flow.port not in self._held]
        lost = sum(figure.lost_out + figure.lost_in for figure in rest)
        self.claim("the crash of ha3 costs the streams of the others nothing", self._held and lost == 0, f"{lost} lost in {len(rest)} streams")
        struck = [stream for flow, stream in zip(FLOWS, self.streams) if flow.port in self._held]
        back = all(goes_on(stream.client.received, phase, _LONGEST_PAUSE_MS) for stream in struck)
        longest = max((figure.gap_in_ms or 0.0 for figure in self._of(phase.title)), default=0.0)
        self.claim("its own streams are back within a second", struck and back, f"{len(struck)} streams, longest gap {milliseconds(longest)}")

    def stop_daemons(self):
        """Stops the daemons and claims that they left the hosts as they found them."""
        self.teller.step("Stop the daemons")
        codes = self.lab.stop_daemons()
        self.claim("the daemons stop cleanly", set(codes.values()) == {0}, f"exit codes {codes}")
        # Nobody was asked to clean up on the machine that lost its power.
        nodes = ("mn", "ha", *self.lab.secondaries)
        left = sorted(traces(self.lab, nodes) - self._before)
        self.claim("they leave no device, rule, route table or pinned object behind", not left, "; ".join(left))

    # ---- what is shown ----

    def show_figures(self):
        rows = []
        for figure in self.figures:
            rows.append([figure.flow, figure.phase, figure.home_address, *(str(figure.packets[agent]) for agent in AGENTS),
                         f"{figure.lost_out}/{figure.lost_in}", str(figure.duplicates), milliseconds(figure.gap_in_ms)])
        self.teller.table(["FLOW", "STEP", "HOME ADDRESS", *(f"PACKETS {agent}" for agent in AGENTS), "LOST OUT/IN", "TWICE",
                           "LONGEST GAP IN"], rows)
        self.teller.say("PACKETS: tunnelled to the laptop by each home agent. What the laptop sends always goes through the primary.")

    def draw(self):
        notes = {}
        for phase in self.phases:
            figures = self._of(phase.title)
            for agent in AGENTS:
                streams = sum(1 for figure in figures if figure.packets[agent])
                notes[agent, phase.title] = f"{sum(figure.packets[agent] for figure in figures)} packets, {streams} streams"
        return cluster_picture.draw(AGENTS, self.sent, FLOWS, self.phases, notes)
