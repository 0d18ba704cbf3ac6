#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Debian's own kernel, which knows Mobile IPv6, as the peer: route-optimised packets between it and our programs.

The kernel has no signalling of its own: `ip xfrm` gives it the states that a daemon would make. Needs qemu-system-x86_64 and
an installed linux-image-amd64 (or another directory, see guest/kernel.py); says so and ends with 77 when they are not there.
With --missing it only says what is missing, nothing when nothing is.
"""
import json
import shutil
import sys
import time

from support import foreign_nodes
from support.case import SYSTEM, SystemCase, main
from support.foreign_correspondent_case import ALWAYS
from foreign.mobile_node import ForeignMobileNode
from foreign.port import Port
from judge import dissect as d
from guest import Machine, find_kernel

KERNEL = find_kernel()
SKIPPED = 77
MAC = "02:00:00:00:00:77"
HOME, CARE_A, CARE_B = "2001:db8:100::1001", "2001:db8:1::77", "2001:db8:1::78"
OUT, IN = "out", "in"


class GuestCase(SystemCase):
    """A guest on a node of the lab, and the states of its kernel."""

    @classmethod
    def boot(cls, node):
        cls.guest = Machine(cls.lab, node, KERNEL, MAC, [cls.lab.program("mipflow-lab-traffic")])
        cls.addClassCleanup(cls.guest.stop)
        cls.lab.run(node, ["sysctl", "-q", "-w", "net.ipv6.conf.tap0.disable_ipv6=1"])
        cls.lab.nodes[node].ip("link set tap0 up")

    def set_states(self, protocols, home, care_of_address):
        """Instead of those that it has. `protocols`: {direction: hao | route2}."""
        self.guest.ip("xfrm state flush", "xfrm policy flush")
        ends = {(OUT, "hao"): (home, self.lab.correspondent_address), (IN, "route2"): (self.lab.correspondent_address, home),
                (OUT, "route2"): (self.lab.correspondent_address, home), (IN, "hao"): (home, self.lab.correspondent_address)}
        for direction, protocol in protocols.items():
            source, destination = ends[direction, protocol]
            self.guest.ip(f"xfrm state add src {source} dst {destination} proto {protocol} mode ro coa {care_of_address}",
                          f"xfrm policy add src {source}/128 dst {destination}/128 dir {direction} "
                          f"tmpl src {source} dst {destination} proto {protocol} mode ro")

    def packets_of_states(self):
        """hao | route2 -> packets that the guest's kernel put through such states."""
        found, protocol = {}, None
        for line in self.guest.run("ip -s xfrm state").splitlines():
            words = line.replace(",", "").split()
            if words[:1] == ["proto"]:
                protocol = words[1]
            elif len(words) == 2 and words[1].endswith("(packets)"):
                found[protocol] = found.get(protocol, 0) + int(words[1].removesuffix("(packets)"))
        return found


