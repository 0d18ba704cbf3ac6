#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Home addresses that Kea's DHCPv6 server leases to the home agent on behalf of the mobile node (WO 2004/057826).

Breaks when the home agent's DHCPv6 messages are not what a server of another maker takes, when leases are not renewed or not
given back, when a dead server or an empty pool takes more than new addresses away, when an address that somebody on the
home link has is used or not declined.
"""
from support.case import SystemCase, main
from support.occupier import Occupier
from support.traffic import UdpEcho, UdpFlow
from judge import dissect as d


class Dhcpv6Case(SystemCase):
    home_agent_changes = {"address-service": {"sources": ["dhcpv6"]}}
    mobile_node_changes = {"home-addresses": {"mechanisms": ["dhcpv6"]}}
    server_options = {}

    @classmethod
    def prepare(cls):
        cls.server = cls.lab.start_dhcpv6_server(**cls.server_options)
        super().prepare()

    def bound(self):
        """The home addresses that are bound, but for the primary one."""
        return set(self.home_agent_bindings()) - {self.lab.home_address}

    def problems(self):
        return " ".join(self.lab.mipflow("status", node="ha")["problems"])


class Leases(Dhcpv6Case):
    # Renewed every 4 s, and over 16 s after the last time.
    server_options = {"lifetimes": (16, 12, 4, 8)}

    def test_1_home_addresses_are_leases_of_the_server(self):
        addresses = self.bound()
        self.assertGreaterEqual(len(addresses), 2)
        self.assertLessEqual(addresses, self.server.leased())
        for address in addresses:
            self.assertRegex(address, r"^2001:db8:100::d[0-9a-f]{3}$")
        # To the server the mobile node is one client with an association for each address.
        rows = [row for address, row in self.server.leases().items() if address in addresses]
        self.assertEqual(len({row["duid"] for row in rows}), 1)
        self.assertEqual(len({row["iaid"] for row in rows}), len(rows))
        self.assertTrue(rows[0]["duid"].startswith("00:04:"), rows[0]["duid"])
        self.assertEqual(self.problems(), "")

    def test_2_flows_use_them(self):
        echo = UdpEcho(self.lab.namespace("cn"), self.lab.correspondent_address)
        self.addCleanup(echo.close)
        flow = UdpFlow(self.lab.namespace("mn"), echo.address, echo.port)
        self.addCleanup(flow.close)
        self.assertIsNotNone(flow.ask())
        self.assertIn(self.flow(flow.port)["home_address"], self.server.leases())

    def test_3_they_are_renewed(self):
        addresses = self.bound()
        renewals = self.server.said("DHCP6_LEASE_RENEW")
        self.wait(lambda: self.server.said("DHCP6_LEASE_RENEW") >= renewals + 5 * len(addresses), "five renewals of each lease", 40)
        self.assertLessEqual(addresses & self.bound(), self.server.leased())
        self.assertEqual(self.server.said("LEASE_EXPIRED"), 0)

    def test_4_a_restarted_home_agent_goes_on_with_them(self):
        before = self.bound()
        self.lab.home_agent.stop()
        renewals = self.server.said("DHCP6_LEASE_RENEW")  # Kea says so of a Rebind, too
        self.lab.start_home_agent(self.home_agent_changes)
        self.wait(lambda: self.server.said("DHCP6_LEASE_RENEW") >= renewals + len(before), "a Rebind of each lease", 15)
        self.wait_settled()
        self.assertLessEqual(before & self.bound(), self.server.leased())
        self.assertEqual(self.problems(), "")

    def test_5_a_server_that_was_killed_and_comes_back(self):
        before = self.bound()
        self.server.kill()
        self.wait(lambda: "no DHCPv6 server answers" in self.problems(), "word of the dead server", 25)
        self.server.start()
        self.wait(lambda: "no DHCPv6 server answers" not in self.problems(), "word that it is back", 25)
        self.wait(lambda: len(self.bound()) >= 2, "home addresses again", 30)
        self.assertTrue(before)


class EmptyPool(Dhcpv6Case):
    server_options = {"pool": "2001:db8:100::d001 - 2001:db8:100::d001"}
    mobile_node_changes = {"home-addresses": {"mechanisms": ["dhcpv6"], "anchor-per-interface": False}}
    spares = 1

    def test_the_last_address_and_none_behind_it(self):
        self.wait(lambda: "NoAddrsAvail" in self.problems(), "word of the empty pool", 20)
        self.assertEqual(self.bound(), {"2001:db8:100::d001"})
        # Flows share what there is.
        echo = UdpEcho(self.lab.namespace("cn"), self.lab.correspondent_address)
        self.addCleanup(echo.close)
        flows = [UdpFlow(self.lab.namespace("mn"), echo.address, echo.port) for _ in range(2)]
        for flow in flows:
            self.addCleanup(flow.close)
            self.assertIsNotNone(flow.ask())


class Collision(Dhcpv6Case):
    @classmethod
    def prepare(cls):
        cls.capture = cls.lab.wire("ha", "home0")
        cls.occupier = Occupier(cls.lab, lambda target, claimed: target != cls.lab.home_address and not claimed)
        cls.addClassCleanup(cls.occupier.close)
        super().prepare()

    def test_an_address_that_somebody_has_is_declined(self):
        self.assertEqual(len(set(self.occupier.claimed)), 1, "nobody asked whether an address is free")
        taken = self.occupier.claimed[0]
        self.assertIn(134, [m.status for _, m in self.capture.messages(d.BA, taken)])
        self.wait(lambda: taken in self.server.declined(), "the server's having it among the declined ones")
        self.assertNotIn(taken, self.home_agent_bindings())
        self.assertGreaterEqual(len(self.bound()), 2)


class TakenPort(Dhcpv6Case):
    """Another DHCPv6 client of the home agent's host."""
    spares = 0

    @classmethod
    def prepare(cls):
        code = "import socket,time\ns=socket.socket(socket.AF_INET6,socket.SOCK_DGRAM)\ns.bind(('::',546))\nprint('ready',flush=True)\ntime.sleep(600)"
        cls.other = cls.lab.start("ha", ["python3", "-c", code])
        super().prepare()

    def test_it_keeps_its_port_until_it_goes(self):
        self.wait(lambda: "another program has UDP port 546" in self.problems(), "word of the other client")
        self.assertEqual(self.bound(), set())
        self.other.stop()
        self.wait(lambda: len(self.bound()) >= 2, "home addresses, now that the port is free", 60)
        self.assertEqual(self.problems(), "")


class OnTheHomeAgentItself(Dhcpv6Case):
    """Server and client on one host, as in a small home network."""
    server_options = {"node": "ha"}

    def test_home_addresses(self):
        self.assertLessEqual(self.bound(), self.server.leased())
        self.assertGreaterEqual(len(self.bound()), 2)


if __name__ == "__main__":
    main()
