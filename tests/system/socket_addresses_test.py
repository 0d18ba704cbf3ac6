#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""An application sees the home address that its correspondent node sees.

Breaks when getsockname() and the correspondent node disagree, when a packet of such a flow is rewritten, when a connection does
not move any more, when a socket to somebody on the link or one of another node gets a home address, or when the programs on
sockets outlive the daemon.
"""
import json
import pathlib
import signal
import socket
import subprocess
import threading

from support.case import SystemCase, main
from support.groups import cgroup_root
from support.namespaces import connection, inside, listener, udp_socket
from support.traffic import TcpEcho, TcpFlow, UdpEcho, UdpFlow


def name_of(s):
    return s.getsockname()[0]


class SocketAddresses(SystemCase):
    @classmethod
    def setUpClass(cls):
        cgroup_root()
        super().setUpClass()

    def setUp(self):
        self.node, self.correspondent = self.lab.namespace("mn"), self.lab.namespace("cn")
        self.wait(lambda: self.lab.mipflow("status")["spares"] == 2, "two spares", 15)

    def closing(self, thing):
        self.addCleanup(thing.close)
        return thing

    def tcp(self, echo):
        return self.closing(TcpFlow(self.node, echo.address, echo.port))

    def tcp_echo(self):
        return self.closing(TcpEcho(self.correspondent, self.lab.correspondent_address))

    def assert_known_to_both_ends(self, flow, echo):
        home_address = name_of(flow.socket)
        self.wait(lambda: home_address in [peer for peer, _ in echo.peers], "the correspondent node's seeing that address", 3)
        listed = self.flow(flow.port, "tcp")
        self.assertEqual((listed["source"], listed["home_address"]), (home_address, home_address), "the data path has to rewrite it")
        return listed


class Sockets(SocketAddresses):
    def test_both_ends_of_a_connection_know_the_same_address_and_it_moves(self):
        echo = self.tcp_echo()
        first, second = self.tcp(echo), self.tcp(echo)
        flows = [self.assert_known_to_both_ends(f, echo) for f in (first, second)]
        self.assertNotEqual(flows[0]["home_address"], flows[1]["home_address"])
        self.assertEqual([f["moves_with"] for f in flows], [[], []])
        for interface in ("wwan0", "wlan0"):
            self.move(flows[0]["id"], interface)
            self.wait(lambda: self.flow(first.port, "tcp")["state"] == "active", "the end of the move")
            self.assertIsNotNone(first.ask(20_000))
            self.assertIsNotNone(second.ask(20_000))
        self.assertEqual(name_of(first.socket), flows[0]["home_address"])
        self.assertEqual(self.lab.mipflow("status")["socket_addresses"], "on")

    def test_connections_that_begin_together_move_alone(self):
        echo, flows = self.tcp_echo(), []
        threads = [threading.Thread(target=lambda: flows.append(TcpFlow(self.node, echo.address, echo.port))) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(len(flows), 2)
        for flow in flows:
            self.closing(flow)
        self.assertEqual(len({self.assert_known_to_both_ends(f, echo)["home_address"] for f in flows}), 2)

    def test_datagrams_of_a_socket_that_is_not_connected(self):
        echo = self.closing(UdpEcho(self.correspondent, self.lab.correspondent_address))
        sender = self.closing(udp_socket(self.node))
        sender.settimeout(3)
        for number in range(5):
            sender.sendto(bytes([number]), (echo.address, echo.port))
            self.assertEqual(sender.recv(10), bytes([number]))
        listed = self.flow(sender.getsockname()[1])
        self.assertEqual(listed["source"], listed["home_address"])
        self.assertEqual(echo.peers, [listed["home_address"]])

    def test_connected_datagram_socket_is_told_what_the_correspondent_node_sees(self):
        echo = self.closing(UdpEcho(self.correspondent, self.lab.correspondent_address))
        flow = self.closing(UdpFlow(self.node, echo.address, echo.port))
        self.assertEqual(name_of(flow.socket), self.lab.home_address, "before its first packet it has none of its own")
        self.assertIsNotNone(flow.ask())
        self.assertEqual([name_of(flow.socket)], echo.peers)
        self.assertNotEqual(echo.peers, [self.lab.home_address])

    def test_looking_up_names_uses_up_nothing(self):
        """What a resolver does to put addresses into order (RFC 6724): connected sockets that never send."""
        before = self.lab.mipflow("status")["spares"]
        for _ in range(20):
            probe = self.closing(inside(self.node, lambda: socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)))
            probe.connect((self.lab.correspondent_address, 80))
            self.assertEqual(name_of(probe), self.lab.home_address, "the other home addresses are deprecated, so IPv4 would be preferred")
        self.assertEqual(self.lab.mipflow("status")["spares"], before)

    def test_neighbours_on_the_link_are_reached_as_ever(self):
        router = "2001:db8:1::1"
        server = self.closing(listener(self.lab.namespace("wlan"), router))
        near = self.closing(connection(self.node, router, server.getsockname()[1]))
        self.assertEqual(name_of(near), self.lab.care_of_address("wlan0"))

    def test_other_nodes_on_this_kernel_are_left_alone(self):
        server = self.closing(listener(self.node, self.lab.home_address))
        far = self.closing(connection(self.correspondent, self.lab.home_address, server.getsockname()[1]))
        self.assertEqual(name_of(far), self.lab.correspondent_address)

    def test_server_that_is_asked_at_another_home_address_answers_from_there(self):
        asked = next(a for a, h in self.home_addresses().items() if h["state"] == "spare")
        server, client = self.closing(udp_socket(self.node)), self.closing(udp_socket(self.correspondent, self.lab.correspondent_address))
        server.settimeout(3)
        client.settimeout(3)
        client.sendto(b"?", (asked, server.getsockname()[1]))
        _, peer = server.recvfrom(10)
        server.sendto(b"!", peer)
        self.assertEqual(client.recvfrom(10)[1][0], asked)


class ClassesWithAddressesOfTheirOwn(SocketAddresses):
    policy = """
