# SPDX-License-Identifier: GPL-3.0-or-later
"""Right conversations of a mobile node, built by scapy: with its home agent, and with a correspondent node directly. The tests
of the judge break them one packet at a time."""
import hashlib
import hmac
import os
import struct
import tempfile

os.environ.setdefault("XDG_CACHE_HOME", tempfile.gettempdir())
from scapy.all import (HAO, ICMPv6MPAdv, ICMPv6MPSol, ICMPv6NDOptPrefixInfo, IPv6, IPv6ExtHdrDestOpt,  # noqa: E402
                       IPv6ExtHdrRouting, Raw, UDP, in6_chksum, inet_pton, raw, socket as sockets)

AGENT, PREFIX, HOME, CARE_A, CARE_B, PEER = ("2001:db8:100::1", "2001:db8:100::/64", "2001:db8:100::1001", "2001:db8:1::7",
                                             "2001:db8:2::7", "2001:db8:300::5")
KEY, SPI = bytes(range(16)), 300


def octets(address):
    return inet_pton(sockets.AF_INET6, address)


def pcap(packets):
    """A capture of link type RAW; `packets` are (seconds, octets)."""
    out = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 101)
    for time, packet in packets:
        seconds = int(time)
        out += struct.pack("<IIII", seconds, round((time - seconds) * 1e6), len(packet), len(packet)) + packet
    return out


def with_checksum(header, source, destination):
    value = in6_chksum(135, IPv6(src=source, dst=destination), header[:4] + b"\0\0" + header[6:])
    return header[:4] + struct.pack("!H", value) + header[6:]


