# SPDX-License-Identifier: GPL-3.0-or-later
"""The guest's file system: tools of this machine with the libraries that they need, in the cpio format "newc"."""
import re
import shutil
import stat
import subprocess
from pathlib import Path

from .kernel import MODULES

TOOLS = ("sh", "mount", "cat", "stty", "insmod", "ip", "ping", "sleep")
SEARCH = "/usr/sbin:/usr/bin:/sbin:/bin"

START = """\
#!/bin/sh
export PATH=/bin HOME=/tmp
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
while read module; do insmod /modules/$module.ko; done < /modules/order
"""

# Commands come over the second serial port, one per line; each ends with a line "@@ EXITCODE".
COMMANDS = """\
stty -F /dev/ttyS1 raw -echo 115200
exec < /dev/ttyS1 > /dev/ttyS1 2>&1
echo "@@ 0"
while read -r line; do eval "$line"; echo "@@ $?"; done
"""


def build(path, kernel, programs=(), tools=TOOLS, modules=MODULES, then=COMMANDS):
    """Writes the archive. `programs`: further ones of ours that the guest shall have; `then`: what its shell does when it has
    all of this."""
    entries = {name: (stat.S_IFDIR | 0o755, b"") for name in ("bin", "proc", "sys", "dev", "tmp", "root", "modules", "lib64")}
    entries["init"] = (stat.S_IFREG | 0o755, (START + then).encode())
    modules = kernel.module_files(modules)
    entries["modules/order"] = (stat.S_IFREG | 0o644, "".join(f"{name}\n" for name, _ in modules).encode())
    for name, contents in modules:
        entries[f"modules/{name}.ko"] = (stat.S_IFREG | 0o644, contents)
    for tool in [*map(find_tool, tools), *map(Path, programs)]:
        entries[f"bin/{tool.name}"] = (stat.S_IFREG | 0o755, tool.read_bytes())
        for library in libraries_of(tool):
            entries[library.lstrip("/")] = (stat.S_IFREG | 0o755, Path(library).read_bytes())
    path.write_bytes(archive(with_directories(entries)))


def find_tool(name):
    found = shutil.which(name, path=SEARCH)
    if found is None:
        raise FileNotFoundError(f"there is no program {name} to put into the guest")
    return Path(found)


def libraries_of(program):
    done = subprocess.run(["ldd", str(program)], capture_output=True, text=True, check=False)
    return re.findall(r"(/\S+) \(0x", done.stdout)


def with_directories(entries):
    """Parents before what they contain."""
    out = {}
    for name in sorted(entries):
        for parent in reversed(Path(name).parents):
            if str(parent) != ".":
                out.setdefault(str(parent), (stat.S_IFDIR | 0o755, b""))
        out[name] = entries[name]
    return out


def archive(entries):
    def record(number, name, mode, data):
        fields = (number, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name) + 1, 0)
        header = b"070701" + b"".join(b"%08X" % f for f in fields) + name.encode() + b"\0"
        return header + bytes(-len(header) % 4) + data + bytes(-len(data) % 4)
    records = [record(n, name, mode, data) for n, (name, (mode, data)) in enumerate(entries.items(), 1)]
    return b"".join(records) + record(0, "TRAILER!!!", 0, b"")
