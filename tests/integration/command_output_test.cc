// SPDX-License-Identifier: Apache-2.0
// What becomes of a command's output and of its end, through a real daemon.
#include <chrono>
#include <string>

#include "tests/support/catch.h"
#include "tests/support/commands.h"
#include "tests/support/openexecd.h"
#include "tests/support/process_facts.h"
#include "tests/support/vectors.h"

namespace openexec::test {
namespace {

const Json nothing = Json::object({});

TEST_CASE("text and JSON, exit codes and signals are in the result, and the last also in the receipt",
          "[integration]") {
  const Commands commands;
  commands.define_shell("text", "echo out; echo err >&2");
  commands.define_shell("json", "echo '[1, 2.50]'", "output = \"json\"");
  commands.define_shell("not.json", "echo nothing", "output = \"json\"");
  commands.define_shell("code", "echo so far; exit 7");
  commands.define_shell("signal", "kill -KILL $$");
  const TestDaemon daemon(commands.with(demo_daemon()));
  AgentSocket socket(daemon.socket());
  const auto receipt_exit = [&](std::string_view nonce) { return member(*receipt_by_nonce(socket, nonce), "exit"); };

  CHECK(command_result_of(execute(socket, "text", nothing, "text")) ==
        parsed(R"({"exit_code":0,"stderr":"err\n","stdout":"out\n","truncated":false})"));
  CHECK(receipt_exit("text") == parsed(R"({"code":0})"));
  CHECK(command_result_of(execute(socket, "json", nothing, "json")) ==
        parsed(R"({"exit_code":0,"stderr":"","stdout":[1,2.5],"truncated":false})"));
  const Json not_json = command_result_of(execute(socket, "not.json", nothing, "not.json"), "failed");
  CHECK(string_member(not_json, "stdout") == "nothing\n");
  CHECK(string_member(not_json, "error").starts_with("standard output is not JSON"));
  CHECK(command_result_of(execute(socket, "code", nothing, "code"), "failed") ==
        parsed(R"({"exit_code":7,"stderr":"","stdout":"so far\n","truncated":false})"));
  CHECK(receipt_exit("code") == parsed(R"({"code":7})"));
  CHECK(command_result_of(execute(socket, "signal", nothing, "signal"), "failed") ==
        parsed(R"({"signal":9,"stderr":"","stdout":"","truncated":false})"));
  CHECK(receipt_exit("signal") == parsed(R"({"signal":9})"));
}

TEST_CASE("output past its bound is cut, and the result says so", "[integration]") {
  const Commands commands;
  commands.define_shell("exact", "head -c 100 /dev/zero | tr '\\0' x", "output_bytes_max = 100");
  commands.define_shell("more", "head -c 101 /dev/zero | tr '\\0' x", "output_bytes_max = 100");
  commands.define_shell("errors", "head -c 100000 /dev/zero | tr '\\0' x >&2", "output_bytes_max = 100");
  const TestDaemon daemon(commands.with(demo_daemon()));
  AgentSocket socket(daemon.socket());
  const std::string bound(100, 'x');
  const auto is_truncated = [](const Json& result) { return bool_member(result, "truncated"); };
  const Json exact = command_result_of(execute(socket, "exact", nothing, "1"));
  CHECK(string_member(exact, "stdout") == bound);
  CHECK_FALSE(is_truncated(exact));
  const Json more = command_result_of(execute(socket, "more", nothing, "2"));
  CHECK(string_member(more, "stdout") == bound);
  CHECK(is_truncated(more));
  const Json errors = command_result_of(execute(socket, "errors", nothing, "3"));
  CHECK(string_member(errors, "stderr") == bound);
  CHECK(is_truncated(errors));
}

TEST_CASE("a command that writes a gigabyte is drained, and the daemon keeps none of it", "[integration]") {
  const Commands commands;
  commands.define_shell("gigabyte", "head -c 1000000000 /dev/zero; echo done >&2", "timeout = \"110s\"");
  const TestDaemon daemon(commands.with(demo_daemon()));
  AgentSocket socket(daemon.socket());
  call(socket, "info");
  const std::int64_t before = anonymous_kib_of(daemon.pid());
  const Json result = command_result_of(execute(socket, "gigabyte", nothing, "1"));
  CHECK(string_member(result, "stderr") == "done\n");
  CHECK(string_member(result, "stdout").size() == 65536);
  CHECK(bool_member(result, "truncated"));
  CHECK(anonymous_kib_of(daemon.pid()) - before < 8 * 1024);
}

TEST_CASE("a command that closes its outputs and goes on is waited for", "[integration]") {
  const Commands commands;
  commands.define_shell("closes", "exec >&- 2>&-; sleep 0.3; exit 3");
  const TestDaemon daemon(commands.with(demo_daemon()));
  AgentSocket socket(daemon.socket());
  CHECK(command_result_of(execute(socket, "closes", nothing, "1"), "failed") ==
        parsed(R"({"exit_code":3,"stderr":"","stdout":"","truncated":false})"));
}

TEST_CASE("a grandchild that holds standard output dies with the command and does not hold it up", "[integration]") {
  const Commands commands;
  commands.define_python("leaves", R"(
import os, signal, time
if os.fork() == 0:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    if os.fork() == 0:
        time.sleep(3600)
    time.sleep(3600)
print("ended", flush=True)
)");
  const TestDaemon daemon(commands.with(demo_daemon()));
  AgentSocket socket(daemon.socket());
  CHECK(output_of(execute(socket, "leaves", nothing, "1")) == "ended\n");
  CHECK(children_of(daemon.pid()).empty());
}

}  // namespace
}  // namespace openexec::test
