# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules about data that is not route-optimised: what may be seen on a visited link, and in which tunnel."""
from . import dissect as d


# The data path goes elsewhere before the Binding Update leaves that says so: a packet may be quicker, on a busy host by so much. The
# home agent refuses it.
_QUICKER_S = 0.05


class Tunnels:
    def __init__(self, expectations, verdict, frames):
        self.expectations, self.verdict = expectations, verdict
        self.first_updates = {}     # (home address, care-of address that a Binding Update named) -> when
        for frame in frames:
            layer, message = frame.outer, frame.outer.mobility()
            if message is not None and message.is_update and layer.home_address and layer.destination == expectations.home_agent:
                self.first_updates.setdefault((layer.home_address, layer.source), frame.time)

    def see(self, frame):
        layer = frame.outer
        if layer.upper == d.IPV6_IN_IPV6:
            self.tunnel(frame)
        elif self.expectations.on_access_link:
            for address in (layer.source, layer.destination):
                self.verdict.require(not self.expectations.is_home_address(address), frame, "leak",
                                     f"home address {d.name(address)} is seen outside the tunnel")

    def tunnel(self, frame):
        require, outer = self.verdict.require, frame.outer
        if len(frame.layers) < 2:
            self.verdict.complain(frame, "tunnel", "inner packet can not be read")
            return
        inner = frame.layers[1]
        home_agent = self.expectations.home_agent
        if outer.destination == home_agent:
            home_address, care_of_address = inner.source, outer.source
        else:
            require(outer.source == home_agent, frame, "tunnel-addresses", f"neither end is the home agent: {d.name(outer.source)}")
            home_address, care_of_address = inner.destination, outer.destination
        require(self.expectations.is_home_address(home_address), frame, "tunnel-addresses",
                f"inner address {d.name(home_address)} is no home address")
        if self.expectations.from_the_start:
            registered = self.first_updates.get((home_address, care_of_address))
            quicker = _QUICKER_S if outer.destination == home_agent else 0
            require(registered is not None and registered <= frame.time + quicker, frame, "tunnel-addresses",
                    f"{d.name(care_of_address)} was never registered for {d.name(home_address)} until then")
        require(not outer.headers, frame, "tunnel", "outer header has extension headers or is a fragment")
        require(outer.hop_limit >= 32, frame, "hop-limit", f"outer hop limit is {outer.hop_limit}")
        require(inner.hop_limit >= 1, frame, "hop-limit", "inner hop limit is 0")
        for address in (inner.source, inner.destination):
            require(address[:2] != b"\xfe\x80" and address[:2] not in (b"\xff\x01", b"\xff\x02"), frame, "tunnel",
                    f"link-local {d.name(address)} inside the tunnel")
