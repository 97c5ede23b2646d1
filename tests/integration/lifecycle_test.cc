// SPDX-License-Identifier: Apache-2.0
// How a daemon starts beside others and how it stops.
#include <sys/stat.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <string>
#include <thread>

#include "proto-json/message.h"
#include "tests/support/catch.h"
#include "tests/support/openexecd.h"
#include "tests/support/vectors.h"

namespace openexec::test {
namespace {

namespace fs = std::filesystem;

// A second daemon with a socket and a store of the caller's choice.
Completed start_another(const std::string& socket_path, const fs::path& state) {
  return run(
      {.argv = {openexecd_path(), "--socket", socket_path}, .env = {"OPENEXEC_DB_URL=lmdb://" + state.string()}});
}

void require_refused(const Completed& refused, std::string_view what) {
  INFO(refused.err);
  REQUIRE(refused.exit_code == 2);
  REQUIRE(refused.err.find(what) != std::string::npos);
  REQUIRE(refused.err.find('\n') == refused.err.size() - 1);  // one line
  REQUIRE(refused.out.empty());
}

bool is_socket(const std::string& path) { return fs::is_socket(fs::symlink_status(path)); }

TEST_CASE("a stop finishes what runs, answers it, exits 0 and takes its socket away", "[integration]") {
  const int signal = GENERATE(SIGTERM, SIGINT);
  const Effects effects;
  DaemonOptions options = demo_daemon(openexecd_faults_path());
  options.env = {effects.env()};
  TestDaemon daemon(options);
  AgentSocket idle(daemon.socket());
  AgentSocket running(daemon.socket());
  const Json params = execute_params("test.sleep", parsed(R"({"tag":"last","ms":300})"), "last");
  running.send_line(encode_request(1, "execute", params));
  wait_until_claimed(daemon.socket(), "last");
  REQUIRE(::kill(daemon.pid(), signal) == 0);
  const Answer answer{running.read_json()};
  REQUIRE(answer.succeeded());
  REQUIRE(running.at_end());
  REQUIRE(idle.at_end());
  REQUIRE(daemon.wait().code == 0);
  REQUIRE_FALSE(is_socket(daemon.socket()));

  daemon.start();
  AgentSocket after(daemon.socket());
  const Answer again = call(after, "execute", params);
  REQUIRE(again.replayed());
  REQUIRE(without_replayed(again) == without_replayed(answer));
  REQUIRE(effects.count("last") == 1);
}

TEST_CASE("a second signal ends a stop at once, exit 1, and what ran is unknown afterwards", "[integration]") {
  const Effects effects;
  DaemonOptions options = demo_daemon(openexecd_faults_path());
  options.env = {effects.env()};
  TestDaemon daemon(options);
  const Json params = execute_params("test.sleep", parsed(R"({"tag":"long","ms":600000})"), "long");
  AgentSocket running(daemon.socket());
  AgentSocket idle(daemon.socket());
  running.send_line(encode_request(1, "execute", params));
  effects.wait_for("long");
  REQUIRE(::kill(daemon.pid(), SIGTERM) == 0);
  REQUIRE(idle.at_end());  // it has seen the first
  REQUIRE(::kill(daemon.pid(), SIGTERM) == 0);
  REQUIRE(daemon.wait().code == 1);
  daemon.start();
  AgentSocket after(daemon.socket());
  REQUIRE(call(after, "execute", params).reason() == "outcome_unknown");
  REQUIRE(effects.count("long") == 1);
}

TEST_CASE("a stopping daemon takes no new connection", "[integration]") {
  const Effects effects;
  DaemonOptions options = demo_daemon(openexecd_faults_path());
  options.env = {effects.env()};
  TestDaemon daemon(options);
  AgentSocket running(daemon.socket());
  AgentSocket idle(daemon.socket());
  running.send_line(encode_request(1, "execute", execute_params("test.sleep", parsed(R"({"tag":"x","ms":500})"), "x")));
  wait_until_claimed(daemon.socket(), "x");
  REQUIRE(::kill(daemon.pid(), SIGTERM) == 0);
  REQUIRE(idle.at_end());
  REQUIRE_THROWS(AgentSocket(daemon.socket()));
  REQUIRE(Answer{running.read_json()}.succeeded());
  REQUIRE(daemon.wait().code == 0);
}

TEST_CASE("the socket of a daemon that was killed is replaced", "[integration]") {
  TestDaemon daemon(demo_daemon());
  daemon.kill9();
  REQUIRE(is_socket(daemon.socket()));
  daemon.start();
  AgentSocket socket(daemon.socket());
  REQUIRE(call(socket, "info").succeeded());
}

TEST_CASE("a live socket is never taken from another daemon", "[integration]") {
  const TestDaemon daemon(demo_daemon());
  AgentSocket before(daemon.socket());
  const fs::path other_store = daemon.dir() / "other";
  require_refused(start_another(daemon.socket(), other_store), "another openexecd listens at " + daemon.socket());
  REQUIRE_FALSE(fs::exists(other_store));
  REQUIRE(call(before, "info").succeeded());
  AgentSocket after(daemon.socket());
  REQUIRE(call(after, "info").succeeded());
}

TEST_CASE("a file that is no socket is never replaced by one", "[integration]") {
  const TempDir dir;
  const std::string path = dir / "socket";
  fs::create_directory(path);
  require_refused(start_another(path, dir / "state"), path + " exists and is no socket");
  REQUIRE(fs::is_directory(path));
  REQUIRE_FALSE(fs::exists(dir / "state"));
}

TEST_CASE("a second daemon on one store is refused, and the first does not notice", "[integration]") {
  const TestDaemon daemon(demo_daemon());
  const std::string second = daemon.dir() / "second";
  require_refused(start_another(second, daemon.state()), "is in use by another openexecd");
  REQUIRE_FALSE(is_socket(second));
  AgentSocket socket(daemon.socket());
  REQUIRE(execute(socket, "echo", tag_payload("x"), "n").succeeded());
}

TEST_CASE("the socket and the store are for their owner only", "[integration]") {
  const TestDaemon daemon(demo_daemon());
  const auto mode_of = [](const fs::path& path) {
    struct stat status{};
    REQUIRE(::stat(path.c_str(), &status) == 0);
    return status.st_mode & 07777U;
  };
  CHECK(mode_of(daemon.socket()) == 0600);
  CHECK(mode_of(daemon.state()) == 0700);
  for (const auto& entry : fs::directory_iterator(daemon.state())) {
    INFO(entry.path());
    CHECK(mode_of(entry.path()) == 0600);
  }
}

TEST_CASE("a store keeps what it knows over restarts: replays, used approvals, the log", "[integration]") {
  TestDaemon daemon(clawshield_daemon());
  const Json payload = tag_payload("x");
  const Json approval = Approver::trusted().approve("echo", payload);
  AgentSocket first(daemon.socket());
  const Answer ran = execute(first, "echo", payload, "n-1", approval);
  REQUIRE_FALSE(ran.replayed());
  const std::vector<Json> log = log_of(first);
  REQUIRE(daemon.stop().code == 0);
  daemon.start();
  AgentSocket second(daemon.socket());
  REQUIRE(log_of(second) == log);
  const Answer again = execute(second, "echo", payload, "n-1", approval);
  REQUIRE(again.replayed());
  REQUIRE(without_replayed(again) == without_replayed(ran));
  REQUIRE(execute(second, "echo", payload, "n-2", approval).reason() == "approval_used");
}

}  // namespace
}  // namespace openexec::test
