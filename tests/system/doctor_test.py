#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""What `mipflow doctor` makes of three things that users have: a network that blocks the way to the home agent, a key that is another
one at one end, and a home agent that does not exist. Each finding has to say what is wrong, where, and what to do; and once that has
been done, it has to be gone.

Breaks when a cause is called by another one's name, when its place (interface, address, mobile node, file) is not told, or when a
finding stays although its cause has gone.
"""
import json

from support.case import SystemCase, main  # before lab: it knows where that is
from support.traffic import Stream
from lab.daemons import IDENTIFIER, SPI, new_key

ASSOCIATION = f"{IDENTIFIER} with SPI {SPI}"
NOBODY = "2001:db8:100::dead"
FIREWALL = "add table inet portal\nadd chain inet portal through { type filter hook forward priority 0; policy drop; }\n"
NO_FIREWALL = "table inet portal\ndelete table inet portal\n"


class DoctorCase(SystemCase):
    def findings(self, node="mn"):
        """[(check, result, text, advice)] of what is not good."""
        done = self.lab.mipflow_run("--json", "doctor", node=node, check=False)
        return [tuple(finding[key] or "" for key in ("check", "result", "text", "advice"))
                for finding in json.loads(done.stdout)["findings"] if finding["result"] in ("warning", "error")]

    def found(self, check, words, node="mn", timeout=40):
        """The finding of this subject whose text has these words, as soon as there is one."""
        def find():
            return next((finding for finding in self.findings(node) if finding[0] == check and words in finding[2]), None)
        return self.wait(find, f"the doctor of {node} to say of {check}: {words}", timeout)

    def gone(self, words, node="mn", timeout=60):
        self.wait(lambda: not any(words in finding[2] for finding in self.findings(node)), f"the end of: {words}", timeout)


class BlockedUplinks(DoctorCase):
    """Their routers answer, and let nothing through."""
    policy = '[default]\ninterfaces = ["wlan0", "wwan0"]\n'

    def firewall(self, node, rules):
        self.lab.nodes[node].run(["nft", "-f", "-"], text_input=rules)

    def test_first_one_then_both_then_none(self):
        self.wait(lambda: all(i["online"] for i in self.lab.mipflow("interface", "list")), "both interfaces online", 40)
        # With packets to carry it is noticed in seconds instead of minutes.
        stream = Stream(self.lab.namespace("mn"), self.lab.namespace("cn"), self.lab.correspondent_address)
        self.addCleanup(stream.finish, 0)
        self.assertTrue(stream.wait_for_packets())
        self.firewall("wlan", FIREWALL)
        *_, text, advice = self.found("wlan0", "the home agent does not answer over it")
        self.assertIn("captive portal to log in at over wlan0", advice)
        self.assertIn(f"ping -I wlan0 {self.lab.home_agent_address}", advice)
        others = [finding for finding in self.findings() if finding[0] in ("daemon", "wwan0")]
        self.assertEqual(others, [], "one blocked network is another one's fault")

        self.firewall("wwan", FIREWALL)
        _, result, text, _ = self.found("daemon", "is not heard any more over wlan0, wwan0")
        self.assertEqual(result, "warning")
        self.assertIn(self.lab.home_agent_address, text)
        self.assertRegex(text, "captive portal|firewall")
        self.assertEqual([finding[3] for finding in self.findings() if finding[0] in ("wlan0", "wwan0")], ["", ""], "one of them is blamed")

        for node in ("wlan", "wwan"):
            self.firewall(node, NO_FIREWALL)
        self.gone("is not heard any more")
        self.gone("does not answer over it")


class AnotherKey(DoctorCase):
    @classmethod
    def prepare(cls):
        cls.lab.start_home_agent()
        cls.lab.change_key(new_key())
        cls.lab.start_mobile_node()

    def test_both_ends_say_whose_key_until_it_is_the_same(self):
        _, _, text, _ = self.found("daemon", "can not be verified")
        self.assertIn(f"it has another key than this host for {ASSOCIATION}", text)
        self.assertIn(self.lab.home_agent_address, text)
        self.assertIn("security-associations.toml at both ends", text)
        self.found("daemon", "the Primary Home Address is not registered")
        _, _, text, _ = self.found("daemon", "with a wrong authenticator", node="ha")
        self.assertIn(f"Binding Updates of {ASSOCIATION} come from ", text)
        self.assertTrue(any(self.lab.care_of_address(name) in text for name in ("wlan0", "wwan0")), text)
        self.assertIn("security-associations.toml at both ends", text)

        self.lab.files("ha").write_associations(self.lab.key.hex(), {})
        self.lab.mipflow("reload", node="ha")
        self.gone("can not be verified")
        self.gone("not registered")
        self.gone("authenticator", node="ha")


class NobodyThere(DoctorCase):
    @classmethod
    def prepare(cls):
        cls.lab.start_mobile_node({"home-agent": NOBODY})

    def test_an_address_that_nobody_has(self):
        _, _, text, _ = self.found("daemon", f"Nothing comes back from the home agent {NOBODY} over wlan0, wwan0")
        self.assertIn("check that home-agent in mnd.toml is its address", text)
        self.assertIn("captive portal", text)
        self.found("daemon", "the Primary Home Address is not registered")


class NoDaemonThere(DoctorCase):
    @classmethod
    def prepare(cls):
        cls.lab.start_mobile_node()

    def test_a_host_that_is_no_home_agent_until_it_is_one(self):
        _, _, text, _ = self.found("daemon", f"The host of the home agent {self.lab.home_agent_address} answers pings")
        self.assertIn(f"whether mipflow-had runs and knows {ASSOCIATION}", text)
        self.lab.start_home_agent()
        self.gone("answers pings")
        self.gone("not registered")


if __name__ == "__main__":
    main()
