#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the tests of the eBPF programs take every branch of them, both ways.

usage: branches_test.py --programs DIRECTORY --preload LIBRARY --llvm-cov PROGRAM --llvm-profdata PROGRAM [--report] TEST_PROGRAM...

Runs the test programs with eBPF programs that count (count_branches.py made them in DIRECTORY, LIBRARY is replaced_programs.cpp),
and fails for each condition that never was true, or never was false, or was never asked. Those that no test can take stand in
unreached.txt, each with its reason; one that stands there and is taken is an error too. With --report: all that was found, and no
judgement.

The counters of all programs are added up: a header that several of them have is the same code in each.
"""
import argparse
import collections
import json
import os
import pathlib
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
BRANCH = 4  # kind of region in llvm-cov's answer
WAYS = ("true", "false")
EITHER = "-"  # in front of a reason: other kernels or machines may take it
Place = collections.namedtuple("Place", "file line column end end_column function")


def counts_of(directory, program):
    """The sums over all processes that ran it, in the order of its counters."""
    files = sorted(directory.glob(f"{program}.*"))
    columns = [[int(line) for line in file.read_text().split()] for file in files]
    return [sum(values) for values in zip(*columns)]


def write_profile(object_file, counts, path):
    """In the form that llvm-profdata reads."""
    rest = iter(counts)
    with open(path, "w") as out:
        for line in pathlib.Path(f"{object_file}.counters").read_text().splitlines():
            name, hash_, total = line.rsplit(" ", 2)
            values = [next(rest) for _ in range(int(total))]
            print(name, hash_, total, *values, "", sep="\n", file=out)
    assert next(rest, None) is None, f"more counters than {object_file}.counters names"


def branches_of(object_file, counts, directory, options):
    """{Place: [times true, times false]} of one program."""
    text, profile = directory / "profile.txt", directory / "profile"
    write_profile(object_file, counts, text)
    subprocess.run([options.llvm_profdata, "merge", text, "-o", profile], check=True)
    answer = subprocess.run([options.llvm_cov, "export", object_file, f"-instr-profile={profile}"], check=True, capture_output=True, text=True)
    found = collections.defaultdict(lambda: [0, 0])
    for function in json.loads(answer.stdout)["data"][0]["functions"]:
        name = function["name"].rsplit(":", 1)[-1]  # static functions have their file in front
        for line, column, end, end_column, times_true, times_false, file, _, kind in function["branches"]:
            assert kind == BRANCH
            times = found[Place(function["filenames"][file], line, column, end, end_column, name)]
            times[0] += times_true
            times[1] += times_false
    return found


class Source:
    """What stands at a place of a source."""

    def __init__(self):
        self.lines = {}

    def text(self, place):
        if place.file not in self.lines:
            self.lines[place.file] = pathlib.Path(place.file).read_text().splitlines()
        lines = list(self.lines[place.file][place.line - 1:place.end])
        lines[-1] = lines[-1][:place.end_column - 1]
        lines[0] = lines[0][place.column - 1:]
        return " ".join(part.strip() for part in lines)


def named(places):
    """{place: (file, function, condition)}; a condition that its function has again gets a number."""
    source, out, seen = Source(), {}, collections.Counter()
    for place in sorted(places):
        key = (pathlib.Path(place.file).name, place.function, source.text(place))
        seen[key] += 1
        out[place] = key if seen[key] == 1 else (*key[:2], f"{key[2]} #{seen[key]}")
    return out


def read_unreached():
    """{(file, function, condition, way): reason}, and those that may be taken all the same."""
    out, either, reason = {}, set(), None
    for number, line in enumerate((HERE / "unreached.txt").read_text().splitlines(), 1):
        if not line or line.startswith("#"):
            continue
        if not line.startswith(" "):
            reason = line
            continue
        file, function, way, condition = line.split(maxsplit=3)
        key = (file, function, condition, way)
        if reason is None or way not in WAYS or key in out:
            sys.exit(f"unreached.txt:{number}: not understood, or twice: {line}")
        out[key] = reason
        if reason.startswith(EITHER):
            either.add(key)
    return out, either


def run_tests(options, counters):
    environment = dict(os.environ, MIPFLOW_TEST_PROGRAMS=str(options.programs), MIPFLOW_TEST_COUNTERS=str(counters),
                       LD_PRELOAD=str(options.preload))
    for program in options.tests:
        if subprocess.run([program], env=environment).returncode and not options.report:
            sys.exit(f"{program} fails with programs that count their branches")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--programs", type=pathlib.Path, required=True)
    parser.add_argument("--preload", type=pathlib.Path, required=True)
    parser.add_argument("--llvm-cov", required=True)
    parser.add_argument("--llvm-profdata", required=True)
    parser.add_argument("--report", action="store_true")
    parser.add_argument("tests", nargs="+")
    options = parser.parse_args()

    times = collections.defaultdict(lambda: [0, 0])
    with tempfile.TemporaryDirectory(prefix="mipflow-branches-") as name:
        directory = pathlib.Path(name)
        counters = directory / "counters"
        counters.mkdir()
        run_tests(options, counters)
        for object_file in sorted(options.programs.glob("*.bpf.o")):
            counts = counts_of(counters, object_file.name.removesuffix(".bpf.o"))
            if not counts:
                sys.exit(f"no test has run {object_file.name}")
            for place, (times_true, times_false) in branches_of(object_file, counts, directory, options).items():
                times[place][0] += times_true
                times[place][1] += times_false

    (unreached, either), missing, needless, seen = read_unreached(), [], [], set()
    for place, (file, function, condition) in named(times).items():
        for way, count in zip(WAYS, times[place]):
            key = (file, function, condition, way)
            seen.add(key)
            if not count and (key not in unreached or options.report):
                missing.append(f"{file}:{place.line}: in {function}(): never {way}: {condition}")
            if count and key in unreached and key not in either:
                needless.append(f"{file}:{place.line}: in {function}(): stands in unreached.txt and was {way} {count} times: {condition}")
    stale = [f"unreached.txt: there is no such condition: {' '.join(key)}" for key in unreached if key not in seen]
    print(f"branches of the eBPF programs: {2 * len(times)}, not taken: {sum(not count for ways in times.values() for count in ways)}, "
          f"listed as not to be reached: {len(unreached)}")
    print(*missing, *needless, *stale, sep="\n")
    sys.exit(0 if options.report or not (missing or needless or stale) else 1)


if __name__ == "__main__":
    main()
