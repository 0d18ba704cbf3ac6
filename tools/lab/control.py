# SPDX-License-Identifier: GPL-3.0-or-later
"""Asks a daemon of the lab without starting a program for it: for whoever has to know when he asked, or asks often."""

import json
import socket
import time

from .process import LabError


class ControlConnection:
    """A connection to a control socket, see docs/control-protocol.md. Any namespace will do: the socket is a file."""

    def __init__(self, path):
        self.asked_ns = 0  # wall clock, like that of captures, just before the last request was sent
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.settimeout(15)
        self._socket.connect(str(path))
        self._answers = self._socket.makefile("rb")

    def ask(self, request, **parameters):
        """The result. LabError with the daemon's own words when it refuses."""
        line = json.dumps({"version": 1, "request": request, **parameters}).encode() + b"\n"
        self.asked_ns = time.clock_gettime_ns(time.CLOCK_REALTIME)
        self._socket.sendall(line)
        answer = json.loads(self._answers.readline() or '{"ok":false,"error":{"message":"the daemon closed the connection"}}')
        if not answer["ok"]:
            raise LabError(f"{request}: {answer['error']['message']}")
        return answer["result"]

    def close(self):
        self._answers.close()
        self._socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
