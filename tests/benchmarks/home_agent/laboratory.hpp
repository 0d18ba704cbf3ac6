// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstddef>
#include <string>

namespace mipflow::benchmarks {

// Network and mount namespaces of this process's own, with a bpf file system; nothing is left when it ends.
void enter_laboratory();
void shell(const std::string& command);  // ends the process when it fails
[[noreturn]] void fail(const std::string& what);

// Of this process, what the kernel does for it included: other programs on a busy machine take none of it.
double processor_seconds();
std::size_t resident_octets();
// What the kernel holds that is not files: slabs, per-processor memory, and what it mapped for itself. Of the whole machine.
std::size_t kernel_octets();

}  // namespace mipflow::benchmarks
