# SPDX-License-Identifier: GPL-3.0-or-later
"""Sockets in other network namespaces, without a process for each: a socket stays where it was made."""
import ctypes
import os
import pathlib
import socket
import threading

CLONE_NEWNET = 0x40000000
LIBC = ctypes.CDLL(None, use_errno=True)


def inside(namespace, action):
    """Runs `action()` in a thread that has entered a namespace, and returns what it returns. `namespace`: name or whole path."""
    result = {}

    def enter_and_act():
        try:
            handle = os.open(pathlib.Path("/run/netns") / namespace, os.O_RDONLY | os.O_CLOEXEC)
            try:
                if LIBC.setns(handle, CLONE_NEWNET) != 0:
                    raise OSError(ctypes.get_errno(), f"setns({namespace})")
            finally:
                os.close(handle)
            result["value"] = action()
        except BaseException as failure:  # noqa: BLE001 - handed over to the caller's thread
            result["failure"] = failure

    thread = threading.Thread(target=enter_and_act)
    thread.start()
    thread.join()
    if "failure" in result:
        raise result["failure"]
    return result["value"]


def udp_socket(namespace, address=None, port=0):
    def make():
        s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        s.bind((address or "::", port))
        return s
    return inside(namespace, make)


def listener(namespace, address, port=0):
    def make():
        s = socket.socket(socket.AF_INET6, socket.SOCK_STREAM)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.bind((address, port))
        s.listen(16)
        return s
    return inside(namespace, make)


def connection(namespace, address, port, timeout=5.0, source=None):
    """A connected TCP socket."""
    def make():
        s = socket.socket(socket.AF_INET6, socket.SOCK_STREAM)
        s.settimeout(timeout)
        if source is not None:
            s.bind((source, 0))
        s.connect((address, port))
        return s
    return inside(namespace, make)


def packet_socket(namespace, interface):
    """Sends whole Ethernet frames out of an interface."""
    def make():
        s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        s.bind((interface, 0))
        return s
    return inside(namespace, make)
