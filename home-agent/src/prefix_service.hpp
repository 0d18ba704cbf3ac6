// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <optional>
#include <unordered_map>

#include "authorizations.hpp"
#include "binding_cache.hpp"
#include "home_prefixes.hpp"
#include "mipflow/base/deadline_queue.hpp"
#include "mipflow/base/random.hpp"
#include "mipflow/base/role.hpp"
#include "mipflow/home-agent/home_agent.hpp"
#include "mipflow/wire/packet.hpp"

namespace mipflow::home_agent {

struct PrefixServiceParts {
  const Configuration& configuration;
  const Authorizations& authorizations;
  const HomePrefixes& prefixes;
  const BindingCache& cache;
  Counters& counters;
  RandomSource& random;
};

// Tells mobile nodes the prefixes of the home link, RFC 6275 §10.6. Per mobile node, however many home addresses it has:
//   - a solicitation is answered at once, or a second after the advertisement before it (never more than one a second;
//     the usual solicitation comes a round trip after an unsolicited advertisement, and would else wait for its repeat);
//   - a change of the prefixes is told after a random delay of at least MinMobPfxAdvInterval, repeated after 3, 6 and 12 s
//     until a solicitation comes, and once more when the mobile node registers again;
//   - nobody goes without an advertisement for much longer than MaxMobPfxAdvInterval.
class PrefixService {
 public:
  explicit PrefixService(PrefixServiceParts parts) : parts_(parts) {}

  // The Home Address option was checked against the binding before (RFC 6275 §9.3.1).
  void handle_solicitation(const wire::MobilePrefixSolicitation& solicitation, const wire::PacketView& view, Now now,
                           Outputs& outputs);
  void mobile_node_registered(const Address& primary_home_address, TimePoint now);
  // Forgets the mobile node when it was its last one.
  void binding_ended(const Address& primary_home_address, TimePoint now);
  // Tell everybody whose home address is below one of the prefixes that changed, or of the link that got a new one.
  void prefixes_changed(TimePoint now);

  TimePoint next_deadline() const { return due_.next(); }
  void on_deadline(Now now, Outputs& outputs);

 private:
  // What is owed to a mobile node.
  struct Answer {
    Address home_address;
    Address care_of_address;
    std::uint16_t identifier = 0;
    std::optional<std::uint64_t> timestamp;  // the solicitation's, to be returned
  };
  struct Delivery {
    std::optional<TimePoint> last_sent;
    std::optional<Answer> answer;               // a solicitation that has to wait for the one-second limit
    std::optional<TimePoint> unsolicited_at;    // next transmission or retransmission
    unsigned transmissions = 0;                 // of the unsolicited advertisement
    bool unacknowledged = false;                // retransmitted in vain: tried again at the next registration
    TimePoint quiet_until{};                    // latest time for an advertisement without any reason
    std::uint64_t last_timestamp = 0;           // of the last solicitation taken
  };

  bool is_authentic(const wire::MobilePrefixSolicitation& solicitation, const wire::PacketView& view,
                    const Binding& binding, Delivery& delivery, Now now);
  void answer(const Address& primary_home_address, Delivery& delivery, const Answer& answer, Now now, Outputs& outputs);
  void send_unsolicited(Delivery& delivery, const Binding& binding, Now now, Outputs& outputs);
  void send(const Answer& to, const Binding& binding, Now now, Outputs& outputs) const;
  // The binding that an unsolicited advertisement goes to: the primary home address's, else any; nullptr when none.
  const Binding* addressee(const Address& primary_home_address) const;
  Duration random_delay(const Binding& binding, TimePoint now) const;
  void arm(const Address& primary_home_address, const Delivery& delivery);

  PrefixServiceParts parts_;
  std::unordered_map<Address, Delivery> deliveries_;  // by primary home address
  DeadlineQueue<Address> due_;
};

}  // namespace mipflow::home_agent
