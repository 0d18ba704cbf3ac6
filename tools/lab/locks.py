# SPDX-License-Identifier: GPL-3.0-or-later
"""What laboratories that run at the same time must not do at the same time."""

import contextlib
import fcntl
import os


@contextlib.contextmanager
def locked(folder):
    """Alone on this machine with everybody else who locks the folder. It is one that is there anyway, so that no lock file stays
    behind. Who holds it and asks again waits for ever."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
