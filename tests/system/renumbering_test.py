#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The home network gets another prefix, and the one that it had drains: topology in tools/lab/__init__.py.

Breaks when an advertisement that nobody asked for is not followed by a question, when new flows still get what is deprecated,
or when a flow ends before its prefix does.
"""
from support.case import HOME_PREFIX, SystemCase, main
from support.traffic import UdpEcho, UdpFlow

from lab import daemons

NEW_PREFIX = "2001:db8:101::/64"


class Renumbering(SystemCase):
    def flow_to(self, echo):
        flow = UdpFlow(self.lab.namespace("mn"), echo.address, echo.port)
        self.addCleanup(flow.close)
        self.assertIsNotNone(flow.ask())
        return flow

    def under(self, prefix, **wanted):
        start = prefix.removesuffix("::/64") + ":"
        return [h for a, h in self.home_addresses().items()
                if a.startswith(start) and all(h[key] == value for key, value in wanted.items())]

    def test_the_old_prefix_drains_and_the_new_one_is_taken_up(self):
        echo = UdpEcho(self.lab.namespace("cn"), self.lab.correspondent_address)
        self.addCleanup(echo.close)
        old = self.flow_to(echo)
        before = self.flow(old.port)["home_address"]
        self.assertTrue(before.startswith("2001:db8:100:"), before)

        self.lab.nodes["core"].ip(f"address add {NEW_PREFIX.replace('::/', '::1/')} dev home0 nodad")
        files = self.lab.files("ha")
        files.write_configuration(daemons.merged(daemons.home_agent_configuration(files), {
            "prefix": [{"prefix": HOME_PREFIX, "preferred": 0, "valid": "1h"}, {"prefix": NEW_PREFIX}]}))
        self.lab.mipflow_run("reload", node="ha")

        self.wait(lambda: len(self.under(NEW_PREFIX, state="spare")) == 2, "two spares below the new prefix", 45)
        self.wait(lambda: not self.under(HOME_PREFIX, state="spare"), "the end of the spares below the old prefix")
        self.assertTrue(self.home_addresses()[before]["deprecated"])

        new = self.flow_to(echo)
        self.assertTrue(self.flow(new.port)["home_address"].startswith("2001:db8:101:"))
        # The flow of before goes on, and moves.
        self.assertIsNotNone(old.ask())
        self.move(self.flow(old.port)["id"], "wwan0")
        self.wait_settled()
        self.assertIsNotNone(old.ask())
        self.assertEqual(self.flow(old.port)["home_address"], before)


if __name__ == "__main__":
    main()
