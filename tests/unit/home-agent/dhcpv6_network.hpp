// SPDX-License-Identifier: GPL-3.0-or-later
// A home link with DHCPv6 servers that only have the RFC in common with the client under test, a clock that only the tester
// moves, and messages that take a millisecond, get lost or come late.
#pragma once

#include <catch2/catch.hpp>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "dhcpv6_client.hpp"
#include "fixture.hpp"
#include "mipflow/wire/dhcpv6.hpp"

namespace mipflow::home_agent::test {

inline const Address kLinkLocal = address("fe80::a");
inline const Address kServerAddress = address("fe80::5");

// A client's message as it was on the link.
struct Asked {
  TimePoint at;
  wire::Dhcpv6Message message;
};

// A server with a pool; what is set makes it a bad one.
struct FakeServer {
  std::string name;
  std::vector<Address> pool;
  std::optional<std::uint8_t> preference = std::nullopt;
  std::uint32_t preferred = 200, valid = 300, t1 = 100, t2 = 160;
  bool silent = false;
  Duration delay = 1ms;
  std::optional<wire::Dhcpv6StatusCode> refuses = std::nullopt;      // every association
  std::optional<std::uint32_t> sol_max_rt = std::nullopt;
  // Changes an answer behind all that, but for those to Release and Decline.
  std::function<void(const wire::Dhcpv6Message& asked, wire::Dhcpv6Message& answer)> spoil = nullptr;

  using Association = std::pair<Bytes, std::uint32_t>;
  std::map<Association, Address> leases{};
  std::vector<Address> declined{}, released{};

  Bytes identifier() const {
    Bytes out{0, 2, 0, 0, 0, 1};
    out.insert(out.end(), name.begin(), name.end());
    return out;
  }
  std::optional<wire::Dhcpv6Message> answer(const wire::Dhcpv6Message& asked);

 private:
  std::optional<Address> free_address(const Association& who, bool keep);
};

class Dhcpv6Network {
 public:
  Dhcpv6Network();

  FakeServer& add_server(std::string name, std::vector<Address> pool);
  AddressRequestId request(const Address& mobile_node = kPrimary);
  void advance(Duration by);
  // The same, but stops as soon as there is a report; the test fails when there is none by then. Takes it.
  AddressSourceReport next_report(Duration within = 20s);
  AddressLease lease(const Address& mobile_node = kPrimary);  // request(), and what comes of it
  void open_port() { open_port({kLinkLocal, {}}); }
  void open_port(const Dhcpv6Port& port);
  // The client forgets everything, as when the home agent is started anew.
  void restart();
  void deliver(Bytes message, InterfaceIndex interface = kHomeInterface);

  std::vector<Asked> asked(wire::Dhcpv6Type type) const;
  std::vector<AddressSourceReport> take_reports() { return std::exchange(reports_, {}); }
  bool noticed(const std::string& event) const { return notices_.contains(event); }

  // Calls on the client, with what it has to say carried out.
  void release(const Address& home_address);
  void decline(const Address& home_address);
  void adopt(const AddressLease& lease, const Address& mobile_node = kPrimary);

  Now now{TimePoint{} + 1000s, std::chrono::seconds{1'700'000'000}};
  SeededRandom random{7};
  Configuration configuration;
  HomePrefixes prefixes;
  Authorizations authorizations;
  Dhcpv6Limits limits;
  std::set<Address> taken;  // by mobile nodes, without a lease of a DHCPv6 server
  std::unique_ptr<Dhcpv6AddressSource> client;
  std::vector<std::unique_ptr<FakeServer>> servers;
  std::vector<Asked> log;
  // Which messages get lost: asked with each in the order in which they are sent, in both directions.
  std::function<bool(const wire::Dhcpv6Message&)> lose = nullptr;

 private:
  template <class Call>
  void call(Call&& what) {
    Outputs outputs;
    what(outputs);
    collect(outputs);
  }
  void collect(const Outputs& outputs);

  std::multimap<TimePoint, Bytes> underway_;
  std::vector<AddressSourceReport> reports_;
  std::set<std::string> notices_;
  AddressRequestId last_request_ = 0;
};

}  // namespace mipflow::home_agent::test
