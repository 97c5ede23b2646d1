// SPDX-License-Identifier: Apache-2.0
// How commands end: by themselves, at their timeout, with the daemon; and what waits for them.
#include <signal.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "proto-json/message.h"
#include "tests/support/catch.h"
#include "tests/support/commands.h"
#include "tests/support/openexecd.h"
#include "tests/support/process_facts.h"
#include "tests/support/temp_dir.h"
#include "tests/support/vectors.h"

namespace openexec::test {
namespace {

const Json nothing = Json::object({});

// Appends its process id, and that of a child that ignores what asks it to end, to the file "pids".
constexpr std::string_view two_stubborn = R"(
import os, signal, sys, time
for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
    signal.signal(number, signal.SIG_IGN)
child = os.fork()
if child:
    with open("OUT/pids.part", "w") as file:
        file.write(f"{os.getpid()} {child}\n")
    os.rename("OUT/pids.part", "OUT/pids")
    print("waiting", flush=True)
time.sleep(3600)
)";

std::vector<pid_t> pids_in(const std::filesystem::path& path) {
  static_cast<void>(wait_for_file(path));
  std::vector<pid_t> out;
  std::ifstream file(path);
  for (pid_t pid = 0; file >> pid;) {
    out.push_back(pid);
  }
  return out;
}

bool accepts(const std::string& socket_path) {
  try {
    AgentSocket socket(socket_path);
    return true;
  } catch (const std::runtime_error&) {
    return false;
  }
}

void require_all_gone(const std::vector<pid_t>& pids) {
  for (const pid_t pid : pids) {
    INFO(pid);
    REQUIRE(wait_until_gone(pid));
  }
}

TEST_CASE("a command that ignores what asks it to end is killed with all it started, and is timed out",
          "[integration]") {
  const Commands commands;
  commands.define_python("stubborn", two_stubborn, "timeout = \"3s\"\n");
  const TestDaemon daemon(commands.with(demo_daemon()));
  AgentSocket socket(daemon.socket());
  const Answer answer = execute(socket, "stubborn", nothing, "1");
  CHECK(command_result_of(answer, "timed_out") ==
        parsed(R"({"signal":9,"stderr":"","stdout":"waiting\n","truncated":false})"));
  const auto pids = pids_in(commands.writable() / "pids");
  CHECK(pids.size() == 2);
  require_all_gone(pids);
  CHECK(wait_until([&] { return children_of(daemon.pid()).empty(); }));  // the launcher ends after its report
  const Json receipt = *receipt_by_nonce(socket, "1");
  CHECK(string_member(receipt, "kind") == "timed_out");
  CHECK(member(receipt, "exit") == parsed(R"({"signal":9})"));
}

TEST_CASE("failed and timed-out runs are final: replayed, not run again", "[integration]") {
  const Commands commands;
  const std::string file = (commands.writable() / "runs").string();
  const std::string sandbox = "\n[sandbox]\nwrite = [\"" + commands.writable().string() + "\"]\n";
  commands.define_shell("fails", "echo fails >> " + file + "; exit 1", sandbox);
  commands.define_shell("hangs", "echo hangs >> " + file + "; exec sleep 3600", "timeout = \"2s\"\n" + sandbox);
  const TestDaemon daemon(commands.with(demo_daemon()));
  AgentSocket socket(daemon.socket());
  for (const char* name : {"fails", "hangs"}) {
    const Answer first = execute(socket, name, nothing, name);
    const Answer again = execute(socket, name, nothing, name);
    CHECK_FALSE(first.replayed());
    CHECK(again.replayed());
    CHECK(without_replayed(first) == without_replayed(again));
  }
  CHECK(read_file(file) == "fails\nhangs\n");
}

TEST_CASE("with a concurrency of 1 a second run begins when the first has ended", "[integration]") {
  const Commands commands;
  const std::string file = (commands.writable() / "steps").string();
  commands.define_shell("step", "echo begin >> " + file + "; sleep 0.1; echo end >> " + file,
                        "stdin = \"none\"\n[sandbox]\nwrite = [\"" + commands.writable().string() + "\"]\n");
  const TestDaemon daemon(commands.with(demo_daemon()));
  AgentSocket socket(daemon.socket());
  constexpr int runs = 5;
  std::string expected;
  for (int i = 0; i < runs; ++i) {
    socket.send_line(encode_request(i, "execute", execute_params("step", nothing, std::to_string(i))));
    expected += "begin\nend\n";
  }
  for (int i = 0; i < runs; ++i) {
    CHECK(output_of({socket.read_json()}).empty());
  }
  CHECK(read_file(file) == expected);
}

TEST_CASE("a command that forks without end leaves the daemon healthy, and all of it dies at the timeout",
          "[integration]") {
  const Commands commands;
  // It bounds itself, for the sake of the machine, to 121 at one time.
  commands.define_python("forks", R"(
import os, signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
def sleep_and_fork(depth):
    while True:
        for _ in range(3):
            if depth < 4 and os.fork() == 0:
                sleep_and_fork(depth + 1)
        if depth == 0:
            open("OUT/forked", "a").write("x")
        time.sleep(3600)
sleep_and_fork(0)
)",
                         "timeout = \"4s\"\n");
  const TestDaemon daemon(commands.with(demo_daemon()));
  AgentSocket socket(daemon.socket());
  socket.send_line(encode_request(1, "execute", execute_params("forks", nothing, "forks")));
  static_cast<void>(wait_for_file(commands.writable() / "forked"));
  const auto forked = descendants_of(daemon.pid());
  CHECK(forked.size() >= 5);  // the launcher, the first, and those it had started by then
  AgentSocket other(daemon.socket());
  for (int i = 0; i < 50; ++i) {
    CHECK(execute(other, "echo", nothing, "echo-" + std::to_string(i)).succeeded());
  }
  CHECK(string_member(member(socket.read_json(), "result"), "status") == "timed_out");
  require_all_gone(forked);
  CHECK(wait_until([&] { return descendants_of(daemon.pid()).empty(); }));
}

