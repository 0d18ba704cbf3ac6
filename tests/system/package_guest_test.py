#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Debian packages on a Debian with systemd and its own kernel: installed, started under the units' hardening, used, upgraded,
killed and purged, and then nothing is left.

    guest: mipflow-mnd ── w0 ──┐
           (the unit)          ├── peer, a network namespace: mipflow-had, and beyond it 2001:db8:300::10
                       ── w1 ──┘

Needs qemu-system-x86_64, a kernel (see guest/kernel.py) and a root file system (guest/make-root); says so and ends with 77 when
something is not there. With --missing it only says what is missing. MIPFLOW_PACKAGES names a directory with packages.
"""
import base64
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

SYSTEM = Path(__file__).resolve().parent
ROOT = SYSTEM.parents[1]
sys.path.insert(0, str(ROOT / "tools"))

from lab.process import LabError, wait_until  # noqa: E402
from guest import debian, find_kernel  # noqa: E402

KERNEL, DEBIAN_ROOT = find_kernel(), debian.find_root()
SKIPPED = 77
PATIENCE = 300  # seconds for what takes one; emulation on a busy machine is a hundred times slower
DAEMONS = ("mipflow-mnd", "mipflow-had", "mipflow-cnd")
KEY = "000102030405060708090a0b0c0d0e0f"
HOME, HOME_AGENT, CORRESPONDENT = "2001:db8:100::1001", "2001:db8:100::2", "2001:db8:300::10"

# A connection whose client writes the number of the last line that came back to /mnt/echoed, and says why when one does not. perl is
# what every Debian has.
ECHO_SERVER = """use IO::Socket::IP;
my $listener = IO::Socket::IP->new(Listen => 1, LocalHost => "::", LocalPort => 6000) or die $@;
my $connection = $listener->accept;
$connection->autoflush(1);
while (my $line = <$connection>) { print $connection $line; }
"""
ECHO_CLIENT = f"""use IO::Socket::IP;
my $connection = IO::Socket::IP->new(PeerHost => "{CORRESPONDENT}", PeerPort => 6000) or die $@;
$connection->autoflush(1);
for (my $n = 1; ; ++$n) {{
  print $connection "$n\\n" or die $!;
  my $line = <$connection> // die "the connection has ended: $!";
  $line eq "$n\\n" or die "$line instead of $n";
  open(my $file, ">", "/mnt/echoed.new") or die $!;
  print $file $n and close $file and rename("/mnt/echoed.new", "/mnt/echoed") or die $!;
  select(undef, undef, undef, 0.3);
}}
"""

# What there is, files and kernel, as text. Left out: what dpkg, systemd and the kernel write by themselves.
SNAPSHOT = r"""snapshot() {
find / -xdev \( -path /proc -o -path /sys -o -path /run -o -path /tmp -o -path /var/tmp -o -path /var/log -o -path /var/cache \
  -o -path /var/lib/dpkg -o -path /var/lib/apt -o -path /var/lib/systemd -o -path /packages \) -prune -o -printf '%p %y %m %u %g %l\n' \
  | grep -vE '^/etc/((passwd|group|shadow|gshadow)- |\.pwd\.lock )' | sort
ls -R /sys/fs/bpf; ls /run | grep mipflow; find /var/lib/systemd -name '*mipflow*'
cat /etc/group; ip -brief link | cut -d' ' -f1; ip -6 rule; ip -6 route show table all | sed 's/ expires [0-9a-z]*//' | grep -v 'fe80\|ff00' | sort
nft list ruleset; tc qdisc; tc filter show dev w0 ingress; tc filter show dev w0 egress; find /sys/fs/cgroup -name '*mipflow*'
grep -H . /proc/sys/net/ipv6/conf/*/forwarding /proc/sys/net/ipv6/conf/*/proxy_ndp; systemctl --failed --no-legend; }"""


def missing():
    """What this test needs and does not find, "" when everything is there."""
    for program, package in (("qemu-system-x86_64", "qemu-system-x86"), ("mke2fs", "e2fsprogs"), ("depmod", "kmod")):
        if not shutil.which(program, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"):
            return f"{program} is not installed (Debian: {package})"
    if KERNEL is None:
        return "there is no kernel with CONFIG_IPV6_MIP6 in /boot (Debian: linux-image-amd64)"
    if DEBIAN_ROOT is None:
        return f"there is no Debian in {debian.DEFAULT_ROOT}; tests/system/guest/make-root makes it"
    if "MIPFLOW_PACKAGES" not in os.environ and not shutil.which("dh"):
        return "dh is not installed (Debian: debhelper)"
    return ""


def packages(directory):
    """The files of all packages, made when nobody has done that yet."""
    output = Path(os.environ.get("MIPFLOW_PACKAGES", directory / "packages"))
    if "MIPFLOW_PACKAGES" not in os.environ:
        subprocess.run([ROOT / "tools" / "package", "--working-tree", "--output", output], check=True, capture_output=True)
    return sorted(output.glob("*.deb"))


class PackagesUnderSystemd(unittest.TestCase):
    """The tests build on each other, in the order of their names."""

    @classmethod
    def setUpClass(cls):
        directory = Path(cls.enterClassContext(tempfile.TemporaryDirectory(prefix="mipflow-package-guest-")))
        cls.guest = debian.boot(directory, KERNEL, DEBIAN_ROOT, packages(directory))
        cls.addClassCleanup(cls.guest.stop)
        cls.do("mount -t tmpfs none /mnt; ip link set lo up; ip netns add peer; ip -n peer link set lo up")
        for number in (0, 1):
            here, there = f"w{number}", f"p{number}"
            cls.do(f"ip link add {here} type veth peer name {there} netns peer; ip link set {here} up; ip -n peer link set {there} up; "
                   f"ip address add 2001:db8:{number + 1}::77/64 dev {here} nodad; ip -n peer address add 2001:db8:{number + 1}::1/64 dev {there} nodad; "
                   f"ip -6 route add default via 2001:db8:{number + 1}::1 dev {here} metric {1000 + number}")
        cls.do(f"ip -n peer address add {HOME_AGENT}/128 dev lo nodad; ip -n peer address add {CORRESPONDENT}/128 dev lo nodad; "
               "nsenter --net=/run/netns/peer sysctl -q -w net.ipv6.conf.all.forwarding=1")
        cls.do(f"ping -c 1 -w 20 {CORRESPONDENT}")
        cls.do(SNAPSHOT.replace("\\\n", "").replace("\n", "; ").replace("{; ", "{ "))
        cls.do("systemctl list-units --type=service --no-legend > /dev/null; snapshot > /mnt/before")

    @classmethod
    def do(cls, command, timeout=PATIENCE, check=True):
        return cls.guest.run(command, timeout, check)

    def wait(self, condition, what):
        return wait_until(condition, what, PATIENCE, interval=0.3)

    def show(self, unit, name):
        return self.do(f"systemctl show -p {name} --value {unit}").strip()

    def active(self, unit):
        """Waits until it runs, in its first attempt: a system call that the unit forbids would have killed it, see `strict`."""
        self.wait_with_log(unit, lambda: self.show(unit, "ActiveState") == "active", "to run")
        self.assertEqual(self.show(unit, "NRestarts"), "0", self.log(unit))

    def wait_with_log(self, unit, condition, what):
        try:
            self.wait(condition, f"{unit} {what}")
        except LabError as error:
            self.fail(f"{error}\n{self.log(unit)}")

    def log(self, unit):
        return self.do(f"journalctl --no-pager -o cat -n 30 -u {unit}")

    def strict(self, unit):
        """From now on a forbidden system call ends the daemon (SIGSYS) instead of being refused."""
        self.do(f"mkdir -p /run/systemd/system/{unit}.service.d; "
                f"printf '[Service]\\nSystemCallErrorNumber=kill\\n' > /run/systemd/system/{unit}.service.d/strict.conf; systemctl daemon-reload")

    def no_complaints(self, unit):
        log = self.log(unit)
        self.assertNotRegex(log, r"SYS|[Pp]ermitted|[Pp]ermission|read-only|refused", log)

    def test_1_install(self):
        self.do("apt-get install -y --no-install-recommends /packages/*.deb > /mnt/apt 2>&1 || { tail -n 30 /mnt/apt; false; }", 2 * PATIENCE)
        self.assertEqual(self.do("systemctl --failed --no-legend"), "")
        for unit in DAEMONS:
            self.assertEqual(self.do(f"systemctl is-enabled {unit}").strip(), "enabled")
        self.assertIn("mipflow:", self.do("getent group mipflow"))
        # A correspondent node needs nothing else.
        self.active("mipflow-cnd")
        status = self.do("systemctl status -l --no-pager mipflow-mnd", check=False)
        self.assertIn("not set up yet, run: mipflow setup", status)
        self.assertEqual((self.show("mipflow-mnd", "ActiveState"), self.show("mipflow-had", "ActiveState")), ("inactive", "inactive"))
        self.assertIn("mipflow setup home-agent", self.do("systemctl status -l --no-pager mipflow-had", check=False))

    def test_2_correspondent_node(self):
        self.strict("mipflow-cnd")
        self.do("systemctl restart mipflow-cnd")
        self.active("mipflow-cnd")
        self.assertIn("2001:db8:1::77", self.do("mipflow --correspondent-node status"))
        refused = self.do("setpriv --reuid nobody --regid nogroup --clear-groups mipflow --correspondent-node status 2>&1", check=False)
        self.assertRegex(refused, r"(?i)permission denied[\s\S]*mipflow")
        self.assertIn("2001:db8:1::77", self.do("setpriv --reuid nobody --regid mipflow --clear-groups mipflow --correspondent-node status"))
        self.do("systemctl reload mipflow-cnd")
        self.active("mipflow-cnd")
        self.no_complaints("mipflow-cnd")
        self.assertLessEqual(float(re.search(r"(\d+\.\d+)", self.do("systemd-analyze security --no-pager mipflow-cnd | tail -n 1")).group(1)), 3.0)

    def test_3_upgrade_leaves_the_kernel_alone(self):
        before = self.show("mipflow-cnd", "MainPID"), self.do("cat /sys/class/net/mip0/ifindex")
        self.do("dpkg -i /packages/mipflow-cnd_*.deb")
        self.wait(lambda: self.show("mipflow-cnd", "MainPID") not in ("0", before[0]) and self.show("mipflow-cnd", "ActiveState") == "active", "the new version")
        self.assertEqual(self.do("cat /sys/class/net/mip0/ifindex"), before[1], "the upgrade took the device away")
        self.assertIn("2001:db8:1::77", self.do("mipflow --correspondent-node status"))

    def test_4_home_agent(self):
        self.do("mkdir -p /etc/mipflow; printf '%s\\n' 'home-agent-address = \"2001:db8:1::77\"' 'home-link = \"virtual\"' '[[prefix]]' "
                "'prefix = \"2001:db8:200::/64\"' '[[mobile-node]]' 'identifier = \"laptop@example.org\"' 'home-address = \"2001:db8:200::1\"' "
                "> /etc/mipflow/had.toml")
        self.associations("/etc/mipflow/security-associations.toml")
        self.strict("mipflow-had")
        # The correspondent node has the device still: said, not fought about.
        self.do("systemctl start mipflow-had", check=False)
        self.assertIn("another daemon of mipflow has the device mip0", self.log("mipflow-had"))
        self.do("systemctl stop mipflow-had; systemctl restart mipflow-cnd")
        self.assertEqual(self.show("mipflow-cnd", "ActiveState"), "inactive")
        self.assertIn("not needed beside mipflow-had", self.do("systemctl status -l --no-pager mipflow-cnd", check=False))
        self.do("systemctl start mipflow-had")
        self.wait(lambda: self.show("mipflow-had", "ActiveState") == "active", "the home agent")
        json.loads(self.do("mipflow --home-agent --json status"))
        self.do("systemctl reload mipflow-had; systemctl stop mipflow-had; rm /etc/mipflow/had.toml")
        self.assertEqual(self.show("mipflow-had", "Result"), "success")
        self.assertNotRegex(self.log("mipflow-had"), "SYS")

    def associations(self, file):
        self.do(f"(umask 077; printf '%s\\n' '[[association]]' 'identifier = \"laptop@example.org\"' 'spi = 256' 'key = \"{KEY}\"' > {file}); "
                f"chown root:_mipflow {file}; chmod 0640 {file}")

    def test_5_mobile_node(self):
        self.do(f"mkdir -p /mnt/ha; printf '%s\\n' 'home-agent-address = \"{HOME_AGENT}\"' 'home-link = \"virtual\"' "
                f"'security-associations = \"/mnt/ha/sa.toml\"' '[[prefix]]' 'prefix = \"2001:db8:100::/64\"' '[[mobile-node]]' "
                f"'identifier = \"laptop@example.org\"' 'home-address = \"{HOME}\"' > /mnt/ha/had.toml")
        self.associations("/mnt/ha/sa.toml")
        self.do("systemd-run --quiet --unit=peer nsenter --net=/run/netns/peer mipflow-had --config /mnt/ha/had.toml --runtime-dir /mnt/ha/run "
                "--state-dir /mnt/ha/state --pin-dir /sys/fs/bpf/peer/had")
        self.do(f"printf '%s\\n' 'home-agent = \"{HOME_AGENT}\"' 'home-address = \"{HOME}\"' 'home-prefix = \"2001:db8:100::/64\"' "
                "'identifier = \"laptop@example.org\"' > /etc/mipflow/mnd.toml")
        self.do("printf '%s\\n' '[[class]]' 'name = \"shell\"' 'interfaces = [\"w1\"]' 'match.program = \"*/bash\"' > /etc/mipflow/policy.d/20-shell.toml")
        self.strict("mipflow-mnd")
        self.do("systemctl start mipflow-mnd")
        self.active("mipflow-mnd")
        self.wait_with_log("mipflow-mnd", lambda: self.status()["registered"], "to be registered")
        self.assertIn(" 0% packet loss", self.do(f"ping -c 3 -i 0.3 {CORRESPONDENT}"))
        # Socket, process and program are found under the hardening, and `mipflow run` may make its control group. The kernel loads
        # modules for the first look-up, which takes seconds in emulation: what is found out late moves the flow.
        self.send(5000, "bash")
        self.assertEqual(self.flow(5000, "w1")["class"], "shell")
        self.send(5001, "mipflow run --via w0 -- bash")
        self.flow(5001, "w0")
        self.do("touch /mnt/enough")
        self.assertEqual(self.status()["socket_addresses"], "on", self.status())
        self.do("systemctl reload mipflow-mnd; mipflow policy reload; mipflow doctor", check=False)
        self.active("mipflow-mnd")
        self.no_complaints("mipflow-mnd")

    def status(self):
        text = self.do("mipflow --json status", check=False)
        return json.loads(text) if text.startswith("{") else {"registered": False}

    def send(self, port, shell):
        """A datagram now and then, from one socket; nobody listens, and the errors that come back end nothing."""
        self.do(f"{shell} -c 'exec 3> /dev/udp/{CORRESPONDENT}/{port}; while [ ! -e /mnt/enough ]; do echo >&3; sleep 3; done' > /dev/null 2>&1 &")

    def flow(self, port, interface):
        """The listed flow to this port, when it is known whose it is and uses the interface."""
        def find():
            listed = [f for f in json.loads(self.do("mipflow --json flow list")) if f["correspondent_port"] == port]
            # Whose it is may not be known yet.
            found = next((f for f in listed if (f["owner"] or {}).get("program") == "/usr/bin/bash" and f["interface"] == interface), None)
            if found is None:
                raise LabError(f"there is {listed}")
            return found
        return self.wait(find, f"bash's flow to port {port} on {interface}")

    def put(self, path, text):
        self.do(f"echo {base64.b64encode(text.encode()).decode()} | base64 -d > {path}")

    def echoed(self):
        return int(self.do("cat /mnt/echoed 2> /dev/null || echo 0"))

    def wait_for_echoes(self, when):
        before = self.echoed()
        self.wait(lambda: self.echoed() > before + 3, f"echoes {when}; the client says: {self.do('cat /mnt/client.log')}")

    def connection(self):
        """What identifies the flow of the echoes, and where it is."""
        flows = json.loads(self.do("mipflow --json flow list"))
        flow = next((f for f in flows if (f["protocol"], f["correspondent_port"]) == ("tcp", 6000)), None)
        return flow and {key: flow[key] for key in ("source_port", "home_address", "interface", "path")}

    def test_6_upgrade_under_a_live_connection(self):
        self.put("/mnt/server.pl", ECHO_SERVER)
        self.put("/mnt/client.pl", ECHO_CLIENT)
        self.do("systemd-run --quiet --unit=echo nsenter --net=/run/netns/peer perl /mnt/server.pl")
        self.wait(lambda: self.do("nsenter --net=/run/netns/peer ss -Hltn sport = 6000").strip(), "the server")
        self.do("perl /mnt/client.pl > /mnt/client.log 2>&1 &")
        self.wait_for_echoes("before the upgrade")
        before, device = self.connection(), self.do("cat /sys/class/net/mip0/ifindex")
        daemon = self.show("mipflow-mnd", "MainPID")
        self.assertEqual(before["path"], "tunnel", before)
        # Time to look at what there is between the two daemons: a second otherwise.
        self.do("printf '[Service]\\nRestartSec=100\\n' > /run/systemd/system/mipflow-mnd.service.d/late.conf; systemctl daemon-reload")
        self.do("dpkg -i /packages/mipflow_*.deb /packages/mipflow-mnd_*.deb")
        self.wait_for_echoes("without a daemon")
        self.assertEqual(self.show("mipflow-mnd", "MainPID"), "0", "the new daemon was there already: nothing was seen")
        self.wait(lambda: self.show("mipflow-mnd", "MainPID") not in ("0", daemon), "the new daemon")
        self.wait(lambda: self.show("mipflow-mnd", "ActiveState") == "active", "the new daemon to be ready")
        self.wait(lambda: self.status()["registered"], "its registration")
        self.assertEqual((self.connection(), self.do("cat /sys/class/net/mip0/ifindex")), (before, device))
        self.wait_for_echoes("after the upgrade")
        self.assertEqual(self.do("cat /mnt/client.log"), "")
        self.no_complaints("mipflow-mnd")
        self.do("systemctl stop echo; rm /run/systemd/system/mipflow-mnd.service.d/late.conf; systemctl daemon-reload")

    def test_7_killed_and_purged(self):
        self.do("systemctl stop peer")
        # One that dies and does not come back: removing the package has to take its things out of the kernel.
        self.do("mkdir -p /run/systemd/system/mipflow-mnd.service.d; printf '[Service]\\nRestart=no\\n' > /run/systemd/system/mipflow-mnd.service.d/no.conf; "
                "systemctl daemon-reload; systemctl kill --signal=KILL mipflow-mnd")
        self.wait(lambda: self.show("mipflow-mnd", "ActiveState") == "failed", "the end of the daemon")
        self.assertIn("mip0", self.do("ip -brief link"))
        self.do("apt-get purge -y mipflow mipflow-mnd mipflow-had mipflow-cnd libmipflow0 libmipflow-dev > /mnt/apt 2>&1 || { tail -n 30 /mnt/apt; false; }", 2 * PATIENCE)
        self.assertNotRegex(self.do("cat /mnt/apt"), r"warning|still")
        self.do("rm -r /run/systemd/system/mipflow-*; rmdir /sys/fs/bpf/peer/had /sys/fs/bpf/peer 2> /dev/null; systemctl daemon-reload; systemctl reset-failed; "
                "snapshot > /mnt/after")
        self.assertEqual(self.do("diff /mnt/before /mnt/after", check=False), "")


if __name__ == "__main__":
    reason = missing()
    if sys.argv[1:] == ["--missing"]:
        print(reason, end="")
    elif reason:
        print(f"package_guest_test did not run: {reason}")
        sys.exit(SKIPPED)
    else:
        unittest.main(verbosity=2)
