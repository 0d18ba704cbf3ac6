# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules of route optimisation: return routability, Binding Updates to correspondent nodes, and what then goes there directly.

The judge does not know the correspondent node's key, and needs none: the tokens are in the captures, and with them every
authenticator can be computed again.
"""
import hashlib
import hmac
import struct
from dataclasses import dataclass, field

from . import dissect as d
from .pace import MESSAGES_PER_SECOND, Series, too_early

MAX_TOKEN_LIFETIME, MAX_RR_BINDING_LIFETIME, HOUR = 210, 420, 3600     # seconds; RFC 6275 §12
STALE_NONCES = (136, 137, 138)
NONCE_INDICES, AUTHORIZATION = 4, 5
SETTLE = 0.1      # seconds that the data path may lag behind the messages on the wire


@dataclass
class Tests:
    """Test Inits of one kind from one address to one correspondent node."""
    cookies: set = field(default_factory=set)
    series: Series = None


@dataclass
class Directness:
    """A home address and a correspondent node: from which care-of addresses data may go there directly."""
    permitted: dict = field(default_factory=dict)    # care-of address -> until when
    accepted: bytes = None                           # care-of address that the correspondent node has
    accepted_until: float = 0.0
    newest: int = None                               # sequence number of the last Binding Update
    known: bool = True                               # False: the captures begin in the middle

    def end(self, now):
        self.permitted = {c: min(t, now + SETTLE) for c, t in self.permitted.items()}


class Correspondents:
    def __init__(self, expectations, verdict, is_registered):
        """`is_registered(home_address)`: the home agent has accepted it."""
        self.expectations, self.verdict, self.is_registered = expectations, verdict, is_registered
        self.tests = {}          # (kind of the Init, source, correspondent node) -> Tests
        self.tokens = {}         # (kind of the Init, address, correspondent node) -> {nonce index: (token, time)}
        self.pairs = {}          # (home address, correspondent node) -> Directness
        self.sent = {}           # (correspondent node, kind) -> times

    def pair(self, home_address, correspondent):
        return self.pairs.setdefault((home_address, correspondent), Directness(known=self.expectations.from_the_start))

    def see(self, frame):
        for depth, layer in enumerate(frame.layers):
            message = layer.mobility()
            if message is None:
                if layer.upper != d.MOBILITY and (layer.home_address or layer.routing_home_address):
                    self.data(frame, depth, layer)
            elif message.kind in (d.HOTI, d.COTI):
                self.test_init(frame, depth, layer, message)
            elif message.kind in (d.HOT, d.COT):
                self.test(frame, depth, layer, message)
            elif message.kind == d.BRR:
                self.place(frame, depth, True, "a Binding Refresh Request goes to the home address")
            elif message.kind == d.BE:
                self.place(frame, depth, False, "a Binding Error goes to where the packet came from")
                self.binding_error(frame, layer, message)
            else:
                self.place(frame, depth, False, "Binding Updates and acknowledgements go directly")

    def place(self, frame, depth, tunnelled, why):
        if self.expectations.on_access_link:
            self.verdict.require((depth > 0) == tunnelled, frame, "placement", f"{'not ' if tunnelled else ''}in the tunnel, but {why}")

    # --- return routability, RFC 6275 §5.2.5 and §11.6

    def test_init(self, frame, depth, layer, message):
        require, home = self.verdict.require, message.kind == d.HOTI
        self.place(frame, depth, home, "a Home Test Init goes through the home agent" if home else "a Care-of Test Init goes directly")
        require(self.expectations.is_home_address(layer.source) == home, frame, "addresses",
                f"{d.MESSAGE_NAMES[message.kind]} comes from {d.name(layer.source)}")
        tests = self.tests.setdefault((message.kind, layer.source, layer.destination), Tests())
        cookie = message.octets[8:16]
        require(cookie not in tests.cookies, frame, "cookie", "was used before")
        tests.cookies.add(cookie)
        self.count(frame, layer.destination, message.kind)
        if tests.series is None or tests.series.interrupted(frame.time, self.expectations.link_changes):
            tests.series = Series((), frame)
        else:
            too_early(frame, tests.series, self.verdict)

    def test(self, frame, depth, layer, message):
        home = message.kind == d.HOT
        self.place(frame, depth, home, "a Home Test comes through the home agent" if home else "a Care-of Test comes directly")
        key = (d.HOTI if home else d.COTI, layer.destination, layer.source)
        tests = self.tests.setdefault(key, Tests())
        if self.expectations.from_the_start:
            self.verdict.require(message.octets[8:16] in tests.cookies, frame, "cookie", "is of nobody's Test Init")
        tests.series = None
        index = struct.unpack_from("!H", message.octets, 6)[0]
        self.tokens.setdefault(key, {})[index] = (message.octets[16:24], frame.time)

    def count(self, frame, correspondent, kind):
        """MAX_UPDATE_RATE, and the budget of messages that the documentation promises."""
        times = self.sent.setdefault((correspondent, kind), [])
        times.append(frame.time)
        recent = sum(1 for t in times[-10:] if frame.time - t < 1.0)
        self.verdict.require(recent <= MESSAGES_PER_SECOND, frame, "rate",
                             f"{recent} messages of this kind to {d.name(correspondent)} within a second")
        budget = self.expectations.messages_per_hour
        if budget is not None:
            homes = sum(1 for _, c in self.pairs if c == correspondent)
            spent = sum(1 for (c, _), ts in self.sent.items() if c == correspondent for t in ts if frame.time - t < HOUR)
            self.verdict.require(spent <= budget * max(1, homes), frame, "budget",
                                 f"{spent} messages to {d.name(correspondent)} within an hour, for {homes} home addresses")

    # --- Binding Updates, RFC 6275 §11.7.2

    def update(self, frame, layer, message):
        require, home_address, correspondent = self.verdict.require, layer.checksum_source, layer.destination
        self.count(frame, correspondent, d.BU)
        deletes, alternate = message.lifetime == 0, message.option(3)
        require(message.flags == 0x8000, frame, "flags", f"A and nothing else has to be set: {message.flags:#06x}")
        if alternate is not None or deletes and layer.home_address is not None:
            wanted = home_address if deletes else layer.source
            require(alternate is not None and alternate.body == wanted, frame, "alternate-care-of-address", f"has to be {d.name(wanted)}")
        if self.expectations.from_the_start and self.expectations.on_access_link:
            require(deletes or self.is_registered(home_address), frame, "order", "the home agent has not accepted the home address yet")
        self.authorization(frame, message, self.key_of(frame, layer, message), home_address if deletes else layer.source, correspondent)
        pair = self.pair(home_address, correspondent)
        pair.newest = message.sequence
        if deletes:
            pair.end(frame.time)
        elif any(until >= frame.time for until in pair.permitted.values()):
            # On a move; the care-of address of before is right until the answer.
            pair.permitted[layer.source] = frame.time + message.lifetime

    def key_of(self, frame, layer, message):
        """Kbm of a Binding Update, or None when the captures do not hold its tokens."""
        indices = message.option(NONCE_INDICES)
        if indices is None or len(indices.body) != 4:
            return None
        wanted = [(d.HOTI, layer.checksum_source, struct.unpack_from("!H", indices.body)[0])]
        if message.lifetime > 0:
            wanted.append((d.COTI, layer.source, struct.unpack_from("!H", indices.body, 2)[0]))
        found = [self.tokens.get((kind, address, layer.destination), {}).get(index) for kind, address, index in wanted]
        for (kind, address, index), token in zip(wanted, found):
            if token is not None or self.expectations.from_the_start:
                self.verdict.require(token is not None and frame.time - token[1] <= MAX_TOKEN_LIFETIME, frame, "token",
                                     f"of {d.name(address)} with nonce index {index} was never given, or longer ago than {MAX_TOKEN_LIFETIME} s")
        return None if None in found else hashlib.sha1(b"".join(token for token, _ in found)).digest()

    def authorization(self, frame, message, key, care_of_address, correspondent):
        """Binding Authorization Data, RFC 6275 §6.2.7."""
        option = message.options[-1] if message.options else None
        right = option is not None and option.kind == AUTHORIZATION and len(option.body) == 12
        self.verdict.require(right, frame, "authorization", "the last option is not Binding Authorization Data of 96 bits")
        if right and key is not None:
            covered = message.octets[:4] + b"\0\0" + message.octets[6:-12]
            wanted = hmac.digest(key, care_of_address + correspondent + covered, "sha1")[:12]
            self.verdict.require(wanted == option.body, frame, "authenticator",
                                 f"is wrong for care-of address {d.name(care_of_address)}, correspondent node {d.name(correspondent)}")

    def acknowledgement(self, frame, layer, message, question):
        """`question`: (frame, message, layer) of the Binding Update."""
        asked_at, update, asked = question
        require, home_address = self.verdict.require, asked.checksum_source
        if message.status in STALE_NONCES:
            require(message.option(AUTHORIZATION) is None, frame, "authorization", "nobody can authenticate with stale nonces")
        else:
            key = self.key_of(asked_at, asked, update)
            self.authorization(frame, message, key, home_address if update.lifetime == 0 else asked.source, layer.source)
        pair, now = self.pair(home_address, layer.source), frame.time
        if message.status < 128 and update.lifetime > 0:
            require(message.lifetime <= MAX_RR_BINDING_LIFETIME, frame, "lifetime", f"{message.lifetime} s granted by a correspondent node")
            pair.known, pair.accepted = True, asked.source
            pair.accepted_until = asked_at.time + message.lifetime + SETTLE
            if update.sequence == pair.newest:
                pair.end(now)
                pair.permitted[asked.source] = pair.accepted_until
        elif message.status >= 128 and update.sequence == pair.newest:
            pair.end(now)             # back to what the correspondent node still has, if anything
            if pair.accepted is not None:
                pair.permitted[pair.accepted] = pair.accepted_until

    def binding_error(self, frame, layer, message):
        """About packets from the care-of address that it goes to."""
        pair = self.pairs.get((message.octets[8:24], layer.source))
        if message.status == 1 and pair is not None:
            pair.known = True
            if pair.accepted == layer.destination:
                pair.accepted = None
            if layer.destination in pair.permitted:
                pair.permitted[layer.destination] = min(pair.permitted[layer.destination], frame.time + SETTLE)

    # --- data, RFC 6275 §11.3.1 and §11.3.3

    def data(self, frame, depth, layer):
        """Anything but signalling that has a Home Address option or a type 2 routing header."""
        require = self.verdict.require
        if not self.expectations.on_access_link or layer.icmpv6_type() in (146, 147):
            return
        require(depth == 0, frame, "placement", "a Home Address option or type 2 routing header inside the tunnel")
        home_address = layer.home_address or layer.routing_home_address
        require(self.expectations.is_home_address(home_address), frame, "addresses", f"{d.name(home_address)} is no home address")
        correspondent, care_of_address = ((layer.destination, layer.source) if layer.home_address
                                          else (layer.source, layer.destination))
        pair = self.pair(home_address, correspondent)
        if not pair.known:
            return
        if layer.home_address:
            require(pair.permitted.get(care_of_address, 0) >= frame.time, frame, "direct-data",
                    f"{d.name(correspondent)} has not accepted {d.name(care_of_address)} for {d.name(home_address)}")
        else:
            require(care_of_address in pair.permitted, frame, "direct-data",
                    f"{d.name(correspondent)} can not know {d.name(care_of_address)} for {d.name(home_address)}")
