// SPDX-License-Identifier: GPL-3.0-or-later
// Input: three octets that say what is changed, then a configuration file, which `mipflow setup` changes.
#include "mipflow/platform/configuration_text.hpp"

#include "fuzz/draw.hpp"
#include "fuzz/target.hpp"
#include "fuzz/text_file.hpp"

namespace mipflow::fuzz {

using platform::ConfigurationText;

namespace {

ConfigurationText parsed_again(const ConfigurationText& text) {
  auto again = ConfigurationText::parse(text.whole(), "again.toml");
  must(again.has_value(), "a changed file can not be read any more");
  return std::move(*again);
}

template <class Value, class Read>
void change(ConfigurationText text, const ConfigurationText::Place& place, const Value& value, const Read& read) {
  const std::string before = text.whole();
  const std::size_t tables = text.tables_in(place.list);
  if (!text.set(place, value)) {
    must(text.whole() == before, "a change that was refused has changed something");
    return;
  }
  must(read(text) == value, "a changed value is not there");
  const auto again = parsed_again(text);
  must(read(again) == value, "a changed value is not in the file");
  must(again.tables_in(place.list) == tables, "a change has made or taken a table");
}

}  // namespace

void fuzz_configuration_text(BytesView input);
void fuzz_configuration_text(BytesView input) {
  static const char* const kLists[] = {"", "mobile-node", "association", "agent", "secondary", "class"};
  static const char* const kKeys[] = {"home-agent", "identifier", "spi", "key", "log-level", "primary-home-address", "name"};
  static const char* const kValues[] = {"2001:db8:1::1", "", "with \"quotes\" and \\", "line\nbreak", "\xc3\xa9", "\xff"};
  Draw draw(input);
  const ConfigurationText::Place place{draw.one_of(kLists), draw.below(3), draw.one_of(kKeys)};
  const std::string value = draw.one_of(kValues);
  auto text = ConfigurationText::parse(text_of(draw.rest()), "before.toml");
  if (!text) {
    must(!text.error().empty(), "a file is refused without a reason");
    return;
  }
  change(*text, place, value, [&](const ConfigurationText& now) { return now.text_at(place).value_or("\xfe"); });
  change(*text, place, std::uint64_t{256}, [&](const ConfigurationText& now) { return now.number_at(place).value_or(0); });
  if (place.list.empty()) return;

  ConfigurationText longer = *text;
  const std::size_t tables = longer.tables_in(place.list);
  const std::size_t added = longer.append_table(place.list);
  if (longer.tables_in(place.list) == tables + 1) {
    must(added == tables, "a table that was added is not the last one");
    must(parsed_again(longer).tables_in(place.list) == tables + 1, "a table that was added is not in the file");
  }
  ConfigurationText shorter = *text;
  if (shorter.comment_out(place.list, place.index))
    must(parsed_again(shorter).tables_in(place.list) + 1 == tables, "commenting out a table has taken none, or more");
}

}  // namespace mipflow::fuzz
