#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Dynamic home agent address discovery (RFC 6275 §10.5) with two home agents on one home link, see support/two_home_agents.py.

Breaks when a home agent does not answer at the anycast address, does not hear the other one, lists them in another order than
their preferences say, or goes on to name one that is gone.
"""
from support.case import main
from support.two_home_agents import AGENTS, ANYCAST, BEST_FIRST, TwoHomeAgentsCase


class AgentDiscovery(TwoHomeAgentsCase):
    @classmethod
    def prepare(cls):
        pass  # nobody is mobile

    def test_1_both_name_both_the_preferred_one_first(self):
        for address, _ in AGENTS.values():
            self.wait(lambda: self.ask(address) == (address, BEST_FIRST), f"the list of {address}", 15)
        source, found = self.ask(ANYCAST)
        self.assertIn(source, BEST_FIRST)
        self.assertEqual(found, BEST_FIRST)

    def test_2_one_that_stops_to_be_a_home_agent_is_named_no_more(self):
        self.pull_the_plug("ha2")
        own = AGENTS["ha"][0]
        self.wait(lambda: self.ask(own) == (own, [own]), "the end of the other's entry", 20)
        self.wait(lambda: self.ask(ANYCAST) == (own, [own]), "an answer at the anycast address", 20)


if __name__ == "__main__":
    main()
