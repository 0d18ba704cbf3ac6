#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""`kill -9` of a daemon in the middle of something, under traffic, at random moments: MIPFLOW_TEST_SEED repeats a run.

Flows go on without the daemon; the next one takes over the kernel's state as it finds it: no table is made anew, nothing that a live
flow needs is taken away for a moment, and no packet is lost.

Breaks when a start takes no notice of the pinned tables or of the flows in them, when it removes at once what its plan does not want
yet, when the home agent or the correspondent node does not keep its bindings.

Seen to fail, each by itself:
  the mobile node does not ask which sockets there are (take_over_flows_since)       peers see another address of a flow that began
  the pins are gone when the mobile node starts (as if it took nothing over)         live flows get other home addresses, packets are lost
  the home agent believes its file (follow_data_path)                                it has spares at an address that they have left
  the state files are gone when the home agent starts (as if it kept no bindings)    bindings are forgotten, packets are lost
  the correspondent node takes no bindings over (ServingDaemon::bindings_of_before)  bindings are forgotten, packets are lost
"""
import random
import signal

from support.case import main, random_seed, time
from support.faults import PLAIN_HOST, FaultCase, KernelMonitor
from support.traffic import UdpEcho, UdpFlow

ROUNDS = {"mn": 5, "ha": 4, "cn": 4}
LATEST = 0.08   # seconds behind the beginning of something: round trips are far shorter, a restart of it is longer


class Killed(FaultCase):
    @classmethod
    def setUpClass(cls):
        cls.seed = random_seed()
        super().setUpClass()

    def setUp(self):
        self.random = random.Random(f"{self.seed} {self._testMethodName}")
        self.streams = {"cn": self.stream(), PLAIN_HOST: self.stream(PLAIN_HOST)}
        self.echo = UdpEcho(self.lab.namespace("cn"), self.lab.correspondent_address)
        self.addCleanup(self.echo.close)
        self.newcomers = []

    def flows_now(self):
        return {far: self.flow(stream.port) for far, stream in self.streams.items()}

    # What a daemon can be in the middle of.

    def move(self, *_):
        flow = self.random.choice(list(self.flows_now().values()))
        self.lab.mipflow_run("flow", "move", str(flow["id"]), self.other(flow["interface"]))

    def registration(self, *_):
        """A new flow: it takes a spare home address, and another spare is registered."""
        flow = UdpFlow(self.lab.namespace("mn"), self.echo.address, self.echo.port)
        self.addCleanup(flow.close)
        self.newcomers.append(flow)
        flow.socket.send(b"first packet")

    def route_optimisation(self, *_):
        self.registration()

    def policy_reload(self, *_):
        self.lab.mobile_node.send(signal.SIGHUP)

    def nothing(self, *_):
        pass

    def round(self, node, process, start, moments):
        moment = self.random.choice(moments)
        wait = self.random.uniform(0, LATEST)
        with self.subTest(node=node, moment=moment.__name__, wait=wait, seed=self.seed):
            self.wait_settled()
            before = self.flows_now()
            tables = self.pinned_maps(node)
            self.assertTrue(tables)
            monitor = KernelMonitor(self.lab, node)
            moment()
            time.sleep(wait)
            process().stop(signal.SIGKILL)
            self.assertTrue(all(stream.wait_for_packets(10) for stream in self.streams.values()), "without the daemon flows stop")
            start()
            self.lab.wait_registered()
            self.wait_settled(20)
            after = self.flows_now()
            for far, flow in before.items():
                self.assertEqual(after[far]["home_address"], flow["home_address"], f"the flow to {far} has another home address")
            self.assertEqual(self.pinned_maps(node), tables, "tables were made anew")
            needed = ["mip0", *(flow["home_address"] for flow in before.values()), self.lab.home_address]
            torn = [line for line in monitor.deleted() if any(f"{word}/128" in line or f"{word}:" in line for word in needed)]
            self.assertEqual(torn, [], "the restart took away what flows need")
            self.assertTrue(all(stream.wait_for_packets(10) for stream in self.streams.values()), "flows do not go on")
            monitor.stop()
            for flow in self.newcomers:
                self.assertIsNotNone(flow.ask() or flow.ask(), "a flow that began in that moment does not work")

    def rounds(self, node, process, start, moments):
        for _ in range(ROUNDS[node]):
            self.round(node, process, start, moments)

    def test_mobile_node(self):
        self.rounds("mn", lambda: self.lab.mobile_node, self.lab.start_mobile_node,
                    [self.move, self.registration, self.route_optimisation, self.policy_reload, self.nothing])
        for far, stream in self.streams.items():
            self.assert_lossless(stream.finish(), f"the flow to {far}")

    def test_flows_that_begin_without_a_daemon(self):
        """More than there are spares: some take the source that every socket has by default."""
        self.wait_settled()
        self.lab.mobile_node.stop(signal.SIGKILL)
        flows = []
        for _ in range(8):
            echo = UdpEcho(self.lab.namespace("cn"), self.lab.correspondent_address)
            self.addCleanup(echo.close)
            flow = UdpFlow(self.lab.namespace("mn"), echo.address, echo.port)
            self.addCleanup(flow.close)
            self.assertIsNotNone(flow.ask() or flow.ask(), "a flow without a daemon")
            flows.append((flow, echo))
        self.assertIn(self.lab.home_address, [flow.source for flow, _ in flows])
        self.lab.start_mobile_node()
        self.lab.wait_registered()
        self.wait_settled(20)
        for flow, echo in flows:
            self.assertIsNotNone(flow.ask() or flow.ask(), "a flow that began without a daemon has ended")
            self.assertEqual(echo.peers, [flow.source], "its peer knows it by another address")
            self.assertEqual(self.flow(flow.port)["home_address"], flow.source)

    def test_home_agent(self):
        def start():
            bindings = {a: c for a, (c, _) in self.bindings_of_flows().items()}
            self.lab.start_home_agent()
            self.assertEqual({a: c for a, c in bindings.items() if self.home_agent_bindings().get(a, (None,))[0] is None}, {}, "bindings were forgotten")
        self.rounds("ha", lambda: self.lab.home_agent, start, [self.move, self.registration, self.nothing])
        for far, stream in self.streams.items():
            self.assert_lossless(stream.finish(), f"the flow to {far}")

    def bindings_of_flows(self):
        addresses = {flow["home_address"] for flow in self.flows_now().values()}
        return {a: b for a, b in self.mobile_node_bindings().items() if a in addresses}

    def test_correspondent_node(self):
        def bound():
            return {b["home_address"] for b in self.lab.mipflow("binding", "list", node="cn") if b["state"] == "bound"}

        def start():
            before = {flow["home_address"] for flow in self.flows_now().values() if flow["path"] == "direct"}
            self.assertTrue(before)
            self.lab.start_correspondent_node()
            self.assertLessEqual(before, bound(), "bindings were forgotten")
        self.rounds("cn", lambda: self.lab.correspondent_node, start, [self.move, self.route_optimisation, self.nothing])
        for far, stream in self.streams.items():
            self.assert_lossless(stream.finish(), f"the flow to {far}")


class DiskBehind(FaultCase):
    """In a laboratory of its own: a file that is older than it ever is leaves the two ends with different sequence numbers."""

    def test_home_agent_whose_disk_is_behind(self):
        """Spare home addresses have moved, and only the data path knows it. They send nothing for which they could be corrected."""
        def care_of_addresses():
            return {address: care_of for address, (care_of, _) in self.home_agent_bindings().items()}
        def all_moved():
            now = {address: care_of for address, care_of in care_of_addresses().items() if address in before}
            return lost not in now.values() and now
        self.wait_settled()
        lost = self.lab.care_of_address("wlan0")
        before = [address for address, (care_of, _) in self.mobile_node_bindings().items() if care_of == lost]
        self.assertTrue(before)
        file = self.lab.files("ha").state_directory / "bindings"
        written = file.read_bytes()
        self.lab.cut("wlan0")
        moved = self.wait(all_moved, "bindings that have left wlan0")
        self.lab.home_agent.stop(signal.SIGKILL)
        file.write_bytes(written)   # what it still is when the kill came in that very moment
        self.lab.start_home_agent()
        self.assertEqual({address: care_of for address, care_of in care_of_addresses().items() if address in moved}, moved)


if __name__ == "__main__":
    main()
