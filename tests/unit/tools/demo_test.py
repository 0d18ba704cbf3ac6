#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The demo tells the truth: it succeeds when everything happens, and says NO when a part of it is sabotaged."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import unittest
import xml.etree.ElementTree as ElementTree
from io import StringIO
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tools"))

from demonstration.report import Teller  # noqa: E402
from demonstration.story import Story  # noqa: E402
from lab import Lab, removal  # noqa: E402

BUILD = Path(os.environ.get("MIPFLOW_BUILD", ROOT / "build/dev"))
DEMO = [str(ROOT / "tools/demo"), "--no-build", "--build-dir", str(BUILD)]


class DemoTest(unittest.TestCase):
    def test_everything_that_it_claims_happens(self):
        with tempfile.TemporaryDirectory() as folder:
            figures, image = Path(folder) / "demo.json", Path(folder) / "demo.svg"
            begin = time.monotonic()
            done = subprocess.run([*DEMO, "--json", figures, "--svg", image], capture_output=True, text=True, check=False)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            self.assertLess(time.monotonic() - begin, 60)
            report = json.loads(figures.read_text())
            self.assertEqual(ElementTree.parse(image).getroot().tag, "{http://www.w3.org/2000/svg}svg")
        self.assertTrue(report["passed"])
        self.assertEqual([phase["title"] for phase in report["phases"]],
                         ["at first", "moved to wwan0", "moved back", "cable of wlan0 cut"])
        udp = [item for item in report["flows"] if item["flow"] == "UDP"]
        self.assertEqual([item["interface"] for item in udp], ["wlan0", "wwan0", "wlan0", "wwan0"])
        self.assertGreater(min(item["packets"][item["interface"]] for item in udp), 1000)
        self.assertEqual(len({item["home_address"] for item in report["flows"]}), 2)

    def test_an_interrupted_demo_leaves_nothing(self):
        with tempfile.TemporaryDirectory() as folder:
            demo = subprocess.Popen(DEMO, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            for line in demo.stdout:
                if "flow list" in line:
                    break
            labs = [name for name, pid in removal.existing_labs().items() if pid == demo.pid]
            self.assertEqual(len(labs), 1)
            demo.send_signal(signal.SIGINT)
            output, _ = demo.communicate(timeout=60)
            self.assertEqual(demo.returncode, 130, output)
            self.assertEqual(removal.leftovers(labs[0]), [])
            self.assertEqual(list(Path(folder).iterdir()), [])

    def test_without_root_it_says_so_and_stops(self):
        # This user may read everything, because the project can lie below /root.
        nobody = ["setpriv", "--reuid=65534", "--clear-groups", *(f"--{kind}-caps=-all,+dac_read_search" for kind in ("inh", "ambient"))]
        done = subprocess.run(nobody + DEMO, capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("Run it as root", done.stderr)


class SabotageTest(unittest.TestCase):
    def refuted(self, sabotage):
        """Claims that turn out wrong when the story is sabotaged."""
        with Lab(BUILD) as lab:
            story = Story(lab, Teller(StringIO()))
            sabotage(lab, story)
            story.play()
            return [check.claim for check in story.checks if not check.true]

    def test_a_flow_that_does_not_move(self):
        def sabotage(lab, _):
            original = lab.mipflow_run
            lab.mipflow_run = lambda *words, **options: original(*(("flow", "list") if "move" in words else words), **options)
        self.assertIn("UDP moved to wwan0: all its packets use wwan0", self.refuted(sabotage))

    def test_packets_that_are_lost(self):
        def sabotage(lab, story):
            original = story._run_act
            def run_act():
                # For a moment the core router knows no way to the correspondent node.
                if story._acts[-1].title == "moved to wwan0":
                    lab.nodes["core"].ip("route add blackhole 2001:db8:300::10/128")
                    time.sleep(0.1)
                    lab.nodes["core"].ip("route delete blackhole 2001:db8:300::10/128")
                original()
            story._run_act = run_act
        self.assertIn("UDP moved to wwan0: no packet is lost", self.refuted(sabotage))


if __name__ == "__main__":
    unittest.main()
