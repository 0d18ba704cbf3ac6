// SPDX-License-Identifier: GPL-3.0-or-later
// The mobile node's end of the address and policy service, with a tester who plays the home agent.
#include "agent_service.hpp"

#include <catch2/catch.hpp>

#include <algorithm>

#include "mipflow/wire/authentication.hpp"
#include "support.hpp"

using namespace mipflow;
using namespace mipflow::mobile_node;
using namespace mipflow::mobile_node::test;
using hoa_alloc::AllocationRefusal;
using hoa_alloc::Origin;
using wire::HomeAddressStatus;

namespace {

const Address kGiven = address("2001:db8:1::77");
const CareOf kPath{kWlanAddress, kWlan};

struct Sent {
  TimePoint at{};
  wire::AgentServiceMessage message;
  std::uint64_t timestamp = 0;
};

Configuration with_policy(std::uint32_t known = 0) {
  Configuration out = mobile_node::test::configuration();
  out.network_policy = true;
  out.known_network_policy = known;
  return out;
}

struct Bench {
  // `is_registered`: the primary home address is bound.
  explicit Bench(Configuration with = mobile_node::test::configuration(), bool is_registered = true)
      : configuration(std::move(with)),
        movement(configuration.home_prefix),
        signalling(configuration, movement),
        service(configuration, signalling, random) {
    if (is_registered) service.registered(now.monotonic);
  }
  Bench(const Bench&) = delete;
  Bench& operator=(const Bench&) = delete;

  void run() {
    Outputs outputs;
    service.on_deadline(path, now, outputs);
    take(outputs);
  }
  void advance(Duration by) {
    const TimePoint until = now.monotonic + by;
    while (service.next_deadline() <= until) {
      const TimePoint at = std::max(service.next_deadline(), now.monotonic);
      now.wall += at - now.monotonic;
      now.monotonic = at;
      run();
      if (service.next_deadline() <= at) run();
      REQUIRE(service.next_deadline() > now.monotonic);
    }
    now.wall += until - now.monotonic;
    now.monotonic = until;
  }
  void take(Outputs& outputs) {
    for (const auto& packet : outputs.packets) {
      const auto decoded = wire::decode_packet(packet.packet);
      REQUIRE(decoded);
      CHECK(decoded->view.source == kWlanAddress);
      CHECK(decoded->view.destination == kHomeAgent);
      CHECK(decoded->view.home_address_option == kPrimary);
      const auto& message = std::get<wire::AgentServiceMessage>(std::get<wire::MobilityMessage>(decoded->message));
      const auto* replay = wire::find_option<wire::ReplayProtection>(message.options);
      if (configuration.authentication == Authentication::Rfc4285)
        CHECK(wire::authenticator_is_right(decoded->view.payload, configuration.security_association.spi,
                                           configuration.security_association.key, kWlanAddress, kPrimary));
      else
        CHECK(message.options.empty());
      sent.push_back({now.monotonic, message, replay == nullptr ? 0 : replay->ntp_timestamp});
    }
    for (const auto& notice : outputs.notices) notices.emplace_back(notice.event);
    for (const auto& text : outputs.kept) kept.push_back(text);
  }
  std::vector<Sent> take_sent() { return std::exchange(sent, {}); }
  Sent one() {
    auto all = take_sent();
    REQUIRE(all.size() == 1);
    return all.front();
  }

  // The home agent says something; false when it is not provably the home agent.
  bool hear(wire::AgentServiceBody body, std::uint32_t transaction, std::uint64_t timestamp,
            const std::optional<Bytes>& key = std::nullopt, const Address& from = kHomeAgent) {
    const wire::Envelope envelope{.source = from, .destination = kWlanAddress, .routing_header_home_address = kPrimary};
    const Bytes used = key.value_or(configuration.security_association.key);
    const Bytes packet = wire::build_packet_from_header(
        envelope, wire::encode_authenticated(wire::AgentServiceMessage{.transaction = transaction, .body = std::move(body)},
                                             {.association = configuration.security_association,
                                              .key = used,
                                              .care_of_address = kWlanAddress,
                                              .home_address = kPrimary,
                                              .timestamp = timestamp,
                                              .with_identifier = false}));
    const auto decoded = wire::decode_packet(packet);
    REQUIRE(decoded);
    const auto& message = std::get<wire::AgentServiceMessage>(std::get<wire::MobilityMessage>(decoded->message));
    if (signalling.judge(decoded->view, message) != nullptr) return false;
    Outputs outputs;
    service.receive(message, kPath, now, outputs);
    take(outputs);
    return true;
  }
  void answer(const Sent& question, wire::AgentServiceBody body) {
    REQUIRE(hear(std::move(body), question.message.transaction, question.timestamp));
  }
  // A question that is answered with one address.
  void give(const Address& home_address = kGiven, std::uint32_t preferred = 3600, std::uint32_t valid = 7200) {
    REQUIRE_FALSE(agent().allocate(now.monotonic));
    advance(0s);
    answer(one(), wire::HomeAddressReply{.addresses = {{home_address, preferred, valid}}});
    const auto allocated = agent().allocate(now.monotonic);
    REQUIRE(allocated);
    CHECK(allocated->home_address == home_address);
  }
  AgentAllocation& agent() { return service.allocation(Origin::Agent); }
  std::uint64_t clock() const { return wire::ntp_timestamp(now.wall); }

