# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes packets apart for the judge, with nothing of the project and nothing of the foreign home agent."""
import ipaddress
import struct
from dataclasses import dataclass, field

HOP_BY_HOP, IPV6_IN_IPV6, ROUTING, FRAGMENT, ICMPV6, NONE, DESTINATION_OPTIONS, MOBILITY = 0, 41, 43, 44, 58, 59, 60, 135
BRR, HOTI, COTI, HOT, COT, BU, BA, BE = range(8)
SERVICE = 11      # RFC 5096: experiments; ours is the address and policy service, docs/agent-service.md
FIXED_PART = {BRR: 8, HOTI: 16, COTI: 16, HOT: 24, COT: 24, BU: 12, BA: 12, BE: 24, SERVICE: 14}
MESSAGE_NAMES = ["Binding Refresh Request", "Home Test Init", "Care-of Test Init", "Home Test", "Care-of Test",
                 "Binding Update", "Binding Acknowledgement", "Binding Error"]


def name(address):
    return str(ipaddress.IPv6Address(address))


def ones_complement_sum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total > 0xFFFF:
        total = (total >> 16) + (total & 0xFFFF)
    return total


@dataclass
class Option:
    kind: int
    offset: int      # of the type octet, from the start of the Mobility Header
    body: bytes


@dataclass
class MobilityMessage:
    octets: bytes
    kind: int
    options: list
    overrun: bool

    @property
    def is_update(self):
        return self.kind == BU

    @property
    def is_acknowledgement(self):
        return self.kind == BA

    # Fixed parts; the order of the fields differs between the two messages, RFC 6275 §6.1.7 and §6.1.8.
    @property
    def sequence(self):
        return struct.unpack_from("!H", self.octets, 6 if self.is_update else 8)[0]

    @property
    def lifetime(self):   # seconds
        return struct.unpack_from("!H", self.octets, 10)[0] * 4

    @property
    def flags(self):
        return struct.unpack_from("!H", self.octets, 8)[0] if self.is_update else self.octets[7]

    @property
    def status(self):
        return self.octets[6]

    def option(self, kind):
        return next((o for o in self.options if o.kind == kind), None)


@dataclass
class Layer:
    """One IPv6 header with what follows it."""
    source: bytes
    destination: bytes
    hop_limit: int
    headers: list = field(default_factory=list)   # (next header value, octets) of the extension headers
    home_address: bytes = None
    routing_home_address: bytes = None
    segments_left: int = 0
    fragment_offset: int = None                   # octets; None = no Fragment header
    upper: int = NONE
    payload: bytes = b""
    whole: bool = True                            # all octets that the header promises were captured
    octets: bytes = b""
    broken: str = ""                              # why it could not be taken apart to the end

    @property
    def checksum_source(self):
        return self.home_address or self.source

    @property
    def checksum_destination(self):
        return self.routing_home_address if self.routing_home_address and self.segments_left else self.destination

    def checksum_is_right(self):
        pseudo = self.checksum_source + self.checksum_destination + struct.pack("!II", len(self.payload), self.upper)
        return ones_complement_sum(pseudo + self.payload) == 0xFFFF

    def mobility(self):
        """The MobilityMessage, or None when this is none or it is too short to have a type and its fixed part."""
        header = self.payload
        if self.upper != MOBILITY or self.fragment_offset or len(header) < 8:
            return None
        kind = header[2]
        if len(header) < FIXED_PART.get(kind, 8):
            return None
        start = FIXED_PART.get(kind, 8)
        if kind == SERVICE:
            start += struct.unpack_from("!H", header, 12)[0]
        options, overrun = _options(header, start) if kind in FIXED_PART else ([], False)
        return MobilityMessage(header, kind, options, overrun)

    def icmpv6_type(self):
        return self.payload[0] if self.upper == ICMPV6 and not self.fragment_offset and len(self.payload) >= 4 else None


def _options(octets, at):
    options = []
    while at < len(octets):
        if octets[at] == 0:
            options.append(Option(0, at, b""))
            at += 1
            continue
        if at + 2 > len(octets) or at + 2 + octets[at + 1] > len(octets):
            return options, True
        options.append(Option(octets[at], at, octets[at + 2:at + 2 + octets[at + 1]]))
        at += 2 + octets[at + 1]
    return options, False


def dissect(octets):
    """The layers of a packet, outermost first; several when it is a tunnel packet."""
    layers = []
    while len(octets) >= 40 and octets[0] >> 4 == 6 and len(layers) < 4:
        layer = _layer(octets)
        layers.append(layer)
        if layer.upper != IPV6_IN_IPV6 or layer.fragment_offset is not None:
            break
        octets = layer.payload
    return layers


def _layer(octets):
    length = struct.unpack_from("!H", octets, 4)[0]
    layer = Layer(octets[8:24], octets[24:40], octets[7], whole=40 + length <= len(octets), octets=octets[:40 + length])
    octets, upper, at = layer.octets, octets[6], 40
    while upper in (HOP_BY_HOP, DESTINATION_OPTIONS, ROUTING, FRAGMENT):
        size = 8 if upper == FRAGMENT or at + 2 > len(octets) else (octets[at + 1] + 1) * 8
        header = octets[at:at + size]
        if len(header) < size:
            layer.broken = "extension header runs past the end"
            return layer
        layer.headers.append((upper, header))
        if upper == DESTINATION_OPTIONS:
            found, overrun = _options(header, 2)
            homes = [o for o in found if o.kind == 0xC9]
            if homes:
                layer.home_address = homes[0].body
            if overrun or len(homes) > 1 or any(len(o.body) != 16 for o in homes):
                layer.broken = "destination options header is wrong"
                layer.home_address = None
        elif upper == ROUTING and header[2] == 2:
            layer.routing_home_address, layer.segments_left = header[8:24], header[3]
            if size != 24:
                layer.broken, layer.routing_home_address = "type 2 routing header is not 24 octets long", None
        elif upper == FRAGMENT:
            layer.fragment_offset = struct.unpack_from("!H", header, 2)[0] & 0xFFF8
            if layer.fragment_offset:
                upper, at = header[0], at + 8
                break
        upper, at = header[0], at + size
    layer.upper, layer.payload = upper, octets[at:]
    return layer
