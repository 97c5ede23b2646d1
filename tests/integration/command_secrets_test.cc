// SPDX-License-Identifier: Apache-2.0
// A secret reaches the command that names it and nothing else that can be read.
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include "proto-json/canonical.h"
#include "proto-json/crypto.h"
#include "proto-json/encoding.h"
#include "proto-json/message.h"
#include "tests/support/catch.h"
#include "tests/support/commands.h"
#include "tests/support/openexecd.h"
#include "tests/support/vectors.h"

namespace openexec::test {
namespace {

namespace fs = std::filesystem;

// Of no text that stands in this program's own image in one piece.
std::string secret_text() { return std::string("deploy") + "-secret-" + std::to_string(8'675'309) + "-value"; }

struct Credentials {
  explicit Credentials(std::string_view text) {
    std::ofstream(dir / "token") << text << '\n';
    fs::permissions(dir / "token", fs::perms::owner_read);
  }
  [[nodiscard]] std::string env() const { return "CREDENTIALS_DIRECTORY=" + dir.path().string(); }
  TempDir dir;
};

// What shows its secret, as far as it goes.
const char* const shows = R"(
import hashlib, json, os, sys, time
secret = os.environ["TOKEN"]
print(json.dumps({"plain": secret, "in": ["a" + secret + "b"], secret: 1,
                  "hash": hashlib.sha256(secret.encode()).hexdigest()}), flush=True)
print(secret, secret, sep="", file=sys.stderr, flush=True)
open("OUT/ran", "w").write("ran")
while not os.path.exists("OUT/go"):
    time.sleep(0.01)
)";

// Of everything that runs and may be read.
std::string all_command_lines() {
  std::string out;
  for (const auto& entry : fs::directory_iterator("/proc")) {
    std::ifstream file(entry.path() / "cmdline", std::ios::binary);
    out.append(std::istreambuf_iterator<char>(file), {});
  }
  return out;
}

TEST_CASE("a secret reaches its command, and no result, receipt, log, command line or file", "[integration]") {
  const std::string secret = secret_text();
  const Credentials credentials(secret);
  const Commands commands;
  commands.define_python("shows", shows, "output = \"json\"\nsecrets = { TOKEN = \"token\" }\n");
  commands.define("other", "argv = [\"/usr/bin/env\"]\nstdin = \"none\"\n");
  DaemonOptions options = commands.with(demo_daemon());
  options.env.push_back(credentials.env());
  TestDaemon daemon(options);
  AgentSocket socket(daemon.socket());

  socket.send_line(encode_request(1, "execute", execute_params("shows", Json::object({}), "1")));
  static_cast<void>(wait_for_file(commands.writable() / "ran"));
  CHECK(all_command_lines().find(secret) == std::string::npos);
  std::ofstream(commands.writable() / "go") << "go";

  const Answer answer{socket.read_json()};
  const Json result = command_result_of(answer);
  CHECK(member(member(result, "stdout"), "hash") == Json(to_hex(sha256(secret).view())));  // it had it
  CHECK(member(member(result, "stdout"), "plain") == Json("[redacted]"));
  CHECK(member(result, "stderr") == Json("[redacted]\n"));
  CHECK(output_of(execute(socket, "other", Json::object({}), "2")).find("TOKEN") == std::string::npos);

  std::string told = to_compact(answer.reply);
  for (const auto& [method, params] :
       std::vector<std::pair<const char*, Json>>{{"receipts/get", parsed(R"({"nonce":"1"})")},
                                                 {"log/entries", parsed(R"({"start":0})")},
                                                 {"actions/list", nullptr},
                                                 {"health", nullptr}}) {
    told += to_compact(call(socket, method, params).result());
  }
  CHECK(daemon.stop().code == 0);
  told += daemon.out() + daemon.err();
  CHECK(told.find(secret) == std::string::npos);
  std::size_t files = 0;
  for (const auto& entry : fs::recursive_directory_iterator(daemon.dir())) {
    if (entry.is_regular_file()) {
      INFO(entry.path());
      CHECK(read_file(entry.path()).find(secret) == std::string::npos);
      ++files;
    }
  }
  CHECK(files >= 2);  // the store and its mark
}

}  // namespace
}  // namespace openexec::test
