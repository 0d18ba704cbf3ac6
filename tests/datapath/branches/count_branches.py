#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compiles an eBPF program so that it counts how often each of its branches is taken.

usage: count_branches.py CLANG SOURCE OBJECT DEPFILE [FLAG...]

clang counts branches for programs that have its run-time library (-fprofile-instr-generate). What it makes of an eBPF program
lacks only a place for the counters that libbpf knows: they are moved into one section that becomes a map. Beside OBJECT,
OBJECT.counters says which of them belong to which function: a line each, name, hash and how many, in the map's order.

The counters are atomic. Others the compiler would keep in registers over calls, and therefore on the stack, of which the kernel
allows 512 octets for a program with all that it calls.
"""
import hashlib
import re
import subprocess
import sys

MAP = ".data.branches"


def without_groups(code):
    """Sections that may be there several times become one each: libbpf would make a map of each."""
    return re.sub(r", comdat(\(\$[^)]*\))?(?=,|$)", "", code, flags=re.MULTILINE)


def without_reading(code):
    """Nothing added is a counter read by an atomic instruction that eBPF has not; nobody looks at what was read."""
    return re.sub(r"= load atomic (i64, .*@\"?__profc_.*) monotonic, ", r"= load \1, ", code)


def name_of(symbol, number, source):
    """The function's name as the coverage mapping has it: static ones follow their file's name and a colon."""
    file = source.rsplit("/", 1)[-1]
    names = [symbol] + ([f"{file}:{symbol.removeprefix(file + '_')}"] if symbol.startswith(file + "_") else [])
    for name in names:
        if int.from_bytes(hashlib.md5(name.encode()).digest()[:8], "little") == number % 2**64:
            return name
    raise SystemExit(f"count_branches.py: what function is {symbol}? This clang numbers them in another way")


def counters_in(code, source):
    """[(function, hash, counters)] in the order in which they stand in their section."""
    totals = {symbol: int(total) for symbol, total in re.findall(r'^@"?__profc_([\w.]+)"? = .*?\[(\d+) x i64\]', code, re.MULTILINE)}
    numbers = {symbol: (int(number), int(hash_)) for symbol, number, hash_ in
               re.findall(r'^@"?__profd_([\w.]+)"? = .*? \{ i64 (-?\d+), i64 (-?\d+),', code, re.MULTILINE)}
    if not totals or totals.keys() != numbers.keys():
        raise SystemExit("count_branches.py: this clang writes its counters in another way")
    return [(name_of(symbol, numbers[symbol][0], source), numbers[symbol][1] % 2**64, total) for symbol, total in totals.items()]


def main(clang, source, out, depfile, *flags):
    code = out + ".ll"
    subprocess.run([clang, "-target", "bpf-unknown-linux", *flags, "-fprofile-instr-generate", "-fprofile-update=atomic", "-fcoverage-mapping",
                    "-S", "-emit-llvm", "-MD", "-MF", depfile, "-MT", out, source, "-o", code], check=True)
    with open(code) as file:
        text = without_reading(without_groups(file.read()))
    with open(out + ".counters", "w") as file:
        file.writelines(f"{name} {hash_} {total}\n" for name, hash_, total in counters_in(text, source))
    with open(code, "w") as file:
        file.write(text.replace('section "__llvm_prf_cnts"', f'section "{MAP}"'))
    machine = [flag for flag in flags if flag.startswith(("-mcpu", "-O", "-g"))]
    subprocess.run([clang, "-target", "bpf-unknown-linux", *machine, "-c", code, "-o", out], check=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
