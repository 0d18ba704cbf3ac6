# SPDX-License-Identifier: GPL-3.0-or-later
"""The peers that nobody of us wrote, placed into the lab."""
import json
import socket

from foreign.mobile_node import ForeignMobileNode
from foreign.port import Port

from .case import wait_until

NO_OFFLOADS = ["tx", "off", "gso", "off", "tso", "off"]
HOME_ROUTER, CORRESPONDENT_ROUTER = "2001:db8:100::1", "2001:db8:300::1"


def events(path, kind):
    """Of the log that foreign/program.py writes; a last line that is not finished yet is left out."""
    if not path.exists():
        return []
    lines = [line for line in path.read_text().splitlines(keepends=True) if line.endswith("\n")]
    return [e for e in map(json.loads, lines) if e["event"] == kind]


class ForeignProcess:
    """A foreign node that runs as a program of its own on a node of the lab."""

    def __init__(self, lab, node, program, words):
        self.log_path, self.control = lab.directory / f"{program.stem}.jsonl", lab.directory / f"{program.stem}.control"
        self.process = lab.start(node, [program, *words, "--log", self.log_path])
        wait_until(lambda: self.process.expect_running() or self.events("ready"), program.stem)

    def events(self, kind):
        return events(self.log_path, kind)

    def order(self, words):
        """Tells the program how to behave from now on, see foreign_correspondent_node.py; back when it does."""
        count = len(self.events("obeyed"))
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
            s.sendto(words.encode(), str(self.control))
        wait_until(lambda: len(self.events("obeyed")) > count, f"obedience to: {words}", 3)


def start_home_agent(lab, folder, prefix, options=()):
    """`folder`: where the foreign programs are."""
    # They read frames as they are on the wire: no offloads towards them.
    lab.run("core", ["ethtool", "-K", "port-ha", *NO_OFFLOADS])
    return ForeignProcess(lab, "ha", folder / "foreign_home_agent.py",
                          ["--interface", "home0", "--address", lab.home_agent_address, "--prefix", prefix, "--router", HOME_ROUTER, *options])


def start_correspondent_node(lab, folder, options=()):
    lab.run("core", ["ethtool", "-K", "cn0", *NO_OFFLOADS])
    control = lab.directory / "foreign_correspondent_node.control"
    return ForeignProcess(lab, "cn", folder / "foreign_correspondent_node.py",
                          ["--interface", "eth0", "--address", lab.correspondent_address, "--router", CORRESPONDENT_ROUTER,
                           "--control", control, *options])


def mobile_node(lab, home_addresses, care_of_addresses, access="wlan"):
    """A ForeignMobileNode in the place of ours and of our home agent; to be closed with close_mobile_node()."""
    network = {"wlan": "2001:db8:1::1", "wwan": "2001:db8:2::1"}
    lab.run("core", ["ethtool", "-K", "port-ha", *NO_OFFLOADS])
    lab.run(access, ["ethtool", "-K", "lan", *NO_OFFLOADS])
    home = Port(lab.namespace("ha"), "home0", HOME_ROUTER, home_addresses)
    visited = Port(lab.namespace("mn"), f"{access}0", network[access], care_of_addresses)
    return ForeignMobileNode(home, visited, lab.correspondent_address)


def close_mobile_node(node):
    for port in (node.home, node.visited):
        port.close()
