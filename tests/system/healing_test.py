#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Others take away what the daemons have in the kernel: back within a second, on each of the three hosts, under traffic.

What daemon_life_test and correspondent_daemon_test try one by one is tried here for every kind of object: nf_tables, rules,
routes, addresses, queueing disciplines, filters, the device, pins.

Breaks when notifications of traffic control, of rules, routes and addresses, or of the device are not looked at, when nobody watches
the pins, when healing costs flows more than a moment.

Seen to fail: with the home agent's daemon halted while the routes, a table's pin, all pins, and the filter of the uplink are taken
away, each of these four; with KernelTables::lacks_proxies() saying that all are there, the proxied neighbours of a home link.
"""
from support.case import main, time
from support.faults import PLAIN_HOST, FaultCase

WITHIN = 1.0  # seconds
# The kernel throws everything on the device away with it, and tells of each: more to mend than one deleted rule.
DEVICE_WITHIN = 2.0


class Healing(FaultCase):
    def prepare_host(self, node):
        self.wait(lambda: self.lab.mipflow("status")["spares"] >= 2, "a full pool")
        self.wait_settled()
        self.node, self.healthy, self.pins = node, self.snapshot(node), self.pinned_maps(node).keys()

    def wounds(self):
        return self.missing(self.healthy, self.node) + sorted(self.pins - self.pinned_maps(self.node).keys())

    def heal(self, command, within=WITHIN):
        with self.subTest(node=self.node, command=command):
            # What one look costs here and now: it can not be known better than that.
            begin = time.monotonic()
            self.assertEqual(self.wounds(), [])
            grain = time.monotonic() - begin
            done = self.lab.run(self.node, ["sh", "-c", command], check=False)
            self.assertEqual(done.returncode, 0, done.stderr)
            begin = time.monotonic()
            while wounds := self.wounds():
                self.assertLess(time.monotonic() - begin, within + 3 * grain, f"still missing: {wounds}")
            self.assertTrue(all(stream.wait_for_packets(5) for stream in self.streams), "flows do not go on")

    def setUp(self):
        self.streams = [self.stream(), self.stream(PLAIN_HOST)]

    def finish(self):
        gaps = [gap for stream in self.streams for _, _, gap in stream.finish().values()]
        self.assertLess(max(gaps), DEVICE_WITHIN + 1, "a flow stood still")
        self.assertGreater(self.lab.mipflow("counters", node=self.node).get("healed", 0), 0)

    def heal_what_all_have(self, interface):
        pins = self.lab.files(self.node).pin_directory
        self.heal(f"rm {pins}/maps-*/bindings" if self.node == "mn" else f"rm {pins}/maps-*/counters")
        self.heal(f"rm -r {pins}")
        self.heal(f"tc filter delete dev {interface} ingress")
        self.heal(f"tc qdisc delete dev {interface} clsact")
        self.heal("tc qdisc delete dev mip0 clsact", DEVICE_WITHIN)
        self.heal("ip link set mip0 down", DEVICE_WITHIN)
        self.heal(f"ip link delete mip0; rm -r {pins}", DEVICE_WITHIN)

    def rules_away(self):
        """A command that deletes every rule of ours."""
        rules = [line.split(":", 1)[0] for line in self.lab.run(self.node, ["ip", "-6", "-N", "rule"]).stdout.splitlines()]
        ours = [preference for preference in rules if 6000 <= int(preference) <= 7000]
        self.assertTrue(ours)
        return "; ".join(f"ip -6 rule delete pref {preference}" for preference in ours)

    def test_mobile_node(self):
        self.prepare_host("mn")
        self.heal(f"nft flush ruleset; {self.rules_away()}; ip -6 route flush table 6275; ip -6 address delete {self.lab.home_address}/128 dev mip0")
        self.heal_what_all_have("wlan0")
        self.finish()

    def test_home_agent(self):
        self.prepare_host("ha")
        self.heal(f"for route in $(ip -6 route show dev mip0 | cut -d ' ' -f 1); do ip -6 route delete $route dev mip0; done")
        # Of these no notification tells.
        self.heal("for address in $(ip -6 neighbour show proxy dev home0 | cut -d ' ' -f 1); do ip -6 neighbour delete proxy $address dev home0 || exit; done")
        self.heal_what_all_have("home0")
        self.finish()

    def test_correspondent_node(self):
        self.prepare_host("cn")
        self.heal(f"{self.rules_away()}; ip -6 route flush table 6276")
        self.heal_what_all_have("eth0")
        self.finish()


if __name__ == "__main__":
    main()
