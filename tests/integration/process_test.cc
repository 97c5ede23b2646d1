// SPDX-License-Identifier: Apache-2.0
// The daemon as the system sees it, and the client as the daemon sees it.
#include <unistd.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>

#include "tests/support/catch.h"
#include "tests/support/openexecd.h"
#include "tests/support/programs.h"
#include "tests/support/vectors.h"

namespace openexec::test {
namespace {

constexpr std::int64_t idle_rss_kib_max = 8 * 1024;

// A line of /proc/PID/status that begins with that name, in KiB.
std::int64_t status_kib(pid_t pid, std::string_view name) {
  std::ifstream status("/proc/" + std::to_string(pid) + "/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with(name)) {
      return std::stoll(line.substr(name.size()));
    }
  }
  throw std::runtime_error("/proc/PID/status has no " + std::string(name));
}

TEST_CASE("an idle daemon keeps at most 8 MiB resident", "[integration]") {
  if (programs_are_sanitized()) {
    WARN("skipped: a sanitizer's own memory would be measured");
    return;
  }
  const TestDaemon demo(demo_daemon());
  const TestDaemon clawshield(clawshield_daemon());
  AgentSocket demo_socket(demo.socket());
  AgentSocket clawshield_socket(clawshield.socket());
  const Json payload = tag_payload("x");
  REQUIRE(execute(demo_socket, "echo", payload, "n-1").succeeded());
  REQUIRE(execute(clawshield_socket, "echo", payload, "n-1", Approver::trusted().approve("echo", payload)).succeeded());
  const std::int64_t demo_kib = status_kib(demo.pid(), "VmRSS:");
  const std::int64_t clawshield_kib = status_kib(clawshield.pid(), "VmRSS:");
  CAPTURE(demo_kib, clawshield_kib);
  CHECK(demo_kib <= idle_rss_kib_max);
  CHECK(clawshield_kib <= idle_rss_kib_max);
}

TEST_CASE("memory that large requests took is given back", "[integration]") {
  if (programs_are_sanitized()) {
    WARN("skipped: a sanitizer keeps what is freed");
    return;
  }
  const TestDaemon daemon(demo_daemon());
  {
    AgentSocket socket(daemon.socket());
    for (int i = 0; i < 8; ++i) {
      REQUIRE(execute(socket, "echo", Json::object({{"text", std::string(1'000'000, 'x')}}), std::to_string(i))
                  .succeeded());
    }
  }
  AgentSocket socket(daemon.socket());
  REQUIRE(call(socket, "info").succeeded());
  // The pages of the store that were read are the kernel's to take, so they do not count.
  const std::int64_t own_kib = status_kib(daemon.pid(), "RssAnon:");
  CAPTURE(own_kib);
  CHECK(own_kib <= idle_rss_kib_max);
}

TEST_CASE("a receipt says who asked: user, group and process, by the kernel's word", "[integration]") {
  const TestDaemon daemon(demo_daemon());
  AgentSocket socket(daemon.socket());
  REQUIRE(execute(socket, "echo", tag_payload("x"), "n-1").succeeded());
  REQUIRE(execute(socket, "no.such.action", tag_payload("x"), "n-2").reason() == "unknown_action");
  const Json self = Json::object(
      {{"uid", std::int64_t{::geteuid()}}, {"gid", std::int64_t{::getegid()}}, {"pid", std::int64_t{::getpid()}}});
  const auto log = log_of(socket);
  REQUIRE(log.size() == 2);
  for (const Json& receipt : log) {
    REQUIRE(member(receipt, "peer") == self);
  }
}

TEST_CASE("a request cannot say that it comes from somebody else", "[integration]") {
  const TestDaemon daemon(demo_daemon());
  AgentSocket socket(daemon.socket());
  const Json params = with_member(execute_params("echo", tag_payload("x"), "n-1"), "peer", Json::object({{"uid", 0}}));
  REQUIRE(call(socket, "execute", params).reason() == "invalid_params");
  REQUIRE(log_of(socket).empty());
}

TEST_CASE("the daemon opens no network socket", "[integration]") {
  const TestDaemon daemon(clawshield_daemon());
  AgentSocket socket(daemon.socket());
  REQUIRE(call(socket, "info").succeeded());
  for (const std::string table : {"tcp", "tcp6", "udp", "udp6", "raw", "raw6"}) {
    INFO(table);
    std::ifstream sockets("/proc/net/" + table);
    std::string line;
    std::getline(sockets, line);  // the heads of the columns
    while (std::getline(sockets, line)) {
      std::istringstream columns(line);
      std::string column;
      for (int i = 0; i < 10; ++i) {
        columns >> column;
      }
      const std::string link = "socket:[" + column + "]";
      for (const auto& fd : std::filesystem::directory_iterator("/proc/" + std::to_string(daemon.pid()) + "/fd")) {
        std::error_code gone;
        CHECK(std::filesystem::read_symlink(fd.path(), gone) != link);
      }
    }
  }
}

}  // namespace
}  // namespace openexec::test
