# SPDX-License-Identifier: GPL-3.0-or-later
"""What daemons could leave behind."""


def traces(lab, nodes):
    """What daemons could leave behind on these hosts, as texts that can be compared."""
    found = set()
    for node in nodes:
        found |= {f"{node}: device {link['ifname']}" for link in lab.ip_json(node, "link")}
        found |= {f"{node}: rule {rule}" for rule in map(str, lab.ip_json(node, "-6", "rule"))}
        found |= {f"{node}: routes in table {route.get('table', 'main')}"
                  for route in lab.ip_json(node, "-6", "route", "show", "table", "all")}
        found |= {f"{node}: proxied neighbour {entry['dst']}" for entry in lab.ip_json(node, "-6", "neighbour", "show", "proxy")}
        found |= {f"{node}: pinned {path}" for path in lab.files(node).pin_directory.rglob("*")}
    return found
