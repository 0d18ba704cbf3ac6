# SPDX-License-Identifier: GPL-3.0-or-later
"""Kernel objects of the laboratory, in a form that two looks at a mobile node without flows have in common.

Spare home addresses differ from look to look and are called HOA; everything else has to be the same, in the same number.
"""

import ipaddress
import json
import os
import re
from collections import Counter

from lab import topology
from laboratory import INTERFACES, SECONDARIES
from support import residue

_LOOKED_AT = {"mn": INTERFACES, "cn": ("eth0",), **{node: ("home0",) for node in ("ha", *SECONDARIES)}}
_FIXED = {topology.HOME_ADDRESS, topology.HOME_AGENT, *SECONDARIES.values(), "2001:db8:100::1"}
_HOME_NETWORK = ipaddress.IPv6Network(topology.HOME_PREFIX)
_ADDRESS = re.compile(r"[0-9a-f:]*::?[0-9a-f:]+")
_SOLICITED = re.compile(r"ff02::1:ff[0-9a-f:]+")
# Maps whose entries are bindings, flows and addresses; the others have one slot for each processor or are least-recently-used.
_COUNTED_MAPS = ("arrivals", "bindings", "care_of_addresses", "departures", "home_addresses", "home_agents", "plain_bindings",
                 "routing_header_sources", "uplinks", "signalling_addresses", "tunnel_sources", "tunnels", "watched_addresses")


def _named(match):
    text = match.group()
    try:
        address = ipaddress.IPv6Address(text)
    except ValueError:
        return text
    return "HOA" if address in _HOME_NETWORK and text not in _FIXED else text


def _normalised(line):
    """mip0 gets another number with every start of a daemon."""
    return _ADDRESS.sub(_named, _SOLICITED.sub("SOLICITED", re.sub(r"^\d+: ", "", line)))


def snapshot(lab, daemons=True):
    """Counter of lines "node kind: text". `daemons`: also what the daemons have open, and their maps."""
    found = Counter()
    for node, interfaces in _LOOKED_AT.items():
        own = ("mip0",) if any(link.get("ifname") == "mip0" for link in lab.ip_json(node, "link")) else ()
        for kind, lines in residue.snapshot(lab, node, (*interfaces, *own)).items():
            found.update(f"{node} {kind}: {_normalised(line)}" for line in lines)
        found.update(f"{node} pins: {path}" for path in _pins(lab, node))
        found.update(_queues(lab, node))
    if daemons:
        for node, process in lab.running().items():
            files = Counter(_open_files(process.pid))
            # A home agent opens the file of its bindings with the first change and keeps it.
            files["bindings"] = max(1, files["bindings"])
            found.update({f"{node} open: {kind}": count for kind, count in files.items()})
            found[f"{node} threads"] = len(os.listdir(f"/proc/{process.pid}/task"))
            found.update(_map_entries(lab, node))
    return found


def differences(before, after):
    """["+3 text", "-1 text"], empty when nothing changed."""
    return [f"{after[key] - before[key]:+d} {key}" for key in sorted({*before, *after}) if after[key] != before[key]]


def _pins(lab, node):
    directory = lab.files(node).pin_directory
    return [str(path.relative_to(directory)) for path in directory.rglob("*")] if directory.exists() else []


def _queues(lab, node):
    """Sockets that wait in the namespace, by kind: those of streams are gone, so they are the daemon's."""
    text = lab.run(node, ["ss", "-H", "-a", "-n", "-6", "--raw", "--udp", "--tcp", "--packet"], check=False).stdout
    return Counter(f"{node} socket: {line.split()[0]}" for line in text.splitlines() if "TIME-WAIT" not in line)


def _open_files(pid):
    for entry in os.listdir(f"/proc/{pid}/fd"):
        try:
            target = os.readlink(f"/proc/{pid}/fd/{entry}")
        except OSError:
            continue   # closed meanwhile
        yield re.sub(r"\[\d+\]|^.*/(?=[^/]+$)", "", target)


def _map_entries(lab, node):
    found = Counter()
    for path in lab.files(node).pin_directory.rglob("*"):
        if path.name in _COUNTED_MAPS:
            done = lab.run(node, ["bpftool", "-j", "map", "dump", "pinned", path], check=False)
            found[f"{node} entries of {path.name}"] = len(json.loads(done.stdout)) if done.returncode == 0 else 0
    return found
