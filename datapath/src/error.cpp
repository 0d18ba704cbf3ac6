// SPDX-License-Identifier: GPL-3.0-or-later
#include "error.hpp"

#include <cerrno>
#include <system_error>

namespace mipflow::datapath {

namespace {

std::string_view usual_reason(int code) {
  switch (code) {
    case EPERM:
    case EACCES: return "the capabilities CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON are needed: run as root";
    case ENOSYS: return "this kernel has no eBPF (CONFIG_BPF_SYSCALL): use a kernel that has it";
    case E2BIG: return "the table is full: raise its capacity in the configuration";
    case ENOMEM: return "the kernel has no memory left for it: lower the capacities in the configuration";
    default: return {};
  }
}

}  // namespace

Unexpected<Error> failure(int code, std::string_view what, std::string_view hint) {
  std::string text(what);
  text += ": ";
  text += std::generic_category().message(code);
  if (hint.empty()) hint = usual_reason(code);
  if (!hint.empty()) {
    text += " (";
    text += hint;
    text += ')';
  }
  return Unexpected{Error{std::move(text), code}};
}

}  // namespace mipflow::datapath
