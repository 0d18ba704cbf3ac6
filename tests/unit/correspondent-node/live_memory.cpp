// SPDX-License-Identifier: GPL-3.0-or-later
#include "live_memory.hpp"

#include <cstdlib>
#include <new>

namespace {

std::size_t live = 0;

void* counted_or_null(std::size_t size) noexcept {
  void* memory = std::malloc(size == 0 ? 1 : size);
  if (memory != nullptr) ++live;
  return memory;
}

void* counted(std::size_t size) {
  void* memory = counted_or_null(size);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

void returned(void* memory) noexcept {
  if (memory == nullptr) return;
  --live;
  std::free(memory);
}

}  // namespace

void* operator new(std::size_t size) { return counted(size); }
void* operator new[](std::size_t size) { return counted(size); }
// Whoever asks this way gives it back by the same operators as everybody else.
void* operator new(std::size_t size, const std::nothrow_t&) noexcept { return counted_or_null(size); }
void* operator new[](std::size_t size, const std::nothrow_t&) noexcept { return counted_or_null(size); }
void operator delete(void* memory) noexcept { returned(memory); }
void operator delete[](void* memory) noexcept { returned(memory); }
void operator delete(void* memory, std::size_t) noexcept { returned(memory); }
void operator delete[](void* memory, std::size_t) noexcept { returned(memory); }

namespace mipflow::correspondent_node::test {

std::size_t live_allocations() { return live; }

}  // namespace mipflow::correspondent_node::test
