// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "correspondent_signalling.hpp"
#include "node.hpp"

namespace mipflow::mobile_node {

// What the mobile node has to say to a correspondent node about one home address, and when: one step each time somebody
// looks. Made for the moment of looking; what it knows stands in the registration.
class CorrespondentExchange {
 public:
  // References must outlive the object.
  CorrespondentExchange(Node& node, const HomeAddressAndCorrespondent& pair, CorrespondentRegistration& registration,
                        const ManagedHomeAddress& address, Now now, Outputs& outputs)
      : node_(node),
        pair_(pair),
        registration_(registration),
        correspondent_(node.correspondents.correspondent(pair.correspondent)),
        address_(address),
        now_(now),
        outputs_(outputs) {}

  // Phase Binding: tests that are missing or get old, a Binding Update when one is wanted and there are tokens for it.
  void bind();
  // Phase Releasing: the Binding Update that deletes the binding. False when there is nothing left to do.
  bool delete_binding();
  // When to look again.
  TimePoint deadline();

 private:
  BindingUpdateListEntry& entry() { return registration_.entry; }
  bool update_is_wanted();
  std::optional<CareOf> tunnel_entrance() const;
  std::optional<CareOf> way_out();
  bool binding_draws_packets() const;
  bool deletion_is_worth_a_test() const;
  std::vector<CareOf> others();
  void forget_old_care_of_tests();

  template <class Send>
  bool run(RoutabilityTest& test, UpdateRateLimit& rate, bool possible, Send&& send_init);
  bool run_home_test();
  bool run_care_of_test(const CareOf& care_of);
  void want(RoutabilityTest& test);
  void home_test_unanswered();

  std::uint16_t lifetime_units();
  Duration patience() const;
  void start_exchange();
  void update(const HeldToken& home, const HeldToken& care_of_token);
  void sent(UpdateWithTokens made, std::uint16_t units);

  TimePoint test_deadline(const RoutabilityTest& test, bool kept_fresh) const;
  TimePoint when_to_come(TimePoint time) const;

  Node& node_;
  const HomeAddressAndCorrespondent pair_;
  CorrespondentRegistration& registration_;
  Correspondent& correspondent_;
  const ManagedHomeAddress& address_;
  const Now now_;
  Outputs& outputs_;
};

}  // namespace mipflow::mobile_node
