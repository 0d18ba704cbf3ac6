# SPDX-License-Identifier: GPL-3.0-or-later
"""The laboratory as one object; see __init__.py for the picture."""

import atexit
import json
import os
import time
from pathlib import Path

from . import bpffs, daemons, removal, topology
from .capture import Capture
from .dhcpv6 import Dhcpv6Server
from .process import LabError, Process, run, wait_until
from .traffic import TcpFlow, UdpFlow

RUNTIME = Path("/run")


class Lab:
    """Makes the lab when it is entered and removes it when it is left, also by an exception or at the end of Python.

    `build_directory` is where the programs were built. Use it from the main thread; a program that shall also clean up
    after SIGTERM and SIGHUP calls removal.exit_on_signals() first.
    """

    correspondent_address = topology.CORRESPONDENT
    home_agent_address = topology.HOME_AGENT
    home_address = topology.HOME_ADDRESS

    _count = 0

    def __init__(self, build_directory):
        if os.geteuid() != 0:
            raise LabError("only root can make network namespaces: run this as root")
        Lab._count += 1
        self.build_directory = Path(build_directory).resolve()
        self.name = f"{removal.PREFIX}{os.getpid()}-{Lab._count}"
        self.directory = RUNTIME / self.name
        self.nodes = {}
        self.mobile_node = None   # Process of mipflow-mnd
        self.home_agent = None    # Process of mipflow-had
        self.correspondent_node = None  # Process of mipflow-cnd
        self._key = daemons.new_key()
        self._processes = []
        self._programs = {}
        self._captures = 0
        self._kept = False
        self.link_changes = []    # seconds since 1970 of every cut() and restore()

    def __enter__(self):
        removal.remove_abandoned()
        atexit.register(self.remove)
        try:
            self.directory.mkdir(mode=0o711)
            bpffs.acquire(self.name)
            self._build()
            self._advertise()
            wait_until(self._has_care_of_addresses, "addresses and routers of wlan0 and wwan0")
        except BaseException:
            self.remove()
            raise
        return self

    def __exit__(self, *_):
        self.remove()

    # ---- programs ----

    def program(self, name):
        """The path of a program in the build directory."""
        if name not in self._programs:
            self._programs[name] = self._find_program(name)
        return self._programs[name]

    def _find_program(self, name):
        found = [path for path in self.build_directory.rglob(name) if path.is_file() and os.access(path, os.X_OK)]
        if not found:
            raise LabError(f"{self.build_directory} has no program {name}: build it first (cmake --build {self.build_directory})")
        return found[0]

    def run(self, node, command, **options):
        """Runs a command on a node to its end; see process.run for the options."""
        return self.nodes[node].run(command, **options)

    def start(self, node, command, log=None, environment=None):
        """Starts a command on a node in the background; it ends with the lab at the latest."""
        log = log or self.directory / f"program-{len(self._processes)}.log"
        process = Process(self.nodes[node].enter(command), log, environment)
        self._processes.append(process)
        return process

    def ip_json(self, node, *words):
        """The answer of `ip -json WORDS` on a node."""
        text = run(["ip", "-n", self.nodes[node].namespace, "-json", *words]).stdout
        return json.loads(text) if text.strip() else []

    # ---- daemons ----

    def files(self, node):
        """Where the daemon of "mn", "ha" (and other home agents, "ha2"), or "cn" has its files."""
        name = {"mn": "mnd", "ha": "had", "cn": "cnd"}[node.rstrip("0123456789")]
        return daemons.DaemonFiles(self.directory / node, bpffs.pin_directory(self.name, node), name)

    def start_home_agent(self, changes=None, options=()):
        """Starts mipflow-had and waits until it answers. `changes` are laid over its configuration, see daemons.merged."""
        files = self.files("ha")
        self.home_agent = self.start_daemon("ha", "mipflow-had",
                                            daemons.merged(daemons.home_agent_configuration(files), changes or {}), options)
        return self.home_agent

    def start_dhcpv6_server(self, node="core", pool="2001:db8:100::d000 - 2001:db8:100::dfff", **options):
        """Starts Kea's DHCPv6 server on the home link, on core or on ha itself; see dhcpv6.Dhcpv6Server."""
        return Dhcpv6Server(self, node, "home0", topology.HOME_PREFIX, pool, **options).start()

    def start_correspondent_node(self, changes=None, options=()):
        """Starts mipflow-cnd on cn and waits until it answers."""
        self.correspondent_node = self.start_daemon("cn", "mipflow-cnd", changes or {}, options)
        return self.correspondent_node

    def start_mobile_node(self, changes=None, policy=None, options=()):
        """Starts mipflow-mnd and waits until it answers. `policy` is the text of its policy file."""
        files = self.files("mn")
        files.prepare()
        policy_file = files.policy_directory / "50-lab.toml"
        if policy is not None:
            policy_file.write_text(policy)
        self.mobile_node = self.start_daemon("mn", "mipflow-mnd",
                                             daemons.merged(daemons.mobile_node_configuration(files), changes or {}), options)
        return self.mobile_node

    def start_daemon(self, node, program, configuration, options=()):
        """Starts a daemon on a node and waits until it answers."""
        files = self.files(node)
        files.prepare()
        files.write_configuration(configuration)
        files.write_associations(self._key, self._agent_keys(node))
        process = self.start(node, [self.program(program), *files.arguments(), *options], files.log)
        wait_until(lambda: self._answers(process, node), f"the control socket of {program}")
        return process

    def _answers(self, process, node):
        process.expect_running()
        return self.mipflow("status", node=node) is not None

    def mipflow(self, *words, node="mn"):
        """What `mipflow WORDS --json` says about the daemon on "mn", "ha" or "cn". LabError when the command fails."""
        return json.loads(self.mipflow_run(*words, "--json", node=node).stdout)

    def mipflow_run(self, *words, node="mn", check=True):
        """Runs the command for the daemon on "mn", "ha" or "cn"; gives subprocess.CompletedProcess."""
        return self.run(node, [self.program("mipflow"), "--socket", self.files(node).socket, *words], check=check)

    def wait_registered(self, spares=2, timeout=15.0):
        """Waits until the primary home address is registered and so many spare home addresses are ready."""
        def ready():
            self.mobile_node.expect_running()
            status = self.mipflow("status")
            return status["registered"] and status["spares"] >= spares
        wait_until(ready, f"the registration of the mobile node and {spares} spare home addresses", timeout)

    # ---- cables ----

    def cut(self, interface):
        """Cuts the cable of an interface of the mobile node: it loses its carrier."""
        self.link_changes.append(time.time())
        self.nodes[interface.removesuffix("0")].ip("link set lan down")

    def restore(self, interface):
        self.link_changes.append(time.time())
        self.nodes[interface.removesuffix("0")].ip("link set lan up")

    def plug_in_at_home(self):
        """Gives the mobile node an interface eth0 on the home link."""
        core, mobile_node = self.nodes["core"], self.nodes["mn"]
        core.ip(f"link add name port-mn type veth peer name eth0 netns {mobile_node.namespace}",
                "link set port-mn master home0", "link set port-mn up")
        mobile_node.ip("link set eth0 up")

    def unplug_from_home(self):
        self.nodes["core"].ip("link delete port-mn")

    # ---- traffic and measures ----

    def capture(self, node, interface, expression="ip6"):
        """Starts a capture; see capture.Capture."""
        self._captures += 1
        path = self.directory / f"{node}-{interface}-{self._captures}.pcap"
        return Capture(self.nodes[node], interface, path, expression)

    def udp_flow(self, port=5000, **options):
        return UdpFlow(self, port, **options)

    def tcp_flow(self, port=5001, **options):
        return TcpFlow(self, port, **options)

    def care_of_address(self, interface):
        """The global address of an interface of the mobile node, None while it has none that is ready."""
        # `ip` writes empty objects for what its filters leave out.
        for link in self.ip_json("mn", "-6", "address", "show", "dev", interface, "scope", "global"):
            for address in link.get("addr_info", []):
                if "local" in address and not address.get("tentative") and not address.get("deprecated"):
                    return address["local"]
        return None

    # ---- life ----

    def _build(self):
        topology.build(self.name, self.nodes)

    def _agent_keys(self, node):
        """{address: key} of the home agents that this one shares load with."""
        return {}

    def _advertise(self):
        for advertiser in topology.advertisers():
            configuration = self.directory / f"radvd-{advertiser.node}.conf"
            configuration.write_text(advertiser.configuration)
            pid_file = self.directory / f"radvd-{advertiser.node}.pid"
            self.start(advertiser.node, ["radvd", "-n", "-m", "stderr", "-C", configuration, "-p", pid_file],
                       self.directory / f"radvd-{advertiser.node}.log")

    def _has_care_of_addresses(self):
        for process in self._processes:
            process.expect_running()
        routes = {route["dev"] for route in self.ip_json("mn", "-6", "route", "show", "default")}
        return {"wlan0", "wwan0"} <= routes and all(self.care_of_address(name) for name in ("wlan0", "wwan0"))

    def keep(self):
        """The lab stays when Python ends; removal.remove_lab(name) takes it away later."""
        self._kept = True
        (self.directory / removal.KEPT).touch()

    def stop_daemons(self):
        """Stops the daemons as systemd would and returns the exit codes of those that ran, by node."""
        codes = {}
        for node, process in (("mn", self.mobile_node), ("cn", self.correspondent_node), ("ha", self.home_agent)):
            if process:
                codes[node] = process.stop()
        return codes

    def remove(self):
        """Takes everything away. LabError when something of the lab is still there afterwards."""
        if self._kept:
            return
        atexit.unregister(self.remove)
        with removal.without_interruption():
            self.stop_daemons()
            for process in reversed(self._processes):
                process.stop(timeout=3)
            removal.remove_lab(self.name)
        if left := removal.leftovers(self.name):
            raise LabError("the lab left behind: " + ", ".join(left))
