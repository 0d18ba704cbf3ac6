# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds a kernel of Debian's, and the modules that the guest needs in the order in which they have to be loaded."""
import lzma
import os
import re
from dataclasses import dataclass
from pathlib import Path

WANTED_CONFIGURATION = "CONFIG_IPV6_MIP6=y"
MODULES = ("e1000", "xfrm_user")


@dataclass(frozen=True)
class Kernel:
    version: str
    image: Path
    modules: Path     # directory /lib/modules/VERSION

    def module_files(self, names=MODULES):
        """[(name, contents)], what a module needs before it."""
        ordered = {}
        for name in names:
            self._add(name, ordered)
        return list(ordered.items())

    def _add(self, name, ordered):
        if name in ordered:
            return
        found = [p for p in self.modules.rglob("*.ko*") if p.name.split(".")[0].replace("-", "_") == name]
        if not found:
            return            # built in
        contents = found[0].read_bytes()
        if found[0].suffix == ".xz":
            contents = lzma.decompress(contents)
        for needed in re.search(rb"\0depends=([^\0]*)\0", contents).group(1).decode().split(","):
            if needed:
                self._add(needed.replace("-", "_"), ordered)
        ordered[name] = contents


def find_kernel():
    """The newest installed kernel with Mobile IPv6, None when there is none. MIPFLOW_GUEST_KERNEL names another root directory
    that a linux-image package was unpacked to (dpkg-deb -x)."""
    root = Path(os.environ.get("MIPFLOW_GUEST_KERNEL", "/"))
    found = []
    for image in root.glob("boot/vmlinuz-*"):
        version = image.name.removeprefix("vmlinuz-")
        configuration, modules = image.with_name(f"config-{version}"), root / "lib/modules" / version
        if configuration.exists() and modules.is_dir() and WANTED_CONFIGURATION in configuration.read_text().splitlines():
            found.append(Kernel(version, image, modules))
    return max(found, key=lambda k: [int(n) for n in re.findall(r"\d+", k.version)], default=None)
