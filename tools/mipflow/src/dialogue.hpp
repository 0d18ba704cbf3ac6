// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <optional>
#include <string>

#include "interruption.hpp"
#include "mipflow/tools/command.hpp"

namespace mipflow::tools {

// Questions to the person at the terminal. While one exists, an interrupt does not end the process: it ends the question.
class Dialogue {
 public:
  // `console.input` has to be open.
  explicit Dialogue(const Console& console) : console_(console) {}

  // The line that is typed, without blanks around it. `hidden`: it does not appear on the terminal. nullopt when the person
  // gives up (Ctrl-C, Ctrl-D) or the terminal is gone.
  std::optional<std::string> ask(const std::string& question, bool hidden = false);
  // The same for yes and no; what is neither is asked again, and nothing means `otherwise`.
  std::optional<bool> confirm(const std::string& question, bool otherwise);

 private:
  std::optional<std::string> read_line();

  const Console& console_;
  Interruption interruption_;
  std::string ahead_;  // typed, or pasted, and not asked for yet
};

}  // namespace mipflow::tools
