// SPDX-License-Identifier: GPL-3.0-or-later
// Power cuts while state is written: at every moment, with everything that a disk may have done or not done by then. What was kept
// before comes back, or what is being kept; never something else, and never something older than what was promised.
//
// Seen to fail, each by itself:
//   the new file is not synchronised before it is renamed    → an empty or cut file under the right name
//   the directory is not synchronised behind the renaming    → what was promised is not there
//   an appended block is not synchronised                    → the binding before the last one comes back
//   what is appended stands behind a torn block               → it is lost with that, or all is
//   a user's policy is only removed, not synchronised        → it is there again
//   the digest of a sealed file is not compared              → a cut file counts as a shorter one
#include <algorithm>
#include <catch2/catch.hpp>
#include <fstream>
#include <iterator>

#include "disk_recorder.hpp"
#include "kept_home_addresses_file.hpp"
#include "mipflow/platform/binding_store.hpp"
#include "mipflow/platform/kept_file.hpp"
#include "policy_source.hpp"
#include "temporary_directory.hpp"

using namespace mipflow;
using namespace mipflow::platform;
using test::DiskFiles;
using test::DiskRecorder;

namespace {

home_agent::PersistedBinding binding(unsigned number, std::uint16_t sequence) {
  home_agent::PersistedBinding out;
  out.home_address = *Address::parse("2001:db8:1::100");
  out.home_address.octets[15] = static_cast<std::uint8_t>(number);
  out.care_of_address = *Address::parse("2001:db8:a::1");
  out.primary_home_address = out.home_address;
  out.network_access_identifier = "a@example.org";
  out.sequence = sequence;
  return out;
}

StoredState state_of(std::vector<home_agent::PersistedBinding> bindings) { return {std::move(bindings), {}}; }

// Every state of the recording, put on a disk and looked at by `read`, which has to give what was promised or what comes next.
// Returns how many there were.
template <class Kept, class Read>
std::size_t check_all(const DiskRecorder& recorder, const std::filesystem::path& disk, const std::vector<Kept>& kept, Read&& read) {
  std::size_t count = 0;
  std::vector<std::pair<DiskFiles, std::pair<int, int>>> states;
  recorder.for_each_power_cut([&](const DiskFiles& files, int promised, int next) { states.push_back({files, {promised, next}}); });
  for (const auto& [files, numbers] : states) {
    test::put_on_disk(disk, files);
    const auto [promised, next] = numbers;
    INFO("state " << ++count << " of " << states.size() << ", promised " << promised << ", next " << next);
    const Kept found = read();
    if (found != kept[static_cast<std::size_t>(promised)]) REQUIRE(found == kept[static_cast<std::size_t>(next)]);
  }
  return states.size();
}

std::string text_of(const std::filesystem::path& file) {
  std::ifstream stream(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

}  // namespace

TEST_CASE("power cuts while a home agent keeps its bindings") {
  const test::TemporaryDirectory directory;
  const test::TemporaryDirectory disk;
  std::vector<StoredState> kept{state_of({})};
  DiskRecorder recorder(directory.path());
  {
    BindingStore store(directory / "bindings");
    REQUIRE(store.load());
    const auto promise = [&](StoredState state) {
      kept.push_back(std::move(state));
      recorder.promise(static_cast<int>(kept.size()) - 1);
    };
    REQUIRE(store.save(state_of({binding(1, 10)})));
    promise(state_of({binding(1, 10)}));
    REQUIRE(store.append({.bindings = {.bound = {binding(1, 11)}, .ended = {}}}));
    promise(state_of({binding(1, 11)}));
    REQUIRE(store.append({.bindings = {.bound = {binding(2, 1)}, .ended = {}}}));
    promise(state_of({binding(1, 11), binding(2, 1)}));
    REQUIRE(store.append({.bindings = {.bound = {}, .ended = {binding(1, 0).home_address}}}));
    promise(state_of({binding(2, 1)}));
    REQUIRE(store.save(state_of({binding(2, 2), binding(3, 7)})));
    promise(state_of({binding(2, 2), binding(3, 7)}));
  }
  const std::size_t states = check_all(recorder, disk.path(), kept, [&] {
    BindingStore store(disk / "bindings");
    const auto loaded = store.load();
    REQUIRE(loaded);
    // What comes next is kept as well, whatever was torn: a sequence number that was acknowledged is never forgotten.
    StoredState more = *loaded;
    more.bindings.push_back(binding(9, 1));
    if (store.can_append())
      REQUIRE(store.append({.bindings = {.bound = {binding(9, 1)}, .ended = {}}}));
    else
      REQUIRE(store.save(more));
    const auto again = BindingStore(disk / "bindings").load();
    REQUIRE(again);
    CHECK(*again == more);
    return *loaded;
  });
  CHECK(states > 2000);
}

TEST_CASE("power cuts behind a power cut: a torn block is overwritten") {
  const test::TemporaryDirectory directory;
  const test::TemporaryDirectory disk;
  {
    BindingStore store(directory / "bindings");
    REQUIRE(store.save(state_of({binding(1, 10)})));
    REQUIRE(store.append({.bindings = {.bound = {binding(2, 1), binding(3, 1)}, .ended = {}}}));
  }
  // The end of the second one is missing.
  std::filesystem::resize_file(directory / "bindings", text_of(directory / "bindings").size() - 3);
  DiskRecorder recorder(directory.path());
  const std::vector<StoredState> kept{state_of({binding(1, 10)}), state_of({binding(1, 11)})};
  {
    BindingStore store(directory / "bindings");
    REQUIRE(store.load());
    REQUIRE(store.torn_octets() > 0);
    REQUIRE(store.append({.bindings = {.bound = {binding(1, 11)}, .ended = {}}}));
    recorder.promise(1);
  }
  check_all(recorder, disk.path(), kept, [&] {
    const auto loaded = BindingStore(disk / "bindings").load();
    REQUIRE(loaded);
    return *loaded;
  });
}

TEST_CASE("power cuts while a mobile node keeps its home addresses") {
  using mobile_node::KeptHomeAddress;
  const test::TemporaryDirectory directory;
  const test::TemporaryDirectory disk;
  const std::vector<KeptHomeAddress> one{{.home_address = *Address::parse("2001:db8:1::77"), .pinned = true, .origin = hoa_alloc::Origin::Prefix}};
  auto two = one;
  two.push_back({.home_address = *Address::parse("2001:db8:1::78"), .pinned = false, .origin = hoa_alloc::Origin::Agent});
  const std::vector<std::vector<KeptHomeAddress>> kept{{}, one, two, {}};
  DiskRecorder recorder(directory.path());
  const mnd::KeptHomeAddressesFile file(directory.path());
  for (int number = 1; number < 4; ++number) {
    REQUIRE(file.write(write_kept_home_addresses(kept[static_cast<std::size_t>(number)])));
    recorder.promise(number);
  }
  const std::size_t states = check_all(recorder, disk.path(), kept, [&] {
    const auto read = mnd::KeptHomeAddressesFile(disk.path()).read();
    REQUIRE(read);
    return *read;
  });
  CHECK(states > 200);
}

TEST_CASE("power cuts while users keep their policies") {
  const test::TemporaryDirectory directory;
  const test::TemporaryDirectory disk;
  const test::TemporaryDirectory operators;
  const std::string first = "[[class]]\nname = \"video\"\ninterfaces = [\"wlan0\"]\n[class.match]\nprotocol = \"udp\"\n";
  const std::string second = "[[class]]\nname = \"audio\"\ninterfaces = [\"wwan0\"]\n[class.match]\nprotocol = \"udp\"\n";
  const std::vector<std::string> kept{"", "video", "audio", ""};
  DiskRecorder recorder(directory.path());
  {
    const mnd::PolicySource source(operators.path(), directory.path(), {});
    REQUIRE(source.keep_user_policy(1000, first));
    recorder.promise(1);
    REQUIRE(source.keep_user_policy(1000, second));
    recorder.promise(2);
    REQUIRE(source.keep_user_policy(1000, std::nullopt));
    recorder.promise(3);
  }
  const std::size_t states = check_all(recorder, disk.path(), kept, [&]() -> std::string {
    ConfigurationErrors left_out;
    const auto policy = mnd::PolicySource(operators.path(), disk.path(), {}).load(left_out);
    REQUIRE(policy);
    CHECK(left_out.empty());
    for (const auto& each : (*policy)->classes())
      for (const std::string name : {"video", "audio"})
        if (each.name.ends_with(name)) return name;
    return {};
  });
  CHECK(states > 100);
}

TEST_CASE("sealed files: no octet of them can change or go unnoticed") {
  const test::TemporaryDirectory directory;
  const std::string text = "first line\nsecond line\n";
  REQUIRE(write_sealed_file(directory / "file", text));
  CHECK(read_sealed_file(directory / "file", text.size()).value() == text);
  CHECK(read_sealed_file(directory / "file", text.size() - 2).error().error == EFBIG);
  CHECK(read_sealed_file(directory / "other", 100).error().error == ENOENT);
  const std::string whole = text_of(directory / "file");
  const auto is_refused = [&](const std::string& damaged) {
    directory.write("file", damaged);
    const auto read = read_sealed_file(directory / "file", 1000);
    REQUIRE_FALSE(read);
    CHECK(read.error().error == EBADMSG);
  };
  for (std::size_t at = 0; at < whole.size(); ++at) {
    INFO("octet " << at);
    for (int bit = 0; bit < 8; ++bit) {
      std::string changed = whole;
      changed[at] = static_cast<char>(changed[at] ^ (1 << bit));
      is_refused(changed);
    }
    is_refused(whole.substr(0, at));
    is_refused(whole.substr(0, at) + std::string(whole.size() - at, '\0'));
    is_refused(whole.substr(at + 1));
  }
  is_refused(whole + "x");
  REQUIRE(write_sealed_file(directory / "file", ""));
  CHECK(read_sealed_file(directory / "file", 10).value() == "\n");
}

TEST_CASE("a policy that was damaged on the disk is left out, and the others are used") {
  const test::TemporaryDirectory state;
  const test::TemporaryDirectory operators;
  const mnd::PolicySource source(operators.path(), state.path(), {});
  REQUIRE(source.keep_user_policy(1000, "[[class]]\nname = \"video\"\ninterfaces = [\"wlan0\"]\n"));
  REQUIRE(source.keep_user_policy(1001, "[[class]]\nname = \"audio\"\ninterfaces = [\"wlan0\"]\n"));
  auto text = text_of(state / "users/1000.toml");
  text.replace(text.find("wlan0"), 5, "wlan1");
  state.write("users/1000.toml", text);
  ConfigurationErrors left_out;
  const auto policy = source.load(left_out);
  REQUIRE(policy);
  REQUIRE(left_out.size() == 1);
  CHECK(left_out[0].file == state / "users/1000.toml");
  CHECK_THAT(left_out[0].reason, Catch::Contains("damaged"));
  const auto& classes = (*policy)->classes();
  CHECK(std::ranges::any_of(classes, [](const auto& each) { return each.name.ends_with("audio"); }));
  CHECK(std::ranges::none_of(classes, [](const auto& each) { return each.name.ends_with("video"); }));
}
