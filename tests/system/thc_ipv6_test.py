#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The attack tools of thc-ipv6, which nobody of us wrote, from the access link, the home link and the Internet.

Every tool runs for a second at what the machine gives. Afterwards both daemons live, no binding, home address or interface
has changed, and the live flow goes on. What a tool does to the kernel (its neighbour tables, its router list) is the kernel's
affair and that of the switch's guards; that the flow survives it is ours, and it may use its other interface for that.

A tool that sent nothing has shown nothing: what each has sent is counted.

Seen to fail: with a home agent that is gone as soon as it has counted a malformed message; exploit6 and fuzz_ip6 bring some.
Not seen to fail: with a home agent that believes every Binding Update. That of fake_mipv6 then fails by its sequence number;
attack_test.py has some with a better one.
"""
import subprocess

from support.attack_case import AttackCase
from support.attacker import Attacker
from support.case import main
from lab import wait_until

PERIOD = "1"  # seconds of each tool
# Exit codes that say no more than that timeout(1) ended it, that it had nothing more to do, or that its victim did not answer a
# ping, which a victim with IPv6 alone need not.
ORDINARY_ENDS = (0, 1, 124, 137, 255, -9)


class Tools(AttackCase):
    @classmethod
    def prepare(cls):
        super().prepare()
        cls.lab.nodes["cn"].ip(f"address add {Attacker.address}/64 dev eth0 nodad")

    def packets_sent(self, node, interface):
        return self.lab.ip_json(node, "-s", "link", "show", "dev", interface)[0]["stats64"]["tx"]["packets"]

    def run_tool(self, node, interface, tool, *words):
        """`{}` among the words is the interface."""
        sent = self.packets_sent(node, interface)
        command = ["timeout", "-k", "0.2", PERIOD, f"atk6-{tool}", *(interface if word == "{}" else word for word in words)]
        done = subprocess.run([str(word) for word in self.lab.nodes[node].enter(command)], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                              stderr=subprocess.PIPE, check=False)
        self.assertIn(done.returncode, ORDINARY_ENDS, done.stderr)
        self.assertGreater(self.packets_sent(node, interface), sent, f"{tool} sent nothing")

    def ask_patiently(self):
        """The tools may leave the link busy: one lost packet is no lost flow."""
        wait_until(lambda: self.client.ask() is not None, "an answer of the live flow", 10)

    def assert_survived(self, before):
        self.ask_patiently()
        self.wait_settled()
        self.assertTrue(self.lab.mobile_node.running() and self.lab.home_agent.running(), "a daemon has ended")
        self.wait(lambda: self.state() == before, "everything as before", 15)

    def attack(self, node, interface, runs):
        before = self.state()
        for words in runs:
            with self.subTest(" ".join(words)):
                self.run_tool(node, interface, *words)
                self.assert_survived(before)

    def test_from_the_internet_at_the_home_agent(self):
        agent, peer = self.agent, self.lab.correspondent_address
        self.attack("cn", "eth0", [
            ("fake_mipv6", "{}", self.home_address, agent, peer),
            *(("fragmentation6", "-fp", "{}", agent, case) for case in ("1", "9")),
            ("implementation6", "-p", "{}", agent),
            ("exploit6", "{}", agent),
            ("fuzz_ip6", "-a", "-x", "-D", "{}", agent),
            ("fuzz_ip6", "-a", "-x", "-I", "-F", "-S", "-H", "{}", agent),
            ("flood_unreach6", "-R", "{}", agent),
            ("denial6", "{}", agent, "2"),
        ])

    def test_on_the_access_link_at_the_mobile_node(self):
        care_of = self.care_of
        self.attack("wlan", "lan", [
            *(("fragmentation6", "-fp", "{}", care_of, case) for case in ("1", "9")),
            ("implementation6", "-p", "{}", care_of),
            ("exploit6", "{}", care_of),
            ("fuzz_ip6", "-a", "-x", "-D", "{}", care_of),
            ("fuzz_ip6", "-a", "-x", "-I", "-F", "-S", "-H", "{}", care_of),
            ("toobig6", "-u", "{}", care_of, self.agent, "68"),
            ("flood_unreach6", "-R", "{}", care_of),
            ("flood_mld26", "{}"),
            ("denial6", "{}", care_of, "2"),
        ])

    def test_on_the_home_link_at_the_home_agent(self):
        self.attack("core", "home0", [
            ("flood_solicitate6", "{}", self.agent, self.home_address),
            ("fuzz_ip6", "-a", "-x", "-2", "{}", self.agent),
            ("fuzz_ip6", "-a", "-x", "-3", "{}", self.agent),
            ("flood_mld26", "{}"),
        ])

    def test_z_lies_about_routers_on_the_access_link(self):
        """The kernel believes some of them, as it would without us. The flow goes on, over the other interface if need be."""
        router = self.lab.run("wlan", ["ip", "-6", "-o", "address", "show", "dev", "lan", "scope", "link"]).stdout.split()[3].split("/")[0]
        for words in (("redir6", "{}", self.care_of, self.agent, router, "fe80::bad"), ("flood_redir6", "{}", self.care_of, router, "fe80::bad"),
                      ("flood_router26", "-s", "{}")):
            with self.subTest(words[0]):
                self.run_tool("wlan", "lan", *words)
                self.ask_patiently()
                self.move(self.flow_id, "wwan0")
                self.ask_patiently()
                self.assertTrue(self.lab.mobile_node.running() and self.lab.home_agent.running(), "a daemon has ended")
                self.assertIn(self.home_address, self.home_agent_bindings())


if __name__ == "__main__":
    main()
