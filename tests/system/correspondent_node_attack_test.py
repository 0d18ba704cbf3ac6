#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Forged, replayed and mixed-up messages change nothing at mipflow-cnd, and a flood of them neither fills its memory nor stops
others.

Every attack stands in a list next to what makes it wrong; controls that are right and must work show that the lists are no
paper.
"""
import random
import struct

from support.attacker import Attacker
from support.case import main, time
from support.correspondent_case import CARES, HOMES, STRANGER, CorrespondentCase
from foreign import mobility as m
from foreign import packets as p
from foreign.mobile_node import Token
from foreign.return_routability import binding_key

HOME, OTHER_HOME, CARE_A, CARE_B = HOMES[0], HOMES[1], CARES[0], CARES[1]


class Attacks(CorrespondentCase):
    def setUp(self):
        super().setUp()
        self.tokens = self.bind()
        self.assert_talks()

    def assert_changes_nothing(self, name, act, status=None, care_of=CARE_A, counter=None):
        """`status`: of the refusal that has to come; None: not a word is said. `counter`: the one that has to notice."""
        with self.subTest(name):
            before, count = self.bindings(), counter and self.counted(counter)
            self.node.visited.forget()
            act()
            answer = self.node.acknowledgement(care_of, seconds=2.0 if status is not None else 0.15)
            self.assertEqual(answer and answer.status, status)
            if counter:
                self.wait(lambda: self.counted(counter) > count, f"counter {counter}", 2)
            self.assertEqual(self.bindings(), before)
            self.assert_talks()
            self.assertTrue(self.lab.correspondent_node.running(), "the daemon has ended")

    def update(self, *arguments, **more):
        return lambda: self.node.update(*arguments, **more)

    def test_forged_binding_updates(self):
        home, care_of = self.tokens
        other_home, other_care_of = self.node.token(OTHER_HOME, True), self.node.token(CARE_B, False)
        new = self.sequences[HOME] + 10
        nothing = Token(home.index, bytes(8))
        cases = {
            "without tokens": self.update(HOME, CARE_A, new, (nothing, Token(care_of.index, bytes(8)))),
            "home token of another home address": self.update(HOME, CARE_A, new, (other_home, care_of)),
            "care-of token of another care-of address": self.update(HOME, CARE_A, new, (home, other_care_of)),
            "care-of address of somebody else in the Alternate Care-of Address option":
                self.update(HOME, CARE_A, new, (home, care_of), alternate=p.packed(CARE_B)),
            "tokens exchanged": self.update(HOME, CARE_A, new, (care_of, home)),
            "home token alone": self.update(HOME, CARE_A, new, (home, care_of), key=binding_key(home.value)),
            "another's home address": self.update(OTHER_HOME, CARE_A, new, (home, care_of)),
            "deletion with both tokens": self.update(HOME, CARE_A, new, (home, None), lifetime=0, key=binding_key(home.value, care_of.value)),
            "deletion with the care-of token": self.update(HOME, CARE_A, new, (home, None), lifetime=0, key=binding_key(care_of.value)),
            "one bit of the authenticator": self.update(HOME, CARE_A, new, (home, care_of), spoil=lambda h: h[:-1] + bytes([h[-1] ^ 1])),
            "another sequence number than was authenticated": self.update(HOME, CARE_A, new, (home, care_of), spoil=lambda h: h[:7] + bytes([h[7] ^ 1]) + h[8:]),
            "another lifetime than was authenticated": self.update(HOME, CARE_A, new, (home, care_of), spoil=lambda h: h[:11] + bytes([h[11] ^ 1]) + h[12:]),
            "no authenticator": self.update(HOME, CARE_A, new, (home, care_of), authorized=False),
            "no nonce indices": self.update(HOME, CARE_A, new, (home, care_of), indices=False),
            "padding behind the authenticator": self.update(HOME, CARE_A, new, (home, care_of),
                                                            spoil=lambda h: h[:1] + bytes([h[1] + 1]) + h[2:] + b"\x01\x06" + bytes(6)),
            "multicast care-of address": self.update(HOME, CARE_A, new, (home, care_of), alternate=p.packed("ff0e::1")),
            "link-local care-of address": self.update(HOME, CARE_A, new, (home, care_of), alternate=p.packed("fe80::1")),
        }
        for name, act in cases.items():
            self.assert_changes_nothing(name, act)
        registration = {"flags": p.BindingUpdate.ACKNOWLEDGE | p.BindingUpdate.HOME}
        self.assert_changes_nothing("home registration with nonce indices", self.update(HOME, CARE_A, new, (home, care_of), **registration))
        for name, address, status in (("home registration", HOMES[7], 131), ("home registration of what is bound here", HOME, 139)):
            self.assert_changes_nothing(name, self.update(address, CARE_A, new, (home, care_of), indices=False, authorized=False, **registration), status)
        self.bind(tokens=(home, care_of))    # control

    def test_stale_nonces(self):
        home, care_of = self.tokens
        old_home, old_care_of = Token((home.index - 500) & 0xFFFF, home.value), Token((care_of.index + 500) & 0xFFFF, care_of.value)
        for name, tokens, status in (("home", (old_home, care_of), 136), ("care-of", (home, old_care_of), 137), ("both", (old_home, old_care_of), 138)):
            self.assert_changes_nothing(name, self.update(HOME, CARE_A, self.sequences[HOME] + 1, tokens), status=status)
        self.assert_changes_nothing("deletion with an unknown home nonce", self.update(HOME, CARE_A, self.sequences[HOME] + 1, (old_home, None), lifetime=0), 136)

    def test_replayed_binding_updates(self):
        care_of_b = self.node.token(CARE_B, False)
        recorded = []
        for care_of, token in ((CARE_B, care_of_b), (CARE_A, self.tokens[1])):
            sequence = self.next_sequence(HOME)
            recorded.append((care_of, self.update(HOME, care_of, sequence, (self.tokens[0], token))))
            self.assertEqual(self.node.register(HOME, care_of, sequence, (self.tokens[0], token)).status, 0)
        for care_of, act in recorded:
            self.assert_changes_nothing(f"replay from {care_of}", act, status=135, care_of=care_of)
        self.node.deregister(HOME, CARE_A, self.next_sequence(HOME), self.tokens[0])
        for care_of, act in recorded:     # a deleted binding does not come back either
            act()
            self.assertEqual(self.node.acknowledgement(care_of).status, 135)
        self.assertNotIn(HOME, {h for h, _, _ in self.bindings()})

    def test_malformed_messages(self):
        home, care_of = self.tokens
        new = self.sequences[HOME] + 10
        right = m.binding_update(self.node.correspondent, p.packed(HOME), p.packed(CARE_A), new, home, care_of)
        wrong_sum = right[:68] + bytes([right[68] ^ 0x55]) + right[69:]
        summed_over_care_of = right[:64] + m.summed(right[64:], p.packed(CARE_A), self.node.correspondent)
        two_options = m.with_home_address_option(right[:8] + p.packed(OTHER_HOME) + right[24:], p.packed(CARE_A))
        cases = {"wrong checksum": wrong_sum, "checksum over the care-of address": summed_over_care_of, "cut": cut(right, 80),
                 "two Home Address options": two_options,
                 "option that runs past the end": self.spoilt(right, lambda h: h[:13] + b"\xff" + h[14:])}
        for name, packet in cases.items():
            self.assert_changes_nothing(name, lambda packet=packet: self.node.visited.send(packet))

    def spoilt(self, packet, change):
        return packet[:64] + m.summed(change(packet[64:]), p.packed(HOME), self.node.correspondent)

    def test_tests_that_get_no_answer(self):
        init = m.message(p.packed(CARE_A), self.node.correspondent, m.CARE_OF_TEST_INIT, b"\0\0cookie12")
        at_home = m.message(p.packed(HOME), self.node.correspondent, m.HOME_TEST_INIT, b"\0\0cookie12")
        cases = {"Care-of Test Init with a Home Address option": m.with_home_address_option(init[:8] + p.packed(HOME) + init[24:], p.packed(CARE_A)),
                 "Home Test Init with a Home Address option": m.with_home_address_option(at_home, p.packed(CARE_A)),
                 "wrong checksum": init[:44] + b"\x12\x34" + init[46:], "too short": cut(init, 48)}
        for name, packet in cases.items():
            with self.subTest(name):
                self.node.visited.forget()
                self.node.visited.send(packet)
                self.assertIsNone(self.node.visited.wait(lambda q: q.upper == p.MOBILITY and q.payload[2] in (m.HOME_TEST, m.CARE_OF_TEST), 0.2))
                self.assertIsNone(self.node.home.wait(lambda q: q.upper == p.MOBILITY, 0.05))
        self.assertIsNotNone(self.node.token(CARE_A, False))

    def test_home_address_option_of_others(self):
        """Nobody may speak for a home address but from its care-of address."""
        attacker = Attacker(self.lab)
        self.addCleanup(attacker.close)
        forged = m.udp(p.packed(HOME), self.node.correspondent, 4444, self.port, b"forged")
        for name, source in {"another care-of address": CARE_B, "a stranger": STRANGER, "the home address itself": HOME,
                             "a neighbour of the correspondent node": attacker.address}.items():
            with self.subTest(name):
                packet = m.with_home_address_option(forged, p.packed(source))
                # The correspondent node's router forwards; what comes from its own link goes the same way.
                (attacker.send if source == attacker.address else self.node.visited.send)(packet)
                self.assert_hears_nothing(0.3)
        for home in ("ff02::1", "fe80::1", "::", "::1", self.lab.correspondent_address):
            with self.subTest(home_address=home):
                self.node.visited.send(m.with_home_address_option(m.udp(p.packed(home), self.node.correspondent, 4444, self.port, b"x"), p.packed(CARE_A)))
                self.assert_hears_nothing(0.2)
        self.assert_talks()

    def test_home_address_option_changes_no_binding(self):
        before = self.bindings()
        self.node.send_direct(HOME, CARE_B, 9, self.port, b"from elsewhere")
        self.assertEqual(self.binding_error(CARE_B), HOME)
        self.assertEqual(self.bindings(), before)
        self.assert_talks()

    def test_binding_errors_are_few(self):
        begin = time.monotonic()
        for number in range(3000):
            self.node.send_direct(HOMES[6], CARE_B, 9, self.port, b"x%d" % number)
        errors = 0
        while self.node.visited.wait(lambda q: q.upper == p.MOBILITY and q.payload[2] == m.ERROR, 0.5) is not None:
            errors += 1
        self.assertGreater(errors, 0)
        self.assertLess(errors, 5 + 4 * (time.monotonic() - begin))
        self.assert_talks()

    def test_type_2_routing_headers(self):
        """A correspondent node has no use for them and says nothing."""
        for destination in (self.lab.correspondent_address, HOME, "2001:db8:300::1"):
            with self.subTest(destination):
                inner = m.udp(p.packed(CARE_A), p.packed(destination), 9, self.port, b"routed")
                self.node.visited.forget()
                self.node.visited.send(m.with_routing_header(inner, self.node.correspondent))
                self.assert_hears_nothing(0.2)
                self.assertIsNone(self.node.visited.wait(lambda q: q.source == self.node.correspondent, 0.2))

    def test_forged_errors_do_not_end_a_binding(self):
        quoted = m.with_routing_header(m.udp(self.node.correspondent, p.packed(HOME), self.port, 9, b"data"), p.packed(CARE_A))
        strange = m.with_routing_header(m.udp(self.node.correspondent, p.packed(OTHER_HOME), self.port, 9, b"data"), p.packed(CARE_B))
        cases = {"one unreachable": (m.UNREACHABLE, 3, 0, quoted), "unreachable about what was never sent": (m.UNREACHABLE, 3, 0, strange),
                 "parameter problem": (m.PARAMETER_PROBLEM, 1, 6, quoted), "time exceeded": (3, 0, 0, quoted)}
        for name, (kind, code, pointer, offender) in cases.items():
            self.assert_changes_nothing(name, lambda k=kind, c=code, q=pointer, o=offender: self.node.visited.send(m.icmpv6_error(p.packed(CARE_A), o, k, c, q)))

    def test_garbage(self):
        seed = time.time_ns() % 2**32
        print(f"seed {seed}")
        chance = random.Random(seed)

        def act():
            for _ in range(600):
                header = bytes([59, 0, chance.randrange(12), 0, 0, 0]) + chance.randbytes(chance.randrange(2, 90))
                header += bytes(-len(header) % 8)
                header = header[:1] + bytes([len(header) // 8 - 1 if chance.random() < 0.8 else chance.randrange(256)]) + header[2:]
                packet = p.ipv6(p.packed(HOME), self.node.correspondent, p.MOBILITY, m.summed(header, p.packed(HOME), self.node.correspondent))
                shape = chance.randrange(3)
                if shape:
                    packet = m.with_home_address_option(packet, p.packed(chance.choice(CARES)))
                if shape == 2:
                    packet = packet[:46] + chance.randbytes(2) + packet[48:]
                self.node.visited.send(packet)
        before = self.bindings()
        act()
        self.assert_talks()
        self.assertEqual(self.bindings(), before)

    def test_z_control_a_right_one_moves_the_binding(self):
        self.bind(care_of=CARE_B, tokens=(self.tokens[0], self.node.token(CARE_B, False)))
        self.assert_talks(care_of=CARE_B)


class Flood(CorrespondentCase):
    CAPACITY = 64
    HEARD = ("home-test-inits", "care-of-test-inits", "binding-updates")
    correspondent_node_changes = {"binding-cache-capacity": CAPACITY}

    def resident(self):
        """KiB of memory of the daemon."""
        text = open(f"/proc/{self.lab.correspondent_node.pid}/status").read()
        return int(next(line.split()[1] for line in text.splitlines() if line.startswith("VmRSS")))

    def flood(self, packets):
        attacker = Attacker(self.lab)
        try:
            for packet in packets:
                attacker.send(packet)
        finally:
            attacker.close()

    @classmethod
    def prepare(cls):
        # Answers to the flood end here. The kernel's neighbour table is one for all namespaces: no router may ask for so many.
        cls.lab.nodes["core"].ip("route add blackhole 2001:db8:bad::/48")
        super().prepare()

    def stranger(self, number):
        return p.packed("2001:db8:bad::")[:12] + struct.pack("!I", number)

    def test_messages_from_many_addresses(self):
        self.bind()
        self.assert_talks()
        mine = {(HOME, CARE_A, self.sequences[HOME])}
        random_source = random.Random(1)

        def messages(count):
            for number in range(count):
                source = self.stranger(number)
                kind = number % 3
                if kind < 2:
                    yield m.message(source, self.node.correspondent, m.HOME_TEST_INIT if kind else m.CARE_OF_TEST_INIT, b"\0\0" + struct.pack("!Q", number))
                else:
                    forged = Token(random_source.randrange(65536), bytes(8)), Token(random_source.randrange(65536), bytes(8))
                    yield m.binding_update(self.node.correspondent, source, self.stranger(number + 1), 1, *forged)
        self.flood(messages(3000))           # what is allocated once, is now
        self.assert_talks()
        before, heard = self.resident(), {name: self.counted(name) for name in self.HEARD}
        ready = list(messages(30000))
        begin = time.monotonic()
        self.flood(ready[:15000])
        # In the middle of it another mobile node comes, and is served.
        self.bind(OTHER_HOME, CARE_B, self.patient_tokens(OTHER_HOME, CARE_B))
        self.flood(ready[15000:])
        took = time.monotonic() - begin
        self.assert_talks()
        self.assert_talks(OTHER_HOME, CARE_B)
        for name, count in heard.items():
            self.assertGreater(self.counted(name), count + 1000, "the flood did not reach the daemon")
        self.assertLess(self.resident() - before, 4096, "memory grows with the number of strangers")
        self.assertEqual(self.bindings(), mine | {(OTHER_HOME, CARE_B, self.sequences[OTHER_HOME])})
        print(f"{len(ready)} messages in {took:.1f} s, memory {before} -> {self.resident()} KiB")

    def patient_tokens(self, home, care_of):
        """A mobile node sends its tests again when they are lost."""
        return tuple(self.wait(lambda a=address, h=at_home: self.node.token(a, h, seconds=1.0), f"a test of {address}", 8)
                     for address, at_home in ((home, True), (care_of, False)))

    def test_right_bindings_without_number(self):
        """Somebody with many addresses of his own does everything right: the cache stays as large as it may be, and does not
        lose the binding that carries traffic."""
        self.bind()

        def known_to_carry_traffic():      # the data path says so once a second
            self.assert_talks()
            return any(b["home_address"] == HOME and b["idle_seconds"] is not None for b in self.lab.mipflow("binding", "list", node="cn"))
        self.wait(known_to_carry_traffic, "a binding in use", 5)
        homes = [f"2001:db8:100::{0x2000 + i:x}" for i in range(self.CAPACITY * 2)]
        care_of = self.node.token(CARES[2], False)
        for home in homes:
            self.node.home.add(home)
            token = self.node.token(home, True)
            self.node.update(home, CARES[2], 1, (token, care_of))
            # Refused at the latest when what is remembered of replaced bindings is full too (RFC 6275 §5.2.8).
            self.assertIn(self.node.acknowledgement(CARES[2]).status, (0, 130, 136, 137, 138))
            if home in homes[::16]:
                self.assert_talks()
        self.assertLessEqual(len(self.bindings()), self.CAPACITY)
        self.assertIn((HOME, CARE_A, self.sequences[HOME]), self.bindings())
        self.assert_talks()


def cut(packet, length):
    """A sound IPv6 packet of that length."""
    return packet[:4] + struct.pack("!H", length - 40) + packet[6:length]


if __name__ == "__main__":
    main()
