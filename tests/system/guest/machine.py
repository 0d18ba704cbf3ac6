# SPDX-License-Identifier: GPL-3.0-or-later
"""The guest as an object: boots, runs commands, dies with its process."""
import socket

from lab.process import LabError, wait_until

from . import initramfs

BOOT_SECONDS, MEMORY = 900, 512  # 20 s on an idle core, of which a busy machine may give a tenth
DONE = "@@ "


class Guest:
    """A guest that boots from `folder`/initramfs. `start` runs a command line and gives its lab.process.Process."""

    def __init__(self, start, folder, kernel, *arguments, memory=MEMORY):
        self.console, port = folder / "console", folder / "commands"
        # Software emulation: slow, but the same on every machine, inside virtual machines too.
        self.process = start([
            "qemu-system-x86_64", "-machine", "q35,accel=tcg", "-cpu", "max", "-m", memory, "-display", "none", "-monitor", "none",
            "-no-reboot", "-nodefaults", "-kernel", kernel.image, "-initrd", folder / "initramfs",
            "-append", "console=ttyS0 panic=-1 quiet", "-serial", f"file:{self.console}",
            "-serial", f"unix:{port},server=on,wait=off", *arguments])
        self._port = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            wait_until(lambda: self.process.expect_running() or self._port.connect_ex(str(port)) == 0, "qemu")
            self._read("the guest's boot", BOOT_SECONDS)
        except BaseException:
            self.stop()
            raise

    def run(self, command, timeout=30.0, check=True):
        """What a command line of the guest's shell prints. LabError when its exit code is not 0."""
        self._port.sendall(command.encode() + b"\n")
        text, code = self._read(command, timeout)
        if check and code != 0:
            raise LabError(f"guest: exit code {code} of {command}: {text}")
        return text

    def _read(self, what, timeout):
        self._port.settimeout(timeout)
        text = ""
        while True:
            try:
                data = self._port.recv(65536).decode(errors="replace")
            except TimeoutError as error:
                raise LabError(f"waited {timeout:g} s in vain for {what} in the guest: {text}\n{self.last_words()}") from error
            except ConnectionResetError:
                data = ""
            if not data:
                raise LabError(f"the guest has ended during {what}: {text}\n{self.last_words()}")
            text += data
            before, mark, after = text.replace("\r", "").rpartition(DONE)
            if mark and after.endswith("\n"):
                return before, int(after)

    def last_words(self):
        console = self.console.read_text(errors="replace") if self.console.exists() else ""
        return "\n".join((self.process.output() + console).splitlines()[-20:])

    def stop(self):
        self._port.close()
        self.process.stop(timeout=5)


class Machine(Guest):
    """A guest on a node of the lab, with one network card that is the tap device `tap0` there."""

    def __init__(self, lab, node, kernel, mac, programs=()):
        folder = lab.directory / f"guest-{node}"
        folder.mkdir()
        initramfs.build(folder / "initramfs", kernel, programs)
        super().__init__(lambda command: lab.start(node, command), folder, kernel,
                         "-netdev", "tap,id=net,ifname=tap0,script=no,downscript=no", "-device", f"e1000,netdev=net,mac={mac}")

    def bring_up(self, address, router, router_mac):
        """Gives eth0 its address, and everything beyond a router whose link-layer address needs no asking."""
        self.ip("link set lo up", "link set eth0 up", f"address add {address}/64 dev eth0 nodad",
                f"neighbour replace {router} lladdr {router_mac} dev eth0", f"-6 route replace default via {router}")
        wait_until(lambda: "state UP" in self.run("ip link show eth0"), "the guest's link", 20, interval=0.2)

    def ip(self, *lines):
        for line in lines:
            self.run(f"ip {line}")


__all__ = ["Guest", "Machine"]
