// SPDX-License-Identifier: GPL-3.0-or-later
// `mipflow doctor`: one file for each subject, one function for each subject's findings.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "mipflow/platform/kernel_objects.hpp"
#include "mipflow/platform/network_lists.hpp"

namespace mipflow::tools {

struct Finding {
  enum class Result : unsigned char {
    Good,
    Warning,  // works, but not as it should
    Error,    // does not work like this
    Unknown,  // could not be seen; says why
  };
  std::string check;   // its subject, one to three words
  Result result = Result::Good;
  std::string text;    // what was found, half a sentence
  std::string advice;  // what to do; empty: nothing
};
const char* to_string(Finding::Result result);  // "good", "warning", "error", "unknown"

// Where to look; another root for tests.
struct Host {
  std::filesystem::path root = "/";
  std::string kernel_release;  // of uname(2)

  // The whole file below the root; nullopt when it can not be read.
  std::optional<std::string> read(const std::string& path) const;
  bool has(const std::string& path) const;
  // A module of this name is loaded, built in or can be loaded; nullopt when there is no list of modules.
  std::optional<bool> has_module(const std::string& name) const;
};

// eBPF, tc, NFQUEUE, nf_tables, cgroups, IPv6.
std::vector<Finding> examine_kernel(const Host& host);
// The configuration of each daemon that has one, its keys and policy. `daemon_answers`: there is one that has read its files.
std::vector<Finding> examine_files(const Host& host, bool daemon_answers = false);
// CLOCK_REALTIME against which RFC 4285 timestamps are judged: synchronised?
std::vector<Finding> examine_clock();
std::vector<Finding> judge_clock(bool synchronised, double estimated_error_seconds);

// What the network namespace has besides us.
struct NetworkSurvey {
  std::vector<platform::Link> links;
  std::vector<platform::Rule> rules;           // IPv6
  std::vector<platform::Route> default_routes;  // of all tables that the rules name
};
std::vector<Finding> examine_network(const Host& host);
// Chains of firewalls that drop what they do not know: they see inner packets on mip0, and packets for the daemons.
std::vector<Finding> judge_chains(const std::vector<platform::BaseChain>& chains);
std::vector<Finding> judge_network(const NetworkSurvey& survey);
// NetworkManager's own note about mip0.
std::vector<Finding> examine_network_manager(const Host& host, const NetworkSurvey& survey);

// The answers to `status` and `interfaces` of a mobile node's daemon; what it says is wrong, and each interface.
std::vector<Finding> judge_daemon(const nlohmann::json& status, const nlohmann::json& interfaces);

}  // namespace mipflow::tools
