// SPDX-License-Identifier: GPL-3.0-or-later
// Classes of the operator, the network and users: who decides, who may write what, what they are called.
#include <catch2/catch.hpp>

#include <memory>

#include "policy_support.hpp"

namespace mipflow::flow_separator {

using namespace testing;

namespace {

PolicyFile operators_file(std::string text) { return {"operator.toml", std::move(text)}; }
PolicyFile bobs_file(std::string text) { return {"bob.toml", std::move(text), PolicyLayer::User, 1001, "bob"}; }

FlowAttributes of_user(std::uint32_t user, std::uint16_t port = 443) {
  FlowAttributes out = flow(kProtocolTcp, kPeer, port);
  out.user = user;
  return out;
}

// A flow of a program that `mipflow run --class` started.
FlowAttributes wanting(const char* wanted, std::uint32_t user = 1000) {
  FlowAttributes out = of_user(user);
  out.owner = std::make_shared<const FlowOwner>(FlowOwner{.user = user, .wanted_class = wanted});
  return out;
}

}  // namespace

TEST_CASE("mandatory before network before users before the operator's other classes", "[policy]") {
  const auto mandatory = operators_file("[[class]]\nname = \"must\"\nmandatory = true\nmatch.port = 1\n");
  const auto network = network_file("[[class]]\nname = \"net\"\nmatch.port = \"1-2\"\n");
  const auto alice = alices_file("[[class]]\nname = \"mine\"\nmatch.port = \"1-3\"\n");
  const PolicyFile defaults{"defaults.toml", "[[class]]\nname = \"rest\"\nmatch.port = \"1-4\"\n"};
  const std::vector<std::vector<PolicyFile>> orders{{mandatory, network, alice, defaults}, {defaults, alice, network, mandatory}};
  for (const auto& files : orders) {
    const Policy policy = parse(files);
    const char* const expected[]{"must", "network:net", "alice:mine", "rest", "default"};
    for (std::size_t i = 0; i < std::size(expected); ++i) {
      CHECK(policy.classify(of_user(1000, static_cast<std::uint16_t>(i + 1))).name == expected[i]);
      CHECK(policy.classes()[i].name == expected[i]);
      CHECK(policy.find(expected[i]) == &policy.classes()[i]);
    }
    CHECK(policy.find("must")->layer == PolicyLayer::Mandatory);
    CHECK(policy.find("network:net")->layer == PolicyLayer::Network);
    CHECK(policy.find("alice:mine")->layer == PolicyLayer::User);
    CHECK(policy.find("alice:mine")->user == 1000u);
    CHECK(policy.find("alice:mine")->origin == "alice.toml:1");
    CHECK(policy.find("rest")->layer == PolicyLayer::Default);
    CHECK(policy.default_class().layer == PolicyLayer::BuiltIn);
    CHECK(policy.find("mine") == nullptr);
  }
  CHECK(parse("[default]\n").default_class().layer == PolicyLayer::Default);
}

TEST_CASE("mandatory for a whole file, and not for one class of it", "[policy]") {
  const Policy policy = parse({{"a.toml", "[[class]]\nname = \"before\"\n"},
                               {"b.toml", "[policy]\nmandatory = true\n[[class]]\nname = \"must\"\nmatch.port = 1\n"
                                          "[[class]]\nname = \"may\"\nmandatory = false\n[default]\ninterfaces = \"eth0\"\n"}});
  CHECK(policy.classes()[0].name == "must");
  CHECK(policy.find("must")->layer == PolicyLayer::Mandatory);
  CHECK(policy.find("may")->layer == PolicyLayer::Default);
  CHECK(policy.find("before")->layer == PolicyLayer::Default);
  CHECK(policy.default_class().layer == PolicyLayer::Default);
}

TEST_CASE("a user's classes are for this user's flows alone", "[policy]") {
  const Policy policy = parse({alices_file("[[class]]\nname = \"all\"\n"), bobs_file("[[class]]\nname = \"all\"\nmatch.user = \"bob\"\n")});
  CHECK(policy.classify(of_user(1000)).name == "alice:all");
  CHECK(policy.classify(of_user(1001)).name == "bob:all");
  CHECK(policy.classify(of_user(1002)).name == "default");
  CHECK(policy.classify(flow(kProtocolTcp, kPeer, 443)).name == "default");
  FlowAttributes incoming = flow(kProtocolTcp, kPeer, 443);
  CHECK(policy.needs_owner(incoming));
  incoming.owner = std::make_shared<const FlowOwner>(FlowOwner{.user = 1001});
  CHECK(policy.classify(incoming).name == "bob:all");
}

TEST_CASE("names: each writer has their own, also those that nobody gave", "[policy]") {
  const char* text = "[[class]]\nname = \"voice\"\n[[class]]\n";
  const Policy policy = parse({operators_file(text), network_file(text), alices_file(text), bobs_file(text)});
  for (const char* name : {"voice", "class-2", "network:voice", "network:class-2", "alice:voice", "alice:class-2", "bob:voice", "bob:class-2"}) {
    INFO(name);
    REQUIRE(policy.find(name) != nullptr);
    CHECK(policy.find(name)->name == name);
  }
}

TEST_CASE("users whose name could be another writer's are named by their number", "[policy]") {
  for (const char* name : {"", "network", "1001", "a:b"}) {
    PolicyFile file = alices_file("[[class]]\nname = \"voice\"\n");
    file.user_name = name;
    INFO(name);
    CHECK(parse({file, network_file("[[class]]\nname = \"voice\"\n")}).find("1000:voice") != nullptr);
  }
}

TEST_CASE("what users and the network can not write", "[policy]") {
  using Messages = std::vector<std::string>;
  CHECK(errors_of({alices_file("[[class]]\nmandatory = true\n")}) ==
        Messages{"alice.toml:2:13: \"mandatory\" can not stand in a user's file; only the operator's classes can be"});
  CHECK(errors_of({network_file("[policy]\nmandatory = true\n")}) ==
        Messages{"network:2:13: \"mandatory\" can not stand in a file of the network; only the operator's classes can be"});
  CHECK(errors_of({alices_file("[default]\n")}) == Messages{"alice.toml:1:1: [default] can not stand in a user's file; a [[class]] without "
                                                            "\"match\" takes what no class before it does"});
  CHECK(errors_of({network_file("[default]\n")}) == Messages{"network:1:1: [default] can not stand in a file of the network; a [[class]] "
                                                             "without \"match\" takes what no class before it does"});
  CHECK(errors_of({alices_file("[[class]]\nhome-address = \"2001:db8:100::5060\"\n")}) ==
        Messages{"alice.toml:2:16: \"home-address\": a user can not have an address kept; expected here is \"figure-6\", \"primary\", "
                 "\"own\" or \"class\""});
  CHECK(errors_of({alices_file("[[class]]\nmatch.user = [\"alice\", 1000, \"1000\", \"root\"]\n")}) ==
        Messages{"alice.toml:2:38: \"user\": the classes of a user's file are for flows of this user alone; leave the key out"});
  CHECK(errors_of({alices_file("[[class]]\nmatch.group = \"audio\"\n")}) ==
        Messages{"alice.toml:2:15: \"group\" can only stand in files of the operator and the network"});
  CHECK(errors_of({alices_file("[[class]]\nname = \"a\"\n[[class]]\nname = \"a\"\n")}) ==
        Messages{"alice.toml:4:8: a second class with the name \"a\"; the first one is at alice.toml:1"});
  CHECK(errors_of({network_file("[[class]]\nhome-address = \"2001:db8:100::5060\"\nmatch = { user = \"alice\", group = \"audio\" }\n")}).empty());
}

TEST_CASE("a user's file of nobody is none", "[policy]") {
  CHECK(errors_of({{"x.toml", "[[class]]\n", PolicyLayer::User}}) ==
        std::vector<std::string>{"x.toml: is a user's file, but nobody said whose"});
}

TEST_CASE("a user's file is bounded", "[policy]") {
  using Messages = std::vector<std::string>;
  std::string classes;
  for (std::size_t i = 0; i < Policy::kMaxUserClasses; ++i) classes += "[[class]]\n";
  CHECK(errors_of({alices_file(classes)}).empty());
  CHECK(errors_of({alices_file(classes + "[[class]]\n")}) ==
        Messages{"alice.toml:257:1: too many classes; at most 256 are possible for a user"});
  CHECK(errors_of({alices_file(classes), bobs_file(classes)}).empty());

  std::string ports = "[[class]]\nmatch.port = [\n";
  for (std::size_t i = 0; i < Policy::kMaxUserRanges; ++i) ports += "7,\n";
  CHECK(errors_of({alices_file(ports + "]")}).empty());
  CHECK(errors_of({alices_file(ports + "7]")}) ==
        Messages{"alice.toml:1027:1: \"port\": too many values to match; at most 1024 are possible for a user"});

  std::string programs = "[[class]]\nmatch.program = [\n";
  for (int i = 0; i < 4; ++i) programs += "\"" + std::string(255, '*') + "\",\n";
  CHECK(errors_of({alices_file(programs + "]")}).empty());
  CHECK(errors_of({alices_file(programs + "\"/aaaaaa/*\"]")}) ==
        Messages{"alice.toml:7:1: \"program\": too many patterns; those of a user may have 1024 octets together"});

  const std::string long_text = "# " + std::string(Policy::kMaxForeignText, 'x');
  CHECK(errors_of({alices_file(long_text)}) ==
        Messages{"alice.toml: has " + std::to_string(long_text.size()) + " octets; at most " + std::to_string(Policy::kMaxForeignText) +
                 " are possible"});
  CHECK(errors_of({network_file(long_text)}).size() == 1);
  CHECK(errors_of({operators_file(long_text)}).empty());
}

TEST_CASE("mipflow run: a user's own class, and the operator's and the network's that may be selected", "[policy]") {
  const Policy policy = parse({operators_file("[[class]]\nname = \"voice\"\nselectable = \"only\"\n"
                                              "[[class]]\nname = \"bulk\"\nselectable = true\nmatch.port = 873\n"
                                              "[[class]]\nname = \"secret\"\n"),
                               network_file("[[class]]\nname = \"video\"\nselectable = \"only\"\n"),
                               alices_file("[[class]]\nname = \"bulk\"\nmatch.port = 1\n"
                                           "[[class]]\nname = \"hidden\"\nselectable = false\nmatch.port = 1\n")});
  const auto name = [&](const FlowAttributes& attributes) { return policy.classify(attributes).name; };
  CHECK(name(wanting("voice")) == "voice");
  CHECK(name(wanting("bulk")) == "alice:bulk");
  CHECK(name(wanting("alice:bulk")) == "alice:bulk");
  CHECK(name(wanting("bulk", 1001)) == "bulk");
  CHECK(name(wanting("video")) == "network:video");
  CHECK(name(wanting("network:video")) == "network:video");
  for (const char* wanted : {"", "nothing", "default", "hidden", "alice:hidden"}) {
    INFO(wanted);
    CHECK(name(wanting(wanted)) == "secret");
  }
  CHECK(name(wanting("alice:bulk", 1001)) == "secret");
  // Nothing but being wanted leads to a class that is selectable = "only".
  CHECK(name(of_user(1000)) == "secret");
  CHECK(parse("[[class]]\nselectable = \"only\"\n").classify(flow(kProtocolTcp, kPeer, 1)).name == "default");
}

TEST_CASE("mipflow run: a mandatory class that matches goes first", "[policy]") {
  const Policy policy = parse("[[class]]\nname = \"must\"\nmandatory = true\nmatch.port = 443\n"
                              "[[class]]\nname = \"voice\"\nselectable = \"only\"\n");
  FlowAttributes attributes = wanting("voice");
  CHECK(policy.classify(attributes).name == "must");
  attributes.key.correspondent_port = 444;
  CHECK(policy.classify(attributes).name == "voice");
}

TEST_CASE("destinations that are bypassed whatever the flow", "[policy]") {
  const auto prefixes = [](std::vector<PolicyFile> files) {
    std::vector<std::string> out;
    for (const Prefix& prefix : parse(std::move(files)).bypassed_prefixes()) out.push_back(to_string(prefix));
    return out;
  };
  using Prefixes = std::vector<std::string>;
  CHECK(prefixes({}).empty());
  CHECK(prefixes({operators_file("[[class]]\nbypass = true\nmatch.peer = [\"fd00::/8\", \"2001:db8::7\", \"::/0\"]\n")}) ==
        Prefixes{"fd00::/8", "2001:db8::7/128", "::/0"});
  // Something else is asked for as well, or excepted.
  CHECK(prefixes({operators_file("[[class]]\nbypass = true\nmatch = { peer = \"fd00::/8\", port = 53 }\n"
                                 "[[class]]\nbypass = true\nmatch.peer = \"fd00::/8\"\nexcept.port = 22\n"
                                 "[[class]]\nbypass = true\nmatch.port = 67\n")})
            .empty());
  CHECK(prefixes({alices_file("[[class]]\nbypass = true\nmatch.peer = \"fd00::/8\"\n")}).empty());
  // Another class takes some of the flows.
  CHECK(prefixes({operators_file("[[class]]\nmatch.peer = [\"fd00:1::/32\", \"fd00:2::/32\"]\n"
                                 "[[class]]\nbypass = true\nmatch.peer = [\"fd00::/16\", \"fd00:2:3::/48\", \"fd00:3::/32\", \"fd01::/16\"]\n")}) ==
        Prefixes{"fd00:3::/32", "fd01::/16"});
  CHECK(prefixes({operators_file("[[class]]\nmatch.port = 22\n[[class]]\nbypass = true\nmatch.peer = \"fd00::/8\"\n")}).empty());
  CHECK(prefixes({operators_file("[[class]]\nmatch.port = 22\n[[class]]\nmandatory = true\nbypass = true\nmatch.peer = \"fd00::/8\"\n")}) ==
        Prefixes{"fd00::/8"});
}

TEST_CASE("what a user's patterns and names may cost is bounded, and nobody else's rules suffer", "[policy]") {
  // Fits, but to find that out takes a hundred thousand comparisons.
  const std::string pattern = "/*" + std::string(200, 'a') + "b";
  const std::string path = "/" + std::string(900, 'a') + "b";
  const std::string asks = "[[class]]\nname = \"slow\"\nmatch.cgroup = \"" + pattern + "\"\n";
  const std::string excepts = "[[class]]\nname = \"slow\"\nexcept.cgroup = \"" + pattern + "\"\n";
  FlowOwner owner{.user = 1000, .cgroup = path};
  const auto classified = [&](const std::vector<PolicyFile>& files) {
    FlowAttributes flow = of_user(1000);
    flow.owner = std::make_shared<const FlowOwner>(owner);
    return parse(files).classify(flow).name;
  };
  CHECK(classified({operators_file(asks)}) == "slow");
  CHECK(classified({network_file(asks)}) == "network:slow");
  CHECK(classified({alices_file(asks)}) == "default");
  CHECK(classified({operators_file(excepts)}) == "default");
  CHECK(classified({alices_file(excepts)}) == "alice:slow");
  // The same text of both is the operator's, too.
  CHECK(classified({alices_file(asks), operators_file(asks)}) == "alice:slow");
  // Those of another user take nothing away from hers.
  const std::string quick = "[[class]]\nname = \"quick\"\nmatch.cgroup = \"/*ab\"\n";
  CHECK(classified({bobs_file(asks), alices_file(quick)}) == "alice:quick");
  CHECK(classified({bobs_file("[[class]]\nmatch.cgroup = \"*?\"\n"), alices_file("[[class]]\nname = \"short\"\nmatch.cgroup = \"*b\"\n")}) ==
        "alice:short");

  // A path that is longer than any is: the operator's rules about its beginning hold.
  owner.cgroup = "/user.slice/user-1000.slice/" + std::string(3000, 'x') + "/y";
  CHECK(classified({operators_file("[[class]]\nname = \"below\"\nmatch.cgroup = \"/user.slice/user-1000.slice\"\n")}) == "below");
  CHECK(classified({operators_file("[[class]]\nname = \"pattern\"\nmatch.cgroup = \"/user.slice/*\"\n")}) == "pattern");
  CHECK(classified({operators_file("[[class]]\nname = \"end\"\nmatch.cgroup = \"*/y\"\n")}) == "default");
}

}  // namespace mipflow::flow_separator
