# SPDX-License-Identifier: GPL-3.0-or-later
"""Two home agents on one home link, whose Router Advertisements radvd sends.

     cn ── core ──┬── ha   2001:db8:100::2, preference 10
                  └── ha2  2001:db8:100::3, preference 20
"""
import json
import signal

from lab import daemons, topology

from .case import BUILD, SystemCase, SystemLab

ANYCAST = "2001:db8:100:0:fdff:ffff:ffff:fffe"
AGENTS = {"ha": (topology.HOME_AGENT, 10), "ha2": ("2001:db8:100::3", 20)}
BEST_FIRST = [AGENTS["ha2"][0], AGENTS["ha"][0]]

RADVD = """\
interface home0 {{
  AdvSendAdvert on;
  MinRtrAdvInterval 1;
  MaxRtrAdvInterval 2;
  AdvDefaultLifetime 0;
  AdvHomeAgentFlag on;
  AdvHomeAgentInfo on;
  HomeAgentPreference {preference};
  HomeAgentLifetime 8;
  prefix {address}/64 {{ AdvOnLink on; AdvAutonomous on; AdvRouterAddr on; }};
}};
"""

# Asks at an address; prints who answered and with which list.
ASK = """
import json, os, socket, struct, sys
asker = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)
asker.settimeout(1)
identifier = os.getpid() & 0xffff
asker.sendto(struct.pack("!BBHHH", 144, 0, 0, identifier, 0), (sys.argv[1], 0))
while True:
    reply, source = asker.recvfrom(2048)
    if reply[0] == 145 and struct.unpack_from("!H", reply, 4)[0] == identifier:
        addresses = [socket.inet_ntop(socket.AF_INET6, reply[at:at + 16]) for at in range(8, len(reply), 16)]
        print(json.dumps([source[0], addresses]))
        break
"""


class TwoHomeAgentsCase(SystemCase):
    @classmethod
    def setUpClass(cls):
        cls.lab = SystemLab(BUILD)
        cls.enterClassContext(cls.lab)
        cls.start_home_agents()
        cls.prepare()

    @classmethod
    def start_home_agents(cls):
        lab = cls.lab
        topology.add_home_agent(lab.name, lab.nodes, "ha2", AGENTS["ha2"][0])
        cls.agents, cls.radvds = {}, {}
        for node, (address, preference) in AGENTS.items():
            configuration = daemons.merged(daemons.home_agent_configuration(lab.files(node)),
                                           {"home-agent-address": address, "preference": preference})
            cls.agents[node] = lab.start_daemon(node, "mipflow-had", configuration)
            cls.addClassCleanup(cls.agents[node].stop)
            file = lab.directory / f"radvd-{node}.conf"
            file.write_text(RADVD.format(address=address, preference=preference))
            cls.radvds[node] = lab.start(node, ["radvd", "-n", "-m", "stderr", "-C", file, "-p", lab.directory / f"radvd-{node}.pid"],
                                         lab.directory / f"radvd-{node}.log")

    def pull_the_plug(self, node):
        """The machine is gone: what it would say last is not heard."""
        self.lab.nodes["core"].ip(f"link set port-{node} down")
        # The last advertisements of a radvd that is stopped do not end its being a home agent: HomeAgentLifetime does.
        self.agents[node].stop(signal.SIGKILL)
        self.radvds[node].stop(signal.SIGKILL)

    @classmethod
    def ask(cls, address):
        """(who answered, the list), None when nobody did."""
        done = cls.lab.run("cn", ["/usr/bin/python3", "-c", ASK, address], check=False)
        return tuple(json.loads(done.stdout)) if done.returncode == 0 else None
