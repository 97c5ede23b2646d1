// SPDX-License-Identifier: Apache-2.0
// `openexec log verify` on stores: of a running daemon, on copies, and on copies that were damaged on disk.
#include <filesystem>
#include <random>
#include <thread>

#include "tests/integration/cli_support.h"
#include "tests/support/catch.h"
#include "tests/support/openexecd.h"
#include "tests/support/temp_dir.h"
#include "tests/support/vectors.h"

namespace openexec::test {
namespace {

namespace fs = std::filesystem;

void execute_some(const std::string& socket_path, int count, const std::string& prefix) {
  AgentSocket socket(socket_path);
  for (int i = 0; i < count; ++i) {
    REQUIRE(execute(socket, "echo", Json::object({{"n", i}}), prefix + std::to_string(i)).succeeded());
  }
}

std::string answer_of(const Json& report, std::string_view part) {
  const Json* verdicts = report.find("verdicts");
  REQUIRE(verdicts != nullptr);
  return string_member(*verdicts, part);
}

std::string problems_of(const Json& report) {
  std::string out;
  for (const Json& problem : *report.find("problems")->if_array()) {
    out += string_member(problem, "part") + ": " + string_member(problem, "text") + "\n";
  }
  return out;
}

// The bytes of a copy of a small store, and a folder to put changed ones into.
struct Copy {
  TempDir dir;
  std::string data;
  std::string vkey;

