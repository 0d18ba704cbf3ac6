// SPDX-License-Identifier: GPL-3.0-or-later
#include "mipflow/platform/helper_process.hpp"

#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>

namespace mipflow::platform {

namespace {

bool send_message(int socket, BytesView message) {
  for (;;) {
    const ssize_t sent = ::send(socket, message.data(), message.size(), MSG_NOSIGNAL);
    if (sent >= 0) return static_cast<std::size_t>(sent) == message.size();
    if (errno != EINTR) return false;
  }
}

// nullopt: the other end is gone, or sent what is longer than a message may be.
std::optional<Bytes> receive_message(int socket) {
  Bytes message(HelperProcess::kLongestMessage);
  for (;;) {
    const ssize_t size = ::recv(socket, message.data(), message.size(), MSG_TRUNC);
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0 || static_cast<std::size_t>(size) > message.size()) return std::nullopt;
    message.resize(static_cast<std::size_t>(size));
    return message;
  }
}

// Messages are never empty: that is how the end looks.
Bytes framed(BytesView answer) {
  Writer out;
  out.u8(1);
  out.bytes(answer);
  return out.take();
}

Result<void> drop_as(const HelperProcess::Role& role, FileConfinement& confinement) {
  if (auto done = drop_privileges(role.user, role.capabilities); !done) return done;
  if (role.files) {
    auto confined = FileConfinement::begin(*role.files);
    if (!confined) return Unexpected{confined.error()};
    confinement = std::move(*confined);
  }
  return filter_system_calls(role.system_calls);
}

// Only what this process has been told to keep is open.
void close_all_but(int kept) {
  if (kept > STDERR_FILENO + 1) ::syscall(SYS_close_range, STDERR_FILENO + 1, kept - 1, 0);
  ::syscall(SYS_close_range, kept + 1, ~0U, 0);
}

[[noreturn]] void serve(const HelperProcess::Role& role, int socket) {
  // The service manager sends them to every process of the service; the end is when the daemon has ended.
  for (const int number : {SIGTERM, SIGINT, SIGHUP}) std::signal(number, SIG_IGN);
  close_all_but(socket);
  ::prctl(PR_SET_NAME, role.name, 0, 0, 0);
  ::umask(role.mode_mask);
  FileConfinement confinement;
  const auto dropped = drop_as(role, confinement);
  const std::string complaint = dropped ? std::string() : dropped.error().message;
  const BytesView said{reinterpret_cast<const std::uint8_t*>(complaint.data()), complaint.size()};
  if (!send_message(socket, framed(said)) || !dropped) std::_Exit(EXIT_FAILURE);
  const auto answer = role.make_answer();
  while (const auto question = receive_message(socket))
    if (!send_message(socket, framed(answer(BytesView(*question).subspan(1))))) break;
  std::_Exit(EXIT_SUCCESS);
}

}  // namespace

Result<std::unique_ptr<HelperProcess>> HelperProcess::start(const Role& role) {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) return fail("cannot make a socket for a helper process", errno);
  FileDescriptor ours(ends[0]), theirs(ends[1]);
  const pid_t process = ::fork();
  if (process < 0) return fail("cannot start a helper process", errno);
  if (process == 0) {
    // Nothing of the daemon's goes on in here, whatever happens.
    try {
      serve(role, theirs.get());
    } catch (...) {
      std::_Exit(EXIT_FAILURE);
    }
  }
  theirs.reset();
  std::unique_ptr<HelperProcess> out(new HelperProcess(process, std::move(ours)));
  const auto begun = receive_message(out->socket_.get());
  if (!begun) return fail(std::string("the helper process ") + role.name + " ended at once");
  if (begun->size() > 1) return fail(std::string("the helper process ") + role.name + ": " + std::string(begun->begin() + 1, begun->end()));
  return out;
}

HelperProcess::~HelperProcess() {
  socket_.reset();
  while (::waitpid(process_, nullptr, 0) < 0 && errno == EINTR) {
  }
}

std::optional<Bytes> HelperProcess::ask(BytesView question) {
  const std::scoped_lock lock(mutex_);
  return exchange(question);
}

std::optional<Bytes> HelperProcess::ask_if_idle(BytesView question) {
  const std::unique_lock lock(mutex_, std::try_to_lock);
  return lock ? exchange(question) : std::nullopt;
}

std::optional<Bytes> HelperProcess::exchange(BytesView question) {
  if (question.size() + 1 > kLongestMessage || !send_message(socket_.get(), framed(question))) return std::nullopt;
  auto answer = receive_message(socket_.get());
  if (!answer || answer->size() <= 1) return std::nullopt;
  answer->erase(answer->begin());
  return answer;
}

}  // namespace mipflow::platform
