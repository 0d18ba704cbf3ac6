#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""A home agent is a correspondent node too: for mobile nodes of other home agents, here one that nobody of us wrote.

Breaks when mipflow-had does not answer return routability, does not keep the binding apart from its home registrations, or
can not talk straight with a mobile node that it does not serve.
"""
from support import foreign_nodes
from support.case import main
from support.correspondent_case import CARES, HOMES, STRANGER, CorrespondentCase
from lab import bpffs, daemons

OWN_PREFIX = "2001:db8:900::/64"


class HomeAgentAsCorrespondentNode(CorrespondentCase):
    @classmethod
    def prepare(cls):
        """mipflow-had stands where mipflow-cnd does usually, and serves a home prefix of its own."""
        files = daemons.DaemonFiles(cls.lab.directory / "cn", bpffs.pin_directory(cls.lab.name, "cn"), "had")
        usual = cls.lab.files
        cls.lab.files = lambda node: files if node == "cn" else usual(node)
        changes = {"home-agent-address": cls.lab.correspondent_address, "home-link": "virtual",
                   "prefix": [{"prefix": OWN_PREFIX}],
                   "mobile-node": [{"identifier": daemons.IDENTIFIER, "home-address": "2001:db8:900::10", "spi": daemons.SPI}]}
        cls.lab.home_agent = cls.lab.start_daemon("cn", "mipflow-had", daemons.merged(daemons.home_agent_configuration(files), changes))
        cls.node = foreign_nodes.mobile_node(cls.lab, HOMES, [*CARES, STRANGER])
        cls.addClassCleanup(foreign_nodes.close_mobile_node, cls.node)
        cls.sequences = {}

    def test_registration_data_and_move(self):
        self.bind()
        self.assert_talks()
        self.bind(care_of=CARES[1])
        self.assert_talks(care_of=CARES[1])
        self.wait_until_refused(HOMES[0], CARES[0])

    def test_without_a_binding_the_option_is_refused(self):
        self.wait_until_refused(HOMES[5], CARES[0])
        self.assert_hears_nothing()

    def test_deletion(self):
        tokens = self.bind(HOMES[1], CARES[2])
        self.assert_talks(HOMES[1], CARES[2])
        answer = self.node.deregister(HOMES[1], CARES[2], self.next_sequence(HOMES[1]), tokens[0])
        self.assertEqual((answer.status, answer.authentic), (0, True))
        self.assertNotIn(HOMES[1], {home for home, _, _ in self.bindings()})


if __name__ == "__main__":
    main()