  Copy() {
    TestDaemon daemon(demo_daemon());
    execute_some(daemon.socket(), 40, "nonce-");
    vkey = string_member(document(cli({"log", "key", "--json"}, {.socket = daemon.socket()})), "vkey");
    REQUIRE(cli({"store", "backup", path()}, {.socket = daemon.socket()}).exit_code == 0);
    data = read_file(path() + "/data.mdb");
  }
  [[nodiscard]] std::string path() const { return dir / "copy"; }
  [[nodiscard]] Completed verify_with(std::string_view bytes) const {
    write_file(path() + "/data.mdb", bytes);
    return cli({"log", "verify", path()});
  }
};

TEST_CASE("the store of a running daemon is verified, also while something runs in it") {
  const Effects effects;
  DaemonOptions options = demo_daemon(openexecd_faults_path());
  options.env.push_back(effects.env());
  TestDaemon daemon(options);
  execute_some(daemon.socket(), 5, "before-");
  std::thread runs([&] {
    AgentSocket socket(daemon.socket());
    socket.call("execute", execute_params("test.sleep", Json::object({{"tag", "t"}, {"ms", 3000}}), "sleeps"));
  });
  wait_until_claimed(daemon.socket(), "sleeps");
  const Completed completed = cli({"log", "verify"}, {.socket = daemon.socket()});
  const Json report = document(completed);
  runs.join();
  INFO(completed.out);
  CHECK(completed.exit_code == 0);
  CHECK(*report.find("entries")->if_int() == 6);
  CHECK(*report.find("running")->if_int() == 1);
  for (const char* part :
       {"structure", "entries", "tree", "claims", "results", "approvals", "checkpoint", "high_water"}) {
    CHECK(answer_of(report, part) == "yes");
  }
  CHECK(answer_of(report, "witnesses") == "not checked");
}

TEST_CASE("a store is verified while requests pour into it") {
  TestDaemon daemon(demo_daemon());
  execute_some(daemon.socket(), 1, "first-");
  std::jthread load([&](const std::stop_token& stop) {
    AgentSocket socket(daemon.socket());
    for (int i = 0; !stop.stop_requested(); ++i) {
      socket.call("execute", execute_params("echo", Json::object({{"n", i}}), "load-" + std::to_string(i)));
    }
  });
  for (int i = 0; i < 10; ++i) {
    const Completed completed = cli({"log", "verify"}, {.socket = daemon.socket()});
    INFO(completed.out << completed.err);
    CHECK(completed.exit_code == 0);
  }
}

TEST_CASE("on a terminal each question gets its line, and a key from the store itself is said to prove nothing") {
  TestDaemon daemon(demo_daemon());
  execute_some(daemon.socket(), 3, "n-");
  const Completed own = cli({"log", "verify"}, {.socket = daemon.socket(), .env = {"NO_COLOR=1"}, .terminal = true});
  INFO(own.out);
  CHECK(own.exit_code == 0);
  CHECK(contains(own.out, "3 leaves, every one readable"));
  CHECK(contains(own.out, "3 nonces, each claimed once"));
  CHECK(contains(own.out, "which proves nothing against who holds the host"));

  const std::string vkey = string_member(document(cli({"log", "key", "--json"}, {.socket = daemon.socket()})), "vkey");
  const Completed given = cli({"log", "verify", daemon.state().string(), "--log-key", vkey},
                              {.env = {"NO_COLOR=1"}, .terminal = true});  // without a daemon
  CHECK(given.exit_code == 0);
  CHECK_FALSE(contains(given.out, "proves nothing"));
}

TEST_CASE("another key than the one that signs is refused, and so is a command line that makes no sense") {
  const Copy copy;
  CHECK(cli({"log", "verify", copy.path(), "--log-key", copy.vkey}).exit_code == 0);
  const Copy other;
  const Completed refused = cli({"log", "verify", copy.path(), "--log-key", other.vkey});
  CHECK(refused.exit_code == 1);
  CHECK(answer_of(document(refused), "checkpoint") == "no");
  CHECK(contains(problems_of(document(refused)), "that is not the key that you gave"));
  CHECK(cli({"log", "verify", copy.path(), "--log-key", "nonsense"}).exit_code == 2);
  CHECK(cli({"log", "verify", copy.path(), "--quorum", "2"}).exit_code == 2);
  const Completed missing = cli({"log", "verify", "/nonexistent"});
  CHECK(missing.exit_code == 1);
  CHECK(contains(missing.err, "there is no store and no export to read in /nonexistent: No such file or directory"));
}

TEST_CASE("an entry that is changed on disk is named") {
  const Copy copy;
  for (const int n : {0, 17, 39}) {
    std::string data = copy.data;
    const std::size_t at = data.find("\"nonce\":\"nonce-" + std::to_string(n) + "\"");
    REQUIRE(at != std::string::npos);
    data[at + 10] = 'X';
    const Completed completed = copy.verify_with(data);
    const std::string problems = problems_of(document(completed));
    INFO(problems);
    CHECK(completed.exit_code == 1);
    CHECK(contains(problems, "entry " + std::to_string(n) + ": it is not the leaf that the tree was made of"));
    CHECK(contains(problems, "the claim "));  // of the old nonce belongs to no entry now
  }
  CHECK(copy.verify_with(copy.data).exit_code == 0);
}

TEST_CASE("a file that was cut off is damaged, and its reader's crash is told and not suffered") {
  const Copy copy;
  constexpr std::size_t page = 4096;
  bool crashed = false;
  for (std::size_t size = 0; size < copy.data.size(); size += page) {
    const Completed completed = copy.verify_with(copy.data.substr(0, size));
    INFO(size << " bytes\n" << completed.out << completed.err);
    REQUIRE(completed.exit_code == 1);
    const Json report = document(completed);
    CHECK(answer_of(report, "structure") == "no");
    crashed = crashed || contains(problems_of(report), "the store is damaged: its reader crashed");
  }
  CHECK(crashed);
  const Completed shown = [&] {
    write_file(copy.path() + "/data.mdb", copy.data.substr(0, copy.data.size() / 2));
    return cli({"log", "verify", copy.path()}, {.env = {"NO_COLOR=1"}, .terminal = true});
  }();
  CHECK(shown.exit_code == 1);
  CHECK(contains(shown.out, "structure     no"));
}

TEST_CASE("a file of which any page is overwritten is damaged, with zeros or with anything") {
  const Copy copy;
  constexpr std::size_t page = 4096;
  std::mt19937_64 random(11);
  for (std::size_t at = page; at < copy.data.size(); at += page) {  // the first is a spare of the second
    for (const bool zeros : {true, false}) {
      std::string data = copy.data;
      for (std::size_t i = at; i < at + page; ++i) {
        data[i] = zeros ? '\0' : static_cast<char>(random());
      }
      const Completed completed = copy.verify_with(data);
      INFO("page " << at / page << (zeros ? " zeros" : " random") << "\n" << completed.out << completed.err);
      CHECK(completed.exit_code == 1);
      CHECK_FALSE(document(completed).find("problems")->if_array()->empty());
    }
  }
}

}  // namespace
}  // namespace openexec::test