TEST_CASE("a daemon that is stopped lets what runs finish, and answers it", "[integration]") {
  const Commands commands;
  commands.define_shell("slow", "echo > " + (commands.writable() / "began").string() + "; sleep 0.5; echo done",
                        "[sandbox]\nwrite = [\"" + commands.writable().string() + "\"]\n");
  TestDaemon daemon(commands.with(demo_daemon()));
  AgentSocket socket(daemon.socket());
  socket.send_line(encode_request(1, "execute", execute_params("slow", nothing, "1")));
  static_cast<void>(wait_for_file(commands.writable() / "began"));
  CHECK(daemon.stop().code == 0);
  CHECK(output_of({socket.read_json()}) == "done\n");
  daemon.start();
  AgentSocket again(daemon.socket());
  CHECK(execute(again, "slow", nothing, "1").replayed());
}

TEST_CASE("a second signal ends the daemon at once and what runs with it, and the outcome is unknown",
          "[integration]") {
  const Commands commands;
  commands.define_python("stubborn", two_stubborn, "timeout = \"1h\"\n");
  TestDaemon daemon(commands.with(demo_daemon()));
  AgentSocket socket(daemon.socket());
  socket.send_line(encode_request(1, "execute", execute_params("stubborn", nothing, "1")));
  const auto pids = pids_in(commands.writable() / "pids");
  std::vector<pid_t> all;
  // With the launcher, when the sweep at the daemon's start has ended.
  CHECK(wait_until([&] { return (all = descendants_of(daemon.pid())).size() == 3; }));
  REQUIRE(::kill(daemon.pid(), SIGTERM) == 0);
  REQUIRE(wait_until([&] { return !accepts(daemon.socket()); }));  // two signals at one time would be one
  CHECK(daemon.stop().code == 1);
  require_all_gone(all);
  require_all_gone(pids);
  daemon.start();
  AgentSocket again(daemon.socket());
  CHECK(execute(again, "stubborn", nothing, "1").reason() == "outcome_unknown");
}

TEST_CASE("a daemon that starts removes the temporary folders that no run has", "[integration]") {
  const Commands commands;
  const TempDir temp;
  std::filesystem::create_directories(temp / "openexec-run-abcdef/a");
  std::filesystem::create_directory(temp / "other");
  commands.define("true", "argv = [\"/usr/bin/true\"]\n");
  auto options = commands.with(demo_daemon());
  options.env.push_back("TMPDIR=" + temp.path().string());
  const TestDaemon daemon(options);
  CHECK(wait_until([&] { return !std::filesystem::exists(temp / "openexec-run-abcdef"); }));
  CHECK(std::filesystem::exists(temp / "other"));
}

TEST_CASE("a launcher that is killed takes its run with it, and the result says what is not known", "[integration]") {
  const Commands commands;
  const TempDir temp;
  // As hard to find and to end as it can make itself.
  const std::string loose = "import ctypes\nctypes.CDLL(None).prctl(4, 0)\nctypes.CDLL(None).prctl(1, 0)\n";
  commands.define_python("stubborn", loose + std::string(two_stubborn), "timeout = \"1h\"\n");
  auto options = commands.with(demo_daemon());
  options.env.push_back("TMPDIR=" + temp.path().string());
  const TestDaemon daemon(options);
  AgentSocket socket(daemon.socket());
  socket.send_line(encode_request(1, "execute", execute_params("stubborn", nothing, "1")));
  const auto pids = pids_in(commands.writable() / "pids");
  CHECK_FALSE(std::filesystem::is_empty(temp.path()));
  REQUIRE(wait_until([&] { return children_of(daemon.pid()).size() == 1; }));  // the sweep at its start has ended
  const auto launchers = children_of(daemon.pid());
  REQUIRE(launchers.size() == 1);
  REQUIRE(::kill(launchers[0], SIGKILL) == 0);
  const Json result = command_result_of({socket.read_json()}, "failed");
  CHECK(string_member(result, "error").find("may have had its effect") != std::string::npos);
  require_all_gone(pids);
  CHECK(wait_until([&] { return children_of(daemon.pid()).empty() && std::filesystem::is_empty(temp.path()); }));
  CHECK(receipt_by_nonce(socket, "1")->find("exit") == nullptr);
  CHECK(execute(socket, "stubborn", nothing, "1").replayed());
}

}  // namespace
}  // namespace openexec::test
