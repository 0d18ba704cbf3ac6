# SPDX-License-Identifier: GPL-3.0-or-later
"""Captures with whole packets, that can be read while they run."""
import signal

from judge import dissect as d
from judge.capture import read
from lab.process import Process, wait_until


class WireCapture:
    def __init__(self, lab, node, interface, path, expression="ip6"):
        self.node, self.interface, self.path = node, interface, path
        command = ["tcpdump", "-i", interface, "-n", "-p", "-s", 65535, "-U", "--immediate-mode", "-B", 16384,
                   "--time-stamp-precision=nano", "-Z", "root", "-w", path, expression]
        self.process = Process(lab.nodes[node].enter(command), path.with_suffix(".log"))
        lab._processes.append(self.process)
        wait_until(lambda: self.process.expect_running() or "listening on" in self.process.output(), f"tcpdump on {interface}")

    def stop(self):
        self.process.stop(signal.SIGINT)

    def frames(self):
        """What was captured so far."""
        return read(self.path) if self.path.exists() else []

    def messages(self, kind, home_address=None):
        """(frame, message) of the Mobility Headers of a kind, of one home address if given."""
        found = []
        for frame in self.frames():
            message = frame.outer.mobility()
            if message is None or message.kind != kind:
                continue
            owner = frame.outer.checksum_source if kind == d.BU else frame.outer.routing_home_address or frame.outer.destination
            if home_address is None or d.name(owner) == home_address:
                found.append((frame, message))
        return found

    def data(self, port):
        """(frame, "out" | "in") of TCP and UDP packets with this port on either side, in the tunnel or not."""
        found = []
        for frame in self.frames():
            inner = frame.layers[-1]
            if inner.upper not in (6, 17) or len(inner.payload) < 4 or inner.fragment_offset:
                continue
            source, destination = (int.from_bytes(inner.payload[i:i + 2], "big") for i in (0, 2))
            if port in (source, destination):
                found.append((frame, "out" if source == port else "in"))
        return found