def signed(fixed, care_of_address, home_address, timestamp, first=b"", identifier=True, spi=SPI, key=KEY):
    """Puts the three RFC 4285 options behind the fixed part and `first`, each aligned as it has to be."""
    header = fixed + first
    if identifier:
        header += b"\x08\x06\x01a@b.c"
    while len(header) % 8 != 2:
        header += b"\0" if len(header) % 8 == 1 else b"\x01" + bytes([(2 - len(header)) % 8 - 2]) + bytes((2 - len(header)) % 8 - 2)
    header += b"\x0a\x08" + timestamp + b"\0" + b"\x09\x11\x01" + struct.pack("!I", spi)
    header = header[:1] + bytes([(len(header) + 12) // 8 - 1]) + header[2:]
    return header + hmac.digest(key, octets(care_of_address) + octets(home_address) + header, "sha1")[:12]


def binding_update(sequence, care_of=CARE_A, home=HOME, lifetime=600, flags=0xC000, stamp=b"TTTTSSSS", acoa=None, **more):
    fixed = struct.pack("!BBBBHHHH", 59, 0, 5, 0, 0, sequence, flags, lifetime // 4)
    alternate = b"\x01\0\x03\x10" + octets(acoa or care_of)
    header = signed(fixed, acoa or care_of, home, stamp, alternate, **more)
    return raw(IPv6(src=care_of, dst=AGENT, nh=60) / IPv6ExtHdrDestOpt(nh=135, options=[HAO(hoa=home)])
               / Raw(with_checksum(header, home, AGENT)))


def acknowledgement(sequence, care_of=CARE_A, home=HOME, lifetime=600, status=0, flags=0, stamp=b"TTTTSSSS", acoa=None, **more):
    fixed = struct.pack("!BBBBHBBHH", 59, 0, 6, 0, 0, status, flags, sequence, lifetime // 4)
    header = signed(fixed, acoa or care_of, home, stamp, identifier=False, **more)
    return raw(IPv6(src=AGENT, dst=care_of, nh=43) / IPv6ExtHdrRouting(type=2, segleft=1, addresses=[home], nh=135)
               / Raw(with_checksum(header, AGENT, home)))


def service(operation, body, transaction=5, care_of=CARE_A, up=True, stamp=b"TTTTUUUU", version=1, **more):
    """The address and policy service."""
    fixed = struct.pack("!BBBBHBBIH", 59, 0, 11, 0, 0, version, operation, transaction, len(body)) + body
    header = signed(fixed, care_of, HOME, stamp, identifier=up, **more)
    if up:
        return raw(IPv6(src=care_of, dst=AGENT, nh=60) / IPv6ExtHdrDestOpt(nh=135, options=[HAO(hoa=HOME)])
                   / Raw(with_checksum(header, HOME, AGENT)))
    return raw(IPv6(src=AGENT, dst=care_of, nh=43) / IPv6ExtHdrRouting(type=2, segleft=1, addresses=[HOME], nh=135)
               / Raw(with_checksum(header, AGENT, HOME)))


def lifetimes(address, preferred=100, valid=200):
    return octets(address) + struct.pack("!II", preferred, valid)


def service_conversation():
    """An address is asked for twice, given, changed and given back; a policy is asked for."""
    given = "2001:db8:100::77"
    return {
        "first": (10.0, binding_update(7)), "answer": (10.1, acknowledgement(7)),
        "ask": (11.0, service(1, b"\1\1")), "ask again": (12.0, service(1, b"\1\1", stamp=b"TTTTUUUV")),
        "given": (12.1, service(2, b"\1\0\1\0" + lifetimes(given), up=False, stamp=b"TTTTUUUV")),
        "change": (13.0, service(5, b"\1\0" + lifetimes(given, 50, 90), 900, up=False, stamp=b"TTTTVVVV")),
        "taken": (13.1, service(6, b"", 900, stamp=b"TTTTWWWW")),
        "policy": (14.0, service(7, bytes(8), 6, stamp=b"TTTTWWWX")),
        "part": (14.1, service(8, struct.pack("!BBHIII", 0, 0, 3, 9, 3, 0) + bytes(32) + b"# a", 6, up=False, stamp=b"TTTTWWWX")),
        "hint": (15.0, service(9, b"\0\0\0\x0a", 0, up=False, stamp=b"TTTTYYYY")),
        "release": (16.0, service(3, b"\0\1" + octets(given), 7, stamp=b"TTTTZZZZ")),
        "released": (16.1, service(4, b"", 7, up=False, stamp=b"TTTTZZZZ")),
    }


def tunnelled(source, destination, care_of=CARE_A, up=True, hop_limit=64):
    outer = IPv6(src=care_of if up else AGENT, dst=AGENT if up else care_of, nh=41, hlim=hop_limit)
    return raw(outer / IPv6(src=source, dst=destination, hlim=63) / UDP(sport=5, dport=6) / Raw(b"data"))


def solicitation(identifier=9, home=HOME, with_option=True):
    packet = IPv6(src=CARE_A, dst=AGENT)
    return raw((packet / IPv6ExtHdrDestOpt(options=[HAO(hoa=home)]) if with_option else packet) / ICMPv6MPSol(id=identifier))


def advertisement(identifier=9, preferred=100):
    return raw(IPv6(src=AGENT, dst=CARE_A) / IPv6ExtHdrRouting(type=2, segleft=1, addresses=[HOME])
               / ICMPv6MPAdv(id=identifier, flags=0)
               / ICMPv6NDOptPrefixInfo(prefixlen=64, prefix="2001:db8:100::", validlifetime=200, preferredlifetime=preferred))


def conversation():
    """Registration with a retransmission, prefix discovery, data both ways, a move, the end."""
    return {
        "first": (10.0, binding_update(7)), "again": (11.5, binding_update(8)), "answer": (11.6, acknowledgement(8)),
        "solicitation": (12.0, solicitation()), "advertisement": (12.1, advertisement()),
        "up": (13.0, tunnelled(HOME, PEER)), "down": (13.1, tunnelled(PEER, HOME, up=False)),
        "move": (14.0, binding_update(9, CARE_B)), "move again": (15.0, binding_update(10, CARE_B)),
        "moved": (15.1, acknowledgement(10, CARE_B)), "moved up": (15.2, tunnelled(HOME, PEER, CARE_B)),
        "end": (16.0, binding_update(11, CARE_B, lifetime=0)), "ended": (16.1, acknowledgement(11, CARE_B, lifetime=0)),
    }


# --- route optimisation

def mobility_header(kind, data, source, destination):
    return with_checksum(struct.pack("!BBBBH", 59, (6 + len(data)) // 8 - 1, kind, 0, 0) + data, source, destination)


def message(kind, data, source, destination):
    return raw(IPv6(src=source, dst=destination, nh=135) / Raw(mobility_header(kind, data, source, destination)))


def in_tunnel(packet, care_of=CARE_A, up=True):
    return raw(IPv6(src=care_of if up else AGENT, dst=AGENT if up else care_of, nh=41) / Raw(packet))


def home_test_init(cookie=b"homecook", source=HOME, peer=PEER):
    return message(1, b"\0\0" + cookie, source, peer)


def care_of_test_init(cookie=b"careofck", source=CARE_A, peer=PEER):
    return message(2, b"\0\0" + cookie, source, peer)


def home_test(index=7, cookie=b"homecook", token=b"HOMETOKN", destination=HOME):
    return message(3, struct.pack("!H", index) + cookie + token, PEER, destination)


def care_of_test(index=8, cookie=b"careofck", token=b"CAREOFTK", destination=CARE_A):
    return message(4, struct.pack("!H", index) + cookie + token, PEER, destination)


def authorized(header, care_of, tokens, peer=PEER):
    """Puts the Binding Authorization Data option behind a header that ends at 8n+2."""
    header += b"\x05\x0c"
    header = header[:1] + bytes([(len(header) + 12) // 8 - 1]) + header[2:]
    return header + hmac.digest(hashlib.sha1(b"".join(tokens)).digest(), octets(care_of) + octets(peer) + header, "sha1")[:12]


def direct_update(sequence, care_of=CARE_A, lifetime=420, indices=(7, 8), tokens=(b"HOMETOKN", b"CAREOFTK"), flags=0x8000, acoa=None,
                  home=HOME, peer=PEER):
    header = struct.pack("!BBBBHHHH", 59, 0, 5, 0, 0, sequence, flags, lifetime // 4)
    if acoa:
        header += b"\x01\0\x03\x10" + octets(acoa)
    header += b"\x04\x04" + struct.pack("!HH", *indices) + (b"\x01\x02\0\0" if acoa else b"")
    header = authorized(header, home if lifetime == 0 else care_of, tokens, peer)
    return raw(IPv6(src=care_of, dst=peer, nh=60) / IPv6ExtHdrDestOpt(nh=135, options=[HAO(hoa=home)])
               / Raw(with_checksum(header, home, peer)))


def direct_acknowledgement(sequence, care_of=CARE_A, lifetime=420, status=0, tokens=(b"HOMETOKN", b"CAREOFTK"), deletes=False, home=HOME):
    header = struct.pack("!BBBBHBBHH", 59, 1, 6, 0, 0, status, 0, sequence, lifetime // 4)
    header = authorized(header + b"\x01\x04\0\0\0\0", home if deletes else care_of, tokens) if tokens else header + b"\x01\x02\0\0"
    return raw(IPv6(src=PEER, dst=care_of, nh=43) / IPv6ExtHdrRouting(type=2, segleft=1, addresses=[home], nh=135)
               / Raw(with_checksum(header, PEER, home)))


def direct_data(care_of=CARE_A, up=True, home=HOME, peer=PEER, wrong=0):
    inner = raw(IPv6(src=home if up else peer, dst=peer if up else home) / UDP(sport=5, dport=6) / Raw(b"data"))[40:]
    inner = inner[:-1] + bytes([inner[-1] ^ wrong])
    if up:
        return raw(IPv6(src=care_of, dst=peer, nh=60) / IPv6ExtHdrDestOpt(nh=17, options=[HAO(hoa=home)]) / Raw(inner))
    return raw(IPv6(src=peer, dst=care_of, nh=43) / IPv6ExtHdrRouting(type=2, segleft=1, addresses=[home], nh=17) / Raw(inner))


def binding_error(destination=CARE_A, home=HOME):
    return message(7, b"\x01\0" + octets(home), PEER, destination)


def direct_conversation():
    """Registration at home, tests, registration at the correspondent node, data, a move with the tokens at hand, the end."""
    tokens_of_b = (b"HOMETOKN", b"TOKEN4TB")
    return {
        "home": (10.0, binding_update(7)), "home answer": (11.1, acknowledgement(7)),
        "home init": (12.0, in_tunnel(home_test_init())), "care-of init": (12.0, care_of_test_init()),
        "home init again": (13.0, in_tunnel(home_test_init(b"homecok2"))),
        "care-of test": (12.1, care_of_test()), "home test": (13.1, in_tunnel(home_test(cookie=b"homecok2"), up=False)),
        "update": (13.2, direct_update(100)), "accepted": (13.3, direct_acknowledgement(100)),
        "up": (13.4, direct_data()), "down": (13.5, direct_data(up=False)),
        "care-of init of b": (14.0, care_of_test_init(b"cookie4b", CARE_B)),
        "care-of test of b": (14.1, care_of_test(9, b"cookie4b", b"TOKEN4TB", CARE_B)),
        "move": (20.0, direct_update(101, CARE_B, indices=(7, 9), tokens=tokens_of_b)), "moved up": (20.001, direct_data(CARE_B)),
        "moved": (20.1, direct_acknowledgement(101, CARE_B, tokens=tokens_of_b)), "late down": (20.05, direct_data(up=False)),
        "still up": (20.05, direct_data()),
        "late error": (20.15, binding_error()), "moved down": (20.2, direct_data(CARE_B, up=False)),
        "moved up again": (20.5, direct_data(CARE_B)),
        "refresh request": (21.0, in_tunnel(message(0, b"\0\0", PEER, HOME), up=False)),
        "end": (22.0, direct_update(102, CARE_B, 0, (7, 0), tokens_of_b[:1], acoa=HOME)),
        "ended": (22.1, direct_acknowledgement(102, CARE_B, 0, tokens=tokens_of_b[:1], deletes=True)),
        "error": (22.2, binding_error(CARE_B)),
    }
