# SPDX-License-Identifier: GPL-3.0-or-later
"""What attacks on a mobile node and its home agent have in common: everything that they could change, before and after."""
from . import forge
from .attacker import Attacker, derived_key
from .case import SystemCase, d
from .traffic import UdpEcho, UdpFlow

from lab.daemons import IDENTIFIER, SPI  # noqa: E402 - .case tells where the lab is

# What every message counts, also a welcome one. An attack has to be noticed by another counter than these.
ORDINARY = {"binding-updates", "binding-updates-accepted", "binding-created", "binding-moved", "binding-deleted", "prefix-solicitations",
            "datapath-signalling", "datapath-tunnelled_in", "datapath-tunnelled_out", "datapath-flows_closed", "interface-usable",
            "registered"}


class AttackCase(SystemCase):
    """A mobile node with a live flow over wlan0, a home agent, and somebody in the Internet who may write any source address."""

    maxDiff = None  # a diff that is cut says nothing about what an attack did
    # Nothing changes by itself while somebody looks whether an attack did: not the pool, not what is known of the interfaces, and no
    # flow that lasts asks its correspondent node for a direct path; that one has attacks of its own (route_optimization_attack_test.py).
    mobile_node_changes = {"home-addresses": {"rest": 0}, "interfaces": {"probe": False}, "route-optimization": False}

    captures = {}  # {interface: WireCapture} of the mobile node, where a class wants them

    @classmethod
    def prepare(cls):
        super().prepare()
        cls.attacker = Attacker(cls.lab)
        cls.addClassCleanup(cls.attacker.close)

    def setUp(self):
        self.node, self.correspondent = self.lab.namespace("mn"), self.lab.namespace("cn")
        echo = UdpEcho(self.correspondent, self.lab.correspondent_address)
        self.addCleanup(echo.close)
        self.client = UdpFlow(self.node, echo.address, echo.port)
        self.addCleanup(self.client.close)
        self.assertIsNotNone(self.client.ask())
        listed = self.flow(self.client.port)
        self.flow_id, self.home_address = listed["id"], listed["home_address"]
        if listed["interface"] != "wlan0":
            self.move(self.flow_id, "wlan0")
        self.wait(lambda: self.lab.mipflow("status")["spares"] >= 2, "a full pool")
        self.wait_settled()
        self.primary_key = self.lab.key
        self.agent, self.care_of = self.lab.home_agent_address, self.lab.care_of_address("wlan0")

    def key(self, home_address):
        return self.primary_key if home_address == self.lab.home_address else derived_key(self.primary_key, self.lab.home_address, home_address)

    def state(self):
        """Everything that an attacker could want to change, but for the sequence numbers."""
        home_agent = {(b["home_address"], b["care_of_address"], b["state"]) for b in self.lab.mipflow("binding", "list", node="ha")}
        own = {(b["home_address"], b["care_of_address"], b["state"]) for b in self.lab.mipflow("binding", "list")}
        addresses = {(a, h["state"], h["interface"]) for a, h in self.home_addresses().items()}
        interfaces = {(i["name"], i["usable"], i["mtu"]) for i in self.lab.mipflow("interface", "list")}
        return home_agent, own, addresses, interfaces

    def sequences(self):
        """The last sequence number of every home address, as each end has it."""
        return {(node, b["home_address"]): b["sequence"] for node in ("mn", "ha") for b in self.lab.mipflow("binding", "list", node=node)}

    def counted(self, node):
        return sum(count for name, count in self.lab.mipflow("counters", node=node).items() if name not in ORDINARY)

    def assert_changes_nothing(self, name, packet, node, sender=None, counted=True, answers=(), refreshes=0):
        """`answers` are (home address, status) that have to be seen as acknowledgements instead of silence. `refreshes`: so often every
        binding may be refreshed as it is."""
        with self.subTest(name):
            before, count = self.state(), self.counted(node)
            sequences = self.sequences()
            for one in packet if isinstance(packet, list) else [packet]:
                (sender or self.attacker).send(one)
            if counted:
                self.wait(lambda: self.counted(node) > count, f"a counter of {node} that noticed", 10)
            for answer in answers:
                self.wait(lambda: answer in self.statuses(), f"acknowledgement {answer}", 3)
            self.assertIsNotNone(self.client.ask(), "the live flow suffered")
            if refreshes:
                self.wait_settled()
            self.assertEqual(self.state(), before)
            for address, sequence in self.sequences().items():
                self.assertLessEqual((sequence - sequences[address]) % 2**16, refreshes, f"sequence number of {address}")
            self.assertTrue(self.lab.mobile_node.running() and self.lab.home_agent.running(), "a daemon has ended")

    def statuses(self):
        return {(d.name(f.outer.routing_home_address), m.status) for c in self.captures.values() for f, m in c.messages(d.BA)
                if f.outer.routing_home_address}

    def update(self, sequence, home_address=None, source=None, **more):
        options = {"identifier": IDENTIFIER, "spi": SPI, "stamp": forge.timestamp(), **more}
        return forge.binding_update(source or self.attacker.address, self.agent, home_address or self.home_address, sequence, **options)

    def last_sequence(self, home_address=None):
        return self.home_agent_bindings()[home_address or self.home_address][1]
