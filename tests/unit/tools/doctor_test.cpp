// SPDX-License-Identifier: GPL-3.0-or-later
// What the doctor says about hosts that are made up of files.
#include "doctor.hpp"

#include <linux/rtnetlink.h>
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <stdexcept>

#include "mipflow/platform/names.hpp"
#include "mipflow/platform/service_user.hpp"
#include "whole_command.hpp"

using nlohmann::json;
using namespace mipflow;
using namespace mipflow::tools;

namespace {

using enum Finding::Result;

// A root directory with the files that a test puts there.
class FakeHost {
 public:
  FakeHost() : host{directory_.path(), "6.1.0-test"} {}
  void put(const std::string& path, const std::string& text) const {
    const auto file = host.root / path;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file) << text;
  }

 private:
  TemporaryDirectory directory_;

 public:
  Host host;
};

const Finding& finding_of(const std::vector<Finding>& findings, const std::string& check) {
  for (const auto& finding : findings)
    if (finding.check == check) return finding;
  FAIL("there is no finding about " << check);
  throw std::logic_error(check);
}

platform::Link link(InterfaceIndex index, const char* name, std::uint32_t mtu, const char* kind = "") {
  platform::Link out;
  out.index = index;
  out.name = name;
  out.kind = kind;
  out.mtu = mtu;
  out.up = out.running = true;
  out.hardware_type = 1;  // ARPHRD_ETHER
  return out;
}

void put_good_kernel(const FakeHost& fake) {
  fake.put("proc/sys/net/ipv6/conf/all/disable_ipv6", "0\n");
  fake.put("proc/sys/net/core/bpf_jit_enable", "1\n");
  fake.put("sys/kernel/btf/vmlinux", "x");
  fake.put("proc/mounts", "proc /proc proc rw 0 0\nbpf /sys/fs/bpf bpf rw 0 0\ncgroup2 /sys/fs/cgroup cgroup2 rw 0 0\n");
  fake.put("lib/modules/6.1.0-test/modules.builtin", "kernel/net/sched/sch_ingress.ko\nkernel/net/sched/cls_bpf.ko\n");
  fake.put("lib/modules/6.1.0-test/modules.dep",
           "kernel/net/sched/act_mirred.ko.xz:\nkernel/net/netfilter/nf_tables.ko: kernel/x.ko\nkernel/net/netfilter/nfnetlink_queue.ko:\n"
           "kernel/net/netfilter/xt_bpf.ko:\nkernel/drivers/net/dummy.ko:\n");
}

}  // namespace

TEST_CASE("a kernel that has everything is good") {
  const FakeHost fake;
  put_good_kernel(fake);
  for (const auto& finding : examine_kernel(fake.host)) {
    INFO(finding.check << ": " << finding.text);
    CHECK(finding.result == Good);
    CHECK(finding.advice.empty());
  }
}

TEST_CASE("each thing that a kernel lacks is told with what to do") {
  struct Row {
    const char* path;
    const char* text;  // nullptr: the file is missing
    const char* check;
    Finding::Result result;
    const char* advice;
  };
  const std::vector<Row> rows{
      {"proc/sys/net/ipv6/conf/all/disable_ipv6", "1\n", "IPv6", Error, "sysctl net.ipv6.conf.all.disable_ipv6=0"},
      {"proc/sys/net/core/bpf_jit_enable", "0\n", "eBPF", Warning, "bpf_jit_enable=1"},
      {"proc/sys/net/core/bpf_jit_enable", nullptr, "eBPF", Error, "CONFIG_BPF_SYSCALL"},
      {"sys/kernel/btf/vmlinux", nullptr, "BTF", Warning, "CONFIG_DEBUG_INFO_BTF"},
      {"proc/mounts", "tmpfs /tmp tmpfs rw 0 0\n", "BPF file system", Error, "mount -t bpf"},
      {"proc/mounts", "bpf /sys/fs/bpf bpf rw 0 0\n", "cgroup v2", Warning, "unified_cgroup_hierarchy"},
      {"lib/modules/6.1.0-test/modules.builtin", "kernel/net/sched/sch_ingress.ko\n", "cls_bpf", Error, "CONFIG_NET_CLS_BPF"},
      {"lib/modules/6.1.0-test/modules.dep", "", "nfnetlink_queue", Warning, "CONFIG_NETFILTER_NETLINK_QUEUE"},
  };
  for (const auto& row : rows) {
    const FakeHost fake;
    put_good_kernel(fake);
    if (row.text == nullptr)
      std::filesystem::remove(fake.host.root / row.path);
    else
      fake.put(row.path, row.text);
    const auto findings = examine_kernel(fake.host);
    const auto& finding = finding_of(findings, row.check);
    INFO(row.path);
    CHECK(finding.result == row.result);
    CHECK_THAT(finding.advice, Catch::Contains(row.advice));
  }
}

