# SPDX-License-Identifier: GPL-3.0-or-later
"""What the judge is told beforehand, and what it says afterwards."""
from collections import Counter
from dataclasses import dataclass, field

from .dissect import name


@dataclass
class SecurityAssociation:
    """Of the primary home address, RFC 4285; lets the judge compute every authenticator itself."""
    key: bytes
    spi: int
    primary_home_address: bytes


@dataclass
class Expectations:
    home_agent: bytes
    home_prefix: bytes                    # the first 8 octets
    authentication: str = "rfc4285"       # or "none": then no authentication option may show up
    association: SecurityAssociation = None
    on_access_link: bool = True           # captured where the mobile node visits: no bare home address may be seen
    from_the_start: bool = True           # the captures begin before the first Binding Update
    transport_checksums: bool = False     # offloads were off where it was captured
    link_changes: tuple = ()              # when a cable was cut or put back, in seconds as in the captures: a registration may begin anew
    messages_per_hour: int = None          # sent to one correspondent node for one home address, as documented; None: not judged
    prefix_length: int = 64

    def is_home_address(self, address):
        return address[:8] == self.home_prefix and address != self.home_agent


@dataclass
class Verdict:
    complaints: list = field(default_factory=list)   # (frame, rule, text)
    seen: Counter = field(default_factory=Counter)   # how many packets each rule had to look at, by name

    def complain(self, frame, rule, text):
        self.complaints.append((frame, rule, text))

    def require(self, condition, frame, rule, text):
        self.seen[rule] += 1
        if not condition:
            self.complain(frame, rule, text)

    def keep(self, wanted):
        """Forgets the complaints about frames that are not `wanted(frame)`."""
        self.complaints = [c for c in self.complaints if wanted(c[0])]

    def rules(self):
        return {rule for _, rule, _ in self.complaints}

    def __str__(self):
        lines = [f"{frame}: [{rule}] {text}" for frame, rule, text in self.complaints]
        return "\n".join(lines) or "no complaint"


__all__ = ["Expectations", "SecurityAssociation", "Verdict", "name"]
