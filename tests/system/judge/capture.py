# SPDX-License-Identifier: GPL-3.0-or-later
"""Capture files in, IPv6 packets out."""
import pathlib
import struct
import subprocess
import tempfile
from dataclasses import dataclass, field

from .dissect import Layer, dissect

ETHERNET, RAW_IP, LINUX_SLL, IPV6 = 1, 101, 113, 229
NEIGHBOUR_ADVERTISEMENT = 136
RELEASE = 0.02    # seconds from a neighbour's answer to the packets that have waited for it


@dataclass
class Frame:
    capture: str         # name of the file
    number: int          # as tshark counts, from 1
    time: float          # seconds since 1970
    layers: list = field(default_factory=list)   # of Layer, outermost first
    # Perhaps sent seconds before: the sender's kernel keeps packets until the neighbour has answered, RFC 4861 §7.2.2.
    held_back: bool = False

    @property
    def outer(self):
        return self.layers[0]

    def __str__(self):
        return f"{pathlib.Path(self.capture).name}:{self.number}"


def read(path):
    """The IPv6 frames of a pcap or pcapng file."""
    data = pathlib.Path(path).read_bytes()
    if data[:4] == b"\x0a\x0d\x0d\x0a":
        with tempfile.TemporaryDirectory(prefix="mipflow-judge-") as folder:
            plain = pathlib.Path(folder) / "plain.pcap"
            subprocess.run(["editcap", "-F", "nsecpcap", str(path), str(plain)], check=True, stdout=subprocess.DEVNULL)
            data = plain.read_bytes()
    return list(_frames(str(path), data))


def read_all(paths):
    """The frames of several captures of one machine (one clock) in the order of time."""
    return sorted((f for path in paths for f in read(path)), key=lambda f: f.time)


def _frames(name, data):
    if len(data) < 24:
        return
    magics = {0xA1B2C3D4: 1e-6, 0xA1B23C4D: 1e-9}
    order = "<" if struct.unpack("<I", data[:4])[0] in magics else ">"
    fraction = magics[struct.unpack(order + "I", data[:4])[0]]
    link_type = struct.unpack_from(order + "I", data, 20)[0] & 0xFFFF
    at, number, neighbour_answered = 24, 0, float("-inf")
    while at + 16 <= len(data):
        seconds, parts, kept, _ = struct.unpack_from(order + "IIII", data, at)
        octets, number = data[at + 16:at + 16 + kept], number + 1
        at += 16 + kept
        packet = _ipv6_of(link_type, octets)
        if packet is not None:
            layers = dissect(packet)
            if layers:
                time = seconds + parts * fraction
                yield Frame(name, number, time, layers, held_back=time - neighbour_answered < RELEASE)
                if layers[0].icmpv6_type() == NEIGHBOUR_ADVERTISEMENT:
                    neighbour_answered = time


def _ipv6_of(link_type, octets):
    if link_type == ETHERNET and octets[12:14] == b"\x86\xdd":
        return octets[14:]
    if link_type == LINUX_SLL and octets[14:16] == b"\x86\xdd":
        return octets[16:]
    if link_type in (RAW_IP, IPV6) and octets and octets[0] >> 4 == 6:
        return octets
    return None


__all__ = ["Frame", "Layer", "read", "read_all"]
