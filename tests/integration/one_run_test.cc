// SPDX-License-Identifier: Apache-2.0
// One request is one execution: from many connections at once, and on every host.
#include <csignal>
#include <string>
#include <string_view>
#include <vector>

#include "proto-json/message.h"
#include "tests/support/catch.h"
#include "tests/support/openexecd.h"
#include "tests/support/vectors.h"

namespace openexec::test {
namespace {

constexpr int connection_count = 64;

// The daemon finds all of the requests waiting when it wakes: none of them came first by luck of timing.
std::vector<Answer> send_at_once(const TestDaemon& daemon, const Json& params) {
  std::vector<AgentSocket> sockets;
  for (int i = 0; i < connection_count; ++i) {
    sockets.emplace_back(daemon.socket());
  }
  call(sockets.back(), "info");  // the daemon has taken the last of them in
  REQUIRE(::kill(daemon.pid(), SIGSTOP) == 0);
  for (AgentSocket& socket : sockets) {
    socket.send_line(encode_request(1, "execute", params));
  }
  REQUIRE(::kill(daemon.pid(), SIGCONT) == 0);
  std::vector<Answer> answers;
  for (AgentSocket& socket : sockets) {
    answers.push_back({socket.read_json()});
  }
  return answers;
}

// One of them ran it, and all of them got the same.
void require_one_run(const std::vector<Answer>& answers) {
  int ran = 0;
  for (const Answer& answer : answers) {
    ran += answer.replayed() ? 0 : 1;
    REQUIRE(without_replayed(answer) == without_replayed(answers.front()));
  }
  REQUIRE(answers.size() == connection_count);
  REQUIRE(ran == 1);
}

TEST_CASE("64 connections that send one request at once get one execution: one ran, 63 are replayed", "[integration]") {
  const Effects effects;
  SECTION("a pure action") {
    const TestDaemon daemon(demo_daemon());
    require_one_run(send_at_once(daemon, execute_params("echo", tag_payload("x"), "once")));
    AgentSocket socket(daemon.socket());
    REQUIRE(log_of(socket).size() == 1);
  }
  SECTION("an effectful action") {
    DaemonOptions options = demo_daemon(openexecd_faults_path());
    options.env = {effects.env()};
    const TestDaemon daemon(options);
    require_one_run(send_at_once(daemon, execute_params("test.count", tag_payload("once"), "once")));
    REQUIRE(effects.lines() == std::vector<std::string>{"once"});
    AgentSocket socket(daemon.socket());
    REQUIRE(log_of(socket).size() == 2);
  }
  SECTION("a signed request") {
    const TestDaemon daemon(clawshield_daemon());
    const Json payload = tag_payload("x");
    const Json approval = Approver::trusted().approve("echo", payload);
    require_one_run(send_at_once(daemon, execute_params("echo", payload, "once", approval)));
  }
  SECTION("a signed request for an effectful action") {
    DaemonOptions options = clawshield_daemon(openexecd_faults_path());
    options.env.push_back(effects.env());
    const TestDaemon daemon(options);
    const Json payload = tag_payload("once");
    const Json approval = Approver::trusted().approve("test.count", payload);
    require_one_run(send_at_once(daemon, execute_params("test.count", payload, "once", approval)));
    REQUIRE(effects.lines() == std::vector<std::string>{"once"});
  }
}

TEST_CASE("64 connections that share one approval under 64 nonces get one execution", "[integration]") {
  const TestDaemon daemon(clawshield_daemon());
  const Json payload = tag_payload("x");
  const Json approval = Approver::trusted().approve("echo", payload);
  std::vector<AgentSocket> sockets;
  for (int i = 0; i < connection_count; ++i) {
    sockets.emplace_back(daemon.socket());
  }
  call(sockets.back(), "info");
  REQUIRE(::kill(daemon.pid(), SIGSTOP) == 0);
  for (int i = 0; i < connection_count; ++i) {
    sockets[static_cast<std::size_t>(i)].send_line(
        encode_request(i, "execute", execute_params("echo", payload, "nonce-" + std::to_string(i), approval)));
  }
  REQUIRE(::kill(daemon.pid(), SIGCONT) == 0);
  int ran = 0;
  for (AgentSocket& socket : sockets) {
    const Answer answer{socket.read_json()};
    ran += answer.succeeded() ? 1 : 0;
    REQUIRE((answer.succeeded() || answer.reason() == "approval_used"));
  }
  REQUIRE(ran == 1);
}

TEST_CASE("two hosts give one request the same id and the same receipt", "[integration]") {
  const Json payload = parsed(R"({"amount":1e16,"to":"Zoë","list":[1,1.0,null]})");
  SECTION("in demo mode") {
    TestDaemon first(demo_daemon());
    TestDaemon second(demo_daemon());
    AgentSocket one(first.socket());
    AgentSocket other(second.socket());
    execute(other, "echo", tag_payload("only here"), "another");  // their logs differ
    const Answer a = execute(one, "echo", payload, "fleet-1");
    const Answer b = execute(other, "echo", payload, "fleet-1");
    REQUIRE(a.id() == b.id());
    REQUIRE(a.receipt() == b.receipt());
    REQUIRE(a.index() != b.index());
  }
  SECTION("in ClawShield mode, under one approval") {
    TestDaemon first(clawshield_daemon());
    TestDaemon second(clawshield_daemon());
    AgentSocket one(first.socket());
    AgentSocket other(second.socket());
    const Json approval = Approver::trusted().approve("echo", payload);
    const Answer a = execute(one, "echo", payload, "fleet-1", approval);
    const Answer b = execute(other, "echo", payload, "fleet-1", approval);
    REQUIRE(a.id() == b.id());
    REQUIRE(a.receipt() == b.receipt());
  }
}

TEST_CASE("callers that come while an action runs wait for its one answer", "[integration]") {
  const Effects effects;
  DaemonOptions options = demo_daemon(openexecd_faults_path());
  options.env = {effects.env()};
  const TestDaemon daemon(options);
  const Json params = execute_params("test.sleep", parsed(R"({"tag":"slow","ms":300})"), "slow-1");
  AgentSocket first(daemon.socket());
  first.send_line(encode_request(1, "execute", params));
  wait_until_claimed(daemon.socket(), "slow-1");
  AgentSocket second(daemon.socket());
  const Answer waited = call(second, "execute", params);
  const Answer ran{first.read_json()};
  REQUIRE_FALSE(ran.replayed());
  REQUIRE(waited.replayed());
  REQUIRE(without_replayed(ran) == without_replayed(waited));
  REQUIRE(effects.count("slow") == 1);
}

}  // namespace
}  // namespace openexec::test
