# SPDX-License-Identifier: GPL-3.0-or-later
"""BIRD, the routing daemon that operators run beside a home agent of a routed home network: what docs/operations.md shows."""

from .process import run, wait_until

_AS = 65000

_AGENT = """\
router id {identifier};
ipv6 table home_addresses;
protocol device {{ scan time 60; }}
protocol kernel {{
  kernel table 6277;
  learn;
  scan time 10;
  ipv6 {{ table home_addresses; import all; export none; }};
}}
protocol bgp to_router {{
  local {own} as {number};
  neighbor {router} as {number};
  direct;
  connect delay time 1;
  ipv6 {{
    table home_addresses;
    import none;
    export filter {{ bgp_local_pref = 1000 - krt_metric; accept; }};
    next hop self;
  }};
}}
"""

_ROUTER = """\
router id {identifier};
protocol device {{ scan time 60; }}
protocol kernel {{ ipv6 {{ import none; export where source = RTS_BGP; }}; }}
{sessions}
"""

_SESSION = """\
protocol bgp to_{name} {{
  local {own} as {number};
  neighbor {address} as {number};
  direct;
  passive;
  ipv6 {{ import all; export none; }};
}}
"""


class Bird:
    """A bird on a node. It ends with the lab."""

    def __init__(self, lab, node, configuration):
        self._lab, self._node = lab, node
        self._socket = lab.directory / f"bird-{node}.ctl"
        file = lab.directory / f"bird-{node}.conf"
        file.write_text(configuration)
        self.process = lab.start(node, ["bird", "-f", "-c", file, "-s", self._socket, "-P", lab.directory / f"bird-{node}.pid"],
                                 lab.directory / f"bird-{node}.log")

    @classmethod
    def agent(cls, lab, node, own, router):
        bird = cls(lab, node, _AGENT.format(identifier=_identifier(own), own=own, router=router, number=_AS))
        wait_until(lambda: "Established" in bird.ask("show", "protocols"), f"the BGP session of {node}", 20)
        return bird

    @classmethod
    def router(cls, lab, node, own, agents):
        """`agents`: {name: address} of whom it listens to."""
        sessions = "".join(_SESSION.format(name=name, own=own, address=address, number=_AS) for name, address in agents.items())
        return cls(lab, node, _ROUTER.format(identifier=_identifier(own), sessions=sessions))

    def ask(self, *words):
        self.process.expect_running()
        return run(["birdc", "-s", self._socket, *words], check=False).stdout


def _identifier(address):
    """A router identifier from the last group of an address."""
    return f"10.0.0.{int(address.rsplit(':', 1)[1], 16)}"
