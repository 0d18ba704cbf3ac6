# SPDX-License-Identifier: GPL-3.0-or-later
"""The laboratory with home agents that share the load."""

import signal

from . import daemons, topology
from .bird import Bird
from .lab import Lab
from .process import wait_until

SECONDARIES = {"ha2": "2001:db8:100::3", "ha3": "2001:db8:100::4"}
# A home network without a link: the core routes it to the primary, and host routes in it to secondaries.
ROUTED_PREFIX = "2001:db8:400::/64"
ROUTED_HOME_ADDRESS = "2001:db8:400::10"


class ClusterMixin:
    """Adds ha2 and ha3 to the home link, as secondaries of ha. With `routed` the home network is ROUTED_PREFIX."""

    routed = False

    def _build(self):
        super()._build()
        self.keys = {name: daemons.new_key() for name in SECONDARIES}
        self.secondaries = {}  # Process of mipflow-had by node
        self._birds = {}
        for name, address in SECONDARIES.items():
            topology.add_home_agent(self.name, self.nodes, name, address)
        if self.routed:
            self.home_address = ROUTED_HOME_ADDRESS
            self.nodes["core"].ip(f"route add {ROUTED_PREFIX} via {topology.HOME_AGENT} metric 2048")

    @property
    def home_prefix(self):
        return ROUTED_PREFIX if self.routed else topology.HOME_PREFIX

    def _agent_keys(self, node):
        if node == "ha":
            return {SECONDARIES[name]: key for name, key in self.keys.items()}
        return {topology.HOME_AGENT: self.keys[node]} if node in self.keys else {}

    def start_primary(self, changes=None, options=()):
        """`changes` are laid over the primary's configuration; its load sharing is manual unless they say otherwise."""
        own = {"load-sharing": {"division": "manual"},
               "secondary": [{"name": name, "address": address} for name, address in SECONDARIES.items()]}
        return self.start_home_agent(daemons.merged(daemons.merged(self._home_network("ha"), own), changes or {}), options)

    def start_secondary(self, name, changes=None, options=()):
        own = {"home-agent-address": SECONDARIES[name], "mobile-node": [],
               "primary": [{"name": "ha", "address": topology.HOME_AGENT, "prefixes": [self.home_prefix]}]}
        configuration = daemons.merged(daemons.merged(daemons.home_agent_configuration(self.files(name)), self._home_network(name)), own)
        process = self.start_daemon(name, "mipflow-had", daemons.merged(configuration, changes or {}), options)
        self.secondaries[name] = process
        return process

    def _home_network(self, name):
        if not self.routed:
            return {}
        self._start_bird(name)
        node = {"identifier": daemons.IDENTIFIER, "home-address": ROUTED_HOME_ADDRESS, "spi": daemons.SPI}
        return {"home-link": "virtual", "prefix": [{"prefix": ROUTED_PREFIX}], "mobile-node": [node]}

    def _start_bird(self, name):
        if name in self._birds:
            return
        agents = {"ha": topology.HOME_AGENT, **SECONDARIES}
        if "core" not in self._birds:
            self._birds["core"] = Bird.router(self, "core", "2001:db8:100::1", agents)
        self._birds[name] = Bird.agent(self, name, agents[name], "2001:db8:100::1")

    def start_cluster_mobile_node(self, changes=None, policy=None, spares=2):
        where = {"home-address": ROUTED_HOME_ADDRESS, "home-prefix": ROUTED_PREFIX} if self.routed else {}
        self.start_mobile_node(daemons.merged(where, changes or {}), policy)
        self.wait_registered(spares)

    def wait_agents(self, state="serving", names=tuple(SECONDARIES), timeout=10.0):
        """Waits until the primary says that these secondaries are in the state."""
        wait_until(lambda: all(agent["state"] == state for agent in self.agents() if agent["name"] in names),
                   f"{', '.join(names)} {state}", timeout)

    def agents(self):
        return self.mipflow("ha", "status", node="ha")["agents"]

    def holders(self):
        """{home address: name of the agent that intercepts it, "" for the primary itself}, as the primary says."""
        return {item["home_address"]: item["agent"] or "" for item in self.mipflow("ha", "list", node="ha")}

    def pull_the_plug(self, name):
        """The machine is gone: its cable, and its daemon without a word."""
        self.nodes["core"].ip(f"link set port-{name} down")
        self.secondaries.pop(name).stop(signal.SIGKILL)

    def plug_in(self, name):
        self.nodes["core"].ip(f"link set port-{name} up")

    def stop_daemons(self):
        codes = super().stop_daemons()
        for name, process in self.secondaries.items():
            codes[name] = process.stop()
        return codes


class Cluster(ClusterMixin, Lab):
    """See ClusterMixin."""
