#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""docs/seed-map.md and docs/rfc-map.md lead from a figure or section to the function and the test. This test follows
every row: a row that names a function or a test that does not exist, or that leaves both out without saying what is
not done, fails.

A row is   | section | what it says | `file:function` ... | `file:test case` ... | not done |
"""

import re
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
MAPS = ("docs/seed-map.md", "docs/rfc-map.md")
REFERENCE = re.compile(r"`([^`]+)`")


def rows(text):
    """(line number, cells) of every row of every table; headings and their rules are left out."""
    for number, line in enumerate(text.splitlines(), start=1):
        if line.startswith("|") and not re.fullmatch(r"[|:\- ]+", line):
            cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
            if cells[2] != "Function":
                yield number, cells


def reference_problem(root, reference, is_test):
    """What is wrong with `file:name`, or None."""
    path, colon, name = reference.partition(":")
    if not colon or not name:
        return f"{reference}: is not of the form file:name"
    file = root / path
    if not file.is_file():
        return f"{reference}: there is no file {path}"
    text = file.read_text()
    if is_test:
        # The name of a C++ test case may be split over lines by the formatter, so white space and quotes do not count.
        if re.sub(r'["\s]+', " ", name) not in re.sub(r'["\s]+', " ", text):
            return f"{reference}: {path} has no test of this name"
    elif not re.search(rf"\b(?:class|struct)\s+{re.escape(name)}\b|(?<![\w.>]){re.escape(name)}\s*[({{=]", text):
        return f"{reference}: {path} has no function or class of this name"
    return None


def row_problems(root, cells):
    if len(cells) != 5:
        return [f"has {len(cells)} cells instead of 5"]
    _, _, functions, tests, not_done = cells
    problems = []
    for cell, is_test in ((functions, False), (tests, True)):
        references = REFERENCE.findall(cell)
        if not references and not not_done:
            problems.append(f"names no {'test' if is_test else 'function'} and does not say what is not done")
        problems += filter(None, (reference_problem(root, reference, is_test) for reference in references))
    return problems


class MapsTest(unittest.TestCase):
    def test_every_row_leads_somewhere(self):
        for name in MAPS:
            found = list(rows((ROOT / name).read_text()))
            self.assertGreater(len(found), 5, name)
            for number, cells in found:
                with self.subTest(row=f"{name}:{number}"):
                    self.assertEqual(row_problems(ROOT, cells), [])


class SecurityTest(unittest.TestCase):
    def test_the_tests_of_every_protection_are_there(self):
        rows = [line for line in (ROOT / "SECURITY.md").read_text().splitlines() if line.startswith("| ") and line.count("|") == 5]
        self.assertGreater(len(rows), 10)
        for row in rows[1:]:
            named = re.findall(r"`((?:system|unit|datapath|conformance)/[^`]*)`", row.split("|")[4])
            self.assertTrue(named, f"no test: {row}")
            for test in named:
                self.assertTrue((ROOT / "tests" / test).exists(), f"SECURITY.md: there is no tests/{test}")


class RowProblemsTest(unittest.TestCase):
    """The search finds what it is meant to find."""

    here = Path(__file__).relative_to(ROOT)

    def problems(self, functions, tests, not_done=""):
        return row_problems(ROOT, ["1", "text", functions, tests, not_done])

    def test_a_right_row(self):
        self.assertEqual(self.problems(f"`{self.here}:row_problems`", f"`{self.here}:test_a_right_row`"), [])

    def test_wrong_rows(self):
        good = f"`{self.here}:rows`"
        missing = "no_such_" + "name"
        self.assertEqual(len(self.problems(f"`{self.here}:{missing}`", good)), 1)
        self.assertEqual(len(self.problems(good, f"`{self.here}:{missing}`")), 1)
        self.assertEqual(len(self.problems("`no/such/file.cpp:name`", good)), 1)
        self.assertEqual(len(self.problems(f"`{self.here}`", good)), 1)
        self.assertEqual(len(self.problems("", good)), 1)
        self.assertEqual(len(self.problems("", "")), 2)
        self.assertEqual(self.problems("", "", "all of it"), [])
        self.assertEqual(len(row_problems(ROOT, ["1", "2"])), 1)

    def test_headings_are_no_rows(self):
        table = "| Section | Says | Function | Test | Not done |\n|---|---|---|---|---|\n| 1 | a | b | c | d |\n"
        self.assertEqual(list(rows(table)), [(3, ["1", "a", "b", "c", "d"])])


if __name__ == "__main__":
    unittest.main()
