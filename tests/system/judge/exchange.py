# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules about who says what to whom and when: Binding Updates, their acknowledgements, prefix messages."""
import hmac
import struct
from dataclasses import dataclass, field

from . import dissect as d
from .correspondents import AUTHORIZATION, STALE_NONCES, Correspondents
from .pace import FIRST_REGISTRATION_TIMEOUT, FIRST_TIMEOUT, MESSAGES_PER_SECOND, Series, too_early
from .service import AgentService

ACKNOWLEDGE, HOME, KEY_MOBILITY = 0x8000, 0x4000, 0x1000


@dataclass
class Registration:
    last_sequence: int = None
    unanswered: dict = field(default_factory=dict)   # sequence -> (frame, message, layer)
    answered: dict = field(default_factory=dict)     # sequence -> (message, layer) of updates that were answered
    series: Series = None
    bound: bool = False
    sent: dict = field(default_factory=dict)         # care-of address -> times of sending


class Exchanges:
    def __init__(self, expectations, verdict):
        self.expectations, self.verdict = expectations, verdict
        self.registrations = {}                       # (home address, peer, is a home registration) -> Registration
        self.correspondents = Correspondents(expectations, verdict, self.is_registered)
        self.service = AgentService(expectations, verdict, self.authentication)
        self.solicitations = {}                       # home address -> identifier of the last one

    def is_registered(self, home_address):
        state = self.registrations.get((home_address, self.expectations.home_agent, True))
        return state is not None and state.bound

    def see(self, frame):
        self.correspondents.see(frame)
        layer = frame.outer
        message = layer.mobility()
        if message is not None and message.is_update:
            self.binding_update(frame, layer, message)
        elif message is not None and message.is_acknowledgement:
            self.acknowledgement(frame, layer, message)
        elif message is not None and message.kind == d.SERVICE:
            self.service.see(frame, layer, message)
        elif layer.icmpv6_type() == 146 and layer.home_address:
            self.solicitations[layer.home_address] = layer.payload[4:6]
            self.verdict.require(layer.payload[6:8] == b"\0\0", frame, "mobile-prefix", "reserved field is not zero")
        elif layer.icmpv6_type() == 147 and layer.routing_home_address:
            self.prefix_advertisement(frame, layer)

    # --- Binding Updates, RFC 6275 §11.7

    def binding_update(self, frame, layer, message):
        require = self.verdict.require
        home_address = layer.checksum_source
        is_home_registration = layer.destination == self.expectations.home_agent and message.option(AUTHORIZATION) is None
        state = self.registrations.setdefault((home_address, layer.destination, is_home_registration), Registration())
        require(self.expectations.is_home_address(home_address), frame, "addresses",
                f"{d.name(home_address)} is no address of the home prefix")
        if layer.home_address is not None:
            require(not self.expectations.is_home_address(layer.source), frame, "addresses", "sent from a home address, with the option")
        if state.last_sequence is not None:
            step = (message.sequence - state.last_sequence) & 0xFFFF
            require(1 <= step <= 32767, frame, "sequence", f"{message.sequence} after {state.last_sequence} is not newer")
        state.last_sequence = message.sequence
        if len(state.unanswered) > 1000:
            state.unanswered.clear()
        state.unanswered[message.sequence] = (frame, message, layer)
        self.retransmission(frame, state, (layer.source, message.lifetime == 0), is_home_registration)
        if is_home_registration:
            self.home_registration(frame, layer, message, state)
        else:
            self.correspondents.update(frame, layer, message)

    def home_registration(self, frame, layer, message, state):
        """§11.7.1"""
        require, care_of = self.verdict.require, message.option(3)
        require(message.flags & (ACKNOWLEDGE | HOME) == ACKNOWLEDGE | HOME, frame, "flags", f"A and H have to be set: {message.flags:#06x}")
        require(not message.flags & KEY_MOBILITY, frame, "flags", "K is set although there are no dynamic keys")
        if layer.home_address is not None:
            require(care_of is not None and care_of.body == layer.source, frame, "alternate-care-of-address",
                    "is missing or differs from the source")
        self.rate(frame, state, layer.source)
        self.authentication(frame, message, layer.source if care_of is None else care_of.body, layer.checksum_source, True)

    def rate(self, frame, state, care_of_address):
        times = state.sent.setdefault(care_of_address, [])
        times.append(frame.time)
        recent = sum(1 for t in times[-10:] if frame.time - t < 1.0)
        self.verdict.require(recent <= MESSAGES_PER_SECOND, frame, "rate", f"{recent} Binding Updates within a second")

    def retransmission(self, frame, state, meaning, is_home_registration):
        series = state.series
        if series is None or series.meaning != meaning or series.interrupted(frame.time, self.expectations.link_changes):
            first = FIRST_TIMEOUT if state.bound or not is_home_registration else FIRST_REGISTRATION_TIMEOUT
            state.series = Series(meaning, frame, first)
            return
        too_early(frame, series, self.verdict)

    # --- Binding Acknowledgement, RFC 6275 §9.5.4 and §10.3

    def acknowledgement(self, frame, layer, message):
        require = self.verdict.require
        home_address = layer.routing_home_address or layer.destination
        from_home = (layer.source == self.expectations.home_agent and message.option(AUTHORIZATION) is None
                     and message.status not in STALE_NONCES)
        state = self.registrations.setdefault((home_address, layer.source, from_home), Registration())
        if message.status == 135:
            question = next(iter(reversed(state.unanswered.values())), None)
        else:
            question = state.unanswered.get(message.sequence) or state.answered.get(message.sequence)
            if not self.expectations.from_the_start and question is None:
                return
        require(question is not None, frame, "answer", f"answers sequence {message.sequence}, which nobody asked")
        if question is None:
            return
        _, update, asked = question
        require(layer.destination == asked.source, frame, "addresses",
                f"goes to {d.name(layer.destination)}, the Binding Update came from {d.name(asked.source)}")
        require((layer.routing_home_address is not None) == (asked.home_address is not None), frame, "placement",
                "type 2 routing header if and only if the Binding Update had a Home Address option")
        if message.status < 128:
            require(message.lifetime <= update.lifetime, frame, "lifetime", f"{message.lifetime} s granted, {update.lifetime} s asked")
            require(message.lifetime > 0 or update.lifetime == 0, frame, "lifetime", "0 s granted")
            advice = message.option(2)
            if advice is not None:
                interval = struct.unpack("!H", advice.body[:2])[0] * 4
                require(interval < message.lifetime, frame, "lifetime", "refresh advice is not below the lifetime")
            state.bound = update.lifetime > 0
            require(not message.flags & 0x80 or update.flags & KEY_MOBILITY, frame, "flags", "K without K in the Binding Update")
        elif message.status == 133:
            state.bound = False
        state.series = None
        if message.status != 135:
            state.answered[message.sequence] = question
            for sequence in [s for s in state.unanswered if (message.sequence - s) & 0xFFFF <= 32767]:
                del state.unanswered[sequence]
        if from_home:
            care_of = update.option(3)
            self.authentication(frame, message, asked.source if care_of is None else care_of.body, home_address, False, update)
        else:
            self.correspondents.acknowledgement(frame, layer, message, question)

    # --- RFC 4285

    def authentication(self, frame, message, care_of_address, home_address, is_update, update=None):
        option = message.option(9)
        if self.expectations.authentication == "none":
            self.verdict.require(option is None, frame, "authentication", "an authentication option, though none was asked for")
            return
        self.verdict.require(option is not None and len(option.body) == 17 and option.body[0] == 1, frame, "authentication",
                             "no MN-HA authentication option of 96 bits")
        if option is None or len(option.body) != 17:
            return
        spi = struct.unpack_from("!I", option.body, 1)[0]
        self.verdict.require(spi >= 256, frame, "authentication", f"SPI {spi} is reserved")
        timestamp = message.option(10)
        self.verdict.require(timestamp is not None, frame, "authentication", "no replay protection option")
        if not is_update and timestamp is not None and update.option(10) is not None:
            part = slice(4, 8) if message.status == 144 else slice(0, 8)
            self.verdict.require(timestamp.body[part] == update.option(10).body[part], frame, "authentication",
                                 "timestamp is not the one of the Binding Update")
        association = self.expectations.association
        if association is not None:
            self.verdict.require(spi == association.spi, frame, "authentication", f"SPI is {spi}")
            covered = bytearray(message.octets[:option.offset + 2 + 5])   # up to and including the SPI
            covered[4:6] = b"\0\0"
            key = key_of(association, home_address)
            right = hmac.digest(key, care_of_address + home_address + bytes(covered), "sha1")[:12]
            self.verdict.require(right == option.body[5:], frame, "authenticator",
                                 f"is wrong for care-of address {d.name(care_of_address)}, home address {d.name(home_address)}")

    # --- mobile prefix discovery, RFC 6275 §11.4

    def prefix_advertisement(self, frame, layer):
        require = self.verdict.require
        require(layer.source == self.expectations.home_agent, frame, "addresses", "does not come from the home agent")
        identifier = layer.payload[4:6]
        asked = self.solicitations.get(layer.routing_home_address)
        if asked is not None:
            require(identifier in (asked, b"\0\0"), frame, "mobile-prefix", "identifier is not that of the last solicitation")
        require(layer.payload[6] & 0x3F == 0 and layer.payload[7] == 0, frame, "mobile-prefix", "reserved bits are set")
        at, prefixes = 8, 0
        while at + 2 <= len(layer.payload) and layer.payload[at + 1]:
            if layer.payload[at] == 3:
                prefixes += 1
                valid, preferred = struct.unpack_from("!II", layer.payload, at + 4)
                require(preferred <= valid, frame, "mobile-prefix", f"preferred {preferred} s is above valid {valid} s")
            at += layer.payload[at + 1] * 8
        require(prefixes > 0 and at == len(layer.payload), frame, "mobile-prefix", "no prefix, or options are cut")


def key_of(association, home_address):
    """Dynamically allocated home addresses have a key of their own, derived from that of the primary one."""
    if home_address == association.primary_home_address:
        return association.key
    text = b"mipflow home address key" + association.primary_home_address + home_address
    return hmac.digest(association.key, text, "sha256")[:16]
