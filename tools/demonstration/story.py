# SPDX-License-Identifier: GPL-3.0-or-later
"""The story itself: what is done in the lab, step by step, and what is claimed about it at the end."""

import time
from dataclasses import dataclass, field

from lab import LabError, wait_until
from lab.capture import PROTOCOL_TCP, PROTOCOL_UDP

from . import measure
from .measure import FlowKey, FlowPhase, Phase
from .report import Check, milliseconds

INTERFACES = ("wlan0", "wwan0")
UDP = FlowKey("UDP stream, 1,000 packets/s each way", PROTOCOL_UDP, 5000)
TCP = FlowKey("TCP transfer, 8 Mbit/s each way", PROTOCOL_TCP, 5001)
SHORT = {UDP: "UDP", TCP: "TCP"}
_PHASE_SECONDS = 4.0
# Longer than any retransmission of TCP that a cut should cause, much shorter than what a user would call broken.
_LONGEST_PAUSE_MS = 1000.0


def now_ns():
    return time.clock_gettime_ns(time.CLOCK_REALTIME)


def other(interface):
    return INTERFACES[1 - INTERFACES.index(interface)]


@dataclass
class Act:
    """A phase as it was played: what the daemon and the home agent said at its end."""
    title: str
    event: str
    target: str | None  # the interface that the UDP flow was told, or forced, to use
    begin_ns: int
    flows: dict = field(default_factory=dict)     # FlowKey -> flow object of the control protocol
    bindings: dict = field(default_factory=dict)  # home address -> care-of address, as the home agent has it


