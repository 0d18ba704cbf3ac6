#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Home agents that share the load: a primary and two secondaries, on a home link and on a routed home network.

Breaks when a delegation, a recall, a drain or a restart loses a packet, when a mobile node can tell who tunnels, when a dead
agent's home addresses stay dark, when a secondary goes on behind the end of a binding, or keeps an address whose owner is home.

Seen to fail: BackInTime, with a primary to which the new session of a secondary that was serving is its death.
"""
import signal

from support.case import BUILD, SystemCase, SystemLab, LabError, main, time, wait_until
from support.traffic import Stream
from judge import dissect as d
from lab.cluster import ROUTED_HOME_ADDRESS, SECONDARIES, ClusterMixin

# What tunnels go through: home agents, all the time.
POLICY = '[default]\nhome-address = "own"\nroute-optimization = "no"\n'


class SystemCluster(ClusterMixin, SystemLab):
    pass


class RoutedCluster(SystemCluster):
    routed = True


class ClusterCase(SystemCase):
    laboratory = SystemCluster
    primary_changes = {}
    started = tuple(SECONDARIES)

    @classmethod
    def setUpClass(cls):
        cls.lab = cls.laboratory(BUILD)
        cls.enterClassContext(cls.lab)
        cls.prepare()

    @classmethod
    def prepare(cls):
        cls.lab.start_primary(cls.primary_changes)
        for name in cls.started:
            cls.lab.start_secondary(name)
        cls.lab.start_cluster_mobile_node(cls.mobile_node_changes, POLICY)
        cls.lab.wait_agents(names=cls.started)
        cls.wires = {name: cls.lab.wire(name, "home0") for name in ("ha", *cls.started)}

    def stream(self, rate=1000, interface="wlan0"):
        """Packets both ways, over `interface`; (stream, its home address)."""
        stream = Stream(self.lab.namespace("mn"), self.lab.namespace("cn"), self.lab.correspondent_address, rate=rate)
        self.addCleanup(stream.finish, 0)
        self.assertTrue(stream.wait_for_packets(20), "no packets")
        listed = self.flow(stream.port)
        if listed["interface"] != interface:
            self.move(listed["id"], interface)
        self.wait_settled()
        return stream, listed["home_address"]

    def holder(self, home_address):
        return self.lab.holders()[home_address]

    def entry(self, home_address, node="ha"):
        return next(item for item in self.lab.mipflow("ha", "list", node=node) if item["home_address"] == home_address)

    def delegate(self, home_address, agent):
        self.lab.mipflow_run("ha", "delegate", home_address, agent, node="ha")
        self.wait(lambda: self.entry(home_address)["state"] == "delegated" and self.holder(home_address) == agent,
                  f"{home_address} at {agent}")

    def recall(self, home_address):
        self.lab.mipflow_run("ha", "recall", home_address, node="ha")
        self.wait(lambda: self.entry(home_address)["state"] == "own", f"{home_address} back at the primary")

    def tunnelled(self, agent, home_address, since=0.0):
        """Packets to the home address that the agent sent into a tunnel."""
        return [frame for frame in self.wires[agent].frames() if frame.time >= since and len(frame.layers) > 1
                and d.name(frame.layers[-1].destination) == home_address]

    def wait_quiet(self, agent, home_address):
        """Until what late caches send to the agent has ended; the time from which on nothing came any more."""
        def quiet():
            since = time.time()
            time.sleep(0.3)
            return since if not self.tunnelled(agent, home_address, since) else None
        return self.wait(quiet, f"{agent} to have no packets for {home_address}", 10)

    def assert_nothing_lost(self, stream, name):
        self.assert_lossless(stream.finish(), name)
        print(f"{name}: {stream.duplicates('in')} packets came twice ", end="", flush=True)


class WithTheirOwnSource(ClusterCase):
    """Where the primary's address can not be the source of a secondary's tunnels, mobile nodes are told whom else to believe."""
    primary_changes = {"load-sharing": {"tunnel-source": "own"}}
    mobile_node_changes = {"tunnel-sources": [SECONDARIES["ha2"]]}
    started = ("ha2",)

    def test_mobile_node_takes_them(self):
        stream, home = self.stream()
        self.delegate(home, "ha2")
        quiet = self.wait_quiet("ha", home)
        self.assertTrue(stream.wait_for_packets(300), "the secondary's tunnel is not accepted")
        there = self.tunnelled("ha2", home, quiet)
        self.assertEqual({d.name(frame.outer.source) for frame in there}, {SECONDARIES["ha2"]})
        self.assert_nothing_lost(stream, "delegated")


class OnHomeLink(ClusterCase):
    def test_delegation_and_recall_lose_nothing(self):
        stream, home = self.stream()
        began = time.time()
        self.delegate(home, "ha2")
        quiet = self.wait_quiet("ha", home)
        self.assertTrue(stream.wait_for_packets(300))
        there = self.tunnelled("ha2", home, quiet)
        self.assertGreater(len(there), 200, "the secondary does not tunnel")
        self.assertEqual({d.name(frame.outer.source) for frame in there}, {self.lab.home_agent_address})
        self.delegate(home, "ha3")
        self.wait_quiet("ha2", home)
        self.recall(home)
        self.wait_quiet("ha3", home)
        self.assert_announced(home, began)
        self.assert_nothing_lost(stream, "delegated, handed over, recalled")

    def assert_announced(self, home, since):
        """Neighbor Advertisements with O, to all nodes, from each agent's own link-layer address."""
        senders = set()
        for name, wire in self.wires.items():
            own = self.lab.ip_json(name, "link", "show", "home0")[0]["address"]
            for frame in wire.frames():
                packet = frame.outer
                if packet.upper != 58 or packet.payload[0] != 136 or frame.time < since:
                    continue
                if d.name(packet.payload[8:24]) == home and packet.payload[4] & 0x20 and bytes.fromhex(own.replace(":", "")) in packet.payload[24:]:
                    senders.add(name)
        self.assertEqual(senders, {"ha", "ha2", "ha3"})

    def test_secondary_follows_the_mobile_node(self):
        stream, home = self.stream()
        self.delegate(home, "ha2")
        self.wait_quiet("ha", home)
        flow = self.flow(stream.port)["id"]
        for interface in ("wwan0", "wlan0", "wwan0"):
            self.move(flow, interface)
            self.wait_settled()
            care_of = self.lab.care_of_address(interface)
            since = time.time()
            self.assertTrue(stream.wait_for_packets(100))
            self.assertEqual({d.name(f.outer.destination) for f in self.tunnelled("ha2", home, since + 0.05)}, {care_of})
        self.assertEqual(self.holder(home), "ha2")
        self.assert_nothing_lost(stream, "moved while delegated")

    def test_drain_empties_an_agent_without_a_lost_packet(self):
        streams = [self.stream(rate=200) for _ in range(3)]
        for _, home in streams:
            self.delegate(home, "ha2")
        self.lab.mipflow_run("ha", "drain", "ha2", node="ha")
        self.wait(lambda: "ha2" not in self.lab.holders().values(), "ha2 empty")
        self.assertEqual(next(a for a in self.lab.agents() if a["name"] == "ha2")["state"], "draining")
        refused = self.lab.mipflow_run("ha", "delegate", streams[0][1], "ha2", node="ha", check=False)
        self.assertNotEqual(refused.returncode, 0)
        self.assertIn("drain", refused.stderr)
        self.lab.mipflow_run("ha", "drain", "ha2", "--end", node="ha")
        self.lab.wait_agents(names=("ha2",))
        for number, (stream, _) in enumerate(streams):
            self.assert_nothing_lost(stream, f"drained {number}")

    def test_what_the_operator_types_wrong(self):
        stream, home = self.stream(rate=50)
        for words, said in ((("delegate", home, "nobody"), "nobody"), (("delegate", "2001:db8:100::dead", "ha2"), "2001:db8:100::dead"),
                            (("recall", "2001:db8:100::dead"), "2001:db8:100::dead"), (("drain", "nobody"), "nobody")):
            done = self.lab.mipflow_run("ha", *words, node="ha", check=False)
            self.assertNotEqual(done.returncode, 0, words)
            self.assertIn(said, done.stderr)
        self.assertEqual(self.holder(home), "")
        stream.finish(0)

    def test_killed_secondary_daemon_comes_back_and_nothing_is_lost(self):
        stream, home = self.stream()
        self.delegate(home, "ha3")
        self.wait_quiet("ha", home)
        self.lab.secondaries["ha3"].stop(signal.SIGKILL)
        # The kernel of ha3 goes on; the primary takes back what nobody answers for.
        self.wait(lambda: self.holder(home) == "", "the home address taken back", 3)
        self.lab.start_secondary("ha3")
        self.lab.wait_agents(names=("ha3",))
        self.assertTrue(stream.wait_for_packets(200))
        self.wait(lambda: home not in {i["home_address"] for i in self.lab.mipflow("ha", "list", node="ha3") if i["state"] == "forwarding"},
                  "ha3 no longer forwarding")
        self.assert_nothing_lost(stream, "secondary killed and started")

    def test_killed_primary_daemon_comes_back_and_knows_its_delegations(self):
        stream, home = self.stream()
        self.delegate(home, "ha2")
        self.wait_quiet("ha", home)
        self.lab.home_agent.stop(signal.SIGKILL)
        self.assertTrue(stream.wait_for_packets(300), "the secondary stopped with its primary")
        self.lab.start_primary(self.primary_changes)
        self.lab.wait_agents(names=("ha2",))
        self.wait(lambda: self.entry(home)["state"] == "delegated", "the delegation again")
        self.assertEqual(self.holder(home), "ha2")
        since = time.time()
        self.assertTrue(stream.wait_for_packets(200))
        self.assertGreater(len(self.tunnelled("ha2", home, since)), 100)
        self.assert_nothing_lost(stream, "primary killed and started")

    def test_secondary_stops_in_order(self):
        stream, home = self.stream()
        self.delegate(home, "ha3")
        self.wait_quiet("ha", home)
        self.assertEqual(self.lab.secondaries["ha3"].stop(), 0)
        self.wait(lambda: self.holder(home) == "", "the home address back")
        self.assertEqual(self.lab.ip_json("ha3", "-6", "neighbour", "show", "proxy"), [])
        self.lab.start_secondary("ha3")
        self.lab.wait_agents(names=("ha3",))
        self.assert_nothing_lost(stream, "secondary stopped in order")

    def test_z_secondary_loses_its_power(self):
        stream, home = self.stream()
        other, other_home = self.stream(rate=200)
        self.delegate(home, "ha2")
        self.wait_quiet("ha", home)
        self.lab.pull_the_plug("ha2")
        pulled = time.monotonic()
        self.wait(lambda: any(t > pulled + 0.05 for _, t in stream.received["in"][-5:]), "packets again", 5)
        gap = stream.longest_gap("in")
        self.assertLess(gap, 1.0, "dark for longer than a second")
        self.assertEqual(self.holder(home), "")
        self.assertEqual(next(a for a in self.lab.agents() if a["name"] == "ha2")["state"], "dead")
        print(f"dark for {gap * 1000:.0f} ms ", end="", flush=True)
        self.assert_lossless(other.finish(), "the other one")


