// SPDX-License-Identifier: GPL-3.0-or-later
#include "words_and_options.hpp"

namespace mipflow::tools {

namespace po = boost::program_options;

Expected<po::variables_map, std::string> read_words_and_options(const po::options_description& options,
                                                                const std::vector<std::string>& arguments) {
  po::options_description all;
  all.add(options).add_options()("word", po::value<std::vector<std::string>>());
  po::positional_options_description positions;
  positions.add("word", -1);
  po::variables_map values;
  try {
    const auto style = po::command_line_style::default_style & ~po::command_line_style::allow_guessing;
    po::store(po::command_line_parser(arguments).options(all).positional(positions).style(style).run(), values);
    po::notify(values);
  } catch (const po::error& error) {
    return Unexpected{std::string(error.what())};
  }
  return values;
}

}  // namespace mipflow::tools
