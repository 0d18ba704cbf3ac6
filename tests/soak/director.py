# SPDX-License-Identifier: GPL-3.0-or-later
"""Who decides what happens next: actions are started at random, one after the other and overlapping, and carried on.

An action is a generator that yields what it waits for. It holds resources (an interface, a daemon) that others then leave alone,
and needs others to be left alone by them.
"""

import time
from dataclasses import dataclass

from accounts import LOST
from lab import LabError
from memory import Memory
from streams import Stream, clock

_TICK_S = 0.05
_AT_ONCE = 3
_MEAN_PAUSE_S = 1.2
_STREAMS = 7
_LEAST_AGE_S = 8.0
_MEMORY_EVERY_S = 2.0
_REFUSALS_EVERY_S = 1.0
_LOOK_EVERY_S = 2.0
# Late caches of routers are served for 5 s (linger), and a look takes its time.
_LOOKS_IN_A_ROW = 4
# Whatever was done, everything has to be in order again so long after its cause has ended. Load is no excuse for more.
HEALING_LIMIT_S = 40.0
_WORTH_TELLING_S = 5.0


@dataclass
class Pause:
    seconds: float


@dataclass
class Until:
    """`trouble()` says why not yet, None when it is so."""
    trouble: object
    what: str
    limit: float = HEALING_LIMIT_S


@dataclass(frozen=True)
class Action:
    name: str
    begin: object                  # () -> generator, or None when it can not be done now
    weight: float
    holds: frozenset = frozenset()
    needs: frozenset = frozenset()
    loses: bool = False            # it opens accounts for lost packets
    restarts: bool = False         # it ends a daemon


class _Running:
    def __init__(self, action, steps):
        self.action, self.steps = action, steps
        self.waits_for, self.deadline, self.last_trouble = Pause(0), 0.0, None


