// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <optional>
#include <vector>

#include "mipflow/base/crypto.hpp"
#include "support.hpp"

namespace mipflow::mobile_node::test {

// A correspondent node that answers only what the test tells it to. Its tokens are numbers that tell what they are for, so
// that every key can be computed without our own code for nonces.
class ScriptedCorrespondent {
 public:
  explicit ScriptedCorrespondent(TestNode& test, const Address& own = kCorrespondent) : address(own), test_(test) {}

  struct SentInit {
    TimePoint at{};
    Address source;                        // home address or care-of address
    std::optional<Address> tunnel_source = std::nullopt;  // outer source of a Home Test Init
    InterfaceIndex interface = 0;
    wire::Cookie cookie = 0;
  };
  // What the node sent to this correspondent node since the last call; other packets are lost.
  std::vector<SentInit> take_home_test_inits();
  std::vector<SentInit> take_care_of_test_inits();
  std::vector<SentUpdate> take_updates();

  wire::KeygenToken home_token() const { return 0x1100'0000'0000'0000 + home_index; }
  wire::KeygenToken care_of_token(const Address& care_of_address) const;
  void answer(const SentInit& home_test_init, std::optional<wire::Cookie> cookie = std::nullopt);
  void answer_care_of(const SentInit& care_of_test_init, std::optional<wire::Cookie> cookie = std::nullopt);
  // Whether the Binding Update is authenticated by the tokens that belong to its nonce indices and addresses.
  bool believes(const SentUpdate& update) const;
  struct Acknowledgement {
    wire::BindingStatus status = wire::BindingStatus::Accepted;
    std::optional<std::uint16_t> lifetime_units = std::nullopt;
    std::optional<std::uint16_t> sequence = std::nullopt;
    bool authenticated = true;
    bool wrong_key = false;
  };
  void acknowledge(const SentUpdate& update) { acknowledge(update, Acknowledgement{}); }
  void acknowledge(const SentUpdate& update, const Acknowledgement& options);
  void binding_error(const Address& home_address, const Address& care_of_address,
                     wire::BindingErrorStatus status = wire::BindingErrorStatus::UnknownBinding);

  // Answers everything at once for this long as a correspondent node does, and lets the home agent answer too.
  void serve(Duration duration);
  // What it would answer now; true when there was something.
  bool answer_everything();
  std::optional<Address> bound_to(const Address& home_address) const;

  Address address;
  std::uint16_t home_index = 7;
  std::uint16_t care_of_index = 9;
  std::vector<std::pair<Address, Address>> bindings;
  std::vector<SentUpdate> updates;  // answered by serve()
  std::size_t tests = 0;            // Inits answered by serve()

 private:
  void sort_packets();
  Sha1Digest key_of(const SentUpdate& update) const;

  TestNode& test_;
  std::vector<SentInit> home_test_inits_;
  std::vector<SentInit> care_of_test_inits_;
};

}  // namespace mipflow::mobile_node::test
