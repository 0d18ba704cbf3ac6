# SPDX-License-Identifier: GPL-3.0-or-later
"""A mobile node that this project did not write, as correspondent nodes see it: tests, Binding Updates, data.

It stands at two places at once: on its home link, where what its home agent would tunnel arrives, and on the visited links.
Every message is made by hand, so that it can be wrong where a test wants it.
"""
import os
import struct
from dataclasses import dataclass

from . import mobility as m
from . import packets as p
from .return_routability import authenticator, binding_key


@dataclass(frozen=True)
class Token:
    index: int
    value: bytes


@dataclass(frozen=True)
class Acknowledgement:
    status: int
    sequence: int
    lifetime: int             # seconds
    authentic: bool           # carries the authenticator that the key gives
    has_authenticator: bool
    home_address: bytes       # of its type 2 routing header


class ForeignMobileNode:
    def __init__(self, home, visited, correspondent):
        """`home`, `visited`: Ports that have the home addresses and the care-of addresses."""
        self.home, self.visited, self.correspondent = home, visited, p.packed(correspondent)

    # --- return routability

    def test_init(self, port, address, kind, cookie):
        port.send(m.message(p.packed(address), self.correspondent, kind, b"\0\0" + cookie))

    def token(self, address, at_home, port=None, seconds=2.0):
        """The Token of a home or care-of test of one of our addresses, None when there is no answer."""
        port = port or (self.home if at_home else self.visited)
        cookie = os.urandom(8)
        self.test_init(port, address, m.HOME_TEST_INIT if at_home else m.CARE_OF_TEST_INIT, cookie)
        kind = m.HOME_TEST if at_home else m.CARE_OF_TEST

        def is_answer(packet):
            return (packet.upper == p.MOBILITY and packet.payload[2] == kind and packet.payload[8:16] == cookie
                    and packet.source == self.correspondent and packet.destination == p.packed(address))
        answer = port.wait(is_answer, seconds)
        if answer is None:
            return None
        # Neither has anything before the Mobility Header, RFC 6275 §6.1.5 and §6.1.6.
        assert answer.home_address is None and answer.routing_home_address is None, "a test with mobility headers"
        assert p.mobility_header_is_right(answer), "a test with a wrong checksum or length"
        return Token(struct.unpack_from("!H", answer.payload, 6)[0], answer.payload[16:24])

    def tokens(self, home_address, care_of_address):
        return self.token(home_address, True), self.token(care_of_address, False)

    # --- Binding Updates

    def update(self, home_address, care_of_address, sequence, tokens, **more):
        """Sends one; see mobility.binding_update for what can be asked of it. `tokens`: (home, care-of) Token."""
        self.visited.send(m.binding_update(self.correspondent, p.packed(home_address), p.packed(care_of_address), sequence, *tokens, **more))

    def acknowledgement(self, care_of_address, key=None, over=None, seconds=2.0):
        """The next Binding Acknowledgement at a care-of address, or None."""
        def is_acknowledgement(packet):
            return packet.upper == p.MOBILITY and packet.payload[2] == m.ACKNOWLEDGEMENT and packet.destination == p.packed(care_of_address)
        packet = self.visited.wait(is_acknowledgement, seconds)
        if packet is None:
            return None
        assert p.mobility_header_is_right(packet), "an acknowledgement with a wrong checksum or length"
        header = packet.payload
        status, _, sequence, units = struct.unpack_from("!BBHH", header, 6)
        has = len(header) >= 32 and header[-14:-12] == b"\x05\x0c"
        authentic = has and key is not None and header[-12:] == authenticator(key, p.packed(over or care_of_address), self.correspondent, header)
        return Acknowledgement(status, sequence, units * 4, authentic, has, packet.routing_home_address)

    def register(self, home_address, care_of_address, sequence, tokens=None, **more):
        """Tests if there are no tokens, Binding Update; the Acknowledgement or None."""
        tokens = tokens or self.tokens(home_address, care_of_address)
        self.update(home_address, care_of_address, sequence, tokens, **more)
        return self.acknowledgement(care_of_address, binding_key(tokens[0].value, tokens[1].value))

    def deregister(self, home_address, care_of_address, sequence, home_token):
        self.update(home_address, care_of_address, sequence, (home_token, None), lifetime=0, alternate=p.packed(home_address))
        return self.acknowledgement(care_of_address, binding_key(home_token.value), over=home_address)

    # --- data

    def send_direct(self, home_address, care_of_address, source_port, port, payload):
        self.visited.send(m.with_home_address_option(m.udp(p.packed(home_address), self.correspondent, source_port, port, payload),
                                                     p.packed(care_of_address)))

    def arrives(self, port, payload, seconds=2.0):
        """A UDP packet with this payload, at one of the Ports, or None."""
        return port.wait(lambda q: q.upper == p.UDP and q.payload[8:] == payload, seconds)
