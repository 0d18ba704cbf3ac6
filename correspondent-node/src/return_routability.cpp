// SPDX-License-Identifier: GPL-3.0-or-later
#include "return_routability.hpp"

namespace mipflow::correspondent_node {

namespace {

// RFC 6275 §9.4.1, §9.4.2: no Home Address option. The addresses have to be such as could stand in a binding; anything else
// would only make us send packets to where nobody asked from.
bool deserves_answer(const wire::PacketView& view) {
  return !view.home_address_option && view.source.is_unicast_routable() && view.destination.is_unicast_routable() &&
         view.source != view.destination;
}

}  // namespace

// RFC 6275 §9.4.3
bool ReturnRoutability::answer(const wire::HomeTestInit& init, const wire::PacketView& view, TimePoint now,
                               Outputs& outputs) {
  if (!deserves_answer(view)) return false;
  const Nonce& nonce = nonces_.current(now, cache_.forgotten_until());
  wire::HomeTest test;
  test.home_nonce_index = nonce.index;
  test.home_init_cookie = init.home_init_cookie;
  test.home_keygen_token = nonces_.token(TokenKind::Home, view.source, nonce);
  outputs.packets.push_back({.packet = wire::build_packet({view.destination, view.source}, test)});
  return true;
}

// RFC 6275 §9.4.4
bool ReturnRoutability::answer(const wire::CareOfTestInit& init, const wire::PacketView& view, TimePoint now,
                               Outputs& outputs) {
  if (!deserves_answer(view)) return false;
  const Nonce& nonce = nonces_.current(now, cache_.forgotten_until());
  wire::CareOfTest test;
  test.care_of_nonce_index = nonce.index;
  test.care_of_init_cookie = init.care_of_init_cookie;
  test.care_of_keygen_token = nonces_.token(TokenKind::CareOf, view.source, nonce);
  outputs.packets.push_back({.packet = wire::build_packet({view.destination, view.source}, test)});
  return true;
}

}  // namespace mipflow::correspondent_node
