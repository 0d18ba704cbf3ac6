#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real traffic of bypassed flows: plain_traffic_test.py DATAPATH_LAB [CLASS...]

The tests are those of tunnel_traffic_test.py, and its network. A flow "of the second kind" has a socket with HOME[0] and is
the uplink's own traffic on the wire; those of the first kind go through the tunnel meanwhile.
"""
import itertools
import os
import socket
import sys
import unittest

import tunnel_traffic_test as traffic
from tunnel_network import CARE_OF, CORRESPONDENT, HOME

BINDING = 200
own_ports = itertools.count(50000)


class Plain(traffic.Traffic):
    TESTS = {"test_tcp_in_both_directions", "test_tcp_flow_is_counted_and_its_end_is_seen", "test_udp_of_every_kind_of_size",
             "test_udp_generic_segmentation", "test_echo_of_odd_sizes", "test_port_unreachable_reaches_the_socket_in_both_directions",
             "test_what_is_lost_and_the_silence_meanwhile_are_seen", "test_bypassed_short_link_on_the_way",
             "test_uplinks_own_sockets_go_on", "test_bypassed_over_another_uplink"}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.network.data_path("mn", "plain-binding", BINDING, CARE_OF["wlan0"], "wlan0")

    def setUp(self):
        if self._testMethodName not in self.TESTS:
            self.skipTest("is about the tunnel")
        super().setUp()

    def tearDown(self):
        super().tearDown()
        # Else the tests would say nothing about bypassed flows.
        self.assertGreater(self.counted("mn", "plain_out") + self.counted("mn", "plain_in"), 0)

    def flow(self, protocol, port, correspondent_port, rewritten):
        if rewritten:
            self.network.data_path("mn", "flow", HOME[0], port, CORRESPONDENT, correspondent_port, protocol, CARE_OF["wlan0"], BINDING)

    def source_seen(self, rewritten):
        return CARE_OF["wlan0"] if rewritten else HOME[0]

    def test_bypassed_short_link_on_the_way(self):
        def check():
            client, server, _ = self.tcp_pair(True)
            self.transfer(client, server, 1 << 20)
            self.assertGreater(self.counted("mn", "errors_translated"), 0)

        self.with_mtu([("router", "core")], 1400, check)

    def test_uplinks_own_sockets_go_on(self):
        """Among bypassed flows to the same correspondent node."""
        client, server, _ = self.tcp_pair(True)
        listener = self.own(self.correspondent(socket.AF_INET6, socket.SOCK_STREAM))
        listener.bind((CORRESPONDENT, next(own_ports)))
        listener.listen()
        own = self.own(self.mobile(socket.AF_INET6, socket.SOCK_STREAM))
        own.bind((CARE_OF["wlan0"], next(own_ports)))
        own.settimeout(20)
        own.connect(listener.getsockname())
        peer = self.own(listener.accept()[0])
        self.transfer(own, peer, 1 << 20)
        self.transfer(peer, own, 1 << 20)
        self.transfer(client, server, 1 << 20)
        self.ping("mn", "-s", 5001, "-I", CARE_OF["wlan0"], CORRESPONDENT)
        self.ping("cn", "-s", 5001, CARE_OF["wlan0"])

    def test_bypassed_over_another_uplink(self):
        """Whose router is not the one that the routing tables prefer."""
        self.network.data_path("mn", "plain-binding", BINDING + 1, CARE_OF["wwan0"], "wwan0")
        before = self.octets_received("router", "a2")
        server = self.own(self.correspondent(socket.AF_INET6, socket.SOCK_DGRAM))
        server.bind((CORRESPONDENT, next(own_ports)))
        server.settimeout(5)
        client = self.own(self.mobile(socket.AF_INET6, socket.SOCK_DGRAM))
        client.bind((HOME[0], next(own_ports)))
        client.settimeout(5)
        client.connect(server.getsockname())
        self.network.data_path("mn", "flow", HOME[0], client.getsockname()[1], CORRESPONDENT, server.getsockname()[1], traffic.UDP,
                               CARE_OF["wwan0"], BINDING + 1)
        data = os.urandom(40000)
        client.send(data)
        received, source = server.recvfrom(70000)
        self.assertEqual((received, source[0]), (data, CARE_OF["wwan0"]))
        server.sendto(data, source)
        self.assertEqual(client.recv(70000), data)
        self.assertGreater(self.octets_received("router", "a2") - before, len(data))


class PlainWithOffloads(Plain, unittest.TestCase):
    bulk = 200 << 20


class PlainWithoutOffloads(Plain, unittest.TestCase):
    offloads = "wire"
    bulk = 40 << 20


class PlainWithReceiveOffload(Plain, unittest.TestCase):
    offloads = "merged"
    bulk = 40 << 20


if __name__ == "__main__":
    traffic.LAB = sys.argv.pop(1)
    unittest.main(verbosity=2)
