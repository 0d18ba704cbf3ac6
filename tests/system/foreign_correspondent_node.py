#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""A correspondent node that this project did not write, for the tests of the mobile node.

Plays the correspondent nodes that exist in the field, from RFC 6275 and from observed behaviour, without a line of the
project's code and with its own cryptography:

  - return routability: a new nonce index every 30 s at the earliest, valid for 240 s (--nonce-period, --nonce-lifetime);
  - Binding Updates: authorization option last, a bad authenticator is dropped without a word; 135, 136, 137, 138;
    lifetime capped at 420 s without a word; an acknowledgement when asked for or when refused;
  - a de-registration is authenticated with the care-of address that it names: one from a foreign link, authenticated for the
    home address, is dropped unless the Alternate Care-of Address option names the home address;
  - a Binding Refresh Request 2 s before a binding ends;
  - Home Address option without a binding or from another than the registered care-of address: Binding Error, and nothing is
    accepted from the care-of address of before;
  - more than three ICMPv6 Destination Unreachable about its packets: the binding is dropped.

Sockets in its namespace talk through it (foreign/stack.py): type 2 routing header put on, Home Address option taken off.

How it behaves can be changed while it runs, by datagrams to the Unix socket --control:
  mode normal       as above
  mode silent       every message and option of Mobile IPv6 is dropped without a word
  mode no-mobility  a host without Mobile IPv6: ICMPv6 Parameter Problem, code 1 for Mobility Headers, code 2 for the option
  mode unreachable  a firewall before it refuses both: ICMPv6 Destination Unreachable, administratively prohibited
  stale STATUS      the next Binding Update that is authentic gets 136, 137 or 138, the one after it is judged as ever
  forget            every binding is lost, the nonces stay
  restart           as after a reboot: bindings, nonces and node key are lost
  state             writes the bindings and counters as event "state"

