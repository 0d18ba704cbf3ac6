# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules of the address and policy service, docs/agent-service.md: Mobility Header type 11."""
import struct
from dataclasses import dataclass, field

from . import dissect as d
from .pace import MESSAGES_PER_SECOND, Series, too_early

VERSION, FIXED_PART = 1, 14
REQUEST, REPLY, RELEASE, RELEASED, CHANGE, CHANGE_TAKEN, POLICY_REQUEST, POLICY_REPLY, POLICY_CHANGED, REFRESH, REFRESHED = range(1, 12)
ANSWERS = {REPLY: REQUEST, RELEASED: RELEASE, POLICY_REPLY: POLICY_REQUEST, REFRESHED: REFRESH}
FROM_MOBILE_NODE = {REQUEST, RELEASE, CHANGE_TAKEN, POLICY_REQUEST, REFRESH}
PENDING = 1
LARGEST_PART, MOST_ADDRESSES = 1000, 16


@dataclass
class Question:
    operation: int
    body: bytes
    messages: dict = field(default_factory=dict)   # timestamp -> the message
    series: Series = None


class AgentService:
    def __init__(self, expectations, verdict, authentication):
        """`authentication(frame, message, care-of address, home address, asks, question)` judges the RFC 4285 options."""
        self.expectations, self.verdict, self.authentication = expectations, verdict, authentication
        self.questions, self.sent = {}, []
        self.last_timestamp = b""                  # of the mobile node

    def see(self, frame, layer, message):
        header = message.octets
        version, operation, transaction, length = struct.unpack_from("!BBIH", header, 6)
        body = header[FIXED_PART:FIXED_PART + length]
        self.verdict.require(version == VERSION and operation in range(1, 12), frame, "service", f"version {version}, operation {operation}")
        self.verdict.require(len(body) == length and self.body_fits(operation, body), frame, "service",
                             f"the body of operation {operation} does not fit its length {length}")
        asks = operation in FROM_MOBILE_NODE
        home_address = layer.home_address if asks else layer.routing_home_address
        here = layer.source if asks else layer.destination
        association = self.expectations.association
        if home_address is None and association is not None and here == association.primary_home_address:
            home_address = here   # at home it speaks from there, RFC 6275 section 11.5.5
        agent = layer.destination if asks else layer.source
        self.verdict.require(home_address is not None and agent == self.expectations.home_agent, frame, "service",
                             f"operation {operation} goes the wrong way, or without its home address")
        if home_address is None:
            return
        if asks:
            self.asked(frame, layer, message, operation, transaction, body)
            self.authentication(frame, message, layer.source, home_address, True, None)
        else:
            question = self.answered(frame, message, operation, transaction, body)
            self.authentication(frame, message, layer.destination, home_address, question is None, question)

    @staticmethod
    def body_fits(operation, body):
        if operation in (REQUEST, RELEASE, CHANGE, REFRESH, REFRESHED) and len(body) < 2 or operation == REPLY and len(body) < 4:
            return False
        if operation == REPLY:
            return body[2] <= MOST_ADDRESSES and len(body) == 4 + 24 * body[2] + body[3]
        if operation == RELEASE:
            return 1 <= body[1] <= MOST_ADDRESSES and len(body) == 2 + 16 * body[1]
        if operation == REFRESH:
            return 1 <= body[0] <= MOST_ADDRESSES and len(body) == 2 + 16 * body[0] and body[1] == 0
        if operation in (CHANGE, REFRESHED):
            return 1 <= body[0] <= MOST_ADDRESSES and len(body) == 2 + 24 * body[0] and body[1] == 0
        if operation == POLICY_REPLY:
            return len(body) >= 48 and body[1] == 0 and len(body) == 48 + int.from_bytes(body[2:4], "big") <= 48 + LARGEST_PART
        return len(body) == {REQUEST: 2, RELEASED: 0, CHANGE_TAKEN: 0, POLICY_REQUEST: 8, POLICY_CHANGED: 4}.get(operation, len(body))

    def asked(self, frame, layer, message, operation, transaction, body):
        self.sent.append(frame.time)
        recent = sum(1 for t in self.sent[-10:] if frame.time - t < 1.0)
        self.verdict.require(recent <= MESSAGES_PER_SECOND, frame, "rate", f"{recent} messages of the service within a second")
        timestamp = message.option(10)
        if timestamp is not None:
            self.verdict.require(timestamp.body > self.last_timestamp, frame, "service", "the timestamp is not later than the one before")
            self.last_timestamp = timestamp.body
        if operation == CHANGE_TAKEN:
            return
        question = self.questions.setdefault(transaction, Question(operation, body))
        self.verdict.require(question.operation == operation, frame, "service", f"transaction {transaction} was another question's")
        question.messages[timestamp.body if timestamp else b""] = message
        if question.series is None:
            question.series = Series((layer.source, transaction), frame)
        else:
            too_early(frame, question.series, self.verdict)

    def answered(self, frame, message, operation, transaction, body):
        """The question, None when nobody has to have asked."""
        if operation not in ANSWERS:
            return None
        question = self.questions.get(transaction)
        known = question is not None and question.operation == ANSWERS[operation]
        self.verdict.require(known or not self.expectations.from_the_start, frame, "service", f"answers {transaction}, which nobody asked")
        if not known:
            return None
        if operation == REPLY and len(body) >= 2 and body[1] == PENDING:
            question.series = None       # asked from time to time now
        timestamp = message.option(10)
        asked = question.messages.get(timestamp.body if timestamp else b"")
        self.verdict.require(asked is not None, frame, "service", "returns the timestamp of no question")
        return asked
