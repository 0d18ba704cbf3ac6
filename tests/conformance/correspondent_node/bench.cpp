// SPDX-License-Identifier: GPL-3.0-or-later
#include "conformance/correspondent_node/bench.hpp"

#include "conformance/harness/describe.hpp"
#include "simulation/simulator/echo.hpp"
#include "simulation/simulator/headers.hpp"

namespace mipflow::conformance {

namespace {

constexpr Duration kSettling = 100ms;  // for a second answer that there must not be
constexpr std::uint16_t kEchoIdentifier = 0x4d49;
const Prefix kEverything = *Prefix::parse("::/0");

}  // namespace

Bytes Update::packet() const {
  MobilityHeader header(kBindingUpdate, binding_update_data(sequence, flags, lifetime));
  const std::uint16_t first = home_index.value_or(home.index);
  const std::uint16_t second = care_of_index.value_or(lifetime == 0 ? std::uint16_t{0} : care_of.index);
  const Address covered = authorized_for.value_or(authorized_address());
  const auto add_indices = [&] {
    if (nonce_indices) header.nonce_indices(first, second);
  };
  const auto add_alternate = [&] {
    if (alternate) header.alternate_care_of_address(*alternate);
  };
  if (refresh_advice) header.refresh_advice(10);
  switch (authorization) {
    case Authorization::Right:
      add_alternate();
      add_indices();
      header.authorization(key(), covered, kCorrespondent);
      break;
    case Authorization::Missing:
      add_alternate();
      add_indices();
      break;
    case Authorization::Wrong:
      add_alternate();
      add_indices();
      header.wrong_authorization();
      break;
    case Authorization::PaddedBehind:
      add_alternate();
      add_indices();
      header.authorization(key(), covered, kCorrespondent).padding(8);
      break;
    case Authorization::BeforeAlternate:
      add_indices();
      header.authorization(key(), covered, kCorrespondent);
      add_alternate();
      break;
    case Authorization::BeforeNonceIndices:
      add_alternate();
      header.authorization(key(), covered, kCorrespondent);
      add_indices();
      break;
  }
  header.payload_proto(payload_proto).reserved(reserved);
  if (cut_short) header.cut_short();
  if (wrong_checksum) header.wrong_checksum();
  return header.packet({.source = source,
                        .destination = kCorrespondent,
                        .home_address_option = home_address_option ? std::optional(home_address) : std::nullopt});
}

CorrespondentBench::CorrespondentBench(Record& record, const correspondent_node::Configuration& configuration)
    : network(clock, 1),
      node(clock, network, configuration, {kCorrespondent, kCorrespondent2}, 2),
      record_(record),
      attachment_(network.attach(*this, 1)) {
  network.route(kEverything, attachment_);
}

void CorrespondentBench::probe(const Address& home_address, const Address& care_of_address) {
  const Bytes echo = simulation::encode(simulation::Echo{home_address, kCorrespondent, kEchoIdentifier, ++last_echo_});
  send(simulation::with_headers(*wire::parse_packet(echo), {.source = care_of_address,
                                                            .destination = kCorrespondent,
                                                            .home_address_option = home_address}));
}

void CorrespondentBench::plain_echo(const Address& source) {
  send(simulation::encode(simulation::Echo{source, kCorrespondent, kEchoIdentifier, ++last_echo_}));
}

MobilityHeader CorrespondentBench::home_test_init(std::uint64_t cookie) {
  return {kHomeTestInit, test_init_data(cookie)};
}
MobilityHeader CorrespondentBench::care_of_test_init(std::uint64_t cookie) {
  return {kCareOfTestInit, test_init_data(cookie)};
}

std::vector<Bytes> CorrespondentBench::take(Duration within, bool first_only) {
  const TimePoint end = clock.now() + within;
  while (!(first_only && !inbox_.empty()) && clock.run_one(end)) {
  }
  if (!first_only || inbox_.empty()) clock.run_until(end);
  if (first_only && !inbox_.empty()) clock.run_until(clock.now() + kSettling);
  return std::exchange(inbox_, {});
}

void CorrespondentBench::receive(const Bytes& packet, simulation::Attachment&) {
  const auto decoded = wire::decode_packet(packet);
  const auto* mobility = decoded ? std::get_if<wire::MobilityMessage>(&decoded->message) : nullptr;
  const bool refresh_request = mobility != nullptr && std::holds_alternative<wire::BindingRefreshRequest>(*mobility);
  (refresh_request ? refresh_requests_ : inbox_).push_back(packet);
}

Bytes CorrespondentBench::only_answer(const std::string& wanted, Duration within) {
  auto packets = take(within);
  require(packets.size() == 1, "wanted " + wanted + ", got " + describe(packets));
  return packets.front();
}

Token CorrespondentBench::home_test(const Address& home_address) {
  const auto cookie = ++last_cookie_;
  return test(home_test_init(cookie), kHomeTest, cookie, home_address);
}

Token CorrespondentBench::care_of_test(const Address& care_of_address) {
  const auto cookie = ++last_cookie_;
  return test(care_of_test_init(cookie), kCareOfTest, cookie, care_of_address);
}

Update CorrespondentBench::prepared(const Address& home_address, const Address& care_of_address) {
  recording_ = false;
  Update out{.home_address = home_address, .source = care_of_address};
  out.care_of = care_of_test(care_of_address);
  out.home = home_test(home_address);
  recording_ = true;
  return out;
}

Update CorrespondentBench::bound(std::uint16_t lifetime, std::uint16_t sequence, const Address& home_address,
                                 const Address& care_of_address) {
  Update out = prepared(home_address, care_of_address);
  out.lifetime = lifetime;
  out.sequence = sequence;
  recording_ = false;
  accept(out);
  recording_ = true;
  return out;
}

Update CorrespondentBench::deletion(const Update& bound, bool fresh_token) {
  Update out = bound.again();
  out.lifetime = 0;
  if (fresh_token) {
    recording_ = false;
    out.home = home_test(bound.home_address);
    recording_ = true;
  }
  return out;
}

Update CorrespondentBench::deletion_at_home(const Update& bound, bool fresh_token) {
  Update out = deletion(bound, fresh_token);
  out.source = bound.home_address;
  out.home_address_option = false;
  return out;
}

void CorrespondentBench::expect_alive() {
  const bool was = std::exchange(recording_, false);
  take(2s, false);
  care_of_test(*Address::parse("2001:db8:f::1"));
  recording_ = was;
}

Case correspondent_case(std::string id, std::string title, std::string section, std::function<void(CorrespondentBench&)> run,
                        std::string remark) {
  return {std::move(id), std::move(title), std::move(section),
          [run = std::move(run)](Record& record) {
            CorrespondentBench bench(record);
            run(bench);
            bench.expect_alive();
          },
          std::move(remark)};
}

}  // namespace mipflow::conformance
