// SPDX-License-Identifier: GPL-3.0-or-later
#include "setup_draft.hpp"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <set>
#include <sstream>

#include "default_files.hpp"
#include "mipflow/platform/kept_file.hpp"
#include "mipflow/platform/service_user.hpp"
#include "mipflow/platform/kernel_random.hpp"

namespace mipflow::tools {
namespace {

using platform::ConfigurationErrors;
using platform::ConfigurationText;

constexpr std::size_t kLargestFile = std::size_t{64} << 20;  // octets, what the daemons read
constexpr const char* kAssociation = "association";
// What the loaders take when the configuration does not say where the keys are.
constexpr const char* kUsualAssociations = "/etc/mipflow/security-associations.toml";

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> out;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) out.push_back(line);
  return out;
}

// The lines of one text that the other one has not, in their order.
std::vector<std::string> lines_without(const std::string& text, const std::string& others) {
  auto known = lines_of(others);
  std::multiset<std::string> left(known.begin(), known.end());
  std::vector<std::string> out;
  for (auto& line : lines_of(text)) {
    if (const auto found = left.find(line); found != left.end()) left.erase(found);
    else if (line.find_first_not_of(" \t") == std::string::npos) continue;
    else if (line.starts_with("key =")) out.push_back("key = (the secret)");
    else out.push_back(std::move(line));
  }
  return out;
}

std::filesystem::path associations_of(const ConfigurationText& configuration, const std::filesystem::path& file) {
  const std::filesystem::path named = configuration.text_at({.key = "security-associations"}).value_or(kUsualAssociations);
  return named.is_absolute() ? named : file.parent_path() / named;
}

}  // namespace

std::string generate_key() {
  platform::KernelRandom random;
  std::string out;
  for (int part = 0; part < 4; ++part) out += fmt::format("{:016x}", random.next_u64());
  return out;
}

FileChange SetupDraft::File::change(bool secret) const {
  FileChange out{.file = file, .is_new = !exists, .closes = secret && is_open};
  const auto& now = text.whole();
  out.added = lines_without(now, original);
  out.removed = lines_without(original, now);
  // What stands in the example is to be had again.
  if (original == example) out.removed.clear();
  else if (original != now) out.backup = file.string() + ".old";
  return out;
}

Expected<SetupDraft::File, std::string> SetupDraft::open_file(const std::filesystem::path& file, const char* example) {
  auto there = platform::read_kept_file(file, kLargestFile);
  if (!there && there.error().error == EACCES)
    return Unexpected{fmt::format("permission denied: only root can read {}; run it as root: sudo mipflow setup", file.string())};
  if (!there && there.error().error != ENOENT) return Unexpected{there.error().message};
  std::string original = there ? *there : std::string(example);
  auto text = ConfigurationText::parse(original, file.string());
  if (!text)
    return Unexpected{fmt::format("{} is no TOML, so it can not be changed; mend it, or move it away:\n{}", file.string(), to_string(text.error()))};
  struct stat status {};
  const bool is_open = stat(file.c_str(), &status) == 0 && (status.st_mode & 077) != 0;
  return File{.file = file, .example = example, .original = std::move(original), .text = std::move(*text), .exists = static_cast<bool>(there), .is_open = is_open};
}

Expected<SetupDraft, std::string> SetupDraft::open(Daemon daemon, const std::filesystem::path& directory) {
  const bool is_mobile_node = daemon == Daemon::MobileNode;
  auto configuration = open_file(directory / (is_mobile_node ? "mnd.toml" : "had.toml"), is_mobile_node ? kMobileNodeExample : kHomeAgentExample);
  if (!configuration) return Unexpected{configuration.error()};
  // A file that does not say where its secrets are means those of the usual directory.
  const SetupDraft::Place secrets{.key = "security-associations"};
  if (!configuration->text.text_at(secrets) && directory != std::filesystem::path(kUsualAssociations).parent_path())
    configuration->text.set(secrets, std::filesystem::path(kUsualAssociations).filename().string());
  auto associations = open_file(associations_of(configuration->text, configuration->file), kAssociationsExample);
  if (!associations) return Unexpected{associations.error()};
  return SetupDraft(daemon, std::move(*configuration), std::move(*associations));
}

