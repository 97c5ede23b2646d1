// SPDX-License-Identifier: Apache-2.0
#include "client/client.h"

#include <pthread.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <csignal>
#include <optional>
#include <string>
#include <vector>

#include "proto-json/crypto.h"
#include "proto-json/limits.h"
#include "proto-json/message.h"
#include "tests/support/catch.h"
#include "tests/support/fake_daemon.h"
#include "tests/support/vectors.h"

namespace openexec::client {
namespace {

using test::FakeDaemon;
using test::FakePeer;
using Kind = Failure::Kind;

constexpr std::int64_t short_ms = 50;
const std::string good_reply = R"({"id":1,"jsonrpc":"2.0","result":{"ok":true}})"
                               "\n";

Client connected(const std::string& path) {
  auto client = Client::connect(path);
  REQUIRE(client);
  return *std::move(client);
}

// What a call comes to when the daemon reads the request and then sends exactly these bytes and closes.
std::expected<Outcome, Failure> call_answered_with(const std::string& bytes) {
  FakeDaemon daemon([&bytes](FakePeer& peer) {
    peer.read_line();
    peer.write(bytes);
  });
  return connected(daemon.socket()).call("info", nullptr);
}

Kind failure_of(const std::expected<Outcome, Failure>& outcome) {
  REQUIRE_FALSE(outcome);
  CHECK_FALSE(outcome.error().message.empty());
  return outcome.error().kind;
}

Kind connect_failure(std::string_view path, std::int64_t timeout_ms = no_timeout) {
  const auto client = Client::connect(path, timeout_ms);
  REQUIRE_FALSE(client);
  CHECK_FALSE(client.error().message.empty());
  CHECK_FALSE(client.error().outcome_unknown());
  return client.error().kind;
}

}  // namespace

TEST_CASE("a call sends one request line and gives the result") {
  std::string line;
  {
    FakeDaemon daemon([&line](FakePeer& peer) {
      line = peer.read_line();
      peer.write(good_reply);
    });
    const auto outcome = connected(daemon.socket()).call("execute", Json::object({{"action", "echo"}}));
    REQUIRE(outcome);
    REQUIRE(outcome->result() != nullptr);
    CHECK(outcome->error() == nullptr);
    CHECK(*outcome->result() == Json::object({{"ok", true}}));
  }
  const auto request = decode_request(line);
  REQUIRE(request);
  CHECK(request->method == "execute");
  CHECK(request->params == Json::object({{"action", "echo"}}));
}

TEST_CASE("a call gives the daemon's error as it is") {
  const auto outcome = call_answered_with(
      R"({"error":{"code":40001,"data":{"reason":"unknown_action"},"message":"no"},"id":1,"jsonrpc":"2.0"})"
      "\n");
  REQUIRE(outcome);
  CHECK(outcome->result() == nullptr);
  REQUIRE(outcome->error() != nullptr);
  CHECK(*outcome->error() == parsed(R"({"code":40001,"data":{"reason":"unknown_action"},"message":"no"})"));
}

TEST_CASE("one connection serves many calls, each with an id of its own") {
  std::vector<RequestId> ids;
  {
    FakeDaemon daemon([&ids](FakePeer& peer) {
      for (int i = 0; i < 3; ++i) {
        const auto request = decode_request(peer.read_line());
        if (!request) {
          return;
        }
        ids.push_back(request->id);
        peer.write(encode_result(request->id, Json(i)));
      }
    });
    Client client = connected(daemon.socket());
    for (int i = 0; i < 3; ++i) {
      const auto outcome = client.call("info", nullptr);
      REQUIRE(outcome);
      CHECK(*outcome->result() == Json(i));
    }
  }
  REQUIRE(ids.size() == 3);
  CHECK(ids[0] != ids[1]);
  CHECK(ids[1] != ids[2]);
}

TEST_CASE("an answer that comes byte by byte, after blank lines, is one answer") {
  FakeDaemon daemon([](FakePeer& peer) {
    peer.read_line();
    peer.write("\r\n \t\n");
    for (const char byte : good_reply) {
      peer.write({&byte, 1});
    }
  });
  const auto outcome = connected(daemon.socket()).call("info", nullptr);
  REQUIRE(outcome);
  CHECK(outcome->result() != nullptr);
}

TEST_CASE("a request and a reply may both be larger than any socket buffer") {
  const std::string large(std::size_t{8} << 20, 'x');
  FakeDaemon daemon([](FakePeer& peer) {
    const auto request = decode_request(peer.read_line());
    if (request) {
      peer.write(encode_result(request->id, request->params));
    }
  });
  const auto outcome = connected(daemon.socket()).call("execute", Json::object({{"payload", large}}));
  REQUIRE(outcome);
  REQUIRE(outcome->result() != nullptr);
  CHECK(*outcome->result()->find_string("payload") == large);
}

TEST_CASE("a connection that ends before the answer leaves the outcome unknown") {
  CHECK(failure_of(call_answered_with("")) == Kind::lost);
  CHECK(failure_of(call_answered_with(good_reply.substr(0, good_reply.size() - 1))) == Kind::lost);  // no line end
  CHECK(failure_of(call_answered_with("{\"id\":1,")) == Kind::lost);
  CHECK(call_answered_with("").error().outcome_unknown());
}

TEST_CASE("a daemon that closes without reading is a lost connection, and no signal") {
  FakeDaemon daemon([](FakePeer&) {});
  Client client = connected(daemon.socket());
  const std::string large(std::size_t{8} << 20, 'x');
  CHECK(failure_of(client.call("execute", Json::object({{"payload", large}}))) == Kind::lost);
}

TEST_CASE("the answer of a daemon that stopped reading the request is still read") {
  FakeDaemon daemon([](FakePeer& peer) {
    peer.write(
        R"({"error":{"code":-32600,"data":{"reason":"invalid_request"},"message":"too long"},"id":null,"jsonrpc":"2.0"})"
        "\n");
  });
  Client client = connected(daemon.socket());
  const std::string large(std::size_t{8} << 20, 'x');
  const auto outcome = client.call("execute", Json::object({{"payload", large}}));
  REQUIRE(outcome);
  REQUIRE(outcome->error() != nullptr);
  CHECK(*outcome->error()->find_string("message") == "too long");
}

TEST_CASE("a daemon that does not answer in time leaves the outcome unknown") {
  FakeDaemon daemon([](FakePeer& peer) { peer.wait_until_closed(); });
  Client client = connected(daemon.socket());
  const auto outcome = client.call("info", nullptr, short_ms);
  CHECK(failure_of(outcome) == Kind::timed_out);
  CHECK(outcome.error().outcome_unknown());
}

TEST_CASE("a daemon that sends only part of its answer in time has not answered") {
  FakeDaemon daemon([](FakePeer& peer) {
    peer.read_line();
    peer.write("{\"id\":1,");
    peer.wait_until_closed();
  });
  CHECK(failure_of(connected(daemon.socket()).call("info", nullptr, short_ms)) == Kind::timed_out);
}

TEST_CASE("a daemon that does not take the request in time has not answered") {
  test::TempDir dir;
  const std::string path = dir / "s";
  const test::OwnedFd listener = test::listen_at(path, 1);
  Client client = connected(path);
  const std::string large(std::size_t{8} << 20, 'x');
  CHECK(failure_of(client.call("execute", Json::object({{"payload", large}}), short_ms)) == Kind::timed_out);
}

TEST_CASE("after a failed call nothing more is sent on the connection") {
  FakeDaemon daemon([](FakePeer& peer) { peer.wait_until_closed(); });
  Client client = connected(daemon.socket());
  REQUIRE(failure_of(client.call("info", nullptr, short_ms)) == Kind::timed_out);
  const auto outcome = client.call("info", nullptr);
  CHECK(failure_of(outcome) == Kind::unreachable);
  CHECK_FALSE(outcome.error().outcome_unknown());
}

TEST_CASE("what is no answer to the call is refused") {
  const auto reply =
      GENERATE(as<std::string>{}, "HTTP/1.1 400 Bad Request", "[]", "\"hello\"", "{}", R"({"id":1,"jsonrpc":"2.0"})",
               R"({"id":1,"jsonrpc":"1.0","result":1})", R"({"id":2,"jsonrpc":"2.0","result":1})",
               R"({"id":"1","jsonrpc":"2.0","result":1})", R"({"id":null,"jsonrpc":"2.0","result":1})",
               R"({"error":{"code":1,"message":"m"},"id":7,"jsonrpc":"2.0"})",
               R"({"error":{"code":1,"message":"m"},"id":1,"jsonrpc":"2.0","result":1})",
               R"({"id":1,"jsonrpc":"2.0","result":1,"result":2})", "\xff\xfe");
  CAPTURE(reply);
  const auto outcome = call_answered_with(reply + "\n");
  CHECK(failure_of(outcome) == Kind::bad_reply);
  CHECK(outcome.error().outcome_unknown());
}

TEST_CASE("a reply with no end is given up at its bound") {
  FakeDaemon daemon([](FakePeer& peer) {
    peer.read_line();
    const std::string piece(std::size_t{1} << 20, 'x');
    for (std::size_t sent = 0; sent <= limits::reply_bytes_max; sent += piece.size()) {
      peer.write(piece);
    }
    peer.wait_until_closed();
  });
  CHECK(failure_of(connected(daemon.socket()).call("info", nullptr)) == Kind::bad_reply);
}

TEST_CASE("a signal in the middle of a call does not disturb it") {
  struct sigaction ignored{};
  struct sigaction before{};
  ignored.sa_handler = [](int) {};  // and no SA_RESTART: every wait is interrupted
  REQUIRE(::sigaction(SIGUSR1, &ignored, &before) == 0);
  const pthread_t caller = ::pthread_self();
  FakeDaemon daemon([caller](FakePeer& peer) {
    peer.read_line();
    for (int i = 0; i < 100; ++i) {
      ::pthread_kill(caller, SIGUSR1);
      std::this_thread::sleep_for(std::chrono::microseconds(200));
    }
    peer.write(good_reply);
  });
  CHECK(connected(daemon.socket()).call("info", nullptr, 60'000));
  ::sigaction(SIGUSR1, &before, nullptr);
}

TEST_CASE("a moved client keeps its connection") {
  FakeDaemon daemon([](FakePeer& peer) {
    peer.read_line();
    peer.write(good_reply);
  });
  Client first = connected(daemon.socket());
  Client second = std::move(first);
  CHECK(second.call("info", nullptr));
}

TEST_CASE("no daemon is unreachable, and nothing was sent") {
  test::TempDir dir;
  CHECK(connect_failure((dir / "nothing").string()) == Kind::unreachable);
  const std::string stale = dir / "stale";
  {
    const test::OwnedFd gone = test::listen_at(stale, 1);
  }
  CHECK(connect_failure(stale) == Kind::unreachable);
  CHECK(connect_failure(dir.path().string()) == Kind::unreachable);
}

TEST_CASE("a socket path that no socket can have is refused") {
  CHECK(connect_failure("") == Kind::unreachable);
  CHECK(connect_failure(std::string_view("/tmp/a\0b", 8)) == Kind::unreachable);
  CHECK(connect_failure(std::string(sizeof sockaddr_un::sun_path, 'x')) == Kind::unreachable);
}

TEST_CASE("a daemon whose queue of connections is full is unreachable when the time is over") {
  test::TempDir dir;
  const std::string path = dir / "s";
  const test::OwnedFd listener = test::listen_at(path, 0);
  std::vector<Client> waiting;
  while (true) {
    auto client = Client::connect(path, short_ms);
    if (!client) {
      CHECK(client.error().kind == Kind::unreachable);
      break;
    }
    waiting.push_back(*std::move(client));
    REQUIRE(waiting.size() < 100);
  }
}

TEST_CASE("a receipt matches the id and the result that it was made of, and no other") {
  init_crypto();
  // sha256sum of: 7d9a0f0a-0000-8000-8000-000000000001:{"echo": {"n": 1.0}}
  const std::string receipt = "b67b89826b87d2e5a6d6c18d595f8df4aac5285bac2017d71ef9ded6e65f80ac";
  const auto answer = [&receipt](const Json& id, const Json& result) {
    return Json::object({{"id", id}, {"receipt", receipt}, {"result", result}});
  };
  const Json result = parsed(R"({"echo":{"n":1.0}})");
  CHECK(receipt_matches(answer("7d9a0f0a-0000-8000-8000-000000000001", result)));
  CHECK_FALSE(receipt_matches(answer("7d9a0f0a-0000-8000-8000-000000000002", result)));
  CHECK_FALSE(receipt_matches(answer("7d9a0f0a-0000-8000-8000-000000000001", parsed(R"({"echo":{"n":1}})"))));
  CHECK_FALSE(receipt_matches(answer(nullptr, result)));
  CHECK_FALSE(receipt_matches(Json::object({})));
  CHECK_FALSE(receipt_matches(nullptr));
}

}  // namespace openexec::client
