// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <termios.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "top_screen.hpp"

namespace mipflow::tools {

// The terminal as one screen, keys without echo and without waiting for the end of a line, until this is destroyed or
// leave() is called: then it is as it was. Ctrl-C and Ctrl-Z stay signals.
class FullScreen {
 public:
  // `descriptor`: the terminal, open for reading and writing. nullopt when it is none.
  static std::optional<FullScreen> open(int descriptor);
  FullScreen(FullScreen&& other) noexcept;
  ~FullScreen();
  FullScreen(const FullScreen&) = delete;
  FullScreen& operator=(const FullScreen&) = delete;

  void enter();
  void leave();
  ScreenSize size() const;  // 80x24 when the terminal does not say
  void show(const std::vector<std::string>& lines) const;

 private:
  FullScreen(int descriptor, const termios& before) : descriptor_(descriptor), before_(before) {}
  void write(std::string_view text) const;

  int descriptor_;
  termios before_;
  bool entered_ = false;
};

// A key and, with TopKey::Letter, which.
struct TypedKey {
  TopKey key;
  char letter = 0;
};
// The keys that a terminal sent, in the sequences of xterm, which others share; what is none of them is left out.
std::vector<TypedKey> read_keys(std::string_view octets);

}  // namespace mipflow::tools
