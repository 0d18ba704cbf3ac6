// SPDX-License-Identifier: GPL-3.0-or-later
// Input: one octet (1: Magic, Version and Length are made right, 2: the authenticator as well), then the payload of a UDP datagram.
#include "mipflow/wire/forwarding_messages.hpp"

#include <algorithm>

#include "fuzz/wire/round_trip.hpp"
#include "mipflow/base/crypto.hpp"

namespace mipflow::fuzz {

using namespace wire;

void fuzz_forwarding_message(BytesView input);
void fuzz_forwarding_message(BytesView input) {
  static const Bytes kKey(16, 0x5a);
  if (input.empty()) return;
  const std::uint8_t mend = input.front();
  Bytes octets(input.begin() + 1, input.end());
  if ((mend & 1) != 0 && octets.size() >= 6) {
    octets[0] = kForwardingMagic >> 8;
    octets[1] = kForwardingMagic & 0xff;
    octets[2] = kForwardingVersion;
    octets[4] = static_cast<std::uint8_t>(octets.size() >> 8);
    octets[5] = static_cast<std::uint8_t>(octets.size());
  }
  const bool is_signed = (mend & 2) != 0 && octets.size() >= kForwardingAuthenticatorLength;
  if (is_signed) {
    // By hand: the encoder takes no message that is wrong.
    Writer covered;
    covered.address(kSource);
    covered.address(kDestination);
    covered.bytes(BytesView(octets).first(octets.size() - kForwardingAuthenticatorLength));
    const Sha256Digest digest = hmac_sha256(kKey, covered.view());
    std::copy_n(digest.begin(), kForwardingAuthenticatorLength, octets.end() - kForwardingAuthenticatorLength);
  }
  const auto message = decode_forwarding_message(octets, kKey, kSource, kDestination);
  const auto shown = read_forwarding_message(octets);
  if (!message) {
    must(message.error() == ForwardingDecodeError::AuthenticatorWrong || (!shown && shown.error() == message.error()),
         "what is refused for more than its authenticator is shown");
    return;
  }
  must(shown && *shown == *message, "a message is shown as another one than it is");
  must(is_signed, "a message without a right authenticator is believed");
  must(!decode_forwarding_message(octets, kKey, kDestination, kSource), "a message is believed the other way round");
  must(!decode_forwarding_message(octets, Bytes(16, 0x5b), kSource, kDestination), "a message is believed under another key");
  must_come_back(
      *message,
      [](const ForwardingMessage& value) { return encode_forwarding_message(value, kKey, kSource, kDestination); },
      [](const Bytes& bytes) { return decode_forwarding_message(bytes, kKey, kSource, kDestination); });
}

}  // namespace mipflow::fuzz
