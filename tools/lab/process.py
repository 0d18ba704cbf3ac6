# SPDX-License-Identifier: GPL-3.0-or-later
"""Programs of the lab and waiting for what they do."""

import os
import signal
import subprocess
import time
from pathlib import Path


class LabError(Exception):
    """Something in the lab did not happen; the text says what, and where to look."""


def wait_until(condition, what, timeout=15.0, interval=0.02):
    """Waits until condition() gives something true and returns it. LabError names `what` when that takes too long.

    A condition that raises LabError counts as not yet fulfilled; the last such error is told when time is over.
    """
    deadline = time.monotonic() + timeout
    last_error = None
    while True:
        try:
            result = condition()
            if result:
                return result
        except LabError as error:
            last_error = error
        if time.monotonic() >= deadline:
            detail = f" ({last_error})" if last_error else ""
            raise LabError(f"waited {timeout:g} s in vain for {what}{detail}")
        time.sleep(interval)


def run(command, *, timeout=30.0, check=True, text_input=None):
    """Runs a program to its end and returns subprocess.CompletedProcess with its text output."""
    command = [str(word) for word in command]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=timeout, input=text_input,
                              stdin=subprocess.DEVNULL if text_input is None else None, check=False)
    except FileNotFoundError as error:
        raise LabError(f"there is no program {command[0]}: tools/install-dependencies demo test brings it") from error
    except subprocess.TimeoutExpired as error:
        raise LabError(f"still running after {timeout:g} s: {' '.join(command)}") from error
    if check and done.returncode != 0:
        raise LabError(f"exit code {done.returncode} of: {' '.join(command)}\n{done.stdout}{done.stderr}".rstrip())
    return done


class Process:
    """A program in the background, in a session of its own (Ctrl-C reaches only us), with its output in a file, and what it makes
    is its user's alone, as systemd has it for our daemons."""

    def __init__(self, command, log: Path, environment=None):
        self.command = [str(word) for word in command]
        self.log = log
        environment = None if environment is None else {**os.environ, **environment}
        try:
            with open(log, "ab") as output:
                self._child = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                                               start_new_session=True, env=environment, umask=0o077)
        except OSError as error:
            raise LabError(f"can not start {self.command[0]}: {error}") from error

    @property
    def pid(self):
        return self._child.pid

    @property
    def returncode(self):
        return self._child.poll()

    def running(self):
        return self._child.poll() is None

    def output(self):
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def expect_running(self):
        """LabError with the end of its output when the program has ended."""
        if not self.running():
            raise LabError(f"{self.command[0]} ended with exit code {self.returncode}; its last words:\n{self.tail()}")

    def tail(self, lines=15):
        return "\n".join(self.output().splitlines()[-lines:])

    def send(self, number):
        if self.running():
            self._child.send_signal(number)

    def wait(self, timeout):
        """The exit code, or None when the program still runs after `timeout` seconds."""
        try:
            return self._child.wait(timeout)
        except subprocess.TimeoutExpired:
            return None

    def stop(self, number=signal.SIGTERM, timeout=10.0):
        """Ends the program and returns its exit code; one that does not obey within `timeout` seconds is killed, and
        its exit code is then -9."""
        self.send(number)
        if self.wait(timeout) is None:
            self._child.kill()
            self._child.wait()
        return self.returncode
