// SPDX-License-Identifier: GPL-3.0-or-later
// Input: one octet, which link layer, then a frame. `mipflow decode` on one packet, as text and as JSON.
#include <nlohmann/json.hpp>

#include "fuzz/target.hpp"
#include "link_layer.hpp"
#include "report.hpp"

namespace mipflow::fuzz {

using namespace tools;

namespace {

// DLT_ numbers of libpcap: raw IP, Ethernet, Linux cooked v1 and v2, BSD loopback, raw IPv6.
constexpr int kLinkTypes[] = {12, 1, 113, 276, 0, 229};

constexpr std::uint16_t kForwardingPort = 6275;

// What comes from the network goes to a terminal.
bool is_fit_for_a_terminal(const std::string& text) {
  for (const char c : text)
    if (c != '\n' && (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)) return false;
  return true;
}

void look_at(BytesView packet, const Origin& origin) {
  const Report report = describe_packet(packet, kForwardingPort);
  const std::string text = to_text(report, origin);
  must(!text.empty(), "nothing is said about a packet");
  must(is_fit_for_a_terminal(text), "a packet's text has control characters");
  const std::string line = to_json(report, origin);
  must(line.find('\n') == std::string::npos, "the JSON of a packet has more than one line");
  must(nlohmann::json::accept(line), "the JSON of a packet is none");
}

}  // namespace

void fuzz_decode_packet(BytesView input);
void fuzz_decode_packet(BytesView input) {
  if (input.empty()) return;
  const int link_type = kLinkTypes[input.front() % std::size(kLinkTypes)];
  must(link_type_is_known(link_type), "a link layer of our own list is not known");
  const BytesView frame = input.subspan(1);
  look_at(frame, {1});
  const auto carried = link_type == 12 ? ipv6_in_ip(frame) : ipv6_in_frame(link_type, frame);
  if (carried) look_at(carried->packet, {2, "2026-01-01 00:00:00", carried->carried_in});
}

}  // namespace mipflow::fuzz