class Story:
    def __init__(self, lab, teller):
        self._lab = lab
        self._teller = teller
        self._acts = []
        self._round_trip_ms = None
        self.phases = []
        self.figures = []
        self.checks = []
        self.captures = {}
        self.extra = {}

    def play(self):
        teller = self._teller
        self._before = self._traces()
        self._start_daemons()
        self._open_flows()
        self._show_flows("Both flows go over the same interface, each under a home address of its own.")
        first = self._acts[0].flows[UDP]["interface"]
        second = other(first)
        teller.step(f"Move the UDP flow to {second}; the TCP flow stays where it is")
        self._move_udp(second, f"moved to {second}", f"UDP moved to {second}")
        teller.step(f"Move the UDP flow back to {first}")
        self._move_udp(first, "moved back", f"UDP moved back to {first}")
        self._cut(first)
        self._end_flows()
        self._measure()
        self._judge()

    # ---- what is done ----

    def _start_daemons(self):
        lab, teller = self._lab, self._teller
        teller.step("Start the home agent and the mobile node, as on real hosts")
        lab.start_home_agent()
        teller.say(f"mipflow-had serves the home network 2001:db8:100::/64 at {lab.home_agent_address}")
        lab.start_mobile_node()
        begin = time.monotonic()
        lab.wait_registered()
        teller.say(f"mipflow-mnd registered {lab.home_address} and spare home addresses after {time.monotonic() - begin:.1f} s")
        self._show("interface", "list")
        self._show("hoa", "list")
        self._round_trip_ms = self._measure_round_trip()
        self.extra["round_trip_to_home_agent_ms"] = self._round_trip_ms

    def _measure_round_trip(self):
        """From the care-of address of wlan0 to the home agent, the median of a few echoes."""
        lab = self._lab
        done = lab.run("mn", ["ping", "-6", "-n", "-c", 9, "-i", 0.05, "-I", lab.care_of_address("wlan0"), lab.home_agent_address])
        times = sorted(float(line.split("time=")[1].split()[0]) for line in done.stdout.splitlines() if "time=" in line)
        return times[len(times) // 2] if times else None

    def _open_flows(self):
        lab, teller = self._lab, self._teller
        teller.step("Open two live flows to the same correspondent node")
        self._taps = {name: lab.capture("mn", name) for name in INTERFACES}
        self._far_tap = lab.capture("cn", "eth0")
        self._udp = lab.udp_flow(port=UDP.port, packets_per_second=1000)
        self._tcp = lab.tcp_flow(port=TCP.port, megabits_out=8, megabits_in=8)
        teller.say(f"UDP, numbered packets, 1,000 per second in each direction, to port {UDP.port}")
        teller.say(f"TCP, 8 Mbit/s in each direction, every octet checked, to port {TCP.port}")
        wait_until(self._flows_are_known, "both flows in `mipflow flow list`")
        self._begin_act("at first", "", None)

    def _flows_are_known(self):
        flows = self._live_flows()
        return len(flows) == 2 and all(flow["packets_out"] > 0 and flow["packets_in"] > 0 for flow in flows.values())

    def _live_flows(self):
        """{FlowKey: flow} of our two flows, as far as the daemon knows them."""
        self._udp.expect_running()
        self._tcp.expect_running()
        found = {}
        for flow in self._lab.mipflow("flow", "list"):
            for key in (UDP, TCP):
                if flow["correspondent_port"] == key.port and flow["protocol"] == SHORT[key].lower():
                    found[key] = flow
        return found

    def _begin_act(self, title, event, target):
        self._acts.append(Act(title, event, target, now_ns()))

    def _run_act(self, seconds=_PHASE_SECONDS):
        """Lets the flows run, then notes what daemon and home agent say about them."""
        act = self._acts[-1]
        time.sleep(max(0.0, seconds - (now_ns() - act.begin_ns) / 1e9))
        act.flows = self._live_flows()
        if len(act.flows) != 2:
            raise LabError(f"the mobile node no longer knows both flows ({act.title})")
        act.bindings = {item["home_address"]: item["care_of_address"]
                        for item in self._lab.mipflow("binding", "list", node="ha") if item["state"] == "bound"}

    def _show_flows(self, sentence):
        self._run_act()
        self._show("flow", "list")
        self._teller.say(sentence)

    def _show(self, *words, node="mn"):
        done = self._lab.mipflow_run(*words, node=node)
        self._teller.command(" ".join(["mipflow", *(["--home-agent"] if node == "ha" else []), *words]), done.stdout)

    def _move_udp(self, interface, title, event):
        number = self._live_flows()[UDP]["id"]
        self._begin_act(title, event, interface)
        self._show("flow", "move", str(number), interface)
        self._run_act()
        self._show("flow", "list")
        self._show("binding", "list", node="ha")

    def _cut(self, interface):
        self._teller.step(f"Cut the cable of {interface} under both flows")
        self._begin_act(f"cable of {interface} cut", f"cable of {interface} cut", other(interface))
        self._lab.cut(interface)
        self._run_act()
        self._show("interface", "list")
        self._show("flow", "list")

    def _end_flows(self):
        self._end_ns = now_ns()
        self._teller.step("End the flows and measure")
        self._udp.stop()
        self._tcp.stop()
        self.captures = {name: tap.packets() for name, tap in self._taps.items()}
        self._far_packets = self._far_tap.packets()

    # ---- what it was ----

    def _measure(self):
        ends = [act.begin_ns for act in self._acts[1:]] + [self._end_ns]
        self.phases = [Phase(act.title, act.event, act.begin_ns, end) for act, end in zip(self._acts, ends)]
        for key, flow in ((UDP, self._udp), (TCP, self._tcp)):
            for phase, act in zip(self.phases, self._acts):
                said = act.flows[key]
                item = FlowPhase(SHORT[key], phase.title, said["home_address"], said["care_of_address"], said["interface"])
                item.packets = measure.count_packets(self.captures, key, phase)
                item.settled_packets = measure.count_packets(self.captures, key, phase.settled())
                (measure.measure_tcp if flow.is_tcp else measure.measure_udp)(flow, phase, item)
                self.figures.append(item)
        self.extra["udp_first_packet_on_new_interface_ms"] = [
            measure.switch_milliseconds(self.captures, UDP, act.target, act.begin_ns) for act in self._acts[1:]]

    def figure(self, key, number):
        """Of a flow in the phase with this number; -1 is the last one."""
        return [item for item in self.figures if item.flow == SHORT[key]][number]

    def notes(self):
        """Sentences for the picture: {(panel, phase title): text}."""
        out = {}
        for key in (UDP, TCP):
            for number, phase in enumerate(self.phases):
                item = self.figure(key, number)
                gap = max(item.gap_out_ms or 0.0, item.gap_in_ms or 0.0)
                lost = f"lost {item.lost_out + item.lost_in}, " if item.lost_out is not None else ""
                out[key.name, phase.title] = f"{lost}longest gap {gap:.1f} ms"
        return out

    # ---- what is claimed ----

    def _claim(self, claim, true, measured=""):
        self.checks.append(Check(claim, bool(true), measured))

    def _judge(self):
        self._judge_addresses()
        for number in (1, 2):
            self._judge_move(number)
        self._judge_cut()
        self._judge_transfers()

    def _judge_addresses(self):
        homes = {key: self._acts[0].flows[key]["home_address"] for key in (UDP, TCP)}
        bound = self._acts[0].bindings
        self._claim("each flow has a home address of its own, bound at the home agent",
                    homes[UDP] != homes[TCP] and all(home in bound for home in homes.values()),
                    f"UDP {homes[UDP]}, TCP {homes[TCP]}")
        for key in (UDP, TCP):
            seen = measure.addresses_of(self._far_packets, key)
            kept = all(act.flows[key]["home_address"] == homes[key] for act in self._acts)
            self._claim(f"the correspondent node saw the {SHORT[key]} flow under one address from beginning to end",
                        kept and seen == {homes[key]}, ", ".join(sorted(seen)))

    def _judge_move(self, number):
        act, phase, item = self._acts[number], self.phases[number], self.figure(UDP, number)
        target, away = act.target, other(act.target)
        self._claim(f"UDP {phase.title}: all its packets use {target}",
                    item.settled_packets[target] > 0 and item.settled_packets[away] == 0,
                    f"{item.packets[target]} packets on {target}, {item.packets[away]} on {away} before the switch, "
                    f"first one on {target} {self.extra['udp_first_packet_on_new_interface_ms'][number - 1] or 0:.0f} ms after the command was typed")
        self._claim(f"UDP {phase.title}: no packet is lost", item.lost_out == 0 and item.lost_in == 0,
                    f"{item.lost_out} out, {item.lost_in} in")
        outside = measure.care_of_addresses_of(self.captures, UDP, phase.settled())[target]
        home = act.flows[UDP]["home_address"]
        self._claim(f"UDP {phase.title}: the home agent, the mobile node and the packets agree on the care-of address",
                    outside == {act.bindings.get(home)} == {act.flows[UDP]["care_of_address"]}, ", ".join(sorted(map(str, outside))))

        stays = self.figure(TCP, number)
        home, away = act.flows[TCP]["home_address"], other(self._acts[0].flows[TCP]["interface"])
        self._claim(f"UDP {phase.title}: the TCP flow and its binding stay",
                    stays.packets[away] == 0 and stays.packets[other(away)] > 0
                    and act.bindings.get(home) == self._acts[0].bindings.get(home),
                    f"{stays.packets[other(away)]} packets on {other(away)}, {stays.packets[away]} on {away}")

    def _judge_cut(self):
        left = self._acts[-1].target
        for key, flow in ((UDP, self._udp), (TCP, self._tcp)):
            item = self.figure(key, -1)
            arrivals = (flow.server.received, flow.client.received)
            alive = all(measure.goes_on(times, self.phases[-1], _LONGEST_PAUSE_MS) for times in arrivals)
            lost = f"{item.lost_out} and {item.lost_in} packets lost, " if item.lost_out is not None else ""
            self._claim(f"{SHORT[key]} goes on over {left} within a second after the cable was cut",
                        alive and item.interface == left and item.settled_packets[left] > 0,
                        f"{lost}longest gap {milliseconds(item.gap_out_ms)} out, {milliseconds(item.gap_in_ms)} in")

    def _judge_transfers(self):
        client, server = self._tcp.client.summary, self._tcp.server.summary
        self._claim("the TCP transfer is complete: every octet arrived once, in order and unchanged", self._tcp.complete(),
                    f"{server['bytes_received']} out, {client['bytes_received']} in")
        twice = self._udp.outgoing.duplicates() + self._udp.incoming.duplicates()
        self._claim("no UDP packet came twice", twice == 0, f"{twice}")

    # ---- what stays behind ----

    def stop_daemons(self):
        """Stops both daemons and claims that they left the hosts as they found them."""
        self._teller.step("Stop the daemons")
        codes = self._lab.stop_daemons()
        self._claim("both daemons stop cleanly", set(codes.values()) == {0}, f"exit codes {codes}")
        after = self._traces()
        left = sorted(after - self._before)
        self._claim("they leave no device, rule, route table or pinned object behind", not left, "; ".join(left))

    def _traces(self):
        """What the daemons could leave behind on the two hosts, as texts that can be compared."""
        found = set()
        for node in ("mn", "ha"):
            found |= {f"{node}: device {link['ifname']}" for link in self._lab.ip_json(node, "link")}
            found |= {f"{node}: rule {rule}" for rule in map(str, self._lab.ip_json(node, "-6", "rule"))}
            found |= {f"{node}: routes in table {route.get('table', 'main')}"
                      for route in self._lab.ip_json(node, "-6", "route", "show", "table", "all")}
            found |= {f"{node}: proxied neighbour {entry['dst']}" for entry in self._lab.ip_json(node, "-6", "neighbour", "show", "proxy")}
            pins = self._lab.files(node).pin_directory
            found |= {f"{node}: pinned {path}" for path in pins.rglob("*")}
        return found
