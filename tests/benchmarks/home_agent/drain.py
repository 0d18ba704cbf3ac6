#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long it takes to delegate many home addresses to a secondary and to empty it again, and what that costs their packets.

    drain.py [--home-addresses N] [--sampled N] [--rate PACKETS] [--routed] [--json FILE]

A primary gets N registrations, all of them from one care-of address; a secondary comes, gets all of them, and is drained. All
the time a correspondent node sends numbered packets to some of the home addresses, which are looked for at the care-of
address. Times and losses depend on the machine; the figures are printed, and judged by whoever reads them. As root.
"""
import argparse
import ipaddress
import json
import os
import pathlib
import socket
import struct
import sys
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path[:0] = [str(ROOT / "tools"), str(ROOT / "tests" / "system")]

from lab import removal, wait_until  # noqa: E402
from lab.cluster import Cluster  # noqa: E402
from support import forge  # noqa: E402
from support.namespaces import inside, packet_socket, udp_socket  # noqa: E402

CARE_OF = "2001:db8:1::1"      # the access router itself
PACE = 2000                    # Binding Updates per second: what comes faster than it is read is lost on the way


class RoutedCluster(Cluster):
    routed = True


class Sender(threading.Thread):
    """Numbered packets to home addresses in turn; a number is a destination port."""

    def __init__(self, lab, home_addresses, rate):
        super().__init__(daemon=True)
        self.socket = udp_socket(lab.nodes["cn"].namespace, lab.correspondent_address)
        self.home_addresses, self.interval = home_addresses, 1.0 / rate
        self.sent, self.going = [], True  # (home address, number, time)

    def run(self):
        begin, count = time.monotonic(), 0
        while self.going:
            home_address = self.home_addresses[count % len(self.home_addresses)]
            number = 1 + count // len(self.home_addresses)
            self.socket.sendto(b"numbered", (home_address, number))
            self.sent.append((home_address, number, time.monotonic()))
            count += 1
            time.sleep(max(0.0, begin + count * self.interval - time.monotonic()))

    def stop(self):
        self.going = False
        self.join()


class Receiver(threading.Thread):
    """What arrives at the care-of address inside of tunnels: {(home address, number): how often}."""

    def __init__(self, lab):
        super().__init__(daemon=True)
        def make():
            s = socket.socket(socket.AF_INET6, socket.SOCK_RAW, 41)
            s.setsockopt(socket.SOL_SOCKET, 33, 16 << 20)  # SO_RCVBUFFORCE
            s.bind((CARE_OF, 0))
            s.settimeout(0.2)
            return s
        self.socket = inside(lab.nodes["wlan"].namespace, make)
        self.seen, self.going = {}, True

    def run(self):
        while self.going:
            try:
                data = self.socket.recv(2048)
            except TimeoutError:
                continue
            if len(data) < 48 or data[6] != 17:
                continue
            key = (str(ipaddress.IPv6Address(data[24:40])), struct.unpack_from("!H", data, 42)[0])
            self.seen[key] = self.seen.get(key, 0) + 1

    def stop(self):
        self.going = False
        self.join()


def register(lab, home_addresses):
    """Registers them all, those again whose answer did not come."""
    router = next(x for x in lab.ip_json("core", "link", "show", "dev", "wlan") if x)["address"]
    out = packet_socket(lab.nodes["wlan"].namespace, "uplink")
    frame = bytes.fromhex(router.replace(":", "")) + b"\x02\0\0\0\0\x66" + b"\x86\xdd"
    sequence = 0
    missing = home_addresses
    while missing:
        sequence += 1
        begin = time.monotonic()
        for count, home_address in enumerate(missing):
            out.send(frame + forge.binding_update(CARE_OF, lab.home_agent_address, home_address, sequence, lifetime=3600))
            time.sleep(max(0.0, begin + count / PACE - time.monotonic()))
        time.sleep(1.5)  # duplicate address detection
        registered = bound(lab)
        missing = [a for a in home_addresses if a not in registered]


def bound(lab):
    return {b["home_address"] for b in lab.mipflow("binding", "list", node="ha") if b["state"] == "bound"}


def delegated(lab):
    return next(a for a in lab.agents() if a["name"] == "ha2")["home_addresses"]


def until(lab, what, number):
    """Seconds until the secondary has so many home addresses."""
    begin = time.monotonic()
    wait_until(lambda: delegated(lab) == number and not any(a["in_exchange"] for a in lab.agents()), what, 300, 0.05)
    return time.monotonic() - begin


def judge(sender, receiver, begin, end):
    sent = [(home, number) for home, number, at in sender.sent if begin <= at < end]
    return {"sent": len(sent), "lost": sum(1 for key in sent if key not in receiver.seen),
            "twice": sum(receiver.seen[key] - 1 for key in sent if key in receiver.seen)}


def measure(lab, options):
    prefix = lab.home_prefix.removesuffix("::/64")
    home_addresses = [f"{prefix}:0:beef:0:{number >> 16:x}:{number & 0xffff:x}" for number in range(1, options.home_addresses + 1)]
    home_addresses = [str(ipaddress.IPv6Address(a)) for a in home_addresses]
    lab.start_primary({"authentication": "none-insecure", "load-sharing": {"division": "equal", "own-weight": 0, "rest": "1s"}})
    begin = time.monotonic()
    register(lab, home_addresses)
    figures = {"home_addresses": len(home_addresses), "home_network": "routed" if options.routed else "link",
               "registration_seconds": time.monotonic() - begin}
    step = max(1, len(home_addresses) // options.sampled)
    sampled = home_addresses[::step][:options.sampled]
    receiver, sender = Receiver(lab), Sender(lab, sampled, options.rate)
    receiver.start()
    sender.start()
    wait_until(lambda: len({home for home, _ in receiver.seen}) == len(sampled), "packets for every sampled home address", 20)
    marks = [time.monotonic()]
    lab.start_secondary("ha2")
    lab.wait_agents(names=("ha2",))
    figures["delegation_seconds"] = until(lab, "all home addresses at the secondary", len(home_addresses))
    time.sleep(3)
    marks.append(time.monotonic())
    lab.mipflow_run("ha", "drain", "ha2", node="ha")
    figures["drain_seconds"] = until(lab, "the secondary empty", 0)
    time.sleep(3)
    marks.append(time.monotonic())
    sender.stop()
    time.sleep(0.5)
    receiver.stop()
    figures["delegation"] = judge(sender, receiver, marks[0], marks[1])
    figures["drain"] = judge(sender, receiver, marks[1], marks[2])
    figures["packets_per_second"] = options.rate
    return figures


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--home-addresses", type=int, default=10_000)
    parser.add_argument("--sampled", type=int, default=50)
    parser.add_argument("--rate", type=int, default=1000)
    parser.add_argument("--routed", action="store_true")
    parser.add_argument("--json", type=pathlib.Path)
    options = parser.parse_args()
    removal.exit_on_signals()
    lab = (RoutedCluster if options.routed else Cluster)(os.environ.get("MIPFLOW_BUILD", ROOT / "build" / "release"))
    with lab:
        figures = measure(lab, options)
    text = json.dumps(figures, indent=2)
    print(text)
    if options.json:
        options.json.write_text(text + "\n")


if __name__ == "__main__":
    main()
