# SPDX-License-Identifier: GPL-3.0-or-later
"""A place in the network where a foreign node without a process of its own stands: addresses of it on a link, beside whatever
else is there. Neighbours are answered in the background; what else arrives is kept until somebody waits for it."""
import select
import threading
import time
from collections import deque

from support.namespaces import inside

from . import packets as p
from .link import Link

KEPT = 4096


class Port:
    def __init__(self, namespace, interface, router, addresses=()):
        self.link, self.router = inside(namespace, lambda: Link(interface)), p.packed(router)
        self.link.own_addresses |= {p.packed(a) for a in addresses}
        self.lock, self.changed = threading.Lock(), threading.Condition()
        self.kept, self.going = deque(maxlen=KEPT), True
        self.thread = threading.Thread(target=self._listen, daemon=True)
        self.thread.start()

    def add(self, address):
        with self.lock:
            self.link.own_addresses.add(p.packed(address))

    def remove(self, address):
        """Somebody else on the link has it from now on."""
        with self.lock:
            self.link.own_addresses.discard(p.packed(address))

    def send(self, packet):
        with self.lock:
            self.link.send(self.router, packet)

    def wait(self, wanted, seconds=2.0):
        """The first kept or arriving packet that `wanted(Packet)` accepts, taken out; None after `seconds`."""
        end = time.monotonic() + seconds
        with self.changed:
            while True:
                for packet in self.kept:
                    if wanted(packet):
                        self.kept.remove(packet)
                        return packet
                left = end - time.monotonic()
                if left <= 0:
                    return None
                self.changed.wait(left)

    def forget(self):
        with self.changed:
            self.kept.clear()

    def close(self):
        self.going = False
        self.thread.join()
        self.link.close()

    def _listen(self):
        while self.going:
            if not select.select([self.link.socket], [], [], 0.1)[0]:
                continue
            for mac, data in self.link.frames():
                packet = p.parse(data)
                if packet is None:
                    continue
                if packet.upper == p.ICMPV6 and packet.payload[:1] in (b"\x87", b"\x88"):
                    with self.lock:
                        self.link.neighbour_discovery(packet, mac, ())
                elif packet.destination in self.link.own_addresses:
                    with self.changed:
                        self.kept.append(packet)
                        self.changed.notify_all()
