// SPDX-License-Identifier: GPL-3.0-or-later
// Which questions `mipflow setup` asks, and where the answers go.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "setup_options.hpp"
#include "setup_questions.hpp"

namespace mipflow::tools {

class SetupInterview {
 public:
  // All of them must outlive the object. `secret`: what --secret-file holds.
  SetupInterview(const SetupOptions& options, std::optional<std::string> secret, SetupDraft& draft, Questioner& questioner)
      : options_(options), secret_(std::move(secret)), draft_(draft), questioner_(questioner) {}

  // False when setup is over, see Questioner::answer().
  bool run();

  // Where the mobile node's name and home address stand: in this host's own file or in one of its [[mobile-node]]s.
  SetupDraft::Place place_of(const char* key) const;

 private:
  using Place = SetupDraft::Place;
  using Put = std::function<bool(SetupDraft&, const std::string&)>;

  bool ask_this_mobile_node();
  bool ask_home_agent();
  bool ask_mobile_node_of_ours();
  bool ask_number_and_secret();

  bool needs_secret() const;
  Put put_at(Place place) const;
  std::optional<std::string> suggested_prefix(const Place& place) const;
  static bool put_home_address(SetupDraft& draft, const std::string& answer);

  const SetupOptions& options_;
  std::optional<std::string> secret_;
  SetupDraft& draft_;
  Questioner& questioner_;
  std::size_t mobile_node_ = 0;  // of the [[mobile-node]] that is added or changed
};

}  // namespace mipflow::tools
