# SPDX-License-Identifier: GPL-3.0-or-later
"""A link as a foreign node sees it: one AF_PACKET socket, and neighbour discovery done by hand.

The kernel of the namespace takes no part (IPv6 is switched off on the interface), so that it can neither answer Binding
Updates with ICMPv6 errors nor help.
"""
import fcntl
import socket
import struct
import time
from pathlib import Path

from . import packets as p

ETHERTYPE_IPV6 = 0x86DD
QUEUE_PER_NEIGHBOUR = 64
SO_RCVBUFFORCE = 33
SIOCGIFMTU = 0x8921


def arrived(packet_socket):
    """The frames that wait in a non-blocking AF_PACKET socket, at most a batch, without those that this host sent."""
    for _ in range(256):
        try:
            frame, about = packet_socket.recvfrom(65536)
        except OSError:      # nothing more, or the link went down
            return
        if about[2] != socket.PACKET_OUTGOING:
            yield frame


class Link:
    def __init__(self, interface):
        self.interface = interface
        self.switch = Path(f"/proc/sys/net/ipv6/conf/{interface}/disable_ipv6")
        self.before = self.switch.read_text()
        self.switch.write_text("1")
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETHERTYPE_IPV6))
        self.socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 8 << 20)
        self.socket.bind((interface, ETHERTYPE_IPV6))
        self.socket.setblocking(False)
        # Asked from the socket and not from /sys, which shows another namespace after `nsenter --net`.
        self.mac = self.socket.getsockname()[4]
        request = fcntl.ioctl(self.socket, SIOCGIFMTU, struct.pack("16s16x", interface.encode()))
        self.mtu = struct.unpack_from("i", request, 16)[0]
        self.link_local = p.packed("fe80::")[:8] + bytes([self.mac[0] ^ 2]) + self.mac[1:3] + b"\xff\xfe" + self.mac[3:]
        self.neighbours = {}          # address -> MAC
        self.waiting = {}             # address -> (time of the last solicitation, [packets])
        self.own_addresses = {self.link_local}

    def close(self):
        self.socket.close()
        if self.switch.exists():
            self.switch.write_text(self.before)

    def frames(self):
        """The IPv6 packets that have arrived, as (source MAC, packet), a batch at a time."""
        for frame in arrived(self.socket):
            yield frame[6:12], frame[14:]

    def send_to_mac(self, mac, packet):
        self.socket.send(mac + self.mac + struct.pack("!H", ETHERTYPE_IPV6) + packet)

    def send(self, next_hop, packet):
        """Sends to a neighbour; resolves its MAC first when needed. At most QUEUE_PER_NEIGHBOUR packets wait."""
        if next_hop[0] == 0xFF:
            self.send_to_mac(b"\x33\x33" + next_hop[12:], packet)
        elif next_hop in self.neighbours:
            self.send_to_mac(self.neighbours[next_hop], packet)
        else:
            asked, queue = self.waiting.setdefault(next_hop, [0.0, []])
            if len(queue) < QUEUE_PER_NEIGHBOUR:
                queue.append(packet)
            if time.monotonic() - asked > 0.5:
                self.waiting[next_hop][0] = time.monotonic()
                solicitation = p.neighbor_solicitation(self.link_local, self.mac, next_hop)
                self.send(solicitation[24:40], solicitation)

    def learn(self, address, mac):
        self.neighbours[address] = mac
        for packet in self.waiting.pop(address, (0.0, []))[1]:
            self.send_to_mac(mac, packet)

    def neighbour_discovery(self, packet, mac, answers_for):
        """Answers solicitations for our own addresses and those in `answers_for`, learns from advertisements.
        Returns ("solicitation" | "advertisement", target, source) of a sound message, for duplicate address detection."""
        message = packet.payload
        if packet.hop_limit != 255 or len(message) < 24 or message[1] != 0:
            return None
        target = message[8:24]
        if message[0] == p.NEIGHBOR_ADVERTISEMENT:
            if message[24:26] == b"\x02\x01":
                self.learn(target, message[26:32])
            return "advertisement", target, packet.source
        if packet.source != p.UNSPECIFIED and message[24:26] == b"\x01\x01":
            self.learn(packet.source, message[26:32])
        own = target in self.own_addresses
        if own or target in answers_for:
            source = target if own else self.link_local
            probe = packet.source == p.UNSPECIFIED
            destination = p.ALL_NODES if probe else packet.source
            answer = p.neighbor_advertisement(source, destination, target, self.mac, solicited=not probe, override=own)
            self.send_to_mac(b"\x33\x33\0\0\0\1" if probe else mac, answer)
        return "solicitation", target, packet.source
