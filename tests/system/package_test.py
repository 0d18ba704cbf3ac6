#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Debian packages: what tools/package makes, what is in it, and what is left when it is removed again.

They are installed into a copy of this machine (an overlay over its root directory, in namespaces of its own), so nothing of it
stays here. MIPFLOW_PACKAGES names a directory with packages that are there already. Needs root, what tools/install-dependencies
names for `build` and `package`, and overlayfs; says what is missing and ends with 77. With --missing it only says that.
"""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import textwrap
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SKIPPED = 77
DAEMONS = ("mipflow-mnd", "mipflow-had", "mipflow-cnd")
PACKAGES = {"mipflow", *DAEMONS, "libmipflow0", "libmipflow-dev"}
CONFIGURATION_FILES = {"mipflow-cnd": {"/etc/mipflow/cnd.toml"}, "mipflow-mnd": {"/etc/mipflow/policy.d/10-example.toml"}}
# What the packages themselves need, and the compiler adds by itself.
OF_THE_COMPILER = {"libc6", "libgcc-s1", "libstdc++6"}
# Where dpkg, ld.so and man keep their books; not one of their entries is ours.
BOOKS = r"^(var/lib/dpkg/|var/log/|var/cache/|etc/ld\.so\.cache|etc/(passwd|group|shadow|gshadow)-?$|etc/\.pwd\.lock|var/tmp/|var/lib/systemd/catalog)"
# For scripts in the copy. Only what was written there is looked at: others may work on the machine meanwhile.
CHANGES = rf"""
kind() {{ stat -c '%f %U:%G' "$1" 2> /dev/null && readlink "$1" || true; }}
changes() {{
  (cd /run/copy; find etc usr var opt srv -mindepth 1 2> /dev/null) | grep -vE '{BOOKS}' | sort | while read -r path; do
    was=$(kind "/run/machine/$path"); is=$(kind "/$path")
    if [ "$was" != "$is" ]; then echo "$path: was '$was', is '$is'"
    elif [ -f "/$path" ] && ! cmp -s "/$path" "/run/machine/$path"; then echo "$path: other contents"; fi
  done
}}
"""


def run(*command, **options):
    return subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False, **options)


def missing():
    """What this test needs and does not find, "" when everything is there."""
    for program, package in (("dpkg-buildpackage", "dpkg-dev"), ("dh", "debhelper"), ("lintian", "lintian"), ("unshare", "util-linux")):
        if shutil.which(program) is None:
            return f"{program} is not installed (Debian: {package})"
    if os.geteuid() != 0:
        return "only root can make an overlay of this machine"
    if run("dpkg-query", "-W", "-f", "${db:Status-Status}", "mipflow").stdout == "installed":
        return "mipflow is installed on this machine"
    probe = run("unshare", "--mount", "sh", "-c", "mount -t tmpfs none /mnt && mkdir /mnt/u /mnt/w /mnt/m && "
                "mount -t overlay overlay -o lowerdir=/,upperdir=/mnt/u,workdir=/mnt/w /mnt/m")
    return f"overlayfs can not be used here: {probe.stderr.strip()}" if probe.returncode != 0 else ""


def runtime_section():
    body = (ROOT / "tools" / "dependencies.txt").read_text().split("[runtime]")[1].split("\n[")[0]
    return {line.split()[0] for line in body.splitlines() if line.strip()}


class Packages(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.directory = Path(cls.enterClassContext(tempfile.TemporaryDirectory(prefix="mipflow-package-test-")))
        output = Path(os.environ.get("MIPFLOW_PACKAGES", cls.directory / "packages"))
        if "MIPFLOW_PACKAGES" not in os.environ:
            done = run(ROOT / "tools" / "package", "--working-tree", "--output", output)
            if done.returncode != 0:
                raise AssertionError(f"tools/package failed:\n{done.stdout}{done.stderr}")
        cls.files = {path.name.split("_")[0]: path for path in sorted(output.glob("*.deb"))}
        cls.contents = {}
        for name, path in cls.files.items():
            cls.contents[name] = [line.split(None, 5) for line in run("dpkg-deb", "-c", path).stdout.splitlines()]

    def field(self, package, name):
        return run("dpkg-deb", "-f", self.files[package], name).stdout.strip()

    def paths(self, package):
        return {words[5].split(" -> ")[0].removeprefix(".") for words in self.contents[package]}

    def test_all_are_there_in_one_version(self):
        self.assertEqual(set(self.files), PACKAGES)
        version = re.search(r"^project\(mipflow VERSION ([0-9.]+)", (ROOT / "CMakeLists.txt").read_text(), re.M).group(1)
        self.assertEqual({self.field(name, "Version") for name in PACKAGES}, {version})

    def test_what_they_need_is_the_list(self):
        needed = {re.sub(r" .*", "", item.strip()) for name in PACKAGES for item in self.field(name, "Depends").split(",")}
        self.assertEqual({name for name in needed if name not in PACKAGES and not name.startswith("systemd")} - OF_THE_COMPILER, runtime_section())

    def test_owner_and_mode(self):
        for package, entries in self.contents.items():
            for mode, owner, *_, path in entries:
                with self.subTest(package=package, path=path):
                    self.assertEqual(owner, "root/root")
                    self.assertRegex(mode, r"^(drwxr-xr-x|-rw-r--r--|-rwxr-xr-x|lrwxrwxrwx)$")

    def test_where_they_were_built_is_not_in_them(self):
        """Else the same source would make other packages in another folder. tools/package builds in one of this name."""
        for name, path in self.files.items():
            with tempfile.TemporaryDirectory(dir=self.directory) as contents:
                self.assertEqual(run("dpkg-deb", "-R", path, contents).returncode, 0)
                files = [file for file in Path(contents).rglob("*") if file.is_file() and not file.is_symlink()]
                self.assertEqual([file for file in files if b"mipflow-package-" in file.read_bytes()], [], name)

    def test_every_program_and_file_has_its_page(self):
        pages = {re.sub(r"\.gz$", "", path.rsplit("/", 1)[1]) for name in PACKAGES for path in self.paths(name) if "/man/man" in path}
        programs = {path for name in PACKAGES for path in self.paths(name) if re.match(r"/usr/s?bin/.", path)}
        self.assertEqual(len(programs), 4)
        self.assertEqual({f"{path.rsplit('/', 1)[1]}.{8 if '/sbin/' in path else 1}" for path in programs} - pages, set())
        self.assertLessEqual({"mnd.toml.5", "had.toml.5", "cnd.toml.5", "mipflow-policy.5", "libmipflow.3"}, pages)

    def test_configuration_files(self):
        for name in PACKAGES:
            listed = run("dpkg-deb", "-I", self.files[name], "conffiles").stdout.split()
            self.assertEqual(set(listed), CONFIGURATION_FILES.get(name, set()), name)
            self.assertEqual({path for path in self.paths(name) if path.startswith("/etc/") and not path.endswith("/")}, set(listed))

    def test_units(self):
        for name in DAEMONS:
            self.assertIn(f"/lib/systemd/system/{name}.service", self.paths(name))
            scripts = [run("dpkg-deb", "-I", self.files[name], script).stdout for script in ("postinst", "prerm", "postrm")]
            self.assertIn(f"deb-systemd-helper enable '{name}.service'", scripts[0])
            self.assertIn(f"deb-systemd-invoke stop '{name}.service'", scripts[1])
            self.assertIn(f"{name} --clean-up", scripts[1])
            self.assertNotIn("@brief@", "".join(scripts))

    def test_lintian(self):
        done = run("lintian", "--fail-on", "error,warning", "--allow-root", *self.files.values())
        self.assertEqual((done.returncode, done.stdout), (0, ""), done.stderr)

    # ---- in a copy of this machine ----

    def in_a_copy(self, script):
        """Runs a shell script in an overlay of this machine's root directory, without network and with nobody else's processes."""
        inner = self.directory / "script"
        # Daemons that ran here by hand may have left their folders.
        inner.write_text("set -eu\nexport DEBIAN_FRONTEND=noninteractive LC_ALL=C PATH=/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin\n"
                         "rm -rf /etc/mipflow /var/lib/mipflow\n" + CHANGES + textwrap.dedent(script))
        outer = f"""
            set -eu
            over={self.directory}/overlay
            mkdir -p $over; mount -t tmpfs none $over; mkdir $over/upper $over/work $over/root
            mount -t overlay overlay -o lowerdir=/,upperdir=$over/upper,workdir=$over/work $over/root
            mount -t proc proc $over/root/proc; mount --bind /dev $over/root/dev; mount -t tmpfs none $over/root/run
            mkdir $over/root/run/copy $over/root/run/machine
            mount --bind $over/upper $over/root/run/copy; mount --bind / $over/root/run/machine
            mkdir -p $over/root{self.directory}/packages
            cp {' '.join(str(path) for path in self.files.values())} {inner} $over/root{self.directory}/packages
            exec chroot $over/root sh {self.directory}/packages/script"""
        done = run("unshare", "--mount", "--net", "--pid", "--ipc", "--uts", "--fork", "sh", "-c", outer, timeout=300)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout

    def debs(self, *names):
        return " ".join(f"{self.directory}/packages/{self.files[name].name}" for name in names or sorted(PACKAGES))

    def test_nothing_is_left_behind(self):
        out = self.in_a_copy(f"""
            changes > /run/before
            dpkg -i {self.debs()} > /run/log 2>&1 || {{ cat /run/log; exit 1; }}
            getent group mipflow; getent group _mipflow; getent passwd _mipflow
            mipflow --help > /dev/null; mipflow-mnd --version; mipflow-cnd --check
            dpkg --verify mipflow mipflow-mnd mipflow-had mipflow-cnd libmipflow0 libmipflow-dev
            # What an operator, mipflow setup and the daemons write.
            umask 077
            mkdir -p /etc/mipflow/mnd.d /etc/mipflow/served /var/lib/mipflow/users /run/mipflow
            for file in mnd.toml mnd.toml.old mnd.d/10.toml had.toml security-associations.toml security-associations.toml.old \\
                        policy.d/20-mine.toml served/all.toml cnd.toml; do echo '# mine' > /etc/mipflow/$file; done
            touch /var/lib/mipflow/bindings /var/lib/mipflow/users/1000.toml /run/mipflow/mnd.lock /run/mipflow/had.sysctls
            dpkg -r mipflow-mnd mipflow-had mipflow-cnd mipflow libmipflow0 libmipflow-dev > /run/log 2>&1 || {{ cat /run/log; exit 1; }}
            echo removed; ls /etc/mipflow /var/lib/mipflow; ls /run | grep mipflow || true
            dpkg -P mipflow-mnd mipflow-had mipflow-cnd mipflow > /run/log 2>&1 || {{ cat /run/log; exit 1; }}
            echo purged; getent group mipflow _mipflow || true; getent passwd _mipflow || true
            changes > /run/after
            diff /run/before /run/after && echo the same
            """)
        self.assertRegex(out, r"(?m)^mipflow:x:\d+:$")
        self.assertRegex(out, r"(?m)^_mipflow:x:(\d+):$", "the daemons have no group of their own")
        self.assertRegex(out, r"(?m)^_mipflow:x:\d+:\d+:.*:/usr/sbin/nologin$", "the daemons have no user of their own")
        removed = out.split("removed\n")[1]
        self.assertIn("mnd.toml.old", removed, "removing must keep the configuration")
        self.assertNotRegex(removed.split("purged")[0], r"(?m)^mipflow$", "/run/mipflow is left")
        self.assertEqual(removed.split("purged\n")[1], "the same\n")

    def test_one_daemon_goes_and_another_one_stays(self):
        out = self.in_a_copy(f"""
            dpkg -i {self.debs("mipflow", *DAEMONS)} > /run/log 2>&1 || {{ cat /run/log; exit 1; }}
            cd /etc/mipflow
            touch security-associations.toml; mkdir -p /var/lib/mipflow; touch /var/lib/mipflow/bindings
            dpkg -P mipflow-cnd > /dev/null 2>&1
            ls; ls policy.d; echo "--"
            touch had.toml mnd.toml
            dpkg -P mipflow-mnd > /dev/null 2>&1
            ls . /var/lib/mipflow; echo "--"
            dpkg -P mipflow-had > /dev/null 2>&1
            ls -d /etc/mipflow /var/lib/mipflow 2>&1 || true
            getent group mipflow > /dev/null && echo the group is still there
            """)
        self.assertEqual(out, "policy.d\nsecurity-associations.toml\n10-example.toml\n--\n"
                              ".:\nhad.toml\nsecurity-associations.toml\n\n/var/lib/mipflow:\nbindings\n--\n"
                              "ls: cannot access '/etc/mipflow': No such file or directory\n"
                              "ls: cannot access '/var/lib/mipflow': No such file or directory\nthe group is still there\n")

    def test_keys_of_an_earlier_version_become_readable_for_the_daemons(self):
        out = self.in_a_copy(f"""
            umask 077
            mkdir -p /etc/mipflow; echo '# mine' > /etc/mipflow/security-associations.toml; chmod 0600 /etc/mipflow/security-associations.toml
            dpkg -i {self.debs("mipflow", "mipflow-had")} > /run/log 2>&1 || {{ cat /run/log; exit 1; }}
            stat -c '%U:%G %a' /etc/mipflow/security-associations.toml
            # What somebody gave to somebody else is not taken away.
            chown nobody:nogroup /etc/mipflow/security-associations.toml; chmod 0600 /etc/mipflow/security-associations.toml
            dpkg -i {self.debs("mipflow-had")} > /run/log 2>&1 || {{ cat /run/log; exit 1; }}
            stat -c '%U:%G %a' /etc/mipflow/security-associations.toml
            """)
        self.assertEqual(out, "root:_mipflow 640\nnobody:nogroup 600\n")

    def test_a_new_user_sets_it_up_and_asks_the_doctor(self):
        """With a umask that lets nobody in; the daemon has to get in all the same, and who may not look is not told that it is wrong."""
        out = self.in_a_copy(f"""
            dpkg -i {self.debs("mipflow", "mipflow-mnd")} > /run/log 2>&1 || {{ cat /run/log; exit 1; }}
            umask 077
            mipflow setup --home-agent 2001:db8:1::1 --home-address 2001:db8:1::100 --identifier alice@example.org --generate-secret --yes > /run/log
            stat -c '%a %U:%G %n' /etc/mipflow /etc/mipflow/mnd.toml /etc/mipflow/security-associations.toml
            mipflow-mnd --check
            for group in root _mipflow mipflow nogroup; do
              user=nobody; if [ $group = root ] || [ $group = _mipflow ]; then user=$group; fi
              echo "doctor of $group"
              setpriv --reuid $user --regid $group --clear-groups mipflow --json doctor || true
            done
            """)
        setup, *doctors = re.split(r"doctor of (?:root|_mipflow|mipflow|nogroup)\n", out)
        self.assertEqual(setup, "755 root:root /etc/mipflow\n644 root:root /etc/mipflow/mnd.toml\n640 root:_mipflow /etc/mipflow/security-associations.toml\n"
                                "/etc/mipflow/mnd.toml is valid\n")
        for text, outcome in zip(doctors, ("good", "good", "unknown", "unknown"), strict=True):
            found = {finding["check"]: finding for finding in json.loads(text)["findings"]}
            self.assertEqual((found["mipflow-mnd"]["result"], found["keys"]["result"]), (outcome, "good"), text)
            if outcome == "unknown":
                self.assertRegex(found["mipflow-mnd"]["text"], "security-associations.toml is not readable for you")

    def test_changed_configuration_survives_an_upgrade(self):
        out = self.in_a_copy(f"""
            dpkg -i {self.debs("mipflow", *DAEMONS)} > /run/log 2>&1 || {{ cat /run/log; exit 1; }}
            echo 'log-level = "debug"' >> /etc/mipflow/cnd.toml
            dpkg -i {self.debs("mipflow", *DAEMONS)} > /run/log 2>&1 || {{ cat /run/log; exit 1; }}
            tail -n 1 /etc/mipflow/cnd.toml; mipflow-cnd --check
            """)
        self.assertEqual(out, 'log-level = "debug"\n/etc/mipflow/cnd.toml is valid\n')

    def test_a_program_with_the_library(self):
        out = self.in_a_copy(f"""
            dpkg -i {self.debs("libmipflow0", "libmipflow-dev")} > /run/log 2>&1 || {{ cat /run/log; exit 1; }}
            cd /tmp; cc -o call /usr/share/doc/libmipflow-dev/examples/call.c $(pkg-config --cflags --libs mipflow)
            ldd ./call | grep -o 'libmipflow.so.0 => [^ ]*'
            """)
        self.assertRegex(out, r"^libmipflow\.so\.0 => /(usr/)?lib/[a-z0-9_]+-linux-gnu/libmipflow\.so\.0\n$")


if __name__ == "__main__":
    reason = missing()
    if sys.argv[1:] == ["--missing"]:
        print(reason, end="")
    elif reason:
        print(f"package_test did not run: {reason}")
        sys.exit(SKIPPED)
    else:
        unittest.main(verbosity=2)
