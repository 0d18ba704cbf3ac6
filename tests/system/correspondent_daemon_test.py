#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""mipflow-cnd and its host: addresses come and go, others take its rules away, it is killed, its configuration changes.

Breaks when a flow that goes straight depends on the daemon being there, when a new address is not served or an old one
keeps what was for it, when what others deleted stays deleted, when routes do not follow the links.
"""
import signal

from support.case import SystemCase, main, time
from support.residue import differences, snapshot
from support.traffic import Stream

SECOND_ADDRESS = "2001:db8:300::77"


class CorrespondentDaemon(SystemCase):
    @classmethod
    def prepare(cls):
        cls.lab.start_home_agent()
        cls.lab.start_correspondent_node()
        cls.lab.start_mobile_node()
        cls.lab.wait_registered()

    def stream(self, address=None):
        """A stream that goes straight."""
        stream = Stream(self.lab.namespace("mn"), self.lab.namespace("cn"), address or self.lab.correspondent_address)
        self.addCleanup(stream.finish, 0)
        self.assertTrue(stream.wait_for_packets(), "the flow does not start")
        self.wait_path(stream, "direct")
        return stream

    def wait_path(self, stream, path, timeout=10):
        self.wait(lambda: self.flow(stream.port)["path"] == path, f"the path {path} of the flow", timeout)

    def bindings(self):
        return {b["home_address"]: b for b in self.lab.mipflow("binding", "list", node="cn") if b["state"] == "bound"}

    def binding_of(self, stream):
        return self.bindings().get(self.flow(stream.port)["home_address"])

    def served(self):
        return self.lab.mipflow("status", node="cn")["addresses"]


class Host(CorrespondentDaemon):
    def test_addresses_come_and_go(self):
        self.assertEqual(self.served(), [self.lab.correspondent_address])
        self.lab.nodes["cn"].ip(f"address add {SECOND_ADDRESS}/64 dev eth0 nodad")
        self.addCleanup(self.lab.run, "cn", ["ip", "address", "delete", f"{SECOND_ADDRESS}/64", "dev", "eth0"], check=False)
        self.wait(lambda: SECOND_ADDRESS in self.served(), "the new address among those that are served")
        stream = self.stream(SECOND_ADDRESS)
        self.assertEqual(self.binding_of(stream)["correspondent"], SECOND_ADDRESS)
        stream.finish(0)
        self.lab.nodes["cn"].ip(f"address delete {SECOND_ADDRESS}/64 dev eth0")
        self.wait(lambda: self.served() == [self.lab.correspondent_address], "the end of the address")
        # The other address goes on as before.
        self.stream()
        self.assertNotIn("kernel-refused", self.lab.mipflow("counters", node="cn"))

    def test_activity_is_seen(self):
        stream = self.stream()
        self.wait(lambda: (self.binding_of(stream)["idle_seconds"] or 9) < 2, "the binding in use", 10)

    def heals(self, *command):
        healthy = snapshot(self.lab, "cn", ("eth0", "mip0"))
        self.lab.run("cn", command)
        self.wait(lambda: not [x for x in differences(healthy, snapshot(self.lab, "cn", ("eth0", "mip0"))) if ": - " in x],
                  f"everything that this took away: {' '.join(command)}", 3)

    def test_what_others_take_away_comes_back(self):
        stream = self.stream()
        self.heals("ip", "-6", "rule", "delete", "pref", "6269")
        self.heals("ip", "-6", "route", "flush", "table", "6276")
        self.heals("ip", "link", "set", "mip0", "down")
        if "clsact" in self.lab.run("cn", ["tc", "qdisc", "show", "dev", "eth0"]).stdout:
            self.heals("tc", "qdisc", "delete", "dev", "eth0", "clsact")
        self.assertTrue(stream.wait_for_packets(50))
        self.assertLess(max(stream.longest_gap(way) for way in ("out", "in")), 1.5)
        self.wait_path(stream, "direct")
        # The whole data path: device, maps, programs.
        pins = self.lab.files("cn").pin_directory
        self.heals("sh", "-c", f"rm -r {pins}/* && ip link delete mip0")
        self.assertTrue(stream.wait_for_packets(50))
        self.stream()
        self.assertIn("healed", self.lab.mipflow("counters", node="cn"))

    def test_routes_leave_room_for_the_header_on_every_link(self):
        self.stream()
        def mtus():
            return {route["metrics"][0]["mtu"] for route in self.lab.ip_json("cn", "-6", "route", "show", "table", "6276")}
        self.assertEqual(mtus(), {1500 - 24})
        self.addCleanup(self.lab.nodes["cn"].ip, "link set eth0 mtu 1500")
        self.lab.nodes["cn"].ip("link set eth0 mtu 1400")
        self.wait(lambda: mtus() == {1400 - 24}, "routes for the smaller link")

    def test_wrong_configuration_changes_nothing(self):
        stream = self.stream()
        files = self.lab.files("cn")
        self.addCleanup(files.write_configuration, {})
        files.write_configuration({"route-optimization": "never"})
        refused = self.lab.mipflow_run("reload", node="cn", check=False)
        self.assertEqual(refused.returncode, 1)
        self.assertIn("cnd.toml:1:22: route-optimization", refused.stderr)
        self.assertIsNotNone(self.binding_of(stream))
        files.write_configuration({"binding-cache-capacity": 7})
        self.assertIn("only with a restart", self.lab.mipflow_run("reload", node="cn", check=False).stderr)
        self.assertEqual(self.lab.run("cn", [self.lab.program("mipflow-cnd"), "--check", "--config", files.configuration]).returncode, 0)


class SwitchedOffAndOn(CorrespondentDaemon):
    def test_reload(self):
        stream = self.stream()
        files = self.lab.files("cn")
        files.write_configuration({"route-optimization": False})
        self.lab.correspondent_node.send(signal.SIGHUP)
        self.wait(lambda: not self.bindings(), "the end of every binding")
        self.wait_path(stream, "tunnel")
        self.assertTrue(stream.wait_for_packets(50))
        self.assertIn("route-optimization = false", self.lab.mipflow("status", node="cn")["problems"][0])
        self.assertNotIn("6276", self.lab.run("cn", ["ip", "-6", "rule"]).stdout)


class Killed(CorrespondentDaemon):
    def test_flow_goes_on_without_the_daemon_and_behind_its_next_start(self):
        stream = self.stream()
        before = self.binding_of(stream)
        self.lab.correspondent_node.stop(signal.SIGKILL)
        begin = time.monotonic()
        self.assertTrue(stream.wait_for_packets(100), "the flow needs the daemon")
        self.assertEqual(self.flow(stream.port)["path"], "direct")
        self.assertLess(time.monotonic() - begin, 3)
        self.lab.start_correspondent_node()
        # It knows what the data path went on serving, and for how long.
        after = self.binding_of(stream)
        self.assertEqual([after[key] for key in ("care_of_address", "sequence")], [before[key] for key in ("care_of_address", "sequence")])
        self.assertLess(after["lifetime_seconds"], before["lifetime_seconds"])
        self.assertTrue(stream.wait_for_packets(100), "the flow does not outlive the restart")
        self.assertEqual(self.flow(stream.port)["path"], "direct")
        self.assert_lossless(stream.finish(), "the flow")


if __name__ == "__main__":
    main()
