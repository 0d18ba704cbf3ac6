// SPDX-License-Identifier: GPL-3.0-or-later
// Input: one octet (0: a whole file, 1: lines that somebody with the right digest wrote, 2: the same behind `whole`), then text. What
// is read makes a home agent that runs.
#include "mipflow/platform/binding_store.hpp"

#include <sstream>

#include "binding_blocks.hpp"
#include "binding_records.hpp"
#include "fuzz/roles/clockwork.hpp"
#include "fuzz/text_file.hpp"

namespace mipflow::fuzz {

using namespace platform;

namespace {

std::string file_with(std::uint8_t kind, const std::string& text) {
  if (kind % 3 == 0) return text;
  const std::string block = make_block(text);
  return kind % 3 == 1 ? "mipflow-bindings 4\n" + block + "whole 1\n" : "mipflow-bindings 4\nwhole 0\n" + block;
}

home_agent::Configuration configuration() {
  home_agent::Configuration out;
  out.home_agent_address = *Address::parse("2001:db8:1::ffff");
  out.home_prefixes = {{*Prefix::parse("2001:db8:1::/64")}};
  out.mobile_nodes = {{{"alice@example.org", 256, Bytes(16, 1)}, *Address::parse("2001:db8:1::1")}};
  out.load_sharing.secondaries = {{"b", *Address::parse("2001:db8:1::2"), Bytes(16, 2)}};
  out.load_sharing.primaries = {{"p", *Address::parse("2001:db8:1::3"), Bytes(16, 3), {*Prefix::parse("2001:db8:1::/64")}}};
  return out;
}

void restore(const StoredState& state) {
  SeededRandom random(1);
  Clockwork time;
  home_agent::HomeAgent agent(configuration(), state.bindings, random, time.now(), state.services);
  must(agent.bindings(time.now()).size() <= state.bindings.size(), "more bindings than were kept");
  time.advance(agent, std::chrono::seconds{20});
  static_cast<void>(agent.persisted(time.now()));
  static_cast<void>(agent.persisted_services(time.now()));
}

}  // namespace

void fuzz_binding_store(BytesView input);
void fuzz_binding_store(BytesView input) {
  if (input.empty()) return;
  const std::string text = file_with(input.front(), text_of(input.subspan(1)));
  const TextFile file({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
  BindingStore store(file.path());
  const auto state = store.load();
  if (!state) {
    must(!state.error().message.empty(), "a file is refused without a reason");
    return;
  }
  must(store.torn_octets() <= text.size(), "more is torn than there is");
  StoredState again;
  std::size_t records = 0;
  for_each_record(*state, [&](const nlohmann::json& record) {
    ++records;
    must(take_record(nlohmann::json::parse(record.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace)), again), "a record of ours is not taken back");
  });
  StoredState third;
  for_each_record(again, [&](const nlohmann::json& record) { must(take_record(record, third), "a record of ours is not taken back"); });
  must(third == again, "what is kept comes back as something else");
  restore(*state);
}

}  // namespace mipflow::fuzz
