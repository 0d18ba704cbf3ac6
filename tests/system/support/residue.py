# SPDX-License-Identifier: GPL-3.0-or-later
"""What a daemon puts into a network namespace, as text that can be compared."""
import json
import re

ROUTE_PROTOCOL = "75"
SYSCTLS = ("net.ipv6.conf.all.forwarding", "net.ipv6.conf.all.proxy_ndp", "net.ipv6.conf.default.forwarding")


def snapshot(lab, node, interfaces=()):
    """Everything of the namespace that a daemon could have left or that was lost: {kind: sorted lines}."""
    def lines(*command):
        done = lab.run(node, list(command), check=False)
        return sorted({re.sub(r"(valid_lft|preferred_lft|expires|rto|rtt) \S+|packets \d+ bytes \d+|\bindex \d+ ref \d+ bind \d+|\bid \d+|:\[\d+\]|\s+", " ", line).strip()
                       for line in done.stdout.splitlines() if line.strip()})

    links = json.loads(lab.run(node, ["ip", "-json", "link"]).stdout)
    found = {
        "links": sorted(f"{link['ifname']} mtu {link['mtu']}" for link in links),
        "addresses": [line for line in lines("ip", "-6", "-oneline", "address") if "inet6" in line],
        "rules": lines("ip", "-6", "rule"),
        "routes": [line for line in lines("ip", "-6", "route", "show", "table", "all") if "mfc" not in line],
        "nft": lines("nft", "list", "ruleset"),
        "proxies": lines("ip", "-6", "neighbour", "show", "proxy"),
        "groups": [line for line in lines("ip", "-6", "maddress") if "inet6" in line],
        "sysctls": lines("sysctl", *SYSCTLS),
    }
    for interface in interfaces:
        found[f"tc {interface}"] = (lines("tc", "qdisc", "show", "dev", interface)
                                    + lines("tc", "filter", "show", "dev", interface, "ingress")
                                    + lines("tc", "filter", "show", "dev", interface, "egress"))
        # Where the kernel links programs by tcx, tc does not show them.
        found[f"bpf {interface}"] = bpf_programs(lab, node, interface)
    return found


def bpf_programs(lab, node, interface):
    """None as long as the interface is not there: bpftool then prints an error in the place of its list."""
    done = lab.run(node, ["bpftool", "-j", "net", "show", "dev", interface], check=False)
    if done.returncode != 0:
        return []
    shown = json.loads(done.stdout)
    return sorted(f"{p.get('kind')} {p.get('name').split(':')[0]}" for part in shown for p in part.get("tc", []) if p.get("devname", interface) == interface)


def differences(before, after):
    """["kind: -line", "kind: +line"], empty when nothing changed."""
    out = []
    for kind in before:
        out += [f"{kind}: - {line}" for line in before[kind] if line not in after[kind]]
        out += [f"{kind}: + {line}" for line in after[kind] if line not in before[kind]]
    return out
