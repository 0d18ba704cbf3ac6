#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the daemons put on the control socket is what docs/schema/ promises: the real encoder's answers, with everything
and with nothing in them, are held against the schemas."""

import json
import os
import subprocess
import unittest
from pathlib import Path

import jsonschema
import schema

SAMPLES = Path(os.environ.get("MIPFLOW_BUILD", schema.ROOT / "build" / "dev")) / "tests" / "unit" / "platform" / "control_samples"


class SchemaTest(unittest.TestCase):
    def test_the_schemas_are_schemas(self):
        for name, each in schema.SCHEMAS.items():
            with self.subTest(name):
                jsonschema.Draft202012Validator.check_schema(each)

    def test_the_encoder_says_what_the_schemas_promise(self):
        lines = subprocess.run([SAMPLES], check=True, capture_output=True, text=True).stdout.splitlines()
        seen = set()
        for line in lines:
            sample = json.loads(line)
            seen.add(sample["schema"])
            with self.subTest(line):
                self.assertEqual(schema.problems(sample["schema"], sample["value"]), [])
        self.assertLessEqual({"flow.json", "flow-explanation.json", "home-address.json", "interfaces.json", "bindings.json", "status.json",
                              "policy-class.json", "policy-effect.json", "move-statistics.json", "load-sharing.json", "agent.json",
                              "delegations.json"}, seen)

    def test_what_is_wrong_is_found(self):
        effect = {"id": 7, "class_before": "a", "class_after": "b", "interface_before": None, "interface_after": "wlan0", "note": None}
        self.assertEqual(schema.problems("policy-effect.json", effect), [])
        self.assertTrue(schema.problems("policy-effect.json", {**effect, "id": "7"}))
        self.assertTrue(schema.problems("policy-effect.json", {**effect, "more": 1}))
        self.assertTrue(schema.problems("policy-test.json", {"effects": [{**effect, "more": 1}], "objection": ""}))
        del effect["note"]
        self.assertTrue(schema.problems("policy-effect.json", effect))


if __name__ == "__main__":
    unittest.main()
