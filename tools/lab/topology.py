# SPDX-License-Identifier: GPL-3.0-or-later
"""Nodes, cables, addresses and routes of the picture in __init__.py."""

from dataclasses import dataclass

from .node import Node, connect

HOME_PREFIX = "2001:db8:100::/64"
HOME_ADDRESS = "2001:db8:100::10"
HOME_AGENT = "2001:db8:100::2"
CORRESPONDENT = "2001:db8:300::10"
ACCESS_NETWORKS = {"wlan": "2001:db8:1::", "wwan": "2001:db8:2::"}
NODES = ("ha", "core", "cn", "wlan", "wwan", "mn")

_RADVD = """\
interface {interface} {{
  AdvSendAdvert on;
  MinRtrAdvInterval 3;
  MaxRtrAdvInterval 4;
  AdvDefaultLifetime 1800;
  prefix {prefix}/64 {{ AdvOnLink on; AdvAutonomous on; }};
}};
"""


@dataclass(frozen=True)
class Advertiser:
    """A radvd that has to run: on which node and with which configuration."""
    node: str
    configuration: str


def build(lab_name, nodes):
    """Makes the namespaces, adding each to `nodes` as soon as it exists, and cables them."""
    for name in NODES:
        nodes[name] = Node(lab_name, name)
    _prepare_routers(nodes)
    _prepare_hosts(nodes)
    _lay_cables(nodes)
    _set_addresses(nodes)


def add_home_agent(lab_name, nodes, name, address):
    """Another home agent on the home link, next to "ha"."""
    nodes[name] = Node(lab_name, name)
    _prepare_router(nodes[name])
    _connect_to_home_link(nodes, name, address)


def add_access_network(lab_name, nodes, name, prefix, number):
    """Another access network of mn, at its interface NAME0, the `number`-th of all; needs an advertiser() as well."""
    nodes[name] = Node(lab_name, name)
    _prepare_router(nodes[name])
    _connect_access_network(nodes, name, prefix, number)


def add_host(lab_name, nodes, name, address):
    """Another host that mn talks with, in a /64 of its own, at core's interface NAME-0."""
    nodes[name] = Node(lab_name, name)
    _prepare_host(nodes[name])
    router = address.rsplit("::", 1)[0] + "::1"
    connect(nodes[name], "eth0", nodes["core"], f"{name}-0")
    nodes["core"].ip(f"address add {router}/64 dev {name}-0 nodad")
    nodes[name].ip(f"address add {address}/64 dev eth0 nodad", f"route add default via {router}")


def advertiser(name, prefix):
    """Of an access network."""
    return Advertiser(name, _RADVD.format(interface="lan", prefix=prefix))


def advertisers():
    access = [advertiser(name, prefix) for name, prefix in ACCESS_NETWORKS.items()]
    return [*access, Advertiser("core", _RADVD.format(interface="home0", prefix="2001:db8:100::"))]


def _prepare_routers(nodes):
    # The addresses of routers are given and unique: without duplicate address detection they work at once. A cable that
    # was cut and is plugged in again finds them unchanged.
    for name in ("ha", "core", "wlan", "wwan"):
        _prepare_router(nodes[name])


def _prepare_router(node):
    node.sysctl(all__forwarding=1, default__forwarding=1, default__accept_dad=0, default__accept_ra=0,
                all__keep_addr_on_down=1, default__keep_addr_on_down=1)


def _prepare_hosts(nodes):
    _prepare_host(nodes["cn"])
    # The mobile node is a laptop as it comes: router advertisements, autoconfiguration, duplicate address detection.
    nodes["mn"].sysctl(all__forwarding=0, default__accept_ra=1, default__autoconf=1, default__use_tempaddr=0)


def _prepare_host(node):
    node.sysctl(default__accept_dad=0, default__accept_ra=0)


def _lay_cables(nodes):
    core = nodes["core"]
    core.ip("link add name home0 type bridge forward_delay 0 stp_state 0 mcast_snooping 0", "link set home0 up")
    _connect_to_home_link(nodes, "ha", HOME_AGENT)
    connect(nodes["cn"], "eth0", core, "cn0")


def _connect_to_home_link(nodes, name, address):
    connect(nodes[name], "home0", nodes["core"], f"port-{name}")
    nodes["core"].ip(f"link set port-{name} master home0")
    nodes[name].ip(f"address add {address}/64 dev home0 nodad", "route add default via 2001:db8:100::1")


def _set_addresses(nodes):
    nodes["cn"].ip(f"address add {CORRESPONDENT}/64 dev eth0 nodad",
                   "route add default via 2001:db8:300::1")
    core = nodes["core"]
    core.ip("address add 2001:db8:100::1/64 dev home0 nodad", "address add 2001:db8:300::1/64 dev cn0 nodad")
    for number, (name, prefix) in enumerate(ACCESS_NETWORKS.items(), start=1):
        _connect_access_network(nodes, name, prefix, number)


def _connect_access_network(nodes, name, prefix, number):
    core, link = nodes["core"], f"2001:db8:f{number}::"
    connect(nodes[name], "uplink", core, name)
    connect(nodes["mn"], f"{name}0", nodes[name], "lan")
    nodes[name].ip(f"address add {prefix}1/64 dev lan nodad", f"address add {link}2/64 dev uplink nodad",
                   f"route add default via {link}1")
    core.ip(f"address add {link}1/64 dev {name} nodad", f"route add {prefix}/64 via {link}2")
