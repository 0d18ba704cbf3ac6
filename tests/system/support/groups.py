# SPDX-License-Identifier: GPL-3.0-or-later
"""Control groups of the host that the tests run on."""

import os
import pathlib
import unittest


def cgroup_root():
    """The root of the cgroup v2 hierarchy. Skips the test where there is none, or none that can be written to."""
    for line in pathlib.Path("/proc/self/mountinfo").read_text().splitlines():
        words = line.split()
        if words[words.index("-") + 1] == "cgroup2" and "rw" in words[5].split(",") and os.access(words[4], os.W_OK):
            return pathlib.Path(words[4])
    raise unittest.SkipTest("this host has no cgroup v2 that can be written to")
