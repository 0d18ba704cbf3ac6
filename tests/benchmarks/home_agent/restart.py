#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long a home agent with many bindings takes to serve again, from its exec to READY=1, behind a reboot (its kernel is empty) and
behind a crash (killed; its kernel has everything), and how much memory it has then. Both by the clock and by what the daemon used of a processor,
which other programs on the machine hardly change.

    restart.py MIPFLOW_HAD KEPT_BINDINGS [--bindings N] [--each N] [--rounds N]

All in a network namespace of its own that goes with it. While the daemon is dead or starts, packets to a home address go on
into the tunnel: each second of it is seen on the other side. Prints JSON.
"""
import argparse
import contextlib
import json
import os
import pathlib
import socket
import statistics
import subprocess
import sys
import tempfile
import time

HOME_AGENT = "2001:db8:100::1"
PINS = f"/sys/fs/bpf/mipflow-restart-{os.getpid()}/had"


def home_address(number):
    return f"2001:db8:100:0:100:0:{(number + 0x1000) >> 16:x}:{(number + 0x1000) & 0xffff:x}"


def write_configuration(directory, bindings, each):
    nodes = range(-(-bindings // each))
    (directory / "had.toml").write_text(
        f'home-agent-address = "{HOME_AGENT}"\nhome-link = "virtual"\nstate-directory = "{directory}"\n'
        'authentication = "rfc4285"\nsecurity-associations = "keys.toml"\nlog-level = "warning"\n'
        '[[prefix]]\nprefix = "2001:db8:100::/64"\n'
        + "".join(f'[[mobile-node]]\nidentifier = "node-{n}@example.net"\nhome-address = "{home_address(n * each)}"\ncap = {each}\n'
                  for n in nodes))
    keys = directory / "keys.toml"
    keys.write_text("".join(f'[[association]]\nidentifier = "node-{n}@example.net"\nspi = 1000\nkey = "{n & 255:02x}{"00" * 15}"\n'
                            for n in nodes))
    keys.chmod(0o600)


class Daemon:
    def __init__(self, program, directory):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        notify = directory / "notify"
        notify.unlink(missing_ok=True)
        self.socket.bind(str(notify))
        self.socket.settimeout(120)
        begin = time.monotonic()
        self.process = subprocess.Popen([program, "--user", "root", "--config", directory / "had.toml", "--runtime-dir", directory, "--pin-dir", PINS],
                                        env=dict(os.environ, NOTIFY_SOCKET=str(notify)))
        while b"READY=1" not in self.socket.recv(4096):
            pass
        self.seconds = time.monotonic() - begin
        numbers = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        self.processor_seconds = (int(numbers[11]) + int(numbers[12])) / os.sysconf("SC_CLK_TCK")   # user and system

    def resident_octets(self):
        for line in pathlib.Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
        return 0

    def end(self, kill=False):
        self.process.kill() if kill else self.process.terminate()
        self.process.wait(60)
        self.socket.close()


def tunnelled():
    """Packets that left towards the care-of address."""
    for line in pathlib.Path("/proc/thread-self/net/dev").read_text().splitlines():
        if line.strip().startswith("uplink:"):
            return int(line.split()[10])
    return 0


def run(arguments, directory):
    for command in ("ip link set lo up", "ip link add uplink type veth peer name far", "ip link set uplink up", "ip link set far up",
                    f"ip -6 addr add {HOME_AGENT}/128 dev lo", "ip -6 addr add 2001:db8:200::1/64 dev uplink nodad",
                    "ip -6 neigh add 2001:db8:200::5 dev uplink lladdr 02:00:00:00:00:05 nud permanent"):
        subprocess.run(command.split(), check=True)
    write_configuration(directory, arguments.bindings, arguments.each)
    subprocess.run([arguments.kept_bindings, directory / "bindings", str(arguments.bindings), str(arguments.each)], check=True)
    sender = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    last = home_address(arguments.bindings - 1)
    report = {"bindings": arguments.bindings}

    def note(name, daemon):
        report.setdefault(f"{name}_seconds", []).append(round(daemon.seconds, 3))
        report.setdefault(f"{name}_processor_seconds", []).append(daemon.processor_seconds)

    for _ in range(arguments.rounds):
        daemon = Daemon(arguments.had, directory)
        note("behind_reboot", daemon)
        before = tunnelled()
        sender.sendto(b"x", (last, 9))
        if tunnelled() <= before:
            raise RuntimeError("ready, but the last home address is not served")
        daemon.end(kill=True)
        before = tunnelled()
        sender.sendto(b"x", (last, 9))
        if tunnelled() <= before:
            raise RuntimeError("packets stop when the daemon dies")
        daemon = Daemon(arguments.had, directory)
        note("behind_crash", daemon)
        report["resident_octets"] = daemon.resident_octets()
        begin = time.monotonic()
        daemon.end()
        report["stop_seconds"] = round(time.monotonic() - begin, 3)
    for name in [name for name in report if name.endswith("_seconds") and name.startswith("behind")]:
        report[name + "_median"] = statistics.median(report[name])
    print(json.dumps(report))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("had")
    parser.add_argument("kept_bindings")
    parser.add_argument("--bindings", type=int, default=100_000)
    parser.add_argument("--each", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if not arguments.inside:
        return subprocess.run(["unshare", "--net", sys.executable, *sys.argv, "--inside"]).returncode
    with tempfile.TemporaryDirectory(prefix="mipflow-restart-") as directory:
        try:
            run(arguments, pathlib.Path(directory))
        finally:
            subprocess.run([arguments.had, "--config", f"{directory}/had.toml", "--runtime-dir", directory, "--pin-dir", PINS, "--clean-up"],
                           check=False, stderr=subprocess.DEVNULL)
            # The daemon made it on the way to its own folder, and leaves it: others might have theirs there.
            with contextlib.suppress(OSError):
                pathlib.Path(PINS).parent.rmdir()
    return 0


if __name__ == "__main__":
    sys.exit(main())
