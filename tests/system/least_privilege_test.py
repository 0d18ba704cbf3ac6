#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Least privilege: what the kernel says of the daemons and their helper processes, what they can not do any more, and that it suffices
for what they have to do. Every other test in the lab runs the daemons in the same way, see lab/daemons.py.

What was switched off, and what failed then:

| switched off | failed |
|---|---|
| becoming the user (setresuid), its group (setresgid) | every start: the process looks; without the look: the keys are not its own |
| leaving the groups of whoever starts it | test_1 (groups) |
| giving up capabilities (capset) | every start: not those that were to be kept are in force |
| the same, all kept in force, without the look | test_1, test_2 (CapPrm), test_4 of the daemon and of the helper that looks |
| giving them up as permitted ones, not as effective ones | every start; without the look: test_1, test_2 (CapPrm) |
| emptying the bounding set | test_1, test_2 (CapBnd) |
| giving up new privileges | every start: no filter is let in; without filter and Landlock: test_1, test_2 (NoNewPrivs) |
| closing what the daemon has opened in its helpers | test_2 of both (descriptors) |
| bpf() in no filter but the daemons' | test_4 of both helpers |
| the filter of system calls | test_1, test_2 (Seccomp), test_4 of the daemon and both helpers |
| Landlock | test_4 of the daemon (create-foreign, tcp) and of the helper of the groups (read-shadow, read-passwd) |
| refusal of writing in the filter for those that look | test_4 of both helpers |
| the way through a closed bpf file system, opened beforehand | test_7, and every start where /sys/fs/bpf is closed |
| giving away of folders that belong to root | every start: the daemon can not open its lock |
| looking what is in a folder before it is given away | test_8 |
"""
import os
import signal
import subprocess
from pathlib import Path

from support.case import SystemCase, main, wait_until
from lab.daemons import USER

OF_ALL = {"CAP_NET_ADMIN", "CAP_NET_RAW", "CAP_BPF", "CAP_PERFMON"}
NUMBERS = {"CAP_DAC_OVERRIDE": 1, "CAP_NET_BIND_SERVICE": 10, "CAP_NET_ADMIN": 12, "CAP_NET_RAW": 13, "CAP_SYS_PTRACE": 19, "CAP_PERFMON": 38, "CAP_BPF": 39}
KEPT = {"mn": OF_ALL, "ha": OF_ALL | {"CAP_NET_BIND_SERVICE"}, "cn": OF_ALL}

EPERM, EACCES = 1, 13
# What an intruder in a process gets; see confined/confined_probe.cpp for how it is tried. `foreign` is a folder that everybody may
# write to, as far as its mode says.
ALWAYS_REFUSED = dict.fromkeys(("ptrace", "signal", "fork", "setuid", "mount", "chroot", "unshare", "link", "executable-memory", "socket-vsock",
                                "socket-alg", "bpf", "io-uring", "keyring", "execute"), EPERM)
OUTCOMES = {
    "daemon": {**ALWAYS_REFUSED, "create-own": 0, "create-foreign": EACCES, "create-etc": EACCES, "read-shadow": EACCES, "read-passwd": 0,
               "write-memory": EACCES, "tcp": EACCES, "socket-netlink": 0, "bpf": 0},
    "holders": {**ALWAYS_REFUSED, "create-own": EPERM, "create-foreign": EPERM, "create-etc": EPERM, "read-shadow": EACCES, "read-passwd": 0,
                "write-memory": EPERM, "tcp": EPERM, "socket-netlink": EPERM},
    "groups": {**ALWAYS_REFUSED, "create-own": EPERM, "create-foreign": EPERM, "create-etc": EPERM, "read-shadow": EACCES, "read-passwd": EACCES,
               "write-memory": EPERM, "tcp": EPERM, "socket-netlink": EPERM},
}


def mask(names):
    return sum(1 << NUMBERS[name] for name in names)


def status_of(process):
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return dict(line.split(":\t", 1) for line in lines if ":\t" in line)


def opened_by(process):
    """What its descriptors stand for, but for its standard input, output and errors."""
    return [os.readlink(link) for link in Path(f"/proc/{process}/fd").iterdir() if int(link.name) > 2]


def children_of(process):
    """{name: process id}"""
    children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    return {Path(f"/proc/{child}/comm").read_text().strip(): int(child) for child in children}


class LeastPrivilege(SystemCase):
    @classmethod
    def prepare(cls):
        super().prepare()
        cls.lab.start_correspondent_node()
        cls.daemons = {"mn": cls.lab.mobile_node, "ha": cls.lab.home_agent, "cn": cls.lab.correspondent_node}

    def expect(self, process, user, kept):
        status = status_of(process)
        self.assertEqual(set(status["Uid"].split()), {str(user)})
        self.assertEqual(set(status["Gid"].split()), {str(user)})
        self.assertNotIn("0", status["Groups"].split() if user else [])
        for name in ("CapPrm", "CapEff"):
            self.assertEqual(int(status[name], 16), mask(kept), name)
        for name in ("CapInh", "CapBnd", "CapAmb"):
            self.assertEqual(int(status[name], 16), 0, name)
        self.assertEqual(status["NoNewPrivs"], "1")
        self.assertEqual(status["Seccomp"], "2")

    def test_1_daemons_have_dropped_what_they_do_not_need(self):
        for node, daemon in self.daemons.items():
            with self.subTest(node):
                self.expect(daemon.pid, USER, KEPT[node])
                # Every thread: the kernel gives and takes for each of its own.
                for thread in Path(f"/proc/{daemon.pid}/task").iterdir():
                    self.expect(int(thread.name), USER, KEPT[node])

    def test_1_groups_of_whoever_starts_it_are_left(self):
        files = self.lab.files("cn")
        self.lab.correspondent_node.stop()
        begin = ["setpriv", "--groups", "0,4,27", self.lab.program("mipflow-cnd"), *map(str, files.arguments())]
        daemon = self.lab.start("cn", begin, files.log)
        wait_until(lambda: self.lab.mipflow_run("status", node="cn", check=False).returncode == 0, "the daemon of somebody with groups")
        self.assertEqual(status_of(daemon.pid)["Groups"].split(), [])
        daemon.send(signal.SIGTERM)
        self.assertEqual(daemon.wait(10), 0)
        self.lab.correspondent_node = self.daemons["cn"] = self.lab.start_correspondent_node()

    def test_2_helpers_can_do_one_thing_each(self):
        helpers = children_of(self.daemons["mn"].pid)
        self.assertEqual(set(helpers), {"mipflow-holders", "mipflow-groups"})
        self.expect(helpers["mipflow-holders"], USER, {"CAP_SYS_PTRACE"})
        self.expect(helpers["mipflow-groups"], 0, {"CAP_DAC_OVERRIDE"})
        for node in ("ha", "cn"):
            self.assertEqual(children_of(self.daemons[node].pid), {})

    def test_2_helpers_hold_nothing_that_the_daemon_has_opened(self):
        """Above all not the way into a bpf file system that is closed to others than root; see test_7."""
        confined_to = {"mipflow-holders": (), "mipflow-groups": ("/proc", "/sys/fs/cgroup")}
        for name, process in children_of(self.daemons["mn"].pid).items():
            with self.subTest(name):
                opened = opened_by(process)
                sockets = [what for what in opened if what.startswith("socket:")]
                self.assertEqual(len(sockets), 1, "that to the daemon, and no other")
                self.assertEqual([what for what in opened if what not in sockets and not what.startswith(confined_to[name])], [])

    def test_3_the_command_says_so(self):
        for node in self.daemons:
            status = self.lab.mipflow("status", node=node)
            self.assertEqual(status["runs_as"], str(USER))
            self.assertEqual(set(status["capabilities"]), KEPT[node])

    # --- from inside

    def probe(self, role, own, foreign):
        """{attempt: errno}. Its parent is a process of root's, which it attacks."""
        done = self.lab.run("cn", ["sh", "-c", '"$@"; exit $?', "sh", self.lab.program("confined_probe"), role, USER, own, foreign], check=False)
        lines = [line.split() for line in done.stdout.splitlines()]
        self.assertTrue(lines, done.stderr)
        return {name: int(error) for name, error in lines}

    def test_4_nothing_else_is_left_to_an_intruder(self):
        own, foreign = self.lab.directory / "own", self.lab.directory / "foreign"
        own.mkdir()
        os.chown(own, USER, USER)
        foreign.mkdir()
        foreign.chmod(0o777)
        free = self.probe("free", own, foreign)
        # What is refused below is refused by the confinement, and not because it can not be done here.
        can_not = {"socket-vsock", "socket-alg"}
        self.assertEqual({name: error for name, error in free.items() if error and name not in can_not}, {})
        self.assertNotIn("execute", free, "the program was not executed")
        for role, outcomes in OUTCOMES.items():
            with self.subTest(role):
                found = self.probe(role, own, foreign)
                if found.pop("landlock") == 0 and role != "holders":
                    self.skipTest("this kernel has no Landlock")
                self.assertEqual(found, outcomes)

    # --- that it suffices

    def test_5_keys_that_can_not_be_read_any_more_change_nothing(self):
        files = self.lab.files("ha")
        self.addCleanup(files.protect_associations)
        files.protect_associations(0o600)
        done = self.lab.mipflow_run("reload", node="ha", check=False)
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr, rf"{files.associations}.*cannot be read by the user {USER}; run: chown root:{USER} .*; chmod 0640")
        self.lab.home_agent.send(signal.SIGHUP)
        wait_until(lambda: "stays as it was" in self.lab.home_agent.output(), "the refusal in the log")
        files.protect_associations()
        self.lab.mipflow_run("reload", node="ha")

    def test_6_what_ran_as_root_before_is_taken_over(self):
        """An upgrade: files, sockets and pinned objects are root's, and the new daemon is not."""
        files = self.lab.files("cn")
        before = self.lab.correspondent_node
        before.stop()
        as_root = [self.lab.program("mipflow-cnd"), "--user", "root", *map(str, files.arguments()[2:])]
        old = self.lab.start("cn", as_root, files.log)
        wait_until(lambda: self.lab.mipflow_run("status", node="cn", check=False).returncode == 0, "the daemon of root")
        self.assertEqual(self.lab.mipflow("status", node="cn")["runs_as"], "root")
        self.assertEqual(files.runtime_directory.stat().st_uid, 0)
        self.assertEqual(int(status_of(old.pid)["CapEff"], 16), mask(OF_ALL), "root keeps more than it needs")
        device = self.lab.ip_json("cn", "link", "show", "dev", "mip0")[0]["ifindex"]
        old.send(signal.SIGKILL)
        old.wait(5)
        self.lab.correspondent_node = self.daemons["cn"] = self.lab.start_correspondent_node()
        self.assertEqual(self.lab.mipflow("status", node="cn")["runs_as"], str(USER))
        self.assertEqual(self.lab.ip_json("cn", "link", "show", "dev", "mip0")[0]["ifindex"], device, "it began from nothing")
        for path in (files.runtime_directory, files.pin_directory, *files.pin_directory.rglob("*"), *files.runtime_directory.iterdir()):
            self.assertEqual(path.stat().st_uid, USER, path)

    def test_7_a_closed_bpf_file_system_is_no_obstacle(self):
        """systemd mounts /sys/fs/bpf so that only root can go through it."""
        mount = self.lab.directory / "closed"
        mount.mkdir()
        subprocess.run(["mount", "-t", "bpf", "-o", "mode=0700", "none", mount], check=True)
        self.addCleanup(subprocess.run, ["umount", mount], check=True)
        files = self.lab.files("cn")
        self.lab.correspondent_node.stop()
        def with_pins(pins):
            return [self.lab.program("mipflow-cnd"), *(str(pins) if word == files.pin_directory else str(word) for word in files.arguments())]
        done = self.lab.run("cn", with_pins(mount / "cnd"), check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn(f"can not go through {mount} to the pin directory {mount}/cnd; name one in a folder between them, like {mount}/mipflow/cnd",
                      done.stderr)
        self.assertFalse((mount / "cnd").exists(), "bad input changed something")
        pins = mount / "mipflow" / "cnd"
        for way in (signal.SIGKILL, signal.SIGTERM):
            daemon = self.lab.start("cn", with_pins(pins), files.log)
            def answers():
                daemon.expect_running()
                return self.lab.mipflow_run("status", node="cn", check=False).returncode == 0
            wait_until(answers, "the daemon behind the closed file system")
            self.assertIn(USER, {path.stat().st_uid for path in pins.iterdir()})
            daemon.send(way)
            self.assertIsNotNone(daemon.wait(10))
        self.assertFalse(pins.exists(), "a clean stop left its pins")
        self.lab.correspondent_node = self.daemons["cn"] = self.lab.start_correspondent_node()

    def test_8_folders_of_others_are_not_given_away(self):
        files = self.lab.files("cn")
        precious = self.lab.directory / "precious"
        precious.mkdir()
        (precious / "letter").write_text("dear all")
        for option in ("--runtime-dir",):
            arguments = [str(word) for word in files.arguments()]
            arguments[arguments.index(option) + 1] = str(precious)
            done = self.lab.run("cn", [self.lab.program("mipflow-cnd"), *arguments], check=False)
            self.assertEqual(done.returncode, 1)
            self.assertIn(f"{precious} is to be the daemon's own folder, but holds letter", done.stderr)
            self.assertEqual([path.stat().st_uid for path in (precious, precious / "letter")], [0, 0])

    def test_9_a_user_that_does_not_exist_is_told(self):
        done = self.lab.run("cn", [self.lab.program("mipflow-cnd"), "--user", "nobody-has-this-name", "--check"], check=False)
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr, r"there is no user nobody-has-this-name .*systemd-sysusers")

    def test_helpers_end_with_their_daemon(self):
        helpers = children_of(self.daemons["mn"].pid)
        self.assertEqual(len(helpers), 2)
        self.daemons["mn"].send(signal.SIGKILL)
        self.daemons["mn"].wait(5)
        wait_until(lambda: not any(Path(f"/proc/{process}").exists() for process in helpers.values()), "the end of the helpers", 5)


if __name__ == "__main__":
    main()
