# SPDX-License-Identifier: GPL-3.0-or-later
"""What users, programs and operators do: flows begin, move and end, addresses and policies change. None of it loses a packet."""

from accounts import DOUBLED, OVERTAKEN
from director import Action, Pause, Until
from lab import LabError
from laboratory import INTERFACES, POLICIES, SECONDARIES


def needs(*names):
    return frozenset(names)


class UserActions:
    def __init__(self, director):
        self.d = director
        self.allocated, self.pinned = [], []

    def actions(self):
        return [
            Action("stream begins", self.begin_stream, 6, needs=needs("mn", "ha", "cn", "ha cable", "rules", "links")),
            Action("stream ends", self.end_stream, 2.5, needs=needs("mn", "ha cable", "links")),
            Action("move", self.move, 10, needs=needs("mn", "ha cable")),
            Action("trial", self.attempt, 2, needs=needs("mn", "ha cable")),
            Action("flow left to the policy", self.release, 2, needs=needs("mn", "ha cable")),
            Action("policy reload", self.reload_policy, 2, needs=needs("mn", "ha cable"), holds=needs("policy")),
            Action("home address by command", self.allocate, 1.5, needs=needs("mn", "ha cable")),
            Action("home address kept", self.pin, 1, needs=needs("mn", "ha cable")),
            Action("delegation", self.delegate, 4, needs=needs("ha", "ha cable", *SECONDARIES)),
            Action("drain", self.drain, 1, needs=needs("ha", "ha cable"), holds=needs(*SECONDARIES)),
        ]

    # ---- streams ----

    def begin_stream(self):
        d = self.d
        if d.missing_streams() <= 0:
            return None
        kind = "tcp" if d.dice.random() < 0.3 and all(s.kind != "tcp" for s in d.streams) else "udp"
        correspondent = d.dice.choice(("cn", "cn", "cn2"))
        by_correspondent = kind == "udp" and d.dice.random() < 0.25

        def steps():
            d.begin_stream(kind, correspondent, by_correspondent)
            yield d.settled("a flow of its own for every stream")
        return steps()

    def end_stream(self):
        old = self.d.old_streams()
        if not old or self.d.missing_streams() > 2:
            return None

        def steps():
            self.d.end_stream(self.d.dice.choice(old))
            yield Pause(0)
        return steps()

    # ---- flows ----

    def _one_of_the_flows(self):
        flows, _ = self.d.view.flows()
        live = [flows[s.label] for s in self.d.streams if s.label in flows]
        return self.d.dice.choice(live) if live else None

    def _sharing(self, flow):
        """Labels of the streams that have the flow's home address."""
        flows, _ = self.d.view.flows()
        return {label for label, other in flows.items() if other["home_address"] == flow["home_address"]}

    def _changes_way(self, name, request, **parameters):
        flow = self._one_of_the_flows()
        if flow is None:
            return
        account = self.d.ledger.open(name, {OVERTAKEN}, self._sharing(flow))
        try:
            self.d.log(f"{name}: flow {flow['id']} {parameters}")
            self.d.lab.ask("mn", request, id=flow["id"], **parameters)
        except LabError as error:
            self._expected(error)
        yield self.d.settled(f"in order after {name}")
        self.d.ledger.close(account)

    def _expected(self, error):
        """An order that came at a moment when it could not be obeyed is refused in words; anything else is wrong."""
        if not any(words in str(error) for words in ("can not be used", "There is no flow", "no flow", "not usable", " already",
                                                     "has no carrier", "no address", "no router", "is down", " trial of flow ")):
            self.d.complain(f"refused: {error}")
        self.d.log(f"refused: {error}")

    def _other_interface(self):
        usable = self.d.view.usable() or set(INTERFACES)
        return self.d.dice.choice(sorted(usable))

    def move(self):
        return self._changes_way("move", "move-flow", interface=self._other_interface())

    def attempt(self):
        return self._trial(self._other_interface(), self.d.dice.randint(1, 3))

    def _trial(self, interface, seconds):
        account = self.d.ledger.open("trial", {OVERTAKEN})
        yield from self._changes_way("trial", "try-flow", interface=interface, seconds=seconds, keep_if_better=self.d.dice.random() < 0.5)
        yield Pause(seconds + 2.5)   # what a trial measures behind the move is part of it
        yield self.d.settled("in order after a trial")
        self.d.ledger.close(account)

    def release(self):
        return self._changes_way("flow left to the policy", "release-flow")

    def reload_policy(self):
        number = self.d.dice.randrange(len(POLICIES))
        account = self.d.ledger.open("policy reload", {OVERTAKEN}, note=f"policy {number}")
        self.d.log(f"policy {number}")
        self.d.lab.write_policy(POLICIES[number])
        self.d.lab.ask("mn", "policy-reload")
        yield Pause(0.2)
        yield self.d.settled("in order after a policy reload")
        self.d.ledger.close(account)

    # ---- home addresses ----

    def allocate(self):
        lab = self.d.lab
        if self.allocated and self.d.dice.random() < 0.6:
            address = self.allocated.pop(self.d.dice.randrange(len(self.allocated)))
            self.d.log(f"free {address}")
            try:
                lab.ask("mn", "free-home-address", home_address=address)
            except LabError as error:
                self.d.log(f"refused: {error}")
                self.allocated.append(address)
        elif len(self.allocated) < 4:
            self.allocated.append(lab.ask("mn", "allocate-home-address")["home_address"])
            self.d.log(f"allocated {self.allocated[-1]}")
        yield Pause(0)

    def pin(self):
        address = self.d.dice.choice(self.d.view.home_addresses())["home_address"]
        pinned = address not in self.pinned
        if pinned and len(self.pinned) >= 4:
            pinned, address = False, self.pinned[0]
        self._pin(address, pinned)
        yield Pause(0)

    def _pin(self, address, pinned):
        self.d.log(f"{'pin' if pinned else 'unpin'} {address}")
        try:
            self.d.lab.ask("mn", "pin-home-address", home_address=address, pinned=pinned)
        except LabError as error:
            self.d.log(f"refused: {error}")   # it went meanwhile, or is the primary one
            return
        if pinned:
            self.pinned.append(address)
        else:
            self.pinned.remove(address)

    def give_back(self):
        """Home addresses that were asked for go, so that a mobile node without flows is what it was."""
        lab = self.d.lab
        known = {entry["home_address"] for entry in self.d.view.home_addresses()}
        for address in list(self.pinned):
            if address in known:
                lab.ask("mn", "pin-home-address", home_address=address, pinned=False)
        for address in self.allocated:
            if address in known and address not in self.pinned:
                try:
                    lab.ask("mn", "free-home-address", home_address=address)
                except LabError as error:
                    self.d.log(f"refused: {error}")
        self.pinned.clear()
        self.allocated.clear()

    # ---- home agents ----

    def _streams_at(self, home_address):
        flows, _ = self.d.view.flows()
        return {label for label, flow in flows.items() if flow["home_address"] == home_address}

    def delegate(self):
        holders = self.d.view.holders()
        if not holders:
            return
        address = self.d.dice.choice(sorted(holders))
        choice = self.d.dice.choice(("recall", "release", *SECONDARIES, *SECONDARIES))
        account = self.d.ledger.open("delegation", {DOUBLED, OVERTAKEN}, ways=("in",), note=f"{address} {choice}")
        self.d.log(f"delegation: {address} {choice}")
        try:
            if choice in SECONDARIES:
                self.d.lab.ask("ha", "delegate-home-address", home_address=address, agent=choice)
            else:
                self.d.lab.ask("ha", f"{choice}-home-address", home_address=address)
        except LabError as error:
            self.d.log(f"refused: {error}")   # it was freed meanwhile
        yield Pause(0.2)
        yield self.d.settled("in order after a delegation")
        yield Pause(1.0)   # what routers still send to the former holder
        self.d.ledger.close(account)

    def drain(self):
        name = self.d.dice.choice(tuple(SECONDARIES))
        account = self.d.ledger.open("drain", {DOUBLED, OVERTAKEN}, ways=("in",), note=name)
        self.d.log(f"drain {name}")
        self.d.lab.ask("ha", "drain-agent", agent=name, drain=True)
        yield Until(lambda: None if name not in self.d.view.holders().values() else "it still has home addresses", f"{name} empty")
        yield Pause(self.d.dice.uniform(0, 2))
        self.d.lab.ask("ha", "drain-agent", agent=name, drain=False)
        yield self.d.settled("in order after a drain")
        yield Pause(1.0)
        self.d.ledger.close(account)
