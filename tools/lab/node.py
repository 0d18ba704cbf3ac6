# SPDX-License-Identifier: GPL-3.0-or-later
"""One network namespace."""

from pathlib import Path

from .process import LabError, run

NAMESPACES = Path("/run/netns")


class Node:
    """A host of the lab. Its namespace exists from the constructor to remove()."""

    def __init__(self, lab_name, name):
        self.name = name
        self.namespace = f"{lab_name}-{name}"
        run(["ip", "netns", "add", self.namespace])
        self.ip("link set lo up")

    def enter(self, command):
        """The command line that runs `command` here. nsenter and not `ip netns exec`: that one would hide /sys/fs/bpf."""
        return ["nsenter", f"--net={NAMESPACES / self.namespace}", "--", *map(str, command)]

    def run(self, command, **options):
        return run(self.enter(command), **options)

    def ip(self, *lines):
        """Runs lines of `ip` commands, written without the word ip, in one go."""
        run(["ip", "-n", self.namespace, "-batch", "-"], text_input="\n".join(lines) + "\n")

    def sysctl(self, **values):
        """Sets net.ipv6.conf values; the part before the first double underscore is the interface.

        sysctl(all__forwarding=1, default__accept_ra=0)
        """
        words = [f"net.ipv6.conf.{name.replace('__', '.', 1)}={value}" for name, value in values.items()]
        self.run(["sysctl", "-q", "-w", *words])

    def processes(self):
        """Process ids of everything that runs in this namespace."""
        return [int(pid) for pid in run(["ip", "netns", "pids", self.namespace]).stdout.split()]

    def remove(self):
        run(["ip", "netns", "delete", self.namespace])


def connect(left, left_interface, right, right_interface):
    """A cable: a veth pair between two nodes, both ends up."""
    left.ip(f"link add name {left_interface} type veth peer name {right_interface} netns {right.namespace}",
            f"link set {left_interface} up")
    right.ip(f"link set {right_interface} up")


def existing_namespaces():
    done = run(["ip", "netns", "list"], check=False)
    if done.returncode != 0:
        raise LabError(done.stderr)
    return [line.split()[0] for line in done.stdout.splitlines() if line]
