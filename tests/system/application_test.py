#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Flows by who they belong to: rules by program, user, group, control group and unit, `mipflow run`, libmipflow, and who is let in.

Breaks when a first packet goes before its program is known although a rule asks for it, when what a program starts is not taken
for it, when a group of `mipflow run` stays behind, or when a stranger may ask.
"""
import os
import pathlib
import shutil
import subprocess

from support.case import SystemCase, main
from support.groups import cgroup_root
from support.traffic import UdpEcho

USER, GROUP = 4242, 4343
UNIT = f"mipflow-test-{os.getpid()}.service"

POLICY = f"""
[[class]]
name = "blue"
interfaces = ["wlan0"]
match.program = "*/blue"

[[class]]
name = "red"
interfaces = ["wwan0"]
match.program = "*/red"

[[class]]
name = "alice"
interfaces = ["wwan0"]
match.user = "{USER}"

[[class]]
name = "musicians"
interfaces = ["wlan0"]
match.group = "{GROUP}"

[[class]]
name = "unit"
interfaces = ["wwan0"]
match.unit = "{UNIT}"

[[class]]
name = "voice"
interfaces = ["wwan0", "wlan0"]
selectable = "only"

[[class]]
name = "closed"
interfaces = ["wlan0"]
match.port = 9

[default]
interfaces = ["wlan0", "wwan0"]
"""

# Sends a datagram four times a second to where its arguments say, until it is killed.
CLIENT = r"""
import socket, sys, time
s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
s.connect((sys.argv[1], int(sys.argv[2])))
print(s.getsockname()[1], flush=True)
while True:
    s.send(b"x" * 20)
    time.sleep(0.25)
