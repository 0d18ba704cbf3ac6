#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""What somebody on the same host tries: words of netlink that are not the kernel's, the control socket, the files.

Three of them: a user without rights; a member of the group, who may ask but shall not keep others from it; a process with
CAP_NET_ADMIN in the same network namespace, a container with the host's network for example, which could do all to the network
that the daemons do, but shall not make them do it (CVE-2010-2523 and its kind).

Switched off, and what failed then:
  connect() in NetlinkSocket::open()                 test_netlink_words_to_a_port: they arrive
  the look at the sender in receive_from_kernel(),   test_netlink_words_to_a_group: they are believed
    and connect()
  may_ask() in ControlServer (always true)           test_a_user_without_rights
  O_NOFOLLOW of the lock                             test_a_lock_that_is_a_link: the daemon goes on behind it
"""
import contextlib
import errno
import json
import os
import pathlib
import socket
import subprocess
import sys

from support import netlink
from support.attack_case import AttackCase
from support.case import main
from support.forge import packed
from support.namespaces import inside

NOBODY = 65534
UNPRIVILEGED = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "--bounding-set=-all", "--inh-caps=-all"]


class LocalUser(AttackCase):
    @classmethod
    def prepare(cls):
        super().prepare()
        cls.lab.start_correspondent_node()

    def daemons(self):
        return {"mn": self.lab.mobile_node.pid, "ha": self.lab.home_agent.pid, "cn": self.lab.correspondent_node.pid}

    def assert_unchanged(self, before):
        self.assertIsNotNone(self.client.ask(), "the live flow suffered")
        self.assertEqual(self.state(), before)
        for process in (self.lab.mobile_node, self.lab.home_agent, self.lab.correspondent_node):
            process.expect_running()

    def lies(self, protocol):
        """What would do harm if it were believed."""
        link = self.lab.ip_json("mn", "link", "show", "dev", "wlan0")[0]
        router = next(r for r in self.lab.ip_json("mn", "-6", "route", "show", "default") if r["dev"] == "wlan0")["gateway"]
        refusals = b"".join(netlink.refusal(sequence, errno.EPERM) for sequence in range(1, 400))
        return {
            netlink.ROUTE: [netlink.deleted_link(link["ifindex"]), netlink.deleted_address(link["ifindex"], packed(self.care_of)),
                            netlink.deleted_default_route(link["ifindex"], packed(router)), refusals],
            netlink.NETFILTER: [netlink.queued_packet(1, bytes(40)), netlink.message(netlink.NFT_MSG_DELTABLE, b"\x0a\0\0\0"), refusals],
            netlink.SOCK_DIAG: [netlink.message(netlink.SOCK_DIAG_BY_FAMILY, bytes(72)), refusals],
        }[protocol]

    def sender(self, node, protocol):
        made = inside(self.lab.namespace(node), lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, protocol))
        self.addCleanup(made.close)
        return made

    def test_netlink_words_to_a_port(self):
        before, tried = self.state(), set()
        for node, process in self.daemons().items():
            for target in netlink.sockets_of(process):
                sender = self.sender(node, target.protocol)
                for octets in self.lies(target.protocol):
                    self.assertEqual(netlink.say(sender, (target.port, 0), octets), errno.ECONNREFUSED, f"{node}: {target} takes words of strangers")
                tried.add((node, target.protocol))
        # Those that there must be at least: else this has looked at nothing.
        self.assertLessEqual({("mn", netlink.ROUTE), ("mn", netlink.NETFILTER), ("mn", netlink.SOCK_DIAG), ("ha", netlink.ROUTE), ("cn", netlink.ROUTE)}, tried)
        self.assert_unchanged(before)

    def test_netlink_words_to_a_group(self):
        before, tried = self.state(), 0
        for node, process in self.daemons().items():
            for target in netlink.sockets_of(process):
                for group in (1 << bit for bit in range(32) if target.groups >> bit & 1):
                    for octets in self.lies(target.protocol):
                        self.assertEqual(netlink.say(self.sender(node, target.protocol), (0, group), octets), 0)
                        tried += 1
        self.assertGreater(tried, 10)
        self.assert_unchanged(before)
        # They were heard by now: what the kernel says later is.
        self.lab.nodes["mn"].ip("link set wwan0 mtu 1400")
        self.addCleanup(self.lab.nodes["mn"].ip, "link set wwan0 mtu 1500")
        self.wait(lambda: any(i["name"] == "wwan0" and i["mtu"] == 1400 for i in self.lab.mipflow("interface", "list")), "a word of the kernel's")
        self.lab.nodes["mn"].ip("link set wwan0 mtu 1500")
        self.wait(lambda: self.state() == before, "everything as before")

    def test_netlink_words_of_a_user_without_rights(self):
        """The kernel does not even let them out."""
        target = next(s for s in netlink.sockets_of(self.lab.mobile_node.pid) if s.protocol == netlink.ROUTE)
        program = ("import socket, sys\ns = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)\n"
                   f"for to in ({target.port}, 0), (0, 1):\n"
                   "    try:\n        s.sendto(bytes.fromhex(sys.argv[1]), to)\n        print('sent')\n"
                   "    except OSError as error:\n        print(error.errno)\n")
        lie = self.lies(netlink.ROUTE)[0].hex()
        done = self.lab.run("mn", [*UNPRIVILEGED, sys.executable, "-c", program, lie])
        self.assertEqual(set(done.stdout.split()) & {"sent"}, set(), done.stdout)

    # --- control socket

    @contextlib.contextmanager
    def open_way_to_socket(self):
        """The laboratory's folder is root's own; a host's /run/mipflow is not."""
        folders = [self.lab.directory, self.lab.files("mn").directory, self.lab.files("mn").runtime_directory]
        modes = [folder.stat().st_mode & 0o7777 for folder in folders]
        for folder in folders:
            folder.chmod(0o755)
        try:
            yield self.lab.files("mn").socket
        finally:
            for folder, mode in zip(folders, modes):
                folder.chmod(mode)

    def test_a_user_without_rights(self):
        requests = [{"request": "status"}, {"request": "move-flow", "id": self.flow_id, "interface": "wwan0"}, {"request": "reload-policy"}]
        program = ("import contextlib, socket, sys\ns = socket.socket(socket.AF_UNIX)\ntry:\n    s.connect(sys.argv[1])\n"
                   "    with contextlib.suppress(BrokenPipeError):\n        s.sendall(sys.argv[2].encode())\n"
                   "    print(s.makefile().readline())\nexcept PermissionError:\n    print('no way')\n")
        before = self.state()
        with self.open_way_to_socket() as path:
            for mode in (0o660, 0o666):       # as it is, and after somebody has opened it
                os.chmod(path, mode)
                for request in requests:
                    with self.subTest(mode=oct(mode), **request):
                        line = json.dumps({"version": 1, **request}) + "\n"
                        said = subprocess.run([*UNPRIVILEGED, sys.executable, "-c", program, path, line], capture_output=True, text=True, check=True).stdout
                        if mode == 0o660:
                            self.assertEqual(said.strip(), "no way")
                        else:
                            self.assertEqual(json.loads(said)["error"]["kind"], "not-permitted")
            os.chmod(path, 0o660)
        self.assert_unchanged(before)

    def test_a_flood_of_requests_that_nobody_reads(self):
        """Packets do not wait for it, and memory stays what it is."""
        def crowd():
            found = []
            for _ in range(60):
                s = socket.socket(socket.AF_UNIX)
                s.setblocking(False)
                with contextlib.suppress(OSError):
                    s.connect(str(self.lab.files("mn").socket))
                found.append(s)
            return found

        def fill(clients):
            for s in clients:
                with contextlib.suppress(OSError):
                    s.send(b'{"version":1,"request":"flows"}\n' * 5000)
        clients = crowd()
        try:
            fill(clients)
            self.assertIsNotNone(self.client.ask())
            before = self.resident()
            for _ in range(20):
                fill(clients)
                self.assertIsNotNone(self.client.ask(), "packets wait for control clients")
            self.assertLess(self.resident() - before, 16384, "KiB more")
        finally:
            for s in clients:
                s.close()
        self.wait(lambda: self.lab.mipflow_run("status", check=False).returncode == 0, "an answer when the crowd has gone", 5)

    def resident(self):
        text = pathlib.Path(f"/proc/{self.lab.mobile_node.pid}/status").read_text()
        return int(next(line.split()[1] for line in text.splitlines() if line.startswith("VmRSS")))

    # --- files

    def test_a_lock_that_is_a_link(self):
        """A daemon's own user may write to the folder, root starts the daemon: it shall not empty what a link leads to."""
        for name in ("mnd.lock", "device-mip0.lock"):
            with self.subTest(name):
                folder = self.lab.directory / f"trap-{name}"
                folder.mkdir()
                victim = folder / "victim"
                victim.write_text("precious\n")
                (folder / name).symlink_to(victim)
                files = self.lab.files("mn")
                done = self.lab.run("cn", [self.lab.program("mipflow-mnd"), "--config", files.configuration, "--runtime-dir", folder,
                                           "--pin-dir", f"{files.pin_directory}-trap", "--state-dir", folder, "--clean-up"], check=False)
                self.assertNotEqual(done.returncode, 0)
                self.assertIn(f"{folder / name} is a symbolic link", done.stderr)
                self.assertEqual(victim.read_text(), "precious\n")


if __name__ == "__main__":
    main()
