# SPDX-License-Identifier: GPL-3.0-or-later
"""What tests of faults ask: streams that take both kinds of path, and what was taken out of a kernel meanwhile."""
import json
import re

from lab.process import Process, wait_until

from .case import SystemCase
from .residue import differences, snapshot
from .traffic import Stream

INTERFACES = {"mn": ("wlan0", "wwan0", "mip0"), "ha": ("home0", "mip0"), "cn": ("eth0", "mip0")}
# A host that knows nothing of Mobile IPv6, next to the correspondent node.
PLAIN_HOST, PLAIN_HOST_ADDRESS = "core", "2001:db8:300::1"

STRAIGHT = """
[default]
route-optimization = "yes"
"""


class KernelMonitor:
    """What `ip monitor` says on a node about addresses, links, routes and rules."""

    def __init__(self, lab, node):
        path = lab.directory / f"monitor-{node}-{len(lab._processes)}.log"
        self._process = Process(lab.nodes[node].enter(["ip", "-6", "monitor", "address", "link", "route", "rule"]), path)
        lab._processes.append(self._process)
        # It says nothing by itself when it begins: something that it has to see comes and goes until it does.
        def sees():
            for word in ("add", "delete"):
                lab.run(node, ["ip", "-6", "route", word, "unreachable", "2001:db8:ffff::1/128"], check=False)
            return "2001:db8:ffff::1" in self._process.output()
        wait_until(sees, f"ip monitor on {node}")
        self._begin = len(self._process.output())

    def deleted(self):
        """Lines about what was taken away since the beginning."""
        return [line for line in self._process.output()[self._begin:].splitlines() if line.startswith("Deleted")]

    def stop(self):
        self._process.stop()


class FaultCase(SystemCase):
    """All three daemons; flows to the correspondent node go straight at once, those to a plain host through the tunnel."""

    policy = STRAIGHT
    correspondent_node_changes = {}

    @classmethod
    def prepare(cls):
        cls.lab.start_correspondent_node(cls.correspondent_node_changes)
        super().prepare()

    def stream(self, far="cn", rate=100):
        address = PLAIN_HOST_ADDRESS if far == PLAIN_HOST else self.lab.correspondent_address
        stream = Stream(self.lab.namespace("mn"), self.lab.namespace(far), address, rate)
        self.addCleanup(stream.finish, 0)
        self.assertTrue(stream.wait_for_packets(), f"the flow to {far} does not start")
        if far != PLAIN_HOST:
            self.wait(lambda: self.flow(stream.port)["path"] == "direct", "the flow to go straight", 15)
        return stream

    def other(self, interface):
        return {"wlan0": "wwan0", "wwan0": "wlan0"}[interface]

    def missing(self, healthy, node):
        """What there was and is no more."""
        return [line for line in differences(healthy, self.snapshot(node)) if ": - " in line]

    def snapshot(self, node):
        # The device has another number when it was made anew.
        return {kind: [re.sub(r"^\d+: mip0", "mip0", line) for line in lines] for kind, lines in snapshot(self.lab, node, INTERFACES[node]).items()}

    def pinned_maps(self, node):
        """{path: number of the map in the kernel} of what a daemon has pinned."""
        directory = str(self.lab.files(node).pin_directory)
        shown = json.loads(self.lab.run(node, ["bpftool", "-j", "-f", "map", "show"]).stdout)
        return {path: entry["id"] for entry in shown for path in entry.get("pinned", []) if path.startswith(directory + "/")}


__all__ = ["FaultCase", "INTERFACES", "KernelMonitor", "PLAIN_HOST", "PLAIN_HOST_ADDRESS", "STRAIGHT"]