"""


class Applications(SystemCase):
    policy = POLICY

    @classmethod
    def prepare(cls):
        super().prepare()
        cls.lab.directory.chmod(0o755)  # users are to find their programs
        cls.client = cls.lab.directory / "client.py"
        cls.client.write_text(CLIENT)
        cls.started = 0

    def setUp(self):
        self.wait(lambda: self.lab.mipflow("status")["spares"] == 2, "a full pool")
        self.echo = UdpEcho(self.lab.namespace("cn"), self.lab.correspondent_address)
        self.addCleanup(self.echo.close)

    def run_words(self, *words):
        cgroup_root()
        return [self.lab.program("mipflow"), "--socket", self.lab.files("mn").socket, "run", *words]

    def begin(self, *before, program=None):
        """The flow of a client that is started with these words before it."""
        log = self.lab.directory / f"client-{Applications.started}.log"
        Applications.started += 1
        process = self.lab.start("mn", [*before, program or "/usr/bin/python3", self.client, self.echo.address, self.echo.port], log)
        self.addCleanup(process.stop)
        port = int(self.wait(lambda: log.read_text().strip() or process.expect_running(), "the client's port"))
        self.wait(lambda: self.flow(port)["owner"], "the flow's owner")
        return self.flow(port)

    def copy_of_python(self, name):
        # A copy, not a link: /proc names the file that runs.
        copy = self.lab.directory / name
        shutil.copy2(os.path.realpath("/usr/bin/python3"), copy)
        return copy

    def test_two_programs_two_interfaces(self):
        for name, interface in (("blue", "wlan0"), ("red", "wwan0")):
            program = self.copy_of_python(name)
            flow = self.begin(program=program)
            self.assertEqual((flow["class"], flow["interface"]), (name, interface))
            self.assertEqual(flow["owner"]["program"], str(program))
            # Not moved there afterwards: from its first packet on.
            self.assertEqual(self.lab.mipflow("flow", "explain", str(flow["id"]))["moves"], [])

    def test_user(self):
        flow = self.begin("setpriv", f"--reuid={USER}", "--regid=77", "--clear-groups", "--")
        self.assertEqual((flow["class"], flow["interface"], flow["owner"]["user"]), ("alice", "wwan0", USER))

    def test_group(self):
        flow = self.begin("setpriv", f"--regid={GROUP}", "--clear-groups", "--")
        self.assertEqual((flow["class"], flow["interface"], flow["owner"]["group"]), ("musicians", "wlan0", GROUP))

    def test_unit(self):
        folder = cgroup_root() / UNIT
        folder.mkdir()
        self.addCleanup(lambda: self.wait(lambda: self.removed(folder), "the end of the test's own group"))
        flow = self.begin("sh", "-c", f'echo $$ > {folder}/cgroup.procs; exec "$@"', "sh")
        self.assertEqual((flow["class"], flow["interface"]), ("unit", "wwan0"))
        self.assertEqual((flow["owner"]["unit"], flow["owner"]["cgroup"]), (UNIT, f"/{UNIT}"))

    @staticmethod
    def removed(folder):
        try:
            folder.rmdir()
        except OSError:
            return False
        return True

    def test_run_via_an_interface(self):
        flow = self.begin(*self.run_words("--via", "wwan0", "--", "sh", "-c", '"$@"; true', "sh"))  # a child of the program
        self.assertEqual((flow["class"], flow["interface"]), ("default", "wwan0"))
        self.assertEqual(flow["owner"]["wanted_interface"], "wwan0")
        self.assertIn("mipflow-run-", flow["owner"]["cgroup"])

    def test_run_in_a_class(self):
        flow = self.begin(*self.run_words("--class", "voice"))
        self.assertEqual((flow["class"], flow["interface"]), ("voice", "wwan0"))
        # Nothing else gets there.
        self.assertEqual(self.begin()["class"], "default")

    def test_the_group_goes_with_the_program(self):
        before = cgroup_root().joinpath(*pathlib.Path("/proc/self/cgroup").read_text().split("0::")[1].strip().split("/"))
        done = self.lab.run("mn", self.run_words("--via", "wlan0", "cat", "/proc/self/cgroup"))
        group = cgroup_root() / done.stdout.split("0::")[1].strip().lstrip("/")
        self.assertEqual(group.parent, before)
        self.assertTrue(group.name.startswith("mipflow-run-"))
        self.wait(lambda: not group.exists(), "the end of the empty group", 15)

    def test_run_is_as_if_run_directly(self):
        def run(*words, **options):
            return self.lab.run("mn", self.run_words("--via", "wlan0", *words), check=False, **options)
        self.assertEqual(run("sh", "-c", "exit 7").returncode, 7)
        self.assertEqual(run("sh", "-c", "kill -TERM $$").returncode, -15)
        self.assertEqual(run("--", "cat", text_input="in and out").stdout, "in and out")
        self.assertEqual(run("sh", "-c", 'printf "%s|" "$@"', "sh", "--via", "two words", "").stdout, "--via|two words||")
        self.assertEqual(run("/nowhere/program").returncode, 127)
        self.assertEqual(run("/etc/passwd").returncode, 126)

    def test_run_is_refused_before_the_program_starts(self):
        for words, reason in ((("--via", "eth9"), "there is wlan0, wwan0"), (("--class", "nonsense"), "may be asked for: voice"),
                              (("--class", "closed"), "selectable = true"), ((), "usage: mipflow run")):
            done = self.lab.run("mn", self.run_words(*words, "echo", "it runs"), check=False)
            self.assertEqual((done.returncode, done.stdout), (125, ""), words)
            self.assertIn(reason, done.stderr)

    def test_the_example_of_the_library(self):
        log = self.lab.directory / "call.log"
        call = self.lab.start("mn", ["env", f"MIPFLOW_SOCKET={self.lab.files('mn').socket}", self.lab.program("mipflow-example-call"),
                                     self.echo.address, self.echo.port, 4, "wlan0"], log)
        self.assertEqual(call.wait(20), 0, log.read_text())
        lines = log.read_text().splitlines()
        self.assertRegex(lines[0], r"^call: flow \d+ class voice interface wwan0 home-address 2001:db8:100:\S+ care-of-address 2001:db8:2:")
        self.assertEqual(lines[1:3], ["asked: to wlan0", "moved: from wwan0 to wlan0"])
        self.assertRegex(lines[3], r"class voice interface wlan0 .* care-of-address 2001:db8:1:")

    def test_a_socket_of_another_user_is_not_moved(self):
        # A member of the group may ask, but only for sockets of its own.
        flow = self.begin()
        key = {name: flow[name] for name in ("protocol", "source", "source_port", "correspondent", "correspondent_port")}
        from lab.control import ControlConnection
        with ControlConnection(self.lab.files("mn").socket) as connection:
            self.assertEqual(connection.ask("socket-flow", **key)["id"], flow["id"])
            with self.assertRaisesRegex(Exception, "no socket with these addresses and this cookie"):
                connection.ask("move-socket", **key, cookie=1, interface="wwan0")

    def test_a_user_without_the_group(self):
        # The socket's mode keeps strangers out; a way to it that is open must not let them in either.
        socket = self.lab.files("mn").socket
        nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--", self.lab.program("mipflow"), "--socket", socket, "status"]
        for mode in (None, 0o666):
            if mode:
                pathlib.Path(socket).parent.chmod(0o755)
                os.chmod(socket, mode)
            done = subprocess.run([str(word) for word in nobody], capture_output=True, text=True, check=False)
            self.assertNotEqual(done.returncode, 0)
            self.assertIn("permission denied", done.stderr)
            self.assertIn("group 'mipflow'", done.stderr)


if __name__ == "__main__":
    main()
