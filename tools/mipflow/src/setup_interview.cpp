// SPDX-License-Identifier: GPL-3.0-or-later
#include "setup_interview.hpp"

#include <charconv>

#include "mipflow/base/address.hpp"

namespace mipflow::tools {
namespace {

using Subject = SetupOptions::Subject;

constexpr unsigned kUsualPrefixLength = 64;  // RFC 4291 §2.5.1
constexpr const char* kMobileNode = "mobile-node";
constexpr const char* kInsecure = "none-insecure";

std::optional<std::uint64_t> whole_number(const std::string& text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc{} && end == text.data() + text.size() ? std::optional(value) : std::nullopt;
}

}  // namespace

bool SetupInterview::run() {
  switch (options_.subject) {
    case Subject::MobileNode: return ask_this_mobile_node();
    case Subject::HomeAgent: return ask_home_agent();
    case Subject::AddMobileNode: return ask_mobile_node_of_ours();
  }
  return false;
}

SetupDraft::Place SetupInterview::place_of(const char* key) const {
  return options_.subject == Subject::AddMobileNode ? Place{kMobileNode, mobile_node_, key} : Place{.key = key};
}

SetupInterview::Put SetupInterview::put_at(Place place) const {
  return [place](SetupDraft& draft, const std::string& answer) { return draft.configuration().set(place, answer); };
}

bool SetupInterview::needs_secret() const {
  return draft_.configuration().text_at({.key = "authentication"}) != kInsecure || options_.identifier || options_.secret_file || options_.generate_secret;
}

// The home prefix is taken to be the /64 of the home address, unless the one that is there fits.
bool SetupInterview::put_home_address(SetupDraft& draft, const std::string& answer) {
  auto& file = draft.configuration();
  const auto address = Address::parse(answer);
  const auto prefix = Prefix::parse(file.text_at({.key = "home-prefix"}).value_or(""));
  if (address && !(prefix && prefix->contains(*address)) && !file.set({.key = "home-prefix"}, to_string(Prefix(*address, kUsualPrefixLength))))
    return false;
  return file.set({.key = "home-address"}, answer);
}

bool SetupInterview::ask_this_mobile_node() {
  const Place home_agent{.key = "home-agent"}, home_address{.key = "home-address"}, home_prefix{.key = "home-prefix"}, identifier{.key = "identifier"};
  if (!questioner_.answer({"--home-agent", "Address of the home agent, or auto to find it", options_.home_agent, draft_.former(home_agent), put_at(home_agent),
                           {"home-agent"}}) ||
      !questioner_.answer({"--home-address", "Home address of this host", options_.home_address, draft_.former(home_address), put_home_address,
                           {"home-address"}}))
    return false;
  // Only an answered home address tells what its prefix may be.
  if (questioner_.missing().empty() &&
      !questioner_.answer({"--home-prefix", "Prefix of the home network", options_.home_prefix, draft_.configuration().text_at(home_prefix),
                           put_at(home_prefix), {"home-prefix", "home-address"}}))
    return false;
  if (!needs_secret()) return true;
  if (draft_.configuration().text_at({.key = "authentication"}) == kInsecure) draft_.configuration().set({.key = "authentication"}, std::string("rfc4285"));
  const auto put_identifier = [identifier](SetupDraft& draft, const std::string& answer) {
    return draft.choose_association(answer) && draft.configuration().set(identifier, answer);
  };
  return questioner_.answer({"--identifier", "Name of this host at the home agent, like alice@example.org", options_.identifier,
                             draft_.former(identifier), put_identifier, {"identifier", "[[association]] identifier"}}) &&
         ask_number_and_secret();
}

bool SetupInterview::ask_home_agent() {
  auto& file = draft_.configuration();
  // The example's mobile node is nobody's.
  if (draft_.is_untouched()) file.comment_out(kMobileNode, 0);
  if (file.tables_in("prefix") == 0) file.append_table("prefix");
  const Place address{.key = "home-agent-address"}, link{.key = "home-link"}, prefix{"prefix", 0, "prefix"};
  return questioner_.answer({"--home-agent", "Global address of this home agent", options_.home_agent, draft_.former(address), put_at(address),
                             {"home-agent-address"}}) &&
         questioner_.answer({"--home-link", "Interface of the home network, or virtual when it is only a route to this host", options_.home_link,
                             draft_.former(link), put_at(link), {"home-link"}}) &&
         questioner_.answer({"--home-prefix", "Prefix of the home network", options_.home_prefix, suggested_prefix(prefix), put_at(prefix),
                             {"[[prefix]] prefix"}});
}

std::optional<std::string> SetupInterview::suggested_prefix(const Place& place) const {
  if (auto former = draft_.former(place)) return former;
  const auto address = Address::parse(draft_.configuration().text_at({.key = "home-agent-address"}).value_or(""));
  return address ? std::optional(to_string(Prefix(*address, kUsualPrefixLength))) : std::nullopt;
}

bool SetupInterview::ask_mobile_node_of_ours() {
  const bool secret = needs_secret();
  const auto put_identifier = [this, secret](SetupDraft& draft, const std::string& answer) {
    auto& file = draft.configuration();
    const auto known = file.find_tables(kMobileNode, "identifier", answer);
    mobile_node_ = known.empty() ? file.append_table(kMobileNode) : known.front();
    return (!secret || draft.choose_association(answer)) && file.set(place_of("identifier"), answer);
  };
  if (!questioner_.answer({"--identifier", "Name of the mobile node, like alice@example.org", options_.identifier, {}, put_identifier,
                           {"[[mobile-node]] identifier", "[[association]] identifier"}}))
    return false;
  // The name decides where the rest goes.
  if (!questioner_.missing().empty()) return true;
  const auto put_address = [this](SetupDraft& draft, const std::string& answer) { return draft.configuration().set(place_of("home-address"), answer); };
  return questioner_.answer({"--home-address", "Its home address", options_.home_address, draft_.former(place_of("home-address")), put_address,
                             {"[[mobile-node]] home-address", kMobileNode}}) &&
         (!secret || ask_number_and_secret());
}

bool SetupInterview::ask_number_and_secret() {
  if (!questioner_.missing().empty() && !draft_.configuration().text_at(place_of("identifier"))) return true;
  const auto put_number = [this](SetupDraft& draft, const std::string& answer) {
    auto& file = draft.configuration();
    const auto number = whole_number(answer);
    // What is no number is for the loader to refuse.
    if (!number) return draft.set_spi_as_text(answer);
    if (!draft.choose_association(file.text_at(place_of("identifier")).value_or(""), number)) return false;
    const bool matters = draft.spi_matters() || file.number_at(place_of("spi"));
    return !matters || file.set(place_of("spi"), *number);
  };
  const char* subject = options_.subject == Subject::AddMobileNode ? "[[mobile-node]] spi" : "spi";
  return questioner_.answer({"--spi", "Number of the secret (SPI), the same at both ends", options_.spi, std::to_string(draft_.spi()), put_number,
                             {"[[association]] spi", subject}}) &&
         questioner_.answer_secret(secret_, options_.generate_secret);
}

}  // namespace mipflow::tools
