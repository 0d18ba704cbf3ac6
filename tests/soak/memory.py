# SPDX-License-Identifier: GPL-3.0-or-later
"""Memory of the daemons over time. Only one life of a process can be compared with itself: nobody restarts them in the second half."""

import time
from pathlib import Path

# What is flat: the least-squares line over the last life of a daemon climbs by no more than this. Heaps of this size are taken
# from the kernel in steps of 132 KiB, and two steps are not yet a direction.
ALLOWED_KIB = 384
# Shorter lives say nothing, and neither do the first seconds: tables and caches fill.
_LEAST_SECONDS = 40
_WARM_UP_SECONDS = 10


def anonymous_kib(pid):
    """Anonymous memory of a process (its heap and stacks) in KiB, None when it has ended."""
    try:
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("RssAnon:"):
                return int(line.split()[1])
    except OSError:
        pass
    return None


class Memory:
    def __init__(self):
        self._samples = {}   # (node, pid) -> [(seconds, KiB)], in the order of lives

    def sample(self, daemons):
        """`daemons`: {node: Process}."""
        for node, process in daemons.items():
            if (size := anonymous_kib(process.pid)) is not None:
                self._samples.setdefault((node, process.pid), []).append((time.monotonic(), size))

    def judgements(self):
        """[(node, seconds, first KiB, last KiB, climb in KiB, flat or None for too short)] of each daemon's last life."""
        last = {node: samples for (node, _), samples in self._samples.items()}
        return [self._judge(node, samples) for node, samples in last.items()]

    @staticmethod
    def _judge(node, samples):
        warm = [(at, size) for at, size in samples if at >= samples[0][0] + _WARM_UP_SECONDS]
        seconds = warm[-1][0] - warm[0][0] if warm else 0.0
        if seconds < _LEAST_SECONDS:
            return node, seconds, samples[0][1], samples[-1][1], 0.0, None
        climb = _slope(warm) * seconds
        return node, seconds, warm[0][1], warm[-1][1], climb, climb <= ALLOWED_KIB


def _slope(points):
    mean_x = sum(x for x, _ in points) / len(points)
    mean_y = sum(y for _, y in points) / len(points)
    width = sum((x - mean_x) ** 2 for x, _ in points)
    return sum((x - mean_x) * (y - mean_y) for x, y in points) / width if width else 0.0
