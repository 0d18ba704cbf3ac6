// SPDX-License-Identifier: GPL-3.0-or-later
#include <catch2/catch.hpp>

#include <fstream>
#include <iterator>
#include <map>
#include <random>

#include "binding_blocks.hpp"
#include "binding_records.hpp"
#include "mipflow/platform/binding_store.hpp"
#include "temporary_directory.hpp"

using namespace mipflow;
using namespace mipflow::platform;
using home_agent::PersistedBinding;

namespace {

StoredState some_state() {
  PersistedBinding first;
  first.home_address = *Address::parse("2001:db8:1::100");
  first.care_of_address = *Address::parse("2001:db8:a::1");
  first.primary_home_address = first.home_address;
  first.network_access_identifier = "alice@example.org";
  first.spi = 0xffff'ffff;
  first.sequence = 65'535;
  first.last_timestamp = 0xffff'ffff'ffff'ffff;
  first.wall_expiry = std::chrono::nanoseconds{1'790'000'000'123'456'789};
  first.link_local_address_compatibility = true;
  PersistedBinding second = first;
  second.home_address = *Address::parse("2001:db8:1::101");
  second.network_access_identifier = "a \"quoted\"\nname";
  second.link_local_address_compatibility = false;
  StoredState state{{first, second}, {}};
  state.services.leases = {{.home_address = *Address::parse("2001:db8:1::77"),
                            .mobile_node = first.home_address,
                            .source = wire::HomeAddressSource::Dhcpv6,
                            .identity = 0xffff'ffff,
                            .wall_preferred = std::chrono::seconds{1'790'000'000},
                            .wall_valid = Duration::max()}};
  state.services.policy.version = 0xffff'ffff;
  for (std::size_t i = 0; i < state.services.policy.assignment.size(); ++i)
    state.services.policy.assignment[i] = static_cast<std::uint8_t>(i * 9);
  state.services.load_sharing.delegations = {
      {first.home_address, *Address::parse("2001:db8:1::3"), 0xffff'ffff'ffff'ffff, true, false},
      {second.home_address, *Address::parse("2001:db8:1::4"), 1, false, true}};
  state.services.load_sharing.forwardings = {
      {.start = {.home_address = *Address::parse("2001:db8:2::100"),
                 .care_of_address = first.care_of_address,
                 .tunnel_source = *Address::parse("2001:db8:2::1"),
                 .number = 0xffff'ffff'ffff'fffe,
                 .link_local_address_compatibility = true},
       .primary = *Address::parse("2001:db8:2::1"),
       .wall_expiry = std::chrono::nanoseconds{1'790'000'000'123'456'789}},
      {.start = {.home_address = *Address::parse("2001:db8:2::101"), .care_of_address = first.care_of_address, .tunnel_source = {}, .number = 2},
       .primary = *Address::parse("2001:db8:2::1"),
       .wall_expiry = std::chrono::seconds{1}}};
  return state;
}

std::string text_of(const std::filesystem::path& file) {
  std::ifstream stream(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

}  // namespace

TEST_CASE("bindings, leases, the version of the policies, and who has which home address come back as they were saved") {
  const test::TemporaryDirectory directory;
  BindingStore store(directory / "bindings");
  CHECK(store.load().value() == StoredState{});
  REQUIRE(store.save(some_state()));
  CHECK(store.load().value() == some_state());
  REQUIRE(store.save({}));
  CHECK(store.load().value() == StoredState{});
  CHECK_FALSE(std::filesystem::exists(directory / "bindings.new"));
}

TEST_CASE("files of the versions before are read, and are written anew") {
  const test::TemporaryDirectory directory;
  BindingStore store(directory / "bindings");
  const auto write_old = [&](int version, const StoredState& state) {
    std::string text;
    std::size_t count = 0;
    for_each_record(state, [&](const nlohmann::json& record) {
      text += record.dump() + "\n";
      ++count;
    });
    directory.write("bindings", "mipflow-bindings " + std::to_string(version) + " " + std::to_string(count) + " " + digest_of(text) + "\n" + text);
  };
  StoredState state = some_state();
  write_old(3, state);
  CHECK(store.load().value() == state);
  CHECK_FALSE(store.can_append());
  CHECK_FALSE(store.append({.bindings = {.bound = state.bindings, .ended = {}}}));
  REQUIRE(store.save(state));
  CHECK(store.can_append());
  state.services.load_sharing = {};
  write_old(2, state);
  CHECK(store.load().value() == state);
  state.services = {};
  write_old(1, state);
  CHECK(store.load().value() == state);
  write_old(5, state);
  CHECK_THAT(store.load().error().message, Catch::Contains("version 5 is unknown"));
  write_old(3, state);
  const std::string whole = text_of(directory / "bindings");
  for (std::size_t length = 0; length < whole.size(); ++length) {
    directory.write("bindings", whole.substr(0, length));
    INFO("cut to " << length << " of " << whole.size() << " octets");
    REQUIRE_FALSE(store.load());
  }
}

TEST_CASE("a torn file is refused, wherever it is torn") {
  const test::TemporaryDirectory directory;
  BindingStore store(directory / "bindings");
  REQUIRE(store.save(some_state()));
  const std::string whole = text_of(directory / "bindings");
  for (std::size_t length = 0; length < whole.size(); ++length) {
    directory.write("bindings", whole.substr(0, length));
    const auto loaded = store.load();
    INFO("cut to " << length << " of " << whole.size() << " octets");
    REQUIRE_FALSE(loaded);
    REQUIRE_THAT(loaded.error().message, Catch::Contains("damaged"));
  }
}

TEST_CASE("a changed octet is noticed, whichever it is") {
  const test::TemporaryDirectory directory;
  BindingStore store(directory / "bindings");
  REQUIRE(store.save(some_state()));
  const std::string whole = text_of(directory / "bindings");
  for (std::size_t at = 0; at < whole.size(); ++at) {
    auto changed = whole;
    changed[at] = static_cast<char>(changed[at] ^ 1);
    directory.write("bindings", changed);
    INFO("octet " << at << ", '" << whole[at] << "' became '" << changed[at] << "'");
    // White space of the heading may change without changing what it says.
    const auto loaded = store.load();
    if (loaded) CHECK(loaded.value() == some_state());
  }
  auto changed = whole;
  changed[whole.size() - 10] = static_cast<char>(changed[whole.size() - 10] ^ 1);
  directory.write("bindings", changed);
  CHECK_FALSE(store.load());
}

TEST_CASE("the former bindings stay when new ones can not be written") {
  const test::TemporaryDirectory directory;
  BindingStore store(directory / "bindings");
  REQUIRE(store.save(some_state()));
  std::filesystem::create_directory(directory / "bindings.new");  // stands in the way, also of root
  CHECK_FALSE(store.save({}));
  CHECK(store.load().value() == some_state());
}

// ---- what is appended ----

namespace {

PersistedBinding binding(unsigned number, unsigned sequence) {
  PersistedBinding out = some_state().bindings[0];
  out.home_address.octets[14] = static_cast<std::uint8_t>(number >> 8);
  out.home_address.octets[15] = static_cast<std::uint8_t>(number);
  out.sequence = static_cast<std::uint16_t>(sequence);
  return out;
}

std::map<Address, PersistedBinding> by_home_address(const std::vector<PersistedBinding>& bindings) {
  std::map<Address, PersistedBinding> out;
  for (const auto& item : bindings) CHECK(out.emplace(item.home_address, item).second);
  return out;
}

}  // namespace

TEST_CASE("what changed is appended, and comes back in the place of what it replaces") {
  const unsigned seed = std::random_device{}();
  INFO("seed " << seed);
  std::mt19937 random(seed);
  const test::TemporaryDirectory directory;
  const auto pick = [&](unsigned below) { return static_cast<unsigned>(random() % below); };
  BindingStore store(directory / "bindings");
  std::map<Address, PersistedBinding> expected;
  home_agent::PersistedServices services = some_state().services;
  StoredState first;
  for (unsigned i = 0; i < 20; ++i) first.bindings.push_back(binding(i, 0));
  first.services = services;
  REQUIRE(store.save(first));
  expected = by_home_address(first.bindings);
  for (unsigned step = 1; step < 300; ++step) {
    StoredChanges changes;
    std::map<Address, bool> touched;
    for (unsigned i = pick(5); i > 0; --i) {
      const PersistedBinding changed = binding(pick(40), step);
      if (!touched.emplace(changed.home_address, true).second) continue;
      if (pick(3) == 0) {
        changes.bindings.ended.push_back(changed.home_address);  // also of what was never bound
        expected.erase(changed.home_address);
      } else {
        changes.bindings.bound.push_back(changed);
        expected[changed.home_address] = changed;
      }
    }
    if (pick(10) == 0) {
      services.policy.version = step;
      services.leases.resize(pick(2), some_state().services.leases[0]);
      services.load_sharing.delegations.resize(pick(3), some_state().services.load_sharing.delegations[0]);
      changes.services = services;
    }
    REQUIRE(store.append(changes));
    if (pick(10) == 0) {
      BindingStore next(directory / "bindings");
      const auto loaded = next.load();
      REQUIRE(loaded);
      CHECK(by_home_address(loaded->bindings) == expected);
      CHECK(loaded->services == services);
      CHECK(next.torn_octets() == 0);
      if (pick(3) == 0) store = std::move(next);  // the daemon was started again
    }
  }
}

TEST_CASE("a power cut while something is appended costs that, and nothing before it") {
  const test::TemporaryDirectory directory;
  BindingStore store(directory / "bindings");
  REQUIRE(store.save(some_state()));
  REQUIRE(store.append({.bindings = {.bound = {binding(7, 1)}, .ended = {some_state().bindings[1].home_address}}}));
  const std::string before = text_of(directory / "bindings");
  REQUIRE(store.append({.bindings = {.bound = {binding(7, 2), binding(8, 2)}, .ended = {}}}));
  const std::string whole = text_of(directory / "bindings");
  StoredState expected = some_state();
  expected.bindings = {expected.bindings[0], binding(7, 1)};

  const auto comes_back = [&](const std::string& text) {
    directory.write("bindings", text);
    BindingStore next(directory / "bindings");
    const auto loaded = next.load();
    REQUIRE(loaded);
    CHECK(by_home_address(loaded->bindings) == by_home_address(expected.bindings));
    CHECK(loaded->services == expected.services);
    CHECK(next.torn_octets() == text.size() - before.size());
    // What comes next stands behind what is whole.
    REQUIRE(next.append({.bindings = {.bound = {binding(9, 3)}, .ended = {}}}));
    const auto again = BindingStore(directory / "bindings").load();
    REQUIRE(again);
    CHECK(again->bindings.size() == expected.bindings.size() + 1);
  };
  for (std::size_t length = before.size(); length < whole.size(); ++length) {
    INFO("cut to " << length << " of " << whole.size() << " octets");
    comes_back(whole.substr(0, length));
    // The length was on the disk, the octets were not.
    comes_back(whole.substr(0, length) + std::string(whole.size() - length, '\0'));
  }
  for (std::size_t at = before.size(); at < whole.size(); ++at) {
    std::string changed = whole;
    changed[at] = static_cast<char>(changed[at] ^ 0x11);
    directory.write("bindings", changed);
    INFO("octet " << at);
    const auto loaded = BindingStore(directory / "bindings").load();
    if (loaded) CHECK(by_home_address(loaded->bindings) == by_home_address(expected.bindings));
  }
}

TEST_CASE("damage in front of what was appended later is refused, wherever it is") {
  const test::TemporaryDirectory directory;
  BindingStore store(directory / "bindings");
  REQUIRE(store.save(some_state()));
  REQUIRE(store.append({.bindings = {.bound = {binding(7, 1)}, .ended = {}}}));
  const std::string damaged_part = text_of(directory / "bindings");
  REQUIRE(store.append({.bindings = {.bound = {binding(7, 2)}, .ended = {}}}));
  const std::string whole = text_of(directory / "bindings");
  for (std::size_t at = 0; at < damaged_part.size(); ++at) {
    std::string changed = whole;
    changed[at] = static_cast<char>(changed[at] ^ 1);
    directory.write("bindings", changed);
    INFO("octet " << at << ", '" << whole[at] << "' became '" << changed[at] << "'");
    CHECK_FALSE(BindingStore(directory / "bindings").load());
  }
}

TEST_CASE("a file that was appended to for long is written anew") {
  const test::TemporaryDirectory directory;
  BindingStore store(directory / "bindings");
  REQUIRE(store.save({}));
  std::size_t longest = 0;
  std::vector<PersistedBinding> refreshed;
  for (unsigned i = 0; i < 100; ++i) refreshed.push_back(binding(i, 0));
  for (unsigned step = 1; step <= 400; ++step) {
    for (auto& item : refreshed) item.sequence = static_cast<std::uint16_t>(step);
    REQUIRE(store.append({.bindings = {.bound = refreshed, .ended = {}}}));
    longest = std::max(longest, static_cast<std::size_t>(std::filesystem::file_size(directory / "bindings")));
  }
  CHECK(longest < 5 * 1024 * 1024);
  CHECK(by_home_address(store.load().value().bindings) == by_home_address(refreshed));
}
