#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the command makes of real daemons: every answer has the shape of docs/schema/, a trial takes a live flow there and back,
and the metrics count its moves.

Breaks when a daemon answers another shape than is promised, when a trial does not end by itself, or when a move is not counted.
"""
import json
import sys

from support.case import ROOT, SystemCase, main
from support.traffic import UdpEcho, UdpFlow

sys.path.insert(0, str(ROOT / "tests" / "unit" / "tools"))
import schema  # noqa: E402
from prometheus_client.openmetrics.parser import text_string_to_metric_families  # noqa: E402

ANSWERS = {
    ("status",): "status.json", ("flow", "list"): "flows.json", ("hoa", "list"): "home-addresses.json",
    ("interface", "list"): "interfaces.json", ("binding", "list"): "bindings.json", ("policy", "show"): "policy.json",
    ("policy", "test"): "policy-test.json", ("policy", "reload"): "policy-reload.json", ("counters",): "counters.json",
    ("metrics",): "metrics.json",
}


class Command(SystemCase):
    def setUp(self):
        self.echo = UdpEcho(self.lab.namespace("cn"), self.lab.correspondent_address)
        self.addCleanup(self.echo.close)
        self.udp = UdpFlow(self.lab.namespace("mn"), self.echo.address, self.echo.port)
        self.addCleanup(self.udp.close)
        self.assertIsNotNone(self.udp.ask())
        self.flow_now = self.flows()[-1]
        self.id = str(self.flow_now["id"])

    def other_interface(self):
        return "wwan0" if self.flow_now["interface"] == "wlan0" else "wlan0"

    def explain(self):
        return self.lab.mipflow("flow", "explain", self.id)

    def assert_shape(self, name, value):
        self.assertEqual(schema.problems(name, value), [])

    def test_every_answer_has_the_promised_shape(self):
        for words, name in ANSWERS.items():
            with self.subTest(" ".join(words)):
                self.assert_shape(name, self.lab.mipflow(*words))
        self.assert_shape("flow.json", self.lab.mipflow("flow", "show", self.id))
        self.assert_shape("flow-explanation.json", self.explain())
        address = self.lab.mipflow("hoa", "allocate")
        self.assert_shape("home-address-allocated.json", address)
        self.assert_shape("home-address.json", self.lab.mipflow("hoa", "show", address["home_address"]))
        for words in (("status",), ("binding", "list"), ("counters",)):
            self.assert_shape(ANSWERS[words], self.lab.mipflow(*words, node="ha"))

    def test_a_trial_goes_there_and_back(self):
        before, there = self.flow_now["interface"], self.other_interface()
        result = self.lab.mipflow("flow", "try", self.id, there, "--for", "2")
        self.assert_shape("flow-trial.json", result)
        self.assertEqual((result["interface"], result["outcome"]), (there, "rolled back"))
        self.wait(lambda: self.explain()["interface"] == before, "the flow to be back")
        self.assertIsNotNone(self.udp.ask())

    def test_a_move_is_told_and_counted(self):
        def moves():
            text = self.lab.mipflow_run("metrics").stdout
            return {s.name: s.value for f in text_string_to_metric_families(text) for s in f.samples if not s.labels}["mipflow_moves_total"]
        before, there = moves(), self.other_interface()
        self.move(self.id, there)
        self.wait(lambda: self.explain()["interface"] == there, "the flow to move")
        self.assertGreater(moves(), before)
        newest = self.explain()["moves"][0]
        self.assertEqual((newest["to"], newest["cause"]), (there, "command"))
        prose = self.lab.mipflow_run("flow", "explain", self.id).stdout
        self.assertIn(there, prose)
        self.assertIn(self.flow_now["home_address"], prose)
        self.assertEqual(self.lab.mipflow("flow", "undo", self.id)["interface"], self.flow_now["interface"])

    def test_the_doctor_looks_at_a_real_host(self):
        done = self.lab.mipflow_run("--json", "doctor", check=False)
        result = json.loads(done.stdout)
        self.assert_shape("doctor.json", result)
        self.assertEqual(done.returncode, {"good": 0, "warning": 1, "error": 2}[result["worst"]])
        found = {finding["check"]: finding["result"] for finding in result["findings"]}
        self.assertEqual((found["wlan0"], found["IPv6"], found["routing rules"]), ("good", "good", "good"))


if __name__ == "__main__":
    main()
