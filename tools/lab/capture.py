# SPDX-License-Identifier: GPL-3.0-or-later
"""Packets on an interface, seen by tcpdump and read without any code of mipflow: an outside eye."""

import ipaddress
import re
import signal
import struct
from dataclasses import dataclass
from functools import lru_cache

from .process import LabError, Process, wait_until

PROTOCOL_TCP = 6
PROTOCOL_UDP = 17
PROTOCOL_IPV6 = 41
_SNAP_LENGTH = 160
_LINK_HEADER = {1: 14, 101: 0}  # Ethernet, raw IP


@dataclass(frozen=True)
class Packet:
    """An IPv6 packet of a capture; what is tunnelled is shown from the inside, with the tunnel's ends beside it."""
    time_ns: int
    length: int               # octets on the wire, link header included; a GSO packet counts once
    outer_source: str | None  # None: not tunnelled
    outer_destination: str | None
    source: str
    destination: str
    protocol: int
    source_port: int          # 0 where there are no ports
    destination_port: int
    hop_limit: int


@lru_cache(maxsize=4096)
def _address(octets):
    return str(ipaddress.IPv6Address(octets))


def _read_ipv6(data, offset):
    """(source, destination, next header, hop limit, offset behind the header) or None."""
    if len(data) < offset + 40 or data[offset] >> 4 != 6:
        return None
    return (_address(bytes(data[offset + 8:offset + 24])), _address(bytes(data[offset + 24:offset + 40])), data[offset + 6],
            data[offset + 7], offset + 40)


def _read_packet(data, offset, time_ns, length):
    first = _read_ipv6(data, offset)
    if first is None:
        return None
    source, destination, protocol, hop_limit, offset = first
    outer = (None, None)
    if protocol == PROTOCOL_IPV6 and (inner := _read_ipv6(data, offset)) is not None:
        outer = (source, destination)
        source, destination, protocol, hop_limit, offset = inner
    ports = (0, 0)
    if protocol in (PROTOCOL_TCP, PROTOCOL_UDP) and len(data) >= offset + 4:
        ports = struct.unpack_from("!HH", data, offset)
    return Packet(time_ns, length, *outer, source, destination, protocol, *ports, hop_limit)


def read_packets(path):
    """Every IPv6 packet of a pcap file with nanoseconds, in the order of the file; a cut last record is left out."""
    content = path.read_bytes()
    if len(content) < 24 or struct.unpack_from("<I", content)[0] != 0xA1B23C4D:
        raise LabError(f"{path} is no capture with nanoseconds of this machine")
    link_type = struct.unpack_from("<I", content, 20)[0] & 0xFFFF
    if link_type not in _LINK_HEADER:
        raise LabError(f"{path}: link type {link_type} is not known here")
    packets = []
    position = 24
    while position + 16 <= len(content):
        seconds, nanoseconds, kept, length = struct.unpack_from("<IIII", content, position)
        position += 16
        if position + kept > len(content):
            break
        data = memoryview(content)[position:position + kept]
        packet = _read_packet(data, _LINK_HEADER[link_type], seconds * 1_000_000_000 + nanoseconds, length)
        if packet is not None:
            packets.append(packet)
        position += kept
    return packets


class Capture:
    """A running capture. stop() ends it; then packets() can be asked."""

    def __init__(self, node, interface, path, expression="ip6"):
        self.interface = interface
        self.path = path
        command = ["tcpdump", "-i", interface, "-n", "-p", "-s", _SNAP_LENGTH, "-U", "--immediate-mode", "-B", 16384,
                   "--time-stamp-precision=nano", "-Z", "root", "-w", path, expression]
        self._process = Process(node.enter(command), path.with_suffix(".log"))
        wait_until(self._listening, f"tcpdump on {node.name} {interface}")

    def _listening(self):
        self._process.expect_running()
        return "listening on" in self._process.output()

    def stop(self):
        """Ends the capture. LabError when the kernel could not keep up: its figures would lie."""
        if self._process.running():
            self._process.stop(signal.SIGINT)
            dropped = re.search(r"(\d+) packets? dropped by kernel", self._process.output())
            if dropped and int(dropped.group(1)) > 0:
                raise LabError(f"the capture on {self.interface} lost {dropped.group(1)} packets")

    def packets(self):
        self.stop()
        return read_packets(self.path)
