# SPDX-License-Identifier: GPL-3.0-or-later
"""What the foreign nodes have in common: a loop, timers, and a log of JSON lines."""
import heapq
import itertools
import json
import select
import signal
import time

from . import packets as p

LONGEST_WAIT = 0.2


class Program:
    """One JSON object per line of the log: `t` (CLOCK_MONOTONIC seconds), `event`, and what belongs to it.
    SIGUSR1 writes the event "state". SIGTERM and SIGINT end it."""

    def __init__(self, log_file):
        self.log_file = log_file
        self.timers, self.ticket = [], itertools.count()
        self.running = True

    def run(self, inputs, **about):
        """`inputs`: what can be waited for with select -> function that reads it."""
        signal.signal(signal.SIGTERM, lambda *_: setattr(self, "running", False))
        signal.signal(signal.SIGINT, lambda *_: setattr(self, "running", False))
        signal.signal(signal.SIGUSR1, lambda *_: self.at(0, self.log_state))
        self.log("ready", **about)
        while self.running:
            wait = min(LONGEST_WAIT, self.timers[0][0] - time.monotonic() if self.timers else LONGEST_WAIT)
            for ready in select.select(list(inputs), [], [], max(0.0, wait))[0]:
                inputs[ready]()
            while self.timers and self.timers[0][0] <= time.monotonic():
                heapq.heappop(self.timers)[2]()
            self.after_each_turn()
        self.log_state()
        self.log("stopped")

    def after_each_turn(self):
        pass

    def log_state(self):
        raise NotImplementedError

    def at(self, seconds, action):
        heapq.heappush(self.timers, (time.monotonic() + seconds, next(self.ticket), action))

    def log(self, event, **fields):
        fields = {k: p.text(v) if isinstance(v, bytes) else v for k, v in fields.items()}
        self.log_file.write(json.dumps({"t": round(time.monotonic(), 6), "event": event, **fields}) + "\n")
        self.log_file.flush()
