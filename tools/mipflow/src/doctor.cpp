// SPDX-License-Identifier: GPL-3.0-or-later
#include "doctor.hpp"

#include <fmt/format.h>
#include <sys/utsname.h>

#include <algorithm>
#include <cmath>
#include <ostream>

#include "commands.hpp"

namespace mipflow::tools {
namespace {

using enum Finding::Result;

std::string word(const nlohmann::json& object, const char* key) { return render(field(object, key), Look::Plain); }

// `home_agent`: as words for advice; empty when it is heard over no interface, and this one alone is not to blame.
Finding judge_interface(const nlohmann::json& item, const std::string& home_agent) {
  const auto name = word(item, "name");
  if (field(item, "usable") != true) return {name, Warning, "flows can not use it: " + word(item, "why_not"), ""};
  if (field(item, "online") == false)
    return {name, Warning, "is up, but the home agent does not answer over it",
            home_agent.empty() ? ""
                               : fmt::format("flows use the others. Is there a captive portal to log in at over {0}, or a firewall in its network? "
                                             "ping -I {0} {1} has to be answered, and IPv6 extension headers and the protocols 41 and 135 to "
                                             "come through",
                                             name, home_agent)};
  const auto round_trip = render(field(item, "round_trip_seconds"), Look::Measured);
  if (field(item, "online") == true)
    return {name, Good, round_trip == "-" ? "the home agent answers" : "the home agent answers in " + round_trip, ""};
  return {name, Good, "flows can use it; whether the home agent answers is not known yet", ""};
}

// RFC 4285 timestamps are the home agent's to judge; whoever keeps a clock right by himself may still be told otherwise.
std::vector<Finding> judge_home_agent_clock(const nlohmann::json& status) {
  const auto& ahead = field(status, "home_agent_clock_seconds");
  if (!ahead.is_number()) return {};
  if (ahead == 0) return {{"home agent's clock", Good, "agrees with this host's: it has refused no timestamp", ""}};
  const double seconds = ahead.get<double>();
  return {{"home agent's clock", Warning,
           fmt::format("is {} {} this host's, as it said when it refused a timestamp; Binding Updates allow for that",
                       render(std::abs(seconds), Look::Seconds), seconds > 0 ? "ahead of" : "behind"),
           "one of the two is wrong: compare date -u at both ends, and let an NTP client keep them right"}};
}

// What the daemon says; that it says nothing is a finding, too.
std::vector<Finding> examine_daemon(const std::string& socket) {
  const auto status = ask(socket, {{"request", "status"}});
  if (!status)
    return {{"daemon", status.error().kind == ControlError::Kind::NotReachable ? Error : Warning, status.error().message,
             "journalctl -u mipflow-mnd says why, when it does not start; on a home agent: mipflow --home-agent doctor"}};
  const auto interfaces = ask(socket, {{"request", "interfaces"}});
  return judge_daemon(*status, interfaces ? *interfaces : nlohmann::json());
}

std::vector<Finding> examine(const std::string& socket) {
  Host host;
  utsname name{};
  if (uname(&name) == 0) host.kernel_release = name.release;
  std::vector<Finding> out;
  const bool daemon_answers = ask(socket, {{"request", "status"}}).has_value();
  for (auto&& part : {examine_kernel(host), examine_clock(), examine_files(host, daemon_answers), examine_network(host), examine_daemon(socket)})
    out.insert(out.end(), part.begin(), part.end());
  return out;
}

// `unknown` is no verdict.
Finding::Result worst(const std::vector<Finding>& findings) {
  auto out = Good;
  for (const auto& finding : findings)
    if (finding.result != Unknown) out = std::max(out, finding.result);
  return out;
}

void print(const Invocation& invocation, const std::vector<Finding>& findings) {
  auto& out = invocation.console.out;
  for (const auto& finding : findings) {
    const bool matters = finding.result == Warning || finding.result == Error;
    const auto mark = fmt::format("{:<8}", to_string(finding.result));
    out << (matters && invocation.console.terminal ? "\033[1m" + mark + "\033[0m" : mark)
        << printable(fmt::format("{}: {}", finding.check, finding.text)) << '\n';
    if (!finding.advice.empty() && finding.result != Good) out << "          " << printable(finding.advice) << '\n';
  }
}

}  // namespace

std::vector<Finding> judge_daemon(const nlohmann::json& status, const nlohmann::json& interfaces) {
  std::vector<Finding> out;
  for (const auto& problem : field(status, "problems")) out.push_back({"daemon", Warning, render(problem, Look::Plain), ""});
  if (field(status, "role") == "mobile-node" && field(status, "registered") != true)
    out.push_back({"daemon", Error, "the Primary Home Address is not registered",
                   out.empty() ? "mipflow binding list shows what the home agent answered last"
                               : "see above; journalctl -u mipflow-mnd says since when"});
  if (out.empty()) out.push_back({"daemon", Good, "runs, and has nothing to complain about", ""});
  for (auto& finding : judge_home_agent_clock(status)) out.push_back(std::move(finding));
  if (field(status, "runs_as") == "root")
    out.push_back({"privileges", Warning, "the daemon runs as root", "make the user _mipflow with systemd-sysusers and restart the daemon"});
  else if (field(status, "runs_as").is_string())
    out.push_back({"privileges", Good, fmt::format("the daemon runs as {} with {}", render(field(status, "runs_as"), Look::Plain), render(field(status, "capabilities"), Look::Plain)), ""});
  const auto& sockets = field(status, "socket_addresses");
  if (sockets.is_string() && sockets != "on")
    out.push_back({"addresses at sockets", Warning, sockets.get<std::string>(),
                   "flows work all the same: their packets are rewritten"});
  if (!interfaces.is_array()) return out;
  if (std::none_of(interfaces.begin(), interfaces.end(), [](const auto& item) { return field(item, "usable") == true; }))
    out.push_back(
        {"interfaces", Error, "flows can use none", "each needs a carrier, a global IPv6 address and a default router"});
  const bool is_heard = std::any_of(interfaces.begin(), interfaces.end(), [](const auto& item) { return field(item, "online") == true; });
  const auto home_agent = is_heard ? word(status, "home_agent") : "";
  for (const auto& item : interfaces) out.push_back(judge_interface(item, home_agent));
  return out;
}

int run_doctor(const Invocation& invocation) {
  const auto findings = examine(invocation.line.socket);
  const auto verdict = worst(findings);
  if (invocation.line.json) {
    auto list = nlohmann::json::array();
    for (const auto& finding : findings)
      list.push_back({{"check", finding.check},
                      {"result", to_string(finding.result)},
                      {"text", finding.text},
                      {"advice", finding.advice.empty() ? nlohmann::json() : nlohmann::json(finding.advice)}});
    print_result(invocation, {{"findings", list}, {"worst", to_string(verdict)}});
  } else {
    print(invocation, findings);
  }
  return verdict == Good ? 0 : verdict == Warning ? 1 : 2;
}

}  // namespace mipflow::tools
