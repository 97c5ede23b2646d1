// SPDX-License-Identifier: Apache-2.0
// Many at one time: requests on one connection, large ones, idle connections, and slow runs beside quick ones. How fast
// they are is the benchmark's matter.
#include <sys/resource.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "proto-json/message.h"
#include "tests/support/agent_socket.h"
#include "tests/support/catch.h"
#include "tests/support/commands.h"
#include "tests/support/openexecd.h"
#include "tests/support/process_facts.h"
#include "tests/support/programs.h"
#include "tests/support/vectors.h"

namespace openexec::test {
namespace {

std::string echo_line(int number, const Json& payload) {
  const std::string nonce = "n-" + std::to_string(number);
  return encode_request(number, "execute",
                        execute_params("echo", payload, nonce, Approver::trusted().approve("echo", payload))) +
         "\n";
}

TEST_CASE("requests pipelined 64 deep on one connection are each answered once, and run once", "[integration]") {
  constexpr int requests = 64 * 20;
  constexpr int in_flight = 64;
  const TestDaemon daemon(clawshield_daemon());
  AgentSocket socket(daemon.socket());
  const auto send = [&](int from, int count) {
    std::string lines;
    for (int number = from; number < from + count; ++number) {
      lines += echo_line(number, Json::object({{"number", number}}));
    }
    REQUIRE(socket.send(lines));
  };
  send(0, in_flight);
  std::set<std::int64_t> answered;
  for (int count = 1; count <= requests; ++count) {
    const Answer answer{socket.read_json()};
    const std::int64_t id = *member(answer.reply, "id").if_int();
    REQUIRE(answered.insert(id).second);
    REQUIRE(member(member(member(answer.result(), "result"), "echo"), "number") == Json(id));
    REQUIRE_FALSE(answer.replayed());
    if (count % in_flight == 0 && count < requests) {
      send(count, in_flight);
    }
  }
  CHECK(log_of(socket).size() == requests);
}

TEST_CASE("large payloads on many connections at one time are each answered in full", "[integration]") {
  constexpr int connections = 16;
  const TestDaemon daemon(clawshield_daemon());
  std::vector<std::unique_ptr<AgentSocket>> sockets;
  for (int number = 0; number < connections; ++number) {
    sockets.push_back(std::make_unique<AgentSocket>(daemon.socket()));
    const std::string text(1'000'000, static_cast<char>('a' + number));
    REQUIRE(sockets.back()->send(echo_line(number, Json::object({{"text", text}}))));
  }
  for (int number = 0; number < connections; ++number) {
    const Answer answer{sockets[static_cast<std::size_t>(number)]->read_json()};
    const std::string text = string_member(member(member(answer.result(), "result"), "echo"), "text");
    REQUIRE(text.size() == 1'000'000);
    REQUIRE(std::ranges::all_of(text, [&](char c) { return c == static_cast<char>('a' + number); }));
  }
}

TEST_CASE("16 commands that do not end hold up no pure request", "[integration]") {
  constexpr int slow = 16;
  const Commands commands;
  const std::string writable = commands.writable().string();
  commands.define_shell("slow",
                        "echo > " + writable + "/began.$$; until test -e " + writable + "/go; do sleep 0.05; done",
                        "concurrency = 16\ntimeout = \"300s\"\n[sandbox]\nwrite = [\"" + writable + "\"]\n");
  const TestDaemon daemon(commands.with(demo_daemon()));
  AgentSocket slow_socket(daemon.socket());
  for (int number = 0; number < slow; ++number) {
    slow_socket.send_line(
        encode_request(number, "execute", execute_params("slow", Json::object({}), "slow-" + std::to_string(number))));
  }
  REQUIRE(
      wait_until([&] { return std::distance(std::filesystem::directory_iterator(commands.writable()), {}) == slow; }));

  AgentSocket quick(daemon.socket());
  for (int number = 0; number < 500; ++number) {
    REQUIRE(execute(quick, "echo", Json::object({}), "quick-" + std::to_string(number)).succeeded());
    // Also on the connection of those that wait for their runs.
    if (number % 50 == 0) {
      slow_socket.send_line(encode_request(1000 + number, "info", Json::object({})));
      REQUIRE(member(slow_socket.read_json(), "id") == Json(1000 + number));
    }
  }
  CHECK(children_of(daemon.pid()).size() == slow);  // all of them run on
  std::ofstream(commands.writable() / "go").close();
  for (int number = 0; number < slow; ++number) {
    CHECK(output_of({slow_socket.read_json()}).empty());
  }
}

TEST_CASE("ten thousand idle connections cost the daemon at most 4 KiB each, and it serves the next one",
          "[integration]") {
  constexpr std::size_t connections = 10'000;
  rlimit files{};
  REQUIRE(getrlimit(RLIMIT_NOFILE, &files) == 0);
  files.rlim_cur = files.rlim_max;
  if (files.rlim_max < connections + 100 || setrlimit(RLIMIT_NOFILE, &files) != 0) {
    REQUIRE(std::getenv("CI") == nullptr);  // there it may
    WARN("skipped: this user may not have 10,000 files open");
    return;
  }
  const TestDaemon daemon(demo_daemon());
  const std::int64_t before_kib = anonymous_kib_of(daemon.pid());
  std::vector<AgentSocket> idle;
  idle.reserve(connections);
  while (idle.size() < connections) {
    idle.emplace_back(daemon.socket());
  }
  AgentSocket last(daemon.socket());
  CHECK(execute(last, "echo", Json::object({}), "n").succeeded());
  CHECK(idle.front().send_line(encode_request(1, "info", Json::object({}))));
  CHECK(idle.front().read_line().has_value());
  if (!programs_are_sanitized()) {  // a sanitizer's own memory would be measured
    CHECK(anonymous_kib_of(daemon.pid()) - before_kib <= static_cast<std::int64_t>(4 * connections));
  }
}

}  // namespace
}  // namespace openexec::test
