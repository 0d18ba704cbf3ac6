# SPDX-License-Identifier: GPL-3.0-or-later
"""One laboratory per test class, and what the tests ask again and again.

A class starts the daemons once and its tests run one after the other in it; a test that needs another start makes a class
of its own. When a test fails, the daemons' last words are printed.
"""
import os
import pathlib
import random
import sys
import time
import unittest

SYSTEM = pathlib.Path(__file__).resolve().parents[1]
ROOT = SYSTEM.parents[1]
sys.path.insert(0, str(ROOT / "tools"))

from lab import Lab, LabError, removal, wait_until  # noqa: E402
from lab.daemons import SPI  # noqa: E402

sys.path.insert(0, str(SYSTEM))
import packet_judge  # noqa: E402
from judge import dissect as d  # noqa: E402

from .wire import WireCapture  # noqa: E402

BUILD = os.environ.get("MIPFLOW_BUILD", str(ROOT / "build"))
HOME_PREFIX = "2001:db8:100::/64"
INTERFACES = ("wlan0", "wwan0")


def random_seed():
    """Said at once, so that whoever sees a random test fail can repeat the run: MIPFLOW_TEST_SEED."""
    seed = int(os.environ.get("MIPFLOW_TEST_SEED", random.randrange(1 << 32)))
    print(f"MIPFLOW_TEST_SEED={seed}", flush=True)
    return seed


class SystemLab(Lab):
    """The lab with what only tests need."""

    def namespace(self, node):
        return self.nodes[node].namespace

    @property
    def key(self):
        return bytes.fromhex(self._key)

    def change_key(self, key):
        """What is started from now on has this one, in hexadecimal digits."""
        self._key = key

    def wire(self, node, interface):
        """A capture with whole packets, for the judge."""
        self._captures += 1
        return WireCapture(self, node, interface, self.directory / f"wire-{node}-{interface}-{self._captures}.pcap")


class SystemCase(unittest.TestCase):
    home_agent_changes = {}
    mobile_node_changes = {}
    policy = None
    spares = 2

    @classmethod
    def setUpClass(cls):
        cls.lab = SystemLab(BUILD)
        cls.enterClassContext(cls.lab)
        cls.prepare()

    @classmethod
    def prepare(cls):
        """The usual start; a class that wants another one overrides it."""
        cls.lab.start_home_agent(cls.home_agent_changes)
        cls.lab.start_mobile_node(cls.mobile_node_changes, cls.policy)
        cls.lab.wait_registered(cls.spares)

    # --- what the daemons say

    def flows(self):
        return self.lab.mipflow("flow", "list")

    def flow(self, port, protocol="udp", timeout=3.0):
        """The listed flow whose own port on the mobile node is `port`."""
        def find():
            return next((f for f in self.flows() if f["protocol"] == protocol and f["source_port"] == port), None)
        return wait_until(find, f"{protocol} flow with source port {port} in the flow list", timeout)

    def home_addresses(self):
        return {h["home_address"]: h for h in self.lab.mipflow("hoa", "list")}

    def home_agent_bindings(self, timeless=True):
        """home address -> (care-of address, sequence), bound ones only."""
        return {b["home_address"]: (b["care_of_address"], b["sequence"])
                for b in self.lab.mipflow("binding", "list", node="ha") if b["state"] == "bound"}

    def home_registrations(self):
        """What the mobile node says about its bindings at the home agent; correspondent nodes may have others."""
        return [b for b in self.lab.mipflow("binding", "list") if b["peer"] == self.lab.home_agent_address]

    def mobile_node_bindings(self):
        return {b["home_address"]: (b["care_of_address"], b["sequence"])
                for b in self.home_registrations() if b["state"] == "bound"}

    def primary(self):
        return next(h for h in self.home_addresses().values() if h["primary"])

    def usable(self, interface):
        return next(i for i in self.lab.mipflow("interface", "list") if i["name"] == interface)["usable"]

    def move(self, flow_id, interface):
        return self.lab.mipflow("flow", "move", str(flow_id), interface)

    def wait(self, condition, what, timeout=10.0):
        return wait_until(condition, what, timeout)

    def wait_settled(self, timeout=10.0):
        """Every home address of the node is bound where the node wants it, and the home agent agrees about each."""
        def settled():
            return (all(b["state"] == "bound" for b in self.home_registrations())
                    and self.mobile_node_bindings().items() <= self.home_agent_bindings().items())
        try:
            wait_until(settled, "agreement", timeout)
        except LabError:
            self.fail("mobile node and home agent do not agree about every binding:\n"
                      + "".join(self.lab.mipflow_run("binding", "list", node=node).stdout for node in ("mn", "ha")))

    # --- judging

    def expectations(self, **more):
        more.setdefault("link_changes", tuple(self.lab.link_changes))
        if more.get("authentication") != "none":
            more = {"key": self.lab.key, "spi": SPI, "primary_home_address": self.lab.home_address, **more}
        return packet_judge.expect(self.lab.home_agent_address, HOME_PREFIX, **more)

    def assert_judged_right(self, captures, at_least=(), only_from=None, **more):
        """No complaint of the judge or of tshark; and the rules `at_least` had something to look at. `only_from`: the address whose
        packets are judged, when the other side is a test that does wrong on purpose."""
        for capture in captures:
            capture.stop()
        verdict = packet_judge.judge([c.path for c in captures], self.expectations(**more))
        if only_from is not None:
            verdict.keep(lambda frame: d.name(frame.outer.source) == only_from)
        self.assertEqual(verdict.complaints, [], f"\n{verdict}")
        for rule in at_least:
            self.assertGreater(verdict.seen[rule], 0, f"the judge saw nothing that rule {rule} is about")

    def assert_lossless(self, result, name=""):
        for direction, (sent, lost, gap) in result.items():
            self.assertGreater(sent, 0, f"{name} {direction}: nothing was sent")
            self.assertEqual(lost, 0, f"{name} {direction}: {lost} of {sent} lost, longest gap {gap * 1000:.1f} ms")


class Result(unittest.TextTestResult):
    """Prints what the daemons said last when something fails."""

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self.last_words(test)

    def addError(self, test, err):
        super().addError(test, err)
        self.last_words(test)

    def addSubTest(self, test, subtest, err):
        super().addSubTest(test, subtest, err)
        if err is not None:
            self.last_words(test)

    def last_words(self, test):
        lab = getattr(test, "lab", None)
        for node, name in (("mn", "mobile_node"), ("ha", "home_agent"), ("cn", "correspondent_node")):
            process = getattr(lab, name, None)
            if process is None:
                continue
            self.stream.writeln(f"\n--- {name}, {'running' if process.running() else f'ended with {process.returncode}'}, last words:")
            self.stream.writeln(process.tail(25))
            if process.running():
                for words in (("counters",), ("binding", "list")):
                    self.stream.writeln(lab.mipflow_run(*words, node=node, check=False).stdout.rstrip())


def main():
    removal.exit_on_signals()
    unittest.main(verbosity=2, testRunner=unittest.TextTestRunner(resultclass=Result, verbosity=2))


__all__ = ["BUILD", "HOME_PREFIX", "INTERFACES", "LabError", "SystemCase", "SystemLab", "main", "time", "wait_until"]
