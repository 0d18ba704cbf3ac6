# SPDX-License-Identifier: GPL-3.0-or-later
"""mipflow-mnd with our home agent and a correspondent node that nobody of us wrote: foreign_correspondent_node.py."""
from judge import dissect as d

from . import foreign_nodes
from .case import INTERFACES, SYSTEM, SystemCase
from .traffic import Stream

ALWAYS = '[default]\nroute-optimization = "yes"\n'
SIGNALLING = {d.HOTI: "HoTI", d.COTI: "CoTI", d.BU: "BU"}
# A correspondent node that lets nothing in from the care-of address of before loses what is under way: at most so long.
UNDER_WAY = 0.05


class ForeignCorrespondentCase(SystemCase):
    policy = ALWAYS
    correspondent_options = ()
    mode = None

    @classmethod
    def prepare(cls):
        cls.peer = foreign_nodes.start_correspondent_node(cls.lab, SYSTEM, cls.correspondent_options)
        if cls.mode:
            cls.peer.order(f"mode {cls.mode}")
        cls.captures = {name: cls.lab.wire("mn", name) for name in INTERFACES}
        super().prepare()

    def stream(self, rate=100, path="direct"):
        stream = Stream(self.lab.namespace("mn"), self.lab.namespace("cn"), self.lab.correspondent_address, rate)
        self.addCleanup(stream.finish, 0)
        self.assertTrue(stream.wait_for_packets(), "the flow does not start")
        if path:
            self.wait_path(stream, path)
        return stream

    def wait_path(self, stream, path, timeout=15):
        return self.wait(lambda: (f := self.flow(stream.port))["path"] == path and f, f"path {path} of the flow", timeout)

    def put(self, stream, interface):
        """The flow on this interface, and straight."""
        if self.flow(stream.port)["interface"] != interface:
            self.move(self.flow(stream.port)["id"], interface)
        self.wait(lambda: (f := self.flow(stream.port))["interface"] == interface and f["path"] == "direct", f"the flow straight over {interface}")

    def bound(self):
        """home address -> care-of address, as the correspondent node has it."""
        found = {}
        for event in self.peer.events("binding_update"):
            if event["verdict"] == "accepted":
                found[event["home_address"]] = event["care_of_address"] if event["lifetime"] else None
        return {h: c for h, c in found.items() if c}

    def signalling(self, since=0.0):
        """(time, interface, kind, address) of what the mobile node has sent to the correspondent node since then, in order; the
        address is the home address, for a Care-of Test Init the care-of address."""
        found = []
        for name, capture in self.captures.items():
            for frame in capture.frames():
                layer = frame.layers[-1]
                message = layer.mobility()
                if message is not None and message.kind in SIGNALLING and frame.time >= since and d.name(layer.destination) == self.lab.correspondent_address:
                    found.append((frame.time, name, SIGNALLING[message.kind], d.name(layer.checksum_source)))
        return sorted(found)

    def data_paths(self, stream, since=0.0):
        """{(interface, "out" | "in", "direct" | "tunnel")} of the captured packets of a stream."""
        return {(name, direction, "tunnel" if len(frame.layers) > 1 else "direct")
                for name, capture in self.captures.items() for frame, direction in capture.data(stream.port) if frame.time >= since}

    def assert_nearly_lossless(self, result, rate, times=1, name=""):
        """Nothing lost on the way in; out what was under way at the time of a change."""
        self.assertEqual(result["in"][1], 0, f"{name} in: {result['in']}")
        self.assertLessEqual(result["out"][1], max(1, int(rate * UNDER_WAY)) * times, f"{name} out: {result['out']}")
