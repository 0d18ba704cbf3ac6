// SPDX-License-Identifier: GPL-3.0-or-later
#include "conformance/harness/case.hpp"

namespace mipflow::conformance {

void Record::saw(const std::string& what) {
  if (!sights_.empty() && sights_.back().what == what)
    ++sights_.back().times;
  else
    sights_.push_back({what});
}

std::string Record::text() const {
  std::string out;
  for (const auto& [what, times] : sights_) {
    if (!out.empty()) out += ", ";
    out += what;
    if (times > 1) out += " ×" + std::to_string(times);
  }
  return out;
}

}  // namespace mipflow::conformance
