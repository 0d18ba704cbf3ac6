// SPDX-License-Identifier: GPL-3.0-or-later
// A process beside the daemon that may do the one thing which the daemon itself shall not be able to do.
#pragma once

#include <sys/types.h>

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "mipflow/base/bytes.hpp"
#include "mipflow/platform/failure.hpp"
#include "mipflow/platform/file_descriptor.hpp"
#include "mipflow/platform/privileges.hpp"

namespace mipflow::platform {

// Asked for by messages over a socket pair, one answer to each question. It goes by itself when the daemon is gone, however that
// came about, and can not be asked by anybody else.
class HelperProcess {
 public:
  static constexpr std::size_t kLongestMessage = 16'384;  // octets

  // Answers one question; an empty answer to what makes no sense. Made in the helper, behind the drop of privileges.
  using Answer = std::function<Bytes(BytesView question)>;
  struct Role {
    const char* name;  // at most 15 characters, as ps shows it
    ServiceUser user;
    Capabilities capabilities;
    SystemCalls system_calls;
    // By Landlock. Without it where a process has to look at others, which the kernel does not let a confined one.
    std::optional<FileConfinement::Folders> files;
    std::function<Answer()> make_answer;
    // The modes that what it makes has not, as of umask(2): that of the daemon, which a service manager sets, is another's.
    mode_t mode_mask = 0077;
  };

  // Forks: only while the process has one thread. Fails when the helper could not drop what it shall not have.
  static Result<std::unique_ptr<HelperProcess>> start(const Role& role);
  // Waits until it is gone.
  ~HelperProcess();
  HelperProcess(const HelperProcess&) = delete;
  HelperProcess& operator=(const HelperProcess&) = delete;

  // nullopt when the helper is gone, or has no answer. For several threads, one after the other.
  std::optional<Bytes> ask(BytesView question);
  // The same, but nullopt also when somebody else is asking.
  std::optional<Bytes> ask_if_idle(BytesView question);
  pid_t process() const { return process_; }

 private:
  HelperProcess(pid_t process, FileDescriptor socket) : process_(process), socket_(std::move(socket)) {}
  std::optional<Bytes> exchange(BytesView question);

  pid_t process_;
  FileDescriptor socket_;
  std::mutex mutex_;
};

}  // namespace mipflow::platform
