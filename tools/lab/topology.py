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


def advertisers():
    access = [Advertiser(name, _RADVD.format(interface="lan", prefix=prefix)) for name, prefix in ACCESS_NETWORKS.items()]
    return [*access, Advertiser("core", _RADVD.format(interface="home0", prefix="2001:db8:100::"))]


def _prepare_routers(nodes):
    # The addresses of routers are given and unique: without duplicate address detection they work at once. A cable that
    # was cut and is plugged in again finds them unchanged.
    for name in ("ha", "core", "wlan", "wwan"):
        nodes[name].sysctl(all__forwarding=1, default__forwarding=1, default__accept_dad=0, default__accept_ra=0,
                           all__keep_addr_on_down=1, default__keep_addr_on_down=1)


def _prepare_hosts(nodes):
    nodes["cn"].sysctl(default__accept_dad=0, default__accept_ra=0)
    # The mobile node is a laptop as it comes: router advertisements, autoconfiguration, duplicate address detection.
    nodes["mn"].sysctl(all__forwarding=0, default__accept_ra=1, default__autoconf=1, default__use_tempaddr=0)


def _lay_cables(nodes):
    core = nodes["core"]
    core.ip("link add name home0 type bridge forward_delay 0 stp_state 0 mcast_snooping 0", "link set home0 up")
    connect(nodes["ha"], "home0", core, "port-ha")
    core.ip("link set port-ha master home0")
    connect(nodes["cn"], "eth0", core, "cn0")
    for name in ACCESS_NETWORKS:
        connect(nodes[name], "uplink", core, name)
        connect(nodes["mn"], f"{name}0", nodes[name], "lan")


def _set_addresses(nodes):
    nodes["ha"].ip(f"address add {HOME_AGENT}/64 dev home0 nodad",
                   "route add default via 2001:db8:100::1")
    nodes["cn"].ip(f"address add {CORRESPONDENT}/64 dev eth0 nodad",
                   "route add default via 2001:db8:300::1")
    core = nodes["core"]
    core.ip("address add 2001:db8:100::1/64 dev home0 nodad", "address add 2001:db8:300::1/64 dev cn0 nodad")
    for number, (name, prefix) in enumerate(ACCESS_NETWORKS.items(), start=1):
        link = f"2001:db8:f{number}::"
        nodes[name].ip(f"address add {prefix}1/64 dev lan nodad",
                       f"address add {link}2/64 dev uplink nodad",
                       f"route add default via {link}1")
        core.ip(f"address add {link}1/64 dev {name} nodad", f"route add {prefix}/64 via {link}2")
