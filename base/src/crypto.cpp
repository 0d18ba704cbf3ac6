// SPDX-License-Identifier: GPL-3.0-or-later
#include "mipflow/base/crypto.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <cstdlib>

namespace mipflow {

namespace {

// OpenSSL refuses these calls only when memory ran out or a policy removed the digest. An all-zero digest would then
// pass for a value, so there is nothing safer than to stop.
void require(bool worked) {
  if (!worked) std::abort();
}

template <class Digest>
Digest hmac(const EVP_MD* algorithm, BytesView key, BytesView data) {
  Digest digest{};
  unsigned length = 0;
  // HMAC() takes a null key for "the key of the call before".
  static constexpr std::uint8_t kEmptyKey = 0;
  require(HMAC(algorithm, key.empty() ? &kEmptyKey : key.data(), static_cast<int>(key.size()), data.data(), data.size(),
               digest.data(), &length) != nullptr);
  require(length == digest.size());
  return digest;
}

}  // namespace

Sha1Digest sha1(BytesView data) {
  Sha1Digest digest{};
  unsigned length = 0;
  require(EVP_Digest(data.data(), data.size(), digest.data(), &length, EVP_sha1(), nullptr) == 1);
  require(length == digest.size());
  return digest;
}

Sha1Digest hmac_sha1(BytesView key, BytesView data) { return hmac<Sha1Digest>(EVP_sha1(), key, data); }
Sha256Digest hmac_sha256(BytesView key, BytesView data) { return hmac<Sha256Digest>(EVP_sha256(), key, data); }

bool equal_in_constant_time(BytesView a, BytesView b) {
  return a.size() == b.size() && (a.empty() || CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0);
}

}  // namespace mipflow
