#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Beginning and end of flows: spare home addresses, Figure 5, freeing.

Breaks when a new flow waits for the home agent, when the pool is not filled up again, when a flow that the correspondent
node began loses the address it was addressed by, when a home address outlives its last flow, or the primary one does not.
"""
from support.case import SystemCase, main, time
from support.namespaces import connection, listener, udp_socket
from support.traffic import TcpEcho, TcpFlow, UdpEcho, UdpFlow
from judge import dissect as d


class FlowLife(SystemCase):
    mobile_node_changes = {"timers": {"closed-linger": "300ms", "udp-idle": "3s"}, "home-addresses": {"warm-pool": 2, "rest": 0}}

    def setUp(self):
        self.node, self.correspondent = self.lab.namespace("mn"), self.lab.namespace("cn")
        self.wait(lambda: not self.flows(), "an empty flow list", 15)
        self.wait_pool()

    def wait_pool(self):
        self.wait(lambda: self.lab.mipflow("status")["spares"] == 2, "two spares, no more and no less", 15)

    def spare_addresses(self):
        return {a for a, h in self.home_addresses().items() if h["state"] == "spare"}

    def tcp_echo(self):
        echo = TcpEcho(self.correspondent, self.lab.correspondent_address)
        self.addCleanup(echo.close)
        return echo

    def test_new_flows_take_spares_at_once_and_the_pool_fills_up_again(self):
        echo = self.tcp_echo()
        spares = self.spare_addresses()
        self.assertEqual(len(spares), 2)
        flows = []
        for number in range(2):
            begin = time.monotonic()
            flows.append(TcpFlow(self.node, echo.address, echo.port))
            self.addCleanup(flows[-1].close)
            # Duplicate address detection alone would take a second.
            self.assertLess(time.monotonic() - begin, 0.3, f"flow {number} waited")
        used = {self.flow(f.port, "tcp")["home_address"] for f in flows}
        self.assertEqual(used, spares)
        self.assertEqual({peer for peer, _ in echo.peers}, used, "the correspondent node sees other addresses than listed")
        self.wait_pool()
        self.assertEqual(self.spare_addresses() & used, set())
        for flow in flows:
            self.assertIsNotNone(flow.ask())

    def test_end_of_a_tcp_flow_frees_its_home_address_on_the_wire(self):
        captures = [self.lab.wire("mn", name) for name in ("wlan0", "wwan0")]
        echo = self.tcp_echo()
        flows = [TcpFlow(self.node, echo.address, echo.port) for _ in range(2)]
        self.assertEqual(len({self.flow(f.port, "tcp")["home_address"] for f in flows}), 2)
        self.wait_pool()
        before = set(self.home_addresses())
        for flow in flows:
            flow.finish()
        self.wait(lambda: not self.flows(), "the end of both flows", 5)
        # Four addresses without flows, two of them wanted as spares: two have to go, and to be said goodbye to.
        self.wait(lambda: len(self.home_addresses()) == len(before) - 2, "two freed home addresses", 10)
        gone = before - set(self.home_addresses())
        self.assertNotIn(self.lab.home_address, gone)

        def said_goodbye():
            ended = {d.name(f.outer.home_address) for c in captures for f, m in c.messages(d.BU) if m.lifetime == 0}
            answered = {d.name(f.outer.routing_home_address) for c in captures for f, m in c.messages(d.BA) if m.lifetime == 0 and m.status == 0}
            return ended == gone == answered
        self.wait(said_goodbye, f"de-registration of {gone} on the wire", 5)
        self.wait(lambda: not gone & set(self.home_agent_bindings()), "the home agent's forgetting")
        self.assert_judged_right(captures, from_the_start=False)

    def test_idle_udp_flow_ends(self):
        echo = UdpEcho(self.correspondent, self.lab.correspondent_address)
        self.addCleanup(echo.close)
        flow = UdpFlow(self.node, echo.address, echo.port)
        self.addCleanup(flow.close)
        self.assertIsNotNone(flow.ask())
        begin = time.monotonic()
        self.flow(flow.port)
        self.wait(lambda: not self.flows(), "the end of the idle flow", 10)
        self.assertGreater(time.monotonic() - begin, 2.5, "it ended before the idle time was over")
        # An ended flow is no forbidden one: its socket may speak again.
        self.assertIsNotNone(flow.ask())

    def test_primary_home_address_is_never_freed(self):
        server = listener(self.node, "::")
        self.addCleanup(server.close)
        client = connection(self.correspondent, self.lab.home_address, server.getsockname()[1])
        accepted, _ = server.accept()
        self.assertEqual(self.flow(server.getsockname()[1], "tcp")["home_address"], self.lab.home_address)
        for s in (client, accepted):
            s.close()
        self.wait(lambda: not self.flows(), "the end of the flow", 10)
        primary = self.primary()
        self.assertEqual((primary["home_address"], primary["state"]), (self.lab.home_address, "registered"))

    def begun_by_correspondent(self, address, bound_to=None):
        """Figure 5: the flow keeps the address that the correspondent node chose, both ways."""
        server = udp_socket(self.node, bound_to or address)
        client = udp_socket(self.correspondent, self.lab.correspondent_address)
        self.addCleanup(server.close)
        self.addCleanup(client.close)
        client.settimeout(3)
        server.settimeout(3)
        client.sendto(b"hello", (address, server.getsockname()[1]))
        data, peer = server.recvfrom(100)
        server.sendto(b"answer to " + data, peer)
        answer, source = client.recvfrom(100)
        self.assertEqual((answer, source[0]), (b"answer to hello", address), "the answer comes from another address")
        flow = self.flow(server.getsockname()[1])
        self.assertEqual((flow["home_address"], flow["initiated_by"], flow["correspondent_port"]),
                         (address, "correspondent-node", client.getsockname()[1]))
        return flow, client, server

    def test_flow_begun_by_the_correspondent_node_keeps_the_primary_home_address(self):
        self.begun_by_correspondent(self.lab.home_address)

    def test_flow_begun_by_the_correspondent_node_keeps_another_home_address(self):
        address = sorted(self.spare_addresses())[0]
        self.goes_on_elsewhere(address, *self.begun_by_correspondent(address))

    def test_a_server_bound_to_no_address_answers_from_the_home_address_it_was_asked_at(self):
        """The kernel gives its answers the Primary Home Address: they are the flow's all the same."""
        address = sorted(self.spare_addresses())[0]
        flow, client, server = self.begun_by_correspondent(address, bound_to="::")
        self.goes_on_elsewhere(address, flow, client, server)
        self.assertEqual([f["id"] for f in self.flows()], [flow["id"]], "the answers are listed as another flow")
        # The very first packet passes the counters before there is a flow.
        self.wait(lambda: [(f["packets_in"], f["packets_out"]) for f in self.flows()] == [(1, 2)], "both directions counted together", 2.5)

    def goes_on_elsewhere(self, address, flow, client, server):
        other = {"wlan0": "wwan0", "wwan0": "wlan0"}[flow["interface"]]
        self.move(flow["id"], other)
        client.sendto(b"again", (address, server.getsockname()[1]))
        data, peer = server.recvfrom(100)
        server.sendto(data, peer)
        self.assertEqual(client.recvfrom(100)[1][0], address)
        self.assertEqual(self.flow(server.getsockname()[1])["interface"], other)


