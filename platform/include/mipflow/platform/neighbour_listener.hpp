// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <boost/asio/io_context.hpp>

#include <functional>
#include <memory>
#include <unordered_set>
#include <vector>

#include "mipflow/base/role.hpp"
#include "mipflow/forwarding-plan/forwarding_plan.hpp"
#include "mipflow/platform/event_loop.hpp"
#include "mipflow/platform/failure.hpp"

namespace mipflow::platform {

// Hears Neighbor Solicitations and Advertisements about watched addresses for a mobile node, which needs them on its home
// link only (RFC 6275 §11.5.5); a home agent gets them from its data path. A packet socket that exists while something
// is watched, so that nobody pays for it elsewhere.
class NeighbourListener {
 public:
  using Handler = std::function<void(PacketReceived)>;

  // `loop` must outlive this.
  NeighbourListener(boost::asio::io_context& loop, Handler handler) : loop_(loop), handler_(std::move(handler)) {}

  Result<void> watch(const forwarding::OnInterface& watched);
  void unwatch(const forwarding::OnInterface& watched);

 private:
  Result<void> open();
  void read();

  boost::asio::io_context& loop_;
  Handler handler_;
  std::unordered_set<forwarding::OnInterface> watched_;
  FileDescriptor socket_;
  std::unique_ptr<DescriptorWatch> watch_;
};

}  // namespace mipflow::platform
