# SPDX-License-Identifier: GPL-3.0-or-later
"""Text for the terminal and the JSON file."""

import dataclasses
import json
import os
import platform
import sys
import time


class Teller:
    """Tells the story as it happens. Colours only on a terminal."""

    def __init__(self, out=sys.stdout):
        self._out = out
        self._colours = out.isatty() and "NO_COLOR" not in os.environ
        self._started = time.monotonic()
        self._step = 0

    def _paint(self, code, text):
        return f"\033[{code}m{text}\033[0m" if self._colours else text

    def _print(self, text):
        print(text, file=self._out, flush=True)

    def step(self, title):
        self._step += 1
        seconds = time.monotonic() - self._started
        self._print("\n" + self._paint("1", f"{self._step}. {title}") + self._paint("2", f"   ({seconds:.1f} s)"))

    def say(self, text):
        self._print(f"   {text}")

    def command(self, words, output):
        """A command as the user would type it, and what it said."""
        self._print("   " + self._paint("36", f"# {words}"))
        for line in output.rstrip("\n").splitlines():
            self._print(f"   {line}")

    def check(self, check):
        mark = self._paint("32", "yes") if check.true else self._paint("31;1", "NO ")
        self._print(f"   {mark}  {check.claim}" + (f": {check.measured}" if check.measured else ""))

    def table(self, titles, rows):
        widths = [max(len(cell) for cell in column) for column in zip(titles, *rows)]
        for number, row in enumerate([titles, *rows]):
            line = "  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip()
            self._print("   " + (self._paint("1", line) if number == 0 else line))


@dataclasses.dataclass(frozen=True)
class Check:
    """Something that the demo claims, and whether it is so."""
    claim: str
    true: bool
    measured: str = ""


def milliseconds(value):
    return "-" if value is None else f"{value:.1f} ms"


def _number(value):
    return "-" if value is None else str(value)


def show_figures(teller, figures, interfaces, round_trip_ms):
    titles = ["FLOW", "STEP", "HOME ADDRESS", "CARE-OF ADDRESS", "INTERFACE", "PATH", *(f"PACKETS {name}" for name in interfaces),
              "LOST OUT/IN", "LONGEST GAP OUT/IN", "ADDED GAP"]
    rows = [[item.flow, item.phase, item.home_address or "-", item.care_of_address or "-", item.interface or "-", item.path or "-",
             *(str(item.packets.get(name, 0)) for name in interfaces),
             f"{_number(item.lost_out)}/{_number(item.lost_in)}",
             f"{milliseconds(item.gap_out_ms)} / {milliseconds(item.gap_in_ms)}", milliseconds(item.added_gap_ms)]
            for item in figures]
    teller.table(titles, rows)
    teller.say(f"A round trip to the home agent takes {milliseconds(round_trip_ms)}. ADDED GAP: what of the longest gap the")
    teller.say("sender's own pauses do not explain; a busy machine makes senders and receivers late.")


def as_json(figures, phases, checks, extra):
    return json.dumps({
        "passed": all(check.true for check in checks),
        "checks": [dataclasses.asdict(check) for check in checks],
        "phases": [dataclasses.asdict(phase) for phase in phases],
        "flows": [dataclasses.asdict(item) for item in figures],
        "machine": {"kernel": platform.release(), "cores": os.cpu_count()},
        **extra,
    }, indent=2) + "\n"
