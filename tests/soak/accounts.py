# SPDX-License-Identifier: GPL-3.0-or-later
"""What faults may cost: whatever is lost, doubled or overtaken has to stand in an account, or in the log of an impairment.

An account is open from the moment of a fault until the daemons themselves say that everything is in order again. How long that
takes is theirs to decide and the machine's; that nothing is missing afterwards is what is held against them.
"""

import struct
import time
from dataclasses import dataclass, field

LOST, DOUBLED, OVERTAKEN = "lost", "doubled", "overtaken"
EFFECTS = (LOST, DOUBLED, OVERTAKEN)
WAYS = ("out", "in")

# A packet that was sent so shortly before a fault was still under way: in a queue of a processor that others use as well.
UNDER_WAY_NS = 300_000_000


@dataclass
class Account:
    """What one fault may have cost, of packets by the time when they were sent."""
    kind: str
    note: str
    effects: frozenset
    streams: set | None        # labels; None: every stream
    ways: tuple                # seen from the mobile node
    begin_ns: int
    end_ns: int | None = None  # None: not healed yet
    costs: dict = field(default_factory=lambda: dict.fromkeys(EFFECTS, 0))

    def covers(self, stream, way, sent_ns):
        return ((self.streams is None or stream in self.streams) and way in self.ways and sent_ns >= self.begin_ns - UNDER_WAY_NS
                and (self.end_ns is None or sent_ns <= self.end_ns))

    @property
    def seconds(self):
        return ((self.end_ns or time.time_ns()) - self.begin_ns) / 1e9


class Ledger:
    """All accounts, and what impairments did packet by packet."""

    def __init__(self):
        self.accounts = []
        self.impaired = {}   # (server's port, to the server?, number) -> set of "lost", "duplicated", "crowded-out"
        self.impaired_costs = dict.fromkeys(EFFECTS, 0)

    def open(self, kind, effects, streams=None, ways=WAYS, note=""):
        account = Account(kind, note, frozenset(effects), streams, ways, time.time_ns())
        self.accounts.append(account)
        return account

    def close(self, account):
        account.end_ns = time.time_ns()

    def open_accounts(self, effect):
        return [account for account in self.accounts if account.end_ns is None and effect in account.effects]

    def add_impairment(self, packets, servers):
        """`packets`: LoggedPackets of an impairment; `servers`: ports at which streams' servers listen."""
        for packet in packets:
            if packet.data[:4] != b"MFUS" or packet.data[4] != 0:
                continue
            to_server = packet.destination_port in servers
            port = packet.destination_port if to_server else packet.source_port
            number, = struct.unpack_from("!Q", packet.data, 8)
            self.impaired.setdefault((port, to_server, number), set()).add(packet.fate)

    def excuse(self, effect, stream, way, sent_ns):
        """The account that a packet goes to, which counts it; None: there is none."""
        for account in self.accounts:
            if effect in account.effects and account.covers(stream, way, sent_ns):
                account.costs[effect] += 1
                return account
        return None

    def excuse_by_impairment(self, effect, fates, key):
        """Whether the impairment's log has this very packet."""
        if not fates & self.impaired.get(key, set()):
            return False
        self.impaired_costs[effect] += 1
        return True
