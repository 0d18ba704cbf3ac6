# SPDX-License-Identifier: GPL-3.0-or-later
"""Messages between home agents, from docs/forwarding-protocol.md, hashlib and hmac alone: right ones and lies."""
import hmac
import random
import select
import struct
import time

from .forge import packed
from .namespaces import udp_socket

START, START_ACKNOWLEDGEMENT, STOP, STOP_ACKNOWLEDGEMENT, HEARTBEAT, HEARTBEAT_ACKNOWLEDGEMENT, REPORT = range(1, 8)
RECORD_LENGTH = {START: 64, START_ACKNOWLEDGEMENT: 32, STOP: 24, STOP_ACKNOWLEDGEMENT: 48, HEARTBEAT: 16,
                 HEARTBEAT_ACKNOWLEDGEMENT: 32, REPORT: 40}
MAGIC, VERSION = 0x6D46, 1


def start(home_address, care_of_address, tunnel_source, number, duration, link_local=False):
    return (packed(home_address) + packed(care_of_address) + packed(tunnel_source)
            + struct.pack("!QIB3x", number, duration, 0x80 if link_local else 0))


def stop(home_address, number):
    return packed(home_address) + struct.pack("!Q", number)


def heartbeat(number, answers):
    return struct.pack("!QQ", number, answers)


def message(kind, records, key, source, destination, sender_session, receiver_session, sequence, **wrong):
    """`wrong`: magic, version, count, length to lie with."""
    body = b"".join(records)
    length = 32 + len(body) + 16
    header = struct.pack("!HBBHBxQQQ", wrong.get("magic", MAGIC), wrong.get("version", VERSION), kind, wrong.get("length", length),
                         wrong.get("count", len(records)), sender_session, receiver_session, sequence)
    digest = hmac.digest(key, packed(source) + packed(destination) + header + body, "sha256")[:16]
    return header + body + digest


def read(payload, key, source, destination):
    """{"kind", "sender_session", "receiver_session", "sequence", "records"} of a right message, else None."""
    if len(payload) < 48:
        return None
    magic, version, kind, length, count, sender, receiver, sequence = struct.unpack_from("!HBBHBxQQQ", payload)
    body = payload[32:-16]
    if (magic, version, length) != (MAGIC, VERSION, len(payload)) or kind not in RECORD_LENGTH:
        return None
    if not hmac.compare_digest(hmac.digest(key, packed(source) + packed(destination) + payload[:-16], "sha256")[:16], payload[-16:]):
        return None
    size = RECORD_LENGTH[kind]
    if len(body) != count * size:
        return None
    return {"kind": kind, "sender_session": sender, "receiver_session": receiver, "sequence": sequence,
            "records": [body[at:at + size] for at in range(0, len(body), size)]}


def address_and_number(record):
    """Of every record but those of heartbeats."""
    return record[:16], struct.unpack_from("!Q", record, 16)[0]


def status_of(kind, record):
    return record[24] if kind == START_ACKNOWLEDGEMENT else record[40]


class Primary:
    """A primary in Python, in conversation with a secondary. `port` is that of both."""

    def __init__(self, namespace, own, secondary, key, port=6275):
        self.own, self.secondary, self.key = own, secondary, key
        self.socket = udp_socket(namespace, own, port)
        self.socket.connect((secondary, port))
        self.session, self.peer_session = random.getrandbits(63) + 1, 0
        self.sequence, self.highest_seen, self.number = 0, 0, time.time_ns() // 1000

    def close(self):
        self.socket.close()

    def build(self, kind, records, **wrong):
        """A message with the next sequence number, right but for what `wrong` says."""
        self.sequence += 1
        values = {"key": self.key, "source": self.own, "destination": self.secondary, "sender_session": self.session,
                  "receiver_session": self.peer_session, "sequence": self.sequence, **wrong}
        return message(kind, records, **values)

    def send(self, data):
        try:
            self.socket.send(data)
        except OSError:
            self.socket.send(data)  # the first one reports an ICMPv6 error about an earlier datagram

    def receive(self, kinds, timeout=2.0):
        """The next right message of one of these kinds, None when none comes."""
        end = time.monotonic() + timeout
        while (left := end - time.monotonic()) > 0:
            if not select.select([self.socket], [], [], left)[0]:
                return None
            try:
                found = read(self.socket.recv(2048), self.key, self.secondary, self.own)
            except OSError:
                continue
            if found is None:
                continue
            self.highest_seen = max(self.highest_seen, found["sequence"])
            if found["kind"] in kinds:
                return found
        return None

    def beat(self):
        """Sends a heartbeat; its acknowledgement, or None."""
        self.number += 1
        self.send(self.build(HEARTBEAT, [heartbeat(self.number, self.highest_seen)]))
        return self.receive({HEARTBEAT_ACKNOWLEDGEMENT})

    def begin(self):
        """Learns the secondary's session and proves its own. False when the secondary does not play along."""
        self.send(self.build(HEARTBEAT, [heartbeat(1, 0)]))
        answer = self.receive({HEARTBEAT})
        if answer is None or struct.unpack_from("!Q", answer["records"][0], 8)[0] != self.sequence:
            return False
        self.peer_session = answer["sender_session"]
        return self.beat() is not None

    def next_number(self):
        self.number += 1
        return self.number

    def ask(self, kind, record):
        """The status of the acknowledgement of a Start or Stop, None when there is none."""
        self.send(self.build(kind, [record]))
        answer = self.receive({kind + 1})
        return None if answer is None else status_of(kind + 1, answer["records"][0])
