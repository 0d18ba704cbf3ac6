// SPDX-License-Identifier: GPL-3.0-or-later
// Packets with a Home Address option, ICMPv6 errors, type 2 routing headers.
#include "conformance/correspondent_node/bench.hpp"
#include "conformance/correspondent_node/groups.hpp"
#include "conformance/harness/describe.hpp"
#include "simulation/simulator/echo.hpp"
#include "simulation/simulator/headers.hpp"

namespace mipflow::conformance {

namespace {

const Address kRouter = *Address::parse("2001:db8:a::1");
constexpr std::uint8_t kAddressUnreachable = 3;  // RFC 4443 §3.1

Bytes unreachable(const Bytes& invoking_packet) {
  return wire::build_packet({.source = kRouter, .destination = kCorrespondent},
                            wire::Icmpv6Error{.type = wire::kIcmpv6DestinationUnreachable,
                                              .code = kAddressUnreachable,
                                              .parameter = 0,
                                              .invoking_packet = invoking_packet});
}

// The packets with type 2 routing header can not be delivered; in between Echo Requests still come from there.
void persistent_unreachables(CorrespondentBench& bench) {
  const TimePoint bound_at = bench.clock.now();
  bench.bound();
  bench.plain_echo(kHome);
  const auto replies = bench.take(2s);
  require(replies.size() == 1, "wanted an Echo Reply with type 2 routing header, got " + describe(replies));
  bench.send(unreachable(replies.front()));
  bench.probe_answered();
  for (unsigned errors = 2; bench.clock.now() < bound_at + 400s; ++errors) {
    bench.wait(4s);
    bench.send(unreachable(replies.front()));
    bench.probe(kHome, kCareOf);
    const auto packets = bench.take(1s);
    require(packets.size() == 1, "wanted one answer to an Echo Request, got " + describe(packets));
    const auto decoded = wire::decode_packet(packets.front());
    const auto* mobility = decoded ? std::get_if<wire::MobilityMessage>(&decoded->message) : nullptr;
    if (mobility == nullptr) continue;
    require(std::holds_alternative<wire::BindingError>(*mobility), "wanted a BE, got " + describe(packets));
    return bench.saw("binding gone after " + std::to_string(errors) + " errors");
  }
  throw Failed("the binding outlived errors for all its lifetime");
}

// An Echo Request made for `checksum_source`, on the wire from `source` with the home address in its option.
Bytes probe_from(const Address& checksum_source, const Address& home_address, const Address& source) {
  const Bytes echo = simulation::encode(simulation::Echo{checksum_source, kCorrespondent, 1, 1});
  return simulation::with_headers(
      *wire::parse_packet(echo), {.source = source, .destination = kCorrespondent, .home_address_option = home_address});
}

void multicast_home_address(CorrespondentBench& bench) {
  bench.probe(kMulticast, kCareOf);
  for (const auto& packet : bench.take(2s, false)) {
    require(!simulation::decode_echo(packet), "an Echo Request with a multicast home address is answered");
    bench.saw("BE");
    return;
  }
  bench.saw("silence");
}

}  // namespace

Group home_address_option_cases() {
  return {
      "Home Address option, ICMPv6 errors, type 2 routing header",
      {
          correspondent_case("CN-6-1", "errors that do not end delete the binding, one does not", "9.3.4",
                             persistent_unreachables),
          correspondent_case("CN-6-2-1", "the option makes no binding", "9.1, 9.3.1",
                             [](CorrespondentBench& bench) {
                               bench.probe_refused();
                               bench.probe_refused();
                             }),
          correspondent_case("CN-6-2-2", "home address and care-of address have to fit the binding", "9.3.1, 9.3.3",
                             [](CorrespondentBench& bench) {
                               bench.bound();
                               bench.probe_refused(kHome2, kCareOf);
                               bench.probe_refused(kHome, kCareOf2);
                             }),
          correspondent_case("CN-6-2-3", "the option changes no binding", "9.1",
                             [](CorrespondentBench& bench) {
                               bench.bound();
                               bench.probe_refused(kHome, kCareOf2);
                               bench.probe_refused(kHome, kCareOf2);
                               bench.probe_answered();
                             }),
          correspondent_case("CN-6-3-1", "multicast source", "9.3.3",
                             [](CorrespondentBench& bench) {
                               bench.probe(kHome, kMulticast);
                               bench.expect_silence("a multicast source, unbound");
                               bench.bound();
                               bench.probe(kHome, kMulticast);
                               bench.expect_silence("a multicast source, bound");
                             }),
          correspondent_case("CN-6-3-2", "multicast home address", "9.3.1, 9.3.3", multicast_home_address,
                             "RFC 6275 §9.3.1 can be read as asking for a Binding Error; the suite wants silence. Judged: no "
                             "Echo Reply"),
          correspondent_case("CN-6-3-3", "multicast source and home address", "9.3.1, 9.3.3",
                             [](CorrespondentBench& bench) {
                               bench.probe(kMulticast, kMulticast);
                               bench.expect_silence("multicast addresses");
                             }),
          correspondent_case("CN-6-4-1", "the upper layer's checksum is over the home address", "9.3.1",
                             [](CorrespondentBench& bench) {
                               bench.bound();
                               bench.send(probe_from(kCareOf, kHome, kCareOf));
                               bench.expect_silence("a checksum over the care-of address");
                               bench.send(probe_from(kCareOf, kCareOf, kHome));
                               bench.expect_binding_error(wire::BindingErrorStatus::UnknownBinding, kHome, kCareOf);
                             }),
          {"CN-6-4-2", "IPsec policy sees the home address", "9.3.1, 9.3.2", {}, "needs IPsec between mobile node and correspondent node, which mipflow leaves to others"},
          correspondent_case("CN-6-5", "type 2 routing header to a node that is not mobile", "8.2, 6.4",
                             [](CorrespondentBench& bench) {
                               const Bytes echo = simulation::encode(simulation::Echo{kHome2, kHome, 1, 1});
                               bench.send(simulation::with_headers(*wire::parse_packet(echo),
                                                                   {.source = kHome2,
                                                                    .destination = kCorrespondent,
                                                                    .routing_header_home_address = kHome}));
                               bench.expect_silence("a type 2 routing header");
                             }),
      }};
}

}  // namespace mipflow::conformance