TEST_CASE("without a list of modules nothing is claimed, but a loaded module is seen") {
  const FakeHost fake;
  put_good_kernel(fake);
  std::filesystem::remove_all(fake.host.root / "lib");
  fake.put("sys/module/cls_bpf/refcnt", "1");
  const auto findings = examine_kernel(fake.host);
  CHECK(finding_of(findings, "cls_bpf").result == Good);
  CHECK(finding_of(findings, "kernel modules").result == Unknown);
  CHECK_THAT(finding_of(findings, "kernel modules").text, Catch::Contains("sch_ingress, act_mirred") && !Catch::Contains("cls_bpf"));
}

TEST_CASE("in a network namespace of its own eBPF is seen by what is the kernel's") {
  const FakeHost fake;
  put_good_kernel(fake);
  std::filesystem::remove(fake.host.root / "proc/sys/net/core/bpf_jit_enable");
  fake.put("proc/sys/kernel/unprivileged_bpf_disabled", "2\n");
  CHECK(finding_of(examine_kernel(fake.host), "eBPF").result == Good);
}

TEST_CASE("a host without configuration is told where it belongs, a wrong one where the mistake is") {
  const FakeHost fake;
  CHECK(finding_of(examine_files(fake.host), "configuration").result == Error);
  CHECK_THAT(finding_of(examine_files(fake.host), "configuration").advice, Catch::Contains("mipflow setup"));
  CHECK(finding_of(examine_files(fake.host, true), "configuration").result == Unknown);
  fake.put("etc/mipflow/cnd.toml", "route-optimization = 7\n");
  const auto wrong = examine_files(fake.host);
  CHECK(finding_of(wrong, "mipflow-cnd").result == Error);
  CHECK_THAT(finding_of(wrong, "mipflow-cnd").text, Catch::Contains("cnd.toml:1:"));
  CHECK_THAT(finding_of(wrong, "mipflow-cnd").advice, Catch::Contains("mipflow-cnd --check"));
  fake.put("etc/mipflow/cnd.toml", "route-optimization = true\n");
  CHECK(finding_of(examine_files(fake.host), "mipflow-cnd").result == Good);
}

TEST_CASE("keys that others could read are an error, whatever else is right") {
  const FakeHost fake;
  fake.put("etc/mipflow/mnd.toml", "home-agent = 7\n");
  CHECK(finding_of(examine_files(fake.host), "keys").result == Warning);  // there are none
  fake.put("etc/mipflow/security-associations.toml", "");
  const auto file = fake.host.root / "etc/mipflow/security-associations.toml";
  chmod(file.c_str(), 0644);
  const auto open = finding_of(examine_files(fake.host), "keys");
  CHECK(open.result == Error);
  CHECK_THAT(open.text, Catch::Contains("mode 0644"));
  const auto daemons = platform::group_named(platform::kServiceUser);
  CHECK_THAT(open.advice, Catch::Contains((daemons ? "chmod 0640 " : "chmod 0600 ") + file.string()));
  chmod(file.c_str(), 0600);
  CHECK(finding_of(examine_files(fake.host), "keys").result == (geteuid() == 0 && !daemons ? Good : Error));
  // The daemons read it by their group.
  if (geteuid() != 0 || !daemons) return;
  REQUIRE(chown(file.c_str(), 0, *daemons) == 0);
  chmod(file.c_str(), 0640);
  CHECK(finding_of(examine_files(fake.host), "keys").result == Good);
}

