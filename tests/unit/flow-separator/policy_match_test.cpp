// SPDX-License-Identifier: GPL-3.0-or-later
// Which flows fit: what packets tell, what sockets tell, the time, and exceptions.
#include <catch2/catch.hpp>

#include <memory>

#include "policy_support.hpp"

namespace mipflow::flow_separator {

using namespace testing;

namespace {

FlowAttributes owned_by(FlowOwner owner) {
  FlowAttributes out = flow(kProtocolTcp, kPeer, 443);
  out.owner = std::make_shared<const FlowOwner>(std::move(owner));
  return out;
}
FlowAttributes of_program(const char* path) { return owned_by({.program = path}); }
FlowAttributes in_cgroup(const char* path) { return owned_by({.cgroup = path}); }
FlowAttributes in_unit(const char* unit) { return owned_by({.unit = unit}); }

bool matches_at(const Policy& policy, unsigned weekday, unsigned hour, unsigned minute) {
  const LocalTime time{static_cast<std::uint8_t>(weekday), static_cast<std::uint16_t>(hour * 60 + minute)};
  return policy.classify(flow(kProtocolTcp, kPeer, 1), time).name == "x";
}

}  // namespace

TEST_CASE("ranges as texts wherever there are numbers", "[policy]") {
  FlowAttributes attributes = flow(kProtocolUdp, kPeer, 1);
  attributes.dscp = 10;
  attributes.flow_label = 0x150;
  attributes.user = 1500;
  for (const char* text : {"protocol = \"6-17\"", "dscp = \"8-15\"", "flow-label = \"0x100-0x1ff\"", "flow-label = \"256-511\"",
                           "user = \"1000-1999\"", "dscp = [\"ef\", \"10-10\"]"}) {
    INFO(text);
    CHECK(matches(matching(text), attributes));
  }
  for (const char* text : {"protocol = \"0-16\"", "dscp = \"11-15\"", "flow-label = \"0x151-0x1ff\"", "user = \"2000-2999\""}) {
    INFO(text);
    CHECK_FALSE(matches(matching(text), attributes));
  }
}

TEST_CASE("ICMPv6 types: names, numbers, ranges; only of ICMPv6", "[policy]") {
  FlowAttributes ping = flow(kProtocolIcmpv6, kPeer, 0);
  ping.icmp_type = 128;
  for (const char* text : {"icmp-type = \"echo-request\"", "icmp-type = 128", "icmp-type = \"128\"", "icmp-type = [1, \"128-129\"]",
                           "icmp-type = 128\nprotocol = \"icmpv6\""}) {
    INFO(text);
    CHECK(matches(matching(text), ping));
  }
  CHECK_FALSE(matches(matching("icmp-type = \"echo-reply\""), ping));
  CHECK_FALSE(matches(matching("icmp-type = 0"), flow(kProtocolTcp, kPeer, 0)));
}

TEST_CASE("extension headers: one of the list is there", "[policy]") {
  const auto with = [](std::uint8_t headers) {
    FlowAttributes out = flow(kProtocolUdp, kPeer, 1);
    out.extension_headers = headers;
    return out;
  };
  struct Row {
    const char* name;
    ExtensionHeader header;
  };
  for (const Row& row : {Row{"hop-by-hop", ExtensionHeader::HopByHop}, Row{"routing", ExtensionHeader::Routing},
                         Row{"fragment", ExtensionHeader::Fragment}, Row{"destination-options", ExtensionHeader::DestinationOptions},
                         Row{"authentication", ExtensionHeader::Authentication}}) {
    const auto bit = static_cast<std::uint8_t>(row.header);
    const Policy policy = matching("extension-header = \"" + std::string(row.name) + '"');
    INFO(row.name);
    CHECK(matches(policy, with(bit)));
    CHECK(matches(policy, with(0x1f)));
    CHECK_FALSE(matches(policy, with(0)));
    CHECK_FALSE(matches(policy, with(static_cast<std::uint8_t>(0x1f & ~bit))));
  }
  const Policy either = matching("extension-header = [\"routing\", \"fragment\"]");
  CHECK(matches(either, with(static_cast<std::uint8_t>(ExtensionHeader::Fragment))));
  CHECK_FALSE(matches(either, with(static_cast<std::uint8_t>(ExtensionHeader::HopByHop))));
}

TEST_CASE("groups: name, number, range; of the owner that was found", "[policy]") {
  for (const char* text : {"group = \"audio\"", "group = 29", "group = [5, \"20-30\"]"}) {
    INFO(text);
    CHECK(matches(matching(text), owned_by({.group = 29})));
    CHECK_FALSE(matches(matching(text), owned_by({.group = 31})));
    CHECK_FALSE(matches(matching(text), owned_by({})));
    CHECK_FALSE(matches(matching(text), flow(kProtocolTcp, kPeer, 1)));
  }
}

TEST_CASE("users: what the packet did not tell, the owner does", "[policy]") {
  CHECK(matches(matching("user = \"alice\""), owned_by({.user = 1000})));
  CHECK_FALSE(matches(matching("user = \"alice\""), owned_by({.user = 1001})));
}

TEST_CASE("programs: paths and patterns", "[policy]") {
  const Policy policy = matching("program = [\"/usr/bin/ssh\", \"*/firefox*\", \"/opt/app-?/bin/*\"]");
  for (const char* path : {"/usr/bin/ssh", "/usr/lib/firefox/firefox", "/firefox-esr", "/opt/app-7/bin/x/y"}) {
    INFO(path);
    CHECK(matches(policy, of_program(path)));
  }
  for (const char* path : {"/usr/bin/sshd", "/usr/bin/ss", "/bin/usr/bin/ssh", "/usr/bin/fire", "/opt/app-17/bin/x", ""}) {
    INFO(path);
    CHECK_FALSE(matches(policy, of_program(path)));
  }
  CHECK_FALSE(matches(policy, flow(kProtocolTcp, kPeer, 1)));
  CHECK(matches(matching("program = \"*\""), of_program("/x")));
  CHECK_FALSE(matches(matching("program = \"*\""), of_program("")));
}

TEST_CASE("control groups: the group itself and everything below it", "[policy]") {
  const Policy policy = matching("cgroup = [\"/user.slice/user-1000.slice\", \"/system.slice/*.service/\"]");
  for (const char* path : {"/user.slice/user-1000.slice", "/user.slice/user-1000.slice/app.slice/a.scope", "/system.slice/ssh.service",
                           "/system.slice/ssh.service/child"}) {
    INFO(path);
    CHECK(matches(policy, in_cgroup(path)));
  }
  for (const char* path : {"/user.slice", "/user.slice/user-1000.slice2", "/user.slice/user-10001.slice/x", "/system.slice/a.scope", "/", ""}) {
    INFO(path);
    CHECK_FALSE(matches(policy, in_cgroup(path)));
  }
  for (const char* path : {"/", "/x", "/x/y"}) CHECK(matches(matching("cgroup = \"/\""), in_cgroup(path)));
}

TEST_CASE("units: names and patterns", "[policy]") {
  const Policy policy = matching("unit = [\"ssh.service\", \"app-*firefox*.scope\"]");
  CHECK(matches(policy, in_unit("ssh.service")));
  CHECK(matches(policy, in_unit("app-gnome-firefox-1234.scope")));
  CHECK_FALSE(matches(policy, in_unit("sshd.service")));
  CHECK_FALSE(matches(policy, in_unit("")));
}

TEST_CASE("patterns that many classes have, that have few octets, and that share all they have", "[policy]") {
  std::string text;
  for (int i = 0; i < 200; ++i) {
    text += "[[class]]\nname = \"both-" + std::to_string(i) + "\"\nmatch = { program = \"*/app*\", port = " + std::to_string(i) + " }\n";
    text += "[[class]]\nname = \"own-" + std::to_string(i) + "\"\nmatch.program = \"*/tool-" + std::to_string(i) + "/*\"\n";
  }
  text += "[[class]]\nname = \"short\"\nmatch.program = [\"*q?\", \"*z*\"]\n";
  const Policy policy = parse(text);
  const auto name = [&](const char* path, std::uint16_t port) {
    FlowAttributes attributes = of_program(path);
    attributes.key.correspondent_port = port;
    return policy.classify(attributes).name;
  };
  CHECK(name("/bin/app1", 150) == "both-150");
  CHECK(name("/bin/tool-77/x", 150) == "own-77");
  CHECK(name("/bin/tool-177/x", 150) == "own-177");
  CHECK(name("/bin/tool-277/x", 150) == "default");
  CHECK(name("/tool-7/tool-5/x", 1) == "own-5");
  CHECK(name("/qx", 1) == "short");
  CHECK(name("/z", 1) == "short");
}

TEST_CASE("times: days, times of day, both, over midnight, lists", "[policy]") {
  constexpr unsigned kMon = 0, kTue = 1, kFri = 4, kSat = 5, kSun = 6;
  const Policy office = matching("time = \"mon-fri 08:00-18:00\"");
  CHECK(matches_at(office, kMon, 8, 0));
  CHECK(matches_at(office, kFri, 17, 59));
  CHECK_FALSE(matches_at(office, kFri, 18, 0));
  CHECK_FALSE(matches_at(office, kMon, 7, 59));
  CHECK_FALSE(matches_at(office, kSat, 12, 0));
  CHECK_FALSE(matches(office, flow(kProtocolTcp, kPeer, 1)));  // nobody said what time it is

  const Policy weekend = matching("time = \"Sat,sun\"");
  CHECK(matches_at(weekend, kSat, 0, 0));
  CHECK(matches_at(weekend, kSun, 23, 59));
  CHECK_FALSE(matches_at(weekend, kMon, 0, 0));

  const Policy night = matching("time = \"22:00-06:00\"");
  CHECK(matches_at(night, kMon, 22, 0));
  CHECK(matches_at(night, kTue, 5, 59));
  CHECK(matches_at(night, kMon, 0, 0));  // Sunday's night
  CHECK_FALSE(matches_at(night, kMon, 6, 0));
  CHECK_FALSE(matches_at(night, kSun, 21, 59));

  const Policy friday_night = matching("time = \"fri 22:00-06:00\"");
  CHECK(matches_at(friday_night, kFri, 23, 0));
  CHECK(matches_at(friday_night, kSat, 5, 0));
  CHECK_FALSE(matches_at(friday_night, kFri, 5, 0));

  const Policy around = matching("time = [\"sat-mon 12:00-24:00\", \"tue 00:00-00:30\"]");
  CHECK(matches_at(around, kSun, 23, 59));
  CHECK(matches_at(around, kMon, 12, 0));
  CHECK(matches_at(around, kTue, 0, 29));
  CHECK_FALSE(matches_at(around, kTue, 0, 30));
  CHECK_FALSE(matches_at(around, kTue, 12, 0));
}

TEST_CASE("exceptions: a flow that fits one goes on to the next class", "[policy]") {
  const Policy policy = parse(R"(
[[class]]
name = "x"
[class.match]
protocol = "tcp"
[class.except]
port = [22, "6000-6010"]
peer = "2001:db8:c::/48"
[[class]]
name = "y"
match.protocol = "tcp"
except = [{ program = "/usr/bin/*" }, { port = 80 }]
)");
  CHECK(policy.classify(flow(kProtocolTcp, kPeer, 80)).name == "x");
  CHECK(policy.classify(flow(kProtocolTcp, "2001:db8:d::1", 22)).name == "x");  // both keys have to fit
  CHECK(policy.classify(flow(kProtocolTcp, kPeer, 22)).name == "y");            // whose program nobody knows
  CHECK(policy.classify(flow(kProtocolUdp, kPeer, 22)).name == "default");
  FlowAttributes ssh = of_program("/usr/bin/ssh");
  ssh.key.correspondent_port = 6005;
  CHECK(policy.classify(ssh).name == "default");
}

TEST_CASE("whether the policy asks for owners and times", "[policy]") {
  for (const char* text : {"user = 5", "group = 5", "program = \"/x\"", "cgroup = \"/x\"", "unit = \"a.scope\""}) {
    INFO(text);
    CHECK(matching(text).asks_for_owner());
    CHECK(parse("[[class]]\nexcept." + std::string(text)).asks_for_owner());
    CHECK_FALSE(matching(text).asks_for_time());
  }
  CHECK(matching("time = \"mon\"").asks_for_time());
  CHECK(parse("[[class]]\nexcept.time = \"mon\"").asks_for_time());
  CHECK_FALSE(matching("port = 5").asks_for_owner());
  CHECK_FALSE(Policy().asks_for_owner());
  CHECK_FALSE(Policy().asks_for_time());
}

TEST_CASE("the owner is needed only where it could change the class", "[policy]") {
  const Policy policy = parse(R"(
[[class]]
name = "dns"
match.port = 53
[[class]]
name = "browser"
match = { program = "*/firefox", port = [53, 443] }
[[class]]
name = "ssh"
match.port = 22
except.program = "/usr/bin/backup"
[[class]]
name = "alice"
match = { user = "alice", port = 25 }
)");
  CHECK_FALSE(policy.needs_owner(flow(kProtocolTcp, kPeer, 53)));  // "dns" has it already
  CHECK(policy.needs_owner(flow(kProtocolTcp, kPeer, 443)));
  CHECK(policy.needs_owner(flow(kProtocolTcp, kPeer, 22)));
  CHECK_FALSE(policy.needs_owner(flow(kProtocolTcp, kPeer, 80)));
  CHECK_FALSE(policy.needs_owner(of_program("")));  // looked up, whatever came out
  FlowAttributes mail = flow(kProtocolTcp, kPeer, 25);
  CHECK(policy.needs_owner(mail));
  mail.user = 1001;
  CHECK_FALSE(policy.needs_owner(mail));
  mail.user = 1000;
  CHECK_FALSE(policy.needs_owner(mail));
}

TEST_CASE("the owner is not needed while the time rules it out", "[policy]") {
  const Policy policy = matching("program = \"/x\"\ntime = \"mon\"");
  CHECK(policy.needs_owner(flow(kProtocolTcp, kPeer, 1), LocalTime{0, 0}));
  CHECK_FALSE(policy.needs_owner(flow(kProtocolTcp, kPeer, 1), LocalTime{1, 0}));
  CHECK_FALSE(policy.needs_owner(flow(kProtocolTcp, kPeer, 1)));
}

}  // namespace mipflow::flow_separator
