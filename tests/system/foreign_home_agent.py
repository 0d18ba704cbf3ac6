#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""A home agent that this project did not write, for the tests of the mobile node.

Plays the home agents that exist in the field, their slowness and their defect included, from RFC 6275 and from observed
behaviour, without a line of the project's code:

  - no authentication: options above type 6 are ignored and bring no answer;
  - H flag and Home Address option needed; without the option a Binding Update counts as de-registration;
  - first Binding Update of a home address: duplicate address detection, the answer comes after 1.06 to 1.2 s, and
    Binding Updates in between are ignored without a word; later ones are answered at once;
  - statuses 132 (not in the home prefix), 133 (de-registration of an unknown address), 134 (in use on the home link),
    135 (with the last accepted sequence number), 140 / 139 (R flag, new / existing binding); lifetimes capped silently;
  - a Binding Acknowledgement even when none was asked for, with a type 2 routing header;
  - mobile prefix advertisements per home address, at most one per second; home agent address discovery;
  - plain IPv6-in-IPv6 tunnels with the outer source checked, MTU 1460;
  - the defect described in foreign/bindings.py (switch off with --without-defect).

It is alone on its interface: the kernel's IPv6 is switched off there while it runs. Links behind it must not hand it
offloaded packets (ethtool -K PEER tx off gso off tso off).