TEST_CASE("the clock is judged by who keeps it and how well") {
  CHECK(judge_clock(true, 0.002).front().result == Good);
  CHECK(judge_clock(true, 3).front().result == Warning);
  CHECK(judge_clock(false, 0).front().result == Warning);
  CHECK_THAT(judge_clock(false, 0).front().advice, Catch::Contains("timesyncd"));
}

TEST_CASE("the home agent's clock is judged by what it said") {
  json status{{"role", "mobile-node"}, {"registered", true}, {"problems", json::array()}, {"home_agent_clock_seconds", 0.0}};
  CHECK(finding_of(judge_daemon(status, json()), "home agent's clock").result == Good);
  status["home_agent_clock_seconds"] = -93.0;
  const auto finding = finding_of(judge_daemon(status, json()), "home agent's clock");
  CHECK(finding.result == Warning);
  CHECK_THAT(finding.text, Catch::Contains("is 1m33s behind this host's"));
  status["home_agent_clock_seconds"] = nullptr;
  for (const auto& each : judge_daemon(status, json())) CHECK(each.check != "home agent's clock");
}

TEST_CASE("an uplink that is too small for the tunnel is found, our own device and tunnels are no uplinks") {
  NetworkSurvey survey;
  auto ours = link(9, "mip0", 1000);
  ours.alias = platform::kLinkAlias;
  survey.links = {link(1, "eth0", 1500), link(2, "wwan0", 1300), ours, link(4, "wg0", 1280, "wireguard")};
  std::string summary;
  for (const auto& finding : judge_network(survey))
    if (finding.check == "MTU") summary += std::string(to_string(finding.result)) + " " + finding.text + "; ";
  CHECK(summary == "good eth0 carries 1500 octets; warning wwan0 carries 1300 octets; with the tunnel's header IPv6 needs 1320; ");
}

TEST_CASE("rules of others before ours and VPNs with a default route are named") {
  NetworkSurvey survey;
  survey.links = {link(1, "eth0", 1500), link(4, "wg0", 1420, "wireguard")};
  platform::Rule local;
  local.table = RT_TABLE_LOCAL;
  platform::Rule ours;
  ours.preference = platform::kRuleHomeAgent;
  ours.table = RT_TABLE_MAIN;
  ours.protocol = platform::kRouteProtocol;
  platform::Rule later;
  later.preference = 32'766;
  survey.rules = {local, ours, later};
  CHECK(finding_of(judge_network(survey), "routing rules").result == Good);
  platform::Rule foreign;
  foreign.preference = 5209;
  foreign.table = 51'820;
  survey.rules.push_back(foreign);
  const auto findings = judge_network(survey);
  CHECK(finding_of(findings, "routing rules").result == Warning);
  CHECK_THAT(finding_of(findings, "routing rules").text, Catch::Contains("rule 5209") && Catch::Contains("table 51820"));
  platform::Route through_vpn;
  through_vpn.interface = 4;
  through_vpn.table = 51'820;
  survey.default_routes = {through_vpn};
  CHECK_THAT(finding_of(judge_network(survey), "VPN").text, Catch::Contains("wg0 has a default route (table 51820)"));
  survey.default_routes.front().interface = 1;
  for (const auto& finding : judge_network(survey)) CHECK(finding.check != "VPN");
}

