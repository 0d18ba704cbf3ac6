// SPDX-License-Identifier: GPL-3.0-or-later
#include "setup_questions.hpp"

#include <fmt/format.h>

#include <ostream>

#include "commands.hpp"

namespace mipflow::tools {
namespace {

// An empty answer is none, whatever the loader would think of it.
constexpr const char* kNeeded = "there is no way without it";

}  // namespace

bool Questioner::give_up() {
  exit_code_ = kExitRefused;
  complain(console_, exit_code_, "given up: nothing was written");
  return false;
}

std::optional<std::string> Questioner::objection(const Question& question, const std::string& answer) {
  if (answer.empty()) return kNeeded;
  auto changed = draft_;
  if (!question.put(changed, answer)) return "is no text that the file can hold: it has to be UTF-8, and the file one line per key";
  if (auto mistake = changed.mistake_about(question.subjects)) return mistake;
  draft_ = std::move(changed);
  return std::nullopt;
}

bool Questioner::answer(const Question& question) {
  if (question.given) {
    const auto wrong = objection(question, *question.given);
    if (!wrong) return true;
    exit_code_ = kExitUsage;
    complain(console_, exit_code_, fmt::format("{}: {}", question.option, *wrong));
    return false;
  }
  if (dialogue_ == nullptr) {
    if (!question.suggestion || objection(question, *question.suggestion)) missing_.emplace_back(question.option);
    return true;
  }
  const bool shows = question.suggestion && !question.suggestion->empty() && !question.hidden;
  const auto text = question.text + (shows ? " [" + *question.suggestion + "]:" : ":");
  for (;;) {
    const auto typed = dialogue_->ask(text, question.hidden);
    if (!typed) return give_up();
    const auto wrong = objection(question, typed->empty() ? question.suggestion.value_or("") : *typed);
    if (!wrong) return true;
    console_.out << "  " << *wrong << '\n';
  }
}

bool Questioner::answer_secret(const std::optional<std::string>& given, bool generate) {
  Question question{.option = "--secret-file",
                    .text = draft_.association_is_new() ? "Shared secret, at least 32 hexadecimal digits (nothing: a new one is made)"
                                                        : "Shared secret, at least 32 hexadecimal digits (nothing: it stays as it is)",
                    .given = given,
                    .suggestion = draft_.key(),
                    .put = [](SetupDraft& draft, const std::string& answer) { return draft.set_key(answer); },
                    .subjects = {"[[association]] key"},
                    .hidden = true};
  if (generate) question.given = generate_key();
  if (!question.given && dialogue_ == nullptr && draft_.association_is_new()) {
    missing_.emplace_back("--secret-file (or --generate-secret)");
    return true;
  }
  const auto before = draft_.key();
  if (!answer(question)) return false;
  const bool typed = draft_.key() != before && !generate;
  secret_ = typed ? Secret::Given : generate || draft_.association_is_new() ? Secret::Generated : Secret::Kept;
  return true;
}

}  // namespace mipflow::tools
