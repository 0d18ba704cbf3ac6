# SPDX-License-Identifier: GPL-3.0-or-later
"""A whole Debian with systemd as a guest. Its root file system is one that make-root made; each guest has a copy on a disk of its
own, which goes with it."""
import os
import shutil
import subprocess
from pathlib import Path

from lab.process import Process

from . import initramfs
from .machine import Guest

ROOT_MODULES = ("virtio_pci", "virtio_blk", "crc32c_generic", "ext4")
ROOT_TOOLS = ("sh", "mount", "insmod", "switch_root", "sleep")
SWITCH_TO_ROOT = """\
while ! [ -b /dev/vda ]; do sleep 0.1; done
mount -t ext4 /dev/vda /root
exec switch_root /root /sbin/init
"""
# What a guest without hardware may ever load.
LOADABLE = ("arch", "crypto", "lib", "net", "drivers/net/dummy.ko", "drivers/net/ifb.ko", "drivers/net/veth.ko")
COMMANDS_UNIT = """\
[Unit]
Description=Commands of the test
After=multi-user.target
[Service]
Type=idle
Environment=HOME=/root
ExecStart=/bin/sh /guest-commands
[Install]
WantedBy=multi-user.target
"""
# What begins by itself after a while would be in the way of a test.
MASKED = ("apt-daily.timer", "apt-daily-upgrade.timer", "dpkg-db-backup.timer", "e2scrub_all.timer", "fstrim.timer",
          "systemd-tmpfiles-clean.timer", "getty@tty1.service", "serial-getty@ttyS0.service")
DISK, MEMORY = "1536M", 1024
DEFAULT_ROOT = "/var/cache/mipflow-guest-root"


def find_root():
    """The directory that make-root filled, None when there is none. MIPFLOW_GUEST_ROOT names another one."""
    root = Path(os.environ.get("MIPFLOW_GUEST_ROOT", DEFAULT_ROOT))
    return root if (root / "usr/lib/systemd/systemd").exists() or (root / "lib/systemd/systemd").exists() else None


def boot(folder, kernel, root, packages):
    """A Guest in an empty folder; the files `packages` are in its /packages."""
    copy = folder / "root"
    try:
        _prepare(copy, kernel, root, packages)
        subprocess.run(["mke2fs", "-q", "-t", "ext4", "-d", copy, folder / "disk", DISK], check=True)
    finally:
        shutil.rmtree(copy, ignore_errors=True)
    initramfs.build(folder / "initramfs", kernel, tools=ROOT_TOOLS, modules=ROOT_MODULES, then=SWITCH_TO_ROOT)
    return Guest(lambda command: Process(command, folder / "qemu.log"), folder, kernel,
                 "-drive", f"file={folder / 'disk'},format=raw,if=virtio,cache=unsafe", "-smp", "2", memory=MEMORY)


def _prepare(copy, kernel, root, packages):
    subprocess.run(["cp", "-a", "--reflink=auto", root, copy], check=True)
    (copy / "packages").mkdir()
    for package in packages:
        shutil.copy(package, copy / "packages")
    modules = copy / "lib/modules" / kernel.version
    for part in LOADABLE:
        source, target = kernel.modules / "kernel" / part, modules / "kernel" / part
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target)
        elif source.exists():
            shutil.copy(source, target)
    for listing in kernel.modules.glob("modules.*"):
        shutil.copy(listing, modules)
    subprocess.run(["depmod", "-b", copy, kernel.version], check=True)
    (copy / "guest-commands").write_text(initramfs.COMMANDS)
    units = copy / "etc/systemd/system"
    (units / "guest-commands.service").write_text(COMMANDS_UNIT)
    (units / "multi-user.target.wants/guest-commands.service").symlink_to("/etc/systemd/system/guest-commands.service")
    for unit in MASKED:
        (units / unit).unlink(missing_ok=True)
        (units / unit).symlink_to("/dev/null")
