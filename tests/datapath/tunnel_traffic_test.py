#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real traffic through a data path that is filled by hand: tunnel_traffic_test.py DATAPATH_LAB [CLASS...]

Network: see tunnel_network.py. A flow "of the first kind" has its own home address (HOME[0]); one of the second kind
has a socket with HOME[0] whose packets leave with HOME[1]. Everything is done with each of the offloads in
tunnel_network.py, through the tunnel and straight to the correspondent node.
"""
import hashlib
import itertools
import json
import os
import re
import select
import socket
import struct
import sys
import threading
import time
import unittest

from tunnel_network import CARE_OF, CORRESPONDENT, DIRECT, HOME, Network, sockets_of

LAB = None
UDP_SEGMENT = 103
SOL_UDP = 17
IPV6_RECVERR = 25
IPV6_MTU = 24
TCP, UDP, ICMPV6 = 6, 17, 58
ports = itertools.count(20000)


class Traffic:
    """The tests; the classes below run them on different networks."""
    offloads = "whole"
    direct = ()

    @classmethod
    def setUpClass(cls):
        cls.network = cls.enterClassContext(Network(LAB, offloads=cls.offloads, direct=cls.direct))
        cls.mobile = staticmethod(sockets_of(cls.network, "mn"))
        cls.correspondent = staticmethod(sockets_of(cls.network, "cn"))

    def setUp(self):
        self.opened = []
        self.before = {role: self.network.counters(role) for role in (("mn", "ha", "cn") if self.direct else ("mn", "ha"))}
        self.bad_before = {node: self.bad_checksums(node) for node in ("mn", "cn")}

    def tearDown(self):
        for opened in self.opened:
            opened.close()
        for node in ("mn", "cn"):
            self.assertEqual(self.bad_checksums(node), self.bad_before[node], f"packets with a wrong checksum on {node}")

    def bad_checksums(self, node):
        text = self.network.run(node, "cat", "/proc/net/snmp6", "/proc/net/snmp").stdout
        # For TCP the kernel keeps one counter for both IP versions.
        total = sum(int(n) for n in re.findall(r"(?:Udp6|Icmp6)InCsumErrors\s+(\d+)", text))
        names, values = [line.split() for line in text.splitlines() if line.startswith("Tcp:")]
        return total + int(values[names.index("InCsumErrors")])

    def counted(self, role, counter):
        return self.network.counters(role)[counter] - self.before[role][counter]

    def own(self, opened):
        self.opened.append(opened)
        return opened

    def flow(self, protocol, port, correspondent_port, rewritten):
        """A flow of the first kind needs no entry, unless it goes straight to the correspondent node."""
        if rewritten or self.direct:
            number = 2 if rewritten else 1
            self.network.data_path("mn", "flow", HOME[0], port, CORRESPONDENT, correspondent_port, protocol, HOME[number - 1],
                                   DIRECT + number if self.direct else number)

    def source_seen(self, rewritten):
        return HOME[1] if rewritten else HOME[0]

    def tcp_pair(self, rewritten):
        """(mobile node's socket, correspondent's socket, mobile node's port)"""
        listener = self.own(self.correspondent(socket.AF_INET6, socket.SOCK_STREAM))
        server_port, port = next(ports), next(ports)
        listener.bind((CORRESPONDENT, server_port))
        listener.listen()
        self.flow(TCP, port, server_port, rewritten)
        client = self.own(self.mobile(socket.AF_INET6, socket.SOCK_STREAM))
        client.bind((HOME[0], port))
        client.settimeout(20)
        client.connect((CORRESPONDENT, server_port))
        listener.settimeout(20)
        server, peer = listener.accept()
        server.settimeout(20)
        self.own(server)
        self.assertEqual(peer[0], self.source_seen(rewritten))
        return client, server, port

    def transfer(self, sender, receiver, octets, during=None):
        """Sends so many octets and checks that they arrive unchanged."""
        block = os.urandom(1 << 20)
        sent = hashlib.sha256()

        def send():
            left = octets
            while left:
                piece = block[:min(left, len(block))]
                sender.sendall(piece)
                sent.update(piece)
                left -= len(piece)

        thread = threading.Thread(target=send)
        thread.start()
        received, count = hashlib.sha256(), 0
        if during:
            during()
        while count < octets:
            data = receiver.recv(1 << 20)
            self.assertTrue(data, "connection ended early")
            received.update(data)
            count += len(data)
        thread.join()
        self.assertEqual(received.digest(), sent.digest())

    def udp_pair(self, rewritten):
        server = self.own(self.correspondent(socket.AF_INET6, socket.SOCK_DGRAM))
        client = self.own(self.mobile(socket.AF_INET6, socket.SOCK_DGRAM))
        server_port, port = next(ports), next(ports)
        server.bind((CORRESPONDENT, server_port))
        self.flow(UDP, port, server_port, rewritten)
        client.bind((HOME[0], port))
        client.connect((CORRESPONDENT, server_port))
        for end in (client, server):
            end.settimeout(5)
            end.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        return client, server

    # ---- TCP ----

    def test_tcp_in_both_directions(self):
        for rewritten in (False, True):
            client, server, _ = self.tcp_pair(rewritten)
            self.transfer(client, server, self.bulk)
            self.transfer(server, client, self.bulk)

    def test_tcp_flow_is_counted_and_its_end_is_seen(self):
        client, server, port = self.tcp_pair(True)
        self.transfer(client, server, 1 << 20)
        activity = self.activity(port)
        self.assertGreaterEqual(activity["packets_out"], (1 << 20) // 1388)
        # All headers of all segments: the octets of a whole and those of its pieces.
        self.assertGreaterEqual(activity["bytes_out"], (1 << 20) + activity["packets_out"] * 60)
        self.assertLess(activity["bytes_out"], (1 << 20) * 1.2)
        self.assertFalse(activity["closed"])
        self.network.data_path("mn", "ring")
        client.close()
        server.close()
        self.wait_for(lambda: any(r.get("source_port") == port for r in self.network.data_path("mn", "ring")), "end of flow")

    def activity(self, port):
        return next(a for a in self.network.data_path("mn", "activities") if a["source_port"] == port)

    def test_what_is_lost_and_the_silence_meanwhile_are_seen(self):
        client, server, port = self.tcp_pair(True)
        self.transfer(client, server, 1 << 20)
        before = self.activity(port)
        self.network.ip("router", "rule add pref 1 blackhole iif a1")

        def mend():
            time.sleep(0.3)  # the silence is what is measured
            self.network.ip("router", "rule del pref 1")

        mending = threading.Thread(target=mend)
        mending.start()
        self.transfer(client, server, 1 << 20)
        mending.join()
        after = self.activity(port)
        sent_again = after["retransmissions_out"] - before["retransmissions_out"]
        self.assertGreater(sent_again, 0)
        self.assertLess(sent_again, after["packets_out"] - before["packets_out"])
        self.assertEqual(after["retransmissions_in"], 0)  # acknowledgements carry nothing
        self.assertGreaterEqual(after["longest_gap_in_ns"], 250e6)
        self.assertEqual(self.activity(port)["longest_gap_in_ns"], 0)

    def test_connection_goes_on_while_its_home_address_moves(self):
        client, server, _ = self.tcp_pair(True)
        before = self.octets_received("router", "a2")

        def move():
            for uplink in ("wwan0", "wlan0", "wwan0"):
                time.sleep(0.05)  # traffic in between is the point; nothing depends on how much
                # Once with daemons that have died meanwhile.
                if uplink == "wlan0":
                    for role in ("mn", "ha", "cn"):
                        self.network.let_go(role)
                self.network.move(2, uplink)

        self.transfer(client, server, self.bulk, during=move)
        self.transfer(server, client, self.bulk)
        self.assertGreater(self.octets_received("router", "a2") - before, self.bulk // 100)
        self.network.move(2, "wlan0")

    def octets_received(self, node, device):
        return json.loads(self.network.run(node, "ip", "-j", "-s", "link", "show", device).stdout)[0]["stats64"]["rx"]["bytes"]

    def wait_for(self, condition, what, seconds=10):
        end = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > end:
                self.fail(f"no {what} within {seconds} s")
            time.sleep(0.02)

    # ---- UDP ----

    def test_udp_of_every_kind_of_size(self):
        # Around the ends of packets and fragments; the longest datagram that there is.
        sizes = [0, 1, 2, 3, 7, 100, 1231, 1232, 1233, 1411, 1412, 1413, 1414, 2823, 2824, 9001, 40000, 65507]
        for rewritten in (False, True):
            client, server = self.udp_pair(rewritten)
            for size in sizes:
                data = os.urandom(size)
                client.send(data)
                received, source = server.recvfrom(70000)
                self.assertEqual(received, data)
                self.assertEqual(source[0], self.source_seen(rewritten))
                server.sendto(data, source)
                self.assertEqual(client.recv(70000), data)

    def test_udp_generic_segmentation(self):
        for rewritten in (False, True):
            client, server = self.udp_pair(rewritten)
            for segment, octets in ((1200, 48000), (1400, 1401), (1, 64), (512, 32000), (1412, 1412 * 40)):
                client.setsockopt(SOL_UDP, UDP_SEGMENT, segment)
                data = os.urandom(octets)
                client.send(data)
                received = b""
                while len(received) < octets:
                    piece = server.recv(70000)
                    self.assertEqual(len(piece), min(segment, octets - len(received)))
                    received += piece
                self.assertEqual(received, data)

    def test_first_packets_of_a_move_wait_for_the_neighbour(self):
        client, server = self.udp_pair(True)
        self.network.ip("mn", "neigh flush dev wwan0")
        self.network.move(2, "wwan0")
        for number in range(20):
            client.send(str(number).encode())
        self.assertEqual([int(server.recv(100)) for _ in range(20)], list(range(20)))
        self.network.move(2, "wlan0")

    # ---- ICMPv6 ----

    def test_echo_of_odd_sizes(self):
        for size in (0, 1, 55, 1412, 1413, 5001, 20001):
            for rewritten in (False, True):
                identifier = next(ports)
                self.flow(ICMPV6, identifier, identifier, rewritten)
                self.ping("mn", "-e", identifier, "-s", size, "-I", HOME[0], CORRESPONDENT)
            self.ping("cn", "-s", size, HOME[1])

    def ping(self, node, *words):
        out = self.network.run(node, "ping", "-c", 3, "-i", 0.01, "-W", 2, *words).stdout
        self.assertIn(" 0% packet loss", out)

    def test_port_unreachable_reaches_the_socket_in_both_directions(self):
        client, server = self.udp_pair(True)
        port = server.getsockname()[1]
        server.close()
        client.send(b"anybody there?")
        with self.assertRaises(ConnectionRefusedError):
            client.recv(100)
        self.assertGreaterEqual(self.counted("mn", "errors_translated"), 1)

        client, server = self.udp_pair(True)
        client.send(b"hello")
        _, source = server.recvfrom(100)
        client.close()
        server.connect(source)
        server.send(b"anybody there?")
        with self.assertRaises(ConnectionRefusedError):
            server.recv(100)
        self.assertNotEqual(port, 0)

    # ---- path MTU: every transfer stalls unless the sender is told ----

    def with_mtu(self, ends, mtu, check):
        for node, device in ends:
            self.network.ip(node, f"link set dev {device} mtu {mtu}")
        self.network.data_path("mn", "refresh")
        try:
            check()
        finally:
            for node, device in ends:
                self.network.ip(node, f"link set dev {device} mtu 1500")
            self.forget_path_mtus()

    def forget_path_mtus(self):
        """What was learned about a path lives as long as the route or the binding."""
        for number in self.direct:
            self.network.data_path("cn", "erase-correspondent-binding", HOME[number - 1], CORRESPONDENT)
        for number in (1, 2):
            self.network.move(number, "wlan0")
        for line in ("del", "add"):
            self.network.ip("mn", f"route {line} default dev mip0 table 100")
            self.network.ip("cn", f"route {line} 2001:db8:100::/64 via 2001:db8:6::1 mtu 1460")
            for number in self.direct:
                self.network.route_to_mip0(line, number)

    def test_short_link_behind_the_home_agent(self):
        def check():
            client, server, _ = self.tcp_pair(True)
            self.transfer(client, server, 1 << 20)
            self.assertGreater(self.counted("mn", "errors_translated"), 0)
        # The segment sizes of the hand-shake would already fit when the correspondent's own link were the short one, so
        # the home agent's route to it is.
        self.network.ip("ha", f"route add {CORRESPONDENT}/128 dev net mtu 1350")
        try:
            check()
        finally:
            self.network.ip("ha", f"route del {CORRESPONDENT}/128 dev net")
            self.forget_path_mtus()

    def test_short_link_on_the_way(self):
        """Somewhere where only the outer packet can be seen."""
        told = "optimized_errors" if self.direct else "packet_too_big_relayed"

        def up():
            client, server, _ = self.tcp_pair(True)
            self.transfer(client, server, 1 << 20)
            self.assertGreater(self.counted("mn", told), 0)

        def down():
            client, server, _ = self.tcp_pair(True)
            self.transfer(server, client, 1 << 20)
            self.assertGreater(self.counted("cn" if self.direct else "ha", told), 0)

        # One end of a virtual link is enough: the router's for what it sends.
        self.with_mtu([("router", "core")], 1400, up)
        self.with_mtu([("router", "a1")], 1400, down)

    def test_short_uplink_of_either_end(self):
        other_end, its_uplink = ("cn", "eth0") if self.direct else ("ha", "core0")

        def up():
            client, server, _ = self.tcp_pair(True)
            self.transfer(client, server, 1 << 20)
            self.assertGreater(self.counted("mn", "too_big"), 0)

        def down():
            client, server, _ = self.tcp_pair(True)
            self.transfer(server, client, 1 << 20)
            self.assertGreater(self.counted(other_end, "too_big"), 0)

        self.with_mtu([("mn", "wlan0")], 1400, up)
        self.with_mtu([(other_end, its_uplink)], 1400, down)

    # ---- links that carry 1280 octets, but not with an outer header ----

    def check_least_mtu(self, upwards, downwards):
        for rewritten in (False, True):
            client, server, _ = self.tcp_pair(rewritten)
            if upwards:
                self.transfer(client, server, 1 << 20)
            if downwards:
                self.transfer(server, client, 1 << 20)
        # From what just fits with an outer header to the longest packet that every link has to carry.
        client, server = self.udp_pair(True)
        client.send(b"hello")
        _, source = server.recvfrom(100)
        server.connect(source)
        if self.direct:
            # No binding of the correspondent node, or of this flow, has met this path before.
            if upwards:
                self.send_until_it_arrives(client, server)
            if downwards:
                self.send_until_it_arrives(server, client)
        for size in range(1188, 1233):
            data = os.urandom(size)
            if upwards:
                client.send(data)
                self.assertEqual(server.recv(2000), data)
            if downwards:
                server.send(data)
                self.assertEqual(client.recv(2000), data)
        for sender, receiver, wanted in (("mn", "ha", upwards), ("ha", "mn", downwards)):
            if wanted:
                self.assertGreater(self.counted(sender, "fragmented_out"), 0)
                self.assertGreater(self.counted(receiver, "reassembled_in"), 0)

    def send_until_it_arrives(self, sender, receiver):
        """Every header and every part of the way may have to lose one before it is known how long packets may be."""
        receiver.settimeout(0.2)
        for _ in range(10):
            sender.send(bytes(1232))
            try:
                self.assertEqual(receiver.recv(2000), bytes(1232))
                break
            except TimeoutError:
                pass
        receiver.settimeout(5)

    def test_links_of_the_least_mtu(self):
        self.with_mtu([("mn", "wlan0"), ("router", "a1"), ("router", "core"), ("ha", "core0")], 1280,
                      lambda: self.check_least_mtu(True, True))

    def test_path_of_the_least_mtu(self):
        # Only for what the router sends: a virtual link's shorter end does not take longer frames in either.
        self.with_mtu([("router", "core")], 1280, lambda: self.check_least_mtu(True, False))
        self.with_mtu([("router", "a1")], 1280, lambda: self.check_least_mtu(False, True))


class Direct(Traffic):
    """The same flows straight to the correspondent node: Home Address option out, type 2 routing header in."""
    direct = (1, 2)

    def tearDown(self):
        super().tearDown()
        # Else the tests would say nothing about direct paths.
        for counter in ("route_optimized_out", "route_optimized_in"):
            self.assertGreater(self.counted("mn", counter) + self.counted("cn", counter), 0, counter)

    def test_moved_packets_under_way_are_accepted(self):
        """The correspondent node still takes what comes from the care-of address before."""
        client, server = self.udp_pair(True)
        self.network.bind_directly(2, "wwan0", CARE_OF["wlan0"])
        self.network.data_path("mn", "direct-binding", DIRECT + 2, HOME[1], CARE_OF["wlan0"], CORRESPONDENT, "wlan0")
        client.send(b"from before")
        data, source = server.recvfrom(100)
        self.assertEqual((data, source[0]), (b"from before", HOME[1]))
        server.sendto(b"to the present one", source)
        self.assertEqual(client.recv(100), b"to the present one")
        self.network.move(2, "wlan0")

    def test_another_source_of_the_correspondent_goes_by_way_of_the_home_agent(self):
        other = "2001:db8:6::3"
        self.network.ip("cn", f"addr add {other}/64 dev eth0 nodad")
        try:
            self.ping("cn", "-I", other, HOME[1])
            self.assertGreater(self.counted("ha", "tunnelled_out"), 0)
        finally:
            self.network.ip("cn", f"addr del {other}/64 dev eth0")
        self.test_echo_of_odd_sizes()

    def test_time_exceeded_reaches_the_socket(self):
        """As traceroute needs it."""
        client, server = self.udp_pair(True)
        client.setsockopt(socket.IPPROTO_IPV6, IPV6_RECVERR, 1)
        client.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS, 1)
        client.send(b"not far")
        self.wait_for(lambda: self.has_error(client), "error")
        _, control, _, _ = client.recvmsg(2000, 2000, socket.MSG_ERRQUEUE)
        error = next(data for level, kind, data in control if (level, kind) == (socket.IPPROTO_IPV6, IPV6_RECVERR))
        self.assertEqual(error[5:7], bytes([3, 0]))  # struct sock_extended_err: type, code
        self.assertEqual(socket.inet_ntop(socket.AF_INET6, error[24:40]), "2001:db8:1::1")
        client.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS, 64)
        client.send(b"far")
        _, source = server.recvfrom(100)
        server.sendto(b"back", source)
        self.assertEqual(client.recv(100), b"back")

    def test_starting_keeps_the_default_route_of_a_router_advertisement(self):
        def learned():
            return [route for route in json.loads(self.network.run("cn", "ip", "-6", "-j", "route", "show", "default").stdout)
                    if route.get("protocol") == "ra"]

        router = self.own(sockets_of(self.network, "ha")(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6))
        index = json.loads(self.network.run("ha", "ip", "-j", "link", "show", "net").stdout)[0]["ifindex"]
        router.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, 255)
        router.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, index)
        # RFC 4861 §4.2: type 134, a router for half an hour.
        router.sendto(struct.pack("!BBHBBHII", 134, 0, 0, 64, 0, 1800, 0, 0), ("ff02::1", 0, 0, index))
        self.wait_for(learned, "default route")
        self.network.sysctl("cn", "net.ipv6.conf.mip0.forwarding=0")
        self.network.let_go("cn")
        self.network.counters("cn")  # opens the data path again
        self.assertEqual(self.network.run("cn", "sysctl", "-n", "net.ipv6.conf.mip0.forwarding").stdout, "1\n")
        self.assertTrue(learned())
        self.assertEqual(self.network.run("cn", "sysctl", "-n", "net.ipv6.conf.eth0.accept_ra").stdout, "1\n")
        self.ping("cn", HOME[1])
        router.sendto(struct.pack("!BBHBBHII", 134, 0, 0, 64, 0, 0, 0, 0), ("ff02::1", 0, 0, index))
        self.wait_for(lambda: not learned(), "end of the default route")

    @staticmethod
    def has_error(opened):
        poll = select.poll()
        poll.register(opened, 0)
        return bool(poll.poll(0))