Writes what happens to --log, see foreign/program.py.
"""
import argparse
import random
import struct
import sys
import time

from foreign import packets as p
from foreign.bindings import Bindings, is_newer
from foreign.link import Link
from foreign.program import Program

DAD_WAIT = (1.06, 1.2)
PREFIX_ADVERTISEMENT_GAP = 1.0
OUTER_HOP_LIMIT = 64
SMALLEST_MTU = 1280


class ForeignHomeAgent(Program):
    def __init__(self, options, link, log_file):
        super().__init__(log_file)
        self.options, self.link = options, link
        self.address = p.packed(options.address)
        self.prefix = p.packed(options.prefix.split("/")[0])[:8]
        self.anycast = self.prefix + bytes.fromhex("fdfffffffffffffe")
        self.router = p.packed(options.router)
        link.own_addresses |= {self.address, self.anycast}
        self.bindings = Bindings(not options.without_defect)
        self.detecting = {}           # home address -> function that says "in use"
        self.tunnel_mtu = {}          # care-of address -> path MTU that routers reported
        self.last_advertisement = {}  # home address -> time of the last mobile prefix advertisement
        self.counters = {"tunnelled_out": 0, "tunnelled_in": 0, "tunnel_source_wrong": 0, "dropped": 0}

    def serve(self):
        self.run({self.link.socket: self.receive_frames}, address=self.options.address, interface=self.options.interface)

    def receive_frames(self):
        for mac, data in self.link.frames():
            self.receive(mac, data)

    def after_each_turn(self):
        for binding in self.bindings.expire():
            self.log("expired", home_address=p.text(binding.home_address))

    def log_state(self):
        bindings = [{"home_address": p.text(b.home_address), "care_of_address": p.text(b.care_of_address),
                     "tunnel": p.text(b.tunnel), "sequence": b.sequence} for b in self.bindings.all()]
        self.log("state", bindings=bindings, counters=self.counters)

    # --- packets in -------------------------------------------------------------------------------------------------

    def receive(self, mac, data):
        packet = p.parse(data)
        if packet is None:
            self.counters["dropped"] += 1
            return
        if packet.upper == p.ICMPV6 and packet.payload[:1] in (b"\x87", b"\x88"):
            self.neighbour_discovery(mac, packet)
        elif packet.destination in self.link.own_addresses:
            self.receive_own(packet, data)
        elif packet.destination[0] != 0xFF:
            self.forward(data, from_tunnel=False)

    def neighbour_discovery(self, mac, packet):
        seen = self.link.neighbour_discovery(packet, mac, self.bindings)
        if seen is None or mac == self.link.mac:
            return
        kind, target, source = seen
        # Somebody else has the address, or is just finding out whether he may have it: RFC 4862 §5.4.
        if target in self.detecting and (kind == "advertisement" or source == p.UNSPECIFIED):
            self.detecting.pop(target)()

    def receive_own(self, packet, data):
        if packet.fragment:
            self.counters["dropped"] += 1
        elif packet.upper == p.MOBILITY:
            self.receive_mobility(packet)
        elif packet.upper == p.IPV6_IN_IPV6:
            self.receive_tunnelled(packet)
        elif packet.upper == p.ICMPV6 and len(packet.payload) >= 8:
            self.receive_icmpv6(packet)

    def receive_icmpv6(self, packet):
        message = packet.payload
        source = packet.home_address or packet.source
        if p.checksum(source, packet.destination, p.ICMPV6, message[:2] + b"\0\0" + message[4:]) != struct.unpack_from("!H", message, 2)[0]:
            self.log("bad_checksum", source=packet.source)
        elif message[0] == p.ECHO_REQUEST and packet.destination != self.anycast:
            self.send(p.icmpv6(p.ECHO_REPLY, 0, message[4:], packet.destination, packet.source))
        elif message[0] == p.AGENT_DISCOVERY_REQUEST:
            self.log("agent_discovery", source=packet.source)
            body = message[4:6] + b"\0\0" + self.address
            self.send(p.icmpv6(p.AGENT_DISCOVERY_REPLY, 0, body, self.address, packet.source))
        elif message[0] == p.PREFIX_SOLICITATION:
            self.receive_prefix_solicitation(packet)
        elif message[0] == p.PACKET_TOO_BIG:
            offender = p.parse(message[8:] + bytes(2048))
            if offender is not None and offender.upper == p.IPV6_IN_IPV6 and offender.source == self.address:
                mtu = max(SMALLEST_MTU, struct.unpack_from("!I", message, 4)[0] - 40)
                self.tunnel_mtu[offender.destination] = mtu
                self.log("tunnel_mtu", care_of_address=offender.destination, mtu=mtu)

    # --- Binding Updates --------------------------------------------------------------------------------------------

    def receive_mobility(self, packet):
        if not p.mobility_header_is_right(packet):
            self.log("bad_mobility_header", source=packet.source)
            return
        update = p.parse_binding_update(packet.payload)
        if update is None:
            self.log("ignored_mobility_header", source=packet.source, type=packet.payload[2])
            return
        home_address = packet.home_address or packet.source
        care_of_address = update.alternate_care_of_address or packet.source
        lifetime = update.lifetime if packet.home_address is not None else 0
        self.log("binding_update", source=packet.source, home_address=home_address, care_of_address=care_of_address,
                 home_address_option=packet.home_address is not None, sequence=update.sequence, flags=update.flags,
                 lifetime=update.lifetime * 4, options=update.options)
        if not update.flags & p.BindingUpdate.HOME:
            self.log("ignored", home_address=home_address, why="no H flag")
        elif home_address in self.detecting:
            self.log("ignored", home_address=home_address, why="duplicate address detection runs")
        else:
            self.home_registration(packet.source, home_address, care_of_address, update, lifetime)

    def home_registration(self, wire_source, home_address, care_of_address, update, lifetime):
        def answer(status, sequence=update.sequence, units=0):
            self.acknowledge(wire_source, home_address, status, sequence, units)

        binding = self.bindings.get(home_address)
        granted = min(lifetime, self.options.longest_lifetime // 4)
        if update.flags & p.BindingUpdate.ROUTER:
            answer(139 if binding else 140)
        elif home_address[:8] != self.prefix or home_address in self.link.own_addresses:
            answer(132)
        elif binding is not None and not is_newer(update.sequence, binding.sequence):
            answer(135, binding.sequence)
        elif lifetime == 0:
            self.bindings.remove(home_address)
            answer(133 if binding is None else 0)
        elif binding is None:
            self.detect_duplicates(home_address, answer, care_of_address, update, granted)
        else:
            self.bind(home_address, care_of_address, update.sequence, granted)
            answer(0, units=granted)

    def detect_duplicates(self, home_address, answer, care_of_address, update, granted):
        def collide():
            answer(134)

        def finish():
            if self.detecting.get(home_address) is not collide:
                return
            del self.detecting[home_address]
            self.bind(home_address, care_of_address, update.sequence, granted)
            self.link.send(p.ALL_NODES, p.neighbor_advertisement(self.link.link_local, p.ALL_NODES, home_address,
                                                                 self.link.mac, solicited=False, override=True))
            answer(0, units=granted)

        self.detecting[home_address] = collide
        probe = p.neighbor_solicitation(p.UNSPECIFIED, self.link.mac, home_address)
        self.link.send(probe[24:40], probe)
        self.at(random.uniform(*DAD_WAIT), finish)

    def bind(self, home_address, care_of_address, sequence, granted):
        binding, stuck = self.bindings.register(home_address, care_of_address, sequence, granted * 4)
        self.log("bound", home_address=home_address, care_of_address=care_of_address, tunnel=binding.tunnel, stuck=stuck)

    def acknowledge(self, wire_source, home_address, status, sequence, units):
        self.log("acknowledgement", destination=wire_source, home_address=home_address, status=status,
                 sequence=sequence, lifetime=units * 4)
        self.send(p.binding_acknowledgement(self.address, wire_source, home_address, status, sequence, units),
                  intercept=False)

    # --- prefix discovery -------------------------------------------------------------------------------------------

    def receive_prefix_solicitation(self, packet):
        home_address, now = packet.home_address, time.monotonic()
        known = home_address is not None and home_address in self.bindings
        recent = now - self.last_advertisement.get(home_address, -9e9) < PREFIX_ADVERTISEMENT_GAP
        self.log("prefix_solicitation", source=packet.source, home_address=home_address or p.UNSPECIFIED,
                 answered=known and not recent)
        if not known or recent:
            return
        self.last_advertisement[home_address] = now
        # L, A and R: with R the field carries the home agent's whole address, RFC 6275 §7.2.
        prefix = struct.pack("!BBBBIII", 3, 4, 64, 0xE0, self.options.valid, self.options.preferred, 0) + self.address
        message = struct.pack("!BBH", p.PREFIX_ADVERTISEMENT, 0, 0) + packet.payload[4:6] + b"\0\0" + prefix
        value = p.checksum(self.address, home_address, p.ICMPV6, message)
        message = message[:2] + struct.pack("!H", value) + message[4:]
        header = p.type_2_routing_header(p.ICMPV6, home_address)
        self.send(p.ipv6(self.address, packet.source, p.ROUTING, header + message), intercept=False)

    # --- data -------------------------------------------------------------------------------------------------------

    def receive_tunnelled(self, packet):
        inner = packet.payload
        binding = self.bindings.get(inner[8:24]) if len(inner) >= 40 else None
        if binding is None or binding.tunnel != packet.source:
            self.counters["tunnel_source_wrong"] += 1
            return
        self.counters["tunnelled_in"] += 1
        self.forward(inner, from_tunnel=True)

    def forward(self, data, from_tunnel):
        """A router's part: hop limit, then tunnel, own address or the link."""
        if data[24:40] in self.link.own_addresses:
            packet = p.parse(data)
            if packet is not None and from_tunnel:
                self.receive_own(packet, data)
            return
        if data[7] <= 1:
            self.counters["dropped"] += 1
            return
        if not from_tunnel and data[24:40] not in self.bindings:
            return   # neither ours nor for a mobile node: this is no router between the links
        self.send(data[:7] + bytes([data[7] - 1]) + data[8:])

    def send(self, data, intercept=True):
        destination = data[24:40]
        binding = self.bindings.get(destination) if intercept else None
        if binding is not None:
            self.send_tunnelled(binding, data)
        elif destination[0] == 0xFF or destination[:8] in (self.prefix, self.link.link_local[:8]):
            self.link.send(destination, data)
        else:
            self.link.send(self.router, data)

    def send_tunnelled(self, binding, data):
        mtu = self.tunnel_mtu.get(binding.tunnel, self.link.mtu - 40)
        if len(data) > mtu:
            self.log("packet_too_big", destination=data[24:40], length=len(data), mtu=mtu)
            if data[8:24] not in self.link.own_addresses:
                body = struct.pack("!I", mtu) + data[:SMALLEST_MTU - 48]
                self.send(p.icmpv6(p.PACKET_TOO_BIG, 0, body, self.address, data[8:24]))
            return
        self.counters["tunnelled_out"] += 1
        self.send(p.ipv6(self.address, binding.tunnel, p.IPV6_IN_IPV6, data, OUTER_HOP_LIMIT), intercept=False)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--interface", required=True, help="interface on the home link")
    parser.add_argument("--address", required=True, help="the home agent's global address")
    parser.add_argument("--prefix", required=True, help="home prefix, for example 2001:db8:100::/64 (always 64 bits)")
    parser.add_argument("--router", required=True, help="the router of the home link, any address of it on that link")
    parser.add_argument("--log", required=True, help="file for the JSON lines")
    parser.add_argument("--longest-lifetime", type=int, default=262140, metavar="SECONDS", help="cap, applied silently")
    parser.add_argument("--valid", type=int, default=86400, help="valid lifetime in mobile prefix advertisements, seconds")
    parser.add_argument("--preferred", type=int, default=14400, help="preferred lifetime there, seconds")
    parser.add_argument("--without-defect", action="store_true", help="move shared tunnels as it should be")
    options = parser.parse_args()
    if not options.prefix.endswith("/64"):
        parser.error(f"--prefix {options.prefix}: the home prefix has to be a /64")
    return options


def main():
    options = arguments()
    link = Link(options.interface)
    try:
        with open(options.log, "w", encoding="utf-8") as log_file:
            ForeignHomeAgent(options, link, log_file).serve()
    finally:
        link.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
