# SPDX-License-Identifier: GPL-3.0-or-later
"""Configuration files of the daemons and their command lines, as they would be on real hosts."""

import json
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from . import topology

# Whom the daemons become: a number that nobody has, so that it need not be in the machine's list of users (systemd leaves it free
# as well). What the daemons may in the lab is what they may everywhere.
USER = 61000

IDENTIFIER = "laptop@example.org"
SPI = 4096


def toml(values):
    """TOML text of nested dictionaries: tables, arrays of tables, and plain values."""
    return "".join(_table(values, ()))


def _table(values, path):
    tables = {}
    for key, value in values.items():
        if isinstance(value, dict) or (isinstance(value, list) and value and isinstance(value[0], dict)):
            tables[key] = value
        else:
            yield f"{key} = {_value(value)}\n"
    for key, value in tables.items():
        inside = (*path, key)
        if isinstance(value, dict):
            yield f"\n[{'.'.join(inside)}]\n"
            yield from _table(value, inside)
        else:
            for item in value:
                yield f"\n[[{'.'.join(inside)}]]\n"
                yield from _table(item, inside)


def _value(value):
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(_value, value)) + "]"
    if isinstance(value, Path):
        value = str(value)
    # What JSON writes for texts, numbers and booleans is TOML as well.
    return json.dumps(value)


def merged(values, changes):
    """`values` with `changes` laid over them, table by table; None takes a key out."""
    out = dict(values)
    for key, change in changes.items():
        if change is None:
            out.pop(key, None)
        elif isinstance(change, dict) and isinstance(out.get(key), dict):
            out[key] = merged(out[key], change)
        else:
            out[key] = change
    return out


@dataclass
class DaemonFiles:
    """Where a daemon of the lab keeps everything: nothing is shared with a daemon of the host or of another lab."""
    directory: Path
    pin_directory: Path
    name: str  # mnd, had or cnd

    @property
    def configuration(self):
        return self.directory / f"{self.name}.toml"

    @property
    def associations(self):
        return self.directory / "security-associations.toml"

    @property
    def policy_directory(self):
        return self.directory / "policy.d"

    @property
    def runtime_directory(self):
        return self.directory / "run"

    @property
    def state_directory(self):
        return self.directory / "state"

    @property
    def socket(self):
        return self.runtime_directory / f"{self.name}.sock"

    @property
    def log(self):
        return self.directory / "log"

    def prepare(self):
        for directory in (self.directory, self.policy_directory):
            directory.mkdir(mode=0o755, parents=True, exist_ok=True)
        for directory in (self.runtime_directory, self.state_directory):
            directory.mkdir(mode=0o700, exist_ok=True)

    def write_configuration(self, values):
        self.configuration.write_text(toml(values))

    def write_associations(self, key, agent_keys):
        """`agent_keys` {address: key} are those of home agents that share load."""
        self.associations.touch(mode=0o600)
        self.protect_associations()
        agents = [{"address": address, "key": shared} for address, shared in agent_keys.items()]
        self.associations.write_text(toml({"association": [{"identifier": IDENTIFIER, "spi": SPI, "key": key}],
                                           **({"agent": agents} if agents else {})}))

    def protect_associations(self, mode=0o640):
        """For root and the daemons, as `mipflow setup` leaves them; or with another mode."""
        protect_keys(self.associations, mode)

    def arguments(self):
        state = ["--state-dir", self.state_directory] if self.name in ("had", "mnd") else []
        return ["--user", USER, "--config", self.configuration, "--runtime-dir", self.runtime_directory, "--pin-dir", self.pin_directory, *state]


def protect_keys(file, mode=0o640):
    os.chown(file, 0, USER)
    file.chmod(mode)


def new_key():
    return secrets.token_hex(32)


def mobile_node_configuration(files):
    return {
        "home-agent": topology.HOME_AGENT,
        "home-address": topology.HOME_ADDRESS,
        "home-prefix": topology.HOME_PREFIX,
        "identifier": IDENTIFIER,
        "authentication": "rfc4285",
        "security-associations": files.associations,
        "policy-directory": files.policy_directory,
    }


def home_agent_configuration(files):
    return {
        "home-agent-address": topology.HOME_AGENT,
        "home-link": "home0",
        "security-associations": files.associations,
        "prefix": [{"prefix": topology.HOME_PREFIX}],
        "mobile-node": [{"identifier": IDENTIFIER, "home-address": topology.HOME_ADDRESS, "spi": SPI}],
    }
