// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "mipflow/datapath/data_path.hpp"
#include "mipflow/platform/data_path_tables.hpp"
#include "mipflow/platform/failure.hpp"
#include "mipflow/platform/first_packet_rules.hpp"
#include "mipflow/platform/kernel_tables.hpp"
#include "mipflow/platform/multicast_groups.hpp"
#include "mipflow/platform/netlink_socket.hpp"
#include "mipflow/platform/plan_changes.hpp"
#include "mipflow/platform/socket_address_tables.hpp"

namespace mipflow::platform {

// Everything of ours in the kernel as one thing: mip0, the data path on it, the tables, the rules for first packets. It
// is made, changed with the plan, healed, and taken back here; what the parts do stands with the parts.
class KernelState {
 public:
  struct Options {
    std::string device = "mip0";
    std::uint32_t device_mtu = 1460;           // octets; 1500 less the outer header
    datapath::Options data_path;               // mip0 is filled in here
    std::optional<std::uint16_t> queue;        // NFQUEUE of first packets: mobile node only
    bool socket_addresses = false;             // sockets get their home address when they connect: mobile node only
  };

  // Takes over what a daemon before this one left. A failure leaves nothing behind that was not there before.
  static Result<std::unique_ptr<KernelState>> open(Options options);

  void add(const PlanChanges& changes, std::vector<Failure>& refused);
  void remove(const PlanChanges& changes, std::vector<Failure>& refused);

  // Makes the kernel hold what the plan says; with `take_away` nothing else of ours. Returns how many objects of the
  // routing tables were changed.
  std::size_t reconcile(const forwarding::ForwardingPlan& plan, bool take_away, std::vector<Failure>& refused);
  // Octets of a packet that every uplink can carry, for the routes of a correspondent node. Those that there are already
  // follow at once.
  void set_uplink_mtu(std::uint32_t mtu, const forwarding::ForwardingPlan& plan, std::vector<Failure>& refused);
  // The rules that hand out first packets: installed last at start, when somebody reads the queue.
  Result<void> install_first_packet_rules();

  // What of ours a notification tells to be gone.
  enum class Loss : std::uint8_t {
    None,
    Tables,   // addresses, routes, rules, nf_tables: heal(false) brings them back
    Device,   // mip0 or the program on it: heal(true)
    Uplink,   // perhaps the program of the interface: DataPath::attach_uplink()
  };
  struct LossReport {
    Loss loss = Loss::None;
    InterfaceIndex uplink = 0;
  };
  LossReport examine(const nlmsghdr& notification, const forwarding::ForwardingPlan& plan) const;
  // The same for notifications of nf_tables.
  bool is_rule_loss(const nlmsghdr& notification) const { return rules_ && rules_->is_loss(notification); }

  // Of that no notification tells: see KernelTables::lacks_proxies().
  bool lacks_proxies(const forwarding::ForwardingPlan& plan, const std::function<bool(InterfaceIndex)>& works) {
    return tables_->lacks_proxies(plan, works);
  }

  // Brings back what is gone. With `programs` the data path is opened again, so that whoever watches its ring has to
  // watch the new one; its uplinks are kept.
  void heal(const forwarding::ForwardingPlan& plan, bool programs, std::vector<Failure>& refused);

  // Rules, routes or addresses of this host are different now: so may be what leaves by mip0.
  void follow_routes();
  // "on", or why applications do not see their home address.
  std::string socket_addresses() const { return socket_addresses_.state(); }
  // A socket was offered this home address for this correspondent node just now, and has not bound it itself.
  bool has_offered(const forwarding::HomeAddressAndCorrespondent& choice) const { return socket_addresses_.has_chosen(choice); }

  // open() found nothing of a daemon before this one: no flow depends on what is here now.
  bool is_fresh() const { return fresh_; }

  // Leaves nothing behind. The object is of no use afterwards.
  void take_back(std::vector<Failure>& refused);
  // The same for what a daemon with these options left, without one running.
  static void take_back(const Options& options, std::vector<Failure>& refused);

  // nullptr while a data path that was lost could not be opened again.
  datapath::DataPath* data_path() const { return data_path_.get(); }
  NetlinkSocket& requests() { return requests_; }
  InterfaceIndex device() const { return device_; }

 private:
  KernelState(Options options, NetlinkSocket requests, NetlinkSocket netfilter);
  Result<void> open_device_and_data_path();

  Options options_;
  NetlinkSocket requests_;   // rtnetlink
  NetlinkSocket netfilter_;
  InterfaceIndex device_ = 0;
  bool fresh_ = false;
  std::optional<std::uint32_t> uplink_mtu_;
  std::unique_ptr<datapath::DataPath> data_path_;
  std::optional<KernelTables> tables_;
  std::optional<FirstPacketRules> rules_;
  SocketAddressTables socket_addresses_;
  MulticastGroups groups_;
};

}  // namespace mipflow::platform
