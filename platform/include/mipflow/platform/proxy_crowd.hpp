// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstddef>
#include <optional>

#include "mipflow/base/notice.hpp"

namespace mipflow::platform {

// Whether the kernel answers for so many home addresses on home links that the operator should know (docs/scale.md: it looks at all of
// them for every packet that it forwards).
class ProxyCrowd {
 public:
  static constexpr std::size_t kMany = 1'000;

  // `proxies`: how many there are now. The warning that is due: when they become more than kMany, and not again before they have been
  // fewer than half of that.
  std::optional<Notice> look(std::size_t proxies);

 private:
  bool told_ = false;
};

}  // namespace mipflow::platform
