# SPDX-License-Identifier: GPL-3.0-or-later
"""The few packets that the foreign nodes read and write. Addresses are 16 octets of `bytes`.

Nothing here is taken from the project's own codec: the two meet only on the wire.
"""
import ipaddress
import struct
from dataclasses import dataclass, field

UNSPECIFIED = bytes(16)
ALL_NODES = ipaddress.IPv6Address("ff02::1").packed

HOP_BY_HOP, TCP, UDP, IPV6_IN_IPV6, ROUTING, FRAGMENT = 0, 6, 17, 41, 43, 44
ICMPV6, NO_NEXT_HEADER, DESTINATION_OPTIONS, MOBILITY = 58, 59, 60, 135

ECHO_REQUEST, ECHO_REPLY, PACKET_TOO_BIG = 128, 129, 2
NEIGHBOR_SOLICITATION, NEIGHBOR_ADVERTISEMENT = 135, 136
AGENT_DISCOVERY_REQUEST, AGENT_DISCOVERY_REPLY, PREFIX_SOLICITATION, PREFIX_ADVERTISEMENT = 144, 145, 146, 147


def text(address):
    return str(ipaddress.IPv6Address(address))


def packed(address):
    return ipaddress.IPv6Address(address).packed


def checksum(source, destination, next_header, payload):
    """RFC 8200 §8.1 over the pseudo-header; the checksum field inside `payload` has to be zero."""
    data = source + destination + struct.pack("!II", len(payload), next_header) + payload
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def ipv6(source, destination, next_header, payload, hop_limit=64):
    return struct.pack("!IHBB", 0x60000000, len(payload), next_header, hop_limit) + source + destination + payload


def icmpv6(kind, code, body, source, destination, hop_limit=64):
    """A whole packet. `source` and `destination` are those of the checksum too, so not for messages behind an RH2."""
    message = struct.pack("!BBH", kind, code, 0) + body
    value = checksum(source, destination, ICMPV6, message)
    return ipv6(source, destination, ICMPV6, message[:2] + struct.pack("!H", value) + message[4:], hop_limit)


@dataclass
class Packet:
    """An IPv6 packet with its extension headers walked."""
    source: bytes
    destination: bytes
    hop_limit: int
    upper: int = NO_NEXT_HEADER      # protocol behind the last extension header
    payload: bytes = b""             # from there on
    home_address: bytes = None       # of a Home Address option
    routing_home_address: bytes = None  # of a type 2 routing header
    fragment: bool = False


def parse(data):
    """A Packet, or None when the octets are no sound IPv6 packet."""
    if len(data) < 40 or data[0] >> 4 != 6:
        return None
    length = struct.unpack_from("!H", data, 4)[0]
    if 40 + length > len(data):
        return None
    data = data[:40 + length]
    packet = Packet(data[8:24], data[24:40], data[7])
    upper, offset = data[6], 40
    while upper in (HOP_BY_HOP, ROUTING, DESTINATION_OPTIONS, FRAGMENT):
        if offset + 8 > len(data):
            return None
        size = 8 if upper == FRAGMENT else (data[offset + 1] + 1) * 8
        header = data[offset:offset + size]
        if len(header) < size:
            return None
        if upper == DESTINATION_OPTIONS and not _read_options(header, packet):
            return None
        if upper == ROUTING and header[2] == 2 and size == 24:
            packet.routing_home_address = header[8:24]
        if upper == FRAGMENT:
            packet.fragment = True
            break
        upper, offset = header[0], offset + size
    packet.upper, packet.payload = upper, data[offset:]
    return packet


def _read_options(header, packet):
    at = 2
    while at < len(header):
        if header[at] == 0:
            at += 1
            continue
        if at + 2 > len(header) or at + 2 + header[at + 1] > len(header):
            return False
        if header[at] == 0xC9 and header[at + 1] == 16:
            packet.home_address = header[at + 2:at + 18]
        at += 2 + header[at + 1]
    return True


@dataclass
class BindingUpdate:
    sequence: int
    flags: int
    lifetime: int                       # units of 4 s
    alternate_care_of_address: bytes = None
    nonce_indices: tuple = None         # (home, care-of)
    authenticator: bytes = None
    options: list = field(default_factory=list)   # types, for the log

    ACKNOWLEDGE, HOME, LINK_LOCAL, KEY_MOBILITY, ROUTER = 0x8000, 0x4000, 0x2000, 0x1000, 0x0400


def mobility_header_is_right(packet):
    """Length, Payload Proto and the checksum over the home address."""
    header = packet.payload
    if len(header) < 8 or len(header) != (header[1] + 1) * 8 or header[0] != NO_NEXT_HEADER:
        return False
    source = packet.home_address or packet.source
    destination = packet.routing_home_address or packet.destination
    return checksum(source, destination, MOBILITY, header[:4] + b"\0\0" + header[6:]) == struct.unpack_from("!H", header, 4)[0]


def parse_binding_update(header):
    if len(header) < 12 or header[2] != 5:
        return None
    update = BindingUpdate(*struct.unpack_from("!HHH", header, 6))
    at = 12
    while at < len(header):
        if header[at] == 0:
            at += 1
            continue
        if at + 2 > len(header) or at + 2 + header[at + 1] > len(header):
            return None
        kind, body = header[at], header[at + 2:at + 2 + header[at + 1]]
        update.options.append(kind)
        if kind == 3 and len(body) == 16:     # what is not known is skipped, RFC 6275 §6.2.1
            update.alternate_care_of_address = body
        elif kind == 4 and len(body) == 4:
            update.nonce_indices = struct.unpack("!HH", body)
        elif kind == 5:
            update.authenticator = body
        at += 2 + len(body)
    return update


def binding_acknowledgement(home_agent, care_of_address, home_address, status, sequence, lifetime):
    """BA behind a type 2 routing header; without one when the node is at home (care-of address = home address)."""
    header = struct.pack("!BBBBHBBHH", NO_NEXT_HEADER, 1, 6, 0, 0, status, 0, sequence, lifetime) + b"\x01\x02\0\0"
    value = checksum(home_agent, home_address, MOBILITY, header)
    header = header[:4] + struct.pack("!H", value) + header[6:]
    if care_of_address == home_address:
        return ipv6(home_agent, home_address, MOBILITY, header)
    return ipv6(home_agent, care_of_address, ROUTING, type_2_routing_header(MOBILITY, home_address) + header)


def type_2_routing_header(next_header, home_address):
    return struct.pack("!BBBBI", next_header, 2, 2, 1, 0) + home_address


def neighbor_solicitation(source, source_mac, target):
    group = packed("ff02::1:ff00:0")[:13] + target[13:]
    body = bytes(4) + target
    if source != UNSPECIFIED:
        body += b"\x01\x01" + source_mac
    return icmpv6(NEIGHBOR_SOLICITATION, 0, body, source, group, hop_limit=255)


def neighbor_advertisement(source, destination, target, mac, solicited, override):
    flags = (0x40000000 if solicited else 0) | (0x20000000 if override else 0)
    return icmpv6(NEIGHBOR_ADVERTISEMENT, 0, struct.pack("!I", flags) + target + b"\x02\x01" + mac, source, destination, 255)
