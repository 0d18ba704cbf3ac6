# SPDX-License-Identifier: GPL-3.0-or-later
"""Traffic whose every packet is accounted for. Small rates: full speed is iperf3's business."""
import hashlib
import os
import select
import socket
import struct
import threading
import time

from lab.traffic import OneWay
from .namespaces import connection, listener, udp_socket

SO_TIMESTAMPNS = 35   # asm-generic/socket.h; Python has no name for it


class UdpEcho:
    """Echoes every datagram; knows from which addresses they came."""

    def __init__(self, namespace, address, port=0):
        self.socket = udp_socket(namespace, address, port)
        self.address, self.port = self.socket.getsockname()[:2]
        self.peers = []
        self.going = True
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self):
        while self.going:
            if not select.select([self.socket], [], [], 0.1)[0]:
                continue
            try:
                data, peer = self.socket.recvfrom(65536)
                if peer[0] not in self.peers:
                    self.peers.append(peer[0])
                self.socket.sendto(data, peer)
            except OSError:
                pass    # an ICMPv6 error of an earlier datagram: the next one may pass

    def close(self):
        self.going = False
        self.thread.join()
        self.socket.close()


class UdpFlow:
    """One UDP flow of the mobile node to an echo server."""

    def __init__(self, namespace, server_address, server_port):
        self.socket = udp_socket(namespace)
        self.socket.connect((server_address, server_port))
        self.source, self.port = self.socket.getsockname()[:2]

    def ask(self, payload=None, timeout=2.0):
        """Seconds until the echo of this very payload came back, or None."""
        payload = os.urandom(16) if payload is None else payload
        begin = time.monotonic()
        try:
            self.socket.send(payload)
        except OSError:
            return None
        while (left := begin + timeout - time.monotonic()) > 0:
            if not select.select([self.socket], [], [], left)[0]:
                break
            try:
                if self.socket.recv(65536) == payload:
                    return time.monotonic() - begin
            except OSError:
                continue
        return None

    def close(self):
        self.socket.close()


