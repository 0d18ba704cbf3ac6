# SPDX-License-Identifier: GPL-3.0-or-later
"""mipflow-cnd with a mobile node that nobody of us wrote: foreign/mobile_node.py stands in the place of ours and of our home
agent."""
import contextlib

from foreign import mobility as m
from foreign import packets as p

from . import foreign_nodes
from .case import SystemCase, time
from .namespaces import udp_socket

HOMES = [f"2001:db8:100::{0x1001 + i:x}" for i in range(8)]
CARES = [f"2001:db8:1::{0x77 + i:x}" for i in range(4)]
STRANGER = "2001:db8:1::bad"


class CorrespondentCase(SystemCase):
    correspondent_node_changes = {}

    @classmethod
    def prepare(cls):
        cls.lab.start_correspondent_node(cls.correspondent_node_changes)
        cls.node = foreign_nodes.mobile_node(cls.lab, HOMES, [*CARES, STRANGER])
        cls.addClassCleanup(foreign_nodes.close_mobile_node, cls.node)
        cls.sequences = {}

    def setUp(self):
        self.node.home.forget()
        self.node.visited.forget()
        self.socket = udp_socket(self.lab.namespace("cn"), self.lab.correspondent_address)
        self.socket.settimeout(2.0)
        self.addCleanup(self.socket.close)
        self.port = self.socket.getsockname()[1]

    def next_sequence(self, home):
        self.sequences[home] = (self.sequences.get(home, 0) + 1) & 0xFFFF
        return self.sequences[home]

    def bind(self, home=HOMES[0], care_of=CARES[0], tokens=None, **more):
        """Tests and a Binding Update that must be accepted; returns the tokens."""
        tokens = tokens or self.node.tokens(home, care_of)
        answer = self.node.register(home, care_of, self.next_sequence(home), tokens, **more)
        self.assertIsNotNone(answer, "no acknowledgement")
        self.assertEqual((answer.status, answer.authentic), (0, True))
        return tokens

    def bindings(self):
        """(home address, care-of address, sequence) of what is bound."""
        return {(b["home_address"], b["care_of_address"], b["sequence"])
                for b in self.lab.mipflow("binding", "list", node="cn") if b["state"] == "bound"}

    def counted(self, name):
        return self.lab.mipflow("counters", node="cn").get(name, 0)

    def assert_talks(self, home=HOMES[0], care_of=CARES[0]):
        """One packet each way, straight."""
        payload = time.monotonic_ns().to_bytes(8, "big")
        self.node.send_direct(home, care_of, 9, self.port, payload)
        with contextlib.suppress(TimeoutError):
            while True:
                data, peer = self.socket.recvfrom(2000)
                if data == payload:
                    break
            self.assertEqual(peer[:2], (home, 9))
            self.socket.sendto(payload[::-1], peer)
            packet = self.node.arrives(self.node.visited, payload[::-1])
            self.assertIsNotNone(packet, f"nothing came back to {care_of}")
            self.assertEqual((p.text(packet.destination), p.text(packet.routing_home_address)), (care_of, home))
            right = p.checksum(packet.source, packet.routing_home_address, p.UDP, packet.payload[:6] + b"\0\0" + packet.payload[8:])
            self.assertIn(packet.payload[6:8], (right.to_bytes(2, "big"), b"\xff\xff" if right == 0 else b""), "checksum")
            return
        self.fail(f"nothing arrived from {home} at {care_of}")

    def assert_hears_nothing(self, seconds=0.4):
        self.socket.settimeout(seconds)
        try:
            data, peer = self.socket.recvfrom(2000)
            self.fail(f"{data} from {peer} reached the socket")
        except TimeoutError:
            pass
        finally:
            self.socket.settimeout(2.0)

    def wait_until_refused(self, home, care_of):
        """Packets from there are answered with Binding Errors, of which there are few in a second."""
        def refused():
            self.node.send_direct(home, care_of, 9, self.port, b"late")
            return self.binding_error(care_of, 0.2) == home
        self.wait(refused, f"a Binding Error for {home} at {care_of}", 5)

    def binding_error(self, care_of, seconds=2.0):
        """The home address in the next Binding Error at a care-of address, None when there is none."""
        packet = self.node.visited.wait(lambda q: q.upper == p.MOBILITY and q.payload[2] == m.ERROR
                                        and q.destination == p.packed(care_of), seconds)
        if packet is None:
            return None
        self.assertTrue(p.mobility_header_is_right(packet))
        self.assertEqual((packet.payload[6], packet.routing_home_address), (1, None))
        return p.text(packet.payload[8:24])
