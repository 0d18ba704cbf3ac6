# SPDX-License-Identifier: GPL-3.0-or-later
"""The network that the data path's traffic test and benchmark run in, made of network namespaces:

                2001:db8:1::/64
        +-- wlan0 ------------- a1 --+             2001:db8:5::/64              2001:db8:6::/64
   mn --|       2001:db8:2::/64      |-- router -- core ---- core0 -- ha -- net ------- eth0 -- cn
        +-- wwan0 ------------- a2 --+
   ::2                          ::1                ::1        ::2         ::1           ::2

   mip0 on mn carries the home addresses 2001:db8:100::1 to ::6; ha has host routes to them on its own mip0.
   Everything plain between mn and cn passes ha too: the tunnel's path, the direct path and the plain path have the same
   hops. cn has a mip0 too when home addresses are route-optimised (Network's argument `direct`).
"""
import ctypes
import json
import os
import pathlib
import socket
import subprocess
import threading

_libc = ctypes.CDLL(None, use_errno=True)

HOME = [f"2001:db8:100::{i}" for i in range(1, 7)]
KIND = {"mn": "mobile-node", "ha": "home-agent", "cn": "correspondent-node"}
CARE_OF = {"wlan0": "2001:db8:1::2", "wwan0": "2001:db8:2::2"}
HOME_AGENT = "2001:db8:5::2"
CORRESPONDENT = "2001:db8:6::2"
PLAIN = CARE_OF["wlan0"]
TUNNEL_HEADER = 40
HOME_ADDRESS_HEADER = 24
DIRECT = 100  # binding of home address n (from 1): n into the tunnel, DIRECT + n straight to the correspondent node


# What the links do, as `ethtool -K` takes it:
OFFLOADS = {
    # Large packets stay whole on the virtual links, checksums are never computed.
    "whole": "",
    # Real segments with real checksums cross the links and arrive one by one.
    "wire": "tso off gso off gro off tx off rx off",
    # Real segments that the receiver puts together again (generic receive offload), as network cards do.
    "merged": "tso off gso off gro on tx off rx off",
    # The same of devices that know nothing about tunnels, like most network cards of laptops.
    "simple": "tso off gso off gro on tx off rx off tx-ipxip6-segmentation off",
}


