// SPDX-License-Identifier: GPL-3.0-or-later
#include "mipflow/platform/socket_holders.hpp"

#include <linux/capability.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <climits>
#include <string_view>
#include <utility>

#include "helper_messages.hpp"
#include "mipflow/platform/cgroup_tree.hpp"
#include "socket_processes.hpp"

namespace mipflow::platform {

namespace {

constexpr std::chrono::milliseconds kLongestSearch{1000};  // whoever asks; nobody asks for more

enum class Question : std::uint8_t { Holder = 1, Network = 2, Cgroup = 3 };

// Empty when we may not see it, and for threads of the kernel.
std::string program_of(pid_t process) {
  std::array<char, PATH_MAX> buffer;
  const ssize_t size = ::readlink(("/proc/" + std::to_string(process) + "/exe").c_str(), buffer.data(), buffer.size());
  if (size <= 0) return {};
  std::string_view path(buffer.data(), static_cast<std::size_t>(size));
  // An upgrade took the file away from under the process, which is the same program to its user.
  static constexpr std::string_view kDeleted = " (deleted)";
  if (path.ends_with(kDeleted)) path.remove_suffix(kDeleted.size());
  return std::string(path);
}

class Here final : public SocketHolders {
 public:
  SocketHolder find(std::uint64_t inode, std::optional<std::uint32_t> user, const std::string& cgroup, Clock::time_point until) override {
    const auto likely = [&] { return tree_ && !cgroup.empty() ? tree_->processes_in(cgroup) : std::vector<pid_t>{}; };
    const auto process = processes_.find(inode, user, likely, until);
    SocketHolder out;
    out.time_was_over = !process;
    if (!process || *process == 0) return out;
    out.process = *process;
    out.program = program_of(*process);
    out.cgroup = cgroup.empty() ? CgroupTree::path_of_process(*process) : cgroup;
    return out;
  }

  std::optional<bool> is_in_our_network(pid_t process) override {
    struct stat ours{}, theirs{};
    if (::stat("/proc/self/ns/net", &ours) != 0 || ::stat(("/proc/" + std::to_string(process) + "/ns/net").c_str(), &theirs) != 0) return std::nullopt;
    return ours.st_ino == theirs.st_ino && ours.st_dev == theirs.st_dev;
  }

  std::string cgroup_of(pid_t process) override { return CgroupTree::path_of_process(process); }

 private:
  std::optional<CgroupTree> tree_ = CgroupTree::find();
  SocketProcesses processes_;
};

class ByHelper final : public SocketHolders {
 public:
  explicit ByHelper(std::unique_ptr<HelperProcess> helper) : helper_(std::move(helper)) {}

  SocketHolder find(std::uint64_t inode, std::optional<std::uint32_t> user, const std::string& cgroup, Clock::time_point until) override {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until - Clock::now());
    Writer question;
    question.u8(static_cast<std::uint8_t>(Question::Holder));
    question.u64(inode);
    question.u8(user.has_value());
    question.u32(user.value_or(0));
    question.u32(static_cast<std::uint32_t>(std::clamp<std::int64_t>(left.count(), 0, kLongestSearch.count())));
    write_text(question, cgroup);
    const auto answer = helper_->ask(question.view());
    if (!answer) return {};
    Reader reader(*answer);
    SocketHolder out;
    out.process = static_cast<pid_t>(reader.u32());
    out.program = read_text(reader);
    out.cgroup = read_text(reader);
    out.time_was_over = reader.u8() != 0;
    return reader.failed() ? SocketHolder{} : out;
  }

  std::optional<bool> is_in_our_network(pid_t process) override {
    const auto answer = ask_about(process, Question::Network);
    if (!answer || answer->size() != 1 || answer->front() > 1) return std::nullopt;
    return answer->front() == 1;
  }

  std::string cgroup_of(pid_t process) override {
    const auto answer = ask_about(process, Question::Cgroup);
    if (!answer) return {};
    Reader reader(*answer);
    return read_text(reader);
  }

 private:
  std::optional<Bytes> ask_about(pid_t process, Question what) {
    Writer question;
    question.u8(static_cast<std::uint8_t>(what));
    question.u32(static_cast<std::uint32_t>(process));
    return helper_->ask(question.view());
  }

  std::unique_ptr<HelperProcess> helper_;
};

Bytes answer_holder(Here& here, Reader& reader) {
  const std::uint64_t inode = reader.u64();
  const bool has_user = reader.u8() != 0;
  const std::uint32_t user = reader.u32();
  const std::chrono::milliseconds patience{reader.u32()};
  const std::string cgroup = read_text(reader);
  if (reader.failed() || !is_plain_path(cgroup)) return {};
  const auto until = SocketHolders::Clock::now() + std::min(patience, kLongestSearch);
  const auto found = here.find(inode, has_user ? std::optional(user) : std::nullopt, cgroup, until);
  Writer out;
  out.u32(static_cast<std::uint32_t>(found.process));
  write_text(out, found.program);
  write_text(out, found.cgroup);
  out.u8(found.time_was_over);
  return out.take();
}

Bytes answer_network(Here& here, Reader& reader) {
  const auto process = static_cast<pid_t>(reader.u32());
  if (reader.failed() || process <= 0) return {};
  const auto same = here.is_in_our_network(process);
  return {static_cast<std::uint8_t>(!same ? 2 : *same ? 1 : 0)};
}

Bytes answer_cgroup(Here& here, Reader& reader) {
  const auto process = static_cast<pid_t>(reader.u32());
  if (reader.failed() || process <= 0) return {};
  Writer out;
  write_text(out, here.cgroup_of(process));
  return out.take();
}

HelperProcess::Answer make_answer() {
  return [here = std::make_shared<Here>()](BytesView question) -> Bytes {
    Reader reader(question);
    switch (static_cast<Question>(reader.u8())) {
      case Question::Holder: return answer_holder(*here, reader);
      case Question::Network: return answer_network(*here, reader);
      case Question::Cgroup: return answer_cgroup(*here, reader);
    }
    return {};
  };
}

}  // namespace

std::unique_ptr<SocketHolders> look_for_holders_here() { return std::make_unique<Here>(); }
std::unique_ptr<SocketHolders> look_for_holders_by(std::unique_ptr<HelperProcess> helper) { return std::make_unique<ByHelper>(std::move(helper)); }

HelperProcess::Role socket_holders_role(const ServiceUser& user) {
  return {.name = "mipflow-holders",
          .user = user,
          .capabilities = {CAP_SYS_PTRACE},
          .system_calls = SystemCalls::SocketHolders,
          .files = std::nullopt,
          .make_answer = make_answer};
}

}  // namespace mipflow::platform
