// SPDX-License-Identifier: GPL-3.0-or-later
// Runs the kept inputs of fuzz targets again, in any build: the corpora, one input per line in hexadecimal digits, and every file
// in crashes/TARGET/, an input that once showed a mistake.
//
//   fuzz_replay TARGET [FILE]      FILE: this input alone, in octets
#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>
#include <unistd.h>
#include <vector>

#include "fuzz/target.hpp"
#include "targets.hpp"

// Both sanitizers end the process in their own way; g++ without them has no such function.
extern "C" __attribute__((weak)) void __sanitizer_set_death_callback(void (*callback)());

namespace {

namespace fs = std::filesystem;
using mipflow::Bytes;

struct Input {
  std::string name;
  Bytes octets;
};

std::string now_running;

void say_what_was_running() {
  const std::string text = "\nfuzz_replay: it was " + now_running + "\n";
  [[maybe_unused]] const auto written = ::write(STDERR_FILENO, text.data(), text.size());
}

std::optional<Bytes> from_hexadecimal(const std::string& line) {
  const auto digit = [](char c) { return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1; };
  if (line.size() % 2 != 0) return std::nullopt;
  Bytes out;
  for (std::size_t i = 0; i < line.size(); i += 2) {
    const int high = digit(line[i]), low = digit(line[i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    out.push_back(static_cast<std::uint8_t>(high << 4 | low));
  }
  return out;
}

Bytes read_octets(const fs::path& file) {
  std::ifstream stream(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

// nullopt: there is a line that is no input.
std::optional<std::vector<Input>> kept_inputs(const std::string& target) {
  std::vector<Input> out;
  const fs::path folder = MIPFLOW_FUZZ_FOLDER;
  const fs::path corpus = folder / "corpora" / (target + ".hex");
  std::ifstream lines(corpus);
  std::string line;
  for (std::size_t number = 1; std::getline(lines, line); ++number) {
    const std::string name = corpus.string() + ":" + std::to_string(number);
    auto octets = from_hexadecimal(line);
    if (!octets) {
      std::cerr << name << ": not an even number of hexadecimal digits\n";
      return std::nullopt;
    }
    out.push_back({name, std::move(*octets)});
  }
  std::error_code none;
  for (const auto& file : fs::directory_iterator(folder / "crashes" / target, none)) out.push_back({file.path(), read_octets(file.path())});
  return out;
}

}  // namespace

int main(int argc, char** argv) {
  const auto* target = argc >= 2 ? std::ranges::find_if(kTargets, [&](const auto& item) { return std::strcmp(item.name, argv[1]) == 0; })
                                 : std::end(kTargets);
  if (target == std::end(kTargets) || argc > 3) {
    std::cerr << "usage: fuzz_replay TARGET [FILE]\ntargets:";
    for (const auto& item : kTargets) std::cerr << ' ' << item.name;
    std::cerr << '\n';
    return 2;
  }
  if (__sanitizer_set_death_callback != nullptr) __sanitizer_set_death_callback(&say_what_was_running);
  std::set_terminate([] {
    say_what_was_running();
    std::abort();
  });

  std::vector<Input> inputs;
  if (argc == 3) {
    if (!fs::is_regular_file(argv[2])) {
      std::cerr << argv[2] << ": no such file\n";
      return 2;
    }
    inputs.push_back({argv[2], read_octets(argv[2])});
  } else if (auto kept = kept_inputs(target->name)) {
    inputs = std::move(*kept);
  }
  if (inputs.empty()) {
    std::cerr << "there is nothing to run again for " << target->name << '\n';
    return 1;
  }
  const auto started = std::chrono::steady_clock::now();
  int failed = 0;
  for (const auto& input : inputs) {
    now_running = input.name;
    try {
      target->run(input.octets);
    } catch (const std::exception& violation) {
      std::cerr << input.name << ": " << violation.what() << '\n';
      ++failed;
    }
  }
  const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - started);
  std::cout << target->name << ": " << inputs.size() << " inputs in " << took.count() << " ms, " << failed << " failed\n";
  return failed == 0 ? 0 : 1;
}
