#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The mipflow program as a whole, against a control socket that a test serves: what it prints as JSON is what docs/schema/
promises, its metrics are read by an independent parser, bash completes with it, and it leaves a terminal as it was."""

import json
import os
import pty
import re
import select
import signal
import subprocess
import tempfile
import termios
import time
import unittest
from pathlib import Path

import pyte
import schema
from fake_daemon import FakeDaemon, flow
from prometheus_client.openmetrics.parser import text_string_to_metric_families

PROGRAM = Path(os.environ.get("MIPFLOW_BUILD", schema.ROOT / "build" / "dev")) / "tools" / "mipflow" / "mipflow"
PATIENCE = 20  # s


def mipflow(daemon, *words, check=True):
    done = subprocess.run([PROGRAM, "--socket", daemon.path, *words], capture_output=True, text=True, timeout=PATIENCE)
    if check and done.returncode != 0:
        raise AssertionError(f"{words}: exit code {done.returncode}: {done.stderr}")
    return done


class JsonTest(unittest.TestCase):
    PLAIN = {
        ("status",): "status.json", ("flow", "list"): "flows.json", ("flow", "show", "7"): "flow.json",
        ("flow", "explain", "7"): "flow-explanation.json", ("flow", "move", "7", "wwan0"): "flow-move.json",
        ("flow", "undo"): "flow-undo.json", ("hoa", "list"): "home-addresses.json", ("hoa", "show", "2001:db8:1::101"): "home-address.json",
        ("hoa", "allocate"): "home-address-allocated.json", ("interface", "list"): "interfaces.json", ("binding", "list"): "bindings.json",
        ("policy", "show"): "policy.json", ("policy", "test"): "policy-test.json", ("policy", "reload"): "policy-reload.json",
        ("policy", "user", "remove"): "user-policy.json", ("counters",): "counters.json", ("metrics",): "metrics.json",
        ("completion", "fish"): "completion.json", ("flow", "keep", "7"): "flow-kept.json", ("flow", "release", "7"): "flow-released.json",
        ("hoa", "free", "2001:db8:1::101"): "home-address-freed.json", ("hoa", "pin", "2001:db8:1::101"): "home-address-pinned.json",
        ("hoa", "unpin", "2001:db8:1::101"): "home-address-pinned.json", ("reload",): "reload.json",
    }
    # Looked at in tests of their own; `run` has the program's output, `top` a terminal, `ha` a home agent.
    ELSEWHERE = {"decode", "doctor", "flow try", "flow watch", "policy check", "policy user set", "run", "setup", "top"}

    def test_what_is_printed_is_what_the_schemas_promise(self):
        with FakeDaemon() as daemon:
            for words, name in self.PLAIN.items():
                with self.subTest(" ".join(words)):
                    self.assertEqual(schema.problems(name, json.loads(mipflow(daemon, "--json", *words).stdout)), [])

    def test_every_command_is_looked_at(self):
        lines = subprocess.run([PROGRAM, "--help"], capture_output=True, text=True, check=True).stdout.split("Commands:\n")[1].split("\n\n")[0]
        listed = {re.match(r"  ((?:[a-z]+ ?)+?)(?: (?:\[?[A-Z-]{2,}|bash\|)| {2,})", line).group(1).strip() for line in lines.splitlines()}
        self.assertIn("policy user set", listed)
        looked_at = {" ".join(words) + " " for words in self.PLAIN}
        self.assertEqual({each for each in listed - self.ELSEWHERE if not each.startswith("ha ") and not any(seen.startswith(each + " ") for seen in looked_at)}, set())

    def test_decoded_packets(self):
        vectors = json.loads((schema.ROOT / "tests" / "unit" / "wire" / "vectors.json").read_text())["vectors"]
        packets = [each["hex"] for each in vectors if each["link"] == "ipv6"]
        def decode(*words, text=None):
            done = subprocess.run([PROGRAM, "decode", "--json", *words], input=text, capture_output=True, text=True, timeout=PATIENCE)
            return [json.loads(line) for line in done.stdout.splitlines()]
        reports = decode("-", text="\n".join(packets) + "\n")
        self.assertGreater(len(reports), 50)
        reports += decode("6000")  # ends in its header
        for report in reports:
            with self.subTest(report):
                self.assertEqual(schema.problems("decoded-packet.json", report), [])
        self.assertIn(None, [report["source"] for report in reports])

    def test_check_and_doctor_need_no_daemon(self):
        with FakeDaemon() as daemon:
            policy = Path(daemon.path).parent / "policy.toml"
            for text, valid in (("", True), ("[[class]]\ninterfaces = 7\n", False)):
                policy.write_text(text)
                done = mipflow(daemon, "--json", "policy", "check", str(policy), check=False)
                self.assertEqual(done.returncode, 0 if valid else 1)
                result = json.loads(done.stdout)
                self.assertEqual(schema.problems("policy-check.json", result), [])
                self.assertEqual(result["valid"], valid)
            done = mipflow(daemon, "--json", "doctor", check=False)
            result = json.loads(done.stdout)
            self.assertEqual(schema.problems("doctor.json", result), [])
            self.assertEqual(done.returncode, {"good": 0, "warning": 1, "error": 2}[result["worst"]])

    def test_watching_is_one_line_per_look(self):
        with FakeDaemon() as daemon:
            with subprocess.Popen([PROGRAM, "--socket", daemon.path, "--json", "flow", "list", "--watch=0.1"], stdout=subprocess.PIPE, text=True) as program:
                lines = [program.stdout.readline() for _ in range(3)]
                program.kill()
            for line in lines:
                self.assertEqual(schema.problems("flows.json", json.loads(line)), [])

    def test_a_trial_that_is_over(self):
        with FakeDaemon() as daemon:
            with subprocess.Popen([PROGRAM, "--socket", daemon.path, "--json", "flow", "try", "7", "wwan0", "--keep-if-better"],
                                  stdout=subprocess.PIPE, text=True) as program:
                self.assertIsNotNone(daemon.was_asked("explain"))
                with daemon.lock:
                    daemon.trial.update(outcome="rolled back", reason="nothing came back there", ends_in_seconds=0)
                output, _ = program.communicate(timeout=PATIENCE)
            self.assertEqual(program.returncode, 4)
            self.assertEqual(schema.problems("flow-trial.json", json.loads(output)), [])

    def test_an_interrupt_takes_a_trial_back_at_once(self):
        with FakeDaemon() as daemon:
            with subprocess.Popen([PROGRAM, "--socket", daemon.path, "flow", "try", "7", "wwan0", "--for", "60"], stdout=subprocess.PIPE, text=True) as program:
                self.assertIsNotNone(daemon.was_asked("explain"))
                program.send_signal(signal.SIGINT)
                output, _ = program.communicate(timeout=PATIENCE)
            self.assertEqual(program.returncode, 4)
            self.assertEqual(daemon.was_asked("undo-move")["id"], 7)
            self.assertEqual(output, "interrupted: flow 7 is back on wlan0\n")


class WatchTest(unittest.TestCase):
    def test_a_line_for_what_happens(self):
        with FakeDaemon() as daemon:
            with subprocess.Popen([PROGRAM, "--socket", daemon.path, "--json", "flow", "watch"], stdout=subprocess.PIPE, text=True) as program:
                self.assertIsNotNone(daemon.was_asked("flows"))
                with daemon.lock:
                    daemon.flows = [flow(7, interface="wwan0"), flow(13)]
                events = [json.loads(program.stdout.readline()) for _ in range(3)]
                program.kill()
            for event in events:
                self.assertEqual(schema.problems("flow-event.json", event), [])
                self.assertLess(abs(event["time"] - time.time()), 60)
            self.assertEqual([(event["event"], event["id"], event["from"], event["to"]) for event in events],
                             [("end", 12, "wwan0", None), ("move", 7, "wlan0", "wwan0"), ("begin", 13, None, "wlan0")])


class MetricsTest(unittest.TestCase):
    def test_an_independent_parser_reads_them(self):
        with FakeDaemon() as daemon:
            daemon.interfaces[0]["name"] = "lo"  # has counters in every network namespace
            text = mipflow(daemon, "metrics").stdout
        families = {family.name: family for family in text_string_to_metric_families(text)}
        self.assertTrue(text.endswith("# EOF\n"))
        samples = {(sample.name, tuple(sorted(sample.labels.items()))): sample.value for family in families.values() for sample in family.samples}
        self.assertEqual(samples["mipflow_registered", ()], 1)
        self.assertEqual(samples["mipflow_uptime_seconds", ()], 12.5)
        self.assertEqual(families["mipflow_uptime_seconds"].unit, "seconds")
        named = {sample.labels["class"] for sample in families["mipflow_flows"].samples}
        self.assertEqual(named, {"web", 'say "hello"\\'})
        gap = {sample.labels.get("le", sample.name): sample.value for sample in families["mipflow_move_gap_seconds"].samples}
        self.assertEqual(gap, {"0.001": 0, "0.01": 1, "0.1": 2, "1.0": 2, "+Inf": 3, "mipflow_move_gap_seconds_sum": 0.0567,
                               "mipflow_move_gap_seconds_count": 3})
        self.assertEqual(samples["mipflow_events_total", (("event", "binding-updates"),)], 17)
        self.assertEqual(samples["mipflow_interface_loss_ratio", (("interface", "lo"), ("kind", "wifi"))], 0.005)
        # What is not known is no number.
        self.assertNotIn(("mipflow_interface_online", (("interface", "wwan0"), ("kind", "cellular"))), samples)
        self.assertIn(("mipflow_interface_received_bytes_total", (("interface", "lo"), ("kind", "wifi"))), samples)


class CompletionTest(unittest.TestCase):
    """bash itself completes: the words are set as it does, and the function that it would call is called."""

    def complete(self, daemon, line):
        script = f"""
            mipflow() {{ {PROGRAM} "$@"; }}
            . /usr/share/bash-completion/bash_completion
            source <(mipflow completion bash)
            COMP_WORDBREAKS=' :='
            COMP_LINE={line!r}; COMP_POINT=${{#COMP_LINE}}
            eval "COMP_WORDS=($COMP_LINE)"; [[ $COMP_LINE == *' ' ]] && COMP_WORDS+=('')
            COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))
            _mipflow_words
            printf '%s\\n' "${{COMPREPLY[@]}}"
        """
        done = subprocess.run(["bash", "--norc", "-c", script], capture_output=True, text=True, timeout=PATIENCE,
                              env={**os.environ, "MIPFLOW_SOCKET": daemon.path})
        self.assertEqual(done.stderr, "")
        return done.stdout.split("\n")[:-1]

    def test_words_options_and_live_values(self):
        with FakeDaemon() as daemon:
            self.assertIn("flow", self.complete(daemon, "mipflow "))
            self.assertEqual(self.complete(daemon, "mipflow fl"), ["flow"])
            self.assertEqual(self.complete(daemon, "mipflow policy us"), ["user"])
            self.assertEqual(self.complete(daemon, "mipflow policy user "), ["set", "remove"])
            self.assertEqual(self.complete(daemon, "mipflow flow move "), ["7", "12"])
            self.assertEqual(self.complete(daemon, "mipflow flow move 7 "), ["wlan0", "wwan0"])
            self.assertEqual(self.complete(daemon, "mipflow flow move 7 ww"), ["wwan0"])
            self.assertEqual(self.complete(daemon, "mipflow flow move 7 wwan0 "), [""])
            self.assertEqual(self.complete(daemon, "mipflow --json flow try 7 wwan0 --k"), ["--keep-if-better"])
            self.assertNotIn("--keep-if-better", self.complete(daemon, "mipflow flow move --"))
            self.assertEqual(self.complete(daemon, "mipflow completion z"), ["zsh"])
            self.assertEqual(self.complete(daemon, "mipflow hoa free 2001"), ["2001:db8:1::100", "2001:db8:1::101"])

    def test_what_run_takes(self):
        with FakeDaemon() as daemon:
            self.assertEqual(self.complete(daemon, "mipflow run --v"), ["--via"])
            self.assertEqual(self.complete(daemon, "mipflow run --via w"), ["wlan0", "wwan0"])
            self.assertEqual(self.complete(daemon, "mipflow run --via wwan0 --class "), ["default"])

    def test_what_setup_takes(self):
        with FakeDaemon() as daemon:
            self.assertEqual(self.complete(daemon, "mipflow setup "), ["home-agent", "add-mobile-node"])
            self.assertEqual(self.complete(daemon, "mipflow setup --home-p"), ["--home-prefix"])
            folder = Path(daemon.path).parent
            (folder / "secret").touch()
            self.assertEqual(self.complete(daemon, f"mipflow setup --secret-file {folder}/se"), [f"{folder}/secret"])

    def test_files(self):
        with FakeDaemon() as daemon:
            folder = Path(daemon.path).parent
            (folder / "mine.toml").touch()
            self.assertEqual(self.complete(daemon, f"mipflow policy check {folder}/mi"), [f"{folder}/mine.toml"])

    def test_without_a_daemon_nothing_is_offered_and_nothing_said(self):
        with FakeDaemon() as daemon:
            path = daemon.path
        gone = type("Gone", (), {"path": path})
        self.assertEqual(self.complete(gone, "mipflow flow move "), [""])

    def test_the_scripts_are_valid(self):
        with FakeDaemon() as daemon:
            for shell in ("bash", "zsh", "fish"):
                script = mipflow(daemon, "completion", shell).stdout
                done = subprocess.run([shell, "-n"], input=script, capture_output=True, text=True, timeout=PATIENCE)
                self.assertEqual((done.returncode, done.stderr), (0, ""), shell)

    def test_fish_offers_the_same(self):
        with FakeDaemon() as daemon, tempfile.TemporaryDirectory() as home:
            (Path(home) / "mine.toml").touch()

            def offered(line):
                done = subprocess.run(["fish", "--no-config", "-c", f"mipflow completion fish | source; cd {home}; complete -C '{line}'"],
                                      capture_output=True, text=True, timeout=PATIENCE,
                                      env={**os.environ, "PATH": f"{PROGRAM.parent}:{os.environ['PATH']}", "HOME": home, "MIPFLOW_SOCKET": daemon.path})
                self.assertEqual(done.stderr, "")
                return [each.split("\t")[0] for each in done.stdout.splitlines()]
            self.assertIn("flow", offered("mipflow "))
            self.assertEqual(offered("mipflow fl"), ["flow"])
            self.assertIn("explain", offered("mipflow flow "))
            self.assertEqual(offered("mipflow flow move 7 ww"), ["wwan0"])
            self.assertEqual(sorted(offered("mipflow hoa free ")), ["2001:db8:1::100", "2001:db8:1::101"])
            self.assertEqual(offered("mipflow flow try 7 wwan0 --k"), ["--keep-if-better"])
            self.assertEqual(offered("mipflow policy check mi"), ["mine.toml"])

    def test_zsh_completes_at_a_terminal(self):
        with FakeDaemon() as daemon, tempfile.TemporaryDirectory() as home:
            (Path(home) / "_mipflow").write_text(mipflow(daemon, "completion", "zsh").stdout)
            (Path(home) / "mine.toml").touch()
            environment = {**os.environ, "PATH": f"{PROGRAM.parent}:{os.environ['PATH']}", "HOME": home, "MIPFLOW_SOCKET": daemon.path, "PS1": "> "}
            terminal = Terminal(["/usr/bin/zsh", "-f", "-i"], environment)
            self.addCleanup(terminal.kill)
            terminal.type(f"fpath=({home} $fpath); cd; autoload -U compinit; compinit -u -d dump; PS1='ready> '; clear\n")
            terminal.wait_for("(?m)^ready> ")
            for line, completed in (("mipflow fl", "mipflow flow "), ("mipflow flow mo", "mipflow flow move "),
                                    ("mipflow flow move 7 ww", "mipflow flow move 7 wwan0 "),
                                    ("mipflow hoa free 2001:db8:1::100", "mipflow hoa free 2001:db8:1::100 "),
                                    ("mipflow hoa free 2", "mipflow hoa free 2001:db8:1::10"),
                                    ("mipflow policy check mi", "mipflow policy check mine.toml")):
                with self.subTest(line):
                    terminal.type(line + "\t")
                    # The key that follows stands behind what the completion left.
                    terminal.type("X")
                    terminal.wait_for("(?m)^ready> " + re.escape(completed) + " ?X")
                    terminal.type("\x15\x0c")  # Ctrl-U, Ctrl-L
                    terminal.wait_for("^ready> +\n")
            terminal.type("mipflow flow \t")
            terminal.wait_for("explain +-- why a flow goes where it goes")


class Terminal:
    """A program at a terminal of 80 columns and 24 rows; `screen` is what a person would see."""

    def __init__(self, command, environment=None):
        self.screen = pyte.Screen(80, 24)
        self._stream = pyte.ByteStream(self.screen)
        self.raw = b""
        self.process, self.descriptor = pty.fork()
        if self.process == 0:
            try:
                os.execve(command[0], command, {**(environment or os.environ), "TERM": "xterm"})
            finally:
                os._exit(127)
        termios.tcsetwinsize(self.descriptor, (24, 80))
        self.before = termios.tcgetattr(self.descriptor)

    def text(self):
        return "\n".join(self.screen.display)

    def wait_for(self, what):
        deadline = time.monotonic() + PATIENCE
        while not re.search(what, self.text()):
            if time.monotonic() > deadline:
                raise AssertionError(f"{what!r} does not appear; there is\n{self.text()}")
            self._read()

    def _read(self):
        if select.select([self.descriptor], [], [], 0.2)[0]:
            try:
                octets = os.read(self.descriptor, 65536)
            except OSError:  # EIO: the program is gone
                return False
            self.raw += octets
            self._stream.feed(octets)
            return bool(octets)
        return True

    def type(self, keys):
        os.write(self.descriptor, keys.encode())

    def signal(self, number):
        os.kill(self.process, number)

    def kill(self):
        os.kill(self.process, signal.SIGKILL)
        os.waitpid(self.process, 0)

    def status(self):
        """Waits for the end."""
        while self._read():
            done, status = os.waitpid(self.process, os.WNOHANG)
            if done:
                break
        else:
            _, status = os.waitpid(self.process, 0)
        while select.select([self.descriptor], [], [], 0)[0] and self._read():
            pass
        return os.waitstatus_to_exitcode(status)


def terminal_of(daemon, *words):
    return Terminal([PROGRAM, "--socket", daemon.path, *words])


class TerminalTest(unittest.TestCase):
    LEFT = b"\x1b[?7h\x1b[?25h\x1b[?1049l"  # wrapping, cursor and the former screen are back

    def assert_left(self, terminal):
        self.assertIn(self.LEFT, terminal.raw)
        self.assertLess(terminal.raw.rfind(b"\x1b[?1049h"), terminal.raw.rfind(b"\x1b[?1049l"))

    def test_top_moves_with_keys_and_leaves_the_terminal_as_it_was(self):
        with FakeDaemon() as daemon:
            terminal = terminal_of(daemon, "top")
            terminal.wait_for(r"mipflow: registered, home agent 2001:db8:1::1")
            terminal.wait_for(r"7 curl +wlan0")
            terminal.type("m2")
            terminal.wait_for("flow 7 moves to wwan0")
            self.assertEqual(daemon.was_asked("move-flow")["interface"], "wwan0")
            terminal.wait_for(r"7 curl +wwan0")
            terminal.type("\x1b[Be")
            terminal.wait_for("Flow 12: tcp to")
            terminal.type("xu")
            terminal.wait_for("flow 7 goes back to wlan0")
            terminal.type("q")
            self.assertEqual(terminal.status(), 0)
            self.assert_left(terminal)

    def test_top_leaves_the_terminal_when_it_is_told_to_end(self):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            with self.subTest(number), FakeDaemon() as daemon:
                terminal = terminal_of(daemon, "top")
                terminal.wait_for("7 curl")
                terminal.signal(number)
                self.assertEqual(terminal.status(), 0)
                self.assert_left(terminal)

    def test_top_gives_the_terminal_back_while_it_is_stopped(self):
        with FakeDaemon() as daemon:
            terminal = terminal_of(daemon, "top")
            terminal.wait_for("7 curl")
            terminal.signal(signal.SIGTSTP)
            deadline = time.monotonic() + PATIENCE
            while self.LEFT not in terminal.raw and time.monotonic() < deadline:
                terminal._read()
            self.assertIn(self.LEFT, terminal.raw)
            _, status = os.waitpid(terminal.process, os.WUNTRACED)
            self.assertTrue(os.WIFSTOPPED(status))
            self.assertTrue(termios.tcgetattr(terminal.descriptor)[3] & termios.ECHO)
            terminal.signal(signal.SIGCONT)
            terminal.type("?")
            terminal.wait_for("keys: arrows")
            terminal.type("q")
            self.assertEqual(terminal.status(), 0)

    def test_top_follows_the_size(self):
        with FakeDaemon() as daemon:
            terminal = terminal_of(daemon, "top")
            terminal.wait_for("q quit")
            terminal.screen.resize(10, 40)
            termios.tcsetwinsize(terminal.descriptor, (10, 40))
            terminal.wait_for(r"(?s)^(.{0,40}\n){9}arrows select")
            terminal.type("q")
            self.assertEqual(terminal.status(), 0)

    def test_a_trial_asks_at_a_terminal(self):
        with FakeDaemon() as daemon:
            terminal = terminal_of(daemon, "flow", "try", "7", "wwan0", "--for", "1")
            terminal.wait_for(r"flow 7 is on wwan0 for 1 s more")
            terminal.wait_for(r"keep flow 7 on wwan0\? \[y/N\]")
            terminal.type("y\n")
            self.assertEqual(terminal.status(), 0)
            self.assertEqual(daemon.was_asked("keep-flow")["id"], 7)


class SetupTest(unittest.TestCase):
    """The dialogue at a terminal; what is asked and written is tests/unit/tools/setup_test.cpp's."""

    SECRET = "00112233445566778899aabbccddeeff"

    def begin(self, folder):
        terminal = Terminal([PROGRAM, "setup", "--directory", folder, "--socket", f"{folder}/no.sock"])
        for question, answer in (("Address of the home agent, or auto to find it:", "2001:db8:1::1"), ("Home address of this host:", "2001:db8:1::100"),
                                 (r"Prefix of the home network \[2001:db8:1::/64\]:", ""), ("Name of this host", "alice@example.org"),
                                 (r"\(SPI\).* \[256\]:", "")):
            terminal.wait_for(question)
            terminal.type(answer + "\n")
        terminal.wait_for("Shared secret")
        return terminal

    def test_the_secret_does_not_appear(self):
        with tempfile.TemporaryDirectory() as folder:
            terminal = self.begin(folder)
            terminal.type(self.SECRET + "\n")
            terminal.wait_for(r"Write this\? \[Y/n\]")
            self.assertTrue(termios.tcgetattr(terminal.descriptor)[3] & termios.ECHO)
            terminal.type("\n")
            self.assertEqual(terminal.status(), 0)
            self.assertNotIn(self.SECRET.encode(), terminal.raw)
            keys = Path(folder) / "security-associations.toml"
            self.assertIn(self.SECRET, keys.read_text())
            self.assertIn(keys.stat().st_mode & 0o7777, (0o600, 0o640))

    def test_an_interrupt_while_the_secret_is_asked_for_gives_the_echo_back(self):
        with tempfile.TemporaryDirectory() as folder:
            terminal = self.begin(folder)
            terminal.type("\x03")
            self.assertEqual(terminal.status(), 1)
            self.assertIn("given up: nothing was written", terminal.text())
            self.assertTrue(termios.tcgetattr(terminal.descriptor)[3] & termios.ECHO)
            self.assertEqual(list(Path(folder).iterdir()), [])

    def test_json(self):
        with tempfile.TemporaryDirectory() as folder:
            done = subprocess.run([PROGRAM, "setup", "--directory", folder, "--socket", f"{folder}/no.sock", "--home-agent", "2001:db8:1::1",
                                   "--home-address", "2001:db8:1::100", "--identifier", "alice@example.org", "--generate-secret", "--yes", "--json"],
                                  capture_output=True, text=True, timeout=PATIENCE, check=True)
            result = json.loads(done.stdout)
            self.assertEqual(schema.problems("setup.json", result), [])
            self.assertEqual([each["state"] for each in result["files"]], ["written", "written"])

    @unittest.skipIf(os.geteuid() != 0, "needs root to become somebody else")
    def test_who_is_not_root_is_told_so_before_anything_is_asked(self):
        with tempfile.TemporaryDirectory() as folder:
            os.chmod(folder, 0o755)
            done = subprocess.run(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", PROGRAM, "setup", "--directory", f"{folder}/etc", "--yes"],
                                  capture_output=True, text=True, timeout=PATIENCE)
            self.assertEqual(done.returncode, 1)
            self.assertIn("permission denied", done.stderr)
            self.assertIn("sudo mipflow setup", done.stderr)


if __name__ == "__main__":
    unittest.main()