class Network:
    """Use as a context manager: whatever happens inside, nothing is left behind."""

    def __init__(self, lab, offloads="whole", link_mtu=1500, direct=()):
        """`direct`: numbers (from 1) of the home addresses that the correspondent node has a binding for."""
        self.lab = lab
        self.direct = tuple(direct)
        self.suffix = str(os.getpid())
        self.pins = {role: f"/sys/fs/bpf/mipflow-lab-{role}-{self.suffix}" for role in KIND}
        self.servers = {}  # datapath_lab by role: loading the programs for every command would take most of a test's time
        self.offloads = offloads
        self.link_mtu = link_mtu

    def name(self, node):
        return f"mfdp-{node}-{self.suffix}"

    def command(self, node, *words):
        return ["nsenter", f"--net=/run/netns/{self.name(node)}", *map(str, words)]

    def run(self, node, *words, check=True, **keywords):
        result = subprocess.run(self.command(node, *words), capture_output=True, text=True, **keywords)
        if check and result.returncode:
            raise RuntimeError(f"{node}: {' '.join(map(str, words))}: {result.stdout}{result.stderr}")
        return result

    def start(self, node, *words, **keywords):
        return subprocess.Popen(self.command(node, *words), **keywords)

    def ip(self, node, line):
        self.run(node, "ip", "-6", *line.split())

    def sysctl(self, node, line):
        self.run(node, "sysctl", "-q", "-w", line)

    def data_path(self, role, *words):
        """Carries out commands of datapath_lab; returns the JSON objects it printed."""
        server = self.servers.get(role)
        if not server:
            server = self.start(role, self.lab, KIND[role], self.pins[role], "mip0", "serve", text=True,
                                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            self.servers[role] = server
        try:
            print(*words, file=server.stdin, flush=True)
        except BrokenPipeError:
            pass  # what it says is read below
        out = []
        for line in server.stdout:
            if line == ".\n":
                return out
            out.append(json.loads(line))
        raise RuntimeError(f"{role}: {' '.join(map(str, words))}: {self.let_go(role)}")

    def let_go(self, role):
        """As if the daemon had died: the data path stays, the next command takes it over."""
        server = self.servers.pop(role, None)
        if not server:
            return ""
        try:
            return server.communicate(timeout=10)[1]
        except BaseException:
            server.kill()
            server.communicate()
            raise

    def counters(self, role):
        return self.data_path(role, "counters")[0]

    def _link(self, node_a, device_a, address_a, node_b, device_b, address_b):
        subprocess.run(["ip", "link", "add", device_a, "netns", self.name(node_a), "type", "veth", "peer", "name", device_b,
                        "netns", self.name(node_b)], check=True)
        for node, device, address in ((node_a, device_a, address_a), (node_b, device_b, address_b)):
            self.ip(node, f"link set {device} mtu {self.link_mtu} up")
            self.ip(node, f"addr add {address}/64 dev {device} nodad")
            if OFFLOADS[self.offloads]:
                self.run(node, "ethtool", "-K", device, *OFFLOADS[self.offloads].split())

    def _mip0(self, node, header=TUNNEL_HEADER):
        for kind in ("dummy", "ifb"):
            if self.run(node, "ip", "link", "add", "mip0", "type", kind, check=False).returncode == 0:
                break
        self.ip(node, "link set mip0 addrgenmode none")
        self.ip(node, f"link set dev mip0 mtu {self.link_mtu - header} arp off up")

    def __enter__(self):
        try:
            self._make()
        except BaseException:
            self.__exit__()
            raise
        return self

    def _make(self):
        for node in ("mn", "router", "ha", "cn"):
            subprocess.run(["ip", "netns", "add", self.name(node)], check=True)
            self.ip(node, "link set lo up")
            for scope in ("all", "default"):
                self.sysctl(node, f"net.ipv6.conf.{scope}.accept_dad=0")
                self.sysctl(node, f"net.ipv6.conf.{scope}.forwarding={int(node in ('router', 'ha'))}")
        self._link("mn", "wlan0", CARE_OF["wlan0"], "router", "a1", "2001:db8:1::1")
        self._link("mn", "wwan0", CARE_OF["wwan0"], "router", "a2", "2001:db8:2::1")
        self._link("router", "core", "2001:db8:5::1", "ha", "core0", HOME_AGENT)
        self._link("ha", "net", "2001:db8:6::1", "cn", "eth0", CORRESPONDENT)

        # Two default routes of which wlan0's is preferred: a binding on wwan0 must not use wlan0's router.
        self.ip("mn", "route add default via 2001:db8:1::1 dev wlan0 metric 100")
        self.ip("mn", "route add default via 2001:db8:2::1 dev wwan0 metric 200")
        self.ip("router", "route add default via 2001:db8:5::2")
        self.ip("ha", "route add default via 2001:db8:5::1")
        self.ip("cn", "route add default via 2001:db8:6::1")
        # As if it had learned the tunnel's MTU before: else the first long datagram is lost for that, as it has to be.
        self.ip("cn", f"route add 2001:db8:100::/64 via 2001:db8:6::1 mtu {self.link_mtu - TUNNEL_HEADER}")

        self._mip0("mn")
        self._mip0("ha")
        for home in HOME:
            self.ip("mn", f"addr add {home}/128 dev mip0 nodad")
            self.ip("ha", f"route add {home}/128 dev mip0")
        self.ip("mn", "rule add from 2001:db8:100::/64 lookup 100")
        self.ip("mn", "route add default dev mip0 table 100")

        self.data_path("mn", "uplink", "wlan0", "uplink", "wwan0", "home-agent", HOME_AGENT,
                       "care-of", CARE_OF["wlan0"], "wlan0", "care-of", CARE_OF["wwan0"], "wwan0")
        self.data_path("ha", "uplink", "core0", "signalling", HOME_AGENT)
        for number, home in enumerate(HOME, 1):
            self.data_path("mn", "binding", number, home, CARE_OF["wlan0"], HOME_AGENT, "wlan0", "home", home, number)
            self.bind_at_home_agent(home, "wlan0")
        if self.direct:
            self._make_correspondent()

    def _make_correspondent(self):
        self._mip0("cn", HOME_ADDRESS_HEADER)
        self.ip("cn", "rule add iif lo lookup 100 pref 100")
        self.data_path("cn", "uplink", "eth0", "signalling", CORRESPONDENT)
        for number in self.direct:
            self.route_to_mip0("add", number)
            self.data_path("mn", "routing-header-source", HOME[number - 1], CORRESPONDENT)
            self.bind_directly(number, "wlan0")

    def route_to_mip0(self, action, number):
        self.ip("cn", f"route {action} {HOME[number - 1]}/128 dev mip0 src {CORRESPONDENT} table 100")

    def bind_directly(self, number, uplink, previous="::"):
        home, care_of = HOME[number - 1], CARE_OF[uplink]
        self.data_path("cn", "correspondent-binding", home, CORRESPONDENT, care_of, previous)
        self.data_path("mn", "direct-binding", DIRECT + number, home, care_of, CORRESPONDENT, uplink)

    def bind_at_home_agent(self, home, uplink):
        self.data_path("ha", "tunnel", home, CARE_OF[uplink], HOME_AGENT, "tunnel-source", home, CARE_OF[uplink])

    def move(self, number, uplink):
        """Home address `number` (from 1) to the uplink, at both ends."""
        home = HOME[number - 1]
        self.bind_at_home_agent(home, uplink)
        self.data_path("mn", "binding", number, home, CARE_OF[uplink], HOME_AGENT, uplink)
        if number in self.direct:
            other = next(name for name in CARE_OF if name != uplink)
            self.bind_directly(number, uplink, CARE_OF[other])

    def __exit__(self, *_):
        for role, kind in KIND.items():
            self.let_go(role)
            self.run(role, self.lab, kind, self.pins[role], "mip0", "remove", check=False)
            left = pathlib.Path(self.pins[role])
            if left.exists():
                subprocess.run(["rm", "-rf", str(left)], check=False)
        for node in ("mn", "router", "ha", "cn"):
            subprocess.run(["ip", "netns", "delete", self.name(node)], check=False, capture_output=True)


def sockets_of(network, node):
    """A function like socket.socket() whose sockets live in the node's network namespace."""
    def make(*arguments):
        out = []

        def enter():
            with open(f"/run/netns/{network.name(node)}") as namespace:
                if _libc.setns(namespace.fileno(), 0x40000000):
                    raise OSError(ctypes.get_errno(), "setns")
            out.append(socket.socket(*arguments))

        # The namespace belongs to the thread, so the rest of the process stays where it is.
        thread = threading.Thread(target=enter)
        thread.start()
        thread.join()
        return out[0]
    return make