TEST_CASE("a firewall that drops what it does not know is named, our own table is not") {
  CHECK(judge_chains({{.table = "mipflow", .name = "output", .drops = true}, {.table = "filter", .name = "INPUT"}}).front().result == Good);
  const auto findings = judge_chains({{.table = "filter", .name = "INPUT", .drops = true}});
  REQUIRE(findings.size() == 1);
  CHECK(findings[0].result == Warning);
  CHECK_THAT(findings[0].text, Catch::Contains("chain INPUT of nf_tables table filter"));
}

TEST_CASE("NetworkManager is asked to leave our device alone when it does not") {
  const FakeHost fake;
  NetworkSurvey survey;
  auto ours = link(9, "mip0", 1460);
  ours.alias = platform::kLinkAlias;
  survey.links = {ours};
  CHECK(examine_network_manager(fake.host, survey).empty());
  fake.put("run/NetworkManager/devices/9", "[device]\nmanaged=0\n");
  CHECK(finding_of(examine_network_manager(fake.host, survey), "NetworkManager").result == Good);
  fake.put("run/NetworkManager/devices/9", "[device]\nmanaged=1\n");
  CHECK_THAT(finding_of(examine_network_manager(fake.host, survey), "NetworkManager").advice, Catch::Contains("unmanaged-devices=interface-name:mip0"));
}

TEST_CASE("what the daemon complains about, and links that are up but not online") {
  const json status{{"role", "mobile-node"},
                    {"registered", false},
                    {"home_agent", "2001:db8::1"},
                    {"problems", {"no answer from the home agent"}},
                    {"socket_addresses", "cgroup v2 is not mounted"}};
  json interfaces{{{"name", "wlan0"}, {"usable", true}, {"online", false}, {"round_trip_seconds", nullptr}},
                  {{"name", "wwan0"}, {"usable", true}, {"online", true}, {"round_trip_seconds", 0.048}},
                  {{"name", "eth0"}, {"usable", false}, {"why_not", "has no carrier"}, {"online", nullptr}}};
  const auto findings = judge_daemon(status, interfaces);
  std::string summary;
  for (const auto& finding : findings) summary += std::string(to_string(finding.result)) + " " + finding.check + ": " + finding.text + "\n";
  CHECK(summary ==
        "warning daemon: no answer from the home agent\n"
        "error daemon: the Primary Home Address is not registered\n"
        "warning addresses at sockets: cgroup v2 is not mounted\n"
        "warning wlan0: is up, but the home agent does not answer over it\n"
        "good wwan0: the home agent answers in 48 ms\n"
        "warning eth0: flows can not use it: has no carrier\n");
  CHECK_THAT(finding_of(findings, "wlan0").advice,
             Catch::Contains("captive portal to log in at over wlan0") && Catch::Contains("ping -I wlan0 2001:db8::1"));
  // Heard over none: that is told once, by the daemon, and no interface is to blame.
  interfaces[1]["online"] = false;
  for (const char* name : {"wlan0", "wwan0"}) {
    const auto finding = finding_of(judge_daemon(status, interfaces), name);
    CHECK(finding.result == Warning);
    CHECK(finding.advice.empty());
  }
  CHECK(finding_of(judge_daemon({{"role", "mobile-node"}, {"registered", true}}, json::array()), "interfaces").result == Error);
  CHECK(finding_of(judge_daemon({{"role", "home-agent"}}, {}), "daemon").result == Good);
}

TEST_CASE("the doctor works without a daemon, and says so by its exit code") {
  const TemporaryDirectory directory;
  const auto outcome = run({"doctor", "--json", "--socket", directory.path() + "/mnd.sock"});
  CHECK(outcome.code == 2);
  const auto report = json::parse(outcome.out);
  CHECK(report["worst"] == "error");
  bool said = false;
  for (const auto& finding : report["findings"]) said = said || (finding["check"] == "daemon" && finding["text"].get<std::string>().find("/mnd.sock") != std::string::npos);
  CHECK(said);
}
