# SPDX-License-Identifier: GPL-3.0-or-later
"""The laboratory of the soak: three interfaces, three home agents, two correspondent nodes.

                    home link 2001:db8:100::/64
       ha ─┬─ ha2 ─┬─ ha3 ───────── core ──────── cn   ::300::10  mipflow-cnd: flows go straight
        primary   secondaries      │  │  │  └──── cn2  ::301::10  knows nothing of Mobile IPv6: flows go by the home agent
                               wlan  wwan  usb
                                  │  │  │     each of them can be made worse by mipflow-lab-impair
                                    mn
"""

import random
import signal

from lab import Lab, LabError, topology, wait_until
from lab.cluster import SECONDARIES, ClusterMixin
from lab.control import ControlConnection

INTERFACES = ("wlan0", "wwan0", "usb0")
PLAIN_CORRESPONDENT = "2001:db8:301::10"
_USB_PREFIX = "2001:db8:3::"

# Checkpoints wait for the end of every flow: idle ones may not take three minutes for that, nor freed home addresses one to rest. What a
# mobile node that was killed has forgotten stays at the home agent for the lifetime of a binding; and refreshes shall happen.
_MOBILE_NODE = {"timers": {"udp-idle": "10s", "closed-linger": "2s", "tcp-idle": "20s", "binding-lifetime": "1min"}, "home-addresses": {"rest": "5s"}}

POLICIES = (
    '[default]\nroute-optimization = "yes"\n',
    '[default]\ninterfaces = ["wwan0", "*"]\nroute-optimization = "yes"\n',
    '[default]\ninterfaces = ["usb0", "wlan0", "*"]\nhome-address = "own"\n',
    '[default]\nroute-optimization = "no"\n',
    '[[class]]\nname = "transfers"\nmatch.protocol = "tcp"\ninterfaces = ["wlan0", "*"]\nhome-address = "class"\n'
    '[default]\ninterfaces = [{ when = { online = true } }, "*"]\nroute-optimization = "yes"\n',
)


class SoakLab(ClusterMixin, Lab):
    """Daemons by node: "mn", "ha", "ha2", "ha3", "cn"; running() says which of them should answer."""

    def _build(self):
        super()._build()
        topology.add_access_network(self.name, self.nodes, "usb", _USB_PREFIX, 3)
        topology.add_host(self.name, self.nodes, "cn2", PLAIN_CORRESPONDENT)

    def _advertise(self):
        super()._advertise()
        advertiser = topology.advertiser("usb", _USB_PREFIX)
        configuration = self.directory / "radvd-usb.conf"
        configuration.write_text(advertiser.configuration)
        self.start("usb", ["radvd", "-n", "-m", "stderr", "-C", configuration, "-p", self.directory / "radvd-usb.pid"],
                   self.directory / "radvd-usb.log")

    def wait_addresses(self):
        """Every interface of the mobile node has its address, its duplicate address detection is over, and there is a router."""
        def ready():
            routes = {route["dev"] for route in self.ip_json("mn", "-6", "route", "show", "default")}
            tentative = "tentative" in self.run("mn", ["ip", "-6", "address"]).stdout
            return not tentative and set(INTERFACES) <= routes and all(self.care_of_address(name) for name in INTERFACES)
        wait_until(ready, "addresses and routers of the mobile node", 30)

    # ---- daemons ----

    def process(self, node):
        return {"mn": self.mobile_node, "ha": self.home_agent, "cn": self.correspondent_node, **self.secondaries}.get(node)

    def running(self):
        """The daemons that run, by node."""
        return {node: process for node in ("mn", "ha", "cn", *SECONDARIES) if (process := self.process(node)) and process.running()}

    def start_on(self, node):
        """Starts the daemon of a node and waits until it answers."""
        if node == "mn":
            self.start_mobile_node(_MOBILE_NODE)
        elif node == "ha":
            self.start_primary()
        elif node == "cn":
            self.start_correspondent_node()
        else:
            self.start_secondary(node)

    def start_all(self):
        for node in ("ha", *SECONDARIES, "cn", "mn"):
            self.start_on(node)
        self.wait_agents()
        self.wait_registered()

    def kill(self, node):
        self.process(node).stop(signal.SIGKILL)

    def stop_in_order(self, node):
        """The exit code of a clean stop."""
        return self.process(node).stop(timeout=30)

    def write_policy(self, text):
        files = self.files("mn")
        files.prepare()
        (files.policy_directory / "50-lab.toml").write_text(text)

    def ask(self, node, request, **parameters):
        """The daemon's answer. LabError when there is none."""
        try:
            with ControlConnection(self.files(node).socket) as connection:
                return connection.ask(request, **parameters)
        except OSError as error:
            raise LabError(f"{node} does not answer: {error}") from error

    def log_lines(self):
        """How many lines the daemons have logged so far, by node."""
        logs = {node: self.files(node).log for node in ("mn", "ha", "cn", *SECONDARIES)}
        return {node: log.read_bytes().count(b"\n") for node, log in logs.items() if log.exists()}

    # ---- what is done to the network ----

    def agent_cable(self, name, state):
        self.nodes["core"].ip(f"link set port-{name} {state}")


def random_profile(dice: random.Random):
    """Of a bad access network: what mipflow-lab-impair understands."""
    return {"loss": round(dice.uniform(0.01, 0.10), 3), "duplicate": round(dice.choice((0, dice.uniform(0, 0.05))), 3),
            "reorder": round(dice.choice((0, dice.uniform(0, 0.05))), 3), "delay": dice.choice((0, 0, 5, 20)), "seed": dice.randrange(1 << 32)}


__all__ = ["INTERFACES", "PLAIN_CORRESPONDENT", "POLICIES", "SECONDARIES", "SoakLab", "random_profile"]
