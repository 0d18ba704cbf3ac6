// SPDX-License-Identifier: GPL-3.0-or-later
#include "prefix_service.hpp"

#include <algorithm>

#include "authentication.hpp"
#include "mipflow/wire/authentication.hpp"

namespace mipflow::home_agent {

namespace {

constexpr Duration kBetweenAdvertisements = std::chrono::seconds{1};  // RFC 6275 §10.6.2

}  // namespace

void PrefixService::handle_solicitation(const wire::MobilePrefixSolicitation& solicitation,
                                        const wire::PacketView& view, Now now, Outputs& outputs) {
  ++parts_.counters.prefix_solicitations;
  const auto refuse = [&](std::uint64_t& counter, const char* reason) {
    ++counter;
    outputs.notices.push_back({Severity::Warning, "prefix-solicitation-refused",
                               "dropped a Mobile Prefix Solicitation from " + to_string(view.source) + ": " + reason});
  };
  const Binding* binding =
      view.home_address_option ? parts_.cache.find_bound(*view.home_address_option) : nullptr;
  if (binding == nullptr || binding->care_of_address != view.source)
    return refuse(parts_.counters.dropped_malformed, "it has no Home Address option of a bound home address");

  const Address primary = binding->primary_home_address;
  Delivery& delivery = deliveries_[primary];
  if (!is_authentic(solicitation, view, *binding, delivery, now))
    return refuse(parts_.counters.dropped_unauthenticated,
                  "it is not authenticated by the security association of its home address, or not fresh");

  // A solicitation acknowledges what was sent before.
  delivery.unsolicited_at.reset();
  delivery.transmissions = 0;
  delivery.unacknowledged = false;
  Answer owed{binding->home_address, view.source, solicitation.identifier, std::nullopt};
  if (solicitation.authentication) owed.timestamp = solicitation.authentication->ntp_timestamp;
  answer(primary, delivery, owed, now, outputs);
}

bool PrefixService::is_authentic(const wire::MobilePrefixSolicitation& solicitation, const wire::PacketView& view,
                                 const Binding& binding, Delivery& delivery, Now now) {
  // Only a binding that nobody authenticated may ask without authentication, that is one of the insecure mode.
  if (binding.spi == 0) return parts_.configuration.accept_unauthenticated_insecure;
  if (!solicitation.authentication) return parts_.configuration.accept_unauthenticated_insecure;
  const auto* mobile_node =
      parts_.authorizations.find(binding.primary_home_address, solicitation.authentication->spi);
  if (mobile_node == nullptr) return false;
  if (!wire::prefix_authenticator_is_right(view.payload, solicitation.authentication->spi,
                                           key_for(*mobile_node, binding.home_address), view.source,
                                           binding.home_address, view.destination))
    return false;
  const std::uint64_t timestamp = solicitation.authentication->ntp_timestamp;
  if (judge_timestamp(timestamp, true, delivery.last_timestamp, now.wall - parts_.configuration.timestamp_window,
                      parts_.configuration.timestamp_window, now.wall) != Freshness::Fresh)
    return false;
  delivery.last_timestamp = timestamp;
  return true;
}

void PrefixService::answer(const Address& primary_home_address, Delivery& delivery, const Answer& owed, Now now,
                           Outputs& outputs) {
  const Binding* binding = parts_.cache.find_bound(owed.home_address);
  const bool may_send = !delivery.last_sent || now.monotonic - *delivery.last_sent >= kBetweenAdvertisements;
  delivery.answer.reset();
  if (!may_send) {
    delivery.answer = owed;
  } else if (binding != nullptr) {
    send(owed, *binding, now, outputs);
    delivery.last_sent = now.monotonic;
    delivery.quiet_until = now.monotonic + wire::kMaxMobPfxAdvInterval;
  }
  arm(primary_home_address, delivery);
}

void PrefixService::mobile_node_registered(const Address& primary_home_address, TimePoint now) {
  const auto [found, first_time] = deliveries_.try_emplace(primary_home_address);
  Delivery& delivery = found->second;
  if (first_time || delivery.quiet_until == TimePoint{}) delivery.quiet_until = now + wire::kMaxMobPfxAdvInterval;
  if (delivery.unacknowledged) {
    delivery.unacknowledged = false;
    delivery.transmissions = 0;
    delivery.unsolicited_at = now + kBetweenAdvertisements;
  }
  arm(primary_home_address, delivery);
}

void PrefixService::binding_ended(const Address& primary_home_address, TimePoint now) {
  const auto found = deliveries_.find(primary_home_address);
  if (found == deliveries_.end() || addressee(primary_home_address) != nullptr) return;
  const auto& last_sent = found->second.last_sent;
  if (last_sent && now - *last_sent < kBetweenAdvertisements) {
    // It may come back within that second, and the limit still holds.
    due_.set(primary_home_address, *last_sent + kBetweenAdvertisements);
    return;
  }
  deliveries_.erase(found);
  due_.cancel(primary_home_address);
}

void PrefixService::prefixes_changed(TimePoint now) {
  for (auto& [primary, delivery] : deliveries_) {
    const Binding* binding = addressee(primary);
    if (binding == nullptr) continue;
    // One that is scheduled already will tell the new list; the schedule begins anew when it was being repeated.
    if (!delivery.unsolicited_at || delivery.transmissions > 0) {
      delivery.unsolicited_at = now + random_delay(*binding, now);
      delivery.transmissions = 0;
    }
    arm(primary, delivery);
  }
}

// RFC 6275 §10.6.2, RAND_ADV_DELAY
Duration PrefixService::random_delay(const Binding& binding, TimePoint now) const {
  const auto lifetimes = parts_.prefixes.find(binding.home_address, now);
  const auto preferred_units = static_cast<std::int64_t>(lifetimes ? lifetimes->preferred_units : 0);
  const Duration longest = std::min(wire::kMaxMobPfxAdvInterval, preferred_units * wire::kLifetimeUnit);
  const Duration spread = std::chrono::abs(longest - wire::kMinMobPfxAdvInterval);
  if (spread == Duration::zero()) return wire::kMinMobPfxAdvInterval;
  return wire::kMinMobPfxAdvInterval +
         Duration{static_cast<Duration::rep>(parts_.random.next_u64() % static_cast<std::uint64_t>(spread.count()))};
}

const Binding* PrefixService::addressee(const Address& primary_home_address) const {
  if (const Binding* binding = parts_.cache.find_bound(primary_home_address)) return binding;
  for (const Address& home_address : parts_.cache.home_addresses_of(primary_home_address))
    if (const Binding* binding = parts_.cache.find_bound(home_address)) return binding;
  return nullptr;
}

void PrefixService::arm(const Address& primary_home_address, const Delivery& delivery) {
  TimePoint next = delivery.quiet_until;
  if (delivery.answer) next = std::min(next, *delivery.last_sent + kBetweenAdvertisements);
  if (delivery.unsolicited_at) next = std::min(next, *delivery.unsolicited_at);
  due_.set(primary_home_address, next);
}

void PrefixService::on_deadline(Now now, Outputs& outputs) {
  while (const auto primary = due_.take_due(now.monotonic)) {
    const auto found = deliveries_.find(*primary);
    const Binding* binding = addressee(*primary);
    // RFC 6275 §10.6.2: whoever has no binding is owed nothing any more.
    if (binding == nullptr) {
      if (found != deliveries_.end()) deliveries_.erase(found);
      continue;
    }
    Delivery& delivery = found->second;
    if (delivery.answer) {
      answer(*primary, delivery, Answer{*delivery.answer}, now, outputs);
      continue;
    }
    if (delivery.unsolicited_at && *delivery.unsolicited_at <= now.monotonic) {
      send_unsolicited(delivery, *binding, now, outputs);
    } else if (delivery.quiet_until <= now.monotonic) {
      delivery.unsolicited_at = now.monotonic + random_delay(*binding, now.monotonic);
      delivery.transmissions = 0;
      delivery.quiet_until = now.monotonic + 2 * wire::kMaxMobPfxAdvInterval;
    }
    arm(*primary, delivery);
  }
}

void PrefixService::send_unsolicited(Delivery& delivery, const Binding& binding, Now now, Outputs& outputs) {
  if (delivery.last_sent && now.monotonic - *delivery.last_sent < kBetweenAdvertisements) {
    delivery.unsolicited_at = *delivery.last_sent + kBetweenAdvertisements;
    return;
  }
  // The identifier is random, so that it matches no solicitation: the mobile node asks, and believes that answer only.
  send({binding.home_address, binding.care_of_address, parts_.random.next_u16(), std::nullopt}, binding, now, outputs);
  delivery.last_sent = now.monotonic;
  delivery.quiet_until = now.monotonic + wire::kMaxMobPfxAdvInterval;
  ++delivery.transmissions;
  if (delivery.transmissions <= wire::kPrefixAdvRetries) {
    delivery.unsolicited_at = now.monotonic + wire::kPrefixAdvTimeout * (1u << (delivery.transmissions - 1));
  } else {
    delivery.unsolicited_at.reset();
    delivery.unacknowledged = true;
  }
}

// RFC 6275 §10.6.3
void PrefixService::send(const Answer& to, const Binding& binding, Now now, Outputs& outputs) const {
  const Address& home_agent = parts_.configuration.home_agent_address;
  wire::MobilePrefixAdvertisement advertisement;
  advertisement.identifier = to.identifier;
  advertisement.prefixes = parts_.prefixes.advertised(home_agent, now.monotonic);

  const wire::Envelope envelope{.source = home_agent,
                                .destination = to.care_of_address,
                                .routing_header_home_address = to.home_address};
  const auto* mobile_node =
      binding.spi == 0 ? nullptr : parts_.authorizations.find(binding.primary_home_address, binding.spi);
  if (mobile_node == nullptr) {
    outputs.packets.push_back({.packet = wire::build_packet(envelope, advertisement)});
    return;
  }
  const Bytes message = wire::encode_signed(
      advertisement, binding.spi, key_for(*mobile_node, to.home_address),
      to.timestamp.value_or(wire::ntp_timestamp(now.wall)), to.care_of_address, to.home_address, home_agent,
      home_agent, to.home_address);
  outputs.packets.push_back({.packet = wire::build_packet_around(envelope, kProtocolIcmpv6, message)});
}

}  // namespace mipflow::home_agent
