# SPDX-License-Identifier: GPL-3.0-or-later
"""Forged Mobile IPv6 packets: right, wrong by one thing, or replayed. Own code, so that it can lie where it wants."""
import hmac
import ipaddress
import struct
import time

NTP_OF_1970 = 2208988800


def packed(address):
    return ipaddress.IPv6Address(address).packed


def checksum(source, destination, next_header, data):
    data = source + destination + struct.pack("!II", len(data), next_header) + data + b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def ipv6(source, destination, next_header, payload, hop_limit=64):
    return (struct.pack("!IHBB", 0x60000000, len(payload), next_header, hop_limit) + packed(source) + packed(destination) + payload)


def ipv6_like(packet, next_header, payload):
    """The packet's IPv6 header with something else behind it."""
    return packet[:4] + struct.pack("!HB", len(payload), next_header) + packet[7:40] + payload


def ipv6_from(packet, source):
    return packet[:8] + packed(source) + packet[24:]


def home_address_option(next_header, home_address):
    return bytes([next_header, 2, 1, 2, 0, 0, 0xC9, 16]) + packed(home_address)


def type_2_routing_header(next_header, home_address, segments_left=1):
    return struct.pack("!BBBBI", next_header, 2, 2, segments_left, 0) + packed(home_address)


def summed(header, source, destination):
    header = header[:4] + b"\0\0" + header[6:]
    return header[:4] + struct.pack("!H", checksum(packed(source), packed(destination), 135, header)) + header[6:]


def timestamp(seconds_off=0.0):
    now = time.time() + NTP_OF_1970 + seconds_off
    return struct.pack("!II", int(now) & 0xFFFFFFFF, int((now % 1) * 2**32))


def padded(header, x, y):
    missing = (y - len(header)) % x
    if missing == 1:
        return header + b"\0"
    return header + (b"\x01" + bytes([missing - 2]) + bytes(missing - 2) if missing else b"")


def authenticated(header, care_of_address, home_address, spi, key, identifier=None, stamp=None):
    """Appends RFC 4283/4285 options; `key` None leaves the header as it is, but padded to 8 octets."""
    if key is None:
        header = padded(header, 8, 0)
        return header[:1] + bytes([len(header) // 8 - 1]) + header[2:]
    if identifier is not None:
        header += bytes([8, 1 + len(identifier), 1]) + identifier.encode()
    if stamp is not None:
        header = padded(header, 8, 2) + b"\x0a\x08" + stamp
    header = padded(header, 8, 5) + b"\x09\x11\x01" + struct.pack("!I", spi)
    header = header[:1] + bytes([(len(header) + 12) // 8 - 1]) + header[2:4] + b"\0\0" + header[6:]
    return header + hmac.digest(key, packed(care_of_address) + packed(home_address) + header, "sha1")[:12]


def binding_update(source, home_agent, home_address, sequence, lifetime=600, flags=0xC000, care_of_address=None,
                   spi=256, key=None, identifier=None, stamp=None, with_option=True, wrong_checksum=False):
    care_of = care_of_address or source
    header = struct.pack("!BBBBHHHH", 59, 0, 5, 0, 0, sequence % 2**16, flags, lifetime // 4) + b"\x01\0\x03\x10" + packed(care_of)
    header = authenticated(header, care_of, home_address, spi, key, identifier, stamp)
    header = summed(header, home_address if with_option else source, home_agent)
    if wrong_checksum:
        header = header[:4] + bytes([header[4] ^ 0x55]) + header[5:]
    if not with_option:
        return ipv6(source, home_agent, 135, header)
    return ipv6(source, home_agent, 60, home_address_option(135, home_address) + header)


def binding_acknowledgement(home_agent, care_of_address, home_address, sequence, status=0, lifetime=600, spi=256, key=None,
                            stamp=None, source=None):
    header = struct.pack("!BBBBHBBHH", 59, 0, 6, 0, 0, status, 0, sequence % 2**16, lifetime // 4)
    header = authenticated(header, care_of_address, home_address, spi, key, None, stamp)
    header = summed(header, source or home_agent, home_address)
    return ipv6(source or home_agent, care_of_address, 43, type_2_routing_header(135, home_address) + header)


def binding_error(source, destination, home_address, status=1):
    header = struct.pack("!BBBBHBB", 59, 2, 7, 0, 0, status, 0) + packed(home_address)
    return ipv6(source, destination, 135, summed(header, source, destination))


def binding_refresh_request(source, home_address):
    header = struct.pack("!BBBBHH", 59, 0, 0, 0, 0, 0)
    return ipv6(source, home_address, 135, summed(header, source, home_address))


def icmpv6(source, destination, kind, code, body, checksum_destination=None, hop_limit=64, wrapper=None):
    message = struct.pack("!BBH", kind, code, 0) + body
    value = checksum(packed(source), packed(checksum_destination or destination), 58, message)
    message = message[:2] + struct.pack("!H", value) + message[4:]
    if wrapper is not None:
        return ipv6(source, destination, 43, wrapper(58) + message, hop_limit)
    return ipv6(source, destination, 58, message, hop_limit)


def prefix_advertisement(home_agent, care_of_address, home_address, prefix, identifier=1, valid=86400, preferred=86400):
    body = struct.pack("!HH", identifier, 0) + struct.pack("!BBBBIII", 3, 4, 64, 0xC0, valid, preferred, 0) + packed(prefix)
    return icmpv6(home_agent, care_of_address, 147, 0, body, checksum_destination=home_address,
                  wrapper=lambda nh: type_2_routing_header(nh, home_address))


def packet_too_big(router, destination, mtu, offender):
    return icmpv6(router, destination, 2, 0, struct.pack("!I", mtu) + offender[:1232])


def udp(source, destination, source_port, destination_port, payload=b"forged"):
    header = struct.pack("!HHHH", source_port, destination_port, 8 + len(payload), 0) + payload
    value = checksum(packed(source), packed(destination), 17, header) or 0xFFFF
    return ipv6(source, destination, 17, header[:6] + struct.pack("!H", value) + header[8:])


def tunnelled(outer_source, outer_destination, inner, hop_limit=64):
    return ipv6(outer_source, outer_destination, 41, inner, hop_limit)
