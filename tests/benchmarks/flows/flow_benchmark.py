#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a flow costs at its beginning, and what a move and a cut cable cost it.

    flow_benchmark.py BUILD_DIRECTORY EMPTY_QUEUE [--rounds N] [--connections N] [--rate N] [--moves N] [--direct-moves N]
                      [--switches N] [--json FILE]

Runs in the laboratory (tools/lab) with all three daemons. Five kinds of connect() take turns in every round:
  plain  from a care-of address, past mipflow; nothing but routers in between
  queue  the same, but its first packet visits a program that reads a packet queue and lets it go at once (EMPTY_QUEUE)
  known  from a home address through the tunnel, with ports that were used before: the flow table knows the flow
  first  from a home address through the tunnel, each time a new flow: its first packet visits the daemon, and the socket took
         its address itself (docs/decisions/0017)
  rewritten  the same from a socket that is bound to the primary home address, so that the data path rewrites its packets
`known` against `plain` is the way through the home agent, `first` against `known` what the visit adds, and `queue`
against `plain` the least that any visit costs on this machine. One connection follows the other: with pauses in between
(--rate), what is measured is how long the machine takes to wake up.
Then two numbered streams of 1,000 packets/s each way run to the same correspondent node; one is moved back and forth, and
at last the cable under both is cut. The gap of a move is what the sender's own pauses do not explain, and is compared
with the round trip to the home agent. The same moves once more with streams that go straight to the correspondent node,
with captures at both ends: when the Binding Update leaves, when the new interface carries the packets of both directions,
and that the other stream stays where it is. At last streams that begin in the tunnel and go straight when they can.
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
from lab.control import ControlConnection  # noqa: E402

import report  # noqa: E402
import streams  # noqa: E402

CONNECT_PORT = 6000
QUEUED_PORT = 6001
QUEUE = 6275
KNOWN_PORTS = 100


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
             "known": (f"[{home}]:40000", CONNECT_PORT), "first": (None, CONNECT_PORT), "rewritten": (f"[{home}]:0", CONNECT_PORT)}
    results = {kind: [] for kind in kinds}
    for number in range(rounds + 1):
        for kind, (source, port) in kinds.items():
            result = connect_latency(lab, source, connections, rate, port)
            if number:  # the first round warms up
                results[kind].append(result)
    return {kind: {name: statistics.median(run[name] for run in runs) / 1000 for name in ("median_ns", "p99_ns")}
            for kind, runs in results.items()}


def round_trip_ms(lab, source, destination):
    """The median of pings."""
    text = lab.run("mn", ["ping", "-I", source, "-c", "20", "-i", "0.05", destination]).stdout
    return statistics.median(float(value) for value in re.findall(r"time=([\d.]+)", text))


def measure_round_trips(lab):
    """Milliseconds: to the home agent, to the correspondent node straight, and to it through the tunnel."""
    care_of = lab.care_of_address("wwan0")
    return {"home_agent": round_trip_ms(lab, care_of, lab.home_agent_address),
            "direct": round_trip_ms(lab, care_of, lab.correspondent_address),
            "tunnel": round_trip_ms(lab, lab.home_address, lab.correspondent_address)}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build_directory", type=pathlib.Path)
    parser.add_argument("empty_queue", type=pathlib.Path)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--connections", type=int, default=200)
    parser.add_argument("--rate", type=float, default=1e6, help="connections/s, at most")
    parser.add_argument("--moves", type=int, default=20, help="in the tunnel")
    parser.add_argument("--direct-moves", type=int, default=100, help="straight to the correspondent node")
    parser.add_argument("--switches", type=int, default=10, help="streams that change from the tunnel to the direct way")
    parser.add_argument("--json", type=pathlib.Path)
    arguments = parser.parse_args()

    with Lab(arguments.build_directory) as lab:
        lab.start_home_agent()
        lab.start_correspondent_node()
        lab.start_mobile_node(policy=streams.POLICY)
        lab.wait_registered()
        trips = measure_round_trips(lab)
        results = {"round_trips_ms": trips,
                   "connect_us": measure_connects(lab, arguments.empty_queue, arguments.rounds, arguments.connections, arguments.rate)}
        wait_until(lambda: not lab.mipflow("flow", "list"), "the end of the measured connections", 60)
        lab.wait_registered()
        with ControlConnection(lab.files("mn").socket) as control:
            results["moves"] = streams.measure_tunnel(lab, control, arguments.moves, cut=False)
            results["direct"] = streams.measure_direct(lab, control, arguments.direct_moves)
            differ_ns = int(max(0.0, trips["tunnel"] - trips["direct"]) * 1e6)
            results["switches"] = streams.measure_switches(lab, control, arguments.switches, differ_ns)
            results["cut"] = streams.measure_tunnel(lab, control, 0, cut=True)

    checks = report.checks(results)
    report.show(results, checks)
    if arguments.json:
        arguments.json.write_text(report.as_json(results, checks))
    return 0 if all(check.true for check in checks) else 1


if __name__ == "__main__":
    sys.exit(main())
