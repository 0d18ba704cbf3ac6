#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""systemd itself says how much the units of the daemons may do: an exposure of at most 3.0 of 10."""

import os
import pathlib
import subprocess
import unittest

UNITS = pathlib.Path(os.environ["MIPFLOW_BUILD"]) / "packaging"
MOST_EXPOSURE = 30  # tenths


class ServiceUnits(unittest.TestCase):
    def test_exposure(self):
        units = sorted(UNITS.glob("mipflow-*.service"))
        self.assertEqual([unit.stem for unit in units], ["mipflow-cnd", "mipflow-had", "mipflow-mnd"])
        for unit in units:
            with self.subTest(unit.name):
                done = subprocess.run(["systemd-analyze", "security", "--offline=yes", "--no-pager", f"--threshold={MOST_EXPOSURE}", unit],
                                      capture_output=True, text=True, timeout=60)
                self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
                self.assertIn("Overall exposure level", done.stdout)


if __name__ == "__main__":
    unittest.main(verbosity=2)
