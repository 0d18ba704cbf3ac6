# SPDX-License-Identifier: GPL-3.0-or-later
"""Kea's DHCPv6 server on the lab's home link: a server that nobody of this project wrote."""

import csv
import json
import signal

from .process import LabError, wait_until

# Lease states in Kea's lease file.
ASSIGNED, DECLINED = "0", "1"


class Dhcpv6Server:
    """kea-dhcp6 on a node of the lab, on one of its interfaces. Everything that it writes is in the lab's directory.

    `lifetimes` are seconds: valid, preferred, and T1, T2. Stopped by stop(), and by the end of the lab at the latest.
    """

    def __init__(self, lab, node, interface, subnet, pool, lifetimes=(300, 200, 100, 160)):
        self._lab, self._node, self._interface = lab, node, interface
        self.directory = lab.directory / f"kea-{node}"
        self.directory.mkdir(mode=0o700, exist_ok=True)
        self.subnet, self.pool, self.lifetimes = subnet, pool, lifetimes
        self.process = None

    @property
    def lease_file(self):
        return self.directory / "leases.csv"

    @property
    def log(self):
        return self.directory / "log"

    def _configuration(self):
        valid, preferred, renew, rebind = self.lifetimes
        return {"Dhcp6": {
            "interfaces-config": {"interfaces": [self._interface]},
            "lease-database": {"type": "memfile", "persist": True, "name": str(self.lease_file), "lfc-interval": 0},
            "server-id": {"type": "EN", "enterprise-id": 32473, "identifier": "6d6970666c6f77", "persist": False},
            "valid-lifetime": valid, "preferred-lifetime": preferred, "renew-timer": renew, "rebind-timer": rebind,
            # Released and run out leases are given out again only after a while otherwise.
            "expired-leases-processing": {"reclaim-timer-wait-time": 1, "hold-reclaimed-time": 0, "flush-reclaimed-timer-wait-time": 1},
            "subnet6": [{"subnet": self.subnet, "interface": self._interface, "pools": [{"pool": self.pool}]}],
            "loggers": [{"name": "kea-dhcp6", "severity": "DEBUG", "debuglevel": 40, "output_options": [{"output": "stdout"}]}],
        }}

    def start(self):
        """Starts it, again after a stop() with the leases of before, and waits until it serves the interface."""
        configuration = self.directory / "kea-dhcp6.conf"
        configuration.write_text(json.dumps(self._configuration(), indent=1))
        environment = {"KEA_PIDFILE_DIR": str(self.directory), "KEA_LOCKFILE_DIR": str(self.directory)}
        begin = self.log.stat().st_size if self.log.exists() else 0
        self.process = self._lab.start(self._node, ["kea-dhcp6", "-c", configuration], self.log, environment)
        def serves():
            self.process.expect_running()
            return "DHCP6_STARTED" in self._text()[begin:]
        wait_until(serves, "the start of kea-dhcp6")
        if "DHCPSRV_OPEN_SOCKET_FAIL" in self._text()[begin:]:
            raise LabError(f"kea-dhcp6 can not open its sockets:\n{self.process.tail()}")
        return self

    def stop(self):
        self.process.stop()

    def kill(self):
        """Ends it without a chance to tidy up."""
        self.process.stop(signal.SIGKILL)

    def _text(self):
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def said(self, message):
        """How often its log has the message, as "DHCP6_DECLINE_LEASE"."""
        return self._text().count(message)

    def leases(self):
        """{address: row} of what its lease file says last about each address; given back ones have a valid lifetime of 0."""
        rows = {}
        if self.lease_file.exists():
            with open(self.lease_file, newline="") as lines:
                for row in csv.DictReader(lines):
                    rows[row["address"]] = row
        return rows

    def leased(self):
        """The addresses that are out."""
        return {address for address, row in self.leases().items() if row["state"] == ASSIGNED and row["valid_lifetime"] != "0"}

    def declined(self):
        return {address for address, row in self.leases().items() if row["state"] == DECLINED and row["valid_lifetime"] != "0"}
