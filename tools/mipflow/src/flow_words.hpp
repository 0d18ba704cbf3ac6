// SPDX-License-Identifier: GPL-3.0-or-later
// A flow as people speak of it. All take a flow of the control protocol and cope with any shape of it.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace mipflow::tools {

// "[2001:db8::1]:443", the address alone for a protocol without ports.
std::string endpoint(const nlohmann::json& flow, const char* address_key, const char* port_key);
// File name of the program that has the socket; empty when it is not known.
std::string program_of(const nlohmann::json& flow);
// "firefox (process 4711) of alice, in app-firefox.scope"; empty when nothing is known.
std::string owner_in_words(const nlohmann::json& flow);
// "udp to [2001:db8::1]:443".
std::string flow_in_words(const nlohmann::json& flow);
// What a move cost: "gap out 12 ms, 3 sent again out"; "not measured" when nothing is known.
std::string cost_of(const nlohmann::json& move);
// The answer to `explain` in sentences, one per line.
std::string explanation_text(const nlohmann::json& flow);
// Name of a user of this host, else the number as text.
std::string user_name(std::uint32_t user);

}  // namespace mipflow::tools
