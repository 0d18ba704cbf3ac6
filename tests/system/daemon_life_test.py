#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Daemons start late, are killed, are restarted, are stopped; others take our rules away.

Breaks when traffic depends on the daemon being there, when a restart forgets flows or bindings, when a stop leaves
something behind, when what others deleted stays deleted.
"""
import signal
import time

from support.case import INTERFACES, SystemCase, main, wait_until
from judge import dissect as d
from lab import bpffs, daemons
from support.residue import differences, snapshot
from support.traffic import Stream, TcpEcho, TcpFlow, UdpEcho, UdpFlow


class StartAndStop(SystemCase):
    """Starts with traffic that is already there, stops, and looks for what is left."""

    @classmethod
    def prepare(cls):
        # Duplicate address detection of the interfaces themselves has to be over: it is no trace of ours.
        wait_until(lambda: "tentative" not in cls.lab.run("mn", ["ip", "-6", "address"]).stdout, "addresses without tentative ones")
        cls.before = {node: snapshot(cls.lab, node, names) for node, names in (("mn", INTERFACES), ("ha", ("home0",)))}

    def test_traffic_that_starts_before_the_daemon_and_nothing_left_after_it(self):
        world, node, correspondent = self.lab, self.lab.namespace("mn"), self.lab.namespace("cn")
        udp_echo, tcp_echo = (kind(correspondent, world.correspondent_address) for kind in (UdpEcho, TcpEcho))
        old_udp, old_tcp = UdpFlow(node, udp_echo.address, udp_echo.port), TcpFlow(node, tcp_echo.address, tcp_echo.port)
        for thing in (udp_echo, tcp_echo, old_udp, old_tcp):
            self.addCleanup(thing.close)
        self.assertIsNotNone(old_udp.ask())
        self.assertIn(old_tcp.source, [world.care_of_address(name) for name in INTERFACES])
        world.start_home_agent()
        world.start_mobile_node()
        world.wait_registered()
        # What began before goes on as it was, on its care-of address; what begins now has a home address.
        self.assertIsNotNone(old_udp.ask(), "UDP from before the daemon's start is cut")
        self.assertIsNotNone(old_tcp.ask(100_000), "TCP from before the daemon's start is cut")
        new = UdpFlow(node, udp_echo.address, udp_echo.port)
        self.addCleanup(new.close)
        self.assertIsNotNone(new.ask())
        self.assertEqual(new.source, world.home_address)
        self.assertEqual(self.flow(new.port)["state"], "active")
        self.assertTrue(differences(self.before["mn"], snapshot(world, "mn", INTERFACES)), "the daemon installed nothing to remove")

        self.assertEqual(world.mobile_node.stop(), 0, "exit code of a clean stop")
        self.wait(lambda: not self.home_agent_bindings(), "de-registration of every home address")
        self.assertEqual(world.home_agent.stop(), 0)
        for name, interfaces in (("mn", INTERFACES), ("ha", ("home0",))):
            left = differences(self.before[name], snapshot(world, name, interfaces))
            self.assertEqual(left, [], "left behind on " + name)
        self.assertEqual(bpffs.pin_directories(world.name), [], "pinned objects stay")
        self.assertIsNotNone(old_tcp.ask(), "TCP on the care-of address is cut by the stop")


class StartThatFails(SystemCase):
    """A daemon that misses something says what, ends, and leaves the host as it was."""

    @classmethod
    def prepare(cls):
        wait_until(lambda: "tentative" not in cls.lab.run("mn", ["ip", "-6", "address"]).stdout, "addresses without tentative ones")

    def attempt(self, node, program, changes=None, wrap=(), pins=None):
        """Standard error of a start that has to fail, after a look at what it left."""
        interfaces = {"mn": INTERFACES, "ha": ("home0",)}[node]
        before = snapshot(self.lab, node, interfaces)
        files = self.lab.files(node)
        files.prepare()
        usual = {"mn": daemons.mobile_node_configuration, "ha": daemons.home_agent_configuration}[node](files)
        files.write_configuration(daemons.merged(usual, changes or {}))
        files.write_associations(self.lab.key.hex(), {})
        arguments = [pins if pins and item == files.pin_directory else item for item in files.arguments()]
        done = self.lab.run(node, ["timeout", "20", *wrap, self.lab.program(program), *arguments], check=False)
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        self.assertEqual(differences(before, snapshot(self.lab, node, interfaces)), [], "left behind")
        self.assertEqual(bpffs.pin_directories(self.lab.name), [], "pinned objects stay")
        return done.stderr

    def test_capabilities_are_named(self):
        for name in ("net_admin", "net_raw", "bpf", "perfmon"):
            # CAP_SYS_ADMIN contains the two younger ones.
            without = ["setpriv", f"--bounding-set=-{name},-sys_admin"]
            for node, program in (("mn", "mipflow-mnd"), ("ha", "mipflow-had")):
                with self.subTest(f"{program} without {name}"):
                    self.assertIn(f"CAP_{name.upper()}", self.attempt(node, program, wrap=without))

    def test_pins_outside_a_bpf_file_system(self):
        pins = self.lab.directory / "no-bpf"
        self.assertIn("bpf file system", self.attempt("mn", "mipflow-mnd", pins=pins))

    def test_home_link_that_is_not_there(self):
        self.assertIn("nowhere0", self.attempt("ha", "mipflow-had", {"home-link": "nowhere0"}))

    def test_queue_that_somebody_else_reads(self):
        # Netfilter gives a queue to one reader.
        reader = self.lab.start("mn", ["python3", "-c", READ_QUEUE], self.lab.directory / "reader.log")
        self.addCleanup(reader.stop)
        self.wait(lambda: (self.lab.directory / "reader.log").read_text().strip() == "reading", "somebody else at the queue")
        self.assertIn("6275", self.attempt("mn", "mipflow-mnd"))


# Binds the queue by two netlink messages: NFQNL_CFG_CMD_BIND, then it waits to be ended.
READ_QUEUE = """
import socket, struct, time
NETLINK_NETFILTER = 12  # the module does not know it
s = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_NETFILTER)
command = struct.pack('!BxH', 1, socket.AF_INET6)
attribute = struct.pack('=HH', 4 + len(command), 1) + command
body = struct.pack('!BBH', 0, 0, 6275) + attribute
s.send(struct.pack('=IHHII', 16 + len(body), (3 << 8) | 2, 1 | 4, 1, 0) + body)
answer = s.recv(4096)
assert struct.unpack_from('=i', answer, 16)[0] == 0, answer
print('reading', flush=True)
time.sleep(60)
"""


class Killed(SystemCase):
    def setUp(self):
        self.node, self.correspondent = self.lab.namespace("mn"), self.lab.namespace("cn")

    def stream(self):
        stream = Stream(self.node, self.correspondent, self.lab.correspondent_address)
        self.addCleanup(stream.finish, 0)
        self.assertTrue(stream.wait_for_packets())
        return stream

    def test_mobile_node_daemon_killed_and_started_again(self):
        streams = [self.stream(), self.stream()]
        before = [self.flow(s.port) for s in streams]
        addresses = self.home_addresses()
        self.lab.mobile_node.stop(signal.SIGKILL)
        self.assertTrue(all(s.wait_for_packets(100) for s in streams), "without the daemon the flows stop")
        echo = UdpEcho(self.correspondent, self.lab.correspondent_address)
        self.addCleanup(echo.close)
        newcomer = UdpFlow(self.node, echo.address, echo.port)
        self.addCleanup(newcomer.close)
        self.assertIsNotNone(newcomer.ask(), "without the daemon no new flow can begin")

        self.lab.start_mobile_node()
        self.lab.wait_registered()
        after = [self.flow(s.port) for s in streams]
        for old, new in zip(before, after):
            self.assertEqual((old["home_address"], old["correspondent_port"]), (new["home_address"], new["correspondent_port"]))
        self.assertEqual(self.lab.home_address, self.primary()["home_address"])
        self.assertTrue({f["home_address"] for f in before} <= set(addresses) & set(self.home_addresses()))
        target = {"wlan0": "wwan0", "wwan0": "wlan0"}[after[0]["interface"]]
        self.move(after[0]["id"], target)
        self.assertTrue(all(s.wait_for_packets(50) for s in streams))
        self.assertEqual([self.flow(s.port)["interface"] for s in streams], [target, after[1]["interface"]])
        for stream in streams:
            self.assert_lossless(stream.finish())
        self.assertIsNotNone(newcomer.ask())

    def test_home_agent_killed_and_started_again(self):
        stream = self.stream()
        self.wait_settled()
        before = self.home_agent_bindings()
        # Bindings that change together are written together, a moment later.
        state = self.lab.files("ha").state_directory

        def written():
            text = "".join(p.read_text() for p in state.iterdir() if p.is_file())
            return all(address in text for address in before)
        self.wait(written, "every binding on disk", 3)
        self.lab.home_agent.stop(signal.SIGKILL)
        self.assertTrue(stream.wait_for_packets(100), "without the home agent's daemon the flow stops")
        self.lab.start_home_agent()
        after = self.home_agent_bindings()
        self.assertEqual({a: c for a, (c, _) in before.items()}, {a: c for a, (c, _) in after.items()}, "bindings were forgotten")
        flow = self.flow(stream.port)
        self.move(flow["id"], {"wlan0": "wwan0", "wwan0": "wlan0"}[flow["interface"]])
        self.assertTrue(stream.wait_for_packets(50))
        self.wait_settled()
        self.assert_lossless(stream.finish())

    def test_second_daemon_is_refused(self):
        files = self.lab.files("mn")
        second = self.lab.run("mn", [self.lab.program("mipflow-mnd"), *files.arguments()], check=False)
        self.assertNotEqual(second.returncode, 0)
        self.assertTrue(self.lab.mipflow("status")["registered"], "the first one was disturbed")

    def test_daemon_of_another_kind_is_refused(self):
        """It would have the same device, and take away what it does not know."""
        files = self.lab.files("mn")
        configuration = self.lab.directory / "another.toml"
        configuration.write_text("")
        for option in ([], ["--clean-up"]):
            other = self.lab.run("mn", [self.lab.program("mipflow-cnd"), "--config", configuration, "--runtime-dir", files.runtime_directory,
                                        "--pin-dir", f"{files.pin_directory}-another", *option], check=False)
            self.assertEqual(other.returncode, 1)
            self.assertIn("another daemon of mipflow has the device mip0 (process ", other.stderr)
        self.assertTrue(self.lab.mipflow("status")["registered"], "the first one was disturbed")


class HomeAgentThatForgot(SystemCase):
    """Its disk is lost as well: nothing is known any more, neither bindings nor sequence numbers."""

    def test_what_sends_is_back_after_duplicate_address_detection(self):
        captures = [self.lab.wire("mn", name) for name in INTERFACES]
        stream = Stream(self.lab.namespace("mn"), self.lab.namespace("cn"), self.lab.correspondent_address, 100)
        self.addCleanup(stream.finish, 0)
        self.assertTrue(stream.wait_for_packets())
        address = self.flow(stream.port)["home_address"]
        self.lab.home_agent.stop(signal.SIGKILL)
        for file in self.lab.files("ha").state_directory.iterdir():
            file.unlink()
        self.lab.start_home_agent()
        # One second of detection; the refresh of a binding is minutes away.
        self.wait(lambda: address in self.home_agent_bindings(), "the flow's home address at the home agent", 15)
        self.assertTrue(stream.wait_for_packets(20, 5))
        self.assertEqual(stream.peers, {address})
        told = [d.name(m.octets[8:24]) for c in captures for _, m in c.messages(d.BE) if m.status == 1]
        self.assertIn(address, told, "no Binding Error: this proves nothing")


class Healing(SystemCase):
    """Somebody flushes what is ours: back within a second, and no packet is lost for longer than that."""

    def heals(self, what, *commands, within=1.0):
        self.wait(lambda: self.lab.mipflow("status")["spares"] >= 2, "a full pool")
        self.wait_settled()
        healthy = snapshot(self.lab, "mn", INTERFACES)
        for command in commands:
            done = self.lab.run("mn", command.split(), check=False)
            self.assertEqual(done.returncode, 0, f"{command}: {done.stderr}")
        begin = time.monotonic()
        grain = 0.0     # how long the look before took: it can not be known better
        while (looked := time.monotonic() - begin) < within + 3:
            missing = [x for x in differences(healthy, snapshot(self.lab, "mn", INTERFACES)) if ": - " in x]
            if not missing:
                self.assertLess(looked, within + grain, f"{what}: took {looked:.2f} s")
                return
            grain = time.monotonic() - begin - looked
        self.fail(f"{what}: still missing: {missing}")

    def setUp(self):
        self.node, self.correspondent = self.lab.namespace("mn"), self.lab.namespace("cn")
        echo = UdpEcho(self.correspondent, self.lab.correspondent_address)
        self.addCleanup(echo.close)
        self.echo = echo

    def new_flow(self):
        flow = UdpFlow(self.node, self.echo.address, self.echo.port)
        self.addCleanup(flow.close)
        self.assertIsNotNone(flow.ask() or flow.ask(), "no new flow after healing")
        self.assertEqual(flow.source, self.lab.home_address)
        self.flow(flow.port)

    def test_nft_flush_ruleset(self):
        self.heals("nft flush ruleset", "nft flush ruleset")
        self.new_flow()

    def test_rules(self):
        rules = [line.split(":", 1) for line in self.lab.run("mn", ["ip", "-6", "-N", "rule"]).stdout.splitlines()]
        ours = [preference for preference, text in rules if 6000 <= int(preference) <= 7000]
        self.assertTrue(ours)
        self.heals("rules", *[f"ip -6 rule del pref {p}" for p in ours])
        self.new_flow()

    def test_routes(self):
        self.heals("routes", "ip -6 route flush table 6275")
        self.new_flow()

    def test_addresses(self):
        self.heals("home address", f"ip -6 address del {self.lab.home_address}/128 dev mip0")
        self.new_flow()

    def test_device_down(self):
        # The kernel has thrown away every address and route with it, and tells of each: more to mend than a deleted rule.
        self.heals("mip0", "ip link set mip0 down", within=2.0)
        self.new_flow()

    def test_programs_on_an_interface(self):
        if "clsact" not in self.lab.run("mn", ["tc", "qdisc", "show", "dev", "wlan0"]).stdout:
            self.skipTest("the programs are linked by tcx, `tc` can not take them away")
        self.heals("programs on wlan0", "tc qdisc del dev wlan0 clsact")
        self.new_flow()

    def test_flow_survives_all_of_it(self):
        stream = Stream(self.node, self.correspondent, self.lab.correspondent_address)
        self.addCleanup(stream.finish, 0)
        self.assertTrue(stream.wait_for_packets())
        self.heals("everything", "nft flush ruleset", "ip -6 route flush table 6275")
        self.assertTrue(stream.wait_for_packets(50))
        self.assertLess(max(stream.longest_gap(x) for x in ("out", "in")), 1.0)


if __name__ == "__main__":
    main()
