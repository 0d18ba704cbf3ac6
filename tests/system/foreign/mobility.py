# SPDX-License-Identifier: GPL-3.0-or-later
"""The packets of route optimisation that the foreign correspondent node and the foreign mobile node read and write."""
import struct

from . import packets as p
from .return_routability import AUTHENTICATOR_OCTETS, authenticator, binding_key

REFRESH_REQUEST, HOME_TEST_INIT, CARE_OF_TEST_INIT, HOME_TEST, CARE_OF_TEST, UPDATE, ACKNOWLEDGEMENT, ERROR = range(8)
ROUTING_HEADER_OCTETS = 24
UNREACHABLE, PARAMETER_PROBLEM = 1, 4


def summed(header, source, destination):
    value = p.checksum(source, destination, p.MOBILITY, header[:4] + b"\0\0" + header[6:])
    return header[:4] + struct.pack("!H", value) + header[6:]


def message(source, destination, kind, data):
    """A Mobility Header without options and without anything before it; `data` begins behind the checksum."""
    header = struct.pack("!BBBBH", p.NO_NEXT_HEADER, (6 + len(data)) // 8 - 1, kind, 0, 0) + data
    return p.ipv6(source, destination, p.MOBILITY, summed(header, source, destination))


def test(source, destination, kind, index, cookie, token):
    return message(source, destination, kind, struct.pack("!H", index) + cookie + token)


def binding_error(source, destination, home_address, status=1):
    return message(source, destination, ERROR, bytes([status, 0]) + home_address)


def refresh_request(source, home_address):
    return message(source, home_address, REFRESH_REQUEST, b"\0\0")


def acknowledgement(source, wire_destination, home_address, with_routing_header, status, sequence, units, key=None,
                    care_of_address=None):
    """With `key` authenticated (RFC 6275 §6.2.7), without one the three answers to stale nonces."""
    fixed = struct.pack("!BBHH", status, 0, sequence, units)
    if key is None:
        header = struct.pack("!BBBBH", p.NO_NEXT_HEADER, 1, ACKNOWLEDGEMENT, 0, 0) + fixed + b"\x01\x02\0\0"
    else:
        header = struct.pack("!BBBBH", p.NO_NEXT_HEADER, 3, ACKNOWLEDGEMENT, 0, 0) + fixed
        header += b"\x01\x04\0\0\0\0" + bytes([5, AUTHENTICATOR_OCTETS]) + bytes(AUTHENTICATOR_OCTETS)
        header = header[:-AUTHENTICATOR_OCTETS] + authenticator(key, care_of_address, source, header)
    header = summed(header, source, home_address)
    if not with_routing_header:
        return p.ipv6(source, wire_destination, p.MOBILITY, header)
    return p.ipv6(source, wire_destination, p.ROUTING, p.type_2_routing_header(p.MOBILITY, home_address) + header)


def binding_update(correspondent, home_address, source, sequence, home_token, care_of_token, lifetime=420,
                   flags=p.BindingUpdate.ACKNOWLEDGE, alternate=None, over=None, key=None, spoil=None, indices=True, authorized=True):
    """Right unless told otherwise. `over`: the care-of address that is authenticated; `key`: instead of the tokens' own;
    `spoil`: function over the Mobility Header before its checksum is made."""
    header = struct.pack("!BBBBHHHH", p.NO_NEXT_HEADER, 0, UPDATE, 0, 0, sequence & 0xFFFF, flags, lifetime // 4)
    if alternate is not None:
        header += b"\x01\0\x03\x10" + alternate
    if indices:
        header += b"\x04\x04" + struct.pack("!HH", home_token.index, care_of_token.index if care_of_token else 0)
    missing = (2 if authorized else 0) - len(header) & 7
    header += b"\0" * missing if missing < 2 else bytes([1, missing - 2]) + bytes(missing - 2)
    if authorized:
        header += bytes([5, AUTHENTICATOR_OCTETS]) + bytes(AUTHENTICATOR_OCTETS)
    header = header[:1] + bytes([len(header) // 8 - 1]) + header[2:]
    if authorized:
        key = key or binding_key(home_token.value, care_of_token.value if care_of_token else b"")
        named = alternate or (home_address if lifetime == 0 else source)
        header = header[:-AUTHENTICATOR_OCTETS] + authenticator(key, over or named, correspondent, header)
    header = spoil(header) if spoil else header
    return with_home_address_option(p.ipv6(home_address, correspondent, p.MOBILITY, summed(header, home_address, correspondent)), source)


def udp(source, destination, source_port, port, payload):
    header = struct.pack("!HHHH", source_port, port, 8 + len(payload), 0) + payload
    value = p.checksum(source, destination, p.UDP, header) or 0xFFFF
    return p.ipv6(source, destination, p.UDP, header[:6] + struct.pack("!H", value) + header[8:])


def with_home_address_option(packet, care_of_address):
    """A packet from a home address as it goes straight to the correspondent node, from the care-of address."""
    header = bytes([packet[6], 2, 1, 2, 0, 0, 0xC9, 16]) + packet[8:24]
    length = struct.pack("!H", len(packet) - 40 + len(header))
    return packet[:4] + length + bytes([p.DESTINATION_OPTIONS, packet[7]]) + care_of_address + packet[24:40] + header + packet[40:]


def with_routing_header(packet, care_of_address):
    """A packet to a home address as it goes straight to the care-of address."""
    header = p.type_2_routing_header(packet[6], packet[24:40])
    length = struct.pack("!H", len(packet) - 40 + len(header))
    return packet[:4] + length + bytes([p.ROUTING, packet[7]]) + packet[8:24] + care_of_address + header + packet[40:]


def without_routing_header(packet):
    """The other way round; None when there is none right behind the IPv6 header. Works for quoted, cut packets too."""
    if len(packet) < 64 or packet[6] != p.ROUTING or packet[41:43] != b"\x02\x02":
        return None
    length = struct.pack("!H", struct.unpack_from("!H", packet, 4)[0] - ROUTING_HEADER_OCTETS)
    return packet[:4] + length + packet[40:41] + packet[7:24] + packet[48:64] + packet[64:]


def without_home_address_option(packet):
    """A packet with a Home Address option as the upper layers see it: source = home address, the header gone. None when the
    header holds more than the option and its padding."""
    at, next_header = 6, packet[6]
    start = 40
    while next_header in (p.HOP_BY_HOP, p.ROUTING, p.DESTINATION_OPTIONS):
        size = (packet[start + 1] + 1) * 8
        if next_header == p.DESTINATION_OPTIONS and b"\xc9\x10" in packet[start:start + size]:
            if packet[start + 1:start + 8] != b"\x02\x01\x02\0\0\xc9\x10":
                return None
            home_address, rest = packet[start + 8:start + 24], packet[:at] + packet[start:start + 1] + packet[at + 1:start]
            out = rest + packet[start + size:]
            return out[:4] + struct.pack("!H", len(out) - 40) + out[6:8] + home_address + out[24:]
        at, next_header, start = start, packet[start], start + size
    return None


def icmpv6_error(reporter, offender, kind, code, pointer=0):
    return p.icmpv6(kind, code, struct.pack("!I", pointer) + offender[:1232], reporter, offender[8:24])
