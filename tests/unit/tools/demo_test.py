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
        titles = [phase["title"] for phase in report["phases"]]
        self.assertEqual(titles[:4], ["at first", "moved to wwan0", "moved back", "cable of wlan0 cut"])
        self.assertEqual(len(titles), 6)
        udp = [item for item in report["flows"] if item["flow"] == "UDP"]
        self.assertEqual([item["path"] for item in udp], ["tunnel"] * 4 + ["direct"] * 2)
        self.assertEqual([item["interface"] for item in udp[:4]], ["wlan0", "wwan0", "wlan0", "wwan0"])
        self.assertEqual({item["interface"] for item in udp[4:]}, {"wlan0", "wwan0"})
        self.assertEqual(titles[5], f"straight, moved to {udp[5]['interface']}")
        self.assertGreater(min(item["packets"][item["interface"]] for item in udp), 1000)
        for part in (titles[:4], titles[4:]):
            self.assertEqual(len({item["home_address"] for item in report["flows"] if item["phase"] in part}), 2)

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
        refuted = self.refuted(sabotage)
        self.assertIn("UDP moved to wwan0: all its packets use wwan0", refuted)
        self.assertTrue(any(claim.startswith("UDP straight, moved to") and "all its packets use" in claim for claim in refuted), refuted)

    def test_packets_that_are_lost_and_a_policy_that_changes_its_mind(self):
        def sabotage(lab, story):
            through_tunnel, straight = story.parts
            tunnel_act, straight_act = through_tunnel.run_act, straight.run_act
            def lose():
                # For a moment the core router knows no way to the correspondent node.
                if through_tunnel.acts[-1].title == "moved to wwan0":
                    lab.nodes["core"].ip("route add blackhole 2001:db8:300::10/128")
                    time.sleep(0.1)
                    lab.nodes["core"].ip("route delete blackhole 2001:db8:300::10/128")
                tunnel_act()
            def go_back():
                # The last part's flows have to leave the direct way.
                if straight.acts[-1].target:
                    (lab.files("mn").policy_directory / "50-lab.toml").write_text('[default]\nroute-optimization = "no"\n')
                    lab.mipflow_run("policy", "reload")
                straight_act()
            through_tunnel.run_act, straight.run_act = lose, go_back
        refuted = self.refuted(sabotage)
        self.assertIn("UDP moved to wwan0: no packet is lost", refuted)
        self.assertIn("the UDP flow goes straight to the correspondent node, not through the home agent", refuted)


if __name__ == "__main__":
    unittest.main()
