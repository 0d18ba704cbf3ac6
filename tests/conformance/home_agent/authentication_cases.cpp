// SPDX-License-Identifier: GPL-3.0-or-later
// RFC 4285. Every other case with a key rests on this as well: each acknowledgement's authenticator is judged.
#include "conformance/harness/message.hpp"
#include "conformance/home_agent/bench.hpp"
#include "conformance/home_agent/groups.hpp"
#include "mipflow/wire/authentication.hpp"

namespace mipflow::conformance::home {

namespace {

using enum wire::BindingStatus;
using enum Update::Authentication;

constexpr std::uint64_t kLowHalf = 0xffff'ffff;

void timestamps_required(home_agent::Configuration& configuration) {
  for (auto& mobile_node : configuration.mobile_nodes) mobile_node.timestamps_required = true;
}

std::uint64_t present(const HomeAgentBench& bench) { return wire::ntp_timestamp(bench.node.time().wall); }

std::uint64_t timestamp_of(const wire::BindingAcknowledgement& acknowledgement) {
  const auto* option = wire::find_option<wire::ReplayProtection>(acknowledgement.options);
  require(option != nullptr, "the acknowledgement has no timestamp");
  return option->ntp_timestamp;
}

void authenticated(HomeAgentBench& bench) {
  bench.accept({});
  bench.probe_answered();
}
void dropped(HomeAgentBench& bench, Update::Authentication authentication, const char* what) {
  bench.ignore({.authentication = authentication}, what);
  bench.probe_refused();
}
void wrong(HomeAgentBench& bench) {
  bench.refuse({.authentication = Wrong}, MipV6AuthFail);
  bench.probe_refused();
}
// The status is not specified: any refusal, or silence.
void not_accepted(HomeAgentBench& bench, Update::Authentication authentication) {
  bench.send(Update{.authentication = authentication});
  const auto packets = bench.take(2s);
  require(packets.size() <= 1, "wanted one refusal or silence, got " + describe(packets));
  if (packets.empty()) {
    bench.saw("silence");
  } else {
    const auto status = message_in<wire::BindingAcknowledgement>(packets.front(), "a refusal").status;
    require(!wire::accepts(status), "it was accepted: " + describe(packets));
    bench.saw("BA " + std::to_string(static_cast<unsigned>(status)));
  }
  bench.probe_refused();
}
void at_home(HomeAgentBench& bench) {
  bench.registers();
  bench.accept(Update{}.deletion_at_home(false));
  bench.probe_refused();
}
void refusals(HomeAgentBench& bench) {
  bench.refuse({.home_address = kElsewhere}, NotHomeSubnet);
  bench.refuse(Update{}.deletion(), NotHomeAgentForThisMobileNode);
  bench.neighbour.addresses.insert(kHome);
  bench.refuse({}, DuplicateAddressDetectionFailed);
  bench.neighbour.addresses.erase(kHome);
  bench.wait(20s);
  bench.registers();
  bench.refuse({}, SequenceNumberOutOfWindow);
}
void with_timestamp(HomeAgentBench& bench) {
  const Update update{.timestamp = present(bench)};
  require(timestamp_of(bench.accept(update)) == *update.timestamp, "the acknowledgement has another timestamp");
  bench.saw("its timestamp");
  bench.probe_answered();
}
void clock_differs(HomeAgentBench& bench) {
  for (const Duration error : {-8s, 8s}) {
    const Update update{.timestamp = wire::ntp_timestamp(bench.node.time().wall + error)};
    bench.send(update);
    const auto answer = timestamp_of(bench.expect_acknowledgement(update, MipV6IdMismatch));
    require((answer & kLowHalf) == (*update.timestamp & kLowHalf), "the low half of the timestamp is not the update's");
    const auto difference = static_cast<std::int64_t>(present(bench) >> 32) - static_cast<std::int64_t>(answer >> 32);
    require(difference >= 0 && difference <= 2, "the high half of the timestamp is not the home agent's clock");
    bench.saw("the home agent's time");
    bench.probe_refused();
  }
}
void replayed_with_timestamp(HomeAgentBench& bench) {
  const Update update{.timestamp = present(bench)};
  bench.accept(update);
  bench.refuse(update, MipV6IdMismatch);
  bench.probe_answered();
}
void without_timestamp(HomeAgentBench& bench) {
  bench.refuse({}, MipV6MesgIdReqd);
  bench.probe_refused();
}
void both_wrong(HomeAgentBench& bench) {
  bench.refuse({.authentication = Wrong, .timestamp = wire::ntp_timestamp(bench.node.time().wall - 1h)}, MipV6AuthFail);
  bench.probe_refused();
}
void replayed(HomeAgentBench& bench) {
  bench.accept({});
  bench.refuse({}, SequenceNumberOutOfWindow);
  bench.probe_answered();
}

}  // namespace

std::vector<Group> authentication_cases() {
  Group group{"Authentication, RFC 4285", {}};
  const auto add = [&](const char* id, const char* title, const char* section, std::function<void(HomeAgentBench&)> run,
                       Change change = {}, std::string remark = {}) {
    group.cases.push_back(
        home_agent_case(id, title, section, Link::Virtual, std::move(run), std::move(remark), std::move(change)));
  };
  add("A-HA-01", "a registration and its acknowledgement", "RFC 4285 4, 5.1", authenticated);
  add("A-HA-02", "no option", "RFC 4285 5",
      [](HomeAgentBench& bench) { dropped(bench, Missing, "a Binding Update without the option"); });
  add("A-HA-03", "a wrong authenticator", "RFC 4285 5.1.1, 5.3", wrong);
  add("A-HA-04", "an unknown SPI", "RFC 4285 5.1.1", [](HomeAgentBench& bench) { dropped(bench, UnknownSpi, "an unknown SPI"); });
  add("A-HA-05", "an option behind it", "RFC 4285 5.1", [](HomeAgentBench& bench) { not_accepted(bench, NotLast); });
  add("A-HA-06", "the option twice", "RFC 4285 5", [](HomeAgentBench& bench) { not_accepted(bench, Twice); });
  group.cases.push_back(home_agent_case("A-HA-07", "a de-registration from home", "RFC 4285 5.1", Link::Real, at_home));
  group.cases.push_back(home_agent_case("A-HA-08", "refusals are authenticated", "RFC 4285 5.1.1", Link::Real, refusals));
  add("A-HA-09", "a timestamp", "RFC 4285 6", with_timestamp, timestamps_required);
  add("A-HA-10", "a timestamp 8 s off, to either side", "RFC 4285 6", clock_differs, timestamps_required);
  add("A-HA-11", "a Binding Update sent again, with timestamps", "RFC 4285 6", replayed_with_timestamp, timestamps_required);
  add("A-HA-12", "the timestamp is demanded and missing", "RFC 4285 6", without_timestamp, timestamps_required);
  add("A-HA-13", "authenticator and timestamp wrong", "RFC 4285 6", both_wrong, timestamps_required);
  add("A-HA-14", "a Binding Update sent again, without timestamps", "9.5.1, RFC 4285 5.1", replayed);
  add(
      "A-HA-15", "no network access identifier", "RFC 4285 4",
      [](HomeAgentBench& bench) { dropped(bench, WithoutIdentifier, "a Binding Update without identifier"); }, {},
      "What the home agent does is not specified; without the identifier no key is looked for");
  return {group};
}

}  // namespace mipflow::conformance::home
