// SPDX-License-Identifier: Apache-2.0
// What `openexec` prints and how it ends, with a real daemon.
#include <fstream>
#include <string>
#include <vector>

#include "proto-json/canonical.h"
#include "proto-json/encoding.h"
#include "tests/integration/cli_support.h"
#include "tests/support/catch.h"
#include "tests/support/openexecd.h"
#include "tests/support/vectors.h"

namespace openexec::test {
namespace {

using Arguments = std::vector<std::string>;

TEST_CASE("each query prints the daemon's result as one JSON document when piped", "[integration]") {
  const TestDaemon daemon(demo_daemon());
  struct Query {
    std::string command;
    std::string method;
  };
  for (const Query& query :
       {Query{"info", "info"}, Query{"health", "health"}, Query{"ready", "ready"}, Query{"actions", "actions/list"}}) {
    CAPTURE(query.command);
    AgentSocket socket(daemon.socket());
    const Completed completed = cli({query.command}, {.socket = daemon.socket()});
    CHECK(completed.exit_code == 0);
    CHECK(completed.err.empty());
    CHECK(document(completed) == call(socket, query.method).result());
    CHECK(document(cli({"call", query.method}, {.socket = daemon.socket()})) == call(socket, query.method).result());
  }
  CHECK(string_member(document(cli({"version"}, {.socket = daemon.socket()})), "version") == "0.1.0");
}

TEST_CASE("each query has a short form for people", "[integration]") {
  const TestDaemon daemon(demo_daemon());
  const auto shown = [&daemon](const std::string& command) {
    const Completed completed = cli({command, "--format", "human"}, {.socket = daemon.socket()});
    CHECK(completed.exit_code == 0);
    return completed.out;
  };
  CHECK(shown("info") == "running    OpenExec 0.1.0\n");
  CHECK(shown("ready").starts_with("ready      "));
  CHECK(shown("version").starts_with("openexecd  0.1.0   protocol 1 "));
  CHECK(contains(shown("actions"), "\necho "));
  CHECK(shown("health").starts_with("healthy    demo, signatures off\nactions    any of 2 "));
  CHECK(contains(shown("health"), "\nsandbox    not required, "));
}

TEST_CASE("an execute prints the daemon's result on standard output and a nonce it made on standard error",
          "[integration]") {
  const TestDaemon daemon(demo_daemon());
  const Completed completed = cli({"execute", "echo", R"({"b": 1, "a": 1e0})"}, {.socket = daemon.socket()});
  REQUIRE(completed.exit_code == 0);
  const Json result = document(completed);
  CHECK(member(result, "result") == parsed(R"({"echo":{"a":1.0,"b":1}})"));
  REQUIRE(completed.err.starts_with("nonce "));
  const std::string nonce = completed.err.substr(6, completed.err.size() - 7);
  CHECK(nonce.size() == 32);
  CHECK(from_hex(nonce));

  const Json shown = document(cli({"receipt", "show", "--nonce", nonce}, {.socket = daemon.socket()}));
  CHECK(string_member(member(shown, "receipt"), "id") == string_member(result, "id"));
  const std::string id = string_member(result, "id");
  CHECK(document(cli({"receipt", "show", id}, {.socket = daemon.socket()})) == shown);
  CHECK(document(cli({"receipt", "show", "--index", "0"}, {.socket = daemon.socket()})) == shown);
  const Completed human = cli({"receipt", "show", "--index", "0", "--format", "human"}, {.socket = daemon.socket()});
  CHECK(human.out.starts_with("executed   echo "));
  CHECK(contains(human.out, "\nnonce      " + nonce + "\n"));
}

TEST_CASE("no two executions get the same nonce, and a chosen one is sent as it is", "[integration]") {
  const TestDaemon daemon(demo_daemon());
  CHECK(cli({"execute", "echo"}, {.socket = daemon.socket()}).err !=
        cli({"execute", "echo"}, {.socket = daemon.socket()}).err);
  const Completed chosen =
      cli({"execute", "echo", "--nonce", "mine", "--trace-id", "trace-1"}, {.socket = daemon.socket()});
  CHECK(chosen.err.empty());
  const Json shown = document(cli({"receipt", "show", "--nonce", "mine"}, {.socket = daemon.socket()}));
  CHECK(string_member(member(shown, "receipt"), "trace_id") == "trace-1");
}

TEST_CASE("the same request again says that it was replayed", "[integration]") {
  const TestDaemon daemon(demo_daemon());
  const Arguments request{"execute", "add", R"({"a":1,"b":2})", "--nonce", "n"};
  const Json first = document(cli(request, {.socket = daemon.socket()}));
  const Json second = document(cli(request, {.socket = daemon.socket()}));
  CHECK_FALSE(bool_member(first, "replayed"));
  CHECK(bool_member(second, "replayed"));
  CHECK(with_member(first, "replayed", true) == second);

  Arguments human = request;
  human.insert(human.end(), {"--format", "human"});
  const Completed shown = cli(human, {.socket = daemon.socket()});
  CHECK(shown.exit_code == 0);
  CHECK(shown.out.starts_with("replayed   add                        ran once, at "));
  CHECK(shown.out.ends_with("\n{\"sum\":3}\n"));
}

TEST_CASE("a denial exits with 1 and is printed as the daemon gave it", "[integration]") {
  const TestDaemon daemon(demo_daemon());
  const Completed completed = cli({"execute", "nope", "--nonce", "n"}, {.socket = daemon.socket()});
  CHECK(completed.exit_code == 1);
  CHECK(completed.err.empty());
  AgentSocket socket(daemon.socket());
  const Json error = member(execute(socket, "nope", Json::object({}), "n").reply, "error");
  const Json shown = document(completed);
  CHECK(string_member(shown, "message") == string_member(error, "message"));
  CHECK(member(shown, "code") == member(error, "code"));
  CHECK(string_member(member(shown, "data"), "reason") == "unknown_action");

  const Completed human = cli({"execute", "nope", "--format", "human"}, {.socket = daemon.socket()});
  CHECK(human.exit_code == 1);
  CHECK(human.out.starts_with("denied     unknown_action\n           Unknown action"));
  CHECK(contains(human.out, "\n           entry 2 of "));
  CHECK(contains(human.out, "openexec actions"));  // what to do next
}

TEST_CASE("a request that was not approved shows the line that approves it", "[integration]") {
  const TestDaemon daemon(clawshield_daemon());
  const Completed human =
      cli({"execute", "echo", R"({"it": "isn't"})", "--format", "human"}, {.socket = daemon.socket()});
  CHECK(human.exit_code == 1);
  CHECK(human.out.starts_with("denied     approval_required\n"));
  CHECK(contains(human.out, R"(openexec approve --action echo --payload '{"it":"isn'\''t"}' --tenant TENANT)"));
  const Json piped = document(cli({"execute", "echo", R"({"it": "isn't"})"}, {.socket = daemon.socket()}));
  CHECK(string_member(member(piped, "data"), "canonical") == R"({"action":"echo","payload":{"it":"isn't"}})");
}

TEST_CASE("a check says what would happen, runs nothing and leaves no entry", "[integration]") {
  const TestDaemon daemon(demo_daemon());
  const Completed good = cli({"execute", "echo", "--check"}, {.socket = daemon.socket()});
  CHECK(good.exit_code == 0);
  CHECK(string_member(document(good), "would") == "execute");
  const Completed bad = cli({"execute", "nope", "--check"}, {.socket = daemon.socket()});
  CHECK(bad.exit_code == 1);
  CHECK(string_member(document(bad), "would") == "deny");
  CHECK(cli({"execute", "echo", "--check", "--format", "human"}, {.socket = daemon.socket()})
            .out.starts_with("would      execute "));
  const Json health = document(cli({"health"}, {.socket = daemon.socket()}));
  CHECK(member(member(health, "log"), "size") == Json(0));
}

TEST_CASE("a payload may be an argument, a file or standard input, and is an object", "[integration]") {
  const TestDaemon daemon(demo_daemon());
  const std::string path = (daemon.dir() / "payload.json").string();
  std::ofstream(path) << R"({"from":"file"})";
  const auto echoed = [&](const std::string& argument, const std::string& stdin_text) {
    const Json result =
        document(cli({"execute", "echo", argument}, {.socket = daemon.socket(), .stdin_text = stdin_text}));
    return to_compact(member(member(result, "result"), "echo"));
  };
  CHECK(echoed("@" + path, "") == R"({"from":"file"})");
  CHECK(echoed("-", "{\"from\":\"stdin\"}\n") == R"({"from":"stdin"})");
  CHECK(echoed("{}", "") == "{}");

  const std::string bad =
      GENERATE(as<std::string>{}, "[1]", "1", "{", "", "{\"a\":1,\"a\":2}", "@/nonexistent", "{} {}");
  CAPTURE(bad);
  const bool by_stdin = bad.empty();
  const Completed refused =
      cli({"execute", "echo", by_stdin ? "-" : bad}, {.socket = daemon.socket(), .stdin_text = bad});
  CHECK(refused.exit_code == 1);
  CHECK(refused.out.empty());
  CHECK(refused.err.starts_with("openexec: "));
  CHECK(contains(refused.err, "Nothing was sent."));
}

TEST_CASE("a wrong command line exits with 2, says why, and prints nothing on standard output", "[integration]") {
  const auto arguments = GENERATE(values<Arguments>({{"bogus"},
                                                     {"--json"},
                                                     {"execute"},
                                                     {"execute", "echo", "{}", "more"},
                                                     {"execute", "echo", "-", "--approval", "-"},
                                                     {"info", "--bogus"},
                                                     {"info", "--timeout", "5"},
                                                     {"info", "--timeout", "0s"},
                                                     {"info", "--format", "xml"},
                                                     {"info", "--json", "--format", "human"},
                                                     {"receipt"},
                                                     {"receipt", "show"},
                                                     {"receipt", "show", "an-id", "--nonce", "n"},
                                                     {"receipt", "show", "--index", "x"},
                                                     {"keygen"},
                                                     {"call"},
                                                     {"\x1b[31mbogus"}}));
  CAPTURE(arguments);
  const Completed completed = cli(arguments);
  CHECK(completed.exit_code == 2);
  CHECK(completed.out.empty());
  CHECK(completed.err.starts_with("openexec: "));
  CHECK(contains(completed.err, "openexec"));
  CHECK_FALSE(contains(completed.err, "\x1b"));
}

TEST_CASE("the option --socket goes before the environment, and may stand before or after the command",
          "[integration]") {
  const TestDaemon daemon(demo_daemon());
  CHECK(cli({"--socket", daemon.socket(), "info"}).exit_code == 0);
  CHECK(cli({"info", "--socket", daemon.socket()}).exit_code == 0);
  CHECK(cli({"receipt", "show", "--index", "0", "--socket", daemon.socket()}).exit_code == 1);
  CHECK(cli({"info", "--socket", "/nonexistent/other"}, {.socket = daemon.socket()}).exit_code == 3);
}

TEST_CASE("on a terminal it prints for people, and the first word has a colour that NO_COLOR takes away",
          "[integration]") {
  const TestDaemon daemon(demo_daemon());
  const auto shown = [&daemon](Arguments arguments, Arguments env) {
    return cli(std::move(arguments), {.socket = daemon.socket(), .env = std::move(env), .terminal = true}).out;
  };
  const Arguments once{"execute", "echo", "--nonce", "n"};
  CHECK(shown(once, {"TERM=xterm"}).starts_with("\x1b[32mexecuted\x1b[0m   echo\r\n"));
  CHECK(shown(once, {"TERM=xterm"}).starts_with("\x1b[33mreplayed\x1b[0m   echo"));
  CHECK(shown({"execute", "nope"}, {"TERM=xterm"}).starts_with("\x1b[31mdenied\x1b[0m     unknown_action"));
  CHECK(shown(once, {"TERM=xterm", "NO_COLOR=1"}).starts_with("replayed   echo"));
  CHECK(shown(once, {"TERM=dumb"}).starts_with("replayed   echo"));
  CHECK(shown({"info", "--json"}, {"TERM=xterm"}).starts_with("{\"service\": "));
  CHECK_FALSE(contains(cli({"info", "--format", "human"}, {.socket = daemon.socket()}).out, "\x1b"));  // piped
}

TEST_CASE("the commands are listed, and the help of each has an example", "[integration]") {
  const Completed listed = cli({"help"});
  CHECK(listed.exit_code == 0);
  CHECK(cli({}).out == listed.out);
  CHECK(cli({"--help"}).out == listed.out);
  for (const std::string command :
       {"execute", "call", "info", "health", "ready", "version", "actions", "keygen", "approve", "receipt"}) {
    CAPTURE(command);
    CHECK(contains(listed.out, "\n  " + command + " "));
    const Completed help = cli({command, "--help"});
    CHECK(help.exit_code == 0);
    CHECK(contains(help.out, "Example"));
    CHECK(contains(help.out, "\n  openexec " + command));
    CHECK(cli({"help", command}).out == help.out);
  }
  CHECK(contains(cli({"receipt", "show", "--help"}).out, "openexec receipt show"));
  CHECK(cli({"--version"}).out == "openexec 0.1.0\n");
}

TEST_CASE("an answer that could not be printed is no success", "[integration]") {
  const TestDaemon daemon(demo_daemon());
  const Completed completed = run(
      {.argv = {"/bin/sh", "-c", std::string(openexec_path()) + " info --socket " + daemon.socket() + " >/dev/full"}});
  CHECK(completed.exit_code == 1);
  CHECK(contains(completed.err, "standard output could not be written"));
}

}  // namespace
}  // namespace openexec::test
