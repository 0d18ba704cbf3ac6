#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two flows of the mobile node go straight to a correspondent node that nobody of us wrote, and one is moved.

Breaks when the mobile node needs more from a correspondent node than the standard gives, when a move costs more than one
Binding Update, takes another flow with it, or when data goes straight before the correspondent node has agreed.
"""
from support.case import main, time
from support.foreign_correspondent_case import ForeignCorrespondentCase
from support.namespaces import udp_socket

RATE = 200
# docs/decisions/0014: 21 home tests, 21 care-of tests for each of two interfaces, 24 Binding Updates; the answers not counted.
MESSAGES_PER_HOUR = 21 + 2 * 21 + 24
OTHER = {"wlan0": "wwan0", "wwan0": "wlan0"}


class RouteOptimization(ForeignCorrespondentCase):
    def test_1_first_switch_loses_and_doubles_nothing(self):
        stream = self.stream(RATE)
        listed = self.flow(stream.port)
        self.assertEqual((listed["path"], bool(listed["path_reason"])), ("direct", True))
        self.assertTrue(stream.wait_for_packets(50))
        self.assertEqual(self.bound()[listed["home_address"]], listed["care_of_address"])
        result, peers = stream.finish(), stream.peers
        self.assert_lossless(result)
        self.assertEqual([stream.duplicates(x) for x in ("out", "in")], [0, 0])
        self.assertEqual(peers, {listed["home_address"]}, "the correspondent node noticed")
        self.assertIn((listed["interface"], "out", "direct"), self.data_paths(stream))
        self.assertIn((listed["interface"], "in", "direct"), self.data_paths(stream))

    def test_2_a_move_is_one_binding_update_and_takes_no_other_flow_along(self):
        stay, move = self.stream(RATE), self.stream(RATE)
        for stream in (stay, move):
            self.put(stream, "wlan0")
        self.wait(lambda: self.care_of_token("wwan0"), "a care-of test of the other interface, before it is needed")
        home, other_home = self.flow(move.port)["home_address"], self.flow(stay.port)["home_address"]
        self.assertNotEqual(home, other_home)
        for target in ("wwan0", "wlan0", "wwan0"):
            self.assertTrue(all(s.wait_for_packets(RATE // 2) for s in (stay, move)))
            begin = time.time()
            self.move(self.flow(move.port)["id"], target)
            self.assertTrue(all(s.wait_for_packets(RATE // 2) for s in (stay, move)))
            self.put(move, target)
            self.assertEqual((self.bound()[home], self.bound()[other_home]), (self.lab.care_of_address(target), self.lab.care_of_address("wlan0")))
            sent = self.signalling(begin)
            self.assertEqual([(name, kind, address) for _, name, kind, address in sent], [(target, "BU", home)], "one Binding Update and no test")
            settled = begin + 0.3
            self.assertEqual(self.data_paths(move, settled), {(target, x, "direct") for x in ("out", "in")})
            self.assertEqual(self.data_paths(stay, begin), {("wlan0", x, "direct") for x in ("out", "in")}, "the other flow was touched")
        result = stay.finish()
        self.assert_lossless(result, "the flow that stayed")
        self.assert_nearly_lossless(move.finish(), RATE, times=3, name="the flow that moved")
        self.assertEqual(move.peers, {home}, "the correspondent node noticed")

    def care_of_token(self, interface):
        address = self.lab.care_of_address(interface)
        return any(e["source"] == address for e in self.peer.events("care_of_test_init"))

    def test_3_one_care_of_test_serves_every_flow(self):
        begin = time.time()
        stream = self.stream()
        self.assertEqual([kind for _, _, kind, _ in self.signalling(begin) if kind != "HoTI"], ["BU"], "the care-of tests are there already")
        self.assertTrue(stream.wait_for_packets())

    def test_4_interface_cut_under_a_direct_flow(self):
        stream = self.stream(RATE)
        self.put(stream, "wlan0")
        home = self.flow(stream.port)["home_address"]
        self.wait_until_updates_may_leave()
        losses = self.interfaces_lost()
        begin = time.time()
        self.lab.cut("wlan0")
        try:
            self.assertTrue(stream.wait_for_packets(100, 5), "the flow did not survive the cut")
            self.put(stream, "wwan0")
            self.assertEqual(self.bound()[home], self.lab.care_of_address("wwan0"))
            told, thinking = self.told(home, begin)
            for direction in ("out", "in"):
                # What this correspondent node takes to read a Binding Update between all the packets is not ours.
                self.assertLess(stream.longest_gap(direction), 0.5 + thinking, f"{direction} after the cut")
            self.assertLess(told - begin, 0.5, "the Binding Update after the cut")
        finally:
            self.lab.restore("wlan0")
        self.wait(lambda: self.usable("wlan0"), "wlan0 back in use", 15)
        self.put(stream, "wlan0")
        self.assertTrue(stream.wait_for_packets())
        self.assertEqual(self.interfaces_lost(), losses + 1, "an interface that came back was lost once more")

    def interfaces_lost(self):
        return self.lab.mipflow("counters").get("interface-lost", 0)

    def wait_until_updates_may_leave(self):
        """RFC 6275 §11.8: after MAX_UPDATE_RATE Binding Updates in a second to this correspondent node the next one would wait."""
        self.wait(lambda: time.time() > 1.1 + max(t for t, _, kind, _ in self.signalling() if kind == "BU"), "a second without Binding Updates")

    def told(self, home, since):
        """(when the first Binding Update for the home address left since then, as time.time(); seconds until it was accepted)."""
        left = next(t for t, _, kind, address in self.signalling(since) if (kind, address) == ("BU", home))
        clocks = time.time() - time.monotonic()
        accepted = next(t for e in self.peer.events("binding_update")
                        if e["home_address"] == home and e["verdict"] == "accepted" and (t := e["t"] + clocks) >= left)
        return left, accepted - left

    def test_5_flow_that_the_correspondent_node_begins(self):
        """Figure 5: it keeps the home address that it came to, and the Binding Update goes out at once."""
        here = udp_socket(self.lab.namespace("mn"), "::")
        self.addCleanup(here.close)
        there = udp_socket(self.lab.namespace("cn"), self.lab.correspondent_address)
        self.addCleanup(there.close)
        here.settimeout(3)
        there.settimeout(3)
        begin = time.monotonic()
        there.sendto(b"call", (self.lab.home_address, here.getsockname()[1]))
        data, caller = here.recvfrom(100)
        here.sendto(b"answer", caller)
        self.assertEqual(there.recvfrom(100)[1][0], self.lab.home_address)
        self.wait(lambda: self.bound().get(self.lab.home_address), "the Binding Update for the home address that was called", 3)
        self.assertLess(time.monotonic() - begin, 3.0)
        listed = self.wait(lambda: (f := self.flow(here.getsockname()[1]))["path"] == "direct" and f, "the direct path")
        self.assertEqual((listed["home_address"], listed["initiated_by"]), (self.lab.home_address, "correspondent-node"))
        here.sendto(b"straight", caller)
        self.assertEqual(there.recvfrom(100)[0], b"straight")

    def test_8_judged(self):
        self.assert_judged_right(self.captures.values(), messages_per_hour=MESSAGES_PER_HOUR,
                                 at_least=("authenticator", "token", "cookie", "direct-data", "order", "tunnel-addresses", "budget"))

    def test_9_goodbye_names_the_home_address_as_care_of_address(self):
        stream = self.stream()
        home = self.flow(stream.port)["home_address"]
        self.assertIn(home, self.bound())
        self.assertEqual(self.lab.mobile_node.stop(), 0)
        last = [e for e in self.peer.events("binding_update") if e["home_address"] == home][-1]
        self.assertEqual((last["lifetime"], last["care_of_address"], last["verdict"]), (0, home, "accepted"))
        self.assertNotEqual(last["source"], home)
        self.assertEqual(self.bound(), {}, "bindings that nobody took back")


if __name__ == "__main__":
    main()
