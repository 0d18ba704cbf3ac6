// SPDX-License-Identifier: GPL-3.0-or-later
#include "conformance/mobile_node/bench.hpp"

#include <algorithm>
#include <span>

#include "simulation/simulator/headers.hpp"

namespace mipflow::conformance::mobile {

namespace {

constexpr std::uint16_t kLocalPort = 5000;
constexpr std::uint16_t kPort = 7;

constexpr const char* kPolicy = R"(
[[class]]
name = "hidden"
home-address = "primary"
route-optimization = "no"
[class.match]
peer = "2001:db8:7::/48"

[default]
home-address = "primary"
route-optimization = "yes"
)";

std::shared_ptr<const flow_separator::Policy> read_policy() {
  const flow_separator::PolicyFile file{.name = "conformance.toml", .text = kPolicy};
  auto policy = flow_separator::Policy::parse(std::span(&file, 1), {});
  if (!policy) throw std::runtime_error(flow_separator::to_string(policy.error().front()));
  return std::make_shared<const flow_separator::Policy>(*policy);
}

MobilityHeader test_message(std::uint8_t type, const Answer& answer, std::uint64_t cookie) {
  MobilityHeader header(type, test_data(answer.index, answer.cookie.value_or(cookie), answer.token));
  header.payload_proto(answer.payload_proto).reserved(answer.reserved);
  if (answer.cut_short) header.cut_short();
  if (answer.wrong_checksum) header.wrong_checksum();
  return header;
}

}  // namespace

mobile_node::Configuration usual_configuration() {
  mobile_node::Configuration out;
  out.home_agent = kHomeAgent;
  out.primary_home_address = kHome;
  out.home_prefix = *Prefix::parse("2001:db8:100::/64");
  out.authentication = mobile_node::Authentication::NoneInsecure;
  out.home_address_cap = 1;
  out.warm_pool_size = 0;
  out.anchor_per_interface = false;
  out.avoid_primary = false;
  return out;
}

MobileBench::MobileBench(Record& record, std::uint64_t seed, mobile_node::Configuration configuration)
    : network(clock, 1),
      node(clock, network, std::move(configuration), read_policy(), seed),
      record_(record),
      attachment_(network.attach(*this, 1)) {
  network.route(*Prefix::parse("::/0"), attachment_);
  node.add_interface(kWlan, "wlan0", mobile_node::InterfaceKind::Wifi);
  node.add_interface(kWwan, "wwan0", mobile_node::InterfaceKind::Cellular);
  node.answers = true;
}

// ---- the network and the home agent ----

void MobileBench::appear(const Address& care_of_address, std::optional<Duration> valid_for) {
  care_of_ = care_of_address;
  node.connect(kWlan, care_of_address, valid_for);
}
void MobileBench::go(const Address& care_of_address) {
  care_of_ = care_of_address;
  network.unassign(kHome);
  node.renumber(kWlan, care_of_address);
}
void MobileBench::go_home() {
  care_of_ = kAtHome;
  network.assign(kHome, node.link(kWlan));
  node.renumber(kWlan, kAtHome);
}

void MobileBench::home_registration() {
  appear(kLinkX);
  const auto before = home_registrations_;
  wait(2s);
  require(!home_agent_answers || (home_registrations_ > before && node.registered()),
          "the mobile node does not register at home");
}

void MobileBench::move() {
  const auto before = home_registrations_;
  go(kLinkY);
  const TimePoint end = clock.now() + 2s;
  while (home_registrations_ == before && clock.run_one(end)) {
  }
  require(home_registrations_ > before, "no home registration after the move");
}

bool MobileBench::answered_as_home_agent(const Seen& seen) {
  const auto update = as<wire::BindingUpdate>(seen);
  if (judges_home_registrations || !update || seen.view().destination != kHomeAgent) return false;
  if (!home_agent_answers) return true;
  ++home_registrations_;
  home_registered_until_ = clock.now() + update->message.lifetime_units * kUnit;
  if (home_acknowledgement) {
    send(home_acknowledgement(*update));
    return true;
  }
  const auto view = seen.view();
  send(MobilityHeader(kBindingAcknowledgement,
                      binding_acknowledgement_data(0, update->message.sequence, update->message.lifetime_units))
           .packet({.source = kHomeAgent,
                    .destination = view.source,
                    .routing_header_home_address = view.home_address_option}));
  return true;
}

void MobileBench::answer_as_correspondent(const Seen& seen) {
  constexpr std::uint16_t kIndex = 77;
  if (const auto init = as<wire::HomeTestInit>(seen)) answer(*init, {.index = kIndex, .token = 0x7700});
  if (const auto init = as<wire::CareOfTestInit>(seen)) answer(*init, {.index = kIndex, .token = 0x7711});
  if (const auto update = as<wire::BindingUpdate>(seen); update && update->message.acknowledge) answer(*update);
}

void MobileBench::receive(const Bytes& packet, simulation::Attachment&) {
  const auto view = wire::parse_packet(packet);
  if (!view) throw Failed("the mobile node sends a malformed packet");
  Seen seen{clock.now(), packet};
  if (view->protocol == kProtocolIpv6) {
    seen.tunnel = {view->source, view->destination};
    seen.packet.assign(view->payload.begin(), view->payload.end());
  }
  if (answered_as_home_agent(seen)) return;
  inbox_.push_back(seen);
  if (correspondent_answers) answer_as_correspondent(seen);
}

