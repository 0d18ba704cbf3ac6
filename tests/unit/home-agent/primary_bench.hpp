// SPDX-License-Identifier: GPL-3.0-or-later
// A primary between a tester who plays home registration, secondaries that speak the protocol by its codec and an association
// of their own and otherwise do what the tester says, and a network between them that the tester may cut.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "mipflow/forwarding-plan/forwarding_plan.hpp"
#include "neighbour_defence.hpp"
#include "sharing/association.hpp"
#include "sharing/interception.hpp"
#include "sharing/primary.hpp"

namespace mipflow::home_agent::test {

using namespace std::chrono_literals;

// 2001:db8:100::a:0:<number>
Address home_address_of(unsigned number);
inline const Address kPrimaryAgent = *Address::parse("2001:db8:100::1");
inline const Address kCareOfHere = *Address::parse("2001:db8:200::5");
inline const Address kCareOfThere = *Address::parse("2001:db8:201::5");

// What one word was about: "start", "stop", …
struct Said {
  std::string what;
  Address home_address;
  wire::DelegationNumber number = 0;
  TimePoint at{};
};

class FakeSecondary {
 public:
  FakeSecondary(std::string name_, unsigned number);

  // The answers to a message of the primary. Nothing when it is off.
  std::vector<OutgoingPacket> receive(const Bytes& packet, Now now);
  std::vector<OutgoingPacket> report(const Address& home_address, std::uint64_t packets);
  // Begins anew; `keeps`: it remembers what it was told.
  void restart(bool keeps);
  bool serves(const Address& home_address) const { return serving.contains(home_address); }
  std::size_t count(const std::string& what) const;

  std::string name;
  Address address;
  Bytes key;
  bool on = true;
  bool retiring = false;
  std::uint32_t capacity = 1'000'000;
  std::uint64_t packets = 0;
  std::function<wire::ForwardingStatus(const wire::StartForwarding&)> judge;  // nullptr: accepts
  std::map<Address, wire::StartForwarding> serving;
  std::map<Address, wire::DelegationNumber> numbers;  // the highest of each home address
  std::vector<Said> heard;

 private:
  std::optional<wire::ForwardingRecords> answer(const wire::ForwardingRecords& records, Now now);

  OwnEnd own_;
  std::unique_ptr<Association> association_;
};

class Bench {
 public:
  explicit Bench(std::size_t secondaries, const std::function<void(LoadSharing&)>& change = {});
  // The primary, and all it knows but `restored`, is new; the secondaries go on.
  void restart(const std::vector<PersistedDelegation>& restored);

  void bind(unsigned number, Address care_of_address = kCareOfHere, Duration lifetime = 1h, bool link_local = false);
  void unbind(unsigned number);
  // Returns whether the acknowledgement has left.
  void answer(unsigned number);
  std::size_t answers() const { return answers_; }

  // Time goes on, every deadline is kept and every message arrives in its moment, unless `lose` says otherwise.
  void run(Duration duration);
  // Until they are found.
  void meet() { run(400ms); }
  void settle();
  // Hands over what was put out, without any time passing.
  void deliver();

  Expected<void, std::string> delegate(unsigned number, const std::string& agent);
  Expected<void, std::string> recall(unsigned number);
  Expected<void, std::string> release(unsigned number);
  Expected<void, std::string> drain(const std::string& agent, bool on);
  void reconfigure();
  void activity(const std::map<unsigned, std::uint64_t>& packets, Duration interval = 1s);
  void receive(const OutgoingPacket& packet, const Address& from);

  DelegationSnapshot show(unsigned number) const;
  AgentSnapshot show(const std::string& agent) const;
  // "own", "starting", … and the agent's name where there is one.
  std::string state(unsigned number) const;
  bool intercepts(unsigned number) const { return interception_->intercepts(home_address_of(number)); }
  std::optional<std::uint32_t> metric(unsigned number) const;
  std::size_t notices(const std::string& event) const;
  TimePoint next_deadline() const { return primary->next_deadline(); }

  LoadSharing configuration;
  LoadSharingCounters counters;
  std::vector<std::unique_ptr<FakeSecondary>> secondaries;
  FakeSecondary& a() { return *secondaries.at(0); }
  FakeSecondary& b() { return *secondaries.at(1); }
  // True: the message is lost. `to_secondary` says in which direction it went.
  std::function<bool(const wire::ForwardingRecords&, bool to_secondary)> lose;
  bool doubled = false;  // every message arrives twice
  // Answers of secondaries are kept here instead of delivered, for whoever wants them in another order.
  std::optional<std::vector<std::pair<Address, OutgoingPacket>>> kept;
  Now now{TimePoint{} + 100s, std::chrono::seconds{1'700'000'000}};
  std::unique_ptr<Primary> primary;

 private:
  void build(const std::vector<PersistedDelegation>& restored);
  bool is_lost(const Bytes& packet, const Address& source, const Address& destination, const Bytes& key, bool to_secondary) const;

  OwnEnd own_;
  forwarding::ForwardingPlan plan_;
  std::unique_ptr<NeighbourDefence> defence_;
  std::unique_ptr<Interception> interception_;
  Outputs outputs_;
  std::vector<Notice> notices_;
  std::size_t answers_ = 0;
  std::uint64_t sessions_ = 0x1000;
};

}  // namespace mipflow::home_agent::test
