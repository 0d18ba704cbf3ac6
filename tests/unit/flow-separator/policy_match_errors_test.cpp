// SPDX-License-Identifier: GPL-3.0-or-later
// What a user reads when the match of a class is wrong: place and words.
#include <catch2/catch.hpp>

#include "policy_support.hpp"

namespace mipflow::flow_separator {

using namespace testing;

TEST_CASE("golden messages about what flows match", "[policy]") {
  check(GENERATE(values<Golden>({
      {"[[class]]\nmatch = 5", "2:9: \"match\" has to be a table written as [class.match], found 5"},
      {"[[class]]\nmatch.ports = 5", "2:7: unknown key \"ports\" in [class.match]; did you mean \"port\"?"},
      {"[[class]]\nmatch.protocol = \"upd\"", "2:18: \"protocol\": \"upd\" is not a protocol; did you mean \"udp\"?"},
      {"[[class]]\nmatch.protocol = \"quic\"", "2:18: \"protocol\": \"quic\" is not a protocol; expected a number 0-255 or one "
                                              "of tcp, udp, dccp, ipv6, gre, esp, ah, icmpv6, ospf, l2tp, sctp, udplite"},
      {"[[class]]\nmatch.protocol = \"icmp\"", "2:18: \"protocol\": \"icmp\" is not a protocol; did you mean \"icmpv6\"?"},
      {"[[class]]\nmatch.protocol = 256",
       "2:18: \"protocol\": expected a protocol like \"udp\" or a number 0-255, found 256"},
      {"[[class]]\nmatch.peer = \"192.0.2.1\"",
       "2:14: \"peer\": \"192.0.2.1\" is not an IPv6 prefix; expected one like \"2001:db8::/32\" or an address"},
      {"[[class]]\nmatch.peer = \"2001:db8::1/32\"",
       "2:14: \"peer\": \"2001:db8::1/32\" has bits set behind its length; did you mean \"2001:db8::/32\"?"},
      {"[[class]]\nmatch.peer = 5", "2:14: \"peer\": expected an IPv6 prefix or address as a text, found 5"},
      {"[[class]]\nmatch.port = 65536",
       "2:14: \"port\": expected a port 0-65535 or a range like \"1024-2047\", found 65536"},
      {"[[class]]\nmatch.port = -1", "2:14: \"port\": expected a port 0-65535 or a range like \"1024-2047\", found -1"},
      {"[[class]]\nmatch.port = [22, \"ssh\"]",
       "2:19: \"port\": \"ssh\" is not a port; expected a number 0-65535 or a range like \"1024-2047\""},
      {"[[class]]\nmatch.port = \"20-10\"",
       "2:14: \"port\": the range \"20-10\" is empty; the smaller port comes first, as in \"10-20\""},
      {"[[class]]\nmatch = { protocol = \"icmpv6\", port = 5 }",
       "2:39: \"port\" would never match: protocol 58 has no ports; only tcp, udp and sctp have"},
      {"[[class]]\nmatch.dscp = 64", "2:14: \"dscp\": expected a DSCP like \"ef\" or a number 0-63, found 64"},
      {"[[class]]\nmatch.flow-label = 0x100000", "2:20: \"flow-label\": expected a flow label 0-0xfffff, found 1048576"},
      {"[[class]]\nmatch.user = \"nobody-here\"", "2:14: \"user\": there is no user \"nobody-here\" on this host"},
      {"[[class]]\nmatch.user = true", "2:14: \"user\": expected the name or the number of a user, found true"},
      {"[[class]]\nmatch.protocol = \"9-6\"", "2:18: \"protocol\": the range \"9-6\" is empty; the smaller number comes first"},
      {"[[class]]\nmatch.dscp = \"8-64\"", "2:14: \"dscp\": the range \"8-64\" is not possible; the largest number is 63"},
      {"[[class]]\nmatch.flow-label = \"ten\"", "2:20: \"flow-label\": expected a flow label 0-0xfffff, found \"ten\""},
      {"[[class]]\nmatch.icmp-type = 256", "2:19: \"icmp-type\": expected an ICMPv6 type like \"echo-request\" or a number 0-255, found 256"},
      {"[[class]]\nmatch.icmp-type = \"echo-requst\"",
       "2:19: \"icmp-type\": \"echo-requst\" is not an ICMPv6 type; did you mean \"echo-request\"?"},
      {"[[class]]\nmatch.icmp-type = \"ping\"",
       "2:19: \"icmp-type\": \"ping\" is not an ICMPv6 type; expected a number 0-255 or one of destination-unreachable, packet-too-big, "
       "time-exceeded, parameter-problem, echo-request, echo-reply, neighbor-solicitation, neighbor-advertisement, "
       "node-information-query, node-information-response, extended-echo-request, extended-echo-reply"},
      {"[[class]]\nmatch = { protocol = \"udp\", icmp-type = 128 }",
       "2:41: \"icmp-type\" would never match: protocol 17 is not icmpv6"},
      {"[[class]]\nmatch = { local-port = 7, icmp-type = 128 }",
       "2:39: \"icmp-type\" would never match: what has ports is not icmpv6"},
      {"[[class]]\nmatch.extension-header = \"rooting\"",
       "2:26: \"extension-header\": \"rooting\" is not an extension header; did you mean \"routing\"?"},
      {"[[class]]\nmatch.extension-header = \"esp\"",
       "2:26: \"extension-header\": \"esp\" is not an extension header; expected one of hop-by-hop, routing, fragment, "
       "destination-options, authentication"},
      {"[[class]]\nmatch.extension-header = 43", "2:26: \"extension-header\": expected an extension header like \"routing\", found 43"},
      {"[[class]]\nmatch.user = \"7-5\"", "2:14: \"user\": the range \"7-5\" is empty; the smaller number comes first"},
      {"[[class]]\nmatch.group = \"no-group\"", "2:15: \"group\": there is no group \"no-group\" on this host"},
      {"[[class]]\nmatch.group = -1", "2:15: \"group\": expected the name or the number of a group, found -1"},
      {"[[class]]\nmatch.program = 5", "2:17: \"program\": expected the path of a program like \"/usr/bin/ssh\", found 5"},
      {"[[class]]\nmatch.program = \"firefox\"",
       "2:17: \"program\": \"firefox\" is not an absolute path; expected one like \"/usr/bin/ssh\" or a pattern like \"*/firefox\""},
      {"[[class]]\nmatch.program = \"\"", "2:17: \"program\": expected a text of 1 to 255 octets, found \"\""},
      {"[[class]]\nmatch.program = \"/bin/a\\tb\"", "2:17: \"program\": \"/bin/a?b\" has control characters, which no name has"},
      {"[[class]]\nmatch.cgroup = true", "2:16: \"cgroup\": expected the path of a control group like \"/user.slice\", found true"},
      {"[[class]]\nmatch.cgroup = \"user.slice\"",
       "2:16: \"cgroup\": \"user.slice\" is not the path of a control group; expected one below the root of the cgroup v2 hierarchy "
       "like \"/user.slice\" or a pattern"},
      {"[[class]]\nmatch.unit = []", "2:14: \"unit\": the list is empty; leave the key out when everything is meant"},
      {"[[class]]\nmatch.unit = [1]", "2:15: \"unit\": expected the name of a systemd unit like \"ssh.service\", found 1"},
      {"[[class]]\nmatch.unit = \"ssh\"", "2:14: \"unit\": \"ssh\" is not the name of a systemd unit; did you mean \"ssh.service\"?"},
      {"[[class]]\nmatch.unit = \"/system.slice/ssh.service\"",
       "2:14: \"unit\": \"/system.slice/ssh.service\" is not the name of a systemd unit; paths belong to \"cgroup\""},
      {"[[class]]\nmatch.time = 8", "2:14: \"time\": expected a time like \"mon-fri 08:00-18:00\" as a text, found 8"},
      {"[[class]]\nmatch.time = 08:00:00", "2:14: \"time\": expected a time like \"mon-fri 08:00-18:00\" as a text, found a date or time"},
      {"[[class]]\nmatch.time = \"12:00-12:00\"",
       "2:14: \"time\": \"12:00-12:00\" ends when it begins; leave the time of day out when the whole day is meant"},
      {"[[class]]\nexcept = 5", "2:10: \"except\" has to be a table written as [class.except] or a list of tables, found 5"},
      {"[[class]]\nexcept = [5]", "2:11: \"except\" has to be a table written as [class.except] or a list of tables, found 5"},
      {"[[class]]\n[class.except]", "2:1: \"except\" without a key would except every flow; say which ones"},
      {"[[class]]\nexcept.prot = 22", "2:8: unknown key \"prot\" in [class.except]; did you mean \"port\"?"},
      {"[[class]]\nexcept = { protocol = \"icmpv6\", port = 5 }",
       "2:40: \"port\" would never match: protocol 58 has no ports; only tcp, udp and sctp have"},
  })));
}

TEST_CASE("golden messages: times that are none", "[policy]") {
  for (const char* text : {"", "monday", "mon-", "-fri", "mon,", "mon fri", "8:00-9:00", "08:00", "08:00-", "25:00-26:00", "08:60-09:00",
                           "24:00-08:00", "00:00-24:01", "mon 08:00-18:00 20:00-21:00", "08:00-18:00 mon", "mon-fri,08:00-18:00"}) {
    INFO(text);
    CHECK(errors_of({{"p.toml", "[[class]]\nmatch.time = \"" + std::string(text) + "\"\n"}}) ==
          std::vector<std::string>{"p.toml:2:14: \"time\": \"" + std::string(text) +
                                   "\" is no time; expected days, a time of day or both, like \"mon-fri 08:00-18:00\", \"sat,sun\" or "
                                   "\"22:00-06:00\""});
  }
}

TEST_CASE("golden messages: names and patterns that are too long", "[policy]") {
  const std::string longest = "/" + std::string(254, 'x');
  CHECK(errors_of({{"p.toml", "[[class]]\nmatch.program = \"" + longest + "\""}}).empty());
  CHECK(errors_of({{"p.toml", "[[class]]\nmatch.program = \"" + longest + "x\""}}) ==
        std::vector<std::string>{"p.toml:2:17: \"program\": expected a text of 1 to 255 octets, found \"/" + std::string(59, 'x') + "...\""});
}

}  // namespace mipflow::flow_separator
