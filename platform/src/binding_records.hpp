// SPDX-License-Identifier: GPL-3.0-or-later
// The lines of the file that BindingStore keeps.
#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <string>

#include "mipflow/base/crypto.hpp"
#include "mipflow/platform/binding_store.hpp"

namespace mipflow::platform {

// One object for each thing that is kept; which kind it is shows in the key that no other kind has.
void for_each_record(const StoredState& state, const std::function<void(const nlohmann::json&)>& take);

// Adds what the line says; false when it says nothing that is known.
bool take_record(const nlohmann::json& value, StoredState& state);

// How digests stand in the file.
std::string to_hexadecimal(const Sha256Digest& digest);

}  // namespace mipflow::platform
