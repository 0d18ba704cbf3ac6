#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the packages say twice is the same twice: what a build needs (packaging/debian/control and tools/dependencies.txt), and
the version (packaging/debian/changelog and CMakeLists.txt)."""

import re
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
DEBIAN = ROOT / "packaging" / "debian"


def section(name):
    """The packages of a section of tools/dependencies.txt."""
    body = re.search(rf"^\[{name}\]$(.*?)(?=^\[|\Z)", (ROOT / "tools" / "dependencies.txt").read_text(), re.M | re.S).group(1)
    return {line.split()[0] for line in body.splitlines() if line.strip() and not line.startswith("#")}


class Packaging(unittest.TestCase):
    def test_what_a_build_needs(self):
        field = re.search(r"^Build-Depends:(.*?)^\S", (DEBIAN / "control").read_text(), re.M | re.S).group(1)
        named = {re.sub(r"\s*\(.*?\)", "", item).strip() for item in field.split(",")}
        self.assertIn("cmake", named)
        self.assertEqual(named - {"debhelper-compat"}, section("build"))
        self.assertIn("debhelper", section("package"))

    def test_version(self):
        version = re.search(r"^project\(mipflow VERSION ([0-9.]+)", (ROOT / "CMakeLists.txt").read_text(), re.M).group(1)
        self.assertEqual(re.match(r"mipflow \(([^)]*)\)", (DEBIAN / "changelog").read_text()).group(1), version)
        library = (ROOT / "libmipflow" / "CMakeLists.txt").read_text()
        self.assertEqual(re.search(r"\bSOVERSION (\d+)", library).group(1), re.search(r"^Package: libmipflow(\d+)$", (DEBIAN / "control").read_text(), re.M).group(1))

    def test_every_package_says_what_it_installs(self):
        packages = set(re.findall(r"^Package: (\S+)$", (DEBIAN / "control").read_text(), re.M))
        self.assertEqual(packages, {path.stem for path in DEBIAN.glob("*.install")})


if __name__ == "__main__":
    unittest.main()