class GuestIsMobileNode(GuestCase):
    """The guest's kernel sends and receives; a script does its signalling; mipflow-cnd is the correspondent node."""

    @classmethod
    def prepare(cls):
        cls.lab.start_correspondent_node()
        node = cls.lab.nodes["mn"]
        cls.boot("mn")
        # The guest is plugged in beside the script, where wlan0 leads.
        node.ip("link add br0 type bridge forward_delay 0 stp_state 0 mcast_snooping 0", "link set wlan0 master br0", "link set tap0 master br0")
        node.sysctl(wlan0__disable_ipv6=1)
        node.ip("link set br0 up")
        cls.lab.run("core", ["ethtool", "-K", "port-ha", *foreign_nodes.NO_OFFLOADS])
        home = Port(cls.lab.namespace("ha"), "home0", foreign_nodes.HOME_ROUTER, [HOME])
        visited = Port(cls.lab.namespace("mn"), "br0", "2001:db8:1::1", [CARE_A])
        cls.node = ForeignMobileNode(home, visited, cls.lab.correspondent_address)
        cls.addClassCleanup(foreign_nodes.close_mobile_node, cls.node)
        cls.guest.ip("link set lo up", "link set eth0 up", f"address add {HOME}/128 dev eth0 home nodad")
        cls.guest.run("echo 0 > /proc/sys/net/ipv6/conf/eth0/autoconf; echo 0 > /proc/sys/net/ipv6/conf/eth0/accept_ra")
        cls.sequence = 0

    def sign_up(self, care_of_address):
        """The script moves the binding to the care-of address, which then is the guest's."""
        self.node.visited.add(care_of_address)
        type(self).sequence += 1
        answer = self.node.register(HOME, care_of_address, self.sequence)
        self.assertEqual((answer.status, answer.authentic), (0, True))
        self.node.visited.remove(care_of_address)
        self.guest.bring_up(care_of_address, "2001:db8:1::1", self.router_mac())
        self.lab.nodes["wlan"].ip("neighbour flush dev lan")

    def router_mac(self):
        return next(x for x in self.lab.ip_json("wlan", "link", "show", "dev", "lan") if x)["address"]

    def transfer(self, kind, port, *options):
        """(client's, server's) summary of a stream of mipflow-lab-traffic from the guest to the correspondent node."""
        summary = self.lab.directory / f"guest-{kind}-{port}.json"
        server = self.lab.start("cn", [self.lab.program("mipflow-lab-traffic"), kind, "--listen", f"[::]:{port}", *options, "--summary", summary])
        self.wait(lambda: f":{port} " in self.lab.run("cn", ["ss", "-Hln", f"-{kind[0]}"]).stdout, "the server")
        self.guest.run(f"mipflow-lab-traffic {kind} --connect [{self.lab.correspondent_address}]:{port} --seconds 3 {' '.join(options)} "
                       f"--summary /tmp/summary", timeout=60)
        client = json.loads(self.guest.run("cat /tmp/summary"))
        if server.wait(10) is None:
            server.stop()
        return client, json.loads(summary.read_text())

    def test_udp_tcp_and_echo_straight(self):
        self.sign_up(CARE_A)
        self.set_states({OUT: "hao", IN: "route2"}, HOME, CARE_A)
        capture = self.lab.wire("cn", "eth0")
        self.assertIn(" 0% packet loss", self.guest.run(f"ping -c 3 -i 0.2 -I {HOME} {self.lab.correspondent_address}"))
        for kind, port, options in (("udp", 5000, ("--rate", "50", "--size", "200")), ("tcp", 5001, ("--rate", "2"))):
            with self.subTest(kind):
                client, server = self.transfer(kind, port, *options)
                self.assert_complete(kind, client, server)
        for protocol, count in self.packets_of_states().items():
            self.assertGreater(count, 100, f"the guest's kernel did not put them through {protocol}")
        self.assert_all_direct(capture, CARE_A)

    def assert_complete(self, kind, client, server):
        if kind == "tcp":
            self.assertEqual((client["error"], server["error"], client["bytes_wrong"], server["bytes_wrong"]), ("", "", 0, 0))
            self.assertGreater(server["bytes_received"], 100_000)
            self.assertEqual((client["bytes_sent"], server["bytes_sent"]), (server["bytes_received"], client["bytes_received"]))
        else:
            self.assertGreater(server["received"], 50)
            self.assertEqual(client["sent"], server["received"])

    def assert_all_direct(self, capture, care_of_address):
        capture.stop()
        frames = [f for f in capture.frames() if HOME in (d.name(f.outer.checksum_source), d.name(f.outer.checksum_destination))]
        self.assertGreater(len(frames), 100)
        for frame in frames:
            layer = frame.outer
            pair = (layer.source, layer.home_address) if layer.home_address else (layer.destination, layer.routing_home_address)
            self.assertEqual([a and d.name(a) for a in pair], [care_of_address, HOME], f"{frame} takes another way")

    def test_z_move_to_another_care_of_address(self):
        self.sign_up(CARE_B)
        self.set_states({OUT: "hao", IN: "route2"}, HOME, CARE_B)
        capture = self.lab.wire("cn", "eth0")
        client, server = self.transfer("udp", 5002, "--rate", "50", "--size", "200")
        self.assert_complete("udp", client, server)
        self.assert_all_direct(capture, CARE_B)


