#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""A mobile node of the same home agent, with a right key of its own, steals nobody's home address and speaks for nobody.

It is a script with a second security association. Everything that it signs is authentic: only the questions that come behind
authentication can refuse it. At the end it does what it may, and is served.

Seen to fail with these switched off, all in one build, in home-agent/src/registration_checks.cpp: check_owner(), is_primary() and
check_care_of_address(). Then home addresses of others, care-of addresses that lead back, and what is compared behind them failed.
"""
from support import forge
from support.attack_case import AttackCase
from support.attacker import derived_key
from support.case import main
from support.namespaces import udp_socket
from judge import dissect as d
from lab import daemons

THIEF, THIEF_SPI, THIEF_HOME, THIEF_KEY = "thief@example.org", 4097, "2001:db8:100::66", bytes(range(32))
ABSENT, ABSENT_HOME, ABSENT_SPI = "absent@example.org", "2001:db8:100::77", 4098
PROHIBITED, INVALID_CARE_OF, NOT_HOME_AGENT, TAKEN = 129, 174, 133, 134


class RogueMobileNode(AttackCase):
    @classmethod
    def prepare(cls):
        associations = cls.lab.directory / "three-associations.toml"
        associations.touch(mode=0o600)
        daemons.protect_keys(associations)
        keys = {(daemons.IDENTIFIER, daemons.SPI): cls.lab.key.hex(), (THIEF, THIEF_SPI): THIEF_KEY.hex(), (ABSENT, ABSENT_SPI): bytes(32).hex()}
        associations.write_text(daemons.toml({"association": [{"identifier": name, "spi": spi, "key": key} for (name, spi), key in keys.items()]}))
        cls.home_agent_changes = {"security-associations": associations, "mobile-node": [
            {"identifier": daemons.IDENTIFIER, "home-address": cls.lab.home_address, "spi": daemons.SPI},
            {"identifier": THIEF, "home-address": THIEF_HOME, "spi": THIEF_SPI},
            {"identifier": ABSENT, "home-address": ABSENT_HOME, "spi": ABSENT_SPI}]}
        super().prepare()
        cls.home_link = cls.lab.wire("ha", "home0")

    def signed(self, home_address, sequence=1, **more):
        """A Binding Update of the thief's, signed as his own would be."""
        key = THIEF_KEY if home_address == THIEF_HOME else derived_key(THIEF_KEY, THIEF_HOME, home_address)
        options = {"identifier": THIEF, "spi": THIEF_SPI, "stamp": forge.timestamp(), "key": key, **more}
        return forge.binding_update(self.attacker.address, self.agent, home_address, sequence, **options)

    def answers(self, home_address):
        return [m.status for f, m in self.home_link.messages(d.BA, home_address) if d.name(f.outer.destination) == self.attacker.address]

    def assert_refused(self, name, packet, home_address, status):
        """`status` None: not a word."""
        with self.subTest(name):
            before, answered, count = self.state(), len(self.answers(home_address)), self.counted("ha")
            self.attacker.send(packet)
            if status is not None:
                self.wait(lambda: len(self.answers(home_address)) > answered, f"an answer to: {name}", 5)
                self.assertEqual(self.answers(home_address)[-1], status)
            else:
                self.wait(lambda: self.counted("ha") > count, "a counter that noticed", 3)
                self.assertEqual(len(self.answers(home_address)), answered)
            self.assertIsNotNone(self.client.ask(), "the live flow suffered")
            self.assertEqual(self.state(), before)

    def test_home_addresses_of_others(self):
        spare = next(a for a, h in self.home_addresses().items() if h["state"] == "spare")
        new = self.last_sequence() + 10
        cases = [("a live home address", self.home_address, {}, TAKEN), ("a spare one", spare, {}, TAKEN),
                 ("a Primary Home Address", self.lab.home_address, {}, TAKEN),
                 ("the Primary Home Address of somebody who is not bound", ABSENT_HOME, {}, PROHIBITED),
                 ("the home agent's own address", self.agent, {}, TAKEN),
                 ("an anycast address", "2001:db8:100::", {}, PROHIBITED),
                 ("de-registration of a live home address", self.home_address, {"lifetime": 0}, NOT_HOME_AGENT),
                 ("de-registration of all by the Primary Home Address", self.lab.home_address, {"lifetime": 0}, NOT_HOME_AGENT)]
        for name, home_address, more, status in cases:
            self.assert_refused(name, self.signed(home_address, new, **more), home_address, status)

    def test_the_others_identifier(self):
        new = self.last_sequence() + 10
        for name, more in {"the other's identifier": {"identifier": daemons.IDENTIFIER}, "the other's SPI": {"spi": daemons.SPI},
                           "both": {"identifier": daemons.IDENTIFIER, "spi": daemons.SPI}}.items():
            with self.subTest(name):
                before, count = self.state(), self.counted("ha")
                self.attacker.send(self.signed(self.home_address, new, **more))
                self.wait(lambda: self.counted("ha") > count, "a counter that noticed", 3)
                self.assertIsNotNone(self.client.ask())
                self.assertEqual(self.state(), before)

    def test_care_of_addresses_that_lead_back(self):
        for name, care_of in {"care-of address that is a home address": self.home_address, "care-of address that is the home agent": self.agent,
                              "care-of address that is his own home address": THIEF_HOME}.items():
            with self.subTest(name):
                before = self.state()
                count = len(self.home_link.messages(d.BA, THIEF_HOME))
                self.attacker.send(self.signed(THIEF_HOME, 5, care_of_address=care_of))
                # The answer goes where the question came from, or nowhere; it never says that it was accepted.
                self.wait(lambda: self.counted("ha") and self.lab.mipflow("status", node="ha"), "the home agent", 3)
                statuses = [m.status for _, m in self.home_link.messages(d.BA, THIEF_HOME)[count:]]
                self.assertTrue(all(status == INVALID_CARE_OF for status in statuses), statuses)
                self.assertNotIn(THIEF_HOME, self.home_agent_bindings())
                self.assertEqual(self.state(), before)

    def test_y_what_he_may(self):
        """Control, and what he can do from there: nothing in the other's name."""
        free = "2001:db8:100::6666"
        for home_address in (THIEF_HOME, free):
            self.attacker.send(self.signed(home_address, 10))
            self.wait(lambda h=home_address: self.home_agent_bindings().get(h, ("",))[0] == self.attacker.address, f"his own {home_address}", 5)
        there = udp_socket(self.correspondent, self.lab.correspondent_address)
        self.addCleanup(there.close)
        there.settimeout(3)
        port = there.getsockname()[1]
        before = self.state()
        wrong = forge.udp(self.home_address, self.lab.correspondent_address, 4444, port, b"in the other's name")
        option = forge.ipv6(self.attacker.address, self.agent, 60, forge.home_address_option(17, self.home_address) +
                            forge.udp(self.home_address, self.agent, 4444, port)[40:])
        right = forge.udp(free, self.lab.correspondent_address, 4444, port, b"in his own name")
        count = self.counted("ha")
        for packet in (forge.tunnelled(self.attacker.address, self.agent, wrong), option, forge.tunnelled(self.attacker.address, self.agent, right)):
            self.attacker.send(packet)
        self.assertEqual(there.recvfrom(2000)[0], b"in his own name")
        self.wait(lambda: self.counted("ha") >= count + 2, "counters that noticed", 3)
        self.assertEqual(self.state(), before)
        # A home address that he had and gave back is free for others; one that he never had is not his to give back.
        self.attacker.send(self.signed(free, 11, lifetime=0))
        self.wait(lambda: free not in self.home_agent_bindings(), "his own, given back", 5)


if __name__ == "__main__":
    main()
