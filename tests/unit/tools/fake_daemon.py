# SPDX-License-Identifier: GPL-3.0-or-later
"""A mobile node's control socket with two interfaces and a few flows, for tests of the command as a whole program. Its
answers have the shape of docs/schema/; what the command asks is written down in `asked`."""

import copy
import json
import os
import socket
import tempfile
import threading


def flow(number, **changes):
    out = {"id": number, "class": "web", "protocol": "tcp", "source": "2001:db8:1::101", "source_port": 40000 + number,
           "correspondent": "2001:db8:3::1", "correspondent_port": 443,
           "owner": {"user": 0, "group": 0, "process": 4711, "program": "/usr/bin/curl", "cgroup": "/user.slice", "unit": None,
                     "wanted_class": None, "wanted_interface": None},
           "rule_origin": None, "rule_layer": "built in", "home_address": "2001:db8:1::101", "home_address_reason": "it is its own",
           "care_of_address": "2001:db8:a::1", "interface": "wlan0", "interface_reason": "policy class 'web'", "path": "tunnel",
           "path_reason": "it is short", "state": "active", "initiated_by": "mobile-node", "packets_out": 10, "bytes_out": 1000,
           "packets_in": 20, "bytes_in": 20000, "idle_seconds": 0.1, "moves_with": []}
    return {**out, **changes}


def interface(index, name, **changes):
    out = {"index": index, "name": name, "kind": "wifi", "up": True, "running": True, "usable": True, "why_not": None, "online": True,
           "round_trip_seconds": 0.012345, "loss_per_mille": 5, "metered": False, "care_of_address": "2001:db8:a::1",
           "router": "fe80::1", "mtu": 1500, "flows": 2}
    return {**out, **changes}


def home_address(text, **changes):
    out = {"home_address": text, "primary": False, "care_of_address": "2001:db8:a::1", "interface": "wlan0", "state": "registered",
           "flows": [7], "lifetime_seconds": 590.0, "origin": "prefix", "deprecated": False, "valid_for_seconds": None,
           "pinned": False, "note": None}
    return {**out, **changes}


STATUS = {"role": "mobile-node", "version": "0.1.0", "registered": True, "at_home": False, "home_agent": "2001:db8:1::1",
          "home_agent_origin": "configured", "served_for_seconds": 12.0, "home_agents": ["2001:db8:1::1"], "home_agent_search": None,
          "primary_home_address": "2001:db8:1::100", "authentication": "rfc4285", "flows": 2, "home_addresses": 2,
          "home_address_cap": 64, "home_addresses_resting": 0, "spares": 1, "address_mechanisms": ["prefix"], "usable_interfaces": 2,
          "network_policy": None, "home_agent_clock_seconds": 0.0, "socket_addresses": "on", "runs_as": "_mipflow",
          "capabilities": ["CAP_NET_ADMIN", "CAP_BPF"], "problems": [], "uptime_seconds": 12.5}
BINDING = {"peer": "2001:db8:1::1", "home_address": "2001:db8:1::101", "care_of_address": "2001:db8:a::1", "state": "bound",
           "sequence": 7, "lifetime_seconds": 590.0, "last_status": "accepted"}
CLASS = {"name": "default", "interfaces": ["*"], "never": [], "return_after_seconds": 0.0, "home_address": "figure-6",
         "route_optimization": "prefer", "bypass": False, "layer": "built in", "user": None, "origin": None}
EFFECT = {"id": 7, "class_before": "web", "class_after": "voice", "interface_before": "wlan0", "interface_after": "wwan0", "note": None}
MOVES = {"moves": 3, "gap_bounds": [0.001, 0.01, 0.1, 1.0], "gaps": [0, 1, 2, 2], "sum_of_gaps": 0.0567, "measured_gaps": 3,
         "retransmission_bounds": [0.0, 1.0, 10.0], "retransmissions": [1, 1, 2], "sum_of_retransmissions": 9.0,
         "measured_retransmissions": 2}


