#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Wrong files and wrong commands: told clearly, and nothing changes.

Breaks when a wrong file is half taken, when an error does not name file, line and reason, when a failed command exits 0.
"""
import os
import socket

from support.case import SystemCase, main
from support.namespaces import inside
from support.traffic import UdpEcho, UdpFlow

USAGE, REFUSED, UNREACHABLE = 2, 1, 3

WRONG_POLICIES = {
    "no TOML": ('[[class]]\nname = "voice\n', 2),
    "unknown key": ('[[class]]\nname = "voice"\n[class.match]\nprotocoll = "udp"\n', 4),
    "unknown protocol": ('[[class]]\nname = "voice"\n\n[class.match]\nprotocol = "carrier-pigeon"\n', 5),
    "port out of range": ('[[class]]\n[class.match]\nprotocol = "udp"\nport = 65536\n', 4),
    "no prefix": ('[[class]]\n[class.match]\npeer = "2001:db8::/129"\n', 3),
    "no interface": ('[[class]]\ninterfaces = []\n', 2),
    "unknown user": ('[[class]]\n[class.match]\nuser = "nobody-has-this-name"\n', 3),
}

WRONG_CONFIGURATIONS = {
    "no TOML": (lambda text: text + "timers = [\n", None),
    "unknown key": (lambda text: 'hoem-agent = "2001:db8::1"\n' + text, 1),
    "no address": (lambda text: text.replace('home-agent = "2001:db8:100::2"', 'home-agent = "2001:db8:100::g"'), 1),
    "home address outside the prefix": (lambda text: text.replace('"2001:db8:100::10"', '"2001:db8:999::10"'), 2),
    "missing home agent": (lambda text: text.replace('home-agent = "2001:db8:100::2"\n', ""), None),
    "unknown authentication": (lambda text: text.replace('"rfc4285"', '"rfc2485"'), 5),
    "none is not enough": (lambda text: text.replace('"rfc4285"', '"none"'), 5),
    "duration without sense": (lambda text: text + '\n[timers]\nbinding-lifetime = "-3s"\n', None),
    "cap of 0": (lambda text: text + "\n[home-addresses]\ncap = 0\n", None),
    "association of another node": (lambda text: text.replace("laptop@example.org", "other@example.org"), 4),
}


class BadInput(SystemCase):
    policy = '[[class]]\nname = "first"\ninterfaces = ["wlan0", "wwan0"]\n'

    def setUp(self):
        self.files = self.lab.files("mn")
        echo = UdpEcho(self.lab.namespace("cn"), self.lab.correspondent_address)
        self.addCleanup(echo.close)
        self.client = UdpFlow(self.lab.namespace("mn"), echo.address, echo.port)
        self.addCleanup(self.client.close)
        self.assertIsNotNone(self.client.ask())

    def view(self):
        flow = self.flow(self.client.port)
        return [flow[k] for k in ("id", "class", "home_address", "interface")], set(self.home_addresses())

    # --- policy

    def test_wrong_policy_files_change_nothing(self):
        file = self.files.policy_directory / "50-lab.toml"
        before = self.view()
        for name, (text, line) in WRONG_POLICIES.items():
            with self.subTest(name):
                file.write_text(text)
                try:
                    for words in (("policy", "reload"), ("policy", "check", str(file))):
                        done = self.lab.mipflow_run(*words, check=False)
                        self.assertEqual(done.returncode, REFUSED, f"{words}: {done.stdout}{done.stderr}")
                        self.assertIn(f"{file}:{line}", done.stdout + done.stderr)
                finally:
                    file.write_text(self.policy)
                self.assertIsNotNone(self.client.ask())
                self.assertEqual(self.view(), before)
        self.assertEqual(self.lab.mipflow_run("policy", "reload").returncode, 0)

    # --- configuration

    def check(self, program="mipflow-mnd", node="mn"):
        return self.lab.run(node, [self.lab.program(program), *self.lab.files(node).arguments(), "--check"], check=False)

    def test_wrong_configurations_are_refused_with_file_and_line(self):
        file = self.files.configuration
        right = file.read_text()
        self.addCleanup(file.write_text, right)
        self.assertEqual(self.check().returncode, 0, "the right one is refused")
        for name, (change, line) in WRONG_CONFIGURATIONS.items():
            with self.subTest(name):
                wrong = change(right)
                self.assertNotEqual(wrong, right, "this case changes nothing: it tests nothing")
                file.write_text(wrong)
                done = self.check()
                self.assertNotEqual(done.returncode, 0, f"{done.stdout}{done.stderr}")
                self.assertIn(str(file) + (f":{line}" if line else ""), done.stdout + done.stderr)

    def test_security_associations_that_others_can_read_are_refused(self):
        file = self.files.associations
        self.addCleanup(self.files.protect_associations)
        for mode in (0o644, 0o660, 0o641, 0o666):
            file.chmod(mode)
            done = self.check()
            self.assertNotEqual(done.returncode, 0, oct(mode))
            self.assertIn(str(file), done.stdout + done.stderr)
            self.assertIn("0640", done.stdout + done.stderr, "what to do is not said")
        # For root alone: the daemon, which is not root, says so.
        file.chmod(0o600)
        done = self.check()
        self.assertEqual(done.returncode, 78)
        self.assertRegex(done.stderr, rf"{file}.*cannot be read by the user \d+; run: chown root:\d+ '{file}'; chmod 0640")
        # A group that is not the daemons'.
        file.chmod(0o640)
        os.chown(file, 0, 65534)
        self.assertNotEqual(self.check().returncode, 0, "a file for another group is accepted")
        os.chown(file, 65534, 65534)
        self.assertNotEqual(self.check().returncode, 0, "a file of another user is accepted")

    # --- commands

    def test_unknown_names_are_errors(self):
        before = self.view()
        flow = str(self.flow(self.client.port)["id"])
        cases = {
            ("flow", "move", "999999999", "wwan0"): (REFUSED, "999999999"),
            ("flow", "move", flow, "eth77"): (REFUSED, "eth77"),
            ("flow", "move", flow, "lo"): (REFUSED, "lo"),
            ("flow", "show", "999999999"): (REFUSED, "999999999"),
            ("hoa", "show", "2001:db8:100::dead"): (REFUSED, "2001:db8:100::dead"),
            ("hoa", "show", "wlan0"): (USAGE, "wlan0"),
            ("flow", "move", flow): (USAGE, ""),
            ("flow", "move", "first", "wwan0"): (USAGE, "first"),
            ("flow", "fly"): (USAGE, "fly"),
            ("policy", "check", "/nonexistent/policy.toml"): (REFUSED, "/nonexistent/policy.toml"),
        }
        for words, (code, named) in cases.items():
            for json in ((), ("--json",)):
                with self.subTest(" ".join(words + json)):
                    done = self.lab.mipflow_run(*words, *json, check=False)
                    self.assertEqual(done.returncode, code, done.stdout + done.stderr)
                    self.assertIn(named, done.stdout + done.stderr)
        self.assertEqual(self.view(), before)

    def test_move_to_an_interface_that_can_not_carry(self):
        self.lab.cut("wwan0")
        try:
            self.wait(lambda: not self.usable("wwan0"), "wwan0 out of use")
            done = self.lab.mipflow_run("flow", "move", str(self.flow(self.client.port)["id"]), "wwan0", check=False)
            self.assertEqual(done.returncode, REFUSED)
            self.assertIn("wwan0", done.stderr + done.stdout)
            self.assertEqual(self.flow(self.client.port)["interface"], "wlan0")
        finally:
            self.lab.restore("wwan0")
            self.wait(lambda: self.usable("wwan0"), "wwan0 back in use")

    def test_no_daemon(self):
        done = self.lab.run("mn", [self.lab.program("mipflow"), "--socket", "/nonexistent/mnd.sock", "status"], check=False)
        self.assertEqual(done.returncode, UNREACHABLE)
        self.assertIn("/nonexistent/mnd.sock", done.stderr)

    # --- control socket

    def raw_request(self, data, wait=True):
        def ask():
            s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            s.settimeout(3)
            s.connect(str(self.files.socket))
            try:
                s.sendall(data)
                return s.recv(65536) if wait else b""
            except (ConnectionError, TimeoutError):
                return b""
            finally:
                s.close()
        return inside(self.lab.namespace("mn"), ask)

    def test_garbage_on_the_control_socket(self):
        for data in (b"\n", b"{}\n", b"[1]\n", b"\xff\xfe\x00\n", b'{"version":2,"request":"status"}\n', b'{"version":1,"request":"reboot"}\n',
                     b'{"version":1,"request":"move-flow","id":-1,"interface":3}\n', b'{"version":1,"request":"flow","id":"1"}\n',
                     b"[" * 100_000 + b"\n", b"x" * 3_000_000):
            answer = self.raw_request(data)
            self.assertNotIn(b'"ok":true', answer, data[:60])
        self.assertEqual(oct(self.files.socket.stat().st_mode & 0o777), "0o660")
        self.assertTrue(self.lab.mipflow("status")["registered"])

    def test_clients_that_do_not_read_are_no_burden(self):
        clients = []

        def crowd():
            for _ in range(200):
                s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
                s.setblocking(False)
                try:
                    s.connect(str(self.files.socket))
                    s.send(b'{"version":1,"request":"flows"}\n' * 200)
                except OSError:
                    pass
                clients.append(s)
        inside(self.lab.namespace("mn"), crowd)
        try:
            self.assertIsNotNone(self.client.ask(), "packets wait for control clients")
        finally:
            for s in clients:
                s.close()
        self.wait(lambda: self.lab.mipflow("status")["registered"], "an answer after the crowd has gone", 5)


if __name__ == "__main__":
    main()
