// SPDX-License-Identifier: GPL-3.0-or-later
// Nonces that expired, that never were, and that are still good; tokens that are wrong.
#include "conformance/correspondent_node/bench.hpp"
#include "conformance/correspondent_node/groups.hpp"

namespace mipflow::conformance {

namespace {

using enum wire::BindingStatus;

constexpr Duration kPastNonceLifetime = 242s;  // MAX_NONCE_LIFETIME is 240 s
constexpr std::uint16_t kUnknownIndex = 0xffff;
constexpr std::uint64_t kWrongToken = 0xffffffff;

// What is sent: a registration; a deletion from abroad, that names the home address as alternate care-of address; a deletion
// from the home link.
enum class Request { Registration,
                     DeletionAbroad,
                     DeletionAtHome };
// What is wrong with it.
enum class Fault { HomeTooOld,
                   CareOfTooOld,
                   BothTooOld,
                   HomeUnknown,
                   CareOfUnknown,
                   BothUnknown,
                   HomeToken,
                   CareOfToken };

Update request_of(CorrespondentBench& bench, Request request) {
  if (request == Request::Registration) return bench.prepared();
  const Update bound = bench.bound();
  if (request == Request::DeletionAtHome) return bench.deletion_at_home(bound, true);
  Update out = bench.deletion(bound, true);
  out.alternate = out.home_address;
  return out;
}

void commit(CorrespondentBench& bench, Update& update, Fault fault) {
  switch (fault) {
    case Fault::HomeTooOld:
      bench.wait(kPastNonceLifetime);
      update.care_of = bench.care_of_test();
      break;
    case Fault::CareOfTooOld:
      bench.wait(kPastNonceLifetime);
      update.care_of_index = update.care_of.index;
      update.home = bench.home_test();
      break;
    case Fault::BothTooOld:
      bench.wait(kPastNonceLifetime);
      update.care_of_index = update.care_of.index;
      break;
    case Fault::HomeUnknown: update.home_index = kUnknownIndex; break;
    case Fault::CareOfUnknown: update.care_of_index = kUnknownIndex; break;
    case Fault::BothUnknown: update.home_index = update.care_of_index = kUnknownIndex; break;
    case Fault::HomeToken: update.home.value = kWrongToken; break;
    case Fault::CareOfToken: update.care_of.value = kWrongToken; break;
  }
}

void binding_is_there(CorrespondentBench& bench, Request request) {
  if (request == Request::DeletionAtHome) return bench.answered_by_routing_header(kHome, kCareOf);
  bench.probe_answered();
}
void binding_is_not_there(CorrespondentBench& bench, Request request) {
  if (request == Request::DeletionAtHome) return bench.answered_at_home();
  bench.probe_refused();
}

// `status`: of the refusal; Accepted: it is taken all the same; nullopt: dropped without a word.
Case faulty(std::string id, std::string title, Request request, Fault fault, std::optional<wire::BindingStatus> status) {
  return correspondent_case(std::move(id), std::move(title), "9.5.1, 9.5.4, 5.2.7", [=](CorrespondentBench& bench) {
    Update update = request_of(bench, request);
    commit(bench, update, fault);
    bench.send(update);
    if (status)
      bench.expect_acknowledgement(update, *status);
    else
      bench.expect_silence("a wrong token");
    const bool deleted = request != Request::Registration && status == Accepted;
    if (deleted || request == Request::Registration)
      binding_is_not_there(bench, request);
    else
      binding_is_there(bench, request);
  });
}

void indices_change(CorrespondentBench& bench, Token (CorrespondentBench::*test)(const Address&), const Address& address,
                    const char* name) {
  const Token first = (bench.*test)(address);
  for (Duration waited{}; waited < 240s; waited += 20s) {
    bench.wait(20s);
    if ((bench.*test)(address).index != first.index) return bench.saw(std::string("new index in ") + name);
  }
  throw Failed(std::string("the index in ") + name + " did not change for 240 s");
}

// Waits until tests bring other indices than those of the update.
void until_rotated(CorrespondentBench& bench, const Update& update) {
  for (Duration waited{}; waited < 200s; waited += 20s) {
    bench.wait(20s);
    if (bench.home_test().index != update.home.index) return bench.saw("new index");
  }
  throw Failed("no new nonce index in 200 s");
}

Case still_good(std::string id, std::string title, Request request) {
  return correspondent_case(std::move(id), std::move(title), "5.2.2, 5.2.7", [=](CorrespondentBench& bench) {
    const Update update = request_of(bench, request);
    until_rotated(bench, update);
    bench.accept(update);
    if (request == Request::Registration)
      bench.probe_answered();
    else
      binding_is_not_there(bench, request);
  });
}

}  // namespace

Group nonce_cases() {
  using enum Request;
  using enum Fault;
  return {
      "Nonces and tokens",
      {
          faulty("CN-4-2-1", "home nonce too old: registration", Registration, HomeTooOld, ExpiredHomeNonceIndex),
          faulty("CN-4-2-2", "home nonce too old: deletion abroad", DeletionAbroad, HomeTooOld, ExpiredHomeNonceIndex),
          faulty("CN-4-2-3", "home nonce too old: deletion at home", DeletionAtHome, HomeTooOld, ExpiredHomeNonceIndex),
          faulty("CN-4-3-1", "care-of nonce too old: registration", Registration, CareOfTooOld, ExpiredCareOfNonceIndex),
          faulty("CN-4-3-2", "care-of nonce too old: a deletion abroad does not care", DeletionAbroad, CareOfTooOld, Accepted),
          faulty("CN-4-3-3", "care-of nonce too old: a deletion at home does not care", DeletionAtHome, CareOfTooOld, Accepted),
          faulty("CN-4-8-1", "both nonces too old: registration", Registration, BothTooOld, ExpiredNonces),
          faulty("CN-4-8-2", "both too old: deletion abroad, 136 and not 138", DeletionAbroad, BothTooOld,
                 ExpiredHomeNonceIndex),
          faulty("CN-4-8-3", "both too old: deletion at home", DeletionAtHome, BothTooOld, ExpiredHomeNonceIndex),
          faulty("CN-4-4-1", "unknown home nonce index: registration", Registration, HomeUnknown, ExpiredHomeNonceIndex),
          faulty("CN-4-4-2", "unknown home nonce index: deletion abroad", DeletionAbroad, HomeUnknown, ExpiredHomeNonceIndex),
          faulty("CN-4-4-3", "unknown home nonce index: deletion at home", DeletionAtHome, HomeUnknown, ExpiredHomeNonceIndex),
          faulty("CN-4-5-1", "unknown care-of nonce index: registration", Registration, CareOfUnknown,
                 ExpiredCareOfNonceIndex),
          faulty("CN-4-5-2", "unknown care-of nonce index: a deletion abroad does not care", DeletionAbroad, CareOfUnknown,
                 Accepted),
          faulty("CN-4-5-3", "unknown care-of nonce index: a deletion at home does not care", DeletionAtHome, CareOfUnknown,
                 Accepted),
          faulty("CN-4-9-1", "both indices unknown: registration", Registration, BothUnknown, ExpiredNonces),
          faulty("CN-4-9-2", "both indices unknown: deletion abroad", DeletionAbroad, BothUnknown, ExpiredHomeNonceIndex),
          faulty("CN-4-9-3", "both indices unknown: deletion at home", DeletionAtHome, BothUnknown, ExpiredHomeNonceIndex),
          faulty("CN-4-6-1", "wrong home token: registration", Registration, HomeToken, std::nullopt),
          faulty("CN-4-6-2", "wrong home token: deletion abroad", DeletionAbroad, HomeToken, std::nullopt),
          faulty("CN-4-6-3", "wrong home token: deletion at home", DeletionAtHome, HomeToken, std::nullopt),
          faulty("CN-4-7-1", "wrong care-of token: registration", Registration, CareOfToken, std::nullopt),
          correspondent_case("CN-4-11", "nonces change", "5.2.2, 5.2.7",
                             [](CorrespondentBench& bench) {
                               indices_change(bench, &CorrespondentBench::care_of_test, kCareOf, "CoT");
                               indices_change(bench, &CorrespondentBench::home_test, kHome, "HoT");
                             }),
          still_good("CN-4-12-1", "nonces before the present ones: registration", Registration),
          still_good("CN-4-12-2", "nonce before the present one: deletion abroad", DeletionAbroad),
          still_good("CN-4-12-3", "nonce before the present one: deletion at home", DeletionAtHome),
      }};
}

}  // namespace mipflow::conformance
