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
PROTOCOL_MOBILITY = 135
HOME_TEST_INIT, CARE_OF_TEST_INIT, BINDING_UPDATE = 1, 2, 5
_HOP_BY_HOP, _ROUTING, _FRAGMENT, _DESTINATION_OPTIONS = 0, 43, 44, 60
_HOME_ADDRESS_OPTION = 0xC9
_SNAP_LENGTH = 160
_LINK_HEADER = {1: 14, 101: 0}  # Ethernet, raw IP


@dataclass(frozen=True)
class Packet:
    """An IPv6 packet of a capture, as the two ends see it: what is tunnelled from the inside, home addresses out of the Home
    Address option and the type 2 routing header. The addresses that routers see stand beside it where they are others."""
    time_ns: int
    length: int               # octets on the wire, link header included; a GSO packet counts once
    path: str                 # "plain", "tunnel", or "direct": with a Home Address option or a type 2 routing header
    outer_source: str | None  # None: plain
    outer_destination: str | None
    source: str
    destination: str
    protocol: int
    source_port: int          # 0 where there are no ports
    destination_port: int
    hop_limit: int
    mobility_type: int | None = None  # of a Mobility Header, RFC 6275 §6.1


@lru_cache(maxsize=4096)
def _address(octets):
    return str(ipaddress.IPv6Address(octets))


def _read_ipv6(data, offset):
    """(source, destination, next header, hop limit, offset behind the header) or None."""
    if len(data) < offset + 40 or data[offset] >> 4 != 6:
        return None
    return (_address(bytes(data[offset + 8:offset + 24])), _address(bytes(data[offset + 24:offset + 40])), data[offset + 6],
            data[offset + 7], offset + 40)


def _home_address_option(header):
    """The home address that a destination options header carries, or None."""
    at = 2
    while at < len(header):
        if header[at] == 0:  # Pad1
            at += 1
            continue
        if at + 2 > len(header):
            return None
        length = header[at + 1]
        if header[at] == _HOME_ADDRESS_OPTION and length == 16 and at + 18 <= len(header):
            return _address(bytes(header[at + 2:at + 18]))
        at += 2 + length
    return None


def _read_extension_headers(data, protocol, offset):
    """(home address of the source, home address of the destination, next header, offset behind them); None for what is not there."""
    source = destination = None
    while protocol in (_HOP_BY_HOP, _ROUTING, _DESTINATION_OPTIONS, _FRAGMENT) and len(data) >= offset + 8:
        length = 8 if protocol == _FRAGMENT else (data[offset + 1] + 1) * 8
        header = data[offset:offset + length]
        if protocol == _DESTINATION_OPTIONS:
            source = _home_address_option(header) or source
        elif protocol == _ROUTING and len(header) == 24 and header[2] == 2 and header[3] == 1:
            destination = _address(bytes(header[8:24]))
        elif protocol == _FRAGMENT and struct.unpack_from("!H", header, 2)[0] & 0xFFF8:
            return source, destination, _FRAGMENT, offset + 8  # a later fragment: no ports to be read
        protocol, offset = header[0], offset + length
    return source, destination, protocol, offset


def _read_packet(data, offset, time_ns, length):
    first = _read_ipv6(data, offset)
    if first is None:
        return None
    source, destination, protocol, hop_limit, offset = first
    path, outer = "plain", (None, None)
    if protocol == PROTOCOL_IPV6 and (inner := _read_ipv6(data, offset)) is not None:
        path, outer = "tunnel", (source, destination)
        source, destination, protocol, hop_limit, offset = inner
    else:
        *home, protocol, offset = _read_extension_headers(data, protocol, offset)
        if any(home):
            path, outer = "direct", (source, destination)
            source, destination = home[0] or source, home[1] or destination
    ports, mobility_type = (0, 0), None
    if protocol in (PROTOCOL_TCP, PROTOCOL_UDP) and len(data) >= offset + 4:
        ports = struct.unpack_from("!HH", data, offset)
    elif protocol == PROTOCOL_MOBILITY and len(data) >= offset + 3:
        mobility_type = data[offset + 2]
    return Packet(time_ns, length, path, *outer, source, destination, protocol, *ports, hop_limit, mobility_type)


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