class Stream:
    """Numbered datagrams both ways at `rate` per second each: the node sends, the correspondent sends on its own clock
    (not as an answer, so that losses of the two directions are told apart)."""

    def __init__(self, node, correspondent, correspondent_address, rate=200, size=64):
        self.far = udp_socket(correspondent, correspondent_address)
        self.near = udp_socket(node)
        self.near.connect(self.far.getsockname()[:2])
        self.source, self.port = self.near.getsockname()[:2]
        self.correspondent_port = self.far.getsockname()[1]
        self.interval, self.padding = 1.0 / rate, bytes(max(0, size - 8))
        for end in (self.near, self.far):
            end.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        # (number, monotonic time); of arrival as the kernel saw it: a machine that keeps this program waiting makes no gap
        self.sent, self.received = {"out": [], "in": []}, {"out": [], "in": []}
        self.peer = None                # the correspondent's view of the mobile node: (home address, port)
        self.peers = set()
        self.sending, self.going = True, True
        self.threads = [threading.Thread(target=t, daemon=True) for t in
                        (self.send_out, self.send_in, self.receive_out, self.receive_in)]
        for thread in self.threads:
            thread.start()

    def send_paced(self, direction, send):
        start = time.monotonic()
        while self.sending:
            number = len(self.sent[direction])
            # First noted, then sent: it may arrive before this thread runs again.
            self.sent[direction].append((number, time.monotonic()))
            if not send(struct.pack("!Q", number) + self.padding):
                self.sent[direction].pop()
            number = int((time.monotonic() - start) / self.interval) + 1
            time.sleep(max(0.0, start + number * self.interval - time.monotonic()))

    def send_out(self):
        def send(data):
            try:
                self.near.send(data)
            except OSError:
                pass    # counts as sent: the application asked for it
            return True
        self.send_paced("out", send)

    def send_in(self):
        def send(data):
            if self.peer is None:
                return False
            try:
                self.far.sendto(data, self.peer)
            except OSError:
                pass
            return True
        self.send_paced("in", send)

    def receive(self, direction, s):
        while self.going:
            if not select.select([s], [], [], 0.1)[0]:
                continue
            try:
                data, notes, _, peer = s.recvmsg(65536, 64)
            except OSError:
                continue
            if direction == "out":
                self.peer = peer[:2]
                self.peers.add(peer[0])
            seconds, nanoseconds = struct.unpack("@qq", notes[0][2])
            arrived = seconds + nanoseconds / 1e9 - time.time() + time.monotonic()
            self.received[direction].append((struct.unpack_from("!Q", data)[0], arrived))

    def receive_out(self):
        self.receive("out", self.far)

    def receive_in(self):
        self.receive("in", self.near)

    def wait_for_packets(self, count=20, timeout=10.0):
        """Until `count` more have arrived in each direction; False when they do not."""
        goal = {d: len(self.received[d]) + count for d in self.received}
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            if all(len(self.received[d]) >= goal[d] for d in goal):
                return True
            time.sleep(0.01)
        return False

    def finish(self, settle=2.0):
        """Stops sending, gives what is under way up to `settle` seconds, returns {direction: (sent, lost, longest gap)}."""
        self.sending = False
        for thread in self.threads[:2]:
            thread.join()
        end = time.monotonic() + settle
        while time.monotonic() < end and any(self.lost(d) for d in self.received):
            time.sleep(0.02)
        self.going = False
        for thread in self.threads[2:]:
            thread.join()
        self.near.close()
        self.far.close()
        return {d: (len(self.sent[d]), self.lost(d), self.longest_gap(d)) for d in self.received}

    def one_way(self, direction):
        received = [(n, t * 1e9) for n, t in list(self.received[direction])]   # before `sent`: what arrived was sent
        return OneWay([(n, t * 1e9) for n, t in list(self.sent[direction])], received)

    def lost(self, direction):
        return len(self.one_way(direction).lost())

    def duplicates(self, direction):
        return self.one_way(direction).duplicates()

    def longest_gap(self, direction):
        """Seconds between two arrivals, but for what the sender's own pause explains."""
        gap = self.one_way(direction).longest_gap()
        return gap.added_milliseconds / 1e3 if gap else 0.0


class TcpEcho:
    """Echoes what every connection brings."""

    def __init__(self, namespace, address):
        self.socket = listener(namespace, address)
        self.address, self.port = self.socket.getsockname()[:2]
        self.peers = []
        self.threads = [threading.Thread(target=self.accept, daemon=True)]
        self.going = True
        self.threads[0].start()

    def accept(self):
        while self.going:
            if select.select([self.socket], [], [], 0.1)[0]:
                client, peer = self.socket.accept()
                self.peers.append(peer[:2])
                self.threads.append(threading.Thread(target=self.serve, args=(client,), daemon=True))
                self.threads[-1].start()

    def serve(self, client):
        with client:
            client.settimeout(60)
            try:
                while data := client.recv(65536):
                    client.sendall(data)
            except OSError:
                pass

    def close(self):
        self.going = False
        self.threads[0].join()
        self.socket.close()


class TcpFlow:
    def __init__(self, namespace, server_address, server_port, timeout=5.0):
        self.socket = connection(namespace, server_address, server_port, timeout)
        self.source, self.port = self.socket.getsockname()[:2]

    def ask(self, size=1000, timeout=10.0):
        """Sends `size` random octets and reads them back; seconds it took, or None when it did not happen in time."""
        payload, back = os.urandom(size), bytearray()
        begin = time.monotonic()
        self.socket.settimeout(timeout)
        failed = []

        def send():
            try:
                self.socket.sendall(payload)
            except OSError as failure:
                failed.append(failure)

        sender = threading.Thread(target=send, daemon=True)
        sender.start()
        try:
            while len(back) < size and not failed:
                data = self.socket.recv(65536)
                if not data:
                    break
                back += data
        except OSError:
            return None
        sender.join()
        same = hashlib.sha256(back).digest() == hashlib.sha256(payload).digest()
        return time.monotonic() - begin if same else None

    def finish(self):
        try:
            self.socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.socket.close()

    def close(self):
        self.socket.close()
