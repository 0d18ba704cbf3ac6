// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <functional>
#include <set>
#include <string>
#include <vector>

#include "mipflow/mn-core/events.hpp"
#include "mipflow/platform/network_observer.hpp"

namespace mipflow::mnd {

using namespace mobile_node;

// Tells the mobile node about the network: what the kernel says about interfaces that flows may use, as events.
class NetworkEvents final : public platform::NetworkListener {
 public:
  struct Hooks {
    std::function<void(const Event&)> event;
    std::function<void(InterfaceIndex)> uplink_came;  // to be attached to the data path
    std::function<void(InterfaceIndex)> tell_again;   // its addresses and routers, which were of no interest before
    std::function<void(InterfaceIndex)> uplink_went;
    std::function<void(InterfaceIndex, bool)> carrier_changed;  // false: it has none, or is switched off; may be told again
    std::function<void(InterfaceIndex, const Address&)> router_came;
    std::function<void(InterfaceIndex, const Address&)> router_went;
    std::function<void()> routes_changed;
    std::function<void(const nlmsghdr&)> notification;
    std::function<void()> overrun;
  };

  NetworkEvents(Hooks hooks, std::string own_device, std::vector<std::string> ignored)
      : hooks_(std::move(hooks)), own_device_(std::move(own_device)), ignored_(std::move(ignored)) {}

  bool is_uplink(InterfaceIndex interface) const { return uplinks_.contains(interface); }

  void on_link(const platform::Link& link) override;
  void on_link_removed(const platform::Link& link) override;
  void on_address(const platform::InterfaceAddress& address) override;
  void on_address_removed(const platform::InterfaceAddress& address) override;
  void on_router(InterfaceIndex interface, const Address& router, bool reachable) override;
  void on_router_removed(InterfaceIndex interface, const Address& router) override;
  void on_notification(const nlmsghdr& notification) override;
  void on_overrun() override { hooks_.overrun(); }

 private:
  void forget(InterfaceIndex interface);

  Hooks hooks_;
  std::string own_device_;
  std::vector<std::string> ignored_;
  std::set<InterfaceIndex> uplinks_;  // those that the node was told of
};

}  // namespace mipflow::mnd