class FakeDaemon:
    """Serves in a thread of its own from `with` on. Tests change `flows` and so on under `lock`."""

    def __init__(self):
        self.lock = threading.RLock()
        self.flows = [flow(7), flow(12, interface="wwan0", **{"class": 'say "hello"\\'})]
        self.interfaces = [interface(3, "wlan0"), interface(4, "wwan0", kind="cellular", online=None, round_trip_seconds=None, loss_per_mille=None)]
        self.asked = []
        self.changed = threading.Condition(self.lock)

    def __enter__(self):
        self._folder = tempfile.TemporaryDirectory(prefix="mipflow-fake-daemon-")
        self.path = os.path.join(self._folder.name, "mnd.sock")
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(self.path)
        self._listener.listen(16)
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def __exit__(self, *_):
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._folder.cleanup()

    def was_asked(self, name, seconds=20):
        """Waits until a request of this name has come, and gives it."""
        with self.changed:
            found = lambda: next((request for request in self.asked if request["request"] == name), None)
            self.changed.wait_for(found, timeout=seconds)
            return found()

    def _serve(self):
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._answer, args=(client,), daemon=True).start()

    def _answer(self, client):
        with client, client.makefile("rw") as lines:
            for line in lines:
                request = json.loads(line)
                with self.changed:
                    self.asked.append(request)
                    answer = self._result(request)
                    self.changed.notify_all()
                try:
                    lines.write(json.dumps(answer) + "\n")
                    lines.flush()
                except OSError:
                    return

    def _find(self, number):
        return next((each for each in self.flows if each["id"] == number), None)

    def _result(self, request):
        name = request["request"]
        if "id" in request and self._find(request["id"]) is None:
            return {"version": 1, "ok": False, "error": {"kind": "unknown-flow", "message": f"There is no flow {request['id']}."}}
        try:
            return {"version": 1, "ok": True, "result": copy.deepcopy(self._value(name, request))}
        except KeyError:
            return {"version": 1, "ok": False, "error": {"kind": "unknown-request", "message": f"There is no request {name}."}}

    def _value(self, name, request):
        number = request.get("id", 7)
        if name == "explain":
            return {**self._find(number), "interfaces": [{"interface": "wlan0", "chosen": True, "reason": "the first choice"}], "moves": [],
                    "trial": getattr(self, "trial", None)}
        if name in ("move-flow", "try-flow"):
            before = self._find(number)["interface"]
            self._find(number)["interface"] = request["interface"]
            if name == "move-flow":
                return {"id": number, "interface": request["interface"], "moves_with": []}
            self.trial = {"from": before, "to": request["interface"], "ends_in_seconds": request["seconds"], "outcome": "running", "reason": None}
            return {"id": number, "interface": request["interface"], "from": before, "seconds": request["seconds"]}
        if name == "undo-move":
            self._find(number)["interface"] = "wlan0"
            return {"id": number, "interface": "wlan0"}
        address = request.get("home_address")
        return {
            "status": STATUS, "flows": self.flows, "flow": self._find(number), "keep-flow": {"id": number}, "release-flow": {"id": number},
            "home-addresses": [home_address("2001:db8:1::100", primary=True), home_address("2001:db8:1::101")],
            "home-address": home_address(address), "allocate-home-address": {"home_address": "2001:db8:1::102"},
            "free-home-address": {"home_address": address}, "pin-home-address": {"home_address": address, "pinned": request.get("pinned")},
            "interfaces": self.interfaces, "bindings": [BINDING], "policy-show": {"classes": [CLASS], "network_version": None},
            "policy-test": {"effects": [EFFECT], "objection": ""}, "policy-reload": {"moved": [7], "changed": [EFFECT]},
            "user-policy": {"moved": []}, "reload": {}, "move-statistics": MOVES, "counters": {"binding-updates": 17},
        }[name]