class Director:
    """`complaints` grows with everything that was not right."""

    def __init__(self, lab, view, ledger, totals, streams, dice, tell):
        self.tell = tell                # called with every event's text
        self.lab, self.view, self.ledger, self.totals, self.dice = lab, view, ledger, totals, dice
        self.streams = streams          # those that live
        self.complaints = []
        self.events = []                # texts with times
        self.actions = []
        self.memory = Memory()
        self.impairments = set()        # that run; their logs can only be read when they have stopped
        self.counts = {}
        self.longest_healing = 0.0
        self._ending, self._ended = [], []
        self._running = []
        self._next_action = self._next_memory = self._next_refusals = self._next_look = 0.0
        self._misdirected = {}          # text -> looks in a row
        self._refusals = None           # (counters, number of accounts; None: something was wrong)
        self._trouble = (0.0, None)

    # ---- told by actions ----

    def log(self, text):
        self.events.append(f"{clock(time.time_ns())} {text}")
        self.tell(self.events[-1], text.startswith("COMPLAINT"))

    def complain(self, text):
        # The daemons' logs have no times.
        lines = ", ".join(f"{node} {count}" for node, count in self.lab.log_lines().items())
        self.log(f"COMPLAINT {text} (lines of the logs: {lines})")
        self.complaints.append(text)

    def trouble(self):
        """As View.trouble(), asked a few times in a second for all who wait."""
        if time.monotonic() > self._trouble[0] + 0.1:
            trouble = self.view.trouble()
            self._trouble = (time.monotonic(), trouble)
        return self._trouble[1]

    def settled(self, what):
        # What was found out before the cause says nothing about now.
        self._trouble = (0.0, None)
        return Until(self.trouble, what)

    # ---- streams ----

    def begin_stream(self, kind, correspondent, by_correspondent):
        stream = Stream(self.lab, kind, correspondent, by_correspondent)
        self.streams.append(stream)
        self.log(f"begins: {stream.describe()}")

    def begin_usual_streams(self):
        """One of each sort, so that every stage has them from its beginning."""
        for sort in (("udp", "cn", False), ("udp", "cn2", False), ("udp", "cn", True), ("tcp", "cn", False), ("udp", "cn", False)):
            self.begin_stream(*sort)

    def end_stream(self, stream):
        self.streams.remove(stream)
        stream.begin_end()
        self._ending.append(stream)
        self.log(f"ends: {stream.label}")

    def missing_streams(self):
        return _STREAMS - len(self.streams)

    def old_streams(self):
        return [stream for stream in self.streams if stream.age > _LEAST_AGE_S]

    def _collect(self):
        for stream in [stream for stream in self._ending if stream.over()]:
            self._ending.remove(stream)
            self._ended.append(stream)
        if self.impairments:
            return
        for stream in self._ended:
            try:
                for complaint in stream.judge(self.ledger, self.totals):
                    self.complain(complaint)
            except LabError as error:
                self.complain(f"{stream.describe()}: {error}")
            stream.forget()
        self._ended.clear()

    # ---- the course of things ----

    def run(self, seconds, restarts):
        """Random actions for so long, then everything is carried to its end. `restarts`: whether daemons may be ended."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            self._begin_something(restarts)
            self.tick()
        while self._running:
            self.tick()

    def finish_streams(self):
        for stream in list(self.streams):
            self.end_stream(stream)
        while self._ending or self._ended:
            self.tick()

    def wait(self, until):
        """Waits for an Until of the caller; what does not come true is a complaint."""
        running = _Running(Action(until.what, None, 0), iter([until]))
        self._running.append(running)
        while running in self._running:
            self.tick()

    def tick(self):
        for running in list(self._running):
            self._carry_on(running)
        self._collect()
        now = time.monotonic()
        if now >= self._next_memory:
            self._next_memory = now + _MEMORY_EVERY_S
            self.memory.sample(self.lab.running())
        if now >= self._next_look:
            self._next_look = now + _LOOK_EVERY_S
            self._look_at_the_home_link()
        if now >= self._next_refusals:
            self._next_refusals = now + _REFUSALS_EVERY_S
            self._look_at_refusals()
        time.sleep(_TICK_S)

    def _begin_something(self, restarts):
        if time.monotonic() < self._next_action or len(self._running) >= _AT_ONCE:
            return
        held = {item for running in self._running for item in running.action.holds}
        needed = {item for running in self._running for item in running.action.needs}
        # One interface stays good, unless an action takes all of them.
        enough = sum(item.startswith("link:") for item in held) >= 2
        possible = [action for action in self.actions
                    if not (action.holds & (held | needed) or action.needs & held) and (restarts or not action.restarts)
                    and not (action.loses and self._ending) and not (enough and any(item.startswith("link:") for item in action.holds))]
        if not possible:
            return
        action = self.dice.choices(possible, [action.weight for action in possible])[0]
        try:
            steps = action.begin()
        except LabError as error:
            self.complain(f"{action.name}: {error}")
            return
        if steps is None:
            return
        self._next_action = time.monotonic() + self.dice.expovariate(1 / _MEAN_PAUSE_S)
        self.counts[action.name] = self.counts.get(action.name, 0) + 1
        self._running.append(_Running(action, steps))

    def _carry_on(self, running):
        if isinstance(running.waits_for, Pause):
            if time.monotonic() < running.deadline:
                return
        elif (trouble := running.waits_for.trouble()) is not None:
            running.last_trouble = trouble
            if time.monotonic() < running.deadline:
                return
            self.complain(f"{running.action.name}: after {running.waits_for.limit:g} s still not {running.waits_for.what}: {trouble}")
        else:
            took = running.waits_for.limit - (running.deadline - time.monotonic())
            self.longest_healing = max(self.longest_healing, took)
            if took > _WORTH_TELLING_S:
                self.log(f"{running.action.name}: {took:.1f} s until {running.waits_for.what}; the last reason: {running.last_trouble}")
        try:
            running.waits_for = next(running.steps)
            wait = running.waits_for
            running.deadline = time.monotonic() + (wait.seconds if isinstance(wait, Pause) else wait.limit)
        except StopIteration:
            self._running.remove(running)
        except LabError as error:
            self._running.remove(running)
            self.complain(f"{running.action.name}: {error}")

    def _look_at_the_home_link(self):
        """While every home agent has its cable, packets to home addresses come to the one that has them."""
        if not self.streams or self.ledger.open_accounts(LOST):
            self._misdirected.clear()
            return
        try:
            found = self.view.misdirected()
        except LabError:
            return
        self._misdirected = {text: self._misdirected.get(text, 0) + 1 for text in found}
        for text, looks in self._misdirected.items():
            if looks == _LOOKS_IN_A_ROW:
                self.complain(text)

    def _look_at_refusals(self):
        """While nothing is wrong the data paths refuse nothing."""
        # A daemon that is away just now says nothing; what it said last stands.
        now = ({**(self._refusals[0] if self._refusals else {}), **self.view.refusals()}, len(self.ledger.accounts))
        quiet = not self.ledger.open_accounts(LOST) and not self.impairments
        if quiet and self._refusals is not None and self._refusals[1] == now[1]:
            for key, count in now[0].items():
                if count > (before := self._refusals[0].get(key, 0)):
                    self.complain(f"{key[0]} refused {count - before} packets ({key[1]}) while nothing was wrong")
        self._refusals = (now[0], now[1] if quiet else None)
