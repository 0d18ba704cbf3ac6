# SPDX-License-Identifier: GPL-3.0-or-later
"""Streams of 1,000 packets/s each way in the laboratory: moved in the tunnel, moved while they go straight to the
correspondent node, and switching from the one to the other."""

import statistics
import time

from demonstration.measure import FlowKey
from lab import wait_until
from lab.capture import PROTOCOL_UDP

import figures

RATE = 1000
OTHER = {"wlan0": "wwan0", "wwan0": "wlan0"}
TUNNEL_PORTS = (5000, 5001)
DIRECT_PORTS = (5002, 5003)
SWITCH_PORTS = range(5100, 5200)
# Everything is kept in the tunnel but what these measures send straight.
POLICY = f"""
[[class]]
name = "direct"
route-optimization = "yes"
[class.match]
protocol = "udp"
port = [{DIRECT_PORTS[0]}, {DIRECT_PORTS[1]}, "{SWITCH_PORTS[0]}-{SWITCH_PORTS[-1]}"]

[default]
route-optimization = "no"
"""
# RFC 6275 §11.8 allows three Binding Updates a second for a home address; a move sends one to each holder of its binding.
_SECONDS_BETWEEN_MOVES = 0.4


def flow_of(control, port):
    """The newest flow to that port: older ones may still wait for their idle timeout."""
    return max((flow for flow in control.ask("flows") if flow["correspondent_port"] == port),
               key=lambda flow: flow["id"], default=None)


def active_on(control, port, interface, path):
    flow = flow_of(control, port)
    return flow is not None and (flow["interface"], flow["state"], flow["path"]) == (interface, "active", path)


def wait_for_packets(control, port, count):
    """Waits until the other end has received so many more: what came back says so, each end sends as much."""
    seen = flow_of(control, port)["packets_in"]
    wait_until(lambda: flow_of(control, port)["packets_in"] >= seen + count, f"{count} more packets of port {port}", 30)


def judge(stream):
    out = {}
    for direction, way in (("out", stream.outgoing), ("in", stream.incoming)):
        gap = way.longest_gap()
        out[direction] = {"sent": len(way.sent), "lost": len(way.lost()), "duplicates": way.duplicates(),
                          "longest_gap_ms": gap.milliseconds, "added_gap_ms": gap.added_milliseconds}
    return out


class Pair:
    """Two streams to the same correspondent node, both on wlan0 to begin with; the first one is moved."""

    def __init__(self, lab, control, ports, path, label):
        self.control, self.ports, self.path = control, ports, path
        last = max((flow["id"] for flow in control.ask("flows")), default=0)
        self.streams = [lab.udp_flow(port, packets_per_second=RATE, label=f"stream-{port}-{label}") for port in ports]
        for port in ports:
            wait_until(lambda port=port: (flow_of(control, port) or {"id": 0})["id"] > last, "the streams")
            if flow_of(control, port)["interface"] != "wlan0":
                control.ask("move-flow", id=flow_of(control, port)["id"], interface="wlan0")
            self.wait_active(port, "wlan0")
            wait_for_packets(control, port, RATE // 2)

    def wait_active(self, port, interface):
        wait_until(lambda: active_on(self.control, port, interface, self.path), f"the stream to port {port}: {self.path}, on {interface}")

    def move(self, interface):
        """Moves the first stream; returns when the command was given."""
        number = flow_of(self.control, self.ports[0])["id"]
        self.control.ask("move-flow", id=number, interface=interface)
        asked_ns = self.control.asked_ns
        self.wait_active(self.ports[0], interface)
        return asked_ns

    def stop(self):
        for stream in self.streams:
            stream.stop()
        mover, stayer = self.streams
        return {"mover": judge(mover), "stayer": judge(stayer)}


def measure_tunnel(lab, control, moves, cut):
    """`moves` moves of the first of two streams, then, with `cut`, the cable of the interface under both is cut."""
    pair = Pair(lab, control, TUNNEL_PORTS, "tunnel", f"{moves}-tunnel")
    target = "wlan0"
    for _ in range(moves):
        target = OTHER[target]
        pair.move(target)
        wait_for_packets(control, TUNNEL_PORTS[0], RATE // 5)
    if cut:
        lab.cut("wlan0")
        for port in TUNNEL_PORTS:
            pair.wait_active(port, "wwan0")
            wait_for_packets(control, port, RATE // 2)
        lab.restore("wlan0")
    return pair.stop()


def measure_direct(lab, control, moves):
    """The same for streams that go straight, with every packet of both of them in captures."""
    captures = {name: lab.capture("mn", name) for name in OTHER}
    far = lab.capture("cn", "eth0")
    pair = Pair(lab, control, DIRECT_PORTS, "direct", "direct")
    begin_ns = time.clock_gettime_ns(time.CLOCK_REALTIME)
    home_address = flow_of(control, DIRECT_PORTS[0])["home_address"]
    commands, target = [], "wlan0"
    for _ in range(moves):
        target = OTHER[target]
        command_at = time.monotonic()
        commands.append((pair.move(target), target))
        # A pace, not a wait for something: about 400 packets each way.
        time.sleep(max(0.0, command_at + _SECONDS_BETWEEN_MOVES - time.monotonic()))
    end_ns = time.clock_gettime_ns(time.CLOCK_REALTIME)
    result = pair.stop()
    packets, far_packets = {name: capture.packets() for name, capture in captures.items()}, far.packets()

    key, other_key = (FlowKey(str(port), PROTOCOL_UDP, port) for port in DIRECT_PORTS)
    ends = [time_ns for time_ns, _ in commands[1:]] + [end_ns]
    care_of = {name: lab.care_of_address(name) for name in OTHER}
    taken = [figures.figures_of_move(figures.Move(asked, until, name, care_of[name], home_address), packets, far_packets, key,
                                     lab.correspondent_address) for (asked, name), until in zip(commands, ends)]
    result["moves"] = [move for move in taken if move is not None]
    result["unseen"] = taken.count(None)
    result["stayer_packets"] = figures.packets_on(packets, other_key, begin_ns)
    return result


def measure_switches(lab, control, count, ways_differ_ns):
    """`count` streams, one after the other, that each begin in the tunnel and go straight as soon as they can."""
    out = []
    for port in SWITCH_PORTS[:count]:
        captures = {name: lab.capture("mn", name) for name in OTHER}
        stream = lab.udp_flow(port, packets_per_second=RATE, label=f"switch-{port}")
        wait_until(lambda port=port: (flow_of(control, port) or {"path": ""})["path"] == "direct", f"a direct way for port {port}")
        wait_for_packets(control, port, RATE // 5)
        stream.stop()
        key = FlowKey(str(port), PROTOCOL_UDP, port)
        out.append(figures.figures_of_switch({name: capture.packets() for name, capture in captures.items()}, key, stream, ways_differ_ns))
    return out


def summary(values):
    """Of milliseconds: {"median": ..., "p99": ..., "longest": ...}."""
    return {"median": statistics.median(values), "p99": figures.percentile(values, 0.99), "longest": max(values)}
