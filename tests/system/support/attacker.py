# SPDX-License-Identifier: GPL-3.0-or-later
"""A host somewhere in the Internet that sends packets with any source address: the correspondent node's."""
import hmac

from . import forge
from .namespaces import packet_socket


class Attacker:
    address = "2001:db8:300::bad"

    def __init__(self, lab):
        link = next(x for x in lab.ip_json("core", "link", "show", "dev", "cn0") if x)
        self.router_mac = bytes.fromhex(link["address"].replace(":", ""))
        self.socket = packet_socket(lab.namespace("cn"), "eth0")

    def send(self, packet):
        self.socket.send(self.router_mac + b"\x02\0\0\0\0\x66" + b"\x86\xdd" + packet)

    def close(self):
        self.socket.close()


class Elsewhere(Attacker):
    """The same behind another router, so that a capture at the correspondent node has what it sends once."""

    def __init__(self, lab):
        link = next(x for x in lab.ip_json("core", "link", "show", "dev", "wlan") if x)
        self.router_mac = bytes.fromhex(link["address"].replace(":", ""))
        self.socket = packet_socket(lab.namespace("wlan"), "uplink")


class Neighbour(Attacker):
    """The same on the mobile node's own access link: what is sent arrives at the interface as it is."""

    def __init__(self, lab, interface):
        network = interface.removesuffix("0")
        link = next(x for x in lab.ip_json("mn", "link", "show", "dev", interface) if x)
        self.router_mac = bytes.fromhex(link["address"].replace(":", ""))
        self.socket = packet_socket(lab.namespace(network), "lan")


def derived_key(key, primary, home_address):
    """Of a home address that was allocated below the home prefix; docs/decisions tells how."""
    return hmac.digest(key, b"mipflow home address key" + forge.packed(primary) + forge.packed(home_address), "sha256")[:16]