  Configuration configuration;
  SeededRandom random{5};
  Movement movement;
  HomeAgentSignalling signalling;
  AgentService service;
  Now now{TimePoint{} + 1000s, std::chrono::seconds{1'700'000'000}};
  std::optional<CareOf> path = kPath;
  std::vector<Sent> sent;
  std::vector<std::string> notices;
  std::vector<KeptText> kept;
};

wire::PolicyReply part_of(const std::string& text, std::uint32_t version, std::size_t offset, BytesView key) {
  wire::PolicyReply reply{.version = version,
                          .total_length = static_cast<std::uint32_t>(text.size()),
                          .offset = static_cast<std::uint32_t>(offset),
                          .authenticator = wire::policy_authenticator(key, version, text)};
  const std::string part = text.substr(offset, wire::kLargestPolicyPart);
  reply.part.assign(part.begin(), part.end());
  return reply;
}

}  // namespace

TEST_CASE("addresses are asked for, arrive and are handed out") {
  Bench bench;
  CHECK(bench.agent().allocate(bench.now.monotonic).error() == AllocationRefusal::Pending);
  CHECK(bench.agent().allocate(bench.now.monotonic).error() == AllocationRefusal::Pending);
  bench.advance(0s);
  const Sent question = bench.one();
  CHECK(std::get<wire::HomeAddressRequest>(question.message.body) == wire::HomeAddressRequest{wire::HomeAddressSource::Agent, 2});
  CHECK_FALSE(bench.service.take_news());
  bench.answer(question, wire::HomeAddressReply{.addresses = {{kGiven, 3600, 7200}}});
  CHECK(bench.service.take_news());
  const auto allocated = bench.agent().allocate(bench.now.monotonic);
  REQUIRE(allocated);
  CHECK(allocated->home_address == kGiven);
  CHECK(allocated->origin == Origin::Agent);
  CHECK(allocated->preferred_until == bench.now.monotonic + 3600s);
  CHECK(allocated->valid_until == bench.now.monotonic + 7200s);
  // One was missing.
  CHECK(bench.agent().allocate(bench.now.monotonic).error() == AllocationRefusal::Pending);
}

TEST_CASE("a question is repeated after 1, 2 and 4 s; a home agent that never answered is left alone for ten minutes then") {
  Bench bench;
  const TimePoint start = bench.now.monotonic;
  REQUIRE_FALSE(bench.agent().allocate(start));
  bench.advance(1min);
  const auto questions = bench.take_sent();
  REQUIRE(questions.size() == 3);
  CHECK(questions[1].at == start + 1s);
  CHECK(questions[2].at == start + 3s);
  CHECK(questions[0].message.transaction == questions[2].message.transaction);
  CHECK(questions[0].timestamp < questions[2].timestamp);
  CHECK(bench.service.take_news());
  CHECK(bench.agent().allocate(bench.now.monotonic).error() == AllocationRefusal::Failed);
  CHECK_THAT(bench.agent().trouble(bench.now.monotonic), Catch::Contains("does not answer") && Catch::Contains("asked again in 547 s"));
  // Nor for the other source.
  CHECK(bench.service.allocation(Origin::Dhcpv6).allocate(bench.now.monotonic).error() == AllocationRefusal::Pending);
  bench.advance(0s);
  CHECK(bench.service.allocation(Origin::Dhcpv6).allocate(bench.now.monotonic).error() == AllocationRefusal::Failed);
  bench.advance(10min);
  CHECK(bench.take_sent().empty());
  CHECK(bench.agent().allocate(bench.now.monotonic).error() == AllocationRefusal::Pending);
  bench.advance(0s);
  CHECK(bench.take_sent().size() == 1);
}

TEST_CASE("one that answered before is asked five times, and again after a minute") {
  Bench bench;
  bench.give();
  REQUIRE_FALSE(bench.agent().allocate(bench.now.monotonic));
  bench.advance(5min);
  CHECK(bench.take_sent().size() == 5);
  CHECK(bench.agent().allocate(bench.now.monotonic).error() == AllocationRefusal::Pending);
}

TEST_CASE("a Binding Error ends what was asked of a home agent that never answered, and nothing else") {
  Bench bench;
  CHECK_FALSE(bench.service.not_understood(bench.now.monotonic));
  REQUIRE_FALSE(bench.agent().allocate(bench.now.monotonic));
  bench.advance(0s);
  const Sent question = bench.one();
  SECTION("never answered") {
    CHECK(bench.service.not_understood(bench.now.monotonic));
    CHECK(bench.agent().allocate(bench.now.monotonic).error() == AllocationRefusal::Failed);
    bench.advance(1min);
    CHECK(bench.take_sent().empty());
  }
  SECTION("answered") {
    bench.answer(question, wire::HomeAddressReply{.status = HomeAddressStatus::Pending});
    bench.service.not_understood(bench.now.monotonic);
    CHECK(bench.agent().allocate(bench.now.monotonic).error() == AllocationRefusal::Pending);
  }
}

TEST_CASE("pending: the home agent is asked from time to time") {
  Bench bench;
  const TimePoint start = bench.now.monotonic;
  REQUIRE_FALSE(bench.agent().allocate(start));
  bench.advance(0s);
  bench.answer(bench.one(), wire::HomeAddressReply{.status = HomeAddressStatus::Pending});
  std::vector<TimePoint> times;
  for (int i = 0; i < 200; ++i) {
    bench.advance(1s);
    for (const auto& question : bench.take_sent()) {
      times.push_back(question.at);
      bench.answer(question, wire::HomeAddressReply{.status = HomeAddressStatus::Pending});
    }
  }
  REQUIRE(times.size() >= 6);
  CHECK(times[0] == start + 4s);
  CHECK(times.back() - times[times.size() - 2] >= 32s);
  CHECK(bench.agent().allocate(bench.now.monotonic).error() == AllocationRefusal::Pending);
  CHECK_THAT(bench.agent().trouble(bench.now.monotonic), Catch::Contains("asks its source"));
}

TEST_CASE("a refusal is told to the operator and tried again later and later") {
  Bench bench;
  Duration wait = 8s;
  for (int i = 0; i < 5; ++i) {
    REQUIRE(bench.agent().allocate(bench.now.monotonic).error() == AllocationRefusal::Pending);
    bench.advance(0s);
    bench.answer(bench.one(), wire::HomeAddressReply{.status = HomeAddressStatus::LimitReached, .reason = "64 of 64\x1b[2J"});
    CHECK(bench.agent().trouble(bench.now.monotonic) ==
          "the home agent refused (limit-reached): 64 of 64?[2J; asked again in " +
              std::to_string(std::chrono::duration_cast<std::chrono::seconds>(wait).count()) + " s at the earliest");
    bench.advance(wait - 1ms);
    REQUIRE(bench.agent().allocate(bench.now.monotonic).error() == AllocationRefusal::Failed);
    bench.advance(1ms);
    wait *= 2;
  }
}

TEST_CASE("only the home agent's answer to an open question counts") {
  Bench bench;
  REQUIRE_FALSE(bench.agent().allocate(bench.now.monotonic));
  bench.advance(0s);
  const Sent question = bench.one();
  const wire::HomeAddressReply reply{.addresses = {{kGiven, 3600, 7200}}};
  const std::uint32_t transaction = question.message.transaction;
  CHECK_FALSE(bench.hear(reply, transaction, question.timestamp, Bytes(16, 0xee)));
  CHECK_FALSE(bench.hear(reply, transaction, question.timestamp, std::nullopt, kCorrespondent));
  bench.hear(reply, transaction + 1, question.timestamp);
  bench.hear(reply, transaction, question.timestamp + 1);
  auto other_source = reply;
  other_source.source = wire::HomeAddressSource::Dhcpv6;
  bench.hear(other_source, transaction, question.timestamp);
  CHECK_FALSE(bench.service.take_news());
  bench.hear(reply, transaction, question.timestamp);
  CHECK(bench.service.take_news());
  CHECK(bench.agent().allocate(bench.now.monotonic));
  // The same answer again is none any more.
  bench.hear(reply, transaction, question.timestamp);
  CHECK_FALSE(bench.agent().allocate(bench.now.monotonic));
}

TEST_CASE("an address that is freed, or has a duplicate, is given back until that is acknowledged") {
  Bench bench;
  bench.give();
  const bool duplicate = GENERATE(false, true);
  if (duplicate)
    bench.agent().duplicate(kGiven);
  else
    bench.agent().free(kGiven);
  bench.agent().free(address("2001:db8:1::99"));  // none of ours
  bench.advance(1s);
  bench.advance(1s);
  const auto releases = bench.take_sent();
  REQUIRE(releases.size() == 2);
  const auto& body = std::get<wire::HomeAddressRelease>(releases[0].message.body);
  CHECK(body.addresses == std::vector{kGiven});
  CHECK(body.reason == (duplicate ? wire::HomeAddressReleaseReason::Duplicate : wire::HomeAddressReleaseReason::NotNeeded));
  CHECK(releases[0].message.transaction == releases[1].message.transaction);
  CHECK(releases[0].message.body == releases[1].message.body);
  bench.answer(releases[0], wire::HomeAddressReleaseAcknowledgement{});
  bench.advance(1min);
  CHECK(bench.take_sent().empty());
}

TEST_CASE("an address that arrived and that nobody takes is given back") {
  Bench bench;
  REQUIRE_FALSE(bench.agent().allocate(bench.now.monotonic));
  bench.advance(0s);
  bench.answer(bench.one(), wire::HomeAddressReply{.addresses = {{kGiven, 3600, 7200}}});
  bench.advance(1min - 1ms);
  CHECK(bench.take_sent().empty());
  bench.advance(1ms);
  CHECK(std::get<wire::HomeAddressRelease>(bench.one().message.body).addresses == std::vector{kGiven});
}

TEST_CASE("changed lifetimes are reported and acknowledged; replayed and forged ones are not") {
  Bench bench;
  bench.give();
  const wire::HomeAddressChange change{{{kGiven, 60, 120}, {address("2001:db8:1::99"), 1, 2}}};
  const std::uint64_t timestamp = bench.clock();
  REQUIRE(bench.hear(change, 900, timestamp));
  const auto changes = bench.service.take_changes();
  REQUIRE(changes.size() == 1);
  CHECK(changes[0].home_address == kGiven);
  CHECK(changes[0].preferred_until == bench.now.monotonic + 60s);
  CHECK(changes[0].valid_until == bench.now.monotonic + 120s);
  const Sent acknowledgement = bench.one();
  CHECK(std::holds_alternative<wire::HomeAddressChangeAcknowledgement>(acknowledgement.message.body));
  CHECK(acknowledgement.message.transaction == 900);

  bench.hear(change, 900, timestamp);
  bench.hear(change, 901, wire::ntp_timestamp(bench.now.wall + 8s));
  bench.hear(change, 901, wire::ntp_timestamp(bench.now.wall - 8s));
  CHECK_FALSE(bench.hear(change, 902, bench.clock() + 5, Bytes(16, 0xee)));
  CHECK(bench.service.take_changes().empty());
  CHECK(bench.take_sent().empty());

  SECTION("lost") {
    bench.advance(1s);
    bench.hear(wire::HomeAddressChange{{{kGiven, 0, 0}}}, 903, bench.clock());
    const auto lost = bench.service.take_changes();
    REQUIRE(lost.size() == 1);
    CHECK(lost[0].valid_until <= bench.now.monotonic);
    bench.take_sent();
    // There is nothing to give back.
    bench.agent().free(kGiven);
    bench.advance(1min);
    CHECK(bench.take_sent().empty());
  }
  SECTION("nothing more is heard: the address ends when it was said to end") {
    bench.advance(120s - 1ms);
    CHECK(bench.service.take_changes().empty());
    bench.advance(1ms);
    CHECK(bench.service.take_changes().size() == 1);
  }
}

TEST_CASE("leases that are not registered are refreshed, sixteen at a time, until the home agent has answered for all") {
  Bench bench;
  bench.give();
  std::vector<Address> addresses{kGiven};
  for (std::uint8_t i = 1; i <= 17; ++i) {
    addresses.push_back(kGiven);
    addresses.back().octets[13] = i;
  }
  bench.service.refresh(addresses, bench.now.monotonic);
  bench.advance(0s);
  const Sent first = bench.one();
  CHECK(std::get<wire::HomeAddressRefresh>(first.message.body).addresses == std::vector<Address>(addresses.begin(), addresses.begin() + 16));
  // Not two questions at a time.
  bench.service.refresh({kGiven}, bench.now.monotonic);
  bench.advance(1s);
  CHECK(bench.one().message.body == first.message.body);
  bench.answer(first, wire::HomeAddressRefreshReply{{{kGiven, 100, 200}}});
  const auto changes = bench.service.take_changes();
  REQUIRE(changes.size() == 1);
  CHECK(changes[0].valid_until == bench.now.monotonic + 200s);
  bench.advance(500ms);
  const Sent rest = bench.one();
  CHECK(std::get<wire::HomeAddressRefresh>(rest.message.body).addresses == std::vector<Address>(addresses.begin() + 16, addresses.end()));
  CHECK(rest.message.transaction != first.message.transaction);
  // The answer to the first question, again, says nothing about the second.
  bench.hear(wire::HomeAddressRefreshReply{{{kGiven, 0, 0}}}, rest.message.transaction, first.timestamp);
  CHECK(bench.service.take_changes().empty());
  bench.answer(rest, wire::HomeAddressRefreshReply{{{kGiven, 0, 0}}});
  const auto lost = bench.service.take_changes();
  REQUIRE(lost.size() == 1);
  CHECK(lost[0].valid_until <= bench.now.monotonic);
  bench.advance(1h);
  CHECK(bench.take_sent().empty());
}

TEST_CASE("a service that stops gives back what nobody took and asks for nothing more") {
  Bench bench(with_policy());
  bench.advance(0s);
  bench.take_sent();  // for the policy
  REQUIRE_FALSE(bench.agent().allocate(bench.now.monotonic));
  bench.advance(1s);
  const auto asked = bench.take_sent();
  REQUIRE_FALSE(asked.empty());
  const auto question = std::ranges::find_if(asked, [](const Sent& sent) { return std::holds_alternative<wire::HomeAddressRequest>(sent.message.body); });
  REQUIRE(question != asked.end());
  bench.answer(*question, wire::HomeAddressReply{.addresses = {{kGiven, 3600, 7200}}});
  CHECK_FALSE(bench.service.has_to_release());
  bench.service.stop();
  CHECK(bench.service.has_to_release());
  bench.advance(500ms);
  const Sent release = bench.one();
  CHECK(std::get<wire::HomeAddressRelease>(release.message.body).addresses == std::vector{kGiven});
  bench.answer(release, wire::HomeAddressReleaseAcknowledgement{});
  CHECK_FALSE(bench.service.has_to_release());
  bench.advance(2h);
  CHECK(bench.take_sent().empty());
}

TEST_CASE("without a way to the home agent everything waits") {
  Bench bench(mobile_node::test::configuration(), false);
  REQUIRE_FALSE(bench.agent().allocate(bench.now.monotonic));
  bench.advance(1h);
  CHECK(bench.take_sent().empty());
  bench.service.registered(bench.now.monotonic);
  bench.advance(0s);
  CHECK(bench.take_sent().size() == 1);
  bench.path.reset();
  bench.advance(1h);
  CHECK(bench.take_sent().empty());
  CHECK(bench.agent().allocate(bench.now.monotonic).error() == AllocationRefusal::Pending);
  bench.path = kPath;
  bench.service.registered(bench.now.monotonic);
  bench.advance(0s);
  CHECK(bench.take_sent().size() == 1);
}

TEST_CASE("a policy is fetched in parts, verified, and kept so that it can be verified again") {
  Bench bench(with_policy());
  const auto& association = bench.configuration.security_association;
  std::string text;
  while (text.size() < 2'345) text += "# a policy\n";
  for (std::size_t offset = 0; offset < text.size(); offset += wire::kLargestPolicyPart) {
    bench.advance(500ms);
    const Sent question = bench.one();
    CHECK(std::get<wire::PolicyRequest>(question.message.body) == wire::PolicyRequest{0, static_cast<std::uint32_t>(offset)});
    CHECK(bench.kept.empty());
    bench.answer(question, part_of(text, 5, offset, association.key));
  }
  REQUIRE(bench.kept.size() == 1);
  CHECK(bench.kept[0].name == kKeptNetworkPolicy);
  const auto read = read_network_policy(bench.kept[0].text, association);
  REQUIRE(read);
  CHECK(*read == NetworkPolicy{5, text});
  CHECK(bench.service.policy_version() == 5);

  // Every octet of what was kept counts.
  for (std::size_t at = 0; at < bench.kept[0].text.size(); ++at) {
    std::string spoilt = bench.kept[0].text;
    spoilt[at] = static_cast<char>(spoilt[at] ^ 1);
    REQUIRE_FALSE(read_network_policy(spoilt, association));
  }
  for (std::size_t length = 0; length < bench.kept[0].text.size(); ++length)
    REQUIRE_FALSE(read_network_policy(std::string_view(bench.kept[0].text).substr(0, length), association));
  CHECK_FALSE(read_network_policy(bench.kept[0].text, {association.network_access_identifier, association.spi, Bytes(16, 0xee)}));

  // Within the hour it is asked about again.
  bench.advance(1h - 2s);
  CHECK(bench.take_sent().empty());
  bench.advance(2s);
  CHECK(std::get<wire::PolicyRequest>(bench.one().message.body) == wire::PolicyRequest{5, 0});
}

TEST_CASE("what is not whole, not authentic or not newer is not taken") {
  Bench bench(with_policy(100));
  CHECK(bench.service.policy_version() == 100);
  const BytesView key = bench.configuration.security_association.key;
  bench.advance(0s);
  const Sent question = bench.one();
  CHECK(std::get<wire::PolicyRequest>(question.message.body).known_version == 100);
  wire::PolicyReply reply = part_of("[default]\n", 101, 0, key);
  SECTION("older") { reply = part_of("[default]\n", 99, 0, key); }
  SECTION("authenticator of another text") { reply.authenticator = wire::policy_authenticator(key, 101, "[default]"); }
  SECTION("authenticator of another version") { reply.authenticator = wire::policy_authenticator(key, 102, "[default]\n"); }
  SECTION("too large") { reply.total_length = wire::kLargestPolicy + 1; }
  SECTION("no part") { reply.part.clear(); }
  SECTION("more than the whole") { reply.total_length = 3; }
  SECTION("unchanged, but of another version") { reply.status = wire::PolicyStatus::Unchanged; }
  bench.answer(question, reply);
  CHECK(bench.kept.empty());
  CHECK(bench.service.policy_version() == 100);
  CHECK(bench.notices == std::vector<std::string>{"network-policy-refused"});
  bench.advance(59min);
  CHECK(bench.take_sent().empty());
}

TEST_CASE("a text that changes while it is fetched is fetched anew") {
  Bench bench(with_policy());
  const BytesView key = bench.configuration.security_association.key;
  const std::string first(1'500, '#');
  const std::string second(1'700, '#');
  bench.advance(500ms);
  bench.answer(bench.one(), part_of(first, 5, 0, key));
  bench.advance(500ms);
  bench.answer(bench.one(), part_of(second, 6, 1'000, key));
  bench.advance(500ms);
  Sent question = bench.one();
  CHECK(std::get<wire::PolicyRequest>(question.message.body).offset == 0);
  bench.answer(question, part_of(second, 6, 0, key));
  bench.advance(500ms);
  bench.answer(bench.one(), part_of(second, 6, 1'000, key));
  REQUIRE(bench.kept.size() == 1);
  CHECK(read_network_policy(bench.kept[0].text, bench.configuration.security_association)->text == second);
}

TEST_CASE("a hint of a newer version is followed, of an older one or a replayed one not") {
  Bench bench(with_policy());
  bench.advance(0s);
  bench.answer(bench.one(), part_of("[default]\n", 5, 0, bench.configuration.security_association.key));
  bench.advance(1s);
  const std::uint64_t timestamp = bench.clock();
  bench.hear(wire::PolicyChanged{5}, 0, timestamp);
  bench.advance(1s);
  CHECK(bench.take_sent().empty());
  bench.hear(wire::PolicyChanged{6}, 0, timestamp);
  bench.advance(1s);
  CHECK(bench.take_sent().empty());
  bench.hear(wire::PolicyChanged{6}, 0, bench.clock());
  bench.advance(0s);
  CHECK(bench.take_sent().size() == 1);
}

TEST_CASE("without a security association no policy is asked for or taken, and nothing is signed") {
  auto configuration = with_policy();
  configuration.authentication = Authentication::NoneInsecure;
  Bench bench(configuration);
  bench.advance(1h);
  CHECK(bench.take_sent().empty());
  REQUIRE_FALSE(bench.agent().allocate(bench.now.monotonic));
  bench.advance(0s);
  CHECK(bench.take_sent().size() == 1);
}
