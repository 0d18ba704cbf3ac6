# SPDX-License-Identifier: GPL-3.0-or-later
"""What lies above the foreign correspondent node: the kernel of its namespace, reached through a cable of its own,

    sockets ─ kernel ─ stack0 ═ veth ═ below0 ─ foreign_correspondent_node.py ─ eth0 ─ network

which sees plain packets of home addresses and knows nothing of mobility, so it need not be able to; or a guest behind a tap
device whose kernel does the headers itself, and only the signalling is done here.
"""
import socket
import subprocess

from .link import ETHERTYPE_IPV6, SO_RCVBUFFORCE, arrived

UPPER, LOWER = "stack0", "below0"
NO_OFFLOADS = "tx off rx off gso off tso off gro off".split()


class Stack:
    does_headers = False

    def __init__(self, address, mtu):
        """`mtu`: of the packets that sockets may send, so that a type 2 routing header fits as well."""
        run("ip", "link", "add", UPPER, "type", "veth", "peer", "name", LOWER)
        try:
            for name in (UPPER, LOWER):
                run("sysctl", "-q", "-w", f"net.ipv6.conf.{name}.accept_ra=0", f"net.ipv6.conf.{name}.accept_dad=0")
            run("sysctl", "-q", "-w", f"net.ipv6.conf.{LOWER}.disable_ipv6=1")
            # No neighbour discovery towards a program: every packet of the kernel goes down the cable.
            run("ip", "link", "set", UPPER, "arp", "off", "addrgenmode", "none", "up")
            run("ip", "link", "set", LOWER, "up")
            run("ethtool", "-K", UPPER, *NO_OFFLOADS)
            run("ip", "address", "add", f"{address}/128", "dev", UPPER, "nodad")
            run("ip", "-6", "route", "add", "default", "dev", UPPER, "src", address, "mtu", str(mtu))
            self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETHERTYPE_IPV6))
            self.socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 8 << 20)
            self.socket.bind((LOWER, ETHERTYPE_IPV6))
            self.socket.setblocking(False)
            with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as other:
                other.bind((UPPER, 0))
                self.mac = other.getsockname()[4]
        except BaseException:
            self.close()
            raise

    def packets(self):
        """What sockets have sent, a batch at a time."""
        return (frame[14:] for frame in arrived(self.socket))

    def deliver(self, packet):
        self.socket.send(self.mac + bytes(6) + b"\x86\xdd" + packet)

    def close(self):
        if hasattr(self, "socket"):
            self.socket.close()
        subprocess.run(["ip", "link", "delete", UPPER], check=False, stderr=subprocess.DEVNULL)


class Guest:
    """The guest has to know its router's link-layer address: nobody answers its solicitations."""
    does_headers = True

    def __init__(self, tap, mac):
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETHERTYPE_IPV6))
        self.socket.bind((tap, ETHERTYPE_IPV6))
        self.socket.setblocking(False)
        self.mac = bytes.fromhex(mac.replace(":", ""))

    packets, deliver = Stack.packets, Stack.deliver

    def close(self):
        self.socket.close()


def run(*command):
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
