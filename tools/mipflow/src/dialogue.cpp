// SPDX-License-Identifier: GPL-3.0-or-later
#include "dialogue.hpp"

#include <termios.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <ostream>

namespace mipflow::tools {
namespace {

constexpr std::size_t kLongestLine = 65'536;

// What is typed does not appear while one exists. Of what is no terminal, nothing appears anyway.
class NoEcho {
 public:
  explicit NoEcho(int descriptor) : descriptor_(descriptor), changed_(tcgetattr(descriptor, &before_) == 0) {
    if (!changed_) return;
    auto silent = before_;
    silent.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    silent.c_lflag |= ECHONL;
    tcsetattr(descriptor_, TCSANOW, &silent);
  }
  ~NoEcho() {
    if (changed_) tcsetattr(descriptor_, TCSANOW, &before_);
  }
  NoEcho(const NoEcho&) = delete;
  NoEcho& operator=(const NoEcho&) = delete;

 private:
  int descriptor_;
  termios before_{};
  bool changed_;
};

std::string trimmed(const std::string& text) {
  const auto begin = text.find_first_not_of(" \t\r");
  return begin == std::string::npos ? "" : text.substr(begin, text.find_last_not_of(" \t\r") - begin + 1);
}

}  // namespace

std::optional<std::string> Dialogue::read_line() {
  using Woken = Interruption::Woken;
  std::array<char, 4096> part;
  for (;;) {
    if (const auto end = ahead_.find('\n'); end != std::string::npos) {
      const auto line = ahead_.substr(0, end);
      ahead_.erase(0, end + 1);
      return trimmed(line);
    }
    const auto woken = interruption_.wait(std::chrono::hours{1}, console_.input);
    if (woken == Woken::Interrupted) return std::nullopt;
    if (woken != Woken::Input) continue;
    const auto count = read(console_.input, part.data(), part.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0 || ahead_.size() > kLongestLine) return std::nullopt;
    ahead_.append(part.data(), static_cast<std::size_t>(count));
  }
}

std::optional<std::string> Dialogue::ask(const std::string& question, bool hidden) {
  // Before the question: whoever is quick answers as soon as he sees it.
  std::optional<NoEcho> silence;
  if (hidden) silence.emplace(console_.input);
  console_.out << question << ' ' << std::flush;
  auto line = read_line();
  if (!line) console_.out << std::endl;
  return line;
}

std::optional<bool> Dialogue::confirm(const std::string& question, bool otherwise) {
  for (;;) {
    const auto answer = ask(question + (otherwise ? " [Y/n]" : " [y/N]"));
    if (!answer) return std::nullopt;
    if (answer->empty()) return otherwise;
    if (*answer == "y" || *answer == "Y" || *answer == "yes") return true;
    if (*answer == "n" || *answer == "N" || *answer == "no") return false;
  }
}

}  // namespace mipflow::tools
