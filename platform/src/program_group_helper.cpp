// SPDX-License-Identifier: GPL-3.0-or-later
#include "mipflow/platform/program_group_helper.hpp"

#include <linux/capability.h>

#include <atomic>
#include <utility>

#include "helper_messages.hpp"
#include "mipflow/platform/cgroup_tree.hpp"

namespace mipflow::platform {

namespace {

constexpr std::size_t kLongestName = 255;  // of a class or an interface

enum class Question : std::uint8_t { NewGroup = 1, RemoveEmpty = 2 };

class ByHelper final : public ProgramGroupKeeper {
 public:
  explicit ByHelper(std::unique_ptr<HelperProcess> helper) : helper_(std::move(helper)) { remove_empty(); }

  Result<std::string> put_into_new_group(pid_t process, const FlowWish& wish, const std::string& present_group) override {
    Writer question;
    question.u8(static_cast<std::uint8_t>(Question::NewGroup));
    question.u32(static_cast<std::uint32_t>(process));
    write_text(question, wish.policy_class);
    write_text(question, wish.interface);
    write_text(question, present_group);
    const auto answer = helper_->ask(question.view());
    if (!answer) return fail("the process of the daemon that makes control groups is gone; restart mipflow-mnd");
    Reader reader(*answer);
    const bool done = reader.u8() == 1;
    std::string text = read_text(reader);
    if (!done) return fail(std::move(text));
    empty_ = false;
    return text;
  }

  void remove_empty() override {
    Writer question;
    question.u8(static_cast<std::uint8_t>(Question::RemoveEmpty));
    // Who waits here is the loop that packets wait for: while a group is being made the next look is soon enough.
    const auto answer = helper_->ask_if_idle(question.view());
    if (answer && answer->size() == 1) empty_ = answer->front() == 1;
  }

  bool empty() const override { return empty_; }

 private:
  std::unique_ptr<HelperProcess> helper_;
  std::atomic<bool> empty_ = true;
};

Bytes answer_new_group(ProgramGroups& groups, Reader& reader) {
  const auto process = static_cast<pid_t>(reader.u32());
  const FlowWish wish{read_text(reader), read_text(reader)};
  const std::string present_group = read_text(reader);
  if (reader.failed() || process <= 0 || !is_plain_path(present_group)) return {};
  if (wish.policy_class.size() > kLongestName || wish.interface.size() > kLongestName) return {};
  const auto made = groups.put_into_new_group(process, wish, present_group);
  Writer out;
  out.u8(made ? 1 : 0);
  write_text(out, made ? *made : made.error().message);
  return out.take();
}

HelperProcess::Answer make_answer() {
  return [groups = std::make_shared<ProgramGroups>(CgroupTree::find())](BytesView question) -> Bytes {
    Reader reader(question);
    switch (static_cast<Question>(reader.u8())) {
      case Question::NewGroup: return answer_new_group(*groups, reader);
      case Question::RemoveEmpty:
        groups->remove_empty();
        return {static_cast<std::uint8_t>(groups->empty() ? 1 : 0)};
    }
    return {};
  };
}

}  // namespace

std::unique_ptr<ProgramGroupKeeper> keep_program_groups_by(std::unique_ptr<HelperProcess> helper) {
  return std::make_unique<ByHelper>(std::move(helper));
}

HelperProcess::Role program_groups_role() {
  FileConfinement::Folders files{.writable = {}, .readable = std::vector<std::filesystem::path>{"/proc"}};
  if (const auto tree = CgroupTree::find()) files.writable.push_back(tree->folder_of("/"));
  return {.name = "mipflow-groups",
          .user = present_user(),
          // Not even root may write to the root of the hierarchy (its mode is 0555), where programs are on a host without systemd.
          // Under systemd the service does not have it.
          .capabilities = FileConfinement::is_possible() ? Capabilities{CAP_DAC_OVERRIDE} : Capabilities{},
          .system_calls = SystemCalls::ProgramGroups,
          .files = std::move(files),
          .make_answer = make_answer,
          // The daemon, which is another user, reads the wishes that are written to the groups.
          .mode_mask = 0022};
}

}  // namespace mipflow::platform
