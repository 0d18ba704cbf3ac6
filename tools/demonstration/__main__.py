# SPDX-License-Identifier: GPL-3.0-or-later
import argparse
import sys
from pathlib import Path

from lab import Lab, LabError
from lab import removal
from lab.cluster import Cluster

from . import report
from .cluster import ClusterStory
from .story import Story


def parse_arguments():
    parser = argparse.ArgumentParser(prog="demo")
    parser.add_argument("--build-dir", type=Path, required=True)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--svg", type=Path, default=Path("mipflow-demo.svg"))
    parser.add_argument("--cluster", action="store_true")
    parser.add_argument("--keep", action="store_true")
    parser.add_argument("--remove-kept", action="store_true")
    return parser.parse_args()


def tell(lab, teller, options):
    """Plays the story and shows what came out of it; True when all that is claimed is so."""
    story = (ClusterStory if options.cluster else Story)(lab, teller)
    story.play()
    if not options.keep:
        story.stop_daemons()
    teller.step("What happened")
    story.show_figures()
    teller.say("")
    for check in story.checks:
        teller.check(check)
    options.svg.write_text(story.draw())
    teller.say(f"\n   picture: {options.svg.resolve()}")
    if options.json:
        options.json.write_text(report.as_json(story.figures, story.phases, story.checks, story.extra))
        teller.say(f"figures: {options.json.resolve()}")
    return all(check.true for check in story.checks)


def explain_keeping(lab, teller):
    enter = f"nsenter --net=/run/netns/{lab.name}"
    command = f"{lab.program('mipflow')} --socket {lab.files('mn').socket}"
    teller.step("The lab stays up; look around")
    others = " ".join(f"-{name}" for name in lab.nodes if name != "mn")
    teller.say(f"the mobile node:        {enter}-mn -- bash       (others: {others})")
    teller.say(f"its flows:              {command} flow list")
    teller.say(f"the home agent's view:  {lab.program('mipflow')} --socket {lab.files('ha').socket} binding list")
    if lab.correspondent_node:
        teller.say(f"the correspondent's:    {lab.program('mipflow')} --socket {lab.files('cn').socket} binding list")
    teller.say(f"a flow to look at:      {enter}-mn -- ping {lab.correspondent_address}")
    teller.say(f"the clear packets:      {enter}-mn -- tcpdump -n -i mip0")
    teller.say(f"the log of the daemon:  {lab.files('mn').log}")
    teller.say("take it away again:     tools/demo --remove-kept")


def main():
    options = parse_arguments()
    removal.exit_on_signals()
    teller = report.Teller()
    if options.remove_kept:
        names = removal.kept_labs()
        removal.remove_kept(names)
        print("removed: " + (", ".join(names) if names else "nothing was kept"))
        return 0
    for path in filter(None, (options.json, options.svg)):
        if not path.resolve().parent.is_dir():
            print(f"demo: {path}: there is no folder {path.resolve().parent}", file=sys.stderr)
            return 2
    lab = (Cluster if options.cluster else Lab)(options.build_dir)
    teller.step("Make the laboratory")
    with lab:
        teller.say("home network, core router, two access networks with router advertisements, correspondent node, laptop;")
        teller.say(f"the laptop has wlan0 {lab.care_of_address('wlan0')} and wwan0 {lab.care_of_address('wwan0')}")
        good = tell(lab, teller, options)
        if options.keep:
            lab.restore("wlan0")
            lab.restore("wwan0")
            lab.keep()
            explain_keeping(lab, teller)
    if not good:
        print("\ndemo: not everything that should have happened did; see the lines that say NO.", file=sys.stderr)
    return 0 if good else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except LabError as error:
        print(f"\ndemo: {error}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        print("\ndemo: interrupted; the laboratory is removed", file=sys.stderr)
        sys.exit(130)
