#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Packets that wait for the router of an interface whose cable was cut.

Breaks when TCP stands still after a cut although the flow has moved: it does not retransmit a segment that still waits in
a queue of the dead interface, and the kernel keeps those for three seconds. The daemon is halted for a moment while the
cable is cut, so that segments certainly wait there; that happens by itself on a busy machine.
"""
import signal
import time

from support.case import SystemCase, main, wait_until

HALT = 0.4  # seconds without the daemon: far longer than a round trip, far shorter than the kernel's three seconds


class DeadUplink(SystemCase):
    def test_tcp_goes_on_as_soon_as_the_flow_has_moved(self):
        tcp = self.lab.tcp_flow(megabits_out=8, megabits_in=8)
        def interface():
            return next((flow["interface"] for flow in self.flows() if flow["correspondent_port"] == tcp.port), None)
        before = wait_until(interface, "the TCP flow in the flow list")
        self.lab.mobile_node.send(signal.SIGSTOP)
        self.addCleanup(self.lab.mobile_node.send, signal.SIGCONT)
        self.lab.cut(before)
        time.sleep(HALT)
        states = {state for entry in self.lab.ip_json("mn", "-6", "neighbour", "show", "dev", before) for state in entry["state"]}
        self.assertIn("INCOMPLETE", states, "no packet waits for the router: this would test nothing")
        halted_until = time.clock_gettime_ns(time.CLOCK_REALTIME)
        self.lab.mobile_node.send(signal.SIGCONT)
        wait_until(lambda: interface() not in (None, before), "the flow on the other interface")
        time.sleep(4)  # longer than the kernel would have kept the packets: the transfer has to have gone on long before
        tcp.stop()
        self.assertTrue(tcp.complete())
        pause, begin = tcp.longest_pause(tcp.server)
        after_halt = pause - (halted_until - begin) / 1e6
        # A retransmission time of up to 800 ms after the halt of 400 ms; a packet that waits would take 2600 ms.
        self.assertLess(after_halt, 1500, f"TCP stood still for {pause:.0f} ms")


if __name__ == "__main__":
    main()
