#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The policy file decides on which interface a flow begins, and a reload moves flows that are alive.

Breaks when the first matching class does not decide, when a preference order is not followed, when a reload needs a restart,
loses packets, or overrules an operator's command.
"""
import signal

from support.case import SystemCase, main
from support.traffic import Stream, TcpEcho, TcpFlow, UdpEcho, UdpFlow

POLICY = """
[[class]]
name = "bulk"
interfaces = ["wwan0", "wlan0"]
[class.match]
protocol = "tcp"

[[class]]
name = "server"
interfaces = ["{first}", "*"]
[class.match]
protocol = "udp"
peer = "2001:db8:300::/64"
{port}

[[class]]
name = "never"
interfaces = ["eth9"]
[class.match]
protocol = "udp"
port = 9

[default]
interfaces = ["wlan0", "wwan0"]
"""


def policy(first="wwan0", port=""):
    return POLICY.format(first=first, port=port)


class PolicyFile(SystemCase):
    policy = policy()

    def setUp(self):
        self.node, self.correspondent = self.lab.namespace("mn"), self.lab.namespace("cn")
        self.reload(policy())
        self.wait_pool()

    def wait_pool(self):
        """With the pool empty a new flow shares an address, and its interface, rather than wait."""
        self.wait(lambda: self.lab.mipflow("status")["spares"] == 2, "a full pool")

    def reload(self, text):
        (self.lab.files("mn").policy_directory / "50-lab.toml").write_text(text)
        self.lab.mipflow_run("policy", "reload")

    def udp(self):
        echo = UdpEcho(self.correspondent, self.lab.correspondent_address)
        flow = UdpFlow(self.node, echo.address, echo.port)
        self.addCleanup(echo.close)
        self.addCleanup(flow.close)
        self.assertIsNotNone(flow.ask())
        return echo, flow

    def test_classes_decide_where_flows_begin(self):
        echo, udp = self.udp()
        tcp_echo = TcpEcho(self.correspondent, self.lab.correspondent_address)
        self.addCleanup(tcp_echo.close)
        tcp = TcpFlow(self.node, tcp_echo.address, tcp_echo.port)
        self.addCleanup(tcp.close)
        self.assertEqual([self.flow(udp.port)[k] for k in ("class", "interface")], ["server", "wwan0"])
        self.assertEqual([self.flow(tcp.port, "tcp")[k] for k in ("class", "interface")], ["bulk", "wwan0"])
        self.wait_pool()
        self.lab.run("mn", ["ping", "-6", "-c1", "-W2", self.lab.correspondent_address])
        echo_flow = next(f for f in self.flows() if f["protocol"] == "icmpv6")
        self.assertEqual(echo_flow["interface"], "wlan0", "the default class")
        self.assertIn("bulk", self.flow(tcp.port, "tcp")["interface_reason"])

    def test_class_by_port(self):
        first, _ = self.udp()
        self.reload(policy(port=f"port = {first.port}"))
        again = UdpFlow(self.node, first.address, first.port)
        self.addCleanup(again.close)
        self.assertIsNotNone(again.ask())
        self.assertEqual(self.flow(again.port)["class"], "server")
        _, other = self.udp()
        self.assertNotEqual(self.flow(other.port)["class"], "server")
        self.assertEqual(self.flow(other.port)["interface"], "wlan0")

    def test_reload_moves_live_flows_without_loss_but_not_those_moved_by_command(self):
        streams = [Stream(self.node, self.correspondent, self.lab.correspondent_address) for _ in range(2)]
        for stream in streams:
            self.addCleanup(stream.finish, 0)
            self.assertTrue(stream.wait_for_packets())
        moved = self.flow(streams[1].port)
        self.move(moved["id"], "wlan0")
        self.move(moved["id"], "wwan0")            # by command on wwan0, where the policy wanted it anyway
        self.reload(policy(first="wlan0"))
        self.wait(lambda: self.flow(streams[0].port)["interface"] == "wlan0", "the flow on wlan0")
        self.assertTrue(all(s.wait_for_packets(50) for s in streams))
        self.assertEqual(self.flow(streams[1].port)["interface"], "wwan0", "an operator's command was overruled")
        for stream in streams:
            self.assert_lossless(stream.finish())

    def test_cable_cut_follows_the_order_of_preference_and_goes_back(self):
        stream = Stream(self.node, self.correspondent, self.lab.correspondent_address)
        self.addCleanup(stream.finish, 0)
        self.assertTrue(stream.wait_for_packets())
        self.assertEqual(self.flow(stream.port)["interface"], "wwan0")
        self.lab.cut("wwan0")
        try:
            self.wait(lambda: self.flow(stream.port)["interface"] == "wlan0", "the flow on the second choice")
            self.assertTrue(stream.wait_for_packets(30))
        finally:
            self.lab.restore("wwan0")
        self.wait(lambda: self.flow(stream.port)["interface"] == "wwan0", "the flow back on its first choice", 15)
        self.assertTrue(stream.wait_for_packets(30))

    def test_sighup_reloads_too(self):
        _, flow = self.udp()
        self.assertEqual(self.flow(flow.port)["interface"], "wwan0")
        (self.lab.files("mn").policy_directory / "50-lab.toml").write_text(policy(first="wlan0"))
        self.lab.mobile_node.send(signal.SIGHUP)
        self.wait(lambda: self.flow(flow.port)["interface"] == "wlan0", "the move after SIGHUP")


if __name__ == "__main__":
    main()
