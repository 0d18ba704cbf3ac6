# SPDX-License-Identifier: GPL-3.0-or-later
"""What goes wrong: cables, addresses, routes, access networks, daemons, machines, and others who meddle with the kernel.

Each says which streams it may cost packets, and only those: flows on other interfaces, flows that go straight while a home agent is
away, and every flow while a daemon is killed and started again, lose nothing.
"""

import re
import time

from accounts import DOUBLED, LOST, OVERTAKEN
from director import Action, Pause, Until
from lab import LabError, impairment
from laboratory import INTERFACES, SECONDARIES, random_profile
from streams import SERVER_PORTS

_EVERYTHING = (LOST, DOUBLED, OVERTAKEN)
# Route tables and preferences of rules that are ours, on every kind of node.
_TABLES = range(6270, 6280)
_PREFERENCES = range(6200, 6400)
_NOTICED_S = 2.0


def _names(*names):
    return frozenset(names)


class Faults:
    def __init__(self, director):
        self.d = director

    def actions(self):
        links = [self._link_actions(name) for name in INTERFACES]
        every_link = _names(*(f"link:{name}" for name in INTERFACES), "links")
        return [
            *(action for actions in links for action in actions),
            Action("every interface gone", self.everything_cut, 0.5, holds=every_link, loses=True),
            Action("bad access network", self.impair, 2, holds=_names("impairment")),
            *(Action(f"{node} killed", lambda node=node: self.killed(node), 1.5 if node == "mn" else 1, restarts=True, needs=_names("ha cable"),
                     holds=_names(node)) for node in ("mn", "ha", "cn", *SECONDARIES)),
            *(Action(f"{node} stopped and started", lambda node=node: self.stopped(node), 0.7, restarts=True, holds=_names(node),
                     needs=_names("ha cable"), loses=True) for node in ("ha", "cn", *SECONDARIES)),
            Action("home agent without a cable", self.home_agent_away, 0.7, holds=_names("ha", "ha cable", "cn", *SECONDARIES), loses=True),
            Action("secondary without power", self.secondary_without_power, 0.7, holds=_names(*SECONDARIES),
                   needs=_names("mn", "ha", "ha cable"), restarts=True, loses=True),
            Action("nft flush ruleset", self.rules_of_nftables, 1, holds=_names("rules"), needs=_names("mn")),
            *(Action(f"routes and rules deleted on {node}", lambda node=node: self.routes(node), 0.6, holds=_names("rules"),
                     needs=_names(node), loses=True) for node in ("mn", "ha", "cn")),
            *(Action(f"mip0 down on {node}", lambda node=node: self.device_down(node), 0.4, holds=_names("rules"), needs=_names(node),
                     loses=True) for node in ("mn", "ha", "cn")),
        ]

    def _link_actions(self, name):
        holds, needs = _names(f"link:{name}"), _names("links")
        return (Action("cable cut", lambda: self.cut(name), 1.2, holds, needs, loses=True),
                Action("interface switched off", lambda: self.switched_off(name), 0.7, holds, needs, loses=True),
                Action("address taken away", lambda: self.without(name, "address"), 0.7, holds, needs, loses=True),
                Action("router gone", lambda: self.without(name, "router"), 0.7, holds, needs, loses=True))

    # ---- access ----

    def _on(self, interface):
        return {label for label, where in self.d.view.interfaces_of_streams().items() if where in (interface, None)}

    def _link_fault(self, kind, interface, begin, end):
        account = self.d.ledger.open(kind, _EVERYTHING, self._on(interface), note=interface)
        self.d.log(f"{kind}: {interface}, streams {sorted(account.streams)}")
        begin()
        yield self._noticed(interface)
        yield self.d.settled(f"in order without {interface}")
        account.streams |= self.d.view.have_moved(interface, account.seconds)
        # One that began meanwhile got a home address that may have been registered over this interface.
        account.streams |= {stream.label for stream in self.d.streams if stream.age < account.seconds}
        self.d.ledger.close(account)
        yield Pause(self.d.dice.uniform(0, 4))
        way_back = self.d.ledger.open(f"back: {kind}", {OVERTAKEN}, note=interface)
        end()
        yield Until(lambda: None if self._useful(interface) else "not usable", f"{interface} in use again")
        yield self.d.settled(f"in order with {interface}")
        self.d.ledger.close(way_back)
        self.d.log(f"over: {kind}: {interface}")

    def _noticed(self, interface):
        """Until the mobile node knows; a Router Advertisement may have mended it before anybody asked."""
        latest = time.monotonic() + _NOTICED_S
        return Until(lambda: None if not self._useful(interface) or time.monotonic() > latest else "it is thought to be usable",
                     f"known that {interface} is not usable")

    def _useful(self, interface):
        try:
            return interface in self.d.view.usable()
        except LabError:
            return False

    def cut(self, interface):
        lab = self.d.lab
        return self._link_fault("cable cut", interface, lambda: lab.cut(interface), lambda: lab.restore(interface))

    def switched_off(self, interface):
        node = self.d.lab.nodes["mn"]
        return self._link_fault("interface switched off", interface, lambda: node.ip(f"link set {interface} down"),
                                lambda: node.ip(f"link set {interface} up"))

    def without(self, interface, what):
        """The next Router Advertisement, at most 4 s away, brings back what was deleted."""
        node, lab = self.d.lab.nodes["mn"], self.d.lab

        def take():
            if what == "router":
                node.run(["ip", "-6", "route", "delete", "default", "dev", interface], check=False)
            elif address := lab.care_of_address(interface):
                node.ip(f"address delete {address}/64 dev {interface}")
        return self._link_fault({"router": "router gone", "address": "address taken away"}[what], interface, take, lambda: None)

    def everything_cut(self):
        account = self.d.ledger.open("every interface gone", _EVERYTHING)
        self.d.log("every interface gone")
        for name in INTERFACES:
            self.d.lab.cut(name)
        yield Pause(self.d.dice.uniform(0.5, 3))
        for name in INTERFACES:
            self.d.lab.restore(name)
        yield Until(lambda: None if all(map(self._useful, INTERFACES)) else "not usable", "every interface in use again")
        yield self.d.settled("in order with interfaces again")
        self.d.ledger.close(account)
        self.d.log("over: every interface gone")

    def impair(self):
        name, profile = self.d.dice.choice(INTERFACES).removesuffix("0"), random_profile(self.d.dice)
        disorder = self.d.ledger.open("bad access network", {OVERTAKEN}, note=f"{name} {profile}")
        self.d.log(f"bad access network: {name} {profile}")
        bad = impairment.Impairment(self.d.lab, name, **profile)
        self.d.impairments.add(bad)
        yield Pause(self.d.dice.uniform(3, 12))
        counters = bad.stop()
        self.d.impairments.remove(bad)
        self.d.ledger.add_impairment(bad.packets(), SERVER_PORTS)
        self.d.log(f"over: bad access network: {counters}")
        self.d.totals.add_impairment(counters)
        if counters["overflow"]:
            self.d.complain(f"the impairment of {name} lost {counters['overflow']} packets that it did not count")
        yield Pause(0.3)   # what it held, and what it kept from arriving in time
        yield self.d.settled("in order behind a bad access network")
        self.d.ledger.close(disorder)

    # ---- daemons and machines ----

    def _to(self, correspondent):
        return {stream.label for stream in self.d.streams if stream.correspondent == correspondent}

    def _by_the_home_agent(self):
        try:
            flows, _ = self.d.view.flows()
        except LabError:
            return None
        return {s.label for s in self.d.streams if s.label not in flows or flows[s.label]["path"] != "direct"}

    def killed(self, node):
        """The kernel carries the flows meanwhile, and the next daemon takes them over."""
        order = self.d.ledger.open(f"{node} killed", {OVERTAKEN, *((DOUBLED,) if node in SECONDARIES else ())})
        self.d.log(f"killed: {node}")
        self.d.lab.kill(node)
        yield Pause(self.d.dice.uniform(0, 2))
        self.d.lab.start_on(node)
        self.d.log(f"started: {node}")
        yield self.d.settled(f"in order after {node} was killed")
        self.d.ledger.close(order)

    def stopped(self, node):
        """A clean stop takes everything back: flows by a home agent wait for it, those to a correspondent node go by the home agent."""
        streams = {"ha": self._by_the_home_agent(), "cn": self._to("cn")}.get(node, set())
        account = self.d.ledger.open(f"{node} stopped", _EVERYTHING, streams)
        order = self.d.ledger.open(f"{node} stopped", {DOUBLED, OVERTAKEN})
        self.d.log(f"stopped: {node}")
        if (code := self.d.lab.stop_in_order(node)) != 0:
            self.d.complain(f"{node} ended with exit code {code}")
        yield Pause(self.d.dice.uniform(0, 2))
        self.d.lab.start_on(node)
        self.d.log(f"started: {node}")
        yield self.d.settled(f"in order after {node} was stopped and started")
        self.d.ledger.close(account)
        self.d.ledger.close(order)

    def home_agent_away(self):
        account = self.d.ledger.open("home agent without a cable", _EVERYTHING, self._by_the_home_agent())
        order = self.d.ledger.open("home agent without a cable", {DOUBLED, OVERTAKEN})
        self.d.log(f"home agent without a cable, streams {account.streams and sorted(account.streams)}")
        self.d.lab.agent_cable("ha", "down")
        yield Pause(self.d.dice.uniform(0.5, 5))
        self.d.lab.agent_cable("ha", "up")
        self.d.log("home agent with a cable")
        yield Pause(1.0)   # heartbeats
        yield self.d.settled("in order with the home agent again")
        yield Pause(1.0)
        self.d.ledger.close(account)
        self.d.ledger.close(order)

    def secondary_without_power(self):
        name = self.d.dice.choice(tuple(SECONDARIES))
        holders = self.d.view.holders()
        flows, _ = self.d.view.flows()
        streams = {label for label, flow in flows.items() if holders.get(flow["home_address"]) == name}
        account = self.d.ledger.open("secondary without power", _EVERYTHING, streams, ("in",), name)
        order = self.d.ledger.open("secondary without power", {DOUBLED, OVERTAKEN}, ways=("in",))
        self.d.log(f"without power: {name}, streams {sorted(streams)}")
        self.d.lab.pull_the_plug(name)
        yield Until(lambda: None if name not in self.d.view.holders().values() else "it is thought to have home addresses",
                    f"without {name}")
        yield self.d.settled(f"in order without {name}")
        self.d.ledger.close(account)
        yield Pause(self.d.dice.uniform(0, 2))
        self.d.lab.plug_in(name)
        self.d.lab.start_on(name)
        self.d.log(f"started: {name}")
        yield self.d.settled(f"in order with {name} again")
        yield Pause(1.0)
        self.d.ledger.close(order)

    # ---- others who meddle with the kernel ----

    def _lines(self, node, *command):
        """Of what `command` prints, without figures that change by themselves."""
        text = self.d.lab.run(node, command, check=False).stdout
        changing = re.compile(r"expires \S+|\blinkdown\b|counter packets \d+ bytes \d+")
        return {" ".join(changing.sub("", line).split()) for line in text.splitlines()}

    def _missing(self, node, before, *command):
        gone = before - self._lines(node, *command)
        return f"not there: {sorted(gone)}" if gone else None

    def rules_of_nftables(self):
        """Flows that there are do not need them."""
        before = self._lines("mn", "nft", "list", "ruleset")
        self.d.log("nft flush ruleset")
        self.d.lab.run("mn", ["nft", "flush", "ruleset"])
        yield Until(lambda: self._missing("mn", before, "nft", "list", "ruleset"), "nf_tables rules again")

    def _ours(self, node):
        tables = {line.split(" table ")[1].split()[0] for line in self._lines(node, "ip", "-6", "-N", "route", "show", "table", "all")
                  if " table " in line}
        rules = {line.split(":")[0] for line in self._lines(node, "ip", "-6", "-N", "rule")}
        return (sorted(t for t in tables if t.isdigit() and int(t) in _TABLES),
                sorted(r for r in rules if r.isdigit() and int(r) in _PREFERENCES))

    def _concerned(self, node):
        return {"cn": self._to("cn"), "ha": self._by_the_home_agent()}.get(node)

    def routes(self, node):
        tables, preferences = self._ours(node)
        kinds = [kind for kind, found in (("routes", tables), ("rules", preferences)) if found]
        if not kinds:
            return
        # Home addresses come and go, so routes of single ones are not waited for by name; those of the kernel come and go with carriers.
        look = (["ip", "-6", "-N", "rule"], ["ip", "-6", "-N", "route", "show", "table", "all"])
        ours = re.compile("|".join([rf"{preference}:" for preference in preferences] + [rf".* table {table}\b" for table in tables]))
        before = [{line for line in self._lines(node, *command)
                   if ours.match(line) and "2001:db8:100:0:" not in line and "/128" not in line} for command in look]
        kind = self.d.dice.choice(kinds)
        account = self.d.ledger.open(f"{kind} deleted on {node}", _EVERYTHING, self._concerned(node))
        self.d.log(f"{kind} deleted on {node}: {tables if kind == 'routes' else preferences}")
        if kind == "routes":
            for table in tables:
                self.d.lab.run(node, ["ip", "-6", "route", "flush", "table", table], check=False)
        else:
            for preference in preferences:
                self.d.lab.run(node, ["ip", "-6", "rule", "delete", "pref", preference], check=False)
        for lines, command in zip(before, look):
            yield Until(lambda lines=lines, command=command: self._missing(node, lines, *command), "what was deleted again")
        yield self.d.settled("in order after routes were deleted")
        self.d.ledger.close(account)

    def device_down(self, node):
        look = ["ip", "-6", "-N", "-oneline", "address", "show", "dev", "mip0"]
        before = {line.split()[3] for line in self._lines(node, *look) if " inet6 " in line and "fe80" not in line}
        account = self.d.ledger.open(f"mip0 down on {node}", _EVERYTHING, self._concerned(node))
        self.d.log(f"mip0 down on {node}")
        self.d.lab.nodes[node].ip("link set mip0 down")

        def trouble():
            now = {line.split()[3] for line in self._lines(node, *look) if " inet6 " in line}
            # A home address may have been freed meanwhile.
            wanted = before & {f"{a['home_address']}/128" for a in self.d.view.home_addresses()} if node == "mn" else before
            state = self.d.lab.ip_json(node, "link", "show", "mip0")
            return None if wanted <= now and "UP" in state[0]["flags"] else f"not there: {sorted(wanted - now)}"
        yield Until(trouble, "mip0 and its addresses again")
        yield Pause(0.2)
        yield self.d.settled("in order after mip0 was down")
        self.d.ledger.close(account)
