// SPDX-License-Identifier: GPL-3.0-or-later
// What `mipflow setup` says about what it is going to do, has done, and leaves to be done.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <string>
#include <vector>

#include "setup_draft.hpp"

namespace mipflow::tools {

struct SetupReport {
  std::vector<FileChange> changes;
  bool written = false;
  bool secret_is_new = false;
  // Text for a file of the other end, ready to be pasted.
  struct Paste {
    std::string where;  // "had.toml of the home agent"
    std::string text;
  };
  std::vector<Paste> for_other_end;
  std::vector<std::string> notes;  // sentences: what remains to be done, and by which command
};

void print_changes(std::ostream& out, const std::vector<FileChange>& changes);
// What is left to say when the files are written (or, with --dry-run, would be).
void print_report(std::ostream& out, const SetupReport& report);
void print_report_as_json(std::ostream& out, const SetupReport& report);

// A [[mobile-node]] of had.toml, and an [[association]] of security-associations.toml.
std::string mobile_node_block(const std::string& identifier, const std::string& home_address, std::uint64_t spi);
std::string association_block(const std::string& identifier, std::uint64_t spi, const std::string& key);

}  // namespace mipflow::tools
