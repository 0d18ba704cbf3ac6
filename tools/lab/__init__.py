# SPDX-License-Identifier: GPL-3.0-or-later
"""A laboratory of network namespaces for mipflow: the demo and the system tests run in it.

           2001:db8:100::/64  home link               2001:db8:300::/64
  ha ::2 ─────────────────────── ::1 core ::1 ─────────────────────── ::10 cn
  mipflow-had                        │  │             mipflow-cnd if asked for
                     2001:db8:f1::/64│  │2001:db8:f2::/64
                                  wlan  wwan     access routers, radvd
                      2001:db8:1::/64│  │2001:db8:2::/64
                                 wlan0  wwan0
                                     mn
                                 mipflow-mnd, mip0: 2001:db8:100::10

Every node is a network namespace named mipflow-lab-PID-N-NODE, every line a veth pair; the home link is a bridge in
core, so that the mobile node can be plugged in at home as well. Nothing of it touches the host's own network.

    with Lab(build_directory) as lab:
        lab.start_home_agent()
        lab.start_correspondent_node()   # without it cn is a host that knows nothing of Mobile IPv6
        lab.start_mobile_node()
        lab.wait_registered()
        lab.run("mn", ["ping", "-c1", lab.correspondent_address])
        print(lab.mipflow("flow", "list"))

Only root can make it. It needs Python's standard library, iproute2, nsenter, radvd and tcpdump, and kea-dhcp6 for
start_dhcpv6_server().
"""

from .capture import Capture, Packet
from .impairment import Impairment
from .lab import Lab
from .process import LabError, Process, wait_until
from .traffic import StreamRecord, TcpFlow, UdpFlow

__all__ = ["Capture", "Impairment", "Lab", "LabError", "Packet", "Process", "StreamRecord", "TcpFlow", "UdpFlow", "wait_until"]
