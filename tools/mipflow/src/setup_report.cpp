// SPDX-License-Identifier: GPL-3.0-or-later
#include "setup_report.hpp"

#include <fmt/format.h>

#include <ostream>

#include "rendering.hpp"

namespace mipflow::tools {
namespace {

// As TOML has it; a JSON text is one as well.
std::string in_quotes(const std::string& text) {
  return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

nlohmann::json as_json(const FileChange& change, bool written) {
  return {{"file", change.file.string()},
          {"state", change.nothing() ? "unchanged" : written ? "written" : "not written"},
          {"backup", change.nothing() || change.backup.empty() ? nlohmann::json() : nlohmann::json(change.backup.string())},
          {"added", change.added},
          {"removed", change.removed}};
}

}  // namespace

std::string mobile_node_block(const std::string& identifier, const std::string& home_address, std::uint64_t spi) {
  return fmt::format("[[mobile-node]]\nidentifier = {}\nhome-address = {}\nspi = {}\n", in_quotes(identifier), in_quotes(home_address), spi);
}

std::string association_block(const std::string& identifier, std::uint64_t spi, const std::string& key) {
  return fmt::format("[[association]]\nidentifier = {}\nspi = {}\nkey = {}\n", in_quotes(identifier), spi, in_quotes(key));
}

void print_changes(std::ostream& out, const std::vector<FileChange>& changes) {
  for (const auto& change : changes) {
    if (change.nothing()) {
      out << fmt::format("\n{} stays as it is.\n", change.file.string());
      continue;
    }
    out << fmt::format("\n{}{}:\n", change.file.string(),
                       change.is_new ? " (new)" : change.backup.empty() ? "" : ", the former one becomes " + change.backup.filename().string());
    if (change.closes) out << "  others than root and the daemons can no longer read it\n";
    for (const auto& line : change.removed) out << "  - " << printable(line) << '\n';
    for (const auto& line : change.added) out << "  + " << printable(line) << '\n';
  }
}

void print_report(std::ostream& out, const SetupReport& report) {
  if (report.written) {
    out << '\n';
    for (const auto& change : report.changes)
      if (!change.nothing()) out << "wrote " << change.file.string() << '\n';
  }
  for (const auto& paste : report.for_other_end) out << '\n' << paste.where << ":\n\n" << paste.text;
  if (report.secret_is_new && !report.for_other_end.empty())
    out << "\nThe key is the secret: whoever has it can take the home addresses over. Hand it on where nobody reads along.\n";
  if (!report.notes.empty()) out << '\n';
  for (const auto& note : report.notes) out << note << '\n';
}

void print_report_as_json(std::ostream& out, const SetupReport& report) {
  auto files = nlohmann::json::array();
  for (const auto& change : report.changes) files.push_back(as_json(change, report.written));
  auto pastes = nlohmann::json::array();
  for (const auto& paste : report.for_other_end) pastes.push_back({{"where", paste.where}, {"text", paste.text}});
  print_json(out, {{"files", files}, {"secret_is_new", report.secret_is_new}, {"for_other_end", pastes}, {"notes", report.notes}});
}

}  // namespace mipflow::tools
