# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts with Debian's own kernel under qemu. Machine: a bare kernel that knows Mobile IPv6 (CONFIG_IPV6_MIP6), an outside eye
that nobody of us wrote; what it runs beside its kernel are tools of this machine. debian.boot: a whole Debian with systemd.
Nothing is installed and nothing is left behind."""
from .kernel import Kernel, find_kernel
from .machine import Guest, Machine

__all__ = ["Guest", "Kernel", "Machine", "find_kernel"]
