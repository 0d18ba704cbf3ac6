// SPDX-License-Identifier: GPL-3.0-or-later
#include "mipflow/platform/socket_owner.hpp"

#include "mipflow/platform/socket_diagnosis.hpp"
#include "mipflow/platform/socket_holders.hpp"

namespace mipflow::platform {

class SocketOwners::Implementation {
 public:
  Implementation(SocketDiagnosis diagnosis, const SocketMarks& marks, SocketHolders& holders)
      : diagnosis_(std::move(diagnosis)), marks_(marks), holders_(holders) {}

  Found find(const FlowKey& key, const Known& known, Clock::duration patience) {
    Found out;
    FlowOwner& owner = out.owner;
    owner.user = known.user;
    owner.group = known.group;
    const auto socket = diagnosis_.find(key, known.user);
    if (!socket) return out;
    if (!owner.user) owner.user = socket->user;
    if (tree_ && socket->cgroup != 0) owner.cgroup = tree_->path_of(socket->cgroup);
    const auto holder = holders_.find(socket->inode, owner.user, owner.cgroup, Clock::now() + patience);
    out.time_was_over = holder.time_was_over;
    if (holder.process != 0) {
      owner.process = static_cast<std::uint32_t>(holder.process);
      owner.program = holder.program;
      owner.cgroup = holder.cgroup;
    }
    owner.unit = unit_in(owner.cgroup);
    note_wish(*socket, owner);
    return out;
  }

 private:
  // What was said about the socket itself counts more than what was said about its program.
  void note_wish(const SocketFacts& socket, FlowOwner& owner) const {
    const auto of_program = tree_ && !owner.cgroup.empty() ? ProgramGroups::wish_for(*tree_, owner.cgroup) : FlowWish{};
    const auto of_socket = marks_.find(socket.cookie, socket.user);
    owner.wanted_class = of_socket.policy_class.empty() ? of_program.policy_class : of_socket.policy_class;
    owner.wanted_interface = of_socket.interface.empty() ? of_program.interface : of_socket.interface;
  }

  SocketDiagnosis diagnosis_;
  const SocketMarks& marks_;
  SocketHolders& holders_;
  std::optional<CgroupTree> tree_ = CgroupTree::find();
};

SocketOwners::SocketOwners(std::unique_ptr<Implementation> implementation) : implementation_(std::move(implementation)) {}
SocketOwners::~SocketOwners() = default;
SocketOwners::SocketOwners(SocketOwners&&) noexcept = default;
SocketOwners& SocketOwners::operator=(SocketOwners&&) noexcept = default;

Result<SocketOwners> SocketOwners::open(const SocketMarks& marks, SocketHolders& holders) {
  auto diagnosis = SocketDiagnosis::open();
  if (!diagnosis) return Unexpected{diagnosis.error()};
  return SocketOwners(std::make_unique<Implementation>(std::move(*diagnosis), marks, holders));
}

SocketOwners::Found SocketOwners::find(const FlowKey& key, const Known& known, Clock::duration patience) {
  return implementation_->find(key, known, patience);
}

}  // namespace mipflow::platform
