// SPDX-License-Identifier: GPL-3.0-or-later
#include "setup.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <net/if.h>
#include <unistd.h>

#include <algorithm>
#include <iostream>
#include <iterator>

#include "commands.hpp"
#include "mipflow/platform/kept_file.hpp"
#include "setup_interview.hpp"
#include "setup_options.hpp"
#include "setup_report.hpp"

namespace mipflow::tools {
namespace {

using Subject = SetupOptions::Subject;
using Secret = Questioner::Secret;

constexpr std::size_t kLargestSecretFile = 65'536;

std::string joined(const std::vector<std::string>& words, const char* between) {
  std::string out;
  for (const auto& word : words) out += (out.empty() ? "" : between) + word;
  return out;
}

// What the kernel allows, whoever we are: the directory, or where it would have to be made.
bool may_write(std::filesystem::path directory) {
  std::error_code error;
  while (!std::filesystem::exists(directory, error) && directory.has_parent_path() && directory != directory.parent_path())
    directory = directory.parent_path();
  return faccessat(AT_FDCWD, directory.empty() ? "." : directory.c_str(), W_OK | X_OK, AT_EACCESS) == 0;
}

Expected<std::optional<std::string>, std::string> read_secret(const std::optional<std::filesystem::path>& file) {
  if (!file) return std::optional<std::string>();
  std::string text;
  if (*file == "-") {
    text.assign(std::istreambuf_iterator<char>(std::cin), {});
  } else {
    auto read = platform::read_kept_file(*file, kLargestSecretFile);
    if (!read) return Unexpected{"--secret-file: " + read.error().message};
    text = std::move(*read);
  }
  std::erase_if(text, [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; });
  return std::optional(text);
}

class Setup {
 public:
  Setup(const SetupOptions& options, const Console& console, SetupDraft draft, std::optional<std::string> secret)
      : options_(options), console_(console), draft_(std::move(draft)) {
    if (!options.yes && !options.json && console.input >= 0) dialogue_.emplace(console);
    questions_.emplace(draft_, dialogue_ ? &*dialogue_ : nullptr, console);
    interview_.emplace(options, std::move(secret), draft_, *questions_);
  }

  int run() {
    if (!interview_->run()) return questions_->exit_code();
    if (!questions_->missing().empty())
      return complain(console_, kExitUsage, fmt::format("missing: {}; 'mipflow setup --help' explains", joined(questions_->missing(), ", ")));
    if (const auto wrong = objections(); !wrong.empty())
      return complain(console_, kExitRefused, fmt::format("nothing was written, because with these answers\n{}", wrong));
    report_.changes = draft_.changes();
    report_.secret_is_new = questions_->secret() == Secret::Generated;
    const bool changes = !std::all_of(report_.changes.begin(), report_.changes.end(), [](const auto& each) { return each.nothing(); });
    if (!options_.json) print_changes(console_.out, report_.changes);
    if (changes && !options_.dry_run) {
      if (!confirmed()) return questions_->exit_code();
      if (const auto failure = draft_.write()) return complain(console_, kExitRefused, *failure);
      report_.written = true;
    }
    if (changes) tell_other_end();
    return next_steps();
  }

 private:
  std::optional<std::string> in_file(const char* key) const { return draft_.configuration().text_at({.key = key}); }

  // What the daemon would say, and what it would not take from this file because another one says otherwise.
  std::string objections() const {
    if (const auto mistakes = draft_.mistakes(); !mistakes.empty()) return to_string(mistakes);
    std::vector<std::string> overridden;
    const auto compare = [&](const char* key, const std::string& used) {
      if (in_file(key) != used && Address::parse(in_file(key).value_or("")) != Address::parse(used)) overridden.emplace_back(key);
    };
    if (options_.subject == Subject::MobileNode) {
      const auto settings = draft_.as_mobile_node();
      const Address& home_agent = settings->node.home_agent;
      compare("home-agent", home_agent.is_unspecified() ? "auto" : to_string(home_agent));
      compare("home-address", to_string(settings->node.primary_home_address));
    } else {
      const auto settings = draft_.as_home_agent();
      compare("home-agent-address", to_string(settings->agent.home_agent_address));
      compare("home-link", settings->home_link.empty() ? "virtual" : settings->home_link);
    }
    if (overridden.empty()) return "";
    auto others = draft_.file();
    others.replace_extension(".d");
    return fmt::format("the daemon would use another {}: a file in {}/ is read behind {} and sets it again", joined(overridden, " and "),
                       others.string(), draft_.file().string());
  }

  bool confirmed() {
    if (!dialogue_) return true;
    const auto yes = dialogue_->confirm("\nWrite this?", true);
    return yes.value_or(false) || questions_->give_up();
  }

  void tell_other_end() {
    const auto& file = draft_.configuration();
    const auto identifier = file.text_at(interview_->place_of("identifier")), home_address = file.text_at(interview_->place_of("home-address"));
    if (options_.subject == Subject::HomeAgent || !identifier || !home_address) return;
    const bool ours = options_.subject == Subject::AddMobileNode;
    if (ours)
      report_.for_other_end.push_back(
          {"On the mobile node, as root", fmt::format("mipflow setup --home-agent {} --home-address {} --home-prefix {} --identifier '{}' --spi {}\n",
                                                      in_file("home-agent-address").value_or(""), *home_address, prefix_of(*home_address), *identifier,
                                                      draft_.spi())});
    else
      report_.for_other_end.push_back({"The home agent needs this in its had.toml", mobile_node_block(*identifier, *home_address, draft_.spi())});
    if (report_.secret_is_new)
      report_.for_other_end.push_back({ours ? "which asks for the secret, the key of" : "and this in its security-associations.toml",
                                       association_block(*identifier, draft_.spi(), draft_.key())});
  }

