// SPDX-License-Identifier: GPL-3.0-or-later
#include "mipflow/platform/binding_store.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>
#include <sstream>
#include <unordered_map>

#include "binding_blocks.hpp"
#include "binding_records.hpp"
#include "kept_file_writer.hpp"

namespace mipflow::platform {

using nlohmann::json;

namespace {

constexpr const char* kMagic = "mipflow-bindings";
constexpr int kVersion = 4;
constexpr int kOldestVersion = 1;
constexpr const char* kWhole = "whole ";

constexpr std::size_t kBlockOctets = 1024 * 1024;  // of the whole part: what is read, and checked, at a time
// Until then the file is not written anew: a small one would be all the time.
constexpr std::size_t kLeastAppended = 4 * 1024 * 1024;

std::string line_of(const json& record) { return record.dump(-1, ' ', false, json::error_handler_t::replace) + "\n"; }

// Takes lines up, those behind `whole` in the place of what they replace.
class Reading {
 public:
  // Empty, or what is wrong.
  std::string take_lines(const std::string& text, bool appended) {
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
      const json value = json::parse(line, nullptr, false);
      if (!(appended ? take_appended(value) : take_record(value, state_))) return "a line is no binding";
    }
    return {};
  }
  StoredState finish() {
    if (ended_) std::erase_if(state_.bindings, [](const auto& binding) { return binding.home_address.is_unspecified(); });
    return std::move(state_);
  }

 private:
  bool take_appended(const json& value) {
    if (!value.is_object()) return false;
    if (value.contains("services")) {
      state_.services = {};
      return true;
    }
    if (const auto ended = value.find("ended_address"); ended != value.end()) {
      const auto home_address = ended->is_string() ? Address::parse(ended->get<std::string>()) : std::nullopt;
      if (home_address) forget(*home_address);
      return home_address.has_value();
    }
    const std::size_t before = state_.bindings.size();
    if (!take_record(value, state_)) return false;
    if (state_.bindings.size() > before) put_in_place(before);
    return true;
  }

  // The binding that was just added, in the place of an older one.
  void put_in_place(std::size_t added) {
    index_up_to(added);
    const auto [position, is_new] = positions_.try_emplace(state_.bindings[added].home_address, added);
    if (is_new) {
      indexed_ = added + 1;
      return;
    }
    state_.bindings[position->second] = std::move(state_.bindings[added]);
    state_.bindings.pop_back();
  }
  void forget(const Address& home_address) {
    index_up_to(state_.bindings.size());
    const auto found = positions_.find(home_address);
    if (found == positions_.end()) return;
    state_.bindings[found->second].home_address = {};
    positions_.erase(found);
    ended_ = true;
  }
  void index_up_to(std::size_t end) {
    for (; indexed_ < end; ++indexed_) positions_.try_emplace(state_.bindings[indexed_].home_address, indexed_);
  }

  StoredState state_;
  std::unordered_map<Address, std::size_t> positions_;  // into state_.bindings
  std::size_t indexed_ = 0;
  bool ended_ = false;
};

// Versions 1 to 3: behind the heading everything is one text.
Result<StoredState> read_old(std::istream& heading, std::istream& rest, const std::function<Unexpected<Failure>(const std::string&)>& damaged) {
  std::size_t count = 0;
  std::string digest;
  if (!(heading >> count >> digest)) return damaged("no heading");
  std::ostringstream text;
  text << rest.rdbuf();
  if (digest_of(text.str()) != digest) return damaged("the digest is wrong");
  Reading reading;
  if (const auto wrong = reading.take_lines(text.str(), false); !wrong.empty()) return damaged(wrong);
  const std::string whole_text = text.str();
  if (static_cast<std::size_t>(std::ranges::count(whole_text, '\n')) != count) return damaged("bindings are missing");
  return reading.finish();
}

}  // namespace

