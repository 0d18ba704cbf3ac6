// SPDX-License-Identifier: GPL-3.0-or-later
// The policy that the home agent serves: docs/agent-service.md.
#include <catch2/catch.hpp>

#include "service_client.hpp"

using namespace mipflow;
using namespace mipflow::home_agent;
using namespace mipflow::home_agent::test;

namespace {

std::shared_ptr<const std::string> text(const std::string& octets) { return std::make_shared<const std::string>(octets); }

Configuration serving(std::shared_ptr<const std::string> policy) {
  auto configuration = Fixture::on_virtual_home_link();
  configuration.mobile_nodes[0].policy = std::move(policy);
  return configuration;
}

std::uint32_t transaction = 0;

wire::PolicyReply ask_for_policy(Fixture& f, std::uint32_t known = 0, std::uint32_t offset = 0) {
  const auto answer = ask(f, {.body = wire::PolicyRequest{known, offset}, .transaction = ++transaction});
  REQUIRE(std::holds_alternative<wire::PolicyReply>(answer.message.body));
  return std::get<wire::PolicyReply>(answer.message.body);
}

// The whole text, with its authenticator checked.
std::string fetch(Fixture& f) {
  std::string out;
  wire::PolicyReply reply;
  do {
    f.advance(100ms);
    reply = ask_for_policy(f, 0, static_cast<std::uint32_t>(out.size()));
    REQUIRE(reply.offset == out.size());
    REQUIRE(reply.part.size() <= wire::kLargestPolicyPart);
    out.append(reply.part.begin(), reply.part.end());
  } while (out.size() < reply.total_length);
  CHECK(reply.authenticator == wire::policy_authenticator(Fixture::key_of(kPrimary), reply.version, out));
  return out;
}

std::vector<std::uint32_t> hints_in(const std::vector<Answer>& answers) {
  std::vector<std::uint32_t> out;
  for (const Answer& answer : answers)
    if (const auto* hint = std::get_if<wire::PolicyChanged>(&answer.message.body)) {
      CHECK(answer.authentic);
      out.push_back(hint->version);
    }
  return out;
}

}  // namespace

TEST_CASE("a policy is served in parts, each with the authenticator of the whole") {
  std::string policy;
  for (int i = 0; i < 400; ++i) policy += "# line " + std::to_string(i) + "\n";
  Fixture f(serving(text(policy)));
  f.establish({});
  CHECK(fetch(f) == policy);
  const auto known = ask_for_policy(f);
  const auto unchanged = ask_for_policy(f, known.version);
  CHECK(unchanged.status == wire::PolicyStatus::Unchanged);
  CHECK(unchanged.version == known.version);
  CHECK(unchanged.part.empty());
  // Behind the end there is nothing.
  CHECK(ask_for_policy(f, 0, 0xffff'ffff).part.empty());
}

TEST_CASE("a mobile node without a policy is told so") {
  Fixture f(Fixture::on_virtual_home_link());
  f.establish({});
  const auto reply = ask_for_policy(f);
  CHECK(reply.version == 0);
  CHECK(reply.total_length == 0);
}

TEST_CASE("another text is a greater version, and whom it concerns is told") {
  Fixture f(serving(text("[default]\n")));
  f.establish({});
  f.establish(update_of_other(kOtherPrimary));
  const auto before = ask_for_policy(f).version;
  CHECK(before == 1'700'000'000);

  auto configuration = serving(text("[default]\ninterfaces = [\"*\"]\n"));
  SECTION("within the same second") { configuration.mobile_nodes[1].policy = nullptr; }
  SECTION("later") { f.advance(100s); }
  f.take_sent();
  f.configure(configuration);
  f.advance(0s);
  const auto told = take_answers(f);
  REQUIRE(told.size() == 1);
  CHECK(told[0].home_address == kPrimary);
  const auto after = ask_for_policy(f, before);
  CHECK(after.version > before);
  CHECK(hints_in(told) == std::vector{after.version});
  CHECK(after.status == wire::PolicyStatus::Part);

  // A reload that changes nothing is no new version.
  f.configure(serving(text("[default]\ninterfaces = [\"*\"]\n")));
  f.advance(1s);
  CHECK(hints_in(take_answers(f)).empty());
  CHECK(ask_for_policy(f).version == after.version);

  // Taken away, it is a newer version without a text.
  f.configure(serving(nullptr));
  const auto none = ask_for_policy(f, after.version);
  CHECK(none.version > after.version);
  CHECK(none.total_length == 0);
  CHECK(none.authenticator == wire::policy_authenticator(Fixture::key_of(kPrimary), none.version, ""));
}

TEST_CASE("the version survives a restart, and grows also when the clock was set back") {
  Fixture f(serving(text("[default]\n")));
  f.establish({});
  const auto before = ask_for_policy(f).version;
  f.advance(50s);
  f.restart();
  CHECK(ask_for_policy(f).version == before);

  f.agent->persisted(f.now);
  const auto kept = f.agent->persisted_services(f.now);
  CHECK_FALSE(f.agent->persistence_is_due());
  Now earlier = f.now;
  earlier.wall -= 10000s;
  HomeAgent with_other_text(serving(text("# other\n")), {}, f.random, earlier, kept);
  CHECK(with_other_text.persistence_is_due());
  CHECK(with_other_text.persisted_services(earlier).policy.version == before + 1);
}

TEST_CASE("a mobile node whose text stays keeps its version when another one's changes") {
  auto configuration = serving(text("[default]\n"));
  Fixture f(configuration);
  f.establish({});
  const auto before = ask_for_policy(f).version;
  f.advance(10s);
  configuration.mobile_nodes[1].policy = text("# the other one's\n");
  f.take_sent();
  f.configure(configuration);
  f.advance(1s);
  CHECK(hints_in(take_answers(f)).empty());
  CHECK(ask_for_policy(f, before).status == wire::PolicyStatus::Unchanged);
}

TEST_CASE("in the laboratory without authentication no policy is served") {
  auto configuration = serving(text("[default]\n"));
  configuration.accept_unauthenticated_insecure = true;
  Fixture f(configuration);
  f.establish({.home_address = kDynamic, .authenticated = false});
  f.take_sent();
  f.send_packet(packet_of(f, {.body = wire::PolicyRequest{}, .home_address = kDynamic, .authenticated = false}));
  CHECK(f.take_sent().empty());
}