std::optional<std::string> SetupDraft::former(const Place& place) const {
  if (is_untouched()) return std::nullopt;
  const auto original = ConfigurationText::parse(configuration_.original, "");
  return original ? original->text_at(place) : std::nullopt;
}

bool SetupDraft::choose_association(const std::string& identifier, std::optional<std::uint64_t> spi) {
  // An answer that is given a second time leaves nothing of the first one.
  auto text = *ConfigurationText::parse(associations_.original, associations_.file.string());
  std::optional<std::size_t> found;
  for (const auto index : text.find_tables(kAssociation, "identifier", identifier))
    if (!found && (!spi || text.number_at({kAssociation, index, "spi"}) == spi)) found = index;
  const auto index = found ? *found : text.append_table(kAssociation);
  if (!found && !(text.set({kAssociation, index, "identifier"}, identifier) && text.set({kAssociation, index, "spi"}, spi.value_or(kUsualSpi)) &&
                  text.set({kAssociation, index, "key"}, generate_key())))
    return false;
  associations_.text = std::move(text);
  association_ = index;
  association_is_new_ = !found;
  return true;
}

std::uint64_t SetupDraft::spi() const { return associations_.text.number_at({kAssociation, association_, "spi"}).value_or(kUsualSpi); }

bool SetupDraft::spi_matters() const {
  const auto& text = associations_.text;
  const auto identifier = text.text_at({kAssociation, association_, "identifier"});
  return identifier && text.find_tables(kAssociation, "identifier", *identifier).size() > 1;
}

bool SetupDraft::set_spi_as_text(const std::string& text) { return associations_.text.set({kAssociation, association_, "spi"}, text); }
bool SetupDraft::set_key(const std::string& key) { return associations_.text.set({kAssociation, association_, "key"}, key); }
std::string SetupDraft::key() const { return associations_.text.text_at({kAssociation, association_, "key"}).value_or(""); }

platform::UnwrittenFiles SetupDraft::texts() const {
  return {{configuration_.file, configuration_.text.whole()}, {associations_.file, associations_.text.whole()}};
}

Expected<platform::MobileNodeSettings, ConfigurationErrors> SetupDraft::as_mobile_node() const {
  return platform::load_mobile_node_settings(configuration_.file, texts());
}

Expected<platform::HomeAgentSettings, ConfigurationErrors> SetupDraft::as_home_agent() const {
  return platform::load_home_agent_settings(configuration_.file, texts());
}

ConfigurationErrors SetupDraft::mistakes() const {
  if (daemon_ == Daemon::MobileNode) {
    const auto settings = as_mobile_node();
    return settings ? ConfigurationErrors{} : settings.error();
  }
  const auto settings = as_home_agent();
  return settings ? ConfigurationErrors{} : settings.error();
}

std::optional<std::string> SetupDraft::mistake_about(const std::vector<std::string>& subjects) const {
  for (const auto& mistake : mistakes())
    for (const auto& subject : subjects)
      if (mistake.reason.starts_with(subject + ": ")) return mistake.reason.substr(subject.size() + 2);
  return std::nullopt;
}

std::vector<FileChange> SetupDraft::changes() const { return {configuration_.change(false), associations_.change(true)}; }

std::optional<std::string> SetupDraft::write_file(const File& file, bool secret) {
  const auto change = file.change(secret);
  if (change.nothing()) return std::nullopt;
  std::error_code error;
  std::filesystem::create_directories(file.file.parent_path(), error);
  // Whoever made a link of the file gets what it leads to changed.
  const auto place = std::filesystem::weakly_canonical(file.file, error);
  struct stat status {};
  // The daemons may read it, and nobody else who is not root.
  const auto group = secret ? platform::group_named(platform::kServiceUser) : std::nullopt;
  const mode_t mode = secret ? (group ? 0640 : 0600) : stat(place.c_str(), &status) == 0 ? status.st_mode & 0777 : 0644;
  if (!change.backup.empty())
    if (const auto kept = platform::write_kept_file(change.backup, file.original, mode, group); !kept) return kept.error().message;
  if (const auto written = platform::write_kept_file(place, file.text.whole(), mode, group); !written) return written.error().message;
  return std::nullopt;
}

std::optional<std::string> SetupDraft::write() const {
  if (const auto failure = write_file(associations_, true)) return failure;
  return write_file(configuration_, false);
}

}  // namespace mipflow::tools
