#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The manual pages say what the programs do: every command and option of --help stands in its page and the other way
round, every key of a configuration file in its page, and the pages are what mandoc takes for good."""

import os
import re
import subprocess
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
BUILD = Path(os.environ.get("MIPFLOW_BUILD", ROOT / "build" / "dev"))
PAGES = ROOT / "docs" / "man"
MIPFLOW = BUILD / "tools" / "mipflow" / "mipflow"
DAEMONS = {"mnd": "mn-core", "had": "home-agent", "cnd": "correspondent-node"}
# Commands whose page is another one, and what they are called there.
ELSEWHERE = {"setup", "run", "decode"}


def help_of(program, *words):
    return subprocess.run([program, *words, "--help"], capture_output=True, text=True, check=True, timeout=60).stdout


def source(name):
    return (PAGES / name).read_text()


def page_commands(text):
    """The words of each `.It Cm word word ...` up to the first macro that is no word."""
    found = set()
    for line in re.findall(r"^\.It Cm (.*)$", text, re.M):
        words = []
        for word in line.split():
            if not re.fullmatch(r"[a-z]+", word):
                break
            words.append(word)
        found.add(" ".join(words))
    return found


def page_options(text):
    return set(re.findall(r"^\.It Fl -([a-z-]+)", text, re.M))


def help_options(text):
    return set(re.findall(r"^\s+(?:-[a-z] \[ )?--([a-z-]+)", text, re.M))


def help_commands():
    lines = re.search(r"\nCommands:\n(.*?)\n\n", help_of(MIPFLOW), re.S).group(1).splitlines()
    return {re.match(r"  ((?:[a-z]+ ?)+?)(?: (?:\[?[A-Z-]{2,}|bash\|)| {2,})", line).group(1).strip() for line in lines}


class ManualTest(unittest.TestCase):
    def test_the_pages_are_well_formed(self):
        pages = sorted(PAGES.glob("*.[158]"))
        self.assertEqual(len(pages), 10)
        for page in pages:
            with self.subTest(page.name):
                done = subprocess.run(["mandoc", "-T", "lint", "-W", "warning", page], capture_output=True, text=True)
                self.assertEqual((done.returncode, done.stdout), (0, ""))

    def test_the_commands_are_those_of_the_page(self):
        listed = help_commands()
        self.assertIn("policy user set", listed)
        self.assertEqual(page_commands(source("mipflow.1")) - ELSEWHERE, listed - ELSEWHERE)

    def test_the_options_are_those_of_the_page(self):
        options = set()
        for command in sorted(help_commands() - ELSEWHERE):
            options |= help_options(help_of(MIPFLOW, *command.split()))
        self.assertIn("keep-if-better", options)
        self.assertEqual(page_options(source("mipflow.1")), options)

    def test_a_command_has_the_options_that_its_line_in_the_page_names(self):
        common = help_options(help_of(MIPFLOW))
        lines = re.findall(r"^\.It Cm (.*)$", source("mipflow.1"), re.M)
        for command in sorted(help_commands() - ELSEWHERE):
            line = next(line for line in lines if re.match(command + r"( [^a-z]| [a-z]+ \||$)", line))
            with self.subTest(command):
                self.assertEqual(set(re.findall(r"Fl -([a-z-]+)", line)), help_options(help_of(MIPFLOW, *command.split())) - common)

    def test_the_options_of_run(self):
        self.assertEqual(page_options(source("mipflow-run.1")), help_options(help_of(MIPFLOW, "run")) | {"help"})

    def test_the_options_of_setup(self):
        self.assertEqual(page_options(source("mipflow-setup.1")), help_options(help_of(MIPFLOW, "setup")))
        self.assertEqual(page_commands(source("mipflow-setup.1")), {"setup"})

    def test_the_options_of_the_daemons(self):
        for brief, folder in DAEMONS.items():
            with self.subTest(brief):
                program = BUILD / folder / "daemon" / f"mipflow-{brief}"
                self.assertEqual(page_options(source(f"mipflow-{brief}.8")), help_options(help_of(program)))

    def test_the_keys_of_the_configuration(self):
        readers = "".join(path.read_text() for path in (ROOT / "platform" / "src").glob("configuration*"))
        for brief in DAEMONS:
            example = (ROOT / "packaging" / "etc" / f"{brief}.toml").read_text()
            keys = set(re.findall(r"^(?:# )?([a-z][a-z-]*) = ", example, re.M))
            named = {key for line in re.findall(r"^\.It Cm (.*)$", source(f"{brief}.toml.5"), re.M) for key in line.split(" , ")}
            with self.subTest(brief):
                self.assertGreater(len(keys), 5)
                self.assertEqual(keys - named, set(), "are in the example, and not in the page")
                self.assertEqual({key for key in named if f'"{key}"' not in readers}, set(), "are in the page, and nothing reads them")

    def test_the_keys_of_a_policy(self):
        readers = "".join(path.read_text() for path in (ROOT / "flow-separator" / "src").glob("*"))
        named = {key for line in re.findall(r"^\.It Cm (.*)$", source("mipflow-policy.5"), re.M) for key in line.split(" , ")}
        self.assertEqual({key for key in named if f'"{key}"' not in readers}, set(), "are in the page, and nothing reads them")
        described = (ROOT / "docs" / "policy.md").read_text()
        tables = described.split("\n## Keys of ")[1:]
        keys = {key for table in tables for key in re.findall(r"^\| `([a-z-]+)` \|", table, re.M)}
        self.assertIn("home-address", keys)
        self.assertEqual(keys - named, set(), "are in docs/policy.md, and not in the page")


if __name__ == "__main__":
    unittest.main()