class GuestIsCorrespondentNode(GuestCase):
    """mipflow-mnd is the mobile node, a script does the guest's signalling, the guest's kernel sends and receives."""
    policy = ALWAYS

    @classmethod
    def prepare(cls):
        cls.boot("cn")
        cls.peer = foreign_nodes.start_correspondent_node(cls.lab, SYSTEM, ["--guest", "tap0", MAC])
        cls.guest.bring_up(cls.lab.correspondent_address, foreign_nodes.CORRESPONDENT_ROUTER, "02:00:00:00:00:99")
        cls.captures = {name: cls.lab.wire("mn", name) for name in ("wlan0", "wwan0")}
        super().prepare()

    def bound(self, home):
        """The care-of address that the script has accepted last for the home address."""
        accepted = [e["care_of_address"] for e in self.peer.events("binding_update") if e["verdict"] == "accepted" and e["home_address"] == home]
        return accepted[-1] if accepted else None

    def states_follow(self, home, interface):
        """What the daemon of a correspondent node would do when a Binding Update is accepted."""
        care_of_address = self.lab.care_of_address(interface)
        self.wait(lambda: self.bound(home) == care_of_address, f"a binding at {care_of_address}")
        self.set_states({OUT: "route2", IN: "hao"}, home, care_of_address)

    def test_stream_straight_before_and_after_a_move(self):
        self.guest.run("mipflow-lab-traffic tcp --listen [::]:5001 --rate 2 --summary /tmp/tcp > /tmp/tcp.log 2>&1 &")
        self.wait(lambda: f":{5001:04X} " in self.guest.run("cat /proc/net/tcp6"), "the guest's server", 30)
        client = self.lab.directory / "tcp-client.json"
        stream = self.lab.start("mn", [self.lab.program("mipflow-lab-traffic"), "tcp", "--connect", f"[{self.lab.correspondent_address}]:5001",
                                       "--rate", "2", "--summary", client])
        listed = self.wait(lambda: next((f for f in self.flows() if f["protocol"] == "tcp" and f["correspondent_port"] == 5001), None), "the flow")
        home = listed["home_address"]
        for interface in (listed["interface"], {"wlan0": "wwan0", "wwan0": "wlan0"}[listed["interface"]]):
            with self.subTest(interface):
                if interface != listed["interface"]:
                    self.move(listed["id"], interface)
                self.states_follow(home, interface)
                self.wait(lambda: next(f for f in self.flows() if f["id"] == listed["id"])["path"] == "direct", "the direct path")
                before = self.packets_of_states()
                self.wait(lambda b=before: all(count > b[protocol] + 50 for protocol, count in self.packets_of_states().items()),
                          "packets through the guest's states, both ways", 30)
                begin = time.time()
                self.wait(lambda b=begin, i=interface: self.ways(5001, b) >= {(i, OUT, "direct"), (i, IN, "direct")}, "direct packets both ways", 10)
        stream.stop()
        summary = json.loads(client.read_text())
        server = json.loads(self.wait(lambda: self.guest.run("cat /tmp/tcp", check=False).strip(), "the guest's summary", 20))
        self.assertEqual((summary["bytes_wrong"], server["bytes_wrong"], summary["error"], server["error"]), (0, 0, "", ""))
        self.assertEqual((summary["bytes_sent"], server["bytes_sent"]), (server["bytes_received"], summary["bytes_received"]))
        self.assert_judged_right(self.captures.values(), at_least=("direct-data", "authenticator", "type-2-routing-header"))

    def ways(self, port, since):
        return {(name, direction, "tunnel" if len(frame.layers) > 1 else "direct")
                for name, capture in self.captures.items() for frame, direction in capture.data(port) if frame.time >= since}


def missing():
    """What this test needs and does not find, "" when everything is there."""
    if shutil.which("qemu-system-x86_64") is None:
        return "qemu-system-x86_64 is not installed (Debian: qemu-system-x86)"
    if KERNEL is None:
        return "there is no kernel with CONFIG_IPV6_MIP6 in /boot (Debian: linux-image-amd64)"
    if not shutil.which("insmod", path="/usr/sbin:/sbin"):
        return "insmod is not installed (Debian: kmod)"
    return ""


if __name__ == "__main__":
    reason = missing()
    if sys.argv[1:] == ["--missing"]:
        print(reason, end="")
    elif reason:
        print(f"debian_kernel_test did not run: {reason}")
        sys.exit(SKIPPED)
    else:
        main()
