#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Changes the eBPF programs in one place at a time, and says which changes the tests of the data path do not notice.

usage (as root): change_programs.py BUILD_DIRECTORY [--only FILE...] [--sample COUNT] [--seed SEED] [--seconds SECONDS]

A change is one that a tired programmer might make: the other comparison, the other verdict, a number more, an assignment or a
counter forgotten. What the compiler or the kernel's verifier refuses counts as noticed. Prints a line for each change that
nobody noticed; either a test is missing there, or the change makes no difference, and a human has to say which. Not part of
the checks: it takes hours for all 1,834.

In November 2026, the first 66 of them with --seed 6275: 56 were noticed. For three there is a case now: a bit of fe80::/10, a word of
the correspondent node's address where an application is told its own, the shortest packet that a Packet Too Big is told of. The
others: the verdict for an array without its place (unreached.txt); a turn more of a loop that ends before; a checksum whose sum is
zero, which no pseudo header's is; a flag about checksums that network cards have computed, and one about what was taken off, which
no test run has; a field that is only read where it is set; and packets from links without an Ethernet header led into mip0 by the
filter behind, where only a capture on mip0 would show that they lack one. Of eight more with --seed 6276 one was not noticed, and is
now: the first word of the address that an application is told.
"""
import argparse
import collections
import os
import pathlib
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[3]
SOURCES = ROOT / "datapath" / "bpf"
PROGRAMS = ("mobile_node", "home_agent", "correspondent_node", "socket_addresses")
FLAGS = ("-target", "bpf", "-mcpu=v3", "-O2", "-g", "-Wno-everything")
NOT_CHANGED = {"layout.h"}  # the loader has to agree
NUMBER = re.compile(r"(?<![\w.])(0x[0-9a-fA-F]+|\d+)(?=[uUlL]*\b)(?![\w.]*\")")
RULES = (
    (re.compile(r"=="), lambda m: "!="),
    (re.compile(r"!="), lambda m: "=="),
    (re.compile(r"<="), lambda m: "<"),
    (re.compile(r">="), lambda m: ">"),
    (re.compile(r"(?<=\s)<(?=\s)"), lambda m: "<="),
    (re.compile(r"(?<=\s)>(?=\s)"), lambda m: ">="),
    (re.compile(r"&&"), lambda m: "||"),
    (re.compile(r"\|\|"), lambda m: "&&"),
    (re.compile(r"!(?=[\w(])"), lambda m: ""),
    (re.compile(r"(?<=\s)\+(?=\s)"), lambda m: "-"),
    (re.compile(r"(?<=\s)-(?=\s)"), lambda m: "+"),
    (re.compile(r"(?<=\s)\|(?=\s)"), lambda m: "&"),
    (re.compile(r"\bTC_ACT_OK\b"), lambda m: "TC_ACT_SHOT"),
    (re.compile(r"\bTC_ACT_SHOT\b"), lambda m: "TC_ACT_OK"),
    (re.compile(r"\bSOURCE_ADDRESS\b"), lambda m: "DESTINATION_ADDRESS"),
    (re.compile(r"\bDESTINATION_ADDRESS\b"), lambda m: "SOURCE_ADDRESS"),
    (re.compile(r"\btrue\b"), lambda m: "false"),
    (re.compile(r"\bfalse\b"), lambda m: "true"),
    (NUMBER, lambda m: str(int(m.group(0), 0) + 1)),
)
FORGOTTEN = re.compile(r"^\s+(?!return|break|continue|struct|const|__u\d|__s\d|__be\d|bool|int|long|enum|goto|static|void)\S.*;\s*(/\*.*\*/)?$")

Change = collections.namedtuple("Change", "file line before after")


def changes_of(path):
    """Every change of one source, a line each."""
    in_comment = False
    for number, line in enumerate(path.read_text().splitlines()):
        code = re.sub(r"/\*.*?\*/", lambda m: " " * len(m.group(0)), line)
        begins, ends = code.rfind("/*"), code.find("*/")
        if in_comment:
            in_comment = ends < 0
            continue
        if begins >= 0:
            in_comment, code = True, code[:begins]
        if re.match(r"\s*(#include|#ifndef|#endif|#define MIPFLOW_DATAPATH|//|__uint|__type|char _license|SEC)", code) or "static_assert" in code:
            continue
        for rule, replacement in RULES:
            for match in rule.finditer(code):
                yield Change(path.name, number, line, line[:match.start()] + replacement(match) + line[match.end():])
        if FORGOTTEN.match(code) and code.count("(") == code.count(")"):
            yield Change(path.name, number, line, "  ;")


class Judge:
    def __init__(self, build, directory):
        self.tests = {"socket_addresses": build / "tests/datapath/datapath_sockets_test"}
        for program in PROGRAMS[:3]:
            self.tests[program] = build / "tests/datapath/datapath_programs_test"
        self.preload = build / "tests/datapath/branches/libreplaced_programs.so"
        self.sources, self.objects, self.original = directory / "bpf", directory / "objects", directory / "original"
        self.original.mkdir()
        shutil.copytree(SOURCES, self.sources)
        for program in PROGRAMS:
            if not self.compile(program, self.original):
                sys.exit(f"the unchanged {program}.bpf.c does not compile")
        self.includes = {program: self.headers_of(program) for program in PROGRAMS}

    def compile(self, program, where):
        machine = subprocess.run(["clang", "-print-multiarch"], capture_output=True, text=True).stdout.strip() or "x86_64-linux-gnu"
        return subprocess.run(["clang", *FLAGS, "-idirafter", f"/usr/include/{machine}", "-c", self.sources / f"{program}.bpf.c",
                               "-o", where / f"{program}.bpf.o"], capture_output=True).returncode == 0

    def headers_of(self, program):
        out, todo = set(), [f"{program}.bpf.c"]
        while todo:
            name = todo.pop()
            if name not in out:
                out.add(name)
                todo += re.findall(r'#include "(\w+\.h)"', (SOURCES / name).read_text())
        return out

    def what_notices(self, change):
        """"compiler", "nothing differs", "test" or None."""
        text = (SOURCES / change.file).read_text().splitlines()
        text[change.line] = change.after
        (self.sources / change.file).write_text("\n".join(text) + "\n")
        try:
            shutil.rmtree(self.objects, ignore_errors=True)
            shutil.copytree(self.original, self.objects)
            concerned = [program for program in PROGRAMS if change.file in self.includes[program]]
            if not all(self.compile(program, self.objects) for program in concerned):
                return "compiler"
        finally:
            shutil.copy(SOURCES / change.file, self.sources / change.file)
        changed = [program for program in concerned if self.code(self.objects, program) != self.code(self.original, program)]
        if not changed:
            return "nothing differs"
        for test in dict.fromkeys(self.tests[program] for program in changed):
            try:
                environment = dict(os.environ, MIPFLOW_TEST_PROGRAMS=str(self.objects), LD_PRELOAD=str(self.preload))
                ran = subprocess.run([test, "--abort"], env=environment, capture_output=True, timeout=120)
            except subprocess.TimeoutExpired:
                return "test"
            if ran.returncode:
                return "test"
        return None

    @staticmethod
    def code(directory, program):
        return subprocess.run(["llvm-objdump", "-d", "-r", "--no-show-raw-insn", f"{program}.bpf.o"], cwd=directory, check=True, capture_output=True).stdout


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--only", nargs="+", default=[])
    parser.add_argument("--sample", type=int)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--seconds", type=float, default=float("inf"))
    options = parser.parse_args()

    changes = [change for path in sorted(SOURCES.iterdir()) if path.name not in NOT_CHANGED and (not options.only or path.name in options.only)
               for change in changes_of(path)]
    random.Random(options.seed).shuffle(changes)
    print(f"{len(changes)} changes, seed {options.seed}", flush=True)
    begin, result = time.monotonic(), collections.Counter()
    with tempfile.TemporaryDirectory(prefix="mipflow-changes-") as name:
        judge = Judge(options.build, pathlib.Path(name))
        for change in changes[:options.sample]:
            if time.monotonic() - begin > options.seconds:
                break
            noticed = judge.what_notices(change)
            result[noticed or "unnoticed"] += 1
            if noticed is None:
                print(f"{change.file}:{change.line + 1}: nobody noticed\n  - {change.before.strip()}\n  + {change.after.strip()}", flush=True)
    print(", ".join(f"{what}: {count}" for what, count in sorted(result.items())))


if __name__ == "__main__":
    main()
