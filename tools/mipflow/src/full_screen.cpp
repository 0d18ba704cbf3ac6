// SPDX-License-Identifier: GPL-3.0-or-later
#include "full_screen.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>

namespace mipflow::tools {

std::optional<FullScreen> FullScreen::open(int descriptor) {
  termios before{};
  if (tcgetattr(descriptor, &before) != 0) return std::nullopt;
  FullScreen out(descriptor, before);
  out.enter();
  return out;
}

FullScreen::FullScreen(FullScreen&& other) noexcept
    : descriptor_(other.descriptor_), before_(other.before_), entered_(std::exchange(other.entered_, false)) {}

FullScreen::~FullScreen() { leave(); }

void FullScreen::enter() {
  if (entered_) return;
  termios raw = before_;
  raw.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
  raw.c_cc[VMIN] = 0;
  raw.c_cc[VTIME] = 0;
  tcsetattr(descriptor_, TCSADRAIN, &raw);
  // The other screen, no cursor, no wrapping of long lines.
  write("\033[?1049h\033[?25l\033[?7l\033[2J");
  entered_ = true;
}

void FullScreen::leave() {
  if (!entered_) return;
  write("\033[?7h\033[?25h\033[?1049l");
  tcsetattr(descriptor_, TCSADRAIN, &before_);
  entered_ = false;
}

ScreenSize FullScreen::size() const {
  winsize size{};
  if (ioctl(descriptor_, TIOCGWINSZ, &size) != 0 || size.ws_col == 0 || size.ws_row == 0) return {};
  return {size.ws_col, size.ws_row};
}

void FullScreen::show(const std::vector<std::string>& lines) const {
  // In one go and line by line over the old ones: a screen that is cleared first flickers.
  std::string out = "\033[H";
  for (std::size_t index = 0; index < lines.size(); ++index) out += (index == 0 ? "" : "\r\n") + lines[index] + "\033[K";
  write(out + "\033[J");
}

void FullScreen::write(std::string_view text) const {
  while (!text.empty()) {
    const auto written = ::write(descriptor_, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
}

std::vector<TypedKey> read_keys(std::string_view octets) {
  static constexpr std::array<std::pair<std::string_view, TopKey>, 12> kSequences{{{"\033[A", TopKey::Up},
                                                                                   {"\033[B", TopKey::Down},
                                                                                   {"\033OA", TopKey::Up},
                                                                                   {"\033OB", TopKey::Down},
                                                                                   {"\033[5~", TopKey::PageUp},
                                                                                   {"\033[6~", TopKey::PageDown},
                                                                                   {"\033[H", TopKey::Home},
                                                                                   {"\033[F", TopKey::End},
                                                                                   {"\033OH", TopKey::Home},
                                                                                   {"\033OF", TopKey::End},
                                                                                   {"\033[1~", TopKey::Home},
                                                                                   {"\033[4~", TopKey::End}}};
  std::vector<TypedKey> out;
  while (!octets.empty()) {
    bool known = false;
    for (const auto& [sequence, key] : kSequences)
      if (octets.starts_with(sequence)) {
        out.push_back({key});
        octets.remove_prefix(sequence.size());
        known = true;
        break;
      }
    if (known) continue;
    if (octets.starts_with("\033[") || octets.starts_with("\033O")) {
      // A sequence that means nothing here, up to its last octet.
      const auto end = octets.find_first_not_of("0123456789;", 2);
      octets.remove_prefix(end == std::string_view::npos ? octets.size() : end + 1);
      continue;
    }
    if (octets.front() == '\033') out.push_back({TopKey::Escape});
    else if (octets.front() > 0x20 && octets.front() < 0x7f) out.push_back({TopKey::Letter, octets.front()});
    octets.remove_prefix(1);
  }
  return out;
}

}  // namespace mipflow::tools
