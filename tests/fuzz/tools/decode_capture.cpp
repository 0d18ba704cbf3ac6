// SPDX-License-Identifier: GPL-3.0-or-later
// Input: one octet (1: text with hex digits, else a capture file; 2: as JSON), then the file. `mipflow decode` from its arguments on.
#include <sstream>

#include "fuzz/target.hpp"
#include "fuzz/text_file.hpp"
#include "mipflow/tools/decode.hpp"

namespace mipflow::fuzz {

void fuzz_decode_capture(BytesView input);
void fuzz_decode_capture(BytesView input) {
  if (input.empty()) return;
  const bool is_text = (input.front() & 1) != 0;
  const BytesView content = input.subspan(1);
  std::vector<std::string> arguments{"--all"};
  if ((input.front() & 2) != 0) arguments.emplace_back("--json");
  std::istringstream in(is_text ? text_of(content) : std::string());
  const TextFile file(content);
  arguments.push_back(is_text ? "-" : file.path().string());
  std::ostringstream out, err;
  const int code = tools::run_decode(arguments, in, out, err);
  must(code >= 0 && code <= 2, "an exit code that the manual does not know");
  must((code == 2) == !err.str().empty(), "input that can not be read, without a word about it");
}

}  // namespace mipflow::fuzz
