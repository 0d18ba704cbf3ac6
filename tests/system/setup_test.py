#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""mipflow setup from nothing to a laptop with a home address: a home agent and its mobile node are set up, each with nothing but
what setup printed at the other end, the daemons start with these files, and packets go through. Then the secret changes.

Breaks when setup writes what a daemon does not take, or prints for the other end what does not fit.
"""
import json
import shlex
import stat
import unittest

from support.case import BUILD, HOME_PREFIX, SystemLab, main, wait_until

NAME = "alice@example.org"


class Setup(unittest.TestCase):
    def setUp(self):
        self.lab = self.enterContext(SystemLab(BUILD))
        for node in ("ha", "mn"):
            self.lab.files(node).prepare()

    def setup_of(self, node, *words, text_input=None, check=True):
        files = self.lab.files(node)
        command = [self.lab.program("mipflow"), "setup", *words, "--directory", files.directory, "--socket", files.socket, "--yes", "--json"]
        done = self.lab.run(node, command, text_input=text_input, check=check)
        # This machine need not have the group that may read the keys; the lab's daemons have a number.
        if files.associations.exists():
            self.mode_of_keys = stat.S_IMODE(files.associations.stat().st_mode)
            files.protect_associations()
        return json.loads(done.stdout)

    def start(self, node, program):
        """With the files that are there, and no others."""
        files = self.lab.files(node)
        process = self.lab.start(node, [self.lab.program(program), *files.arguments()], files.log)

        def answers():
            process.expect_running()
            return self.lab.mipflow_run("status", node=node, check=False).returncode == 0
        wait_until(answers, f"the control socket of {program}")
        return process

    def add_mobile_node(self):
        """Returns what the mobile node's user has to type, and the secret."""
        result = self.setup_of("ha", "add-mobile-node", "--identifier", NAME, "--home-address", self.lab.home_address, "--generate-secret")
        self.assertTrue(result["secret_is_new"])
        command, association = (paste["text"] for paste in result["for_other_end"])
        secret = next(line for line in association.splitlines() if line.startswith("key")).split('"')[1]
        words = shlex.split(command)
        self.assertEqual(words[:2], ["mipflow", "setup"])
        return words[2:], secret

    def set_up_mobile_node(self):
        words, secret = self.add_mobile_node()
        self.lab.mipflow("reload", node="ha")
        self.setup_of("mn", *words, "--secret-file", "-", text_input=secret + "\n")

    def test_from_nothing_to_a_home_address(self):
        self.setup_of("ha", "home-agent", "--home-agent", self.lab.home_agent_address, "--home-link", "home0", "--home-prefix", HOME_PREFIX)
        self.lab.home_agent = self.start("ha", "mipflow-had")
        self.set_up_mobile_node()
        keys = self.lab.files("mn").associations
        self.assertIn(self.mode_of_keys, (0o600, 0o640))
        self.assertEqual(keys.read_text().count("[[association]]\nidentifier"), 1)
        self.lab.mobile_node = self.start("mn", "mipflow-mnd")
        self.lab.wait_registered()
        self.lab.run("mn", ["ping", "-c", "3", "-i", "0.2", self.lab.correspondent_address])

        # The home agent changes the secret; the mobile node is told, and starts anew with it.
        before = keys.read_text()
        self.set_up_mobile_node()
        self.assertNotEqual(keys.read_text(), before)
        self.assertEqual(keys.with_name(keys.name + ".old").read_text(), before)
        self.assertEqual(self.lab.mobile_node.stop(), 0)
        self.lab.mobile_node = self.start("mn", "mipflow-mnd")
        self.lab.wait_registered()
        self.lab.run("mn", ["ping", "-c", "1", self.lab.correspondent_address])

    def test_a_home_agent_that_does_not_run_is_said_how_to_start(self):
        made = self.setup_of("ha", "home-agent", "--home-agent", self.lab.home_agent_address, "--home-link", "nolink0")
        self.assertIn("systemctl enable --now mipflow-had", " ".join(made["notes"]))
        self.assertIn("There is no interface nolink0", " ".join(made["notes"]))


if __name__ == "__main__":
    main()
