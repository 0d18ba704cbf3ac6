#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The address and policy service between real daemons (docs/agent-service.md): topology in tools/lab/__init__.py.

Breaks when a home address that the home agent chose does not get through to flows or is forgotten by a restart; when a policy
that it serves is not taken, or not renewed by a reload; when a clean stop keeps leases, or loses pinned ones; when the judge
or tshark complain about a message of the service.
"""
import ipaddress
import signal
import struct

from support.case import SystemCase, main
from support.traffic import UdpEcho, UdpFlow
from judge import dissect as d

POLICY = '[[class]]\nname = "%s"\ninterfaces = ["wwan0", "*"]\n[class.match]\nport = 9999\n'


class AgentService(SystemCase):
    mobile_node_changes = {"home-addresses": {"mechanisms": ["agent"]}}

    @classmethod
    def prepare(cls):
        cls.captures = [cls.lab.wire("mn", name) for name in ("wlan0", "wwan0")]
        cls.served = cls.lab.directory / "served.toml"
        cls.served.write_text(POLICY % "first")
        cls.home_agent_changes = {"policy": str(cls.served)}
        super().prepare()

    def service(self):
        """(operation, body) of every message of the service so far."""
        messages = sorted((m for c in self.captures for m in c.messages(d.SERVICE)), key=lambda m: m[0].time)
        return [(m.octets[7], m.octets[14:14 + struct.unpack_from("!H", m.octets, 12)[0]]) for _, m in messages]

    def given(self):
        return {a for a, h in self.home_addresses().items() if h["origin"] == "agent"}

    def policy_version(self):
        return self.lab.mipflow("status")["network_policy"]

    def test_1_spares_are_addresses_that_the_home_agent_chose(self):
        self.wait_settled()
        self.assertGreaterEqual(len(self.given()), 2)
        self.assertEqual({h["origin"] for h in self.home_addresses().values() if not h["primary"]}, {"agent"})
        self.assertLessEqual(self.given(), set(self.home_agent_bindings()))
        self.wait(lambda: any(operation == 2 for operation, _ in self.service()), "a reply in the capture")
        told = b"".join(body for operation, body in self.service() if operation == 2)
        for address in self.given():
            self.assertIn(ipaddress.IPv6Address(address).packed, told, f"{address} is in no reply")

    def test_2_flows_use_them(self):
        echo = UdpEcho(self.lab.namespace("cn"), self.lab.correspondent_address)
        self.addCleanup(echo.close)
        flow = UdpFlow(self.lab.namespace("mn"), echo.address, echo.port)
        self.addCleanup(flow.close)
        self.assertIsNotNone(flow.ask())
        self.assertIn(self.flow(flow.port)["home_address"], self.given())

    def test_3_a_restarted_home_agent_knows_what_it_gave(self):
        before = self.given()
        self.lab.home_agent.stop(signal.SIGKILL)
        self.lab.start_home_agent(self.home_agent_changes)
        self.assertGreaterEqual(self.lab.mipflow("status", node="ha")["given_home_addresses"], len(before))
        self.wait_settled()
        self.assertLessEqual(before, self.given())

    def test_4_the_policy_is_taken_and_a_reload_renews_it(self):
        self.wait(lambda: self.policy_version() is not None, "the policy of the home agent")
        before = self.policy_version()
        self.served.write_text(POLICY % "second")
        self.lab.home_agent.send(signal.SIGHUP)
        self.wait(lambda: self.policy_version() > before, "the new version")

    def test_5_a_mistake_in_the_served_policy_changes_nothing(self):
        before = self.policy_version()
        self.served.write_text("[[class]]\ninterfaces = 5\n")
        failed = self.lab.mipflow_run("reload", node="ha", check=False)
        self.assertNotEqual(failed.returncode, 0)
        self.assertIn("served.toml:2:", failed.stdout + failed.stderr)
        self.assertEqual(self.policy_version(), before)

    def test_6_the_judge_has_nothing_to_complain_about(self):
        self.assert_judged_right(self.captures, at_least=("service", "authenticator", "tshark"))


class StopAndStart(SystemCase):
    """What was leased goes back with a clean stop, but for what is pinned; that is there again after the start."""
    mobile_node_changes = {"home-addresses": {"mechanisms": ["agent"]}}

    def given_at_home_agent(self):
        return self.lab.mipflow("status", node="ha")["given_home_addresses"]

    def test_leases_go_back_and_pins_stay(self):
        spare = next(a for a, h in self.home_addresses().items() if h["state"] == "spare")
        self.lab.mipflow_run("hoa", "pin", spare)
        self.assertGreaterEqual(self.given_at_home_agent(), 2)
        self.assertEqual(self.lab.mobile_node.stop(), 0)
        self.assertEqual(self.given_at_home_agent(), 1)
        self.assertEqual(self.home_agent_bindings(), {})
        self.lab.start_mobile_node(self.mobile_node_changes, self.policy)
        self.lab.wait_registered(self.spares)
        self.wait_settled()
        pinned = self.home_addresses()[spare]
        self.assertEqual((pinned["pinned"], pinned["origin"], pinned["state"]), (True, "agent", "registered"))
        # Given up by hand it goes back as well.
        self.lab.mipflow_run("hoa", "free", spare)
        self.wait(lambda: spare not in self.home_agent_bindings(), "the end of its binding")
        self.assertEqual(self.lab.mobile_node.stop(), 0)
        self.assertEqual(self.given_at_home_agent(), 0)


if __name__ == "__main__":
    main()
