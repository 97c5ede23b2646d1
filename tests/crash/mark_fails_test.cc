// SPDX-License-Identifier: Apache-2.0
// A high-water file that cannot be written: strace makes the calls fail, so that the daemon is the real one.
#include <chrono>
#include <string>
#include <thread>

#include "proto-json/limits.h"
#include "tests/crash/kept_log.h"
#include "tests/crash/syscall_trace.h"
#include "tests/support/catch.h"
#include "tests/support/openexecd.h"

namespace openexec::test {
namespace {

TEST_CASE(
    "while the high-water file cannot be written what is durable is answered and nothing more is claimed, and then the "
    "daemon goes on",
    "[crash]") {
  if (!can_trace()) {
    return;
  }
  const TempDir dir;
  DaemonOptions options = demo_daemon();
  options.env = {"ASAN_OPTIONS=detect_leaks=0"};
  TestDaemon daemon(options);
  REQUIRE(daemon.stop().code == 0);  // the file is there from now on
  // Calls are counted for each thread: the first write of the thread that commits works, the next three do not.
  daemon.options().under = {"/usr/bin/strace",
                            "-D",
                            "-f",
                            "-o",
                            (dir / "trace").string(),
                            "-P",
                            daemon.state().string() + ".high-water",
                            "-e",
                            "trace=pwrite64",
                            "-e",
                            "inject=pwrite64:error=EIO:when=2..4"};
  daemon.start();
  AgentSocket socket(daemon.socket());
  KeptLog log;
  REQUIRE(execute(socket, "echo", tag_payload("1"), "n-1").succeeded());
  REQUIRE(execute(socket, "echo", tag_payload("2"), "n-2").succeeded());  // durable; its mark is not written
  log.check(socket);
  REQUIRE(execute(socket, "echo", tag_payload("3"), "n-3").reason() == "store_unavailable");

  const auto until = std::chrono::steady_clock::now() + generous_deadline;
  Answer again = execute(socket, "echo", tag_payload("3"), "n-3");
  while (again.reason() == "store_unavailable") {
    REQUIRE(std::chrono::steady_clock::now() < until);
    std::this_thread::sleep_for(std::chrono::milliseconds(limits::store_retry_ms / 10));
    again = execute(socket, "echo", tag_payload("3"), "n-3");
  }
  REQUIRE_FALSE(again.replayed());
  REQUIRE(execute(socket, "echo", tag_payload("2"), "n-2").replayed());
  log.check(socket);
  CHECK(log.entries().size() == 3);
  CHECK(daemon.err().find("cannot write the high-water file") != std::string::npos);
  while (daemon.err().find("the store is open again") == std::string::npos) {
    REQUIRE(std::chrono::steady_clock::now() < until);
    std::this_thread::sleep_for(std::chrono::milliseconds(limits::store_retry_ms / 10));
  }
  REQUIRE(daemon.stop().code == 0);
}

}  // namespace
}  // namespace openexec::test
