// SPDX-License-Identifier: GPL-3.0-or-later
#include "sharing/reception.hpp"

#include <utility>

namespace mipflow::home_agent {

std::optional<Association::Opened> receive(Association& association, const std::string& agent, BytesView message, TimePoint now,
                                           LoadSharingCounters& counters, Outputs& outputs) {
  auto opened = association.open(message, now);
  // Also to what is believed: who learned our session that way has to be told that it did.
  if (opened.answer) outputs.packets.push_back(std::move(*opened.answer));
  const auto tell = [&](const char* event, const char* what) {
    outputs.notices.push_back(
        {Severity::Warning, event, "a message of " + agent + " (" + to_string(association.peer()) + ") changes nothing: " + what});
  };
  switch (opened.verdict) {
    case Association::Verdict::Believed:
      return opened;
    case Association::Verdict::Malformed:
      ++counters.dropped_malformed;
      tell("forwarding-message-malformed", "it is malformed, or of another version of the protocol");
      break;
    case Association::Verdict::Unauthenticated:
      ++counters.dropped_unauthenticated;
      tell("forwarding-message-unauthenticated", "its authenticator is wrong: is the key the same at both ends?");
      break;
    // Networks double packets, and agents restart: nothing that somebody would have to look after.
    case Association::Verdict::Replayed:
      ++counters.dropped_replayed;
      break;
    case Association::Verdict::UnknownSession:
      ++counters.dropped_unknown_session;
      break;
  }
  return std::nullopt;
}

}  // namespace mipflow::home_agent
