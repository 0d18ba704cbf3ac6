// SPDX-License-Identifier: GPL-3.0-or-later
// `mipflow decode`: says what the Mobile IPv6 packets of a capture, or of hex digits, mean.
#pragma once

#include <iosfwd>
#include <string>
#include <vector>

namespace mipflow::tools {

// `arguments`: what stands behind `mipflow decode` on the command line; print_usage in run_decode.cpp is the manual.
// Returns the exit code:
//   0  everything was decoded
//   1  at least one Mobile IPv6 packet is invalid
//   2  wrong usage, or input that can not be read: a message on `err` names the file and the octet
// Reads standard input when an argument is "-".
int run_decode(const std::vector<std::string>& arguments, std::ostream& out, std::ostream& err);
// The same with something else in the place of standard input.
int run_decode(const std::vector<std::string>& arguments, std::istream& in, std::ostream& out, std::ostream& err);

}  // namespace mipflow::tools
