#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Throughput and processor time of one TCP stream through the tunnel and straight to the correspondent node, against plain
routing over the same nodes.

    tunnel_throughput.py DATAPATH_LAB BULK_TRANSFER [--rounds N] [--milliseconds N] [--offloads LIST] [--json FILE]

Network: tests/datapath/tunnel_network.py; the plain path passes the home agent's node too. All paths take turns in every
round, so that what else the machine does meets all of them; a ratio is taken within a round, and the median of the
rounds is what counts. Paths: `tunnel` and `direct` (Home Address option out, type 2 routing header in); `… rewritten` when
the socket's source is not the flow's home address.
Offloads "whole", "merged", "wire": see tunnel_network.py.
Ends with 1 when a target is missed: for "whole", throughput at least 0.90, processor time per octet at most 1.25.
"""
import argparse
import json
import pathlib
import statistics
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "datapath"))
from tunnel_network import CORRESPONDENT, DIRECT, HOME, Network, PLAIN  # noqa: E402

LEAST_THROUGHPUT = 0.90
MOST_PROCESSOR_TIME = 1.25
PORT = 5001
FIRST_SOURCE_PORT = 20000
PATHS = {  # the socket's address, the flow's home address, its binding
    "plain": (PLAIN, PLAIN, None),
    "tunnel": (HOME[0], HOME[0], 1),
    "tunnel rewritten": (HOME[1], HOME[2], 3),
    "direct": (HOME[3], HOME[3], DIRECT + 4),
    "direct rewritten": (HOME[4], HOME[5], DIRECT + 6),
}


def softirq_seconds():
    """Processor time of the kernel threads that take over network work when there is much of it."""
    ticks = 0
    for path in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            text = path.read_text()
        except OSError:
            continue
        if "(ksoftirqd/" in text:
            fields = text.rsplit(")", 1)[1].split()
            ticks += int(fields[11]) + int(fields[12])
    return ticks / 100


def run_once(network, program, path, direction, source_port, milliseconds):
    socket_address, home_address, _ = PATHS[path]
    here = socket_address if direction == "out" else home_address
    ends = [("mn", here), ("cn", CORRESPONDENT)]
    if direction == "in":
        ends.reverse()
    (sender, source), (receiver, destination) = ends
    before = softirq_seconds()
    out = subprocess.run([program, f"/run/netns/{network.name(sender)}", f"/run/netns/{network.name(receiver)}", source,
                          str(source_port), destination, str(PORT), str(milliseconds)], capture_output=True, text=True)
    if out.returncode:
        raise RuntimeError(f"{path} {direction}: {out.stderr}")
    result = json.loads(out.stdout)
    cpu = result["cpu_seconds"] + softirq_seconds() - before
    return {"gigabits_per_second": result["octets"] * 8e-9 / result["seconds"], "cpu_ns_per_octet": cpu * 1e9 / result["octets"]}


def measure(arguments, offloads):
    samples = []
    names = list(PATHS)
    with Network(arguments.lab, offloads=offloads, direct=(4, 6)) as network:
        for name in names[1:]:
            socket_address, home_address, binding = PATHS[name]
            flows = []
            for port in range(FIRST_SOURCE_PORT, FIRST_SOURCE_PORT + 2 * (arguments.rounds + 1)):
                flows += ["flow", socket_address, port, CORRESPONDENT, PORT, 6, home_address, binding,
                          "flow", socket_address, PORT, CORRESPONDENT, port, 6, home_address, binding]
            network.data_path("mn", *flows)
        for number in range(arguments.rounds + 1):
            sample = {}
            turn = number % len(names)
            for name in names[turn:] + names[:turn]:
                for ahead, direction in enumerate(("out", "in")):
                    sample[f"{name}/{direction}"] = run_once(network, arguments.program, name, direction,
                                                             FIRST_SOURCE_PORT + 2 * number + ahead, arguments.milliseconds)
            if number:  # the first round warms up
                samples.append(sample)
    return samples


def ratios(samples):
    out = {}
    for name in [name for name in PATHS if name != "plain"]:
        for direction in ("out", "in"):
            def ratio(key):
                return statistics.median(s[f"{name}/{direction}"][key] / s[f"plain/{direction}"][key] for s in samples)
            out[f"{name}/{direction}"] = {"throughput": round(ratio("gigabits_per_second"), 3),
                                          "cpu_per_octet": round(ratio("cpu_ns_per_octet"), 3)}
    return out


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("lab")
    parser.add_argument("program")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--milliseconds", type=int, default=400)
    parser.add_argument("--offloads", default="whole,merged,wire")
    parser.add_argument("--json")
    arguments = parser.parse_args()

    report, missed = {}, []
    for mode in arguments.offloads.split(","):
        samples = measure(arguments, mode)
        plain = {d: round(statistics.median(s[f"plain/{d}"]["gigabits_per_second"] for s in samples), 2) for d in ("out", "in")}
        report[mode] = {"plain_gigabits_per_second": plain, "ratios": ratios(samples), "samples": samples}
        print(f"{mode}: plain routing {plain['out']} Gb/s out, {plain['in']} Gb/s in")
        for name, values in report[mode]["ratios"].items():
            print(f"  {name:22} throughput {values['throughput']:.2f}   processor time per octet {values['cpu_per_octet']:.2f}")
            if mode == "whole" and (values["throughput"] < LEAST_THROUGHPUT or values["cpu_per_octet"] > MOST_PROCESSOR_TIME):
                missed.append(name)
    if arguments.json:
        pathlib.Path(arguments.json).write_text(json.dumps(report, indent=1))
    if missed:
        print(f"missed the target (throughput >= {LEAST_THROUGHPUT}, processor time <= {MOST_PROCESSOR_TIME}): {', '.join(missed)}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
