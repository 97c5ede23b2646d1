// SPDX-License-Identifier: Apache-2.0
// What a command runs may not give the daemon orders; and what commands need is there at the daemon's start.
#include <signal.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "proto-json/message.h"
#include "tests/support/catch.h"
#include "tests/support/commands.h"
#include "tests/support/openexecd.h"
#include "tests/support/programs.h"
#include "tests/support/vectors.h"

namespace openexec::test {
namespace {

namespace fs = std::filesystem;

const Json nothing = Json::object({});

TEST_CASE("the agent socket refuses every process of a run, also one that may use Unix sockets", "[integration]") {
  const Commands commands;
  commands.define_python("asks", R"(
import json, os, socket, sys
request = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "execute",
                      "params": {"action": "echo", "payload": {}, "nonce": "from inside"}}) + "\n"
def ask():
    with socket.socket(socket.AF_UNIX) as s:
        s.connect("AGENT")
        try:
            s.sendall(request.encode())
        except OSError:
            pass
        return s.makefile().readline()
print(ask(), end="", flush=True)
if os.fork() == 0:
    print(ask(), end="", flush=True)
    os._exit(0)
os.wait()
# One that is gone before the daemon looks: the daemon is stopped until then.
import time
open("OUT/ready", "w").write("x")
while not os.path.exists("OUT/go"):
    time.sleep(0.01)
if os.fork() == 0:
    s = socket.socket(socket.AF_UNIX)
    s.connect("AGENT")
    s.sendall(request.replace("inside", "the dead").encode())
    os._exit(0)
os.wait()
open("OUT/done", "w").write("x")
)",
                         "stdin = \"none\"\n[sandbox]\nunix = true\n");
  // The script names the socket, whose place is known only now.
  TestDaemon daemon(commands.with(demo_daemon()));
  const fs::path script = commands.dir() / "asks.py";
  std::string text = read_file(script);
  for (std::size_t at = text.find("AGENT"); at != std::string::npos; at = text.find("AGENT")) {
    text.replace(at, 5, daemon.socket());
  }
  std::ofstream(script) << text;

  AgentSocket socket(daemon.socket());
  socket.send_line(encode_request(1, "execute", execute_params("asks", nothing, "1")));
  static_cast<void>(wait_for_file(commands.writable() / "ready"));
  REQUIRE(::kill(daemon.pid(), SIGSTOP) == 0);
  std::ofstream(commands.writable() / "go") << "x";
  static_cast<void>(wait_for_file(commands.writable() / "done"));
  REQUIRE(::kill(daemon.pid(), SIGCONT) == 0);
  const std::string out = output_of({socket.read_json()});
  INFO(out);
  const std::size_t line_end = out.find('\n');
  REQUIRE(line_end != std::string::npos);
  const Json first = parsed(out.substr(0, line_end));
  CHECK(Answer{first}.reason() == "peer_not_allowed");
  CHECK(out.substr(line_end + 1) == out.substr(0, line_end + 1));
  for (const char* nonce : {"from inside", "from the dead"}) {
    CHECK_FALSE(receipt_by_nonce(socket, nonce).has_value());
  }
  CHECK(call(socket, "ready").succeeded());
}

TEST_CASE("a daemon with commands whose launcher is missing does not start, and says where it sought it",
          "[integration]") {
  const Commands commands;
  commands.define("true", "argv = [\"/usr/bin/true\"]\n");
  const TempDir programs;
  fs::create_directory(programs / "bin");
  const fs::path copy = programs / "bin/openexecd";
  fs::copy_file(openexecd_path(), copy);
  const TempDir state;
  const ProcessOptions start = {.argv = {copy.string(), "--socket", (state / "s").string(), "--config",
                                         (commands.dir() / "openexec.toml").string()},
                                .env = {"OPENEXEC_DB_URL=lmdb://" + (state / "db").string()}};
  const Completed refused = run(start);
  CHECK(refused.exit_code == 2);
  CHECK(refused.err.find("openexec-launch") != std::string::npos);
  CHECK(refused.err.find((programs / "libexec/openexec").string()) != std::string::npos);
  CHECK_FALSE(fs::exists(state / "db"));

  // Where it is installed.
  fs::create_directories(programs / "libexec/openexec");
  fs::copy_file(openexec_launch_path(), programs / "libexec/openexec/openexec-launch");
  TestDaemon daemon(commands.with(demo_daemon(copy.c_str())));
  AgentSocket socket(daemon.socket());
  CHECK(output_of(execute(socket, "true", nothing, "1")).empty());
}

TEST_CASE("health says what holds commands back", "[integration]") {
  const Commands commands;
  commands.define("true", "argv = [\"/usr/bin/true\"]\n");
  const TestDaemon daemon(commands.with(demo_daemon()));
  AgentSocket socket(daemon.socket());
  const Json sandbox = member(call(socket, "health").result(), "sandbox");
  CHECK(bool_member(sandbox, "required"));
  CHECK(bool_member(sandbox, "seccomp"));
  CHECK(*member(sandbox, "landlock_abi").if_int() >= 2);
  CHECK(member(sandbox, "cgroup").if_bool() != nullptr);
  CHECK(member(sandbox, "missing").if_array() != nullptr);
}

}  // namespace
}  // namespace openexec::test
