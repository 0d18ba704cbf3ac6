# SPDX-License-Identifier: GPL-3.0-or-later
"""A part of the story: a UDP and a TCP flow to the same correspondent node, what is done with them, and what is claimed."""

import time
from dataclasses import dataclass, field

from lab import LabError, wait_until

from . import measure
from .measure import FlowPhase, Phase
from .report import Check

INTERFACES = ("wlan0", "wwan0")
_PHASE_SECONDS = 4.0


def now_ns():
    return time.clock_gettime_ns(time.CLOCK_REALTIME)


def other(interface):
    return INTERFACES[1 - INTERFACES.index(interface)]


@dataclass
class Act:
    """A phase as it was played: what the daemons said at its end."""
    title: str
    event: str
    target: str | None  # the interface that the UDP flow was told, or forced, to use
    begin_ns: int
    flows: dict = field(default_factory=dict)     # FlowKey -> flow object of the control protocol
    bindings: dict = field(default_factory=dict)  # home address -> care-of address, as the other end has it


class Part:
    """`holder`: the node, "ha" or "cn", whose bindings the acts note. `udp`, `tcp`: the keys of the two flows."""

    def __init__(self, lab, teller, holder, udp, tcp, phase_seconds=_PHASE_SECONDS):
        self.lab = lab
        self.teller = teller
        self.holder = holder
        self.udp_key, self.tcp_key = udp, tcp
        self.phase_seconds = phase_seconds
        self.acts = []
        self.phases = []
        self.figures = []
        self.checks = []
        self.captures = {}     # {interface of the mobile node: packets}
        self.far_packets = []  # at the correspondent node

    # ---- what is done ----

    def open_flows(self, first_act):
        self._taps = {name: self.lab.capture("mn", name) for name in INTERFACES}
        self._far_tap = self.lab.capture("cn", "eth0")
        self.udp = self.lab.udp_flow(port=self.udp_key.port, packets_per_second=1000, label=f"udp-{self.udp_key.port}")
        self.tcp = self.lab.tcp_flow(port=self.tcp_key.port, megabits_out=8, megabits_in=8, label=f"tcp-{self.tcp_key.port}")
        self.teller.say(f"UDP, numbered packets, 1,000 per second in each direction, to port {self.udp_key.port}")
        self.teller.say(f"TCP, 8 Mbit/s in each direction, every octet checked, to port {self.tcp_key.port}")
        wait_until(self._flows_are_known, "both flows in `mipflow flow list`")
        self.begin_act(first_act, "", None)

    def _flows_are_known(self):
        flows = self.live_flows()
        return len(flows) == 2 and all(flow["packets_out"] > 0 and flow["packets_in"] > 0 for flow in flows.values())

    def live_flows(self):
        """{FlowKey: flow} of the two flows, as far as the mobile node knows them."""
        self.udp.expect_running()
        self.tcp.expect_running()
        return {key: flow for flow in self.lab.mipflow("flow", "list") for key in (self.udp_key, self.tcp_key)
                if (flow["correspondent_port"], flow["protocol"]) == (key.port, key.kind.lower())}

    def begin_act(self, title, event, target):
        self.acts.append(Act(title, event, target, now_ns()))

    def run_act(self):
        """Lets the flows run, then notes what the mobile node and the other end say about them."""
        act = self.acts[-1]
        time.sleep(max(0.0, self.phase_seconds - (now_ns() - act.begin_ns) / 1e9))
        act.flows = self.live_flows()
        if len(act.flows) != 2:
            raise LabError(f"the mobile node no longer knows both flows ({act.title})")
        act.bindings = {item["home_address"]: item["care_of_address"]
                        for item in self.lab.mipflow("binding", "list", node=self.holder) if item["state"] == "bound"}

    def show(self, *words, node="mn"):
        show_command(self.lab, self.teller, *words, node=node)

    def move_udp(self, interface, title, event):
        number = self.live_flows()[self.udp_key]["id"]
        self.begin_act(title, event, interface)
        self.show("flow", "move", str(number), interface)
        self.run_act()
        self.show("flow", "list")
        self.show("binding", "list", node=self.holder)

    def end_flows(self):
        end_ns = now_ns()
        self.udp.stop()
        self.tcp.stop()
        self.captures = {name: tap.packets() for name, tap in self._taps.items()}
        self.far_packets = self._far_tap.packets()
        ends = [act.begin_ns for act in self.acts[1:]] + [end_ns]
        self.phases = [Phase(act.title, act.event, act.begin_ns, end) for act, end in zip(self.acts, ends)]
        for key, flow in ((self.udp_key, self.udp), (self.tcp_key, self.tcp)):
            for phase, act in zip(self.phases, self.acts):
                self.figures.append(self._measure(key, flow, phase, act.flows[key]))

    def _measure(self, key, flow, phase, said):
        item = FlowPhase(key.kind, phase.title, said["home_address"], said["care_of_address"], said["interface"], said["path"])
        item.packets = measure.count_packets(self.captures, key, phase)
        item.settled_packets = measure.count_packets(self.captures, key, phase.settled())
        (measure.measure_tcp if flow.is_tcp else measure.measure_udp)(flow, phase, item)
        return item

    # ---- what it was ----

    def figure(self, key, number):
        """Of a flow in the phase with this number; -1 is the last one."""
        return [item for item in self.figures if item.flow == key.kind][number]

    def first_packet_ms(self, number):
        """From the command of an act until the UDP flow's first packet on the interface that it was told."""
        act = self.acts[number]
        return measure.switch_milliseconds(self.captures, self.udp_key, act.target, act.begin_ns)

    def notes(self):
        """Sentences for the picture: {(panel, phase title): text}."""
        out = {}
        for key in (self.udp_key, self.tcp_key):
            for number, phase in enumerate(self.phases):
                item = self.figure(key, number)
                gap = max(item.gap_out_ms or 0.0, item.gap_in_ms or 0.0)
                lost = f"lost {item.lost_out + item.lost_in}, " if item.lost_out is not None else ""
                out[key.name, phase.title] = f"{lost}longest gap {gap:.1f} ms"
        return out

    # ---- what is claimed in every part ----

    def claim(self, claim, true, measured=""):
        self.checks.append(Check(claim, bool(true), measured))

    def judge_one_address_each(self):
        for key in (self.udp_key, self.tcp_key):
            home = self.acts[0].flows[key]["home_address"]
            seen = measure.addresses_of(self.far_packets, key)
            kept = all(act.flows[key]["home_address"] == home for act in self.acts)
            self.claim(f"the correspondent node saw the {key.kind} flow under one address from beginning to end",
                       kept and seen == {home}, ", ".join(sorted(seen)))

    def judge_move(self, number, holder_name):
        """Of the UDP flow, in the phase with this number."""
        act, phase, item = self.acts[number], self.phases[number], self.figure(self.udp_key, number)
        target, away = act.target, other(act.target)
        first = self.first_packet_ms(number)
        self.claim(f"UDP {phase.title}: all its packets use {target}", item.settled_packets[target] > 0 and item.settled_packets[away] == 0,
                   f"{item.packets[target]} packets on {target}, {item.packets[away]} on {away} before the switch, "
                   f"first one on {target} {first or 0:.0f} ms after the command was typed")
        self.claim(f"UDP {phase.title}: no packet is lost", item.lost_out == 0 and item.lost_in == 0,
                   f"{item.lost_out} out, {item.lost_in} in")
        outside = measure.care_of_addresses_of(self.captures, self.udp_key, phase.settled())[target]
        said = act.flows[self.udp_key]
        self.claim(f"UDP {phase.title}: {holder_name}, the mobile node and the packets agree on the care-of address",
                   outside == {act.bindings.get(said["home_address"])} == {said["care_of_address"]}, ", ".join(sorted(map(str, outside))))

        stays = self.figure(self.tcp_key, number)
        home = act.flows[self.tcp_key]["home_address"]
        on = self.acts[0].flows[self.tcp_key]["interface"]
        self.claim(f"UDP {phase.title}: the TCP flow and its binding stay",
                   stays.packets[other(on)] == 0 and stays.packets[on] > 0 and home in act.bindings
                   and act.bindings[home] == self.acts[0].bindings.get(home),
                   f"{stays.packets[on]} packets on {on}, {stays.packets[other(on)]} on {other(on)}")

    def judge_transfers(self):
        client, server = self.tcp.client.summary, self.tcp.server.summary
        self.claim("the TCP transfer is complete: every octet arrived once, in order and unchanged", self.tcp.complete(),
                   f"{server['bytes_received']} out, {client['bytes_received']} in")
        twice = self.udp.outgoing.duplicates() + self.udp.incoming.duplicates()
        self.claim("no UDP packet came twice", twice == 0, f"{twice}")


def show_command(lab, teller, *words, node="mn"):
    """Shows a command of `mipflow` as the user would type it, and what it says."""
    option = {"mn": [], "ha": ["--home-agent"], "cn": ["--correspondent-node"]}[node]
    teller.command(" ".join(["mipflow", *option, *words]), lab.mipflow_run(*words, node=node).stdout)

