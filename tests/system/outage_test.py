#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cables that flap, a laptop that sleeps, state files that are damaged.

Breaks when an interface that comes and goes leaves something behind each time, when a laptop that wakes up waits for its next refresh,
when what a disk has damaged is believed, or dropped without a word.

Seen to fail, each by itself:
  a routing rule more is left behind by each flap                       there is more than before
  the files are whole, so that the daemons believe them and are silent  nobody says that they are damaged
"""
import os
import signal

from support.case import main, time
from support.faults import PLAIN_HOST, STRAIGHT, FaultCase

FLAPS = 100
LIFETIME = 10          # seconds, of a binding; asleep for longer than that


class Outage(FaultCase):
    # On wlan0 whenever it is there, so that every flap is felt.
    policy = STRAIGHT + 'interfaces = ["wlan0", "wwan0"]\n'

    def resources(self):
        """(open files, resident KiB) of the mobile node's daemon."""
        # The daemon is what the process that was started has become.
        pid = self.lab.mobile_node.pid
        with open(f"/proc/{pid}/status", encoding="ascii") as lines:
            resident = next(int(line.split()[1]) for line in lines if line.startswith("VmRSS"))
        return len(os.listdir(f"/proc/{pid}/fd")), resident

    def objects(self):
        """What an interface that comes and goes may leave behind: kinds and numbers of everything."""
        return {kind: len(lines) for kind, lines in self.snapshot("mn").items() if kind.startswith(("tc", "bpf", "rules", "nft", "links"))}

    def flap(self, times):
        for _ in range(times):
            self.lab.cut("wlan0")
            self.lab.restore("wlan0")
            time.sleep(0.03)   # not always as long as the daemon needs to see it; no pass mark

    def wait_both(self):
        self.wait(lambda: self.usable("wlan0") and self.usable("wwan0"), "both interfaces", 20)
        self.wait_settled(20)

    def test_1_interface_flaps_a_hundred_times(self):
        streams = [self.stream(), self.stream(PLAIN_HOST)]
        self.flap(FLAPS // 5)
        self.wait_both()
        files, resident = self.resources()
        objects = self.objects()
        self.flap(FLAPS)
        self.wait_both()
        self.assertTrue(all(stream.wait_for_packets(50) for stream in streams), "flows do not go on")
        files_now, resident_now = self.resources()
        self.assertLessEqual(files_now, files)
        self.assertLessEqual(resident_now, resident + 1024, "the daemon grows with every flap")
        self.assertEqual(self.objects(), objects)
        for stream in streams:
            result = stream.finish()
            # No flap is longer than a moment, so neither is what it costs.
            self.assertLess(max(gap for _, _, gap in result.values()), 3)

    def damage(self, file):
        octets = bytearray(file.read_bytes())
        octets[len(octets) // 3] ^= 0x01
        file.write_bytes(octets)

    def test_2_damaged_state_files(self):
        pinned = self.lab.mipflow("hoa", "allocate")["home_address"]
        self.lab.mipflow_run("hoa", "pin", pinned)
        state = {node: self.lab.files(node).state_directory for node in ("mn", "ha")}
        self.wait(lambda: (state["mn"] / "home-addresses").exists() and (state["ha"] / "bindings").exists(), "the state files")
        stream = self.stream(PLAIN_HOST)
        address = self.flow(stream.port)["home_address"]
        self.lab.mobile_node.stop(signal.SIGKILL)
        self.lab.home_agent.stop(signal.SIGKILL)
        said = {"mn": len(self.lab.mobile_node.output()), "ha": len(self.lab.home_agent.output())}
        self.damage(state["mn"] / "home-addresses")
        self.damage(state["ha"] / "bindings")
        self.lab.start_home_agent()
        self.lab.start_mobile_node()
        self.lab.wait_registered()
        self.assertRegex(self.lab.home_agent.output()[said["ha"]:], "bindings in .* are damaged")
        self.assertRegex(self.lab.mobile_node.output()[said["mn"]:], "home-addresses.*damaged")
        # Nothing is believed of it, and what it was for is made anew.
        self.wait(lambda: address in self.home_agent_bindings(), "the flow's home address at the home agent", 20)
        self.assertTrue(stream.wait_for_packets(20, 10), "the flow does not go on")
        self.assertEqual(self.flow(stream.port)["home_address"], address)
        self.wait_settled(20)


class Sleep(FaultCase):
    mobile_node_changes = {"timers": {"binding-lifetime": f"{LIFETIME}s"}}

    def test_laptop_sleeps_for_longer_than_its_bindings_live(self):
        stream = self.stream(PLAIN_HOST)
        address = self.flow(stream.port)["home_address"]
        self.lab.mobile_node.send(signal.SIGSTOP)
        self.addCleanup(self.lab.mobile_node.send, signal.SIGCONT)
        self.wait(lambda: address not in self.home_agent_bindings(), "the end of the binding at the home agent", 2 * LIFETIME + 10)
        self.lab.mobile_node.send(signal.SIGCONT)
        self.wait(lambda: address in self.home_agent_bindings(), "the binding again", 5)
        self.assertTrue(stream.wait_for_packets(20, 5), "the flow does not go on")
        self.assertEqual(self.flow(stream.port)["home_address"], address)
        self.wait_settled(20)


if __name__ == "__main__":
    main()
