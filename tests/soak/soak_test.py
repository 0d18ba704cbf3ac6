#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Half an hour, or as long as you like, of whatever can happen to a mobile node, its home agents and its correspondent nodes.

Ends well when every datagram was received, or was lost in an account of a fault, or refused to its sender; when every transfer is
whole; when the data paths refused nothing while nothing was wrong; when everything healed; when no kernel object is left; and when
the daemons' memory is flat. What is random follows the seed, as far as the machine's timing lets it.

Mutations that it found in two or three minutes each (--seed 1, --only as named):
    the control server keeps the text of every request      move, policy, trial   memory of mn grew by 873 KiB in 127 s
    freed home addresses stay on mip0                       stream, move          +12 mn addresses, +12 mn routes at the first look
    the home agents' proxied neighbours are never removed   stream, move          the router sends … to ha3, ha has it; streams
                                                                                  lose everything on the way in
    the home agent takes nothing from the previous          move, bad access      a packet that was under way during a move
    care-of address after a move
    nobody notices that rules and routes are gone           deleted on mn         after 40 s still not there
    a daemon that starts takes no flows over                mn killed, move       streams without a flow, losses outwards
"""
import argparse
import contextlib
import os
import pathlib
import random
import secrets
import shutil
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(HERE), str(ROOT / "tools"), str(ROOT / "tests" / "system")]

import objects  # noqa: E402
import report  # noqa: E402
from accounts import Ledger  # noqa: E402
from actions import UserActions  # noqa: E402
from director import Director, Until  # noqa: E402
from faults import Faults  # noqa: E402
from lab import LabError, bpffs, removal  # noqa: E402
from laboratory import POLICIES, SECONDARIES, SoakLab  # noqa: E402
from view import View  # noqa: E402

BUILD = os.environ.get("MIPFLOW_BUILD", str(ROOT / "build" / "dev"))
# Between two looks at the mobile node without flows; short runs have one look in the middle.
_STAGE_S = 240.0
# More than this is one mistake seen again and again.
_ENOUGH_COMPLAINTS = 40


class Soak:
    def __init__(self, lab, seed, minutes, tell):
        self.lab, self.minutes = lab, minutes
        self.streams = []
        self.dice = random.Random(seed)
        self.ledger = Ledger()
        self.view = View(lab, self.streams, lambda text: self.director.log(text))
        self.director = Director(lab, self.view, self.ledger, report.Totals(), self.streams, self.dice, tell)
        self.user = UserActions(self.director)
        self.director.actions = [*self.user.actions(), *Faults(self.director).actions()]
        self.pristine = self.rest = None
        self.checkpoints = []
        self.memory = []

    def choose(self, only, without):
        """Leaves the actions that have one of the words in their name, and none of the others."""
        self.director.actions = [action for action in self.director.actions
                                 if any(word in action.name for word in only) and not any(word in action.name for word in without)]

    def run(self):
        self.lab.wait_addresses()
        self.pristine = objects.snapshot(self.lab, daemons=False)
        self.start()
        stages = max(1, round(self.minutes * 60 / 2 / _STAGE_S))
        seconds = self.minutes * 60 / 2 / stages
        for half, restarts in (("first", True), ("second", False)):
            for number in range(stages):
                say(f"{half} half, stage {number + 1} of {stages}" + ("" if restarts else ": no daemon is ended any more"))
                self.director.begin_usual_streams()
                self.director.run(seconds, restarts)
                self.checkpoint(f"{half} half, stage {number + 1}")
                if self.hopeless():
                    return
            if restarts:
                self.stop("in the middle")
                self.start()
        self.memory = self.director.memory.judgements()
        self.stop("in the end")
        self.judge()

    def start(self):
        self.lab.write_policy(POLICIES[0])
        self.lab.start_all()
        self.wait_rest("after the start")
        if self.rest is None:
            self.warm_up()
            self.rest = objects.snapshot(self.lab)

    def warm_up(self):
        """What a secondary opens with its first home address, it keeps."""
        for agent in SECONDARIES:
            self.lab.ask("ha", "delegate-home-address", home_address=self.lab.home_address, agent=agent)
            self.director.wait(Until(lambda agent=agent: None if self.view.holders().get(self.lab.home_address) == agent else "not yet",
                                     f"delegated to {agent}"))
        self.take_back_delegations()
        self.wait_rest("after a delegation to each secondary")

    def take_back_delegations(self):
        for address in self.view.holders():
            # It may go at this moment: then there is nothing to be taken back.
            with contextlib.suppress(LabError):
                self.lab.ask("ha", "release-home-address", home_address=address)
                self.lab.ask("ha", "recall-home-address", home_address=address)

    def wait_rest(self, when):
        self.director.wait(Until(self.view.at_rest, f"at rest {when}", 90))

    def checkpoint(self, when):
        """No streams, no flows, no actions: the same kernel objects as at the first look."""
        self.director.finish_streams()
        self.director.wait(Until(self.view.without_flows, f"without flows {when}", 60))
        self.user.give_back()
        self.lab.write_policy(POLICIES[0])
        self.lab.ask("mn", "policy-reload")
        self.take_back_delegations()
        self.warm_up()
        self.wait_rest(when)
        self.compare(when, self.rest, True)
        say(self.progress())

    def compare(self, when, before, daemons):
        left = []

        def trouble():
            left[:] = objects.differences(before, objects.snapshot(self.lab, daemons))
            return "; ".join(left) or None
        # Neighbour entries and the like go when their time is over.
        self.director.wait(Until(trouble, f"as before in the kernel ({when})", 30))
        self.checkpoints.append(f"{when}: " + (f"{len(left)} differences" if left else f"as before ({sum(before.values())} objects)"))

    def stop(self, when):
        """Everything stops in order, and nothing is left."""
        for node in ("mn", "cn", *SECONDARIES, "ha"):
            if (code := self.lab.stop_in_order(node)) != 0:
                self.director.complain(f"{node} ended with exit code {code} {when}")
        self.compare(f"stopped {when}", self.pristine, False)
        if left := bpffs.pin_directories(self.lab.name):
            self.director.complain(f"pinned objects are left {when}: {left}")

    def hopeless(self):
        return len(self.director.complaints) >= _ENOUGH_COMPLAINTS

    def judge(self):
        if trouble := self.director.totals.balance():
            self.director.complain(trouble)
        for node, seconds, _, _, climb, flat in self.memory:
            if flat is False:
                self.director.complain(f"memory of {node} grew by {climb:.0f} KiB in {seconds:.0f} s")

    def progress(self):
        totals = self.director.totals
        return (f"{totals.sent} datagrams, {totals.lost} lost, {totals.unexplained} without an account; {totals.transfers} transfers; "
                f"{len(self.director.complaints)} complaints")


def say(text):
    print(f"{time.strftime('%H:%M:%S')}  {text}", flush=True)


def keep_evidence(soak, directory):
    """The course of things and what the daemons said, for whoever looks for the reason."""
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    (directory / "events").write_text("\n".join(soak.director.events) + "\n")
    for node in ("mn", "ha", "cn", *SECONDARIES):
        with contextlib.suppress(OSError):
            shutil.copy(soak.lab.files(node).log, directory / f"{node}.log")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--minutes", type=float, default=30, help="how long (default: 30)")
    parser.add_argument("--seed", type=int, help="of the random numbers (default: a new one)")
    parser.add_argument("--only", action="append", metavar="WORD", help="only actions whose name has this word; repeatable")
    parser.add_argument("--without", action="append", default=[], metavar="WORD", help="no actions whose name has this word; repeatable")
    parser.add_argument("--verbose", action="store_true", help="tell everything when it happens")
    parser.add_argument("--build", default=BUILD, help="folder of the programs (default: %(default)s)")
    options = parser.parse_args()
    seed = options.seed if options.seed is not None else secrets.randbelow(1 << 32)
    removal.exit_on_signals()
    say(f"soak of {options.minutes:g} minutes, seed {seed}")
    began = time.monotonic()
    with SoakLab(options.build) as lab:
        soak = Soak(lab, seed, options.minutes, lambda text, important: print(text, flush=True) if important or options.verbose else None)
        try:
            soak.choose(options.only or [""], options.without)
            soak.run()
        except LabError as error:
            soak.director.complain(f"the soak could not go on: {error}")
        except (KeyboardInterrupt, SystemExit):
            soak.director.complain("the soak was interrupted")
        complaints = soak.director.complaints
        evidence = pathlib.Path(options.build) / f"soak-{seed}"
        if complaints:
            keep_evidence(soak, evidence)
    print()
    print("\n".join(report.text(soak.director, (time.monotonic() - began) / 60, soak.memory, soak.checkpoints)))
    print()
    if not complaints:
        print(f"soak: passed (seed {seed})")
        return 0
    print("Complaints:")
    for complaint in complaints[:_ENOUGH_COMPLAINTS]:
        print(f"  - {complaint}")
    print(f"soak: {len(complaints)} complaints. What happened when, and the daemons' logs: {evidence}\n"
          f"To see it again: tools/check --soak --minutes {options.minutes:g} --seed {seed}")
    return 1


if __name__ == "__main__":
    sys.exit(main())