  std::string prefix_of(const std::string& home_address) const {
    const auto address = Address::parse(home_address);
    const auto settings = draft_.as_home_agent();
    for (const auto& each : settings->agent.home_prefixes)
      if (address && each.prefix.contains(*address)) return to_string(each.prefix);
    return "";
  }

  const char* daemon() const { return options_.subject == Subject::MobileNode ? "mipflow-mnd" : "mipflow-had"; }

  // Whether the daemon runs already decides what makes it use the files.
  int next_steps() {
    auto& notes = report_.notes;
    if (options_.subject == Subject::HomeAgent) {
      const auto link = in_file("home-link").value_or("");
      if (link != "virtual" && if_nametoindex(link.c_str()) == 0)
        notes.push_back(fmt::format("There is no interface {} on this host; mipflow-had will wait for it.", link));
      notes.push_back("The mobile nodes are still to be named, one after the other: mipflow setup add-mobile-node");
    }
    const auto socket = !options_.socket.empty() ? options_.socket : options_.subject == Subject::MobileNode ? "/run/mipflow/mnd.sock" : "/run/mipflow/had.sock";
    const auto status = report_.written ? ask_daemon(socket, "status") : std::nullopt;
    bool reload = false;
    if (!report_.written) {
      if (std::all_of(report_.changes.begin(), report_.changes.end(), [](const auto& each) { return each.nothing(); }))
        notes.push_back("There is nothing to write.");
      else
        notes.push_back("Nothing was written, because of --dry-run.");
    } else if (!status) {
      notes.push_back(fmt::format("Next: systemctl enable --now {}, then: mipflow{} status", daemon(),
                                  options_.subject == Subject::MobileNode ? "" : " --home-agent"));
    } else if (options_.subject == Subject::AddMobileNode) {
      reload = true;
    } else {
      notes.push_back(fmt::format("{0} runs, and takes this with a restart; flows through it end then: systemctl restart {0}", daemon()));
    }
    options_.json ? print_report_as_json(console_.out, report_) : print_report(console_.out, report_);
    return reload ? offer_reload(socket) : kExitDone;
  }

  static std::optional<nlohmann::json> ask_daemon(const std::string& socket, const char* request) {
    auto answer = tools::ask(socket, {{"request", request}});
    return answer ? std::optional(std::move(*answer)) : std::nullopt;
  }

  // A home agent takes new mobile nodes without anybody noticing.
  int offer_reload(const std::string& socket) {
    const auto yes = dialogue_ ? dialogue_->confirm("\nmipflow-had runs. Shall it read its files again now? No flow notices.", true) : std::optional(false);
    if (!yes.value_or(false)) {
      if (!options_.json) console_.out << "mipflow-had runs, and takes this without ending any flow with: mipflow --home-agent reload\n";
      return kExitDone;
    }
    const auto done = tools::ask(socket, {{"request", "reload"}});
    if (!done) return complain(console_, done.error());
    console_.out << "mipflow-had knows the mobile node now.\n";
    return kExitDone;
  }

  const SetupOptions& options_;
  const Console& console_;
  SetupDraft draft_;
  std::optional<Dialogue> dialogue_;
  std::optional<Questioner> questions_;
  std::optional<SetupInterview> interview_;
  SetupReport report_;
};

// A home agent's file has to be right before a mobile node is added to it.
std::optional<std::string> not_ready(const SetupDraft& draft) {
  if (!draft.exists() || draft.is_untouched())
    return fmt::format("there is no home agent in {} yet; begin with: mipflow setup home-agent", draft.file().string());
  if (const auto mistakes = draft.mistakes(); !mistakes.empty())
    return fmt::format("these files are wrong already; mend them first:\n{}", to_string(mistakes));
  return std::nullopt;
}

}  // namespace

int run_setup(const std::vector<std::string>& arguments, const Console& console) {
  const auto options = parse_setup_options(arguments);
  if (!options) return complain(console, kExitUsage, options.error() + "; 'mipflow setup --help' explains");
  if (options->help) {
    console.out << describe_setup();
    return kExitDone;
  }
  if (!options->yes && !options->dry_run && console.input < 0)
    return complain(console, kExitUsage, "there is nobody to be asked: give the answers as options, and --yes; 'mipflow setup --help' explains");
  if (!options->dry_run && !may_write(options->directory))
    return complain(console, kExitRefused,
                    fmt::format("permission denied: only root can write to {}; run it as root: sudo mipflow setup. --dry-run shows what would be "
                                "written",
                                options->directory.string()));
  const auto secret = read_secret(options->secret_file);
  if (!secret) return complain(console, kExitUsage, secret.error());
  const auto daemon = options->subject == Subject::MobileNode ? SetupDraft::Daemon::MobileNode : SetupDraft::Daemon::HomeAgent;
  auto draft = SetupDraft::open(daemon, options->directory);
  if (!draft) return complain(console, kExitRefused, draft.error());
  if (options->subject == Subject::AddMobileNode)
    if (const auto reason = not_ready(*draft)) return complain(console, kExitRefused, *reason);
  return Setup(*options, console, std::move(*draft), *secret).run();
}

}  // namespace mipflow::tools
