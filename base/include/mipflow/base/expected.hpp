// SPDX-License-Identifier: GPL-3.0-or-later
// A value or the reason why there is none. The pure folders report bad input this way and never by an exception.
#pragma once

#include <cassert>
#include <utility>
#include <variant>

namespace mipflow {

// Wraps an error so that Expected<T, E> can be built from it, also when T and E are the same type.
template <class E>
struct Unexpected {
  E error;
};
template <class E>
Unexpected(E) -> Unexpected<E>;

// The member names follow std::expected of C++23, so that the type can be swapped for it one day.
template <class T, class E>
class [[nodiscard]] Expected {
 public:
  Expected(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Expected(Unexpected<E> error) : state_(std::in_place_index<1>, std::move(error.error)) {}

  bool has_value() const { return state_.index() == 0; }
  explicit operator bool() const { return has_value(); }

  T& value() { assert(has_value()); return *std::get_if<0>(&state_); }
  const T& value() const { assert(has_value()); return *std::get_if<0>(&state_); }
  T& operator*() { return value(); }
  const T& operator*() const { return value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

  const E& error() const { assert(!has_value()); return *std::get_if<1>(&state_); }

  T value_or(T other) const { return has_value() ? value() : std::move(other); }

 private:
  std::variant<T, E> state_;
};

template <class E>
class [[nodiscard]] Expected<void, E> {
 public:
  Expected() = default;
  Expected(Unexpected<E> error) : state_(std::in_place_index<1>, std::move(error.error)) {}

  bool has_value() const { return state_.index() == 0; }
  explicit operator bool() const { return has_value(); }
  const E& error() const { assert(!has_value()); return *std::get_if<1>(&state_); }

 private:
  std::variant<std::monostate, E> state_;
};

}  // namespace mipflow
