# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes labs away: by name, so that it also works when the program that made the lab was killed."""

import contextlib
import os
import re
import shutil
import signal
import sys
import time
from pathlib import Path

from . import bpffs
from .locks import locked
from .node import existing_namespaces
from .process import LabError, run

PREFIX = "mipflow-lab-"
KEPT = "kept"
_RUNTIME = Path("/run")
_LAB_OF = re.compile(rf"({PREFIX}(\d+)-\d+)(-|$)")


def exit_on_signals():
    """Turns SIGTERM and SIGHUP into SystemExit, as Ctrl-C is KeyboardInterrupt, so that `with Lab()` is left properly."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda received, _: sys.exit(128 + received))


@contextlib.contextmanager
def without_interruption():
    """Signals that would end the program wait until the block is over: half a removal helps nobody."""
    held = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}
    before = signal.pthread_sigmask(signal.SIG_BLOCK, held)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def namespaces_of(lab_name):
    return [name for name in existing_namespaces() if name.startswith(f"{lab_name}-")]


def remove_lab(lab_name):
    """Ends every process in the lab's namespaces and removes the namespaces, pins, files and the mount."""
    namespaces = namespaces_of(lab_name)
    for number, patience in ((signal.SIGTERM, 10.0), (signal.SIGKILL, 2.0)):
        _end_processes(namespaces, number, patience)
    for namespace in namespaces:
        run(["ip", "netns", "delete", namespace])
    for directory in bpffs.pin_directories(lab_name):
        bpffs.remove_pins(directory)
    shutil.rmtree(_RUNTIME / lab_name, ignore_errors=True)
    bpffs.release(lab_name)


def _end_processes(namespaces, number, patience):
    deadline = time.monotonic() + patience
    signalled = set()
    while pids := _processes_in(namespaces):
        for pid in pids - signalled:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
        signalled |= pids
        if time.monotonic() > deadline:
            return
        time.sleep(0.02)


def _processes_in(namespaces):
    pids = set()
    for namespace in namespaces:
        pids.update(map(int, run(["ip", "netns", "pids", namespace]).stdout.split()))
    return pids


def leftovers(lab_name):
    """What still exists of a lab, as texts."""
    left = [f"network namespace {name}" for name in namespaces_of(lab_name)]
    left += [f"pinned objects in {path}" for path in bpffs.pin_directories(lab_name)]
    if (_RUNTIME / lab_name).exists():
        left.append(f"files in {_RUNTIME / lab_name}")
    return left


def existing_labs():
    """Names of all labs of this machine, with the process id of their makers."""
    found = {}
    names = [*existing_namespaces(), *(path.name for path in _RUNTIME.glob(f"{PREFIX}*")),
             *(path.name for path in bpffs.MOUNT_POINT.glob(f"{PREFIX}*"))]
    for name in names:
        if match := _LAB_OF.match(name):
            found[match.group(1)] = int(match.group(2))
    return found


def _maker_lives(pid):
    # A process id is reused: only a Python that runs is a maker of labs.
    try:
        return b"python" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


def remove_abandoned():
    """Removes labs whose maker was killed before it could do that itself. Kept ones stay."""
    # Of two labs that begin at the same time each would trip over what the other one removes. bpffs locks another folder meanwhile.
    with locked("/"):
        for name, pid in existing_labs().items():
            if not _maker_lives(pid) and not (_RUNTIME / name / KEPT).exists():
                with without_interruption():
                    remove_lab(name)


def kept_labs():
    return [name for name in existing_labs() if (_RUNTIME / name / KEPT).exists()]


def remove_kept(names):
    """Removes these of the labs that Lab.keep() left. LabError when something of them is still there afterwards."""
    for name in names:
        with without_interruption():
            remove_lab(name)
        if left := leftovers(name):
            raise LabError(f"of {name} is still there: " + ", ".join(left))
