#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The three ways of WO 2004/057826 (page 12) to tell flows apart, chosen by policy, with flows that go straight:

  care-of address  one home address, and a care-of address of its own for each correspondent node (Figure 1)
  home address     a home address for each flow
  both             a home address for each flow to one correspondent node; flows to different ones may share it (Figure 6)

and a home address that is kept for an application, so that a correspondent node finds it there (Figure 5, pages 10 and 13).
Two correspondent nodes are two addresses of one host: nobody on the way can tell the difference.

Breaks when a flow that can move alone takes another one with it, when a packet is lost or takes the wrong interface, when a
Binding Update goes to anybody but the holder of the flow's binding, or when the home agent is told of what does not concern it.
"""
from support.case import INTERFACES, SystemCase, main
from support.namespaces import udp_socket
from support.traffic import Stream, UdpEcho
from lab.capture import BINDING_UPDATE

RATE = 200
POLICY = """
[default]
home-address = "{rule}"
route-optimization = "yes"
"""
OTHER = {"wlan0": "wwan0", "wwan0": "wlan0"}


class Embodiment(SystemCase):
    rule = "figure-6"
    other_correspondent = "2001:db8:300::11"

    @classmethod
    def prepare(cls):
        cls.lab.nodes["cn"].ip(f"address add {cls.other_correspondent}/64 dev eth0 nodad")
        cls.lab.start_home_agent()
        cls.lab.start_correspondent_node()
        cls.lab.start_mobile_node(policy=POLICY.format(rule=cls.rule))
        cls.lab.wait_registered()

    def setUp(self):
        self.first = self.lab.correspondent_address
        self.care_of = {name: self.lab.care_of_address(name) for name in INTERFACES}

    def open(self, *correspondents):
        """A stream to each of them, going straight."""
        streams = []
        for correspondent in correspondents:
            # With the pool empty a new flow shares an address rather than wait.
            self.wait(lambda: self.lab.mipflow("status")["spares"] == self.spares, "a full pool")
            stream = Stream(self.lab.namespace("mn"), self.lab.namespace("cn"), correspondent, RATE)
            self.addCleanup(stream.finish, 0)
            self.assertTrue(stream.wait_for_packets(), "the flow does not start")
            self.wait(lambda port=stream.port: self.flow(port)["path"] == "direct", f"a direct way to {correspondent}")
            streams.append(stream)
        return streams

    def of(self, streams, key):
        return [self.flow(stream.port)[key] for stream in streams]

    def move_together(self, streams):
        """Of each stream: which others of them its daemon says move with it. Flows of earlier tests are in its table yet."""
        numbers = self.of(streams, "id")
        return [[number for number in numbers if number in named] for named in self.of(streams, "moves_with")]

    def correspondent_bindings(self):
        """(home address, correspondent node's address) -> care-of address"""
        return {(item["home_address"], item["correspondent"]): item["care_of_address"]
                for item in self.lab.mipflow("binding", "list", node="cn") if item["state"] == "bound"}

    def put(self, stream, interface):
        flow = self.flow(stream.port)
        if flow["interface"] != interface:
            self.move(flow["id"], interface)
        self.wait(lambda: (f := self.flow(stream.port))["interface"] == interface and f["state"] == "active" and f["path"] == "direct",
                  f"the flow straight over {interface}")

    def assert_moves_alone(self, mover, stayers):
        """Moves one stream back and forth while captures run, and ends all of them."""
        for stream in (mover, *stayers):
            self.put(stream, "wlan0")
        flows = {stream: self.flow(stream.port) for stream in (mover, *stayers)}
        before_at_home_agent = self.home_agent_bindings()
        captures = {name: self.lab.capture("mn", name) for name in INTERFACES}
        self.assertTrue(all(stream.wait_for_packets(20) for stream in flows))
        for interface in ("wwan0", "wlan0", "wwan0"):
            self.put(mover, interface)
            self.assertTrue(all(stream.wait_for_packets(RATE // 2) for stream in flows))
        bound, after_at_home_agent = self.correspondent_bindings(), self.home_agent_bindings()
        results = {stream: stream.finish() for stream in flows}
        packets = {name: capture.packets() for name, capture in captures.items()}

        for stream, flow in flows.items():
            self.assert_lossless(results[stream], f"{flow['home_address']} to {flow['correspondent']}")
            self.assertEqual(stream.peers, {flow["home_address"]}, "the correspondent node noticed")
            where = {name: [p for p in packets[name] if stream.port in (p.source_port, p.destination_port)] for name in INTERFACES}
            self.assertEqual({p.path for found in where.values() for p in found}, {"direct"})
            self.assertTrue(where["wlan0"])
            self.assertEqual(bool(where["wwan0"]), stream is mover, "packets of another flow on the new interface")
            for name, found in where.items():
                ends = {p.outer_source if p.source_port == stream.port else p.outer_destination for p in found}
                self.assertLessEqual(ends, {self.care_of[name]}, f"care-of addresses on {name}")
            self.assertEqual(bound[flow["home_address"], flow["correspondent"]], self.care_of["wwan0" if stream is mover else "wlan0"])
        flow = flows[mover]
        updates = [p for name in INTERFACES for p in packets[name] if p.mobility_type == BINDING_UPDATE]
        straight = [(p.source, p.destination, p.outer_source) for p in updates if p.destination != self.lab.home_agent_address]
        self.assertEqual(set(straight), {(flow["home_address"], flow["correspondent"], self.care_of[name]) for name in INTERFACES})
        self.assertEqual(len(straight), 3, "one Binding Update moves a flow")
        return flow, before_at_home_agent, after_at_home_agent


class CareOfAddressPerCorrespondent(Embodiment):
    rule = "primary"

    def test_one_home_address_has_a_care_of_address_for_each_correspondent_node(self):
        streams = self.open(self.first, self.other_correspondent)
        self.assertEqual(set(self.of(streams, "home_address")), {self.lab.home_address})
        self.put(streams[0], "wlan0")
        self.put(streams[1], "wwan0")
        bound = self.correspondent_bindings()
        self.assertEqual([bound[self.lab.home_address, peer] for peer in (self.first, self.other_correspondent)],
                         [self.care_of["wlan0"], self.care_of["wwan0"]])
        self.assertEqual(self.move_together(streams), [[], []])
        _, before, after = self.assert_moves_alone(streams[1], streams[:1])
        self.assertEqual(after[self.lab.home_address], before[self.lab.home_address], "the home agent's binding is another one")

    def test_flows_to_one_correspondent_node_move_together(self):
        streams = self.open(self.first, self.first)
        for stream in streams:
            self.put(stream, "wlan0")
        numbers = self.of(streams, "id")
        self.assertEqual(self.move_together(streams), [numbers[1:], numbers[:1]])
        self.move(numbers[0], "wwan0")
        self.wait(lambda: self.of(streams, "interface") == ["wwan0"] * 2, "both flows on wwan0")
        self.assertTrue(all(stream.wait_for_packets(50) for stream in streams))
        for stream in streams:
            self.assert_lossless(stream.finish())


class HomeAddressPerFlow(Embodiment):
    rule = "own"

    def test_every_flow_has_a_home_address_and_moves_alone(self):
        streams = self.open(self.first, self.first, self.other_correspondent)
        homes = self.of(streams, "home_address")
        self.assertEqual(len(set(homes)), 3, homes)
        self.assertNotIn(self.lab.home_address, homes)
        self.assertEqual(self.move_together(streams), [[], [], []])
        self.assert_moves_alone(streams[1], [streams[0], streams[2]])


class BothTogether(Embodiment):
    rule = "figure-6"

    def test_flows_share_a_home_address_only_where_they_move_alone_all_the_same(self):
        streams = self.open(self.first, self.first, self.other_correspondent)
        homes = self.of(streams, "home_address")
        self.assertNotEqual(homes[0], homes[1], "two flows to one correspondent node")
        self.assertIn(homes[2], homes[:2], "a flow to another correspondent node needs no home address of its own")
        self.assertEqual(self.move_together(streams), [[], [], []])
        self.assert_moves_alone(streams[2], streams[:2])


class KeptForAnApplication(Embodiment):
    kept = "2001:db8:100::5060"

    @classmethod
    def prepare(cls):
        cls.lab.start_home_agent()
        cls.lab.start_correspondent_node()
        cls.lab.start_mobile_node(policy=f"""
[[class]]
name = "voice"
home-address = "{cls.kept}"
route-optimization = "yes"
match = {{ protocol = "udp", local-port = 5060 }}

[default]
route-optimization = "no"
""")
        cls.lab.wait_registered()

    def test_a_correspondent_node_finds_the_application_there_and_is_answered_straight(self):
        self.wait(lambda: self.kept in self.home_agent_bindings(), "the registration of an address that no flow uses yet")
        echo = UdpEcho(self.lab.namespace("mn"), "::", 5060)
        self.addCleanup(echo.close)
        caller = udp_socket(self.lab.namespace("cn"), self.lab.correspondent_address)
        self.addCleanup(caller.close)
        caller.settimeout(5)
        caller.connect((self.kept, 5060))
        captures = {name: self.lab.capture("mn", name) for name in INTERFACES}
        def ask():
            caller.send(b"hello")
            return caller.recv(100) == b"hello"
        self.assertTrue(ask())
        flow = self.flow(5060)
        self.assertEqual([flow[key] for key in ("home_address", "initiated_by", "class")], [self.kept, "correspondent-node", "voice"])
        self.wait(lambda: ask() and self.flow(5060)["path"] == "direct", "a direct way back")
        self.assertTrue(all(ask() for _ in range(20)))
        packets = [p for capture in captures.values() for p in capture.packets()]
        updates = {p.source for p in packets if p.mobility_type == BINDING_UPDATE and p.destination == self.lab.correspondent_address}
        self.assertEqual(updates, {self.kept}, "the Binding Update is for the home address that the caller knows")
        asked = [p for p in packets if p.destination_port == 5060 and p.destination == self.kept]
        self.assertEqual({p.path for p in asked}, {"tunnel", "direct"})
        self.assertEqual({p.path for p in asked[-20:]}, {"direct"})


if __name__ == "__main__":
    main()
