#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""A secondary and a primary that nobody of us wrote: its right words are followed, everything else changes nothing.

The primary is a script that has read docs/forwarding-protocol.md only. Breaks when the messages are not what is written there,
when a message without the key, of another conversation, or said before is believed, when a primary gets what it may not have.
"""
import random

from support import forge, forwarding
from support.case import BUILD, SystemCase, SystemLab, main, time
from support.namespaces import udp_socket
from lab.cluster import SECONDARIES, ClusterMixin
from lab.topology import CORRESPONDENT, HOME_AGENT

PRIMARY, SECONDARY = HOME_AGENT, SECONDARIES["ha2"]
HOME, OTHER_HOME = "2001:db8:100::aaaa", "2001:db8:100::bbbb"
CARE_OF = "2001:db8:1::77"
# What every heartbeat counts.
ORDINARY = {"load-sharing-heartbeats-answered", "datapath-signalling"}


class Cluster(ClusterMixin, SystemLab):
    pass


class Secondary(SystemCase):
    @classmethod
    def setUpClass(cls):
        cls.lab = Cluster(BUILD)
        cls.enterClassContext(cls.lab)
        cls.lab.start_secondary("ha2")
        cls.key = bytes.fromhex(cls.lab.keys["ha2"])

    def setUp(self):
        self.primary = forwarding.Primary(self.lab.namespace("ha"), PRIMARY, SECONDARY, self.key)
        self.addCleanup(self.primary.close)
        self.assertTrue(self.primary.begin(), "no conversation by what the document says")

    def start_record(self, home_address=HOME, care_of_address=CARE_OF, tunnel_source=PRIMARY, number=None, duration=300):
        return forwarding.start(home_address, care_of_address, tunnel_source, number or self.primary.next_number(), duration)

    def start(self, **values):
        return self.primary.ask(forwarding.START, self.start_record(**values))

    def stop(self, home_address=HOME, number=None):
        return self.primary.ask(forwarding.STOP, forwarding.stop(home_address, number or self.primary.next_number()))

    def proxies(self):
        return {entry["dst"] for entry in self.lab.ip_json("ha2", "-6", "neighbour", "show", "proxy")}

    def state(self):
        held = {(item["home_address"], item["state"]) for item in self.lab.mipflow("ha", "list", node="ha2") if item["state"] == "forwarding"}
        return held, self.proxies()

    def counted(self):
        return sum(count for name, count in self.lab.mipflow("counters", node="ha2").items() if name not in ORDINARY)

    def test_right_words_are_followed(self):
        self.assertEqual(self.start(), 0)
        self.wait(lambda: HOME in self.proxies(), "the home address defended")
        self.assertIn((HOME, "forwarding"), self.state()[0])
        capture = self.lab.wire("wlan", "uplink")
        self.lab.run("cn", ["ping", "-6", "-c", "1", "-W", "1", HOME], check=False)
        def tunnelled():
            return [f for f in capture.frames() if len(f.layers) > 1 and f.outer.destination == forge.packed(CARE_OF)]
        outer = self.wait(tunnelled, "a packet in the tunnel")[0].outer
        self.assertEqual(outer.source, forge.packed(PRIMARY))
        self.assertEqual(self.start(care_of_address="2001:db8:1::78"), 0)
        self.assertEqual(self.stop(), 0)
        self.wait(lambda: HOME not in self.proxies(), "the home address let go")
        self.assertEqual(self.stop(OTHER_HOME), 1)

    def test_duration_ends_it(self):
        self.assertEqual(self.start(duration=1), 0)
        self.wait(lambda: HOME in self.proxies(), "the home address defended")
        self.wait(lambda: HOME not in self.proxies(), "the end of the duration", 4)

    def test_what_may_not_be_is_refused_and_changes_nothing(self):
        self.assertEqual(self.start(home_address=OTHER_HOME), 0)
        self.wait(lambda: OTHER_HOME in self.proxies(), "the control defended")
        old = self.primary.number - 1000
        cases = {
            "duration 0": (131, {"duration": 0}),
            "home address outside the prefix": (128, {"home_address": "2001:db8:999::1"}),
            "link-local home address": (128, {"home_address": "fe80::1"}),
            "care-of address of the secondary itself": (130, {"care_of_address": SECONDARY}),
            "care-of address of the primary": (130, {"care_of_address": PRIMARY}),
            "care-of address that is the home address": (130, {"care_of_address": HOME}),
            "care-of address that is another home address": (130, {"care_of_address": OTHER_HOME}),
            "multicast care-of address": (130, {"care_of_address": "ff0e::1"}),
            "link-local care-of address": (130, {"care_of_address": "fe80::7"}),
            "tunnel source of somebody else": (133, {"tunnel_source": CORRESPONDENT}),
            "old number": (135, {"home_address": OTHER_HOME, "care_of_address": "2001:db8:1::99", "number": old}),
        }
        before = self.state()
        for name, (status, values) in cases.items():
            with self.subTest(name):
                declined = self.lab.mipflow("counters", node="ha2")["load-sharing-starts-declined"]
                self.assertEqual(self.start(**values), status)
                self.assertEqual(self.lab.mipflow("counters", node="ha2")["load-sharing-starts-declined"], declined + 1)
                self.assertEqual(self.state(), before)
        with self.subTest("old Stop"):
            self.assertEqual(self.stop(OTHER_HOME, number=old), 135)
            self.assertEqual(self.state(), before)
        self.assertEqual(self.stop(OTHER_HOME), 0)

    def test_what_is_not_believed_is_silence(self):
        right = self.primary.build(forwarding.START, [self.start_record()])
        self.primary.send(right)
        self.assertIsNotNone(self.primary.receive({forwarding.START_ACKNOWLEDGEMENT}))
        self.assertEqual(self.stop(), 0)
        self.wait(lambda: HOME not in self.proxies(), "the home address let go")

        def lie(**wrong):
            return self.primary.build(forwarding.START, [self.start_record()], **wrong)
        good = lie()
        cases = {
            "said before": right,
            "without the key": lie(key=b"another key of this length......"),
            "of another conversation": lie(receiver_session=self.primary.peer_session ^ 1),
            "of another primary's session": lie(sender_session=self.primary.session ^ 1),
            "for session 0": lie(receiver_session=0),
            "sent back as if it were the other's": lie(source=SECONDARY, destination=PRIMARY),
            "changed on the way": good[:40] + bytes([good[40] ^ 1]) + good[41:],
            "cut": good[:-1],
            "longer than it says": good + b"\0",
            "other version": lie(version=2),
            "other magic": lie(magic=0x1234),
            "no records": lie(count=0),
            "more records than there are": lie(count=2),
            "unknown type": self.primary.build(99, [self.start_record()]),
            "empty": b"\0",
        }
        before = self.state()
        for name, packet in cases.items():
            with self.subTest(name):
                counted = self.counted()
                self.primary.send(packet)
                self.wait(lambda: self.counted() > counted, "a counter that noticed", 3)
                self.assertIsNone(self.primary.receive({forwarding.START_ACKNOWLEDGEMENT}, 0.1))
                self.assertEqual(self.state(), before)
        self.assertIsNotNone(self.primary.beat(), "the conversation suffered")

    def test_strangers_are_not_heard(self):
        stranger = udp_socket(self.lab.namespace("core"), "2001:db8:100::1", 6275)
        self.addCleanup(stranger.close)
        before, counters = self.state(), self.lab.mipflow("counters", node="ha2")
        packet = self.primary.build(forwarding.START, [self.start_record()], source="2001:db8:100::1")
        stranger.sendto(packet, (SECONDARY, 6275))
        self.wait(lambda: self.lab.mipflow("counters", node="ha2")["load-sharing-dropped-stranger"] > counters["load-sharing-dropped-stranger"],
                  "the stranger counted", 3)
        stranger.settimeout(0.3)
        self.assertRaises(TimeoutError, stranger.recv, 2048)
        self.assertEqual(self.state(), before)

    def test_garbage_and_floods(self):
        seed = random.getrandbits(32)
        print(f"seed {seed} ", end="", flush=True)
        lies = random.Random(seed)
        before = self.state()
        for _ in range(3000):
            good = bytearray(self.primary.build(forwarding.START, [self.start_record()]))
            for _ in range(lies.randint(1, 8)):
                good[lies.randrange(len(good))] ^= lies.randint(1, 255)
            self.primary.send(bytes(good[:lies.choice([len(good), lies.randrange(1, len(good))])]))
        self.assertIsNotNone(self.wait(self.primary.beat, "an answer to a heartbeat", 10))
        self.assertEqual(self.state(), before)
        self.assertTrue(self.lab.secondaries["ha2"].running())

    def test_y_a_new_session_of_the_primary_ends_what_it_does_not_say_again(self):
        self.assertEqual(self.start(), 0)
        recorded = self.primary.build(forwarding.START, [self.start_record(home_address=OTHER_HOME)])
        self.primary.close()
        again = forwarding.Primary(self.lab.namespace("ha"), PRIMARY, SECONDARY, self.key)
        self.addCleanup(again.close)
        self.assertTrue(again.begin())
        again.send(recorded)
        self.assertIsNone(again.receive({forwarding.START_ACKNOWLEDGEMENT}, 0.3), "a recording of an earlier session was believed")
        self.assertNotIn(OTHER_HOME, self.proxies())
        self.assertIn(HOME, self.proxies(), "let go before the primary could say it again")
        def over():
            again.beat()
            return HOME not in self.proxies()
        self.wait(over, "the end of what was not said again", 15)


if __name__ == "__main__":
    main()
