#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Nobody can use our daemons to send others more than he sends himself, or to fill memory.

Every message that strangers can send goes out many times with a forged source of its own; what comes back to that source is counted
on the wire: how often, how long, how many in a second. Tests (HoTI, CoTI) are answered one for one, 64 octets for 56, for RFC 6275
§9.4 wants it so; everything else is limited or silence. Prints the table.

Switched off, and what failed then, with 160 answers for 160 questions where 53 are allowed:
  the limit of error_reports.cpp in correspondent-node/src      unknown type, header that is too short, service message: at both
  the limit of agent_discovery.cpp in home-agent/src            discovery of home agents
"""
import contextlib
import json
import pathlib
import struct
import threading
from dataclasses import dataclass
from typing import Callable

from support import forge
from support.attack_case import AttackCase
from support.attacker import Elsewhere
from support.case import main, time
from judge import dissect as d

BURST, AT_ONCE = 160, 20   # as many as queues of the laboratory hold go out at once
ERRORS = (50, 100)      # at once, and then in a second: RFC 4443 §2.4 (f), base/include/mipflow/base/token_bucket.hpp
REPEAT = (200, 200)     # the same behind the data path's own limit
SILENCE, ONE_FOR_ONE = (0, 0), None
QUOTED = 48             # an ICMPv6 error, ours or the kernel's, quotes the question behind headers of its own


@dataclass
class Question:
    name: str
    build: Callable      # (source) -> packet
    limit: tuple | None  # answers at once and in a second; None: one for one
    longest: int = 0     # octets of an answer, more than the question has: what the RFC's format needs


def message(source, destination, kind, data):
    header = struct.pack("!BBBBH", 59, (6 + len(data)) // 8 - 1, kind, 0, 0) + data
    return forge.ipv6(source, destination, 135, forge.summed(header, source, destination))


def too_short(source, destination):
    """A Binding Update whose Header Len leaves no room for what it has to carry (§9.2: Parameter Problem)."""
    return message(source, destination, 5, b"\0\0")


def with_option(source, destination, home_address, packet):
    return forge.ipv6(source, destination, 60, forge.home_address_option(packet[6], home_address) + packet[40:])


def with_routing_header(source, destination, home_address, packet):
    return forge.ipv6(source, destination, 43, forge.type_2_routing_header(packet[6], home_address) + packet[40:])


def discovery(source, destination):
    return forge.icmpv6(source, destination, 144, 0, struct.pack("!HH", 7, 0))


def solicitation(source, destination):
    return forge.icmpv6(source, destination, 146, 0, struct.pack("!HH", 7, 0))


class Amplification(AttackCase):
    @classmethod
    def prepare(cls):
        super().prepare()
        cls.lab.start_correspondent_node()
        cls.elsewhere = Elsewhere(cls.lab)
        cls.addClassCleanup(cls.elsewhere.close)
        # Answers end at the router: nobody is asked for their link-layer addresses.
        cls.lab.nodes["core"].ip("route add blackhole 2001:db8:bad::/48")

    def everywhere(self, to):
        return [
            Question("unknown type", lambda s: message(s, to, 99, b"\0\0"), ERRORS, 16),
            Question("header that is too short", lambda s: too_short(s, to), ERRORS, QUOTED),
            Question("wrong checksum", lambda s: message(s, to, 1, bytes(10))[:44] + b"\x12\x34" + message(s, to, 1, bytes(10))[46:], SILENCE),
            Question("Binding Refresh Request", lambda s: message(s, to, 0, b"\0\0"), SILENCE),
            Question("Home Test", lambda s: message(s, to, 3, bytes(18)), SILENCE),
            Question("Care-of Test", lambda s: message(s, to, 4, bytes(18)), SILENCE),
            Question("Binding Acknowledgement", lambda s: forge.binding_acknowledgement(s, to, self.home_address, 1), SILENCE),
            Question("Binding Error", lambda s: forge.binding_error(s, to, self.home_address), SILENCE),
            Question("type 2 routing header", lambda s: with_routing_header(s, to, self.home_address, forge.udp(s, self.home_address, 1, 2)), SILENCE),
            Question("tunnel with a tunnel inside", lambda s: forge.tunnelled(s, to, forge.tunnelled(s, to, forge.udp(s, to, 1, 2))), REPEAT, QUOTED),
            Question("prefix solicitation", lambda s: solicitation(s, to), SILENCE),
            Question("service message", lambda s: message(s, to, 11, bytes(26)), ERRORS, 0),
        ]

    def probes(self, to):
        return [Question("Home Test Init", lambda s: message(s, to, 1, b"\0\0cookie12"), ONE_FOR_ONE, 8),
                Question("Care-of Test Init", lambda s: message(s, to, 2, b"\0\0cookie12"), ONE_FOR_ONE, 8)]

    def option(self, to):
        return Question("Home Address option without binding",
                        lambda s: with_option(s, to, "2001:db8:100::7777", forge.udp("2001:db8:100::7777", to, 1, 2, bytes(64))), REPEAT, QUOTED)

    def ask_all(self, node, interface, to, questions):
        """Sends all, and gives {name: (asked, answered, longest answer less question, seconds)} as the wire has it."""
        capture = self.lab.wire(node, interface)
        sources = {f"2001:db8:bad::{number:x}": question for number, question in enumerate(questions, 1)}
        for source, question in sources.items():
            packet = question.build(source)
            for number in range(BURST):
                self.elsewhere.send(packet)
                if number % AT_ONCE == 0:
                    time.sleep(0.002)
        # The last one tells that the others are on the wire.
        end = "2001:db8:bad::ffff"
        self.elsewhere.send(message(end, to, 99, b"\0\0"))
        self.wait(lambda: self.lab.mipflow("status", node=node) is not None, "the daemon", 5)
        self.wait(lambda: any(d.name(f.outer.source) == end for f in capture.frames()), "the last question on the wire", 10)
        time.sleep(0.5)   # answers that should not come at all have no condition to wait for
        capture.stop()
        result = {}
        frames = capture.frames()
        for source, question in sources.items():
            asked = [f for f in frames if d.name(f.outer.source) == source]
            answers = [f for f in frames if d.name(f.outer.destination) == source]
            longest = max((len(f.outer.octets) for f in answers), default=0) - len(question.build(source)) if answers else 0
            seconds = max((f.time for f in answers), default=0) - asked[0].time if asked and answers else 0
            result[question.name] = (len(asked), len(answers), longest, seconds)
        return result

    def assert_no_amplification(self, node, interface, to, questions, has_to_answer):
        found = self.ask_all(node, interface, to, questions)
        print(f"\n{node}: question, asked, answered, octets more, seconds")
        for question in questions:
            asked, answered, longest, seconds = found[question.name]
            print(f"  {question.name:38} {asked:5} {answered:5} {longest:+5} {seconds:6.2f}")
            with self.subTest(question.name, node=node):
                self.assertGreater(asked, BURST * 0.7, "too few questions on the wire")
                self.assertLessEqual(asked, BURST)
                self.assertLessEqual(longest, question.longest, "an answer longer than its format needs")
                if question.limit is None:
                    self.assertLessEqual(answered, asked)
                else:
                    at_once, a_second = question.limit
                    self.assertLessEqual(answered, at_once + a_second * seconds + bool(at_once), "too many answers")
                if question.name in has_to_answer:
                    self.assertGreater(answered, 0, "nothing was measured")

    def test_home_agent(self):
        to, stranger = self.agent, "2001:db8:100::7777"
        self.assert_no_amplification("ha", "home0", to, [
            *self.everywhere(to), *self.probes(to), self.option(to),
            Question("discovery of home agents", lambda s: discovery(s, to), ERRORS, 16),
            Question("tunnel of an unknown binding", lambda s: forge.tunnelled(s, to, forge.udp(stranger, self.lab.correspondent_address, 1, 2)), REPEAT, 0),
            Question("Binding Update without authentication", lambda s: forge.binding_update(s, to, self.home_address, 1), ERRORS, 48),
            Question("Binding Update with a wrong key", lambda s: self.update(1, key=b"wrong" * 4, source=s), ERRORS, 48),
        ], {"unknown type", "Home Test Init", "Care-of Test Init", "discovery of home agents", "tunnel of an unknown binding"})
        self.assertIsNotNone(self.client.ask())

    def test_correspondent_node(self):
        to = self.lab.correspondent_address

        def stale(source):
            """The tokens are of long ago: status 136 to 138 without authenticator."""
            header = struct.pack("!BBBBHHHH", 59, 0, 5, 0, 0, 1, 0x8000, 100) + b"\x04\x04\x12\x34\x12\x34" + b"\x05\x0c" + bytes(12)
            header = forge.padded(header, 8, 0)
            header = header[:1] + bytes([len(header) // 8 - 1]) + header[2:]
            return forge.ipv6(source, to, 60, forge.home_address_option(135, "2001:db8:100::7777") + forge.summed(header, "2001:db8:100::7777", to))
        self.assert_no_amplification("cn", "eth0", to, [
            *self.everywhere(to), *self.probes(to), self.option(to),
            Question("discovery of home agents", lambda s: discovery(s, to), SILENCE),
            Question("Binding Update with stale nonces", stale, ONE_FOR_ONE, 0),
        ], {"unknown type", "Home Test Init", "Care-of Test Init", "Home Address option without binding", "Binding Update with stale nonces"})

    def test_mobile_node(self):
        to = self.care_of
        self.assert_no_amplification("mn", "wlan0", to, [
            *self.everywhere(to), self.option(to),
            *(Question(q.name, q.build, ERRORS, 16) for q in self.probes(to)),
            Question("discovery of home agents", lambda s: discovery(s, to), SILENCE),
        ], {"unknown type"})
        self.assertIsNotNone(self.client.ask())

    # --- memory

    def resident(self, process):
        text = pathlib.Path(f"/proc/{process.pid}/status").read_text()
        return int(next(line.split()[1] for line in text.splitlines() if line.startswith("VmRSS")))

    def map_entries(self, process):
        """{name of a map that grows: entries} of all maps that the daemon has open."""
        found = {}
        for info in pathlib.Path(f"/proc/{process.pid}/fdinfo").iterdir():
            with contextlib.suppress(OSError):
                fields = dict(line.split(":\t", 1) for line in info.read_text().splitlines() if ":\t" in line)
                if "map_id" not in fields or int(fields["map_type"]) not in (1, 9):      # hash, hash with least recently used ones
                    continue
                dump = self.lab.run("core", ["bpftool", "-j", "map", "dump", "id", fields["map_id"]]).stdout
                name = json.loads(self.lab.run("core", ["bpftool", "-j", "map", "show", "id", fields["map_id"]]).stdout)["name"]
                found[name] = (len(json.loads(dump)), int(fields["max_entries"]))
        return found

    def test_floods_fill_nothing(self):
        """Half as many again as the tables hold, from as many addresses; meanwhile the mobile node moves, and is served."""
        processes = {"mn": self.lab.mobile_node, "ha": self.lab.home_agent, "cn": self.lab.correspondent_node}

        def stranger(number):
            return f"2001:db8:bad::{number >> 16:x}:{number & 0xffff:x}"

        def flood(first, count):
            for number in range(first, first + count):
                source, home = stranger(number), f"2001:db8:100::5:{number & 0xffff:x}"
                for to in (self.agent, self.lab.correspondent_address, self.care_of):
                    self.attacker.send(message(source, to, 1 + number % 2, b"\0\0cookie12"))
                    self.attacker.send(with_option(source, to, home, forge.udp(home, to, 1, 2)))
                self.attacker.send(forge.tunnelled(source, self.agent, forge.udp(home, self.agent, 1, 2)))
                self.attacker.send(forge.binding_update(source, self.agent, home, number))
                self.attacker.send(with_routing_header(source, self.care_of, self.home_address, forge.udp(source, self.home_address, 1, 2)))
                fragment = struct.pack("!BBHI", 41, 0, 1, number) + forge.udp(home, self.agent, 1, 2)[:48]
                self.attacker.send(forge.ipv6(source, self.agent, 44, fragment))
        flood(0x10000, 300)            # what is allocated once, is now
        before = {name: self.resident(process) for name, process in processes.items()}
        begin = time.monotonic()
        runner = threading.Thread(target=flood, args=(0x20000, 2500))
        runner.start()
        try:
            self.move(self.flow_id, "wwan0")
            self.wait_settled(20)
        finally:
            runner.join()
        took = time.monotonic() - begin
        self.assertIsNotNone(self.client.ask(), "the live flow suffered")
        for name, process in processes.items():
            after, maps = self.resident(process), self.map_entries(process)
            print(f"\n{name}: {2500 * 10} packets in {took:.1f} s, memory {before[name]} -> {after} KiB, maps {maps}", end="")
            self.assertLess(after - before[name], 4096, f"{name}: memory grows with the number of strangers")
            self.assertTrue(maps, "no map was looked at")
            for map_name, (entries, most) in maps.items():
                self.assertLessEqual(entries, most, map_name)
                if map_name not in ("unbound_sources", "held_fragments"):
                    self.assertLess(entries, 200, f"{name}: {map_name} is filled by strangers")
        self.move(self.flow_id, "wlan0")
        self.wait_settled()


if __name__ == "__main__":
    main()
