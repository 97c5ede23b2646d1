// SPDX-License-Identifier: Apache-2.0
// What `openexec` makes of a daemon that is not there, goes away, lies, or tells of a failure.
#include <string>
#include <utility>
#include <vector>

#include "proto-json/canonical.h"
#include "proto-json/crypto.h"
#include "proto-json/encoding.h"
#include "proto-json/receipt.h"
#include "tests/integration/cli_support.h"
#include "tests/support/catch.h"
#include "tests/support/fake_daemon.h"
#include "tests/support/openexecd.h"
#include "tests/support/vectors.h"

namespace openexec::test {
namespace {

using Arguments = std::vector<std::string>;

// A peer that answers every request with this result.
FakeDaemon answering_with(const Json& result) {
  return FakeDaemon([result](FakePeer& peer) { peer.write(reply_result(peer.read_line(), result)); });
}

FakeDaemon failing_with(const Json& error) {
  return FakeDaemon([error](FakePeer& peer) { peer.write(reply_error(peer.read_line(), error)); });
}

// A peer that takes a request and closes without an answer.
FakeDaemon losing() {
  return FakeDaemon([](FakePeer& peer) { peer.read_line(); });
}

Json execute_answer(std::string_view status, const Json& result) {
  init_crypto();
  const std::string id = "4d9b070e-e973-8b04-9041-2ec48d9e40cf";
  return Json::object({{"action", "echo"},
                       {"approved", true},
                       {"at", "2026-11-21T12:00:00.000000Z"},
                       {"duration_us", 310000},
                       {"id", id},
                       {"log", Json::object({{"index", 41}, {"origin", "vm1/openexec"}})},
                       {"receipt", to_hex(seed_receipt(id, to_spaced(result)).view())},
                       {"replayed", false},
                       {"result", result},
                       {"status", status}});
}

TEST_CASE("without a daemon it exits with 3, names the socket it tried and says how to start one", "[integration]") {
  const TempDir dir;
  const std::string path = (dir / "socket").string();
  for (const Arguments& arguments : {Arguments{"info"}, Arguments{"execute", "echo"}, Arguments{"call", "execute"}}) {
    CAPTURE(arguments);
    const Completed completed = cli(arguments, {.socket = path});
    CHECK(completed.exit_code == 3);
    CHECK(completed.out.empty());
    CHECK(contains(completed.err, "no daemon answers at " + path));
    CHECK(contains(completed.err, "openexecd --socket " + path));
  }
}

TEST_CASE("an execute whose answer is lost exits with 4 and says how to ask again with its nonce", "[integration]") {
  {
    const FakeDaemon daemon = losing();
    const Completed completed =
        cli({"execute", "echo", R"({"a": 1})", "--nonce", "n-1", "--trace-id", "t"}, {.socket = daemon.socket()});
    CHECK(completed.exit_code == 4);
    CHECK(completed.out.empty());
    CHECK(contains(completed.err, "the outcome is unknown"));
    CHECK(contains(completed.err, R"(openexec execute echo '{"a":1}' --nonce n-1 --trace-id t)"));
  }
  {
    const FakeDaemon daemon([](FakePeer& peer) { peer.wait_until_closed(); });
    const Completed completed = cli({"execute", "echo", "--timeout", "50ms"}, {.socket = daemon.socket()});
    CHECK(completed.exit_code == 4);
    REQUIRE(completed.err.starts_with("nonce "));
    const std::string made = completed.err.substr(6, 32);
    CHECK(contains(completed.err, "--nonce " + made));  // the one that was made
  }
  {
    const FakeDaemon daemon = losing();
    CHECK(cli({"call", "execute", R"({"action":"echo","nonce":"n"})"}, {.socket = daemon.socket()}).exit_code == 4);
  }
  {
    const FakeDaemon daemon([](FakePeer& peer) {
      peer.read_line();
      peer.write("nonsense\n");
    });
    CHECK(cli({"execute", "echo"}, {.socket = daemon.socket()}).exit_code == 4);
  }
}

TEST_CASE("a query whose answer is lost exits with 3: it changes nothing", "[integration]") {
  {
    const FakeDaemon daemon = losing();
    CHECK(cli({"info"}, {.socket = daemon.socket()}).exit_code == 3);
  }
  {
    const FakeDaemon daemon = losing();
    CHECK(cli({"execute", "echo", "--check"}, {.socket = daemon.socket()}).exit_code == 3);
  }
}

TEST_CASE("a daemon that cannot say what came of a request makes it exit with 4", "[integration]") {
  const Json error = parsed(
      R"({"code":40902,"data":{"reason":"outcome_unknown","retryable":false},"message":"It was started, and then?"})");
  const FakeDaemon daemon = failing_with(error);
  const Completed completed = cli({"execute", "echo", "--nonce", "n"}, {.socket = daemon.socket()});
  CHECK(completed.exit_code == 4);
  CHECK(document(completed) == error);
}

TEST_CASE("an action that failed exits with 1, and its answer is printed", "[integration]") {
  const std::string status = GENERATE(as<std::string>{}, "failed", "timed_out");
  const Json answer = execute_answer(status, parsed(R"({"error":"no"})"));
  {
    const FakeDaemon daemon = answering_with(answer);
    const Completed completed = cli({"execute", "echo", "--nonce", "n"}, {.socket = daemon.socket()});
    CHECK(completed.exit_code == 1);
    CHECK(document(completed) == answer);
  }
  const FakeDaemon daemon = answering_with(answer);
  const Completed human = cli({"execute", "echo", "--format", "human"}, {.socket = daemon.socket()});
  CHECK(human.exit_code == 1);
  CHECK(human.out.starts_with(status));
  CHECK(contains(human.out, "0.31 s\n"));
}

TEST_CASE("an answer whose receipt is not the hash of its result is not trusted", "[integration]") {
  const Json good = execute_answer("executed", parsed(R"({"echo":{}})"));
  const auto ends_with = [](const Json& answer) {
    const FakeDaemon daemon = answering_with(answer);
    return cli({"execute", "echo", "--nonce", "n"}, {.socket = daemon.socket()});
  };
  CHECK(ends_with(good).exit_code == 0);
  for (const Json& changed :
       {with_member(good, "result", parsed(R"({"echo":{"more":1}})")),
        with_member(good, "receipt", std::string(64, '0')),
        with_member(good, "id", "4d9b070e-e973-8b04-9041-2ec48d9e40ce"), with_member(good, "action", "add"),
        with_member(good, "receipt", nullptr), Json::object({})}) {
    const Completed completed = ends_with(changed);
    CHECK(completed.exit_code == 1);
    CHECK(contains(completed.err, "NOT TO BE TRUSTED"));
    CHECK(document(completed) == changed);
  }
}

TEST_CASE("a daemon that is not ready or not healthy exits with 1", "[integration]") {
  {
    const FakeDaemon daemon = answering_with(Json::object({{"ready", false}}));
    CHECK(cli({"ready"}, {.socket = daemon.socket()}).exit_code == 1);
  }
  {
    const FakeDaemon daemon = answering_with(Json::object({{"status", "unhealthy"}}));
    CHECK(cli({"health"}, {.socket = daemon.socket()}).exit_code == 1);
  }
}

TEST_CASE("nothing that a daemon says can command the terminal", "[integration]") {
  // Erase the screen; the same as one C1 byte in UTF-8; a carriage return; a right-to-left override; DEL.
  const std::string evil =
      "\x1b[2J\xc2\x9b"
      "2J\rok\xe2\x80\xae\x7f";
  const auto shown_by = [](const FakeDaemon& daemon, Arguments arguments) {
    arguments.insert(arguments.end(), {"--format", "human"});
    const Completed completed = cli(std::move(arguments), {.socket = daemon.socket()});
    return completed.out + completed.err;
  };
  const auto is_harmless = [](const std::string& shown) {
    INFO(shown);
    CHECK(contains(shown, "\\u001b[2J\\u009b2J"));
    for (const char* part : {"\x1b", "\xc2\x9b", "\r", "\xe2\x80\xae", "\x7f"}) {
      CHECK_FALSE(contains(shown, part));
    }
  };
  const Json error = Json::object({{"code", 1}, {"data", Json::object({{"reason", evil}})}, {"message", evil}});
  is_harmless(shown_by(failing_with(error), {"info"}));
  is_harmless(
      shown_by(answering_with(Json::object({{"service", evil}, {"status", evil}, {"version", evil}})), {"info"}));
  const Json action = Json::object({{"name", evil}, {"effect", evil}, {"description", evil}});
  is_harmless(
      shown_by(answering_with(Json::object({{"actions", Json::Array{action}}, {"registry", evil}})), {"actions"}));
  const Json log = Json::object({{"origin", evil}, {"size", 1}});
  is_harmless(shown_by(
      answering_with(Json::object(
          {{"status", evil}, {"log", log}, {"tenant_id", evil}, {"registry", evil}, {"warnings", Json::Array{evil}}})),
      {"health"}));
  Json answer = execute_answer(evil, Json::object({{"stdout", evil}}));
  answer = with_member(answer, "log", Json::object({{"index", 1}, {"origin", evil}}));
  is_harmless(shown_by(answering_with(answer), {"execute", "echo"}));
  is_harmless(shown_by(answering_with(Json::object({{"any", evil}})), {"call", "any"}));
}

}  // namespace
}  // namespace openexec::test
