// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <sstream>
#include <string>
#include <vector>

#include "mipflow/tools/decode.hpp"

namespace mipflow::test {

struct DecodeResult {
  int code;
  std::string out;
  std::string err;
};

// `mipflow decode` with these arguments, and `input` as its standard input.
inline DecodeResult decode(const std::vector<std::string>& arguments, const std::string& input = "") {
  std::istringstream in(input);
  std::ostringstream out;
  std::ostringstream err;
  const int code = tools::run_decode(arguments, in, out, err);
  return {code, out.str(), err.str()};
}

}  // namespace mipflow::test
