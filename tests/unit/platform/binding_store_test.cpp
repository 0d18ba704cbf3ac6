// SPDX-License-Identifier: GPL-3.0-or-later
#include <catch2/catch.hpp>

#include <fstream>
#include <iterator>

#include "mipflow/platform/binding_store.hpp"
#include "temporary_directory.hpp"

using namespace mipflow;
using namespace mipflow::platform;
using home_agent::PersistedBinding;

namespace {

std::vector<PersistedBinding> some_bindings() {
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
  return {first, second};
}

std::string text_of(const std::filesystem::path& file) {
  std::ifstream stream(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

}  // namespace

TEST_CASE("bindings come back as they were saved") {
  const test::TemporaryDirectory directory;
  const BindingStore store(directory / "bindings");
  CHECK(store.load().value().empty());
  REQUIRE(store.save(some_bindings()));
  CHECK(store.load().value() == some_bindings());
  REQUIRE(store.save({}));
  CHECK(store.load().value().empty());
  CHECK_FALSE(std::filesystem::exists(directory / "bindings.new"));
}

TEST_CASE("a torn file is refused, wherever it is torn") {
  const test::TemporaryDirectory directory;
  const BindingStore store(directory / "bindings");
  REQUIRE(store.save(some_bindings()));
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
  const BindingStore store(directory / "bindings");
  REQUIRE(store.save(some_bindings()));
  const std::string whole = text_of(directory / "bindings");
  for (std::size_t at = 0; at < whole.size(); ++at) {
    auto changed = whole;
    changed[at] = static_cast<char>(changed[at] ^ 1);
    directory.write("bindings", changed);
    INFO("octet " << at << ", '" << whole[at] << "' became '" << changed[at] << "'");
    // White space of the heading may change without changing what it says.
    const auto loaded = store.load();
    if (loaded) CHECK(loaded.value() == some_bindings());
  }
  auto changed = whole;
  changed[whole.size() - 10] = static_cast<char>(changed[whole.size() - 10] ^ 1);
  directory.write("bindings", changed);
  CHECK_FALSE(store.load());
}

TEST_CASE("the former bindings stay when new ones can not be written") {
  const test::TemporaryDirectory directory;
  const BindingStore store(directory / "bindings");
  REQUIRE(store.save(some_bindings()));
  std::filesystem::create_directory(directory / "bindings.new");  // stands in the way, also of root
  CHECK_FALSE(store.save({}));
  CHECK(store.load().value() == some_bindings());
}