class WithOffloads(Traffic, unittest.TestCase):
    bulk = 200 << 20


class WithoutOffloads(Traffic, unittest.TestCase):
    offloads = "wire"
    bulk = 40 << 20


class WithReceiveOffload(Traffic, unittest.TestCase):
    offloads = "merged"
    bulk = 40 << 20


class DirectWithOffloads(Direct, unittest.TestCase):
    bulk = 200 << 20


class DirectWithoutOffloads(Direct, unittest.TestCase):
    offloads = "wire"
    bulk = 40 << 20


class AboutOffloads:
    """Of the tests those whose outcome depends on who cuts packets up and who computes checksums: the check has to end some
    time, and the others are seen with and without offloads already."""
    TESTS = {"test_tcp_in_both_directions", "test_udp_of_every_kind_of_size", "test_udp_generic_segmentation", "test_echo_of_odd_sizes",
             "test_connection_goes_on_while_its_home_address_moves", "test_short_link_on_the_way"}

    def setUp(self):
        if self._testMethodName not in self.TESTS:
            self.skipTest("is seen with other offloads")
        super().setUp()


class DirectWithReceiveOffload(AboutOffloads, Direct, unittest.TestCase):
    offloads = "merged"
    bulk = 40 << 20


class DirectOverSimpleCards(AboutOffloads, Direct, unittest.TestCase):
    offloads = "simple"
    bulk = 40 << 20


if __name__ == "__main__":
    LAB = sys.argv.pop(1)
    unittest.main(verbosity=2)
