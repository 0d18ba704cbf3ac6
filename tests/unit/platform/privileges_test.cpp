// SPDX-License-Identifier: GPL-3.0-or-later
// Who a daemon becomes, what it may read and give away, and how it asks its helpers. That rights are really gone is judged by
// tests/system/least_privilege_test.py, in processes of their own.
#include "mipflow/platform/privileges.hpp"

#include <linux/capability.h>
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <atomic>
#include <csignal>
#include <thread>

#include "mipflow/platform/given_folders.hpp"
#include "mipflow/platform/helper_process.hpp"
#include "mipflow/platform/security_associations.hpp"
#include "mipflow/platform/socket_holders.hpp"
#include "temporary_directory.hpp"

using namespace mipflow;
using namespace mipflow::platform;
using Names = std::vector<std::string>;

namespace {

struct stat file_of(uid_t user, gid_t group, mode_t mode) {
  struct stat out{};
  out.st_uid = user;
  out.st_gid = group;
  out.st_mode = S_IFREG | mode;
  return out;
}

// Answers what it is asked, the other way round.
HelperProcess::Role mirror() {
  return {.name = "mirror",
          .user = present_user(),
          .capabilities = {},
          .system_calls = SystemCalls::SocketHolders,
          .files = std::nullopt,
          .make_answer = [] { return [](BytesView question) { return Bytes(question.rbegin(), question.rend()); }; }};
}

}  // namespace

TEST_CASE("capabilities have the names of capabilities(7)") {
  CHECK(Capabilities{}.names().empty());
  CHECK(Capabilities{CAP_CHOWN, CAP_NET_ADMIN, CAP_SYS_PTRACE, CAP_PERFMON, CAP_BPF, CAP_CHECKPOINT_RESTORE}.names() ==
        Names{"CAP_CHOWN", "CAP_NET_ADMIN", "CAP_SYS_PTRACE", "CAP_PERFMON", "CAP_BPF", "CAP_CHECKPOINT_RESTORE"});
  CHECK(Capabilities{63}.names() == Names{"CAP_63"});
  CHECK((Capabilities{CAP_BPF, CAP_CHOWN} & Capabilities{CAP_BPF, CAP_KILL}) == Capabilities{CAP_BPF});
}

TEST_CASE("the daemon's user is a name or numbers") {
  const auto numbers = find_service_user("4242:4243");
  REQUIRE(numbers);
  CHECK(numbers->user == 4242);
  CHECK(numbers->group == 4243);
  CHECK(find_service_user("4242")->group == 4242);
  CHECK(find_service_user("root")->is_root());
  for (const char* wrong : {"no-such-user-here", "4242:", ":4242", "4242:4243:4244", "-1", "4294967295", "4242:4294967295", "99999999999"}) {
    INFO(wrong);
    const auto found = find_service_user(wrong);
    REQUIRE_FALSE(found);
    CHECK_THAT(found.error().message, Catch::Contains(std::string("there is no user ") + wrong));
  }
  // Without a name: its own one where there is one, else root.
  CHECK(find_service_user("")->name == (group_named(kServiceUser) ? kServiceUser : name_of_user(0)));
}

TEST_CASE("keys are root's or one's own, and for nobody else but the daemons' group") {
  const auto may = [](const struct stat& status) { return !objection_to_key_file(status, "keys.toml", group_of_keys()); };
  const uid_t me = ::geteuid();
  const auto group = group_of_keys();
  CHECK(may(file_of(0, 0, 0600)));
  CHECK(may(file_of(me, 0, 0400)));
  CHECK_FALSE(may(file_of(me + 1, 0, 0600)));
  for (const mode_t mode : {0604, 0602, 0601, 0620, 0660, 0650, 0644, 0641, 0666}) {
    INFO(mode);
    CHECK_FALSE(may(file_of(0, group.value_or(0), mode)));
    CHECK_FALSE(may(file_of(me, group.value_or(0), mode)));
  }
  CHECK(may(file_of(0, group.value_or(0), 0640)) == group.has_value());
  CHECK_FALSE(may(file_of(0, group.value_or(0) + 1, 0640)));
  if (me != 0) CHECK_FALSE(may(file_of(me, group.value_or(0), 0640)));  // its group has members, perhaps
  auto folder = file_of(0, 0, 0600);
  folder.st_mode = S_IFDIR | 0700;
  CHECK_FALSE(may(folder));
}

