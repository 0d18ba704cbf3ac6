# SPDX-License-Identifier: GPL-3.0-or-later
"""Part 1: a correspondent node that knows nothing of mobility. Both flows go through the home agent."""

from lab.capture import PROTOCOL_TCP, PROTOCOL_UDP

from . import measure
from .measure import FlowKey
from .part import Part, other
from .report import milliseconds

UDP = FlowKey("UDP stream, 1,000 packets/s each way", PROTOCOL_UDP, 5000, "UDP")
TCP = FlowKey("TCP transfer, 8 Mbit/s each way", PROTOCOL_TCP, 5001, "TCP")
# Longer than any retransmission of TCP that a cut should cause, much shorter than what a user would call broken.
_LONGEST_PAUSE_MS = 1000.0


class TunnelPart(Part):
    title = "Through the home agent: a correspondent node as it is"

    def __init__(self, lab, teller):
        super().__init__(lab, teller, "ha", UDP, TCP)

    def play(self):
        teller = self.teller
        teller.step("Open two live flows to the same correspondent node")
        self.open_flows("at first")
        self.run_act()
        self.show("flow", "list")
        teller.say("Both flows go over the same interface, each under a home address of its own.")
        first = self.acts[0].flows[UDP]["interface"]
        second = other(first)
        teller.step(f"Move the UDP flow to {second}; the TCP flow stays where it is")
        self.move_udp(second, f"moved to {second}", f"UDP moved to {second}")
        teller.step(f"Move the UDP flow back to {first}")
        self.move_udp(first, "moved back", f"UDP moved back to {first}")
        self._cut(first)
        teller.step("End the flows and measure")
        self.end_flows()
        self.lab.restore(first)
        self._judge()

    def _cut(self, interface):
        self.teller.step(f"Cut the cable of {interface} under both flows")
        self.begin_act(f"cable of {interface} cut", f"cable of {interface} cut", other(interface))
        self.lab.cut(interface)
        self.run_act()
        self.show("interface", "list")
        self.show("flow", "list")

    def _judge(self):
        homes = {key: self.acts[0].flows[key]["home_address"] for key in (UDP, TCP)}
        bound = self.acts[0].bindings
        self.claim("each flow has a home address of its own, bound at the home agent",
                   homes[UDP] != homes[TCP] and all(home in bound for home in homes.values()), f"UDP {homes[UDP]}, TCP {homes[TCP]}")
        self.judge_one_address_each()
        for number in (1, 2):
            self.judge_move(number, "the home agent")
        self._judge_cut()
        self.judge_transfers()

    def _judge_cut(self):
        left = self.acts[-1].target
        for key, flow in ((UDP, self.udp), (TCP, self.tcp)):
            item = self.figure(key, -1)
            arrivals = (flow.server.received, flow.client.received)
            alive = all(measure.goes_on(times, self.phases[-1], _LONGEST_PAUSE_MS) for times in arrivals)
            lost = f"{item.lost_out} and {item.lost_in} packets lost, " if item.lost_out is not None else ""
            self.claim(f"{key.kind} goes on over {left} within a second after the cable was cut",
                       alive and item.interface == left and item.settled_packets[left] > 0,
                       f"{lost}longest gap {milliseconds(item.gap_out_ms)} out, {milliseconds(item.gap_in_ms)} in")
