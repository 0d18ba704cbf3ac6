# SPDX-License-Identifier: GPL-3.0-or-later
"""The story itself: what is done in the lab, part by part, and what is claimed about it at the end."""

import time

from lab import wait_until

from . import picture
from .direct import PORTS, DirectPart
from .part import INTERFACES, show_command
from .report import Check, show_figures
from .traces import traces
from .tunnel import TunnelPart

_HOSTS = ("mn", "ha", "cn")

# Without a policy flows go straight as soon as they can; here both ways are to be seen.
POLICY = f"""\
[[class]]
name = "straight"
route-optimization = "yes"
match = {{ port = {list(PORTS)} }}

[default]
route-optimization = "no"
"""


class Story:
    def __init__(self, lab, teller):
        self._lab = lab
        self._teller = teller
        self.parts = [TunnelPart(lab, teller), DirectPart(lab, teller)]
        self._own_checks = []
        self.extra = {}

    @property
    def checks(self):
        return [check for part in self.parts for check in part.checks] + self._own_checks

    @property
    def phases(self):
        return [phase for part in self.parts for phase in part.phases]

    @property
    def figures(self):
        return [item for part in self.parts for item in part.figures]

    def play(self):
        self._before = traces(self._lab, _HOSTS)
        self._start_daemons()
        through_tunnel, straight = self.parts
        through_tunnel.play()
        wait_until(lambda: all(item["usable"] for item in self._lab.mipflow("interface", "list") if item["name"] in INTERFACES),
                   "both interfaces in use again")
        self._lab.wait_registered()
        straight.play()
        self.extra["udp_first_packet_on_new_interface_ms"] = [
            part.first_packet_ms(number) for part in self.parts for number in range(1, len(part.acts))]

    def _start_daemons(self):
        lab, teller = self._lab, self._teller
        teller.step("Start the home agent and the mobile node, as on real hosts")
        lab.start_home_agent()
        teller.say(f"mipflow-had serves the home network 2001:db8:100::/64 at {lab.home_agent_address}")
        lab.start_mobile_node(policy=POLICY)
        begin = time.monotonic()
        lab.wait_registered()
        teller.say(f"mipflow-mnd registered {lab.home_address} and spare home addresses after {time.monotonic() - begin:.1f} s")
        show_command(lab, teller, "interface", "list")
        show_command(lab, teller, "hoa", "list")
        self.extra["round_trip_to_home_agent_ms"] = self._measure_round_trip()

    def _measure_round_trip(self):
        """From the care-of address of wlan0 to the home agent, the median of a few echoes."""
        lab = self._lab
        done = lab.run("mn", ["ping", "-6", "-n", "-c", 9, "-i", 0.05, "-I", lab.care_of_address("wlan0"), lab.home_agent_address])
        times = sorted(float(line.split("time=")[1].split()[0]) for line in done.stdout.splitlines() if "time=" in line)
        return times[len(times) // 2] if times else None

    # ---- what is shown ----

    def show_figures(self):
        show_figures(self._teller, self.figures, INTERFACES, self.extra["round_trip_to_home_agent_ms"])

    def draw(self):
        return picture.draw(self.parts)

    # ---- what stays behind ----

    def stop_daemons(self):
        """Stops the daemons and claims that they left the hosts as they found them."""
        self._teller.step("Stop the daemons")
        codes = self._lab.stop_daemons()
        self._own_checks.append(Check("the daemons stop cleanly", set(codes.values()) == {0}, f"exit codes {codes}"))
        left = sorted(traces(self._lab, _HOSTS) - self._before)
        self._own_checks.append(Check("they leave no device, rule, route table or pinned object behind", not left, "; ".join(left)))
