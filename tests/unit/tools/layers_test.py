#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Holds the layers of docs/architecture.md: who may include whom, and that the folders below the pure line touch no
file descriptor, clock, thread or random device."""

import re
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]

# Folder -> folders of the project that it may include, itself aside.
PURE = {
    "base": set(),
    "wire": {"base"},
    "forwarding-plan": {"base", "wire"},
    "hoa-alloc": {"base", "forwarding-plan"},
    "flow-separator": {"base", "forwarding-plan"},
    "flow-redirector": {"base", "forwarding-plan"},
    "mn-core": {"base", "wire", "forwarding-plan", "hoa-alloc", "flow-separator", "flow-redirector"},
    "home-agent": {"base", "wire", "forwarding-plan", "correspondent-node", "hoa-alloc"},
    "correspondent-node": {"base", "wire", "forwarding-plan"},
}
# The data path rewrites packets: it must not know what a mobile node or a home agent is.
IMPURE = {"datapath": {"base", "wire", "forwarding-plan"}}

FORBIDDEN_HEADERS = re.compile(
    r"^(sys/|linux/|netinet/|arpa/|net/|asm/|bits/|boost/|netlink/|libnl|libmnl|libnftnl|systemd/|bpf/"
    r"|(unistd|fcntl|poll|pthread|signal|time|errno|ifaddrs|netdb|syslog)\.h$"
    r"|(thread|mutex|shared_mutex|condition_variable|future|semaphore|latch|barrier|stop_token|fstream|iostream|filesystem"
    r"|csignal|ctime)$)")
FORBIDDEN_WORDS = re.compile(
    r"\b(?:system_clock|steady_clock|high_resolution_clock)::now\b|\bstd::random_device\b|\bstd::(?:jthread|thread)\b"
    r"|\bf?printf\b|\bfopen\b|\bgettimeofday\b|\bclock_gettime\b|\bgetrandom\b|\bgetenv\b|(?<![\w:.>])s?rand\(")

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', re.MULTILINE)
COMMENTS_AND_TEXTS = re.compile(r'//[^\n]*|/\*.*?\*/|R"\((?:.|\n)*?\)"|"(?:\\.|[^"\\\n])*"', re.DOTALL)


def violations(folder, allowed, text, pure):
    """What a source file of `folder` includes or uses although it must not, as sentences."""
    found = []
    for quote, header in INCLUDE.findall(text):
        parts = header.split("/")
        if parts[0] == "mipflow" and len(parts) > 2:
            if parts[1] != folder and parts[1] not in allowed:
                found.append(f"includes {header}: {folder} must not know {parts[1]}")
        elif pure and FORBIDDEN_HEADERS.match(header):
            found.append(f"includes {header}: {folder} is below the pure line")
        elif ".." in parts:
            found.append(f"includes {header}: only the public headers of another folder may be included")
    if pure:
        found += [f"uses {word}: time and randomness are arguments in {folder}"
                  for word in FORBIDDEN_WORDS.findall(COMMENTS_AND_TEXTS.sub(" ", text))]
    return found


def sources(folder):
    """The sources of a folder; its daemon/ is a program of the highest layer and may use everything."""
    for path in sorted((ROOT / folder).rglob("*")):
        if path.suffix in {".cpp", ".hpp", ".h"} and path.relative_to(ROOT / folder).parts[0] != "daemon":
            yield path


class LayersTest(unittest.TestCase):
    def test_every_folder_keeps_to_its_layer(self):
        for folders, pure in ((PURE, True), (IMPURE, False)):
            for folder, allowed in folders.items():
                for path in sources(folder):
                    with self.subTest(file=str(path.relative_to(ROOT))):
                        self.assertEqual(violations(folder, allowed, path.read_text(), pure), [])

    def test_the_folders_that_exist_are_looked_at(self):
        looked_at = {folder for folder in [*PURE, *IMPURE] if any(sources(folder))}
        self.assertGreaterEqual(looked_at, {"base", "wire", "forwarding-plan", "hoa-alloc", "flow-separator", "flow-redirector",
                                            "mn-core", "correspondent-node", "home-agent", "datapath"})


class ViolationsTest(unittest.TestCase):
    """The search finds what it is meant to find."""

    def test_forbidden_neighbours(self):
        text = '#include "mipflow/mn-core/mobile_node.hpp"\n'
        self.assertEqual(len(violations("home-agent", PURE["home-agent"], text, True)), 1)
        self.assertEqual(violations("mn-core", PURE["mn-core"], text, True), [])
        self.assertEqual(len(violations("hoa-alloc", PURE["hoa-alloc"], '#include "mipflow/wire/packet.hpp"', True)), 1)
        self.assertEqual(len(violations("wire", {"base"}, '#include "../../mn-core/src/secret.hpp"', True)), 1)

    def test_forbidden_headers(self):
        for header in ("sys/socket.h", "linux/ipv6.h", "netinet/in.h", "unistd.h", "thread", "fstream"):
            self.assertEqual(len(violations("wire", {"base"}, f"  #  include <{header}>\n", True)), 1, header)
        for header in ("vector", "chrono", "cstring", "algorithm"):
            self.assertEqual(violations("wire", {"base"}, f"#include <{header}>\n", True), [], header)

    def test_forbidden_words_outside_of_comments(self):
        self.assertEqual(len(violations("wire", set(), "auto t = std::chrono::steady_clock::now();", True)), 1)
        self.assertEqual(len(violations("wire", set(), "int x = rand();", True)), 1)
        self.assertEqual(len(violations("wire", set(), "printf(text);", True)), 1)
        self.assertEqual(violations("wire", set(), "std::snprintf(buffer, size, format);", True), [])
        self.assertEqual(violations("wire", set(), "// steady_clock::now() is not for us\nint operand(int);", True), [])


if __name__ == "__main__":
    unittest.main()
