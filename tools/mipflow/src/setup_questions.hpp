// SPDX-License-Identifier: GPL-3.0-or-later
// The questions of `mipflow setup`: each answer is judged at once by what the daemon would say of the file with it.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "dialogue.hpp"
#include "setup_draft.hpp"

namespace mipflow::tools {

struct Question {
  const char* option;                     // that answers it beforehand: "--home-agent"
  std::string text;                       // without colon
  std::optional<std::string> given;       // beforehand
  std::optional<std::string> suggestion;  // what it means to type nothing
  // Puts the answer into the draft; false when no file can hold it.
  std::function<bool(SetupDraft&, const std::string&)> put;
  std::vector<std::string> subjects;      // what the daemon's messages about it begin with
  bool hidden = false;
};

class Questioner {
 public:
  // Without `dialogue` nobody is there to be asked. Both and `console` must outlive the object.
  Questioner(SetupDraft& draft, Dialogue* dialogue, const Console& console) : draft_(draft), dialogue_(dialogue), console_(console) {}

  // False when setup is over, after a complaint: exit_code() says how. What nobody could be asked is noted.
  bool answer(const Question& question);
  // The secret of the chosen association: from `given`, or a new one when `generate`; else it is asked for, and nothing
  // typed means the one that there is, or a new one. Same result.
  bool answer_secret(const std::optional<std::string>& given, bool generate);

  enum class Secret : unsigned char { None, Kept, Generated, Given };
  Secret secret() const { return secret_; }
  const std::vector<std::string>& missing() const { return missing_; }  // options
  ExitCode exit_code() const { return exit_code_; }
  bool give_up();  // complains; always false

 private:
  std::optional<std::string> objection(const Question& question, const std::string& answer);

  SetupDraft& draft_;
  Dialogue* dialogue_;
  const Console& console_;
  std::vector<std::string> missing_;
  Secret secret_ = Secret::None;
  ExitCode exit_code_ = kExitRefused;
};

}  // namespace mipflow::tools
