# SPDX-License-Identifier: GPL-3.0-or-later
"""What a soak has to say in the end."""

from dataclasses import dataclass, field

from accounts import DOUBLED, LOST, OVERTAKEN

_EFFECT_NAMES = {LOST: "lost", DOUBLED: "twice", OVERTAKEN: "late"}


@dataclass
class Totals:
    """Of every stream that has been judged. Datagrams, unless they are called otherwise."""
    sent: int = 0
    received: int = 0
    lost: int = 0
    refused: int = 0         # the sender was told
    doubled: int = 0
    overtaken: int = 0
    unexplained: int = 0     # of the effects above
    transfers: int = 0       # by TCP
    octets: int = 0          # received and checked
    retransmissions: int = 0
    impaired: dict = field(default_factory=dict)   # the impairments' own counters, summed

    def add_impairment(self, counters):
        for key, value in counters.items():
            if isinstance(value, (int, float)) and key != "seed":
                self.impaired[key] = self.impaired.get(key, 0) + value

    def balance(self):
        """Why the figures do not add up, None when they do."""
        if self.sent != self.received + self.lost + self.refused:
            return f"{self.sent} datagrams were sent, but {self.received} + {self.lost} + {self.refused} are accounted for"
        return None if self.sent and self.transfers else "there was no traffic"


def _table(rows, heads):
    widths = [max(len(str(row[column])) for row in [heads, *rows]) for column in range(len(heads))]
    for row in [heads, *rows]:
        first, *others = (f"{item!s:<{width}}" if column == 0 else f"{item!s:>{width}}" for column, (item, width) in enumerate(zip(row, widths)))
        yield "  ".join(("  " + first, *others))


def _accounts(ledger):
    kinds = {}
    for account in ledger.accounts:
        kinds.setdefault((account.kind, tuple(sorted(account.effects))), []).append(account)
    rows = []
    for (kind, effects), accounts in sorted(kinds.items()):
        costs = [sum(account.costs[effect] for account in accounts) if effect in effects else "–" for effect in _EFFECT_NAMES]
        rows.append((kind, len(accounts), f"{sum(a.seconds for a in accounts):.1f}", f"{max(a.seconds for a in accounts):.1f}", *costs))
    rows.append(("bad access network, by its log", "", "", "", *ledger.impaired_costs.values()))
    return _table(rows, ("account", "times", "seconds", "longest", *_EFFECT_NAMES.values()))


def text(director, minutes, memory, checkpoints):
    """The whole report, in lines."""
    totals, ledger = director.totals, director.ledger
    lossy = sum(account.seconds for account in ledger.accounts if LOST in account.effects and account.streams is None)
    yield f"What was done ({sum(director.counts.values())} actions in {minutes:.1f} minutes):"
    yield "  " + ", ".join(f"{count} × {name}" for name, count in sorted(director.counts.items(), key=lambda item: -item[1]))
    yield ""
    yield "What it may have cost, and what it cost (datagrams; –: not allowed to):"
    yield from _accounts(ledger)
    yield f"  All streams at once were excused for {lossy:.1f} s. Longest healing: {director.longest_healing:.1f} s."
    yield ""
    yield (f"Balance: {totals.sent} datagrams sent = {totals.received} received + {totals.lost} lost + {totals.refused} refused to the sender; "
           f"{totals.doubled} came twice, {totals.overtaken} late; {totals.unexplained} without an account.")
    yield f"         {totals.transfers} transfers, {totals.octets} octets received and checked, {totals.retransmissions} retransmissions."
    if totals.impaired:
        yield "         Impairments: " + ", ".join(f"{key} {value}" for key, value in totals.impaired.items()) + "."
    yield ""
    yield "Memory (anonymous, last life of each daemon):"
    yield from _table([(node, f"{seconds:.0f} s", first, last, f"{climb:+.0f}", {None: "too short", True: "flat", False: "GROWS"}[flat])
                       for node, seconds, first, last, climb, flat in memory], ("daemon", "watched", "KiB", "then", "climb", ""))
    yield ""
    yield "Kernel objects: " + "; ".join(checkpoints) + "."
