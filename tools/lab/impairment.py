# SPDX-License-Identifier: GPL-3.0-or-later
"""A bad access network: packets are lost, come twice, too late and out of order. Kernels without netem have nothing of the kind.

      mn wlan0 ────── lan  wlan  uplink ────── core
                       │         │                  what comes in by `lan` or `uplink` and is not for the
                       └─impair0─┘                  router itself goes through mipflow-lab-impair first

The access router leads what it forwards into a tun device by a rule of its own, so the impairment comes and goes under
traffic. Neighbour discovery and router advertisements are not touched: they are not forwarded.
"""

import csv
import itertools
import json
from dataclasses import dataclass

from .process import LabError, wait_until

BOTH_WAYS = ("lan", "uplink")

_TABLE = 77
_DEVICE = "impair0"
_QUEUE = 10000  # packets that wait for the program

_count = itertools.count()


@dataclass(frozen=True)
class LoggedPacket:
    """A packet that was lost (fate "lost", "crowded-out") or came twice ("duplicated")."""
    time_ns: int             # wall clock
    fate: str
    protocol: int            # of the innermost packet
    source_port: int
    destination_port: int
    octets: int              # of the packet with its tunnels
    data: bytes              # the first 24 octets behind the UDP header


class Impairment:
    """From the constructor to stop(), or to the end of the lab.

    `profile`: loss, duplicate, reorder (parts of 1), reorder_by, delay (milliseconds), seed; as mipflow-lab-impair --help.
    `ways`: interfaces of the router whose incoming packets are impaired. One at a time on a router.
    """

    def __init__(self, lab, router, ways=BOTH_WAYS, **profile):
        self._node, self._ways = lab.nodes[router], ways
        label = f"impairment-{router}-{next(_count)}"
        self._log, self._summary = lab.directory / f"{label}.csv", lab.directory / f"{label}.json"
        options = [item for key, value in profile.items() for item in (f"--{key.replace('_', '-')}", value)]
        command = [lab.program("mipflow-lab-impair"), "--device", _DEVICE, "--log", self._log, "--summary", self._summary, *options]
        self._process = lab.start(router, command, lab.directory / f"{label}.log")
        wait_until(self._device_exists, f"{_DEVICE} on {router}")
        # Without an address of its own the device says nothing by itself.
        self._ip("link", "set", _DEVICE, "addrgenmode", "none", "txqueuelen", _QUEUE, "up")
        self._ip("route", "add", "default", "dev", _DEVICE, "table", _TABLE)
        for way in ways:
            self._ip("rule", "add", "iif", way, "lookup", _TABLE)
        self.counters = None   # of the program, once it has been stopped

    def _ip(self, *words):
        return self._node.run(["ip", "-6", *words])

    def _device_exists(self):
        self._process.expect_running()
        return self._node.run(["ip", "link", "show", "dev", _DEVICE], check=False).returncode == 0

    def _statistics(self):
        return json.loads(self._ip("-json", "-s", "link", "show", "dev", _DEVICE).stdout)[0]["stats64"]["tx"]

    def octets(self):
        """Of the packets that went into it so far; not after stop()."""
        return self._statistics()["bytes"]

    def stop(self):
        """New packets pass by, those that are held go out; then the counters are final. Gives them.

        received = lost + crowded_out + passed, and what left is passed + duplicated; overflow: never reached the program.
        """
        if self._process is None:
            return self.counters
        for way in self._ways:
            self._ip("rule", "delete", "iif", way, "lookup", _TABLE)
        overflow = self._statistics()["dropped"]
        process, self._process = self._process, None
        if process.stop(timeout=70) != 0 or not self._summary.exists():
            raise LabError(f"mipflow-lab-impair failed; its last words:\n{process.tail()}")
        self.counters = {**json.loads(self._summary.read_text()), "overflow": overflow}
        return self.counters

    def packets(self, protocol=None, port=None):
        """LoggedPackets up to stop(); of an upper layer and with a port if given."""
        with open(self._log, newline="") as lines:
            found = [LoggedPacket(int(row["time_ns"]), row["fate"], int(row["protocol"]), int(row["source_port"]), int(row["destination_port"]),
                                  int(row["octets"]), bytes.fromhex(row["data"])) for row in csv.DictReader(lines)]
        return [p for p in found if protocol in (None, p.protocol) and (port is None or port in (p.source_port, p.destination_port))]
