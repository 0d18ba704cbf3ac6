#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""`kill -9` of a primary or a secondary in the middle of a delegation, under traffic, at random moments: MIPFLOW_TEST_SEED repeats a run.

A home address is delegated, handed from one secondary to the other, or recalled; the mobile node moves it; a new one is registered.
A moment later one of the agents is gone without a word. Its kernel goes on, and whoever had the home address until then does, until
the next one has said that it has it (EP 1134991, Figures 3 and 4). So no packet is lost, to nobody's address, in either direction.
When the agent is back, and the durations of words that nobody says again are over, one agent alone answers for each home address, and
it is the one of which the primary says so.

Breaks when what an agent does ends with its daemon, when a restart forgets a delegation, when two agents answer for a home address
and neither of them ever stops.

Seen to fail, each by itself:
  a primary that takes no notice of the delegations in its state file      the delegation was forgotten
  the cable of the secondary is pulled as well, until its daemon starts    packets are lost
"""
import random
import signal

from load_sharing_test import ClusterCase
from support.case import main, random_seed, time
from support.traffic import UdpEcho, UdpFlow
from lab.cluster import SECONDARIES

LATEST = 0.08    # seconds behind the beginning of an exchange, which takes a few milliseconds here
# What a restarted primary does not say again its secondaries stop 10 s into the conversation (docs/forwarding-protocol.md).
CONVERGES = 40


class KilledCase(ClusterCase):
    @classmethod
    def setUpClass(cls):
        cls.seed = random_seed()
        super().setUpClass()

    def setUp(self):
        self.random = random.Random(f"{self.seed} {self.id()}")
        self.echo = UdpEcho(self.lab.namespace("cn"), self.lab.correspondent_address)
        self.addCleanup(self.echo.close)
        self.newcomers = []
        self.involved = []   # secondaries, in the exchange of the round
        self.live, self.home = self.stream(rate=500)

    # What an agent can be in the middle of.

    def handover(self):
        other = next(name for name in SECONDARIES if name not in self.involved)
        self.involved.append(other)
        self.lab.mipflow_run("ha", "delegate", self.home, other, node="ha")

    def delegation(self):
        self.recall(self.home)
        self.lab.mipflow_run("ha", "delegate", self.home, self.involved[0], node="ha")

    def recall_it(self):
        self.lab.mipflow_run("ha", "recall", self.home, node="ha")

    def move(self):
        flow = self.flow(self.live.port)
        self.lab.mipflow_run("flow", "move", str(flow["id"]), {"wlan0": "wwan0", "wwan0": "wlan0"}[flow["interface"]])

    def registration(self):
        """A new flow takes a spare home address, and another spare is registered, and with Figure 3 delegated."""
        self.involved = list(SECONDARIES)
        flow = UdpFlow(self.lab.namespace("mn"), self.echo.address, self.echo.port)
        self.addCleanup(flow.close)
        self.newcomers.append(flow)
        flow.socket.send(b"first packet")

    # Who may be hit by it.

    def kill_primary(self):
        self.lab.home_agent.stop(signal.SIGKILL)
        return lambda: self.lab.start_primary(self.primary_changes)

    def kill_secondary(self):
        name = self.random.choice(self.involved)
        self.lab.secondaries[name].stop(signal.SIGKILL)
        return lambda: self.lab.start_secondary(name)

    def answering(self):
        """{home address: agents whose kernel answers for it on the home link}."""
        found = {}
        for node in ("ha", *SECONDARIES):
            for entry in self.lab.ip_json(node, "-6", "neighbour", "show", "proxy"):
                found.setdefault(entry["dst"], set()).add(node)
        return found

    def settled(self):
        states = {item["home_address"]: item for item in self.lab.mipflow("ha", "list", node="ha")}
        if any(item["state"] not in ("own", "delegated") for item in states.values()) or self.home not in states:
            return False
        answering = self.answering()
        return all(answering.get(address) == {item["agent"] or "ha"} for address, item in states.items())

    def delegated(self):
        """To whom the home address is delegated, as every round begins."""
        if not self.holder(self.home):
            self.delegate(self.home, self.random.choice(list(SECONDARIES)))
        self.wait(self.settled, "one agent for each home address, before", CONVERGES)
        return self.holder(self.home)

    def round(self, kill, moment):
        wait = self.random.uniform(0, LATEST)
        with self.subTest(moment=moment.__name__, wait=wait, seed=self.seed):
            self.wait_settled(20)
            held_by = self.delegated()
            self.involved = [held_by]
            moment()
            time.sleep(wait)
            start = kill()
            self.assertTrue(self.live.wait_for_packets(100, 10), "without the daemon packets stop")
            start()
            self.lab.wait_agents()
            self.wait_settled(20)
            self.wait(self.settled, "one agent for each home address, the one that the primary names", CONVERGES)
            if kill == self.kill_primary and moment == self.move:
                self.assertEqual(self.holder(self.home), held_by, "the delegation was forgotten")
            self.assertTrue(self.live.wait_for_packets(100, 10), "packets do not go on")
            for flow in self.newcomers:
                self.assertIsNotNone(flow.ask() or flow.ask(), "a flow that began in that moment does not work")

    def rounds(self, kill, moments):
        for moment in self.random.sample(moments, len(moments)):
            self.round(kill, moment)
        self.assert_nothing_lost(self.live, self.id())


class ByFigure4(KilledCase):
    """The mobile node is answered at once, the delegation follows."""

    def test_primary(self):
        self.rounds(self.kill_primary, [self.delegation, self.handover, self.recall_it, self.move])

    def test_secondary(self):
        self.rounds(self.kill_secondary, [self.delegation, self.handover, self.recall_it, self.move])


class ByFigure3(KilledCase):
    """What is registered is delegated before the mobile node is answered."""
    primary_changes = {"load-sharing": {"division": "equal", "answer": "after-secondary", "own-weight": 0}}

    def test_primary(self):
        self.rounds(self.kill_primary, [self.registration, self.registration, self.handover, self.move])

    def test_secondary(self):
        self.rounds(self.kill_secondary, [self.registration, self.registration, self.handover, self.move])


if __name__ == "__main__":
    main()
