#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a flow costs at its beginning, and what a move and a cut cable cost it.

    flow_benchmark.py BUILD_DIRECTORY EMPTY_QUEUE [--rounds N] [--connections N] [--rate N] [--moves N] [--json FILE]

Runs in the laboratory (tools/lab) with both daemons. Four kinds of connect() take turns in every round:
  plain  from a care-of address, past mipflow; nothing but routers in between
  queue  the same, but its first packet visits a program that reads a packet queue and lets it go at once (EMPTY_QUEUE)
  known  from a home address through the tunnel, with ports that were used before: the flow table knows the flow
  first  from a home address through the tunnel, each time a new flow: its first packet visits the daemon
`known` against `plain` is the way through the home agent, `first` against `known` what the visit adds, and `queue`
against `plain` the least that any visit costs on this machine. One connection follows the other: with pauses in between
(--rate), what is measured is how long the machine takes to wake up.
Then two numbered streams of 1,000 packets/s each way run to the same correspondent node; one is moved back and forth, and
at last the cable under both is cut. The gap of a move is what the sender's own pauses do not explain, and is compared
with the round trip to the home agent.
Ends with 1 when a target is missed. Absolute times: only on a quiet machine.
"""
import argparse
import json
import pathlib
import re
import statistics
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[3] / "tools"))
from lab import Lab, wait_until  # noqa: E402

MOST_ADDED_MEDIAN_US = 20
MOST_ADDED_P99_US = 100
MOST_GAP_OF_MOVE_MS = 5   # over the round trip to the home agent
MOST_GAP_OF_CUT_MS = 20   # over the round trip to the home agent
CONNECT_PORT = 6000
QUEUED_PORT = 6001
QUEUE = 6275
KNOWN_PORTS = 100
STREAM_PORTS = (5000, 5001)
RATE = 1000
OTHER = {"wlan0": "wwan0", "wwan0": "wlan0"}


def connect_latency(lab, source, count, rate, port=CONNECT_PORT):
    command = [lab.program("mipflow-lab-traffic"), "connect-latency", "--connect", f"[{lab.correspondent_address}]:{port}",
               "--count", count, "--rate", rate, "--ports", KNOWN_PORTS]
    if source:
        command += ["--local", source]
    return json.loads(lab.run("mn", command).stdout)


def measure_connects(lab, empty_queue, rounds, connections, rate):
    for port in (CONNECT_PORT, QUEUED_PORT):
        lab.start("cn", [lab.program("mipflow-lab-traffic"), "accept", "--listen", f"[::]:{port}"])
        wait_until(lambda port=port: f":{port} " in lab.run("cn", ["ss", "-H", "-lnt"]).stdout, "the accepting end")
    lab.start("mn", [empty_queue, str(QUEUE)])
    lab.run("mn", f"ip6tables -A OUTPUT -p tcp --syn --dport {QUEUED_PORT} -j NFQUEUE --queue-num {QUEUE}".split())
    home = lab.mipflow("status")["primary_home_address"]
    care_of = lab.care_of_address("wlan0")
    kinds = {"plain": (f"[{care_of}]:0", CONNECT_PORT), "queue": (f"[{care_of}]:0", QUEUED_PORT),
             "known": (f"[{home}]:40000", CONNECT_PORT), "first": (None, CONNECT_PORT)}
    results = {kind: [] for kind in kinds}
    for number in range(rounds + 1):
        for kind, (source, port) in kinds.items():
            result = connect_latency(lab, source, connections, rate, port)
            if number:  # the first round warms up
                results[kind].append(result)
    return {kind: {name: statistics.median(run[name] for run in runs) / 1000 for name in ("median_ns", "p99_ns")}
            for kind, runs in results.items()}


def round_trip_ms(lab):
    """The median of pings to the home agent from a care-of address."""
    text = lab.run("mn", ["ping", "-I", lab.care_of_address("wwan0"), "-c", "20", "-i", "0.05",
                          lab.mipflow("status")["home_agent"]]).stdout
    return statistics.median(float(value) for value in re.findall(r"time=([\d.]+)", text))


def flow_of(lab, port):
    """The newest flow to that port: older ones may still wait for their idle timeout."""
    return max((flow for flow in lab.mipflow("flow", "list") if flow["correspondent_port"] == port),
               key=lambda flow: flow["id"], default=None)


def active_on(lab, port, interface):
    flow = flow_of(lab, port)
    return flow is not None and flow["interface"] == interface and flow["state"] == "active"


def arrivals(flow):
    """Packets that the other end received: from the correspondent node, that is `packets_in`."""
    return flow["packets_in"]


def wait_for_packets(lab, port, count):
    seen = arrivals(flow_of(lab, port))
    wait_until(lambda: arrivals(flow_of(lab, port)) >= seen + count, f"{count} more packets of port {port}", 30)


def judge(stream):
    out = {}
    for direction, way in (("out", stream.outgoing), ("in", stream.incoming)):
        gap = way.longest_gap()
        out[direction] = {"sent": len(way.sent), "lost": len(way.lost()), "duplicates": way.duplicates(),
                          "longest_gap_ms": gap.milliseconds, "added_gap_ms": gap.added_milliseconds}
    return out


def measure_streams(lab, moves, cut):
    """`moves` moves of the first of two streams, then, with `cut`, the cable of the interface under both is cut."""
    last = max((flow["id"] for flow in lab.mipflow("flow", "list")), default=0)
    mover, stayer = (lab.udp_flow(port, packets_per_second=RATE, label=f"stream-{port}-{moves}") for port in STREAM_PORTS)
    for port in STREAM_PORTS:
        wait_until(lambda port=port: (flow_of(lab, port) or {"id": 0})["id"] > last, "the streams")
        if not active_on(lab, port, "wlan0"):
            lab.mipflow_run("flow", "move", str(flow_of(lab, port)["id"]), "wlan0")
        wait_until(lambda port=port: active_on(lab, port, "wlan0"), "both streams on wlan0")
        wait_for_packets(lab, port, 500)
    target = "wlan0"
    for _ in range(moves):
        target = OTHER[target]
        lab.mipflow_run("flow", "move", str(flow_of(lab, STREAM_PORTS[0])["id"]), target)
        wait_until(lambda: active_on(lab, STREAM_PORTS[0], target), f"the move to {target}")
        wait_for_packets(lab, STREAM_PORTS[0], 200)
    if cut:
        lab.cut("wlan0")
        for port in STREAM_PORTS:
            wait_until(lambda port=port: active_on(lab, port, "wwan0"), "both streams on wwan0")
            wait_for_packets(lab, port, 500)
        lab.restore("wlan0")
    mover.stop()
    stayer.stop()
    return {"mover": judge(mover), "stayer": judge(stayer)}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build_directory", type=pathlib.Path)
    parser.add_argument("empty_queue", type=pathlib.Path)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--connections", type=int, default=200)
    parser.add_argument("--rate", type=float, default=1e6, help="connections/s, at most")
    parser.add_argument("--moves", type=int, default=20)
    parser.add_argument("--json", type=pathlib.Path)
    arguments = parser.parse_args()

    with Lab(arguments.build_directory) as lab:
        lab.start_home_agent()
        lab.start_mobile_node()
        lab.wait_registered()
        trip = round_trip_ms(lab)
        results = {"round_trip_ms": trip, "connect_us": measure_connects(lab, arguments.empty_queue, arguments.rounds, arguments.connections,
                                                                            arguments.rate)}
        wait_until(lambda: not lab.mipflow("flow", "list"), "the end of the measured connections", 60)
        lab.wait_registered()
        results["moves"] = measure_streams(lab, arguments.moves, cut=False)
        results["cut"] = measure_streams(lab, 0, cut=True)

    connect = results["connect_us"]
    def added_to(base, kind):
        return {name: connect[kind][name] - connect[base][name] for name in ("median_ns", "p99_ns")}
    added, least = added_to("plain", "first"), added_to("plain", "queue")
    results["added_us"] = {"first-plain": added, "first-known": added_to("known", "first"), "queue-plain": least}
    moved, stayed = results["moves"]["mover"], results["moves"]["stayer"]
    gaps = {name: max(way["added_gap_ms"] for way in side.values())
            for name, side in (("move", moved), ("cut", {key: way for name in ("mover", "stayer")
                                                        for key, way in ((f"{name}-{d}", w) for d, w in results["cut"][name].items())}))}
    checks = [
        (f"first packet: median {added['median_ns']:.1f} µs more than plain (an empty queue: {least['median_ns']:.1f})",
         added["median_ns"] <= MOST_ADDED_MEDIAN_US),
        (f"first packet: p99 {added['p99_ns']:.1f} µs more than plain (an empty queue: {least['p99_ns']:.1f})",
         added["p99_ns"] <= MOST_ADDED_P99_US),
        (f"{arguments.moves} moves: lost {moved['out']['lost']} out, {moved['in']['lost']} in",
         moved["out"]["lost"] + moved["in"]["lost"] == 0),
        (f"{arguments.moves} moves: the other stream lost {stayed['out']['lost']} out, {stayed['in']['lost']} in",
         stayed["out"]["lost"] + stayed["in"]["lost"] == 0),
        (f"{arguments.moves} moves: longest gap {gaps['move']:.1f} ms, round trip {trip:.2f} ms",
         gaps["move"] <= trip + MOST_GAP_OF_MOVE_MS),
        (f"cable cut: longest gap {gaps['cut']:.1f} ms, round trip {trip:.2f} ms", gaps["cut"] <= trip + MOST_GAP_OF_CUT_MS),
    ]
    print("connect() in µs      median      p99")
    for kind, figures in connect.items():
        print(f"  {kind:16} {figures['median_ns']:8.1f} {figures['p99_ns']:8.1f}")
    for text, met in checks:
        print(f"{'met   ' if met else 'MISSED'}  {text}")
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=2) + "\n")
    return 0 if all(met for _, met in checks) else 1


if __name__ == "__main__":
    sys.exit(main())
