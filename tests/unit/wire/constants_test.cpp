// SPDX-License-Identifier: GPL-3.0-or-later
// The tables of RFC 6275 §12 and §13 as the RFC prints them, beside what the code has.
#include "mipflow/wire/constants.hpp"

#include <catch2/catch.hpp>
#include <set>

#include "mipflow/wire/error.hpp"

using namespace mipflow;
using namespace mipflow::wire;
using namespace std::chrono_literals;

TEST_CASE("RFC 6275 §12: durations") {
  struct Row {
    const char* name;
    Duration here;
    Duration rfc;
  };
  const Row rows[] = {
      {"INITIAL_BINDACK_TIMEOUT", kInitialBindackTimeout, 1s},
      {"INITIAL_DHAAD_TIMEOUT", kInitialDhaadTimeout, 3s},
      {"INITIAL_SOLICIT_TIMER", kInitialSolicitTimer, 3s},
      {"MAX_BINDACK_TIMEOUT", kMaxBindackTimeout, 32s},
      {"MAX_DELETE_BCE_TIMEOUT", kMaxDeleteBceTimeout, 10s},
      {"MAX_NONCE_LIFETIME", kMaxNonceLifetime, 240s},
      {"MAX_TOKEN_LIFETIME", kMaxTokenLifetime, 210s},
      {"MAX_RR_BINDING_LIFETIME", kMaxRrBindingLifetime, 420s},
      {"PREFIX_ADV_TIMEOUT", kPrefixAdvTimeout, 3s},
      {"MaxMobPfxAdvInterval", kMaxMobPfxAdvInterval, 86'400s},
      {"MinMobPfxAdvInterval", kMinMobPfxAdvInterval, 600s},
      {"MinDelayBetweenRAs", kMinDelayBetweenRas, 3s},
      {"InitialBindackTimeoutFirstReg", kInitialBindackTimeoutFirstReg, 1500ms},
      {"unit of lifetimes", kLifetimeUnit, 4s},
  };
  for (const Row& row : rows) {
    INFO(row.name);
    CHECK(row.here == row.rfc);
  }
}

TEST_CASE("RFC 6275 §12: counts") {
  CHECK(kDhaadRetries == 4);      // DHAAD_RETRIES
  CHECK(kMaxRoFailure == 3);      // MAX_RO_FAILURE
  CHECK(kMaxUpdateRate == 3);     // MAX_UPDATE_RATE
  CHECK(kPrefixAdvRetries == 3);  // PREFIX_ADV_RETRIES
}

TEST_CASE("RFC 6275 §6.1.8: statuses below 128 accept") {
  for (unsigned status = 0; status < 256; ++status) CHECK(accepts(static_cast<BindingStatus>(status)) == (status < 128));
}

TEST_CASE("names are there, differ and do not change by accident") {
  std::set<std::string> names;
  for (unsigned status = 0; status < 256; ++status)
    CHECK(names.insert(to_string(static_cast<BindingStatus>(status))).second);
  CHECK(to_string(BindingStatus::SequenceNumberOutOfWindow) == "sequence-number-out-of-window");
  CHECK(to_string(static_cast<BindingStatus>(141)) == "status-141");

  names.clear();
  for (unsigned type = 0; type < 8; ++type) CHECK(names.insert(to_string(static_cast<MobilityType>(type))).second);
  CHECK(std::string(to_string(MobilityType::BindingUpdate)) == "binding-update");
  CHECK(std::string(to_string(static_cast<MobilityType>(8))) == "unknown");

  names.clear();
  for (unsigned kind = 0; kind <= static_cast<unsigned>(DecodeErrorKind::NotMobileIpv6); ++kind)
    CHECK(names.insert(to_string(static_cast<DecodeErrorKind>(kind))).second);
  CHECK_FALSE(names.contains("unknown"));
  CHECK(std::string(to_string(DecodeErrorKind::HeaderLenTooSmall)) == "header-len-too-small");
}
