// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "mipflow/mn-core/mobile_node.hpp"
#include "mipflow/platform/control_protocol.hpp"
#include "mipflow/platform/control_server.hpp"
#include "mipflow/platform/flow_wish.hpp"
#include "mipflow/platform/helpers.hpp"
#include "mipflow/platform/runner.hpp"
#include "mipflow/platform/socket_diagnosis.hpp"

namespace mipflow::mnd {

using namespace mobile_node;

// What programs ask for themselves: `mipflow run` and libmipflow. docs/control-protocol.md has the requests.
class ApplicationRequests {
 public:
  using Peer = platform::ControlServer::Peer;
  using Reply = platform::ControlServer::Reply;

  struct Hooks {
    // Carries out a move and what comes of it.
    std::function<Expected<void, CommandError>(FlowId, const std::string& interface)> move_flow;
    // Something else is wanted for this live flow.
    std::function<void(const FlowKey&)> look_up_again;
  };
  // `node` has to outlive this.
  ApplicationRequests(boost::asio::io_context& loop, const MobileNode& node, const platform::Helpers& helpers, Hooks hooks);

  // nullopt: it is no request of this kind.
  std::optional<Reply> handle(const platform::ControlRequest& request, const Peer& peer);

  // Whether some program or socket is wanted to go its own way, so that every new flow may be one of them.
  bool has_wishes() const { return !groups_->empty() || !marks_.empty(); }
  const platform::SocketMarks& marks() const { return marks_; }
  // Takes away the groups of programs that have ended.
  void stop() { groups_->remove_empty(); }

 private:
  Reply run(const platform::ControlRequest& request, const Peer& peer);
  Reply mark_socket(const platform::ControlRequest& request, const Peer& peer);
  Reply socket_flow(const platform::ControlRequest& request);
  Reply move_socket(const platform::ControlRequest& request, const Peer& peer);

  std::optional<platform::FlowWish> wish_in(const platform::ControlRequest& request, const Peer& peer, std::optional<Reply>& refusal) const;
  std::optional<platform::SocketFacts> socket_of(FlowKey& key, std::uint64_t cookie);
  void sweep_later();

  const MobileNode& node_;
  Hooks hooks_;
  platform::SocketMarks marks_;
  // Shared with answers that are being made.
  std::shared_ptr<platform::ProgramGroupKeeper> groups_;
  std::shared_ptr<platform::SocketHolders> holders_;
  std::optional<platform::SocketDiagnosis> diagnosis_;
  boost::asio::steady_timer sweep_timer_;
};

}  // namespace mipflow::mnd
