// SPDX-License-Identifier: Apache-2.0
// What a connection bears: many requests at once, a peer that reads slowly or not at all, one that stops sending.
#include <fstream>
#include <set>
#include <string>
#include <vector>

#include "proto-json/limits.h"
#include "proto-json/message.h"
#include "tests/support/catch.h"
#include "tests/support/openexecd.h"
#include "tests/support/vectors.h"

namespace openexec::test {
namespace {

DaemonOptions with_config(DaemonOptions options, const TempDir& dir, std::string_view text) {
  const auto file = dir / "openexec.toml";
  std::ofstream(file) << text;
  options.args = {"--config", file.string()};
  return options;
}

std::string echo_line(std::int64_t id, const std::string& text) {
  return encode_request(id, "execute",
                        execute_params("echo", Json::object({{"text", text}}), "nonce-" + std::to_string(id))) +
         "\n";
}

TEST_CASE("hundreds of requests may be sent before the first answer is read, and each is answered once",
          "[integration]") {
  const TestDaemon daemon(demo_daemon());
  AgentSocket socket(daemon.socket());
  constexpr std::int64_t count = 1000;
  std::string all;
  for (std::int64_t id = 0; id < count; ++id) {
    all += echo_line(id, "x");
  }
  REQUIRE(socket.send(all));
  std::set<std::int64_t> answered;
  for (std::int64_t i = 0; i < count; ++i) {
    const Answer answer{socket.read_json()};
    REQUIRE_FALSE(answer.replayed());
    REQUIRE(answered.insert(*member(answer.reply, "id").if_int()).second);
  }
  REQUIRE(log_of(socket).size() == count);
}

TEST_CASE("a connection with 64 requests under way is read again only when one of them is answered", "[integration]") {
  const Effects effects;
  DaemonOptions options = demo_daemon(openexecd_faults_path());
  options.env = {effects.env()};
  const TestDaemon daemon(options);
  AgentSocket socket(daemon.socket());
  // 64 callers of one run that takes a while: all of them are under way until it ends.
  const Json slow = execute_params("test.sleep", parsed(R"({"tag":"slow","ms":400})"), "slow");
  for (std::int64_t id = 1; id <= 64; ++id) {
    socket.send_line(encode_request(id, "execute", slow));
  }
  socket.send_line(encode_request(65, "info", nullptr));
  // Any other connection is served meanwhile, so the daemon was not simply busy.
  wait_until_claimed(daemon.socket(), "slow");
  AgentSocket other(daemon.socket());
  REQUIRE(call(other, "info").succeeded());
  const Json first = socket.read_json();
  REQUIRE(member(first, "id") != Json(65));
  std::size_t rest = 0;
  while (rest < 64) {
    static_cast<void>(socket.read_json());
    ++rest;
  }
  REQUIRE(effects.count("slow") == 1);
}

TEST_CASE("the bound on requests under way can be set to one", "[integration]") {
  const TempDir dir;
  const TestDaemon daemon(with_config(demo_daemon(), dir, "[limits]\nin_flight_per_connection = 1\n"));
  AgentSocket socket(daemon.socket());
  REQUIRE(socket.send(echo_line(1, "a") + echo_line(2, "b") + echo_line(3, "c")));
  for (std::int64_t id = 1; id <= 3; ++id) {
    REQUIRE(member(socket.read_json(), "id") == Json(id));  // one at a time: in order
  }
}

TEST_CASE("a peer that sends no more gets every answer that it is owed, then the end", "[integration]") {
  const Effects effects;
  DaemonOptions options = demo_daemon(openexecd_faults_path());
  options.env = {effects.env()};
  const TestDaemon daemon(options);
  AgentSocket socket(daemon.socket());
  socket.send_line(encode_request(1, "execute", execute_params("test.sleep", parsed(R"({"tag":"s","ms":200})"), "s")));
  REQUIRE(socket.send(echo_line(2, "x")));
  socket.finish_sending();
  std::set<std::int64_t> answered;
  answered.insert(*member(socket.read_json(), "id").if_int());
  answered.insert(*member(socket.read_json(), "id").if_int());
  REQUIRE(answered == std::set<std::int64_t>{1, 2});
  REQUIRE(socket.at_end());
}

TEST_CASE("a peer that goes away loses its answer, never the record", "[integration]") {
  const Effects effects;
  DaemonOptions options = demo_daemon(openexecd_faults_path());
  options.env = {effects.env()};
  const TestDaemon daemon(options);
  const Json params = execute_params("test.sleep", parsed(R"({"tag":"gone","ms":100})"), "gone");
  {
    AgentSocket leaving(daemon.socket());
    leaving.send_line(encode_request(1, "execute", params));
    wait_until_claimed(daemon.socket(), "gone");
  }
  AgentSocket socket(daemon.socket());
  const Answer answer = call(socket, "execute", params);
  REQUIRE(answer.replayed());
  REQUIRE(effects.count("gone") == 1);
}

TEST_CASE("a peer that reads nothing is not read from, and is served on once it reads", "[integration]") {
  const TestDaemon daemon(demo_daemon());
  AgentSocket slow(daemon.socket());
  // Small requests with large answers.
  std::string requests;
  constexpr std::int64_t count = 20'000;
  for (std::int64_t id = 1; id <= count; ++id) {
    requests += encode_request(id, "actions/list", nullptr) + "\n";
  }
  const std::size_t taken = slow.send_without_reading(requests);
  REQUIRE(taken < requests.size());
  // It keeps a bounded amount for that peer, and others are served.
  AgentSocket other(daemon.socket());
  REQUIRE(call(other, "info").succeeded());
  // Now the peer reads: everything is answered, in order.
  REQUIRE(slow.send(std::string_view(requests).substr(taken)));
  for (std::int64_t id = 1; id <= count; ++id) {
    REQUIRE(member(slow.read_json(), "id") == Json(id));
  }
}

TEST_CASE("more connections than may be are told so and closed, and one that ends makes room", "[integration]") {
  const TempDir dir;
  const TestDaemon daemon(with_config(demo_daemon(), dir, "[limits]\nconnections_max = 2\n"));
  const auto connect = [&] {
    // The one that has just ended may still be counted for a moment.
    while (true) {
      AgentSocket socket(daemon.socket());
      socket.send_line(encode_request(1, "info", nullptr));
      const Answer answer{socket.read_json()};
      if (answer.succeeded()) {
        return socket;
      }
      REQUIRE(answer.reason() == "overloaded");
    }
  };
  const AgentSocket first = connect();
  {
    const AgentSocket second = connect();
    AgentSocket third(daemon.socket());
    const Answer refused{third.read_json()};
    REQUIRE(refused.reason() == "overloaded");
    REQUIRE(member(refused.reply, "id").is_null());
    REQUIRE(third.at_end());
  }
  static_cast<void>(connect());
}

TEST_CASE("garbage on one connection troubles no other", "[integration]") {
  const TestDaemon daemon(demo_daemon());
  AgentSocket good(daemon.socket());
  for (int i = 0; i < 20; ++i) {
    AgentSocket bad(daemon.socket());
    bad.send(std::string(limits::line_bytes_max + 1, static_cast<char>('a' + i)));
    REQUIRE(Answer{bad.read_json()}.reason() == "invalid_request");
    REQUIRE(bad.at_end());
    AgentSocket half(daemon.socket());
    half.send(R"({"jsonrpc":"2.0","id":1,"method":"execute","params":{"action":"echo","nonce":"half"}})");
  }
  REQUIRE(call(good, "info").succeeded());
  REQUIRE(log_of(good).empty());
}

}  // namespace
}  // namespace openexec::test