class BackInTime(ClusterCase):
    """A secondary's daemon that is killed and started again before its primary takes it for dead. Its kernel has gone on, and it knows
    what it had: nothing is taken back, and no packet takes another way or none."""
    # However slow the machine is just now.
    primary_changes = {"load-sharing": {"dead-after": "60s"}}
    started = ("ha2",)

    def test_its_home_addresses_stay_with_it(self):
        stream, home = self.stream()
        self.delegate(home, "ha2")
        self.wait_quiet("ha", home)
        for times in range(1, 4):
            before = time.time()
            self.lab.secondaries["ha2"].stop(signal.SIGKILL)
            self.assertTrue(stream.wait_for_packets(50), "its kernel stopped with it")
            self.lab.start_secondary("ha2")
            self.wait(lambda n=times: self.lab.mipflow("counters", node="ha")["load-sharing-agents-restarted"] == n, "the restart to be noticed")
            self.wait(lambda: self.entry(home, "ha2")["state"] == "forwarding", "the home address at ha2")
            self.assertTrue(stream.wait_for_packets(200))
            self.assertEqual((self.entry(home)["state"], self.holder(home)), ("delegated", "ha2"))
            self.assertEqual(self.tunnelled("ha", home, before), [], "packets went to the primary meanwhile")
        counters = self.lab.mipflow("counters", node="ha")
        self.assertEqual((counters["load-sharing-agents-died"], counters["load-sharing-taken-back"]), (0, 0))
        self.assert_nothing_lost(stream, "secondary killed and started in time")
        self.assertEqual(stream.duplicates("in"), 0)


