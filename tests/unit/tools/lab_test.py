#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The laboratory itself, with plain traffic: it carries packets, its cables can be cut, and nothing of it stays."""

import os
import random
import signal
import subprocess
import sys
import time
import unittest
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tools"))

from lab import Impairment, Lab, LabError, removal, wait_until  # noqa: E402

BUILD = Path(os.environ.get("MIPFLOW_BUILD", ROOT / "build/dev"))

MAKER = """
import sys, time
sys.path.insert(0, {tools!r})
from lab import Lab, removal
removal.exit_on_signals()
with Lab({build!r}) as lab:
    print(lab.name, flush=True)
    time.sleep(60)
"""


def start_maker():
    """Another Python that makes a lab; returns its process and the lab's name."""
    program = MAKER.format(tools=str(ROOT / "tools"), build=str(BUILD))
    maker = subprocess.Popen([sys.executable, "-B", "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    return maker, maker.stdout.readline().strip()


class TrafficTest(unittest.TestCase):
    def test_flows_run_over_both_access_networks_and_survive_a_cut_of_the_other(self):
        with Lab(BUILD) as lab:
            for interface in ("wlan0", "wwan0"):
                lab.run("mn", ["ping", "-6", "-c", 1, "-I", lab.care_of_address(interface), lab.home_agent_address])
            taps = {name: lab.capture("mn", name) for name in ("wlan0", "wwan0")}
            udp = lab.udp_flow(packets_per_second=500)
            tcp = lab.tcp_flow(megabits_out=4, megabits_in=2)
            wait_until(lambda: len(lab.run("cn", ["ss", "-Htn", "state", "established"]).stdout.splitlines()) == 1, "the TCP flow")
            time.sleep(1)
            udp.stop()
            tcp.stop()
            self.assertTrue(tcp.complete())
            self.assertGreater(tcp.server.summary["bytes_received"], 100_000)
            for way in (udp.outgoing, udp.incoming):
                self.assertGreater(len(way.sent), 200)
                self.assertEqual(way.lost(), [])
                self.assertEqual(way.duplicates(), 0)
            seen = {name: [packet for packet in tap.packets() if packet.destination_port == udp.port] for name, tap in taps.items()}
            source = udp.server.summary["peer"].split("]")[0].strip("[")
            used = next(name for name in seen if lab.care_of_address(name) == source)
            self.assertGreaterEqual(len(seen.pop(used)), len(udp.outgoing.sent))
            self.assertEqual(list(seen.values()), [[]])

    def test_a_bad_network_loses_what_it_says(self):
        """Sender, receiver and the network between them agree about every single packet."""
        seed = random.randrange(1 << 32)
        with Lab(BUILD) as lab, self.subTest(seed=seed):
            udp = lab.udp_flow(packets_per_second=500)
            networks = [Impairment(lab, router, loss=0.1, duplicate=0.05, reorder=0.1, reorder_by=20, delay=2, seed=seed) for router in ("wlan", "wwan")]
            wait_until(lambda: networks[0].octets() + networks[1].octets() > 300_000, "packets of the flow in one of the networks")
            counters = [network.stop() for network in networks]
            udp.stop()
            for counter, network in zip(counters, networks):
                self.assertEqual(counter["received"], counter["lost"] + counter["crowded_out"] + counter["passed"])
                self.assertEqual((counter["crowded_out"], counter["refused"], counter["overflow"]), (0, 0, 0))
                self.assertEqual(counter["lost"], len([p for p in network.packets() if p.fate == "lost"]))
            changed = [packet for network in networks for packet in network.packets(17)]
            for way, port in ((udp.outgoing, "destination_port"), (udp.incoming, "source_port")):
                numbers = {fate: sorted(int.from_bytes(p.data[8:16], "big") for p in changed if p.fate == fate and getattr(p, port) == udp.port)
                           for fate in ("lost", "duplicated")}
                self.assertEqual(way.lost(), numbers["lost"])
                self.assertEqual(way.duplicates(), len(numbers["duplicated"]))
                self.assertGreater(len(numbers["lost"]), 20)
                self.assertGreater(len(numbers["duplicated"]), 5)
                self.assertGreater(len(way.reordered()), 20)
            for router in ("wlan", "wwan"):
                self.assertNotIn("impair0", lab.run(router, ["ip", "link"]).stdout + lab.run(router, ["ip", "-6", "rule"]).stdout)

    def test_a_cut_takes_the_carrier_and_a_new_cable_brings_it_back(self):
        with Lab(BUILD) as lab:
            def carrier():
                return "LOWER_UP" in lab.ip_json("mn", "link", "show", "wlan0")[0]["flags"]
            self.assertTrue(carrier())
            lab.cut("wlan0")
            wait_until(lambda: not carrier(), "the loss of the carrier")
            with self.assertRaises(LabError):
                lab.run("mn", ["ping", "-6", "-c", 1, "-W", 1, "-I", "wlan0", "2001:db8:1::1"])
            lab.restore("wlan0")
            wait_until(carrier, "the carrier")
            wait_until(lambda: lab.run("mn", ["ping", "-6", "-c", 1, "-W", 1, "-I", "wlan0", "2001:db8:1::1"]), "the router")

    def test_the_mobile_node_can_be_plugged_in_at_home(self):
        with Lab(BUILD) as lab:
            lab.plug_in_at_home()
            wait_until(lambda: lab.care_of_address("eth0"), "an address of the home link")
            self.assertTrue(lab.care_of_address("eth0").startswith("2001:db8:100:"))
            lab.unplug_from_home()
            self.assertNotIn("eth0", [link["ifname"] for link in lab.ip_json("mn", "link")])


class RemovalTest(unittest.TestCase):
    def assert_gone(self, name):
        self.assertEqual(removal.leftovers(name), [])

    def test_nothing_stays_after_the_end_or_an_error(self):
        with Lab(BUILD) as lab:
            name = lab.name
            self.assertNotEqual(removal.leftovers(name), [])
            sleeper = lab.start("cn", ["sleep", 1000])
        self.assert_gone(name)
        self.assertFalse(sleeper.running())
        with self.assertRaises(ZeroDivisionError), Lab(BUILD) as lab:
            name = lab.name
            raise ZeroDivisionError
        self.assert_gone(name)

    def test_nothing_stays_after_an_interruption(self):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            with self.subTest(signal=number.name):
                maker, name = start_maker()
                maker.send_signal(number)
                maker.communicate(timeout=30)
                self.assertNotEqual(maker.returncode, 0)
                self.assert_gone(name)

    def test_a_lab_whose_maker_was_killed_goes_when_the_next_ones_are_made(self):
        maker, name = start_maker()
        self.assertNotEqual(removal.leftovers(name), [])
        maker.kill()
        maker.communicate(timeout=30)
        with ThreadPoolExecutor() as several:
            for done in [several.submit(removal.remove_abandoned) for _ in range(4)]:
                done.result()
        self.assert_gone(name)

    def test_a_kept_lab_stays_until_it_is_taken_away(self):
        lab = Lab(BUILD)
        with lab:
            lab.keep()
        self.addCleanup(removal.remove_lab, lab.name)
        removal.remove_abandoned()
        self.assertIn(f"files in {lab.directory}", removal.leftovers(lab.name))
        lab.run("mn", ["ping", "-6", "-c", 1, lab.correspondent_address])
        self.assertIn(lab.name, removal.kept_labs())
        removal.remove_kept([lab.name])
        self.assert_gone(lab.name)


if __name__ == "__main__":
    unittest.main()
