#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an operator does with home agents that share the load, while traffic flows.

Breaks when a secondary that a reload adds or removes costs a packet, when a wrong configuration changes something, when an answer
has another shape than docs/schema/ promises, when a key that differs is not told of, or when a stop leaves something behind.
"""
import ipaddress
import json
import signal
import sys

from load_sharing_test import POLICY, ClusterCase, RoutedCluster
from support.case import ROOT, main
from lab.cluster import SECONDARIES

sys.path.insert(0, str(ROOT / "tests" / "unit" / "tools"))
import schema  # noqa: E402


def secondary(name):
    return {"name": name, "address": SECONDARIES[name]}


class Operator(ClusterCase):
    """The primary begins with ha2 alone."""
    primary_changes = {"secondary": [secondary("ha2")]}

    @classmethod
    def prepare(cls):
        cls.lab.start_primary(cls.primary_changes)
        for name in cls.started:
            cls.lab.start_secondary(name)
        cls.lab.start_cluster_mobile_node(policy=POLICY)
        cls.lab.wait_agents(names=("ha2",))
        cls.wires = {name: cls.lab.wire(name, "home0") for name in ("ha", *cls.started)}

    def drop_in(self, name, text):
        directory = self.lab.files("ha").configuration.with_suffix(".d")
        directory.mkdir(exist_ok=True)
        file = directory / f"{name}.toml"
        file.write_text(text)
        self.addCleanup(file.unlink, missing_ok=True)
        return file

    def reload(self, node="ha", check=True):
        return self.lab.mipflow_run("reload", node=node, check=check)

    def agent(self, name, node="ha"):
        return next((agent for agent in self.lab.mipflow("ha", "status", node=node)["agents"] if agent["name"] == name), None)

    def assert_shape(self, name, value):
        self.assertEqual(schema.problems(name, value), [])

    def test_every_answer_has_the_promised_shape(self):
        stream, home = self.stream(rate=50)
        self.assert_shape("delegation-change.json", self.lab.mipflow("ha", "delegate", home, "ha2", node="ha"))
        self.wait(lambda: self.holder(home) == "ha2", "the delegation")
        for node in ("ha", "ha2"):
            self.assert_shape("load-sharing.json", self.lab.mipflow("ha", "status", node=node))
            delegations = self.lab.mipflow("ha", "list", node=node)
            self.assert_shape("delegations.json", delegations)
            addresses = [int(ipaddress.IPv6Address(item["home_address"])) for item in delegations]
            self.assertEqual(addresses, sorted(addresses))
            self.assert_shape("status.json", self.lab.mipflow("status", node=node))
            self.assert_shape("metrics.json", self.lab.mipflow("metrics", node=node))
        self.wait(lambda: self.agent("ha2")["packets_per_second"] > 10, "the reports of ha2")
        self.assertEqual(self.agent("ha", node="ha2")["role"], "primary")
        self.assert_shape("delegation-change.json", self.lab.mipflow("ha", "recall", home, node="ha"))
        self.wait(lambda: self.entry(home)["state"] == "own", "the home address back")
        self.assert_shape("delegation-change.json", self.lab.mipflow("ha", "release", home, node="ha"))
        self.assert_shape("drain.json", self.lab.mipflow("ha", "drain", "ha2", node="ha"))
        self.assert_shape("agent.json", self.lab.mipflow("ha", "drain", "ha2", "--wait", node="ha"))
        self.assert_shape("drain.json", self.lab.mipflow("ha", "drain", "ha2", "--end", node="ha"))
        self.assert_nothing_lost(stream, "asked a lot")

    def test_a_secondary_comes_and_goes_with_a_reload(self):
        stream, home = self.stream()
        file = self.drop_in("ha3", '[[secondary]]\nname = "ha3"\naddress = "%s"\n' % SECONDARIES["ha3"])
        self.reload()
        self.lab.wait_agents(names=("ha3",))
        self.delegate(home, "ha3")
        self.wait_quiet("ha", home)
        file.unlink()
        self.lab.home_agent.send(signal.SIGHUP)
        self.wait(lambda: self.holder(home) == "", "what ha3 had to be back")
        self.wait(lambda: self.agent("ha3") is None, "ha3 to be forgotten")
        self.wait(lambda: home not in {item["home_address"] for item in self.lab.mipflow("ha", "list", node="ha3") if item["state"] == "forwarding"},
                  "ha3 to have stopped")
        self.assert_nothing_lost(stream, "a secondary came and went")

    def test_a_wrong_configuration_changes_nothing(self):
        before = self.lab.mipflow("ha", "status", node="ha")["agents"]
        for text, said in (('[[secondary]]\nname = "ha2"\naddress = "%s"\n' % SECONDARIES["ha3"], "wrong.toml:2:8: [[secondary]] name"),
                           ('[load-sharing]\nport = 7000\n', "[load-sharing] port: can change only with a restart"),
                           ('[load-sharing]\ndead-after = "50ms"\n', "wrong.toml:2:14: [load-sharing] dead-after")):
            file = self.drop_in("wrong", text)
            refused = self.reload(check=False)
            self.assertEqual(refused.returncode, 1, text)
            self.assertIn(said, refused.stderr)
            file.unlink()
        after = self.lab.mipflow("ha", "status", node="ha")
        self.assertEqual([(agent["name"], agent["state"]) for agent in after["agents"]], [(agent["name"], agent["state"]) for agent in before])
        self.assertEqual(after["port"], 6275)

    def test_keys_that_differ_are_told_of(self):
        files = self.lab.files("ha2")
        right = files.associations.read_text()

        def put_back():
            files.associations.write_text(right)
            self.reload("ha2")
        self.addCleanup(put_back)
        files.associations.write_text(right.replace(self.lab.keys["ha2"], "00" * 32))
        self.reload("ha2")
        self.wait(lambda: self.agent("ha2")["state"] == "dead", "ha2 not to be believed any more")
        # Who hears the other one can tell why nothing of it is believed.
        self.wait(lambda: any("authenticator is wrong: compare the keys" in problem for problem in self.lab.mipflow("status", node="ha2")["problems"]),
                  "the keys among the problems")
        put_back()
        self.lab.wait_agents(names=("ha2",))
        self.wait(lambda: not self.lab.mipflow("status", node="ha")["problems"], "no more problems")

    def test_z_stopped_agents_leave_nothing(self):
        stream, home = self.stream(rate=50)
        self.delegate(home, "ha2")
        stream.finish(0)
        for process in (self.lab.secondaries["ha2"], self.lab.home_agent):
            self.assertEqual(process.stop(), 0)
        for node in ("ha", "ha2"):
            self.assertEqual(self.lab.ip_json(node, "-6", "neighbour", "show", "proxy"), [])
            self.assertEqual(self.lab.run(node, ["ip", "-6", "route", "show", "table", "all", "proto", "75"]).stdout, "")
        self.lab.start_primary(self.primary_changes)
        self.lab.start_secondary("ha2")
        self.lab.wait_agents(names=("ha2",))


class RoutedOperator(ClusterCase):
    laboratory = RoutedCluster

    def test_announced_routes_follow_and_heal(self):
        def announced(node):
            # A table that nothing was ever put into does not exist.
            done = self.lab.run(node, ["ip", "-6", "-j", "route", "show", "table", "6277"], check=False)
            return {item["dst"]: item["metric"] for item in json.loads(done.stdout)} if done.returncode == 0 else {}

        stream, home = self.stream(rate=200)
        self.delegate(home, "ha2")
        self.assertEqual(announced("ha2"), {home: 100})
        self.assertEqual(announced("ha"), {})
        self.lab.run("ha2", ["ip", "-6", "route", "flush", "table", "6277"])
        self.wait(lambda: announced("ha2") == {home: 100}, "the route again")
        self.lab.mipflow_run("ha", "recall", home, node="ha")
        self.wait(lambda: not announced("ha2"), "the secondary's route to go")
        # The primary's goes when the linger is over: the covering prefix leads to it anyway.
        self.wait(lambda: not announced("ha"), "the primary's route to go", 15)
        self.assert_nothing_lost(stream, "announced, flushed, withdrawn")


if __name__ == "__main__":
    main()