class ComingHome(ClusterCase):
    started = ("ha2",)

    def test_secondary_lets_go_before_the_acknowledgement(self):
        home = self.lab.home_address
        self.delegate(home, "ha2")
        self.lab.plug_in_at_home()
        self.wait(lambda: self.primary()["state"] == "at-home", "the mobile node at home", 20)
        proxies = self.lab.ip_json("ha2", "-6", "neighbour", "show", "proxy")
        self.assertNotIn(home, {entry["dst"] for entry in proxies})
        done = self.lab.run("cn", ["ping", "-6", "-c", "3", "-i", "0.2", "-W", "2", home], check=False)
        self.assertEqual(done.returncode, 0, done.stdout)


class ByFigure3(ClusterCase):
    """The answer to the mobile node waits for the secondary; new home addresses are delegated as they come."""
    primary_changes = {"load-sharing": {"division": "equal", "answer": "after-secondary", "own-weight": 0}}

    def test_everything_is_delegated_and_works(self):
        stream, home = self.stream(rate=200)
        self.wait(lambda: self.holder(home) in SECONDARIES, "the delegation")
        self.assertEqual(set(self.lab.holders().values()), set(SECONDARIES))
        starts = self.lab.mipflow("counters", node="ha")
        self.assertGreater(starts["load-sharing-starts-acknowledged"], 0)
        self.assert_nothing_lost(stream, "by Figure 3")


class Routed(ClusterCase):
    laboratory = RoutedCluster

    def test_delegation_and_recall_lose_nothing(self):
        stream, home = self.stream()
        self.delegate(home, "ha2")
        quiet = self.wait_quiet("ha", home)
        self.assertTrue(stream.wait_for_packets(300))
        self.assertGreater(len(self.tunnelled("ha2", home, quiet)), 200, "the host route does not lead to the secondary")
        self.delegate(home, "ha3")
        self.wait_quiet("ha2", home)
        self.recall(home)
        self.wait_quiet("ha3", home)
        self.assert_nothing_lost(stream, "routed")

    def test_z_secondary_loses_its_power(self):
        stream, home = self.stream()
        self.delegate(home, "ha2")
        self.wait_quiet("ha", home)
        self.lab.pull_the_plug("ha2")
        pulled = time.monotonic()
        self.wait(lambda: any(t > pulled + 0.05 for _, t in stream.received["in"][-5:]), "packets again", 5)
        self.assertLess(stream.longest_gap("in"), 1.0, "dark for longer than a second")


if __name__ == "__main__":
    main()
