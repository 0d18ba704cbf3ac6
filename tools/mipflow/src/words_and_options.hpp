// SPDX-License-Identifier: GPL-3.0-or-later
// Reading of command lines where words and options may stand in any order.
#pragma once

#include <boost/program_options.hpp>
#include <string>
#include <vector>

#include "mipflow/base/expected.hpp"

namespace mipflow::tools {

// The words stand under "word", as a vector of texts; there is none when no word was given. The error is a sentence for the user.
// Abbreviated options would change their meaning when new ones are added: no guessing.
Expected<boost::program_options::variables_map, std::string> read_words_and_options(
    const boost::program_options::options_description& options, const std::vector<std::string>& arguments);

}  // namespace mipflow::tools
