// SPDX-License-Identifier: Apache-2.0
// The real daemon, killed as by kill -9 while a command runs: the command dies with it, its outcome is unknown, and it
// is never run again.
#include <csignal>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include "proto-json/message.h"
#include "tests/crash/fault_points.h"
#include "tests/crash/kept_log.h"
#include "tests/support/catch.h"
#include "tests/support/commands.h"
#include "tests/support/openexecd.h"
#include "tests/support/process_facts.h"
#include "tests/support/vectors.h"

namespace openexec::test {
namespace {

// One line of effect; a child and a grandchild that nothing but SIGKILL ends; then an end, or none.
constexpr std::string_view effect = R"(
import json, os, signal, sys, time
payload = json.load(sys.stdin)
def stubborn():
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
    with open("OUT/pids", "a") as file:
        file.write(f"{os.getpid()}\n")
stubborn()
if os.fork() == 0:
    stubborn()
    if os.fork() == 0:
        stubborn()
        time.sleep(3600)
    time.sleep(3600)
with open("OUT/effects", "a") as file:
    file.write(payload["tag"] + "\n")
if payload["stays"]:
    time.sleep(3600)
)";

struct Crashes {
  Crashes() {
    commands.define_python("effect", effect,
                           "timeout = \"1h\"\n[schema.properties.tag]\ntype = \"string\"\n" +
                               std::string("[schema.properties.stays]\ntype = \"boolean\"\n"));
  }

  [[nodiscard]] std::filesystem::path effects() const { return commands.writable() / "effects"; }
  [[nodiscard]] std::size_t effect_count() const {
    std::ifstream file(effects());
    std::size_t count = 0;
    for (std::string line; std::getline(file, line);) {
      ++count;
    }
    return count;
  }
  // Every process that a run has told of.
  [[nodiscard]] std::vector<pid_t> pids() const {
    std::vector<pid_t> out;
    std::ifstream file(commands.writable() / "pids");
    for (pid_t pid = 0; file >> pid;) {
      out.push_back(pid);
    }
    return out;
  }

  // The daemon is dead: so is what it ran. After a restart the outcome is unknown, on record, and nothing runs again.
  void check_after_death(TestDaemon& daemon, std::size_t effects_max, const Json& payload) {
    daemon.options().env.clear();
    daemon.start();
    AgentSocket socket(daemon.socket());
    for (const char* attempt : {"once", "again"}) {
      INFO(attempt);
      CHECK(execute(socket, "effect", payload, "crash").reason() == "outcome_unknown");
    }
    CHECK(string_member(*receipt_by_nonce(socket, "crash"), "kind") == "unknown");
    for (const pid_t pid : pids()) {
      INFO(pid);
      CHECK(wait_until_gone(pid));
    }
    CHECK(effect_count() <= effects_max);
    log.check(socket);
    CHECK(daemon.stop().code == 0);
    log.check_store(daemon.state().string());
  }

  Commands commands;
  KeptLog log;
};

Json payload_of(bool stays) { return Json::object({{"tag", "t"}, {"stays", stays}}); }

TEST_CASE("a daemon may die at every step of a command's run: it has its effect once at most, and none of it is left",
          "[crash]") {
  for (const std::string_view point : command_fault_points) {
    DYNAMIC_SECTION(point) {
      Crashes crashes;
      TestDaemon daemon(crashes.commands.with(demo_daemon(openexecd_faults_path())));
      {
        AgentSocket socket(daemon.socket());
        REQUIRE(execute(socket, "echo", tag_payload("first"), "first").succeeded());
        crashes.log.check(socket);
      }
      REQUIRE(daemon.stop().code == 0);

      daemon.options().env = {"OPENEXEC_FAULT=" + std::string(point)};
      daemon.start();
      AgentSocket socket(daemon.socket());
      socket.send_line(encode_request(1, "execute", execute_params("effect", payload_of(false), "crash")));
      CHECK_FALSE(socket.read_line().has_value());
      REQUIRE(daemon.wait().signal == SIGKILL);
      const std::size_t effects_max = point == "command.before" ? 0 : 1;
      if (point == "command.ended") {
        CHECK(crashes.effect_count() == 1);
      }
      crashes.check_after_death(daemon, effects_max, payload_of(false));
    }
  }
}

TEST_CASE("kill -9 of the daemon in mid-run kills the command, its children and theirs", "[crash]") {
  Crashes crashes;
  TestDaemon daemon(crashes.commands.with(demo_daemon()));
  AgentSocket socket(daemon.socket());
  socket.send_line(encode_request(1, "execute", execute_params("effect", payload_of(true), "crash")));
  static_cast<void>(wait_for_file(crashes.effects()));
  REQUIRE(wait_until([&] { return crashes.pids().size() == 3; }));
  std::vector<pid_t> all;
  // With the launcher, when the sweep at the daemon's start has ended.
  CHECK(wait_until([&] { return (all = descendants_of(daemon.pid())).size() == 4; }));
  daemon.kill9();
  for (const pid_t pid : all) {
    INFO(pid);
    CHECK(wait_until_gone(pid));
  }
  CHECK(crashes.effect_count() == 1);
  crashes.check_after_death(daemon, 1, payload_of(true));
}

}  // namespace
}  // namespace openexec::test
