// SPDX-License-Identifier: GPL-3.0-or-later
#include "mipflow/platform/proxy_crowd.hpp"

#include <string>
#include <utility>

namespace mipflow::platform {

std::optional<Notice> ProxyCrowd::look(std::size_t proxies) {
  if (proxies < kMany / 2) told_ = false;
  if (proxies <= kMany || std::exchange(told_, true)) return std::nullopt;
  return Notice{Severity::Warning, "many-proxies",
                "The kernel answers for " + std::to_string(proxies) + " home addresses on the home link. With each thousand it takes 0.8 "
                "microseconds longer for every packet that it forwards; a routed home network (home-link = \"virtual\") costs nothing of "
                "that, and several home agents can share the load"};
}

}  // namespace mipflow::platform
