# SPDX-License-Identifier: GPL-3.0-or-later
"""The BPF file system, where the daemons pin their data path. Mounted for the time that labs need it, when it is not."""

import contextlib
from pathlib import Path

from .locks import locked
from .process import LabError, run

MOUNT_POINT = Path("/sys/fs/bpf")
_USERS = Path("/run/mipflow-lab-bpffs")
_MADE_BY_KERNEL = {"maps.debug", "progs.debug"}


def _mounted():
    return any(line.split()[1:3] == [str(MOUNT_POINT), "bpf"] for line in Path("/proc/mounts").read_text().splitlines())


def _locked():
    # Several labs run at the same time: the last one that uses the mount takes it away.
    return locked(_USERS.parent)


def acquire(lab_name):
    """Makes sure that the file system is mounted until release()."""
    with _locked():
        if not _mounted():
            done = run(["mount", "-t", "bpf", "bpf", MOUNT_POINT], check=False)
            if done.returncode != 0:
                raise LabError(f"the BPF file system can not be mounted at {MOUNT_POINT}: {done.stderr.strip()}")
            _USERS.mkdir()
        if _USERS.is_dir():
            (_USERS / lab_name).touch()
    # A folder between the mount, through which nobody but root may go where systemd made it, and those of the daemons.
    _folder(lab_name).mkdir(exist_ok=True)
    _folder(lab_name).chmod(0o711)


def release(lab_name):
    """Takes the mount away again if labs made it and no other lab uses it."""
    with contextlib.suppress(FileNotFoundError):
        _folder(lab_name).rmdir()
    with _locked():
        if not _USERS.is_dir():
            return
        (_USERS / lab_name).unlink(missing_ok=True)
        if any(_USERS.iterdir()):
            return
        # Somebody else may have pinned something meanwhile; then the mount stays.
        if _mounted() and all(path.name in _MADE_BY_KERNEL for path in MOUNT_POINT.iterdir()):
            run(["umount", MOUNT_POINT])
        _USERS.rmdir()


def _folder(lab_name):
    return MOUNT_POINT / lab_name


def pin_directory(lab_name, node_name):
    return _folder(lab_name) / node_name


def pin_directories(lab_name):
    return sorted(_folder(lab_name).iterdir()) if _folder(lab_name).is_dir() else []


def remove_pins(directory):
    """Removes a pin directory that a daemon left behind. bpffs knows no `rm -r` shortcut: files first, then folders."""
    for path in sorted(directory.rglob("*"), reverse=True):
        if path.is_dir():
            path.rmdir()
        else:
            path.unlink()
    directory.rmdir()
