# SPDX-License-Identifier: GPL-3.0-or-later
"""What the daemons say of themselves and of each other: whether everything is in order, and who uses what."""

import ipaddress
import json

from lab import LabError
from lab.cluster import SECONDARIES

# Counters of the data path that mean a refused packet. While nothing is wrong none of them may grow.
REFUSALS = ("no_binding", "no_route", "not_forwardable", "too_big", "wrong_tunnel_source", "inner_refused", "congestion_lost",
            "rewriting_failed", "encapsulation_failed", "ring_full", "signalling_too_long", "routing_header_refused",
            "home_address_option_refused")


def _octets(dumped):
    return bytes(int(octet, 16) for octet in dumped)


class View:
    def __init__(self, lab, streams, tell):
        self._lab = lab
        self._tell, self._ways = tell, {}   # told of every change of a stream's way
        self._streams = streams   # list of those that live, kept by the director
        self._last_interfaces = {}

    def _bound(self, node):
        return {b["home_address"]: b["care_of_address"] for b in self._lab.ask(node, "bindings") if b["state"] == "bound"}

    def flows(self):
        """{label: listed flow} of the streams, and the number of all flows."""
        listed = self._lab.ask("mn", "flows")
        found = {stream.label: flow for stream in self._streams for flow in listed if stream.is_flow(flow)}
        # In the middle of a move it may be on either.
        self._last_interfaces.update({label: flow["interface"] if flow["state"] == "active" else None for label, flow in found.items()})
        for label, flow in found.items():
            way = f"{flow['home_address']} on {flow['interface']}, {flow['path']}"
            if self._ways.get(label) != way:
                self._ways[label] = way
                self._tell(f"way: {label} {way}")
        return found, len(listed)

    def interfaces_of_streams(self):
        """{label: interface, None when it is not known}; while the mobile node's daemon is away, as they were."""
        try:
            self.flows()
        except LabError:
            pass
        return {stream.label: self._last_interfaces.get(stream.label) for stream in self._streams}

    def have_moved(self, interface, seconds):
        """Labels of streams that were on the interface in this time: they left it, or a policy put them there at the wrong moment."""
        flows, _ = self.flows()
        found = set()
        for label, flow in flows.items():
            moves = self._lab.ask("mn", "explain", id=flow["id"])["moves"]
            if any(interface in (move["from"], move["to"]) and move["ago_seconds"] <= seconds + 0.5 for move in moves):
                found.add(label)
        return found

    def usable(self):
        """Names of the interfaces that the mobile node can use."""
        return {interface["name"] for interface in self._lab.ask("mn", "interfaces") if interface["usable"]}

    def trouble(self):
        """Why not everything is in order, None when it is: mobile node, home agents and correspondent node know the same care-of
        address of every home address, each stream has a usable interface, and no delegation is under way."""
        try:
            return self._registrations() or self._streams_trouble() or self._sharing()
        except LabError as error:
            return str(error)

    def _registrations(self):
        mine = [b for b in self._lab.ask("mn", "bindings") if b["peer"] == self._lab.home_agent_address]
        theirs = self._bound("ha")
        if not mine:
            return "the mobile node has no bindings"
        for binding in mine:
            if binding["state"] != "bound":
                return f"binding of {binding['home_address']} is {binding['state']}"
            there = theirs.get(binding["home_address"])
            if there != binding["care_of_address"]:
                return f"{binding['home_address']} is at {binding['care_of_address']}, for the home agent at {there}"
        return None

    def _streams_trouble(self):
        flows, _ = self.flows()
        usable, cached = self.usable(), self._bound("cn")
        for stream in self._streams:
            flow = flows.get(stream.label)
            if flow is None:
                return f"{stream.label} has no flow"
            if flow["state"] != "active" or flow["interface"] not in usable:
                return f"{stream.label} is {flow['state']} on {flow['interface']}"
            if stream.correspondent == "cn":
                there = cached.get(flow["home_address"])
                if there not in ((flow["care_of_address"],) if flow["path"] == "direct" else (flow["care_of_address"], None)):
                    return f"{stream.label} is at {flow['care_of_address']} ({flow['path']}), for the correspondent node at {there}"
        return None

    def _sharing(self):
        running = self._lab.running()
        # What a dead secondary was told to stop it is told until its duration is over; the primary serves the home address meanwhile.
        fine = {"own", "delegated"} | ({"recalling"} if not running.keys() >= SECONDARIES.keys() else set())
        for entry in self._lab.ask("ha", "delegations"):
            if entry["state"] not in fine:
                return f"{entry['home_address']} is {entry['state']}"
        for agent in self._lab.ask("ha", "load-sharing")["agents"]:
            if agent["name"] in running and (agent["state"] not in ("serving", "draining") or agent["in_exchange"]):
                return f"secondary {agent['name']} is {agent['state']}"
        return None

    def holders(self):
        """{home address: name of the secondary that has it, "" for the primary}."""
        return {entry["home_address"]: entry["agent"] or "" for entry in self._lab.ask("ha", "delegations")}

    def misdirected(self):
        """{text} of home addresses of streams whose packets the home link does not bring to the agent that has them: the agent does
        not answer for them, or the router's neighbour cache names another one."""
        holders = {e["home_address"]: e["agent"] or "ha" for e in self._lab.ask("ha", "delegations") if e["state"] in ("own", "delegated")}
        flows, _ = self.flows()
        router = {entry["dst"]: entry.get("lladdr") for entry in self._lab.ip_json("core", "-6", "neighbour", "show", "dev", "home0")}
        stations = {self._lab.ip_json(node, "link", "show", "home0")[0]["address"]: node for node in ("ha", *SECONDARIES)}
        found = set()
        for node in {holders[a] for f in flows.values() if (a := f["home_address"]) in holders}:
            answered = {entry["dst"] for entry in self._lab.ip_json(node, "-6", "neighbour", "show", "proxy")}
            mine = {f["home_address"] for f in flows.values() if holders.get(f["home_address"]) == node}
            found |= {f"{node} does not answer for {address}" for address in mine - answered}
            found |= {f"the router sends {address} to {sent_to}, {node} has it" for address in mine
                      if (sent_to := stations.get(router.get(address))) not in (None, node)}
            found |= self._wrong_tunnels(node, mine)
        return found

    def _wrong_tunnels(self, node, home_addresses):
        """{text} of home addresses that the agent's data path tunnels elsewhere than the primary's bindings say."""
        pins = self._lab.files(node).pin_directory
        dumped = self._lab.run(node, ["bpftool", "-j", "map", "dump", "pinned", *pins.glob("maps-*/tunnels")]).stdout
        tunnels = {_octets(entry["key"]): _octets(entry["value"]) for entry in json.loads(dumped)}
        bound = self._bound("ha")
        return {f"{node} does not tunnel {address} to {bound[address]}" for address in home_addresses & bound.keys()
                if ipaddress.IPv6Address(bound[address]).packed not in tunnels.get(ipaddress.IPv6Address(address).packed, b"")}

    def home_addresses(self):
        return self._lab.ask("mn", "home-addresses")

    def without_flows(self):
        """Why not yet, None when the mobile node has no flow any more."""
        try:
            _, flows = self.flows()
            return f"{flows} flows" if flows else None
        except LabError as error:
            return str(error)

    def at_rest(self):
        """Why the mobile node is not as it is without flows, None when it is."""
        try:
            if trouble := self.without_flows():
                return trouble
            status = self._lab.ask("mn", "status")
            busy = [a["home_address"] for a in self.home_addresses() if not a["primary"] and a["state"] not in ("spare", "anchor")]
            if busy or status["spares"] != 2 or status["home_addresses_resting"]:
                return f"{status['spares']} spares, {status['home_addresses_resting']} resting, others: {busy}"
            mine = {a["home_address"] for a in self.home_addresses()}
            if (theirs := set(self._bound("ha"))) != mine:
                return f"the home agent has bindings of {sorted(theirs - mine)} besides, and none of {sorted(mine - theirs)}"
            # A correspondent node that could not be told that a flow is over keeps its binding for the lifetime, a minute, and for so
            # long the mobile node accepts what it sends.
            if left := self._bound("cn"):
                return f"the correspondent node still has bindings of {sorted(left)}"
            if left := [b["peer"] for b in self._lab.ask("mn", "bindings") if b["peer"] != self._lab.home_agent_address]:
                return f"the mobile node still has registrations with {left}"
            for node in SECONDARIES:
                if left := self._lab.ask(node, "delegations"):
                    return f"{node} still has {[entry['home_address'] for entry in left]}"
            return self.trouble()
        except LabError as error:
            return str(error)

    def refusals(self):
        """{(node, counter): packets refused} of all daemons that answer."""
        found = {}
        for node in self._lab.running():
            try:
                counters = self._lab.ask(node, "counters")
            except LabError:
                continue
            found.update({(node, name): counters[f"datapath-{name}"] for name in REFUSALS if counters.get(f"datapath-{name}")})
        return found