TEST_CASE("a folder is given away only with what is known to be ours") {
  const test::TemporaryDirectory directory;
  const auto somebody = *find_service_user("4242:4243");
  const auto place = directory.path() / "run";
  const auto owner = [](const std::filesystem::path& path) {
    struct stat status{};
    REQUIRE(::lstat(path.c_str(), &status) == 0);
    return status.st_uid;
  };
  if (::geteuid() != 0) return;
  REQUIRE(give_folder(place, somebody, 0755, is_runtime_name));
  CHECK(owner(place) == 4242);

  // As an earlier version left it.
  REQUIRE(::chown(place.c_str(), 0, 0) == 0);
  directory.write("run/mnd.lock", "");
  directory.write("secret", "");
  std::filesystem::create_symlink("../secret", place / "mnd.sysctls");
  REQUIRE(give_folder(place, somebody, 0755, is_runtime_name));
  CHECK(owner(place / "mnd.lock") == 4242);
  CHECK(owner(directory.path() / "secret") == 0);

  REQUIRE(::chown(place.c_str(), 0, 0) == 0);
  std::filesystem::create_hard_link(directory.path() / "secret", place / "had.lock");
  const auto linked = give_folder(place, somebody, 0755, is_runtime_name);
  REQUIRE_FALSE(linked);
  CHECK_THAT(linked.error().message, Catch::Contains("another name"));
  CHECK(owner(directory.path() / "secret") == 0);
  CHECK(owner(place) == 0);
  std::filesystem::remove(place / "had.lock");

  directory.write("run/letter", "");
  REQUIRE_FALSE(give_folder(place, somebody, 0755, is_runtime_name));
  CHECK(owner(place) == 0);
  CHECK(owner(place / "letter") == 0);
}

TEST_CASE("names of files that are ours") {
  for (const char* name : {"mnd.lock", "had.sock", "cnd.sock", "had.sysctls", "device-mip0.lock"}) CHECK(is_runtime_name(name));
  for (const char* name : {"lock", "mnd.toml", "xmnd.lock", "device-mip0", "systemd", ""}) CHECK_FALSE(is_runtime_name(name));
  for (const char* name : {"bindings", "bindings.new", "users", "network-policy", "home-addresses.new"}) CHECK(is_state_name(name));
  for (const char* name : {"binding", "users.toml", "dpkg", ""}) CHECK_FALSE(is_state_name(name));
}

TEST_CASE("a helper answers what it is asked, also when several ask, and goes when nobody can ask any more") {
  auto started = HelperProcess::start(mirror());
  REQUIRE(started);
  auto& helper = **started;
  CHECK(helper.ask(Bytes{1, 2, 3}) == Bytes{3, 2, 1});
  CHECK_FALSE(helper.ask(Bytes{}));  // an answer without octets is none
  CHECK(helper.ask(Bytes(HelperProcess::kLongestMessage - 1, 7)) == Bytes(HelperProcess::kLongestMessage - 1, 7));
  CHECK_FALSE(helper.ask(Bytes(HelperProcess::kLongestMessage, 7)));
  CHECK(helper.ask_if_idle(Bytes{4, 5}) == Bytes{5, 4});

  std::vector<std::thread> askers;
  std::atomic<unsigned> wrong = 0;
  for (std::uint8_t each = 0; each < 4; ++each)
    askers.emplace_back([&helper, &wrong, each] {
      for (std::uint8_t i = 0; i < 200; ++i) wrong += helper.ask(Bytes{each, i}) != Bytes{i, each};
    });
  for (auto& asker : askers) asker.join();
  CHECK(wrong == 0);

  const pid_t process = helper.process();
  CHECK(::kill(process, 0) == 0);
  started->reset();
  CHECK(::kill(process, 0) != 0);
}

TEST_CASE("a helper that is gone answers nothing, and nobody waits for it") {
  auto started = HelperProcess::start(mirror());
  REQUIRE(started);
  REQUIRE(::kill((*started)->process(), SIGKILL) == 0);
  CHECK_FALSE((*started)->ask(Bytes{1}));
  CHECK_FALSE((*started)->ask(Bytes{1}));
}

TEST_CASE("the helper that looks for sockets finds ours, and does not understand nonsense") {
  auto started = HelperProcess::start(socket_holders_role(present_user()));
  REQUIRE(started);
  for (const Bytes& nonsense : {Bytes{0}, Bytes{9, 9}, Bytes{1}, Bytes{1, 0, 0}, Bytes{2, 0, 0}, Bytes{2, 0, 0, 0, 0}, Bytes{3, 0xff, 0xff, 0xff, 0xff}})
    CHECK_FALSE((*started)->ask(nonsense));
  const auto holders = look_for_holders_by(std::move(*started));
  const auto ours = holders->is_in_our_network(::getpid());
  // It may look at processes of its own user, when these let it.
  CHECK((!ours || *ours));
  CHECK_FALSE(holders->is_in_our_network(0));
  CHECK(holders->find(0, std::nullopt, "/../..", SocketHolders::Clock::now() + std::chrono::seconds{1}).process == 0);
}
