#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything that applications send gets through unchanged: TCP at full speed, datagrams of every size, fragments, echoes,
and smaller links on the way.

Breaks when a checksum, a GSO segment, a fragment, the device's MTU or the relaying of Packet Too Big is wrong. Each flow
has a home address that is not the socket's source, so the data path rewrites every packet.
"""
import contextlib
import json
import socket

from support.case import SystemCase, main
from support.namespaces import inside
from support.traffic import TcpEcho, TcpFlow, UdpEcho, UdpFlow

SIZES = [1, 2, 3, 7, 8, 9, 63, 64, 100, 511, 1000, 1231, 1232, 1233, 1371, 1372, 1411, 1412, 1413, 1451, 1452, 1453, 1500,
         2000, 2823, 2824, 2825, 4095, 8191, 16000, 32768, 60001, 65487]


class Payload(SystemCase):
    # The harder path: a source that has to be rewritten.
    mobile_node_changes = {"flows": {"socket-addresses": False}}
    peers = 0x100

    def setUp(self):
        self.node, self.correspondent = self.lab.namespace("mn"), self.lab.namespace("cn")
        # A peer address of its own for each test: what was learned about path MTUs stays with the one before.
        Payload.peers += 1
        self.peer = f"2001:db8:300::{Payload.peers:x}"
        self.lab.nodes["cn"].ip(f"address add {self.peer}/64 dev eth0 nodad")

    def echoes(self, kind):
        echo = kind(self.correspondent, self.peer)
        self.addCleanup(echo.close)
        return echo

    def udp(self):
        echo = self.echoes(UdpEcho)
        flow = UdpFlow(self.node, echo.address, echo.port)
        self.addCleanup(flow.close)
        self.assertIsNotNone(flow.ask(), "not even one small datagram")
        self.assertNotEqual(self.flow(flow.port)["home_address"], flow.source, "this test wants a rewritten source")
        return flow

    def tcp(self):
        echo = self.echoes(TcpEcho)
        flow = TcpFlow(self.node, echo.address, echo.port)
        self.addCleanup(flow.close)
        self.assertNotEqual(self.flow(flow.port, "tcp")["home_address"], flow.source)
        return flow

    @contextlib.contextmanager
    def mtu(self, value, *ends):
        """Ends are (node, interface); 1500 again afterwards."""
        for node, interface in ends:
            self.lab.nodes[node].ip(f"link set {interface} mtu {value}")
        try:
            yield
        finally:
            for node, interface in ends:
                self.lab.nodes[node].ip(f"link set {interface} mtu 1500")

    def test_datagrams_of_every_size(self):
        flow = self.udp()
        for size in SIZES:
            payload = (bytes(range(251)) * (size // 251 + 1))[:size]
            self.assertIsNotNone(flow.ask(payload) or flow.ask(payload), f"{size} octets did not come back")

    def test_datagrams_of_every_size_without_offloads(self):
        """Real segments and checksums on the access link, judged by tshark too."""
        flow = self.udp()
        interface = self.flow(flow.port)["interface"]
        self.lab.run("mn", ["ethtool", "-K", interface, "tx", "off", "gso", "off", "tso", "off"])
        try:
            capture = self.lab.wire("mn", interface)
            for size in SIZES:
                self.assertIsNotNone(flow.ask(bytes([size % 256]) * size) or flow.ask(bytes(size)), f"{size} octets did not come back")
            outgoing = [f for f, way in capture.data(flow.port) if way == "out"]
            self.assertGreater(len(outgoing), 10)
            for frame in outgoing:
                inner = frame.layers[-1]
                if inner.fragment_offset is None:
                    self.assertTrue(inner.checksum_is_right(), f"{frame}: UDP checksum is wrong after rewriting")
            self.assert_judged_right([capture], from_the_start=False)
        finally:
            self.lab.run("mn", ["ethtool", "-K", interface, "tx", "on", "gso", "on", "tso", "on"])

    def test_tcp_octet_by_octet(self):
        flow = self.tcp()
        for size in (1, 100, 1400, 1460, 100_000, 5_000_000):
            self.assertIsNotNone(flow.ask(size, timeout=20), f"{size} octets did not come back as they were")

    def test_tcp_at_full_speed(self):
        for direction in ([], ["-R"]):
            # -1: the server ends after its client.
            server = self.lab.start("cn", ["iperf3", "-s", "-1", "-B", self.lab.correspondent_address])
            self.wait(lambda: ":5201 " in self.lab.run("cn", ["ss", "-H", "-lnt"]).stdout, "iperf3 server")
            done = self.lab.run("mn", ["iperf3", "-c", self.lab.correspondent_address, "-t", "2", "-J", *direction])
            server.stop()
            end = json.loads(done.stdout)["end"]
            megabits = end["sum_received"]["bits_per_second"] / 1e6
            # The ratio to plain routing is the benchmark's business; a path through user space or with dropped GSO
            # packets stays far below this.
            self.assertGreater(megabits, 300, f"only {megabits:.0f} Mbit/s {'in' if direction else 'out'}")

    def test_echo_of_odd_sizes(self):
        for size in (0, 1, 7, 56, 999, 1412, 1413, 3001, 20001):
            done = self.lab.run("mn", ["ping", "-6", "-c2", "-i0.05", "-W2", "-s", str(size), self.lab.correspondent_address], check=False)
            self.assertEqual(done.returncode, 0, f"{size}: {done.stdout}")

    def test_echo_asked_by_the_correspondent_node(self):
        for size in (0, 1, 1412, 5000):
            done = self.lab.run("cn", ["ping", "-6", "-c2", "-i0.05", "-W2", "-s", str(size), self.lab.home_address], check=False)
            self.assertEqual(done.returncode, 0, f"{size}: {done.stdout}")

    def too_big(self, capture):
        return [f for f in capture.frames() if f.layers[-1].icmpv6_type() == 2]

    def test_smaller_link_behind_the_home_agent(self):
        flow, datagrams = self.tcp(), self.udp()
        interface = self.flow(flow.port, "tcp")["interface"]
        capture = self.lab.wire("mn", interface)
        with self.mtu(1300, ("core", "cn0"), ("cn", "eth0")):
            self.assertIsNotNone(flow.ask(2_000_000, timeout=10), "TCP does not survive a smaller link")
            # The first one may be lost: it is the one that finds out. Its sender learns it from the relayed message.
            self.assertIsNotNone(datagrams.ask(bytes(1400), 1) or datagrams.ask(bytes(1401)), "1400 octets do not get through")
        inner = [f for f in self.too_big(capture) if len(f.layers) == 2]
        self.assertTrue(inner, "no Packet Too Big came through the tunnel: the link was not small enough to prove anything")
        self.assert_judged_right([capture], from_the_start=False)

    def test_smaller_link_in_the_access_network(self):
        """Both directions: the mobile node's outer packets and the home agent's meet a link of 1400 octets."""
        flow, datagrams = self.tcp(), self.udp()
        for listed in (self.flow(flow.port, "tcp"), self.flow(datagrams.port)):
            if listed["interface"] != "wlan0":
                self.move(listed["id"], "wlan0")
        self.assertIsNotNone(flow.ask(2000))
        capture, far = self.lab.wire("mn", "wlan0"), self.lab.wire("ha", "home0")
        with self.mtu(1400, ("core", "wlan"), ("wlan", "uplink")):
            self.assertIsNotNone(flow.ask(2_000_000, timeout=15), "TCP does not survive a smaller access network")
            self.assertTrue(any(datagrams.ask(bytes(1380 + i), 1) for i in range(5)), "1380 octets do not get through")
        self.assertTrue([f for f in self.too_big(capture) if len(f.layers) == 1], "the mobile node was never told")
        self.assertTrue([f for f in self.too_big(far) if len(f.layers) == 1], "the home agent was never told")

    def test_segmentation_offload_of_datagrams(self):
        """UDP_SEGMENT, as QUIC uses it: one send, many datagrams."""
        echo = self.echoes(UdpEcho)
        flow = UdpFlow(self.node, echo.address, echo.port)
        self.addCleanup(flow.close)
        self.assertIsNotNone(flow.ask())
        flow.socket.setsockopt(17, 103, 1200)     # SOL_UDP, UDP_SEGMENT
        flow.socket.send(b"".join(bytes([i]) * 1200 for i in range(20)))
        flow.socket.settimeout(3)
        got = {flow.socket.recv(65536) for _ in range(20)}
        self.assertEqual(got, {bytes([i]) * 1200 for i in range(20)})

    def test_unknown_protocol_passes(self):
        """A protocol without ports is a flow as well, on the address it has."""
        def raw(node, address):
            def make():
                s = socket.socket(socket.AF_INET6, socket.SOCK_RAW, 253)   # RFC 3692: for experiments
                s.settimeout(3)
                s.bind((address, 0))
                return s
            return inside(node, make)

        there, here = raw(self.correspondent, self.lab.correspondent_address), raw(self.node, self.lab.home_address)
        self.addCleanup(there.close)
        self.addCleanup(here.close)
        here.sendto(b"an unknown protocol", (self.lab.correspondent_address, 0))
        data, peer = there.recvfrom(100)
        self.assertEqual((data, peer[0]), (b"an unknown protocol", self.lab.home_address))
        there.sendto(b"answer", (peer[0], 0))
        self.assertEqual(here.recvfrom(100)[0], b"answer")


if __name__ == "__main__":
    main()
