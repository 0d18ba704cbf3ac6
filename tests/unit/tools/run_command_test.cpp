// SPDX-License-Identifier: GPL-3.0-or-later
#include <catch2/catch.hpp>

#include <sys/wait.h>
#include <unistd.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "fake_control_server.hpp"
#include "mipflow/tools/command.hpp"

using namespace mipflow::tools;
using nlohmann::json;

namespace {

struct Outcome {
  int code = 0;
  std::string out;
  std::string err;
};

// In a process of its own: on success it becomes the program.
Outcome run(const std::vector<std::string>& arguments) {
  int out[2], err[2];
  REQUIRE(::pipe(out) == 0);
  REQUIRE(::pipe(err) == 0);
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    ::dup2(out[1], STDOUT_FILENO);
    ::dup2(err[1], STDERR_FILENO);
    for (const int end : {out[0], out[1], err[0], err[1]}) ::close(end);
    std::ostringstream text, complaints;
    const int code = run_command(arguments, {text, complaints});
    const auto write_all = [](int descriptor, const std::string& what) { return ::write(descriptor, what.data(), what.size()) >= 0; };
    ::_exit(write_all(STDOUT_FILENO, text.str()) && write_all(STDERR_FILENO, complaints.str()) ? code : 99);
  }
  ::close(out[1]);
  ::close(err[1]);
  const auto read_all = [](int descriptor) {
    std::string text;
    char buffer[4096];
    for (ssize_t size; (size = ::read(descriptor, buffer, sizeof buffer)) > 0;) text.append(buffer, static_cast<std::size_t>(size));
    ::close(descriptor);
    return text;
  };
  Outcome outcome{.code = 0, .out = read_all(out[0]), .err = read_all(err[0])};
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  outcome.code = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  return outcome;
}

std::optional<std::string> agree(const std::string&) { return R"({"version":1,"ok":true,"result":{"group":"/mipflow-run-1"}})" "\n"; }

}  // namespace

TEST_CASE("run: the daemon is asked first, then the program is there as if run directly") {
  const FakeControlServer server(agree);
  const auto done = run({"run", "--socket", server.path(), "--via", "wlan0", "--class=voice", "sh", "-c", "printf '%s|' \"$@\"; exit 7", "sh", "--via", "x y"});
  CHECK(done.code == 7);
  CHECK(done.out == "--via|x y|");
  CHECK(done.err.empty());
  const auto asked = json::parse(server.last_request());
  CHECK(asked["request"] == "run");
  CHECK(asked["interface"] == "wlan0");
  CHECK(asked["class"] == "voice");
}

TEST_CASE("run: options of every command may stand before it, and -- ends its own") {
  const FakeControlServer server(agree);
  const auto done = run({"--socket", server.path(), "run", "--class", "voice", "--", "echo", "--class"});
  CHECK(done.code == 0);
  CHECK(done.out == "--class\n");
  CHECK_FALSE(json::parse(server.last_request()).contains("interface"));
}

TEST_CASE("run: a program that ends by a signal does") {
  const FakeControlServer server(agree);
  CHECK(run({"run", "--socket", server.path(), "--via", "wlan0", "sh", "-c", "kill -KILL $$"}).code == -9);
}

TEST_CASE("run: what the daemon refuses is not started") {
  const FakeControlServer server([](const std::string&) -> std::optional<std::string> {
    return R"({"version":1,"ok":false,"error":{"kind":"unknown-class","message":"the policy has no class 'x'"}})" "\n";
  });
  const auto done = run({"run", "--socket", server.path(), "--class", "x", "echo", "started"});
  CHECK(done.code == 125);
  CHECK(done.out.empty());
  CHECK(done.err == "mipflow: the policy has no class 'x'\n");
}

TEST_CASE("run: programs that can not be") {
  const FakeControlServer server(agree);
  CHECK(run({"run", "--socket", server.path(), "--via", "wlan0", "/nowhere/at/all"}).code == 127);
  CHECK(run({"run", "--socket", server.path(), "--via", "wlan0", "/etc/passwd"}).code == 126);
  CHECK(run({"run", "--socket", "/nowhere/mnd.sock", "--via", "wlan0", "true"}).code == 125);
}

TEST_CASE("run: a wrong command line says what is right") {
  for (const auto& arguments : std::vector<std::vector<std::string>>{{"run"},
                                                                    {"run", "--via"},
                                                                    {"run", "--via", "wlan0"},
                                                                    {"run", "echo", "x"},
                                                                    {"run", "--via=", "echo"},
                                                                    {"run", "--nice", "--via", "wlan0", "echo"}}) {
    const auto done = run(arguments);
    CHECK(done.code == 125);
    CHECK(done.out.empty());
    CHECK(done.err.find("usage: mipflow run") != std::string::npos);
  }
  const auto help = run({"run", "--help"});
  CHECK(help.code == 0);
  CHECK(help.out.find("--class") != std::string::npos);
}