std::string MobileBench::rest() const {
  std::string out;
  for (const auto& seen : inbox_) out += (out.empty() ? "" : "; ") + seen.text();
  return out.empty() ? "nothing" : out;
}

// ---- stimuli ----

void MobileBench::send(const Bytes& packet) { network.send(attachment_, packet); }

void MobileBench::send_tunnelled(const Bytes& inner, const Address& outer_source) {
  send(wire::encapsulate(inner, outer_source, care_of_));
}

Bytes MobileBench::datagram(const Address& correspondent) {
  return simulation::encode(simulation::Datagram{correspondent, kHome, kPort, kLocalPort, ++last_number_});
}
void MobileBench::datagram_by_tunnel(const Address& correspondent) { send_tunnelled(datagram(correspondent)); }
void MobileBench::datagram_by_routing_header(const Address& correspondent) {
  const Bytes plain = datagram(correspondent);
  send(simulation::with_headers(*wire::parse_packet(plain), {.source = correspondent,
                                                             .destination = care_of_,
                                                             .routing_header_home_address = kHome}));
}

void MobileBench::datagram_on_home_link(const Address& correspondent) { send(datagram(correspondent)); }
void MobileBench::send_on_link(const Bytes& packet) {
  static_cast<simulation::Station&>(node).receive(packet, node.link(kWlan));
}

void MobileBench::answer(const Found<wire::HomeTestInit>& init, const Answer& answer) {
  const auto view = init.seen.view();
  home_token_ = answer.token;
  home_index_ = answer.index;
  const Bytes packet = test_message(kHomeTest, answer, init.message.home_init_cookie)
                           .packet({.source = answer.source.value_or(view.destination),
                                    .destination = answer.destination.value_or(view.source)});
  if (answer.tunnelled)
    send_tunnelled(packet);
  else
    send(packet);
}

void MobileBench::answer(const Found<wire::CareOfTestInit>& init, const Answer& answer) {
  const auto view = init.seen.view();
  care_of_token_ = answer.token;
  care_of_index_ = answer.index;
  send(test_message(kCareOfTest, answer, init.message.care_of_init_cookie)
           .packet({.source = answer.source.value_or(view.destination),
                    .destination = answer.destination.value_or(view.source)}));
}

void MobileBench::answer(const Found<wire::BindingUpdate>& update, const Acknowledgement& acknowledgement) {
  const auto view = update.seen.view();
  const std::uint16_t asked = update.message.lifetime_units;
  const bool deletion = asked == 0;
  MobilityHeader header(kBindingAcknowledgement,
                        binding_acknowledgement_data(acknowledgement.status,
                                                     acknowledgement.sequence.value_or(update.message.sequence),
                                                     acknowledgement.lifetime.value_or(std::min(asked, kLongest))));
  header.reserved(acknowledgement.reserved);
  if (acknowledgement.refresh_advice) header.refresh_advice(*acknowledgement.refresh_advice);
  const Bytes key =
      binding_management_key(home_token_, deletion ? std::nullopt : std::optional(care_of_token_));
  const Address covered = deletion ? kHome : view.source;
  switch (acknowledgement.authorization) {
    case Acknowledgement::Authorization::Right: header.authorization(key, covered, view.destination); break;
    case Acknowledgement::Authorization::Missing: break;
    case Acknowledgement::Authorization::Wrong: header.wrong_authorization(); break;
    case Acknowledgement::Authorization::NotLast:
      header.authorization(key, covered, view.destination).refresh_advice(10);
      break;
  }
  send(header.packet(
      {.source = view.destination, .destination = view.source, .routing_header_home_address = view.home_address_option}));
}

void MobileBench::by_tunnel(const MobilityHeader& header, const Address& source) {
  send_tunnelled(header.packet({.source = source, .destination = kHome}));
}
void MobileBench::straight(const MobilityHeader& header, const Address& source) {
  send(header.packet({.source = source, .destination = care_of_}));
}

void MobileBench::icmpv6_error(std::uint8_t type, std::uint8_t code, std::uint32_t parameter, const Seen& about,
                               const Address& source) {
  const Bytes error = wire::build_packet(
      {.source = source, .destination = about.view().source},
      wire::Icmpv6Error{.type = type, .code = code, .parameter = parameter, .invoking_packet = about.packet});
  if (about.tunnel)
    send_tunnelled(error);
  else
    send(error);
}

// ---- up to a point ----

std::pair<Found<wire::HomeTestInit>, Found<wire::CareOfTestInit>> MobileBench::inits() {
  return quietly([&] {
    home_registration();
    datagram_by_tunnel();
    auto home = expect_home_test_init();
    auto care_of = expect_care_of_test_init();
    return std::pair(std::move(home), std::move(care_of));
  });
}

Found<wire::BindingUpdate> MobileBench::up_to_update() {
  const auto [home, care_of] = inits();
  return quietly([&] {
    answer(care_of, {.index = 21, .token = 0x2122232425262728});
    answer(home, {.index = 11, .token = 0x1112131415161718});
    return expect_update();
  });
}

Found<wire::BindingUpdate> MobileBench::optimized(const Acknowledgement& acknowledgement) {
  const auto update = up_to_update();
  answer(update, acknowledgement);
  wait(1s);
  clear();
  return update;
}

Case mobile_case(std::string id, std::string title, std::string section, std::function<void(MobileBench&)> run,
                 std::string remark) {
  return {std::move(id), std::move(title), std::move(section),
          [run = std::move(run)](Record& record) {
            MobileBench bench(record);
            run(bench);
          },
          std::move(remark)};
}

}  // namespace mipflow::conformance::mobile
