# SPDX-License-Identifier: GPL-3.0-or-later
"""Scapy as everybody that a foreign node talks to: for the tests that judge the foreign nodes before they judge others.

    scapy (this process, namespace 1)  wire ═════ INTERFACE  a foreign node (namespace 2)
    fe80::1 router, and whoever the test wants to be

Both namespaces are anonymous: they vanish with the two processes. Importing this takes the process into namespace 1.
"""
import contextlib
import ctypes
import os
import pathlib
import subprocess
import tempfile
import threading
import time
import unittest

os.environ.setdefault("XDG_CACHE_HOME", tempfile.gettempdir())
CLONE_NEWNET = 0x40000000
LIBC = ctypes.CDLL(None, use_errno=True)
ROUTER = "fe80::1"


def new_network_namespace():
    if LIBC.unshare(CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "unshare(CLONE_NEWNET): run this test as root")


def ip(*words):
    subprocess.run(["ip", *words], check=True)


new_network_namespace()   # before scapy looks at the interfaces
from scapy.all import Ether, ICMPv6ND_NA, ICMPv6ND_NS, ICMPv6NDOptDstLLAddr, IPv6, conf  # noqa: E402
from .foreign_nodes import events  # noqa: E402

conf.verb = 0


class Wire:
    """Scapy's end of the link: answers for the router's MAC, keeps what arrives."""

    def __init__(self):
        self.socket = conf.L2socket(iface="wire")
        self.mac = self.socket.ins.getsockname()[4]
        self.mac_text = ":".join(f"{b:02x}" for b in self.mac)
        self.agent_mac = None
        self.neighbours = {ROUTER}    # addresses that are "here"
        self.arrived, self.changed = [], threading.Condition()
        threading.Thread(target=self.listen, daemon=True).start()

    def listen(self):
        while True:
            try:
                frame = self.socket.recv()
            except (OSError, ValueError):   # the link is gone: end of the test
                return
            if frame is None or frame.src == self.mac_text or not frame.haslayer(IPv6):
                continue
            self.agent_mac = frame.src
            packet = frame[IPv6]
            if packet.haslayer(ICMPv6ND_NS) and packet[ICMPv6ND_NS].tgt in self.neighbours:
                target = packet[ICMPv6ND_NS].tgt
                self.send(IPv6(src=target, dst=packet.src, hlim=255) / ICMPv6ND_NA(tgt=target, R=0, S=1, O=1)
                          / ICMPv6NDOptDstLLAddr(lladdr=self.mac_text), to=frame.src)
                continue
            with self.changed:
                self.arrived.append((time.monotonic(), packet))
                self.changed.notify_all()

    def send(self, packet, to=None):
        self.socket.send(Ether(src=self.mac_text, dst=to or self.agent_mac or "33:33:00:00:00:01") / packet)
        return time.monotonic()

    def wait(self, wanted, seconds=3.0):
        """The first packet that `wanted` accepts, taken out, with its time of arrival; None after `seconds`."""
        end = time.monotonic() + seconds
        with self.changed:
            while True:
                for entry in self.arrived:
                    if wanted(entry[1]):
                        self.arrived.remove(entry)
                        return entry
                if not self.changed.wait(end - time.monotonic()) and time.monotonic() >= end:
                    return None


class ForeignNodeCase(unittest.TestCase):
    """Starts a foreign node for every test, and sees to it that it ends in order."""
    interface = ""

    def command(self):
        """The foreign node's command line; its log has to be self.log_path."""
        raise NotImplementedError

    def setUp(self):
        stack = contextlib.ExitStack()
        self.addCleanup(stack.close)
        self.folder = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="mipflow-foreign-")))
        self.log_path = self.folder / "log.jsonl"
        self.node = subprocess.Popen(["sh", "-c", 'read go; exec "$@"', "sh", *map(str, self.command())], stdin=subprocess.PIPE,
                                     preexec_fn=new_network_namespace)
        ip("link", "add", "wire", "type", "veth", "peer", "name", self.interface, "netns", str(self.node.pid))
        stack.callback(subprocess.run, ["ip", "link", "del", "wire"], stderr=subprocess.DEVNULL)  # may be gone with its peer
        stack.callback(self.end_node)
        subprocess.run(["sysctl", "-qw", "net.ipv6.conf.wire.disable_ipv6=1"], check=True)
        subprocess.run(["nsenter", "--net", "-t", str(self.node.pid), "ip", "link", "set", self.interface, "up"], check=True)
        ip("link", "set", "wire", "up")
        self.node.stdin.write(b"go\n")
        self.node.stdin.close()
        self.wire = Wire()
        self.wait_for_event("ready")

    def end_node(self):
        self.node.terminate()
        self.assertEqual(self.node.wait(timeout=5), 0)

    def events(self, kind):
        return events(self.log_path, kind)

    def wait_for_event(self, kind, count=1):
        end = time.monotonic() + 5
        while len(self.events(kind)) < count:
            self.assertLess(time.monotonic(), end, f"no event {kind}")
            time.sleep(0.01)
        return self.events(kind)[-1]