Result<StoredState> BindingStore::load() {
  appended_to_ = {};
  torn_octets_ = 0;
  std::ifstream file(file_, std::ios::binary);
  if (!file) {
    std::error_code error;
    if (!std::filesystem::exists(file_, error)) return StoredState{};
    return fail("cannot read the bindings in " + file_.string(), errno);
  }
  const auto damaged = [&](const std::string& why) {
    return fail("the bindings in " + file_.string() + " are damaged (" + why + ") and are not used; mobile nodes register anew at their next refresh");
  };
  std::string first;
  std::getline(file, first);
  std::istringstream heading(first);
  std::string magic;
  int version = 0;
  if (file.eof() || !(heading >> magic >> version) || magic != kMagic) return damaged("no heading");
  if (version < kOldestVersion || version > kVersion) return damaged("version " + std::to_string(version) + " is unknown");
  if (version < kVersion) return read_old(heading, file, damaged);

  using enum BlockReader::Found;
  BlockReader blocks(file, first.size() + 1);
  Reading reading;
  std::size_t whole_octets = 0;
  for (std::size_t count = 0;;) {
    const bool is_whole = whole_octets != 0;
    const auto found = blocks.next();
    if (found == Block) {
      ++count;
      if (const auto wrong = reading.take_lines(blocks.content(), is_whole); !wrong.empty()) return damaged(wrong);
    } else if (found == Line && !is_whole && blocks.content() == kWhole + std::to_string(count)) {
      whole_octets = blocks.position();
    } else if (is_whole && (found == End || found == Torn)) {
      break;
    } else {
      return damaged(found == Line ? "a line is no block" : found == Damaged ? "a digest is wrong" : "it is torn");
    }
  }
  file.clear();
  file.seekg(0, std::ios::end);
  torn_octets_ = static_cast<std::size_t>(file.tellg()) - blocks.position();
  if (auto opened = open_for_appending(whole_octets, blocks.position()); !opened) return Unexpected{opened.error()};
  return reading.finish();
}

Result<void> BindingStore::save(const StoredState& state) {
  appended_to_ = {};
  KeptFileWriter writer(file_);
  std::string heading = std::string(kMagic) + " " + std::to_string(kVersion) + "\n";
  std::size_t octets = heading.size();
  std::size_t count = 0;
  std::string content;
  auto done = writer.write(heading);
  const auto write_block = [&] {
    if (content.empty() || !done) return;
    const std::string block = make_block(content);
    octets += block.size();
    ++count;
    content.clear();
    done = writer.write(block);
  };
  for_each_record(state, [&](const json& record) {
    content += line_of(record);
    if (content.size() >= kBlockOctets) write_block();
  });
  write_block();
  const std::string end = kWhole + std::to_string(count) + "\n";
  if (done) done = writer.write(end);
  if (done) done = writer.finish();
  if (!done) return done;
  return open_for_appending(octets + end.size(), octets + end.size());
}

Result<void> BindingStore::open_for_appending(std::size_t whole_octets, std::size_t octets) {
  FileDescriptor descriptor(::open(file_.c_str(), O_WRONLY | O_CLOEXEC));
  // What stands behind was torn: it must not stand between two whole blocks.
  if (!descriptor || ::ftruncate(descriptor.get(), static_cast<off_t>(octets)) != 0 ||
      ::lseek(descriptor.get(), static_cast<off_t>(octets), SEEK_SET) < 0)
    return fail("cannot write to " + file_.string(), errno);
  appended_to_ = std::move(descriptor);
  whole_octets_ = whole_octets;
  octets_ = octets;
  return {};
}

Result<void> BindingStore::append(const StoredChanges& changes) {
  if (changes.empty()) return {};
  if (!appended_to_) return fail("cannot append to " + file_.string() + ": it has to be written anew");
  std::string content;
  for_each_record({changes.bindings.bound, {}}, [&](const json& record) { content += line_of(record); });
  for (const Address& ended : changes.bindings.ended) content += line_of({{"ended_address", to_string(ended)}});
  if (changes.services) {
    content += line_of({{"services", "anew"}});
    for_each_record({{}, *changes.services}, [&](const json& record) { content += line_of(record); });
  }
  const std::string block = make_block(content);
  const auto written = content.size() > BlockReader::kMostOctets ? fail(file_.string() + " has to be written anew")
                                                                 : write_and_synchronise(appended_to_.get(), block, file_.string());
  if (!written) {
    // Whether all of it, some of it or nothing stands there now: the next ones must not stand behind it.
    appended_to_ = {};
    return written;
  }
  octets_ += block.size();
  return write_anew_when_long();
}

Result<void> BindingStore::write_anew_when_long() {
  if (octets_ - whole_octets_ < std::max(kLeastAppended, whole_octets_)) return {};
  const auto state = load();
  return state ? save(*state) : Result<void>{Unexpected{state.error()}};
}

}  // namespace mipflow::platform
