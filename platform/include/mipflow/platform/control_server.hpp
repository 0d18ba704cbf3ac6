// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <boost/asio/io_context.hpp>

#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include <sys/types.h>

#include "mipflow/platform/failure.hpp"

namespace mipflow::platform {

// The Unix socket that `mipflow` and other programs talk to: lines in, one line out for each, see
// docs/control-protocol.md. Open to root and the group mipflow. Clients that say too much, nothing, or do not read are
// dropped; nothing they do can hold up the daemon.
class ControlServer {
 public:
  static constexpr std::size_t kLongestRequest = 1024 * 1024;  // octets
  static constexpr std::size_t kMostClients = 32;
  // No user keeps others out: of the places that root does not need, each other user has half at most.
  static constexpr std::size_t kPlacesForRoot = 8;
  static constexpr std::size_t kMostOfOneUser = (kMostClients - kPlacesForRoot) / 2;
  static constexpr int kPatienceSeconds = 10;                // for a client to take its answer
  static constexpr int kIdleSeconds = 300;                   // for a client to say something

  // Makes the answer's text (one line without its end). Runs on another thread than the daemon, so it must hold copies of
  // everything that it needs: writing out a hundred thousand flows takes longer than a packet may wait.
  using Reply = std::function<std::string()>;
  // Who asks, as the kernel noted it when the client connected.
  struct Peer {
    uid_t user = 0;
    gid_t group = 0;
    pid_t process = 0;  // 0: in a process namespace that this one does not see
  };
  // Carries out a request, on the daemon's thread.
  using Handler = std::function<Reply(const std::string& line, const Peer& peer)>;

  // `loop` must outlive this. Takes the place of a socket that a daemon that died left behind: whoever calls this holds
  // the instance lock.
  static Result<std::unique_ptr<ControlServer>> open(boost::asio::io_context& loop, const std::filesystem::path& path, Handler handler);
  ~ControlServer();

  // What does not work as it should although the server runs; empty when all is well.
  const std::string& warning() const;

 private:
  class Implementation;
  explicit ControlServer(std::shared_ptr<Implementation> implementation);
  std::shared_ptr<Implementation> implementation_;
};

}  // namespace mipflow::platform