[[class]]
name = "known"
home-address = "primary"
[class.match]
protocol = "tcp"
"""

    def test_policy_decides_and_the_application_is_told(self):
        echo = self.tcp_echo()
        flow = self.tcp(echo)
        self.assertIsNotNone(flow.ask())
        self.assertEqual([peer for peer, _ in echo.peers], [self.lab.home_address])
        self.assertEqual(name_of(flow.socket), self.lab.home_address)


class LifeOfTheDaemon(SocketAddresses):
    def links(self):
        """Numbers of the programs' links that the daemon holds."""
        out = []
        for info in pathlib.Path(f"/proc/{self.lab.mobile_node.pid}/fdinfo").iterdir():
            fields = dict(line.split(":", 1) for line in info.read_text().splitlines() if ":" in line)
            if "link_id" in fields and "cgroup" in fields.get("link_type", ""):
                out.append(fields["link_id"].strip())
        return out

    def exists(self, link):
        shown = subprocess.run(["bpftool", "-j", "link", "show", "id", link], capture_output=True, text=True)
        return shown.returncode == 0 and "error" not in json.loads(shown.stdout or "{}")

    def test_killed_and_started_again(self):
        echo = self.tcp_echo()
        before = self.tcp(echo)
        home_address = self.assert_known_to_both_ends(before, echo)["home_address"]
        links = self.links()
        self.assertEqual(len(links), 3)
        self.assertTrue(all(self.exists(link) for link in links))
        self.lab.mobile_node.stop(signal.SIGKILL)
        self.wait(lambda: not any(self.exists(link) for link in links), "the end of the programs")
        # Nobody would know of a spare that was given away now.
        between = self.tcp(echo)
        self.assertEqual(name_of(between.socket), self.lab.home_address)
        self.assertIsNotNone(between.ask())
        self.assertIsNotNone(before.ask())

        self.lab.start_mobile_node()
        self.lab.wait_registered()
        self.wait(lambda: self.lab.mipflow("status")["spares"] == 2, "two spares", 15)
        after = self.tcp(echo)
        self.assertNotIn(self.assert_known_to_both_ends(after, echo)["home_address"], (home_address, self.lab.home_address))
        for flow in (before, between, after):
            self.assertIsNotNone(flow.ask())
        self.assertEqual(name_of(before.socket), home_address)

        links = self.links()
        self.lab.mobile_node.stop(signal.SIGTERM)
        self.assertFalse([link for link in links if self.exists(link)])
        self.lab.start_mobile_node({"flows": {"socket-addresses": False}})
        self.lab.wait_registered()
        self.wait(lambda: self.lab.mipflow("status")["spares"] == 2, "two spares", 15)
        self.assertEqual(self.links(), [])
        self.assertIn("switched off", self.lab.mipflow("status")["socket_addresses"])
        rewritten = self.tcp(echo)
        self.assertEqual(name_of(rewritten.socket), self.lab.home_address)
        self.assertNotEqual(self.flow(rewritten.port, "tcp")["home_address"], self.lab.home_address)


if __name__ == "__main__":
    main()
