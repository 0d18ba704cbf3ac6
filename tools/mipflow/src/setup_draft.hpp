// SPDX-License-Identifier: GPL-3.0-or-later
// The files that `mipflow setup` changes, as they are going to be. Nothing is written before write().
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "mipflow/base/expected.hpp"
#include "mipflow/platform/configuration.hpp"
#include "mipflow/platform/configuration_text.hpp"

namespace mipflow::tools {

// What happens to one of the files.
struct FileChange {
  std::filesystem::path file;
  std::filesystem::path backup{};    // of the former text; empty: there is none that is worth it
  bool is_new = false;
  bool closes = false;               // others could read the secrets in it, and no longer can
  std::vector<std::string> removed{};  // lines of the former text, secrets taken out
  std::vector<std::string> added{};    // lines of the new one likewise
  bool nothing() const { return !is_new && !closes && removed.empty() && added.empty(); }
};

class SetupDraft {
 public:
  using Place = platform::ConfigurationText::Place;
  enum class Daemon : unsigned char { MobileNode, HomeAgent };

  // Begins with the files in the directory, or where there are none with those that mipflow comes with. The error is a
  // sentence for the user.
  static Expected<SetupDraft, std::string> open(Daemon daemon, const std::filesystem::path& directory);

  // The configuration: nobody has written it yet, and its values are examples.
  bool is_untouched() const { return configuration_.original == configuration_.example; }
  bool exists() const { return configuration_.exists; }
  const std::filesystem::path& file() const { return configuration_.file; }
  const platform::ConfigurationText& configuration() const { return configuration_.text; }
  platform::ConfigurationText& configuration() { return configuration_.text; }
  // The value in use so far; of an untouched file nothing is.
  std::optional<std::string> former(const Place& place) const;

  // Which association setup is about: the one of this name and number, or a new one with a key that nobody knows yet.
  // Without a number: the only one of that name, or kUsualSpi. False when a text is none that a file can hold.
  bool choose_association(const std::string& identifier, std::optional<std::uint64_t> spi = {});
  bool association_is_new() const { return association_is_new_; }
  std::uint64_t spi() const;
  // The name has several associations, so that the configuration has to say which.
  bool spi_matters() const;
  bool set_spi_as_text(const std::string& text);  // whatever it is: for what the daemon says to it
  bool set_key(const std::string& key);
  std::string key() const;

  // What the daemon would say of the files as they are now.
  platform::ConfigurationErrors mistakes() const;
  // Of these the first one about something that begins so, "home-agent" for instance; without that beginning.
  std::optional<std::string> mistake_about(const std::vector<std::string>& subjects) const;
  Expected<platform::MobileNodeSettings, platform::ConfigurationErrors> as_mobile_node() const;
  Expected<platform::HomeAgentSettings, platform::ConfigurationErrors> as_home_agent() const;

  std::vector<FileChange> changes() const;
  // The secrets first, so that nobody finds a configuration without its secret. The error is a sentence.
  std::optional<std::string> write() const;

  static constexpr std::uint64_t kUsualSpi = 256;

 private:
  struct File {
    std::filesystem::path file;
    std::string example;   // the one that mipflow comes with
    std::string original;  // before setup: what is there, or the example
    platform::ConfigurationText text;
    bool exists = false;
    bool is_open = false;  // others than its owner may use it
    FileChange change(bool secret) const;
  };
  static Expected<File, std::string> open_file(const std::filesystem::path& file, const char* example);
  static std::optional<std::string> write_file(const File& file, bool secret);

  SetupDraft(Daemon daemon, File configuration, File associations)
      : daemon_(daemon), configuration_(std::move(configuration)), associations_(std::move(associations)) {}
  platform::UnwrittenFiles texts() const;

  Daemon daemon_;
  File configuration_;
  File associations_;
  std::size_t association_ = 0;
  bool association_is_new_ = true;
};

// 32 octets of the kernel's generator, as hexadecimal digits (RFC 4285 §1 asks for 16).
std::string generate_key();

}  // namespace mipflow::tools
