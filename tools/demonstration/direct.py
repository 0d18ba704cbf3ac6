# SPDX-License-Identifier: GPL-3.0-or-later
"""Part 2: the correspondent node supports route optimisation. Both flows go straight to it, each over its own interface."""

from lab import wait_until
from lab.capture import BINDING_UPDATE, CARE_OF_TEST_INIT, HOME_TEST_INIT, PROTOCOL_TCP, PROTOCOL_UDP

from . import measure
from .measure import FlowKey
from .part import Part, other

UDP = FlowKey("UDP stream, 1,000 packets/s each way", PROTOCOL_UDP, 5002, "UDP")
TCP = FlowKey("TCP transfer, 8 Mbit/s each way", PROTOCOL_TCP, 5003, "TCP")
PORTS = (UDP.port, TCP.port)


class DirectPart(Part):
    title = "Straight to a correspondent node that supports route optimisation"

    def __init__(self, lab, teller):
        super().__init__(lab, teller, "cn", UDP, TCP, phase_seconds=3.0)

    def play(self):
        teller = self.teller
        teller.step("Start mipflow-cnd on the correspondent node and open two more flows to it")
        self.lab.start_correspondent_node()
        self._home_agent_tap = self.lab.capture("ha", "home0")
        self.open_flows("straight, at first")
        wait_until(lambda: all(flow["path"] == "direct" for flow in self.live_flows().values()), "both flows on the direct way")
        self.run_act()
        self.show("flow", "list")
        self.show("binding", "list", node="cn")
        first = self.acts[0].flows[UDP]["interface"]
        second = other(first)
        teller.step(f"Move the UDP flow to {second}: one Binding Update to the correspondent node, and the TCP flow does not notice")
        self.move_udp(second, f"straight, moved to {second}", f"UDP moved to {second}")
        teller.step("End the flows and measure")
        self.end_flows()
        self._home_agent_packets = self._home_agent_tap.packets()
        self._judge()

    def _judge(self):
        self._judge_way()
        self.judge_one_address_each()
        self._judge_first_switch()
        self.judge_move(1, "the correspondent node")
        self._judge_signalling()
        self.judge_transfers()

    def _judge_way(self):
        """After its first moments nothing of the two flows is seen in a tunnel or at the home agent."""
        moved = self.phases[1]
        for key in (UDP, TCP):
            ways = measure.packets_by_path(self.captures, key, moved)
            detour = sum(1 for packet in self._home_agent_packets if key.contains(packet) and moved.contains(packet.time_ns))
            self.claim(f"the {key.kind} flow goes straight to the correspondent node, not through the home agent",
                       set(ways) == {"direct"} and detour == 0, f"{ways.get('direct', 0)} packets straight, {detour} at the home agent")

    def _judge_first_switch(self):
        item = self.figure(UDP, 0)
        begin = self.phases[0].begin_ns
        tunnelled = [packet for each in self.captures.values() for packet in each if UDP.contains(packet) and packet.path == "tunnel"]
        out_of_order = len(self.udp.outgoing.reordered()) + len(self.udp.incoming.reordered())
        before = len(self.udp.outgoing.between(0, begin).lost()) + len(self.udp.incoming.between(0, begin).lost())
        self.claim("UDP straight, at first: the change from the tunnel to the direct way loses nothing and keeps the order",
                   tunnelled and item.lost_out == item.lost_in == before == out_of_order == 0,
                   f"{len(tunnelled)} packets in the tunnel before it; {before + item.lost_out + item.lost_in} lost, {out_of_order} out of order")

    def _judge_signalling(self):
        act, phase = self.acts[1], self.phases[1]
        homes = {key: act.flows[key]["home_address"] for key in (UDP, TCP)}
        signals = sorted((packet for packets in self.captures.values() for packet in packets
                          if packet.mobility_type is not None and phase.contains(packet.time_ns)), key=lambda packet: packet.time_ns)
        updates = [packet for packet in signals if packet.mobility_type == BINDING_UPDATE and packet.destination == self.lab.correspondent_address]
        moved = [packet for packet in updates if packet.source == homes[UDP]]
        tests = [packet for packet in signals if packet.mobility_type in (HOME_TEST_INIT, CARE_OF_TEST_INIT)
                 and moved and packet.time_ns < moved[0].time_ns]
        stayed = [packet for packet in updates if packet.source == homes[TCP]]
        after = (moved[0].time_ns - act.begin_ns) / 1e6 if moved else 0.0
        self.claim(f"UDP {phase.title}: one Binding Update to the correspondent node, and no test before it",
                   len(moved) == 1 and not tests and not stayed,
                   f"{len(moved)} for the UDP flow {after:.0f} ms after the command was typed, {len(stayed)} for the TCP flow, {len(tests)} tests")