Writes what happens to --log, see foreign/program.py. It is alone on its interface, see foreign_home_agent.py.
"""
import argparse
import socket
import struct
import sys
import time
from dataclasses import dataclass

from foreign import mobility as m
from foreign import packets as p
from foreign.bindings import is_newer
from foreign.link import Link
from foreign.program import Program
from foreign.return_routability import AUTHENTICATOR_OCTETS, CARE_OF, HOME, Nonces, authenticator, binding_key
from foreign.stack import Guest, Stack

LONGEST_LIFETIME = 420
REFRESH_BEFORE_END = 2.0
UNREACHABLES_ENDURED = 3
ADMINISTRATIVELY_PROHIBITED = 1
MODES = ("normal", "silent", "no-mobility", "unreachable")


@dataclass
class Binding:
    home_address: bytes
    care_of_address: bytes
    sequence: int
    expiry: float
    refresh_requested: bool = False
    unreachables: int = 0


class ForeignCorrespondentNode(Program):
    def __init__(self, options, link, stack, control, log_file):
        super().__init__(log_file)
        self.options, self.link, self.stack, self.control = options, link, stack, control
        self.address, self.router = p.packed(options.address), p.packed(options.router)
        link.own_addresses.add(self.address)
        self.nonces = Nonces(options.nonce_period, options.nonce_lifetime)
        self.bindings = {}           # home address -> Binding
        self.mode, self.stale = "normal", None
        self.counters = {"direct_in": 0, "direct_out": 0, "plain_in": 0, "plain_out": 0, "dropped": 0, "unbound": 0}

    def serve(self):
        self.run({self.link.socket: self.from_network, self.stack.socket: self.from_sockets, self.control: self.obey},
                 address=self.options.address, interface=self.options.interface)

    def after_each_turn(self):
        now = time.monotonic()
        for binding in list(self.bindings.values()):
            if binding.expiry <= now:
                self.end(binding, "expired")
            elif binding.expiry - now <= REFRESH_BEFORE_END and not binding.refresh_requested:
                binding.refresh_requested = True
                self.log("refresh_request", home_address=binding.home_address)
                self.send(m.refresh_request(self.address, binding.home_address))

    def log_state(self):
        bindings = [{"home_address": p.text(b.home_address), "care_of_address": p.text(b.care_of_address),
                     "sequence": b.sequence, "left": b.expiry - time.monotonic()} for b in self.bindings.values()]
        self.log("state", mode=self.mode, bindings=bindings, counters=self.counters)

    def obey(self):
        words = self.control.recv(200).decode().split()
        if words[:1] == ["mode"] and words[1:2] and words[1] in MODES:
            self.mode = words[1]
        elif words[:1] == ["stale"] and words[1:2] and words[1] in ("136", "137", "138"):
            self.stale = int(words[1])
        elif words == ["forget"]:
            self.bindings.clear()
        elif words == ["restart"]:
            self.bindings.clear()
            self.nonces.forget()
        elif words == ["state"]:
            self.log_state()
            return
        else:
            self.log("not_understood", command=" ".join(words))
            return
        self.log("obeyed", command=" ".join(words))

    # --- packets in

    def from_network(self):
        for mac, data in self.link.frames():
            packet = p.parse(data)
            if packet is None:
                self.drop("unsound", p.UNSPECIFIED)
            elif packet.upper == p.ICMPV6 and packet.payload[:1] in (b"\x87", b"\x88"):
                self.link.neighbour_discovery(packet, mac, ())
            elif packet.destination == self.address:
                self.receive(packet, data)

    def receive(self, packet, data):
        mobile = packet.upper == p.MOBILITY or packet.home_address is not None
        if packet.routing_home_address is not None:
            self.drop("type 2 routing header", packet.source)
        elif mobile and self.mode != "normal":
            self.refuse(packet, data)
        elif packet.upper == p.MOBILITY:
            self.receive_mobility(packet)
        elif packet.home_address is not None:
            self.receive_direct(packet, data)
        elif packet.upper == p.ICMPV6 and packet.payload[:1] and packet.payload[0] < 128:
            self.receive_error(packet, data)
        else:
            self.counters["plain_in"] += 1
            self.stack.deliver(data)

    def refuse(self, packet, data):
        self.log("refused", mode=self.mode, source=packet.source, type=packet.payload[2] if packet.upper == p.MOBILITY else None)
        if self.mode == "no-mobility" and packet.home_address is not None:
            self.send(m.icmpv6_error(self.address, data, m.PARAMETER_PROBLEM, 2, data.index(b"\xc9\x10", 40)))
        elif self.mode == "no-mobility":
            self.send(m.icmpv6_error(self.address, data, m.PARAMETER_PROBLEM, 1, 6))
        elif self.mode == "unreachable":
            self.send(m.icmpv6_error(self.address, data, m.UNREACHABLE, ADMINISTRATIVELY_PROHIBITED))

    def receive_direct(self, packet, data):
        """A packet with a Home Address option that is no signalling, RFC 6275 §9.3.1."""
        binding = self.bindings.get(packet.home_address)
        if binding is None or binding.care_of_address != packet.source:
            self.counters["unbound"] += 1
            self.log("binding_error", source=packet.source, home_address=packet.home_address)
            self.send(m.binding_error(self.address, packet.source, packet.home_address))
            return
        upwards = data if self.stack.does_headers else m.without_home_address_option(data)
        if upwards is None:
            self.drop("more options beside the Home Address option", packet.source)
            return
        self.counters["direct_in"] += 1
        self.stack.deliver(upwards)

    def receive_error(self, packet, data):
        """ICMPv6 errors about packets with a type 2 routing header; others are the kernel's business."""
        quoted = m.without_routing_header(packet.payload[8:])
        binding = self.bindings.get(quoted[24:40]) if quoted is not None else None
        if quoted is None:
            self.stack.deliver(data)
        elif packet.payload[0] == p.PACKET_TOO_BIG:
            mtu = max(1280, struct.unpack_from("!I", packet.payload, 4)[0] - m.ROUTING_HEADER_OCTETS)
            self.stack.deliver(p.icmpv6(p.PACKET_TOO_BIG, 0, struct.pack("!I", mtu) + quoted, packet.source, self.address))
        elif packet.payload[0] == m.UNREACHABLE and binding is not None:
            binding.unreachables += 1
            if binding.unreachables > UNREACHABLES_ENDURED:
                self.end(binding, "unreachable")

    # --- Mobility Headers, RFC 6275 §9.4 and §9.5

    def receive_mobility(self, packet):
        if not p.mobility_header_is_right(packet):
            self.drop("wrong Mobility Header", packet.source)
            return
        kind = packet.payload[2]
        if kind in (m.HOME_TEST_INIT, m.CARE_OF_TEST_INIT) and len(packet.payload) >= 16:
            self.test_init(packet, kind)
        elif kind == m.UPDATE and (update := p.parse_binding_update(packet.payload)) is not None:
            self.binding_update(packet, update)
        else:
            self.drop(f"message {kind}", packet.source)

    def test_init(self, packet, kind):
        if packet.home_address is not None:
            self.drop("test with a Home Address option", packet.source)
            return
        at_home = kind == m.HOME_TEST_INIT
        index, cookie = self.nonces.current(), packet.payload[8:16]
        token = self.nonces.token(index, packet.source, HOME if at_home else CARE_OF)
        self.log("home_test_init" if at_home else "care_of_test_init", source=packet.source, index=index)
        self.send(m.test(self.address, packet.source, m.HOME_TEST if at_home else m.CARE_OF_TEST, index, cookie, token))

    def binding_update(self, packet, update):
        home_address = packet.home_address or packet.source
        care_of_address = update.alternate_care_of_address or packet.source
        ends = update.lifetime == 0 or care_of_address == home_address
        key, stale = self.key_for(update, home_address, None if ends else care_of_address)
        verdict, status = self.judge(packet, update, home_address, care_of_address, key, stale)
        self.log("binding_update", source=packet.source, home_address=home_address, care_of_address=care_of_address,
                 sequence=update.sequence, flags=update.flags, lifetime=update.lifetime * 4, options=update.options,
                 nonce_indices=update.nonce_indices, verdict=verdict, status=status)
        if verdict == "dropped":
            return
        binding, granted = self.bindings.get(home_address), 0
        if status == 0:
            if ends:
                self.bindings.pop(home_address, None)
            else:
                granted = min(update.lifetime, self.options.longest_lifetime // 4)
                self.bindings[home_address] = Binding(home_address, care_of_address, update.sequence, time.monotonic() + granted * 4)
        if status != 0 or update.flags & p.BindingUpdate.ACKNOWLEDGE:
            self.send(m.acknowledgement(self.address, packet.source, home_address, packet.home_address is not None, status,
                                        binding.sequence if status == 135 else update.sequence, granted,
                                        None if status in (136, 137, 138) else key, care_of_address))

    def key_for(self, update, home_address, care_of_address):
        """(Kbm, status of stale nonces); `care_of_address` None: only the home keygen token counts."""
        if update.nonce_indices is None:
            return None, 0
        home_good = self.nonces.is_good(update.nonce_indices[0])
        care_of_good = care_of_address is None or self.nonces.is_good(update.nonce_indices[1])
        if not (home_good and care_of_good):
            return None, {(False, True): 136, (True, False): 137, (False, False): 138}[home_good, care_of_good]
        care_of_token = b"" if care_of_address is None else self.nonces.token(update.nonce_indices[1], care_of_address, CARE_OF)
        return binding_key(self.nonces.token(update.nonce_indices[0], home_address, HOME), care_of_token), 0

    def judge(self, packet, update, home_address, care_of_address, key, stale):
        """("dropped" | "refused" | "accepted", status)"""
        if update.flags & p.BindingUpdate.HOME or home_address == self.address or update.nonce_indices is None:
            return "dropped", None
        if update.options[-1] != 5 or len(update.authenticator or b"") != AUTHENTICATOR_OCTETS:
            return "dropped", None
        if stale:
            return "refused", stale
        if authenticator(key, care_of_address, self.address, packet.payload) != update.authenticator:
            return "dropped", None
        if self.stale is not None:
            status, self.stale = self.stale, None
            return "refused", status
        binding = self.bindings.get(home_address)
        if binding is not None and not is_newer(update.sequence, binding.sequence):
            return "refused", 135
        return "accepted", 0

    # --- packets out

    def from_sockets(self):
        for data in self.stack.packets():
            if len(data) < 40 or data[8:24] != self.address or data[24] == 0xFF:
                continue     # the kernel's own chatter
            binding = None if self.stack.does_headers else self.bindings.get(data[24:40])
            self.counters["plain_out" if binding is None else "direct_out"] += 1
            self.send(data if binding is None else m.with_routing_header(data, binding.care_of_address))

    def send(self, data):
        self.link.send(data[24:40] if data[24] == 0xFF else self.router, data)

    def end(self, binding, why):
        del self.bindings[binding.home_address]
        self.log(why, home_address=binding.home_address)

    def drop(self, why, source):
        self.counters["dropped"] += 1
        self.log("dropped", why=why, source=source)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--interface", required=True, help="interface towards the network")
    parser.add_argument("--address", required=True, help="the correspondent node's global address")
    parser.add_argument("--router", required=True, help="its router, any address of it on that link")
    parser.add_argument("--log", required=True, help="file for the JSON lines")
    parser.add_argument("--control", required=True, help="path of the Unix socket for commands")
    parser.add_argument("--nonce-period", type=float, default=30.0, metavar="SECONDS", help="age at which a nonce gets a successor")
    parser.add_argument("--nonce-lifetime", type=float, default=240.0, metavar="SECONDS", help="age at which a nonce is stale")
    parser.add_argument("--longest-lifetime", type=int, default=LONGEST_LIFETIME, metavar="SECONDS", help="cap, applied silently")
    parser.add_argument("--guest", nargs=2, metavar=("TAP", "MAC"), help="not the sockets here but a guest, which does the headers itself")
    return parser.parse_args()


def main():
    options = arguments()
    link = Link(options.interface)
    stack = None
    try:
        stack = Guest(*options.guest) if options.guest else Stack(options.address, link.mtu - m.ROUTING_HEADER_OCTETS)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as control, open(options.log, "w", encoding="utf-8") as log_file:
            control.bind(options.control)
            ForeignCorrespondentNode(options, link, stack, control, log_file).serve()
    finally:
        if stack is not None:
            stack.close()
        link.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
