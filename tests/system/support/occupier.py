# SPDX-License-Identifier: GPL-3.0-or-later
"""Somebody on the home link who has the address that a home agent wants for a mobile node."""
import select
import socket
import struct
import threading

from judge import dissect as d

from . import forge
from .namespaces import inside


class Occupier:
    """A host on the home link that claims addresses as soon as somebody asks whether they are free."""

    def __init__(self, lab, wanted):

        def make():
            s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x86DD))
            s.bind(("home0", 0x86DD))
            return s
        self.wanted, self.claimed = wanted, []
        self.socket = inside(lab.namespace("core"), make)
        self.mac = self.socket.getsockname()[4]
        self.going = True
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        while self.going:
            if not select.select([self.socket], [], [], 0.1)[0]:
                continue
            layers = d.dissect(self.socket.recv(2048)[14:])
            if not layers or layers[0].icmpv6_type() != 135 or layers[0].source != bytes(16):
                continue
            target = d.name(layers[0].payload[8:24])
            if target in self.claimed or self.wanted(target, self.claimed):
                self.claimed.append(target)
                body = struct.pack("!I", 0x20000000) + forge.packed(target) + b"\x02\x01" + self.mac
                answer = forge.icmpv6(target, "ff02::1", 136, 0, body, hop_limit=255)
                self.socket.send(b"\x33\x33\0\0\0\x01" + self.mac + b"\x86\xdd" + answer)

    def close(self):
        self.going = False
        self.thread.join()
        self.socket.close()