class FewHomeAddresses(SystemCase):
    """At the cap flows share, which is told; and those that share move together."""
    mobile_node_changes = {"home-addresses": {"cap": 5, "warm-pool": 1}}
    spares = 1

    def test_more_flows_than_home_addresses(self):
        node, correspondent = self.lab.namespace("mn"), self.lab.namespace("cn")
        echo = UdpEcho(correspondent, self.lab.correspondent_address)
        self.addCleanup(echo.close)
        clients = [UdpFlow(node, echo.address, echo.port) for _ in range(12)]
        for client in clients:
            self.addCleanup(client.close)
            self.assertIsNotNone(client.ask(), "a flow without a home address of its own has to work all the same")
        listed = {c.port: self.flow(c.port) for c in clients}
        self.assertLessEqual(len(self.home_addresses()), 5)
        for flow in listed.values():
            same = {f["id"] for f in listed.values() if f["home_address"] == flow["home_address"]} - {flow["id"]}
            self.assertEqual(set(flow["moves_with"]), same, "what moves together is not told")
        crowd = next(f for f in listed.values() if f["moves_with"])
        target = {"wlan0": "wwan0", "wwan0": "wlan0"}[crowd["interface"]]
        self.move(crowd["id"], target)
        self.wait_settled()
        after = {f["id"]: f for f in self.flows()}
        for identifier in [crowd["id"], *crowd["moves_with"]]:
            self.assertEqual(after[identifier]["interface"], target)
        for client in clients:
            self.assertIsNotNone(client.ask())


if __name__ == "__main__":
    main()
