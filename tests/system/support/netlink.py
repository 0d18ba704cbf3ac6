# SPDX-License-Identifier: GPL-3.0-or-later
"""The netlink sockets of a process, and words to them that do not come from the kernel."""
import os
import pathlib
import re
import socket
import struct
from dataclasses import dataclass

ROUTE, SOCK_DIAG, NETFILTER = 0, 4, 12
RTM_DELLINK, RTM_DELADDR, RTM_DELROUTE = 17, 21, 25
NLMSG_ERROR = 2
NFQNL_MSG_PACKET = 3 << 8
NFT_MSG_DELTABLE = 10 << 8 | 2
SOCK_DIAG_BY_FAMILY = 20


@dataclass(frozen=True)
class NetlinkSocket:
    protocol: int
    port: int
    groups: int  # a bit for each of the first 32 that it listens to


def sockets_of(process):
    """Of a process, in the network namespace that it runs in."""
    descriptors = pathlib.Path(f"/proc/{process}/fd")
    inodes = {found[1] for fd in descriptors.iterdir() if (found := re.match(r"socket:\[(\d+)\]", os.readlink(fd)))}
    rows = [line.split() for line in pathlib.Path(f"/proc/{process}/net/netlink").read_text().splitlines()[1:]]
    return [NetlinkSocket(int(row[1]), int(row[2]), int(row[3], 16)) for row in rows if row[9] in inodes]


def message(kind, body, sequence=0, flags=0):
    return struct.pack("=IHHII", 16 + len(body), kind, flags, sequence, 0) + body


def attribute(kind, value):
    return struct.pack("=HH", 4 + len(value), kind) + value + bytes(-len(value) % 4)


def deleted_link(index):
    return message(RTM_DELLINK, struct.pack("=BxHiII", 0, 1, index, 0, 0xFFFFFFFF))


def deleted_address(index, address):
    return message(RTM_DELADDR, struct.pack("=BBBBI", socket.AF_INET6, 64, 0, 0, index) + attribute(1, address))


def deleted_default_route(index, router):
    header = struct.pack("=BBBBBBBBI", socket.AF_INET6, 0, 0, 0, 254, 9, 0, 1, 0)
    return message(RTM_DELROUTE, header + attribute(5, router) + attribute(4, struct.pack("=I", index)))


def refusal(sequence, error):
    return message(NLMSG_ERROR, struct.pack("=i", -error) + message(0, b""), sequence)


def queued_packet(number, packet):
    """As the kernel says that a packet waits for a verdict: its number, hook 3 (LOCAL_OUT), its octets."""
    header = struct.pack("!BBH", socket.AF_INET6, 0, 6275)
    return message(NFQNL_MSG_PACKET, header + attribute(1, struct.pack("!IHBx", number, 0x86DD, 3)) + attribute(10, packet))


def say(sender, to, octets):
    """0 or the errno. `to`: (port, groups)."""
    try:
        sender.sendto(octets, to)
    except OSError as error:
        return error.errno
    return 0
