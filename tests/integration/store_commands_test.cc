// SPDX-License-Identifier: Apache-2.0
// `openexec store stat|backup|adopt`, with the real daemon before and after.
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <thread>

#include "proto-json/message.h"
#include "tests/integration/cli_support.h"
#include "tests/support/catch.h"
#include "tests/support/openexecd.h"
#include "tests/support/programs.h"
#include "tests/support/temp_dir.h"
#include "tests/support/vectors.h"

namespace openexec::test {
namespace {

namespace fs = std::filesystem;

unsigned mode_of(const std::string& path) {
  struct stat facts{};
  REQUIRE(::stat(path.c_str(), &facts) == 0);
  return facts.st_mode & 0777U;
}

void run_echo(TestDaemon& daemon, const std::string& nonce) {
  AgentSocket socket(daemon.socket());
  REQUIRE(execute(socket, "echo", Json::object({}), nonce).succeeded());
}

Completed verify(const TestDaemon& daemon) { return cli({"log", "verify", daemon.state().string()}); }
Completed adopt(const TestDaemon& daemon, std::vector<std::string> more = {"--yes"}) {
  more.insert(more.begin(), {"store", "adopt", daemon.state().string()});
  return cli(std::move(more));
}

// Puts an older copy of the data into the store's folder, as who restores a backup does.
void put_back(const TestDaemon& daemon, const std::string& copy) {
  fs::copy_file(copy + "/data.mdb", daemon.state() / "data.mdb", fs::copy_options::overwrite_existing);
}

std::string why_refused(TestDaemon& daemon) {
  daemon.launch();
  CHECK(daemon.wait().code == 2);
  return daemon.err();
}

TEST_CASE("stat tells what a store holds, of a running daemon and of a copy") {
  TestDaemon daemon(clawshield_daemon());
  const Approver approver = Approver::trusted();
  {
    AgentSocket socket(daemon.socket());
    const Json payload = Json::object({{"a", 1}});
    REQUIRE(execute(socket, "echo", payload, "one", approver.approve("echo", payload)).succeeded());
    CHECK_FALSE(execute(socket, "echo", payload, "two").succeeded());
  }
  const Json facts = document(cli({"store", "stat"}, {.socket = daemon.socket()}));
  CHECK(string_member(facts, "dir") == daemon.state().string());
  CHECK(string_member(facts, "mode") == "clawshield");
  CHECK(string_member(facts, "tenant_id") == test_tenant);
  CHECK(number_member(facts, "entries") == 2);
  CHECK(number_member(facts, "claims") == 1);
  CHECK(number_member(facts, "approvals") == 1);
  CHECK(number_member(facts, "running") == 0);
  CHECK(number_member(facts, "epoch") == 1);
  CHECK(number_member(facts, "checkpoint") == 2);
  CHECK(number_member(facts, "high_water") == 2);
  CHECK(facts.find("cosigned")->is_null());
  CHECK(string_member(facts, "log_key") ==
        string_member(document(cli({"log", "key", "--json"}, {.socket = daemon.socket()})), "vkey"));

  const Completed shown = cli({"store", "stat"}, {.socket = daemon.socket(), .env = {"NO_COLOR=1"}, .terminal = true});
  CHECK(contains(shown.out, "clawshield, tenant tenant-001"));
  CHECK(contains(shown.out, "epoch 1, 2 entries"));
  const Completed missing = cli({"store", "stat", "/nonexistent"});
  CHECK(missing.exit_code == 1);
  CHECK(contains(missing.err, "cannot open the store /nonexistent"));
  CHECK(cli({"store", "stat"}).exit_code == 3);  // no daemon tells where its store is
}

TEST_CASE("a backup under load is the store as it was in one moment") {
  TestDaemon daemon(demo_daemon());
  const TempDir dir;
  run_echo(daemon, "first");
  std::jthread load([&](const std::stop_token& stop) {
    AgentSocket socket(daemon.socket());
    for (int i = 0; !stop.stop_requested(); ++i) {
      socket.call("execute", execute_params("echo", Json::object({{"n", i}}), "load-" + std::to_string(i)));
    }
  });
  for (int i = 0; i < 8; ++i) {
    const std::string out = dir / ("copy-" + std::to_string(i));
    const Completed done = cli({"store", "backup", out}, {.socket = daemon.socket()});
    INFO(done.out << done.err);
    REQUIRE(done.exit_code == 0);
    CHECK(mode_of(out) == 0700);
    CHECK(mode_of(out + "/data.mdb") == 0600);
    CHECK_FALSE(fs::exists(out + "/log.key"));
    CHECK(std::distance(fs::directory_iterator(out), fs::directory_iterator()) == 1);
    const Completed verified = cli({"log", "verify", out});
    INFO(verified.out);
    CHECK(verified.exit_code == 0);
    CHECK(number_member(document(verified), "entries") == number_member(document(done), "entries"));
  }
}

TEST_CASE("a backup is never written over, and what fails leaves nothing behind") {
  TestDaemon daemon(demo_daemon());
  const TempDir dir;
  const Completed refused = cli({"store", "backup", dir.path().string()}, {.socket = daemon.socket()});
  CHECK(refused.exit_code == 1);
  CHECK(contains(refused.err, "is there already, and is not written over"));
  CHECK(cli({"store", "backup", dir / "no/such/folder"}, {.socket = daemon.socket()}).exit_code == 1);
  CHECK(cli({"store", "backup", dir / "copy", "--store", "/nonexistent"}).exit_code == 1);
  CHECK(fs::is_empty(dir.path()));
  const Completed shown =
      cli({"store", "backup", dir / "copy"}, {.socket = daemon.socket(), .env = {"NO_COLOR=1"}, .terminal = true});
  CHECK(shown.exit_code == 0);
  CHECK(contains(shown.out, "log.key is not in it"));
}

TEST_CASE("a store that was put back to a copy runs again only when it is adopted, and takes no older approval") {
  DaemonOptions options = clawshield_daemon();
  const TempDir dir;
  std::ofstream(dir / "config.toml") << "[approval]\nclock_skew = \"600s\"\n";
  options.args = {"--config", dir / "config.toml"};
  TestDaemon daemon(options);
  const Approver approver = Approver::trusted();
  const Json payload = Json::object({{"a", 1}});
  REQUIRE(cli({"store", "backup", dir / "copy"}, {.socket = daemon.socket()}).exit_code == 0);
  const Json used = approver.approve("echo", payload);
  const Json unused = approver.approve("echo", payload);
  {
    AgentSocket socket(daemon.socket());
    REQUIRE(execute(socket, "echo", payload, "one", used).succeeded());
  }
  REQUIRE(daemon.stop().code == 0);
  put_back(daemon, dir / "copy");
  CHECK(contains(why_refused(daemon), "openexec store adopt"));
  const Completed behind = verify(daemon);
  CHECK(behind.exit_code == 1);
  CHECK(contains(behind.out, "it is an older copy"));

  const std::string old_key = string_member(document(cli({"store", "stat", daemon.state().string()})), "log_key");
  const Completed adopted = adopt(daemon);
  INFO(adopted.out << adopted.err);
  REQUIRE(adopted.exit_code == 0);
  const Json done = document(adopted);
  CHECK(number_member(done, "epoch") == 2);
  CHECK(string_member(done, "log_key") != old_key);
  CHECK(string_member(done, "old_key") == daemon.state().string() + "/log.key.epoch-1");
  CHECK(mode_of(daemon.state() / "log.key") == 0600);
  CHECK(mode_of(daemon.state() / "log.key.epoch-1") == 0600);
  CHECK(verify(daemon).exit_code == 0);

  daemon.start();
  AgentSocket socket(daemon.socket());
  CHECK(execute(socket, "echo", payload, "again", used).reason() == "approval_expired");
  CHECK(execute(socket, "echo", payload, "never", unused).reason() == "approval_expired");
  ApprovalChoices choices;
  choices.issued_s = 600;
  choices.expires_s = 900;
  const Json later = approver.approve("echo", payload, choices);
  CHECK(execute(socket, "echo", payload, "later", later).succeeded());
  CHECK(string_member(document(cli({"log", "key", "--json"}, {.socket = daemon.socket()})), "vkey") ==
        string_member(done, "log_key"));
  CHECK(verify(daemon).exit_code == 0);
}

TEST_CASE("what ran when a copy was made is unknown in it, and does not run again") {
  const Effects effects;
  DaemonOptions options = demo_daemon(openexecd_faults_path());
  options.env.push_back(effects.env());
  TestDaemon daemon(options);
  const TempDir dir;
  const Json payload = Json::object({{"tag", "t"}, {"ms", 600'000}});
  AgentSocket running(daemon.socket());
  running.send_line(encode_request(std::int64_t{1}, "execute", execute_params("test.sleep", payload, "sleeps")));
  effects.wait_for("t");
  REQUIRE(cli({"store", "backup", dir / "copy"}, {.socket = daemon.socket()}).exit_code == 0);
  daemon.kill9();
  put_back(daemon, dir / "copy");
  REQUIRE(adopt(daemon).exit_code == 0);
  daemon.start();
  {
    AgentSocket socket(daemon.socket());
    CHECK(string_member(receipt_by_nonce(socket, "sleeps").value(), "kind") == "unknown");
    CHECK(execute(socket, "test.sleep", payload, "sleeps").reason() == "outcome_unknown");
  }
  CHECK(effects.count("t") == 1);
  CHECK(verify(daemon).exit_code == 0);
}

TEST_CASE("a copy under another path has no key and no high-water file, and is adopted with a new key") {
  TestDaemon daemon(demo_daemon());
  run_echo(daemon, "one");
  const TempDir dir;
  REQUIRE(cli({"store", "backup", dir / "copy"}, {.socket = daemon.socket()}).exit_code == 0);
  const Json done = document(cli({"store", "adopt", dir / "copy", "--yes"}));
  CHECK(done.find("old_key")->is_null());
  CHECK(fs::exists(dir / "copy/log.key"));
  CHECK(fs::exists(dir / "copy.high-water"));
  CHECK(cli({"log", "verify", dir / "copy", "--log-key", string_member(done, "log_key")}).exit_code == 0);
  CHECK(cli({"log", "verify"}, {.socket = daemon.socket()}).exit_code == 0);  // the original goes on as it was
}

TEST_CASE("adopting asks on the terminal, and only a yes adopts") {
  TestDaemon daemon(demo_daemon());
  run_echo(daemon, "one");
  REQUIRE(daemon.stop().code == 0);
  for (const bool yes : {false, true}) {
    Process process(
        cli_process({"store", "adopt", daemon.state().string()}, {.env = {"NO_COLOR=1"}, .terminal = true}));
    process.wait_for_output("Adopt it? [y/N]");
    process.type(yes ? "y\n" : "\n");
    CHECK(process.wait().code == (yes ? 0 : 1));
    INFO(process.out());
    CHECK(contains(process.out(), yes ? "epoch 2" : "nothing was adopted"));
    CHECK(number_member(document(cli({"store", "stat", daemon.state().string()})), "epoch") == (yes ? 2 : 1));
  }
  const Completed unasked = adopt(daemon, {});
  CHECK(unasked.exit_code == 2);
  CHECK(contains(unasked.err, "no terminal to ask on"));
}

TEST_CASE("the store of a running daemon is not adopted") {
  TestDaemon daemon(demo_daemon());
  const Completed refused = adopt(daemon);
  CHECK(refused.exit_code == 1);
  CHECK(contains(refused.err, "is in use by another openexecd"));
  CHECK(cli({"store", "adopt", "/nonexistent", "--yes"}).exit_code == 1);
}

TEST_CASE("a key of the operator's own begins the new epoch, but not the one that the log has already") {
  TestDaemon daemon(demo_daemon());
  run_echo(daemon, "one");
  REQUIRE(daemon.stop().code == 0);
  const TempDir dir;
  REQUIRE(cli({"keygen", "own"}, {.directory = dir.path().string()}).exit_code == 0);
  const Completed same = adopt(daemon, {"--yes", "--log-key-file", daemon.state() / "log.key"});
  CHECK(same.exit_code == 1);
  CHECK(contains(same.err, "is the key that the log has already"));
  const Completed own = adopt(daemon, {"--yes", "--log-key-file", dir / "own.pem"});
  INFO(own.err);
  REQUIRE(own.exit_code == 0);
  CHECK_FALSE(fs::exists(daemon.state() / "log.key.epoch-1"));  // log.key is not this key's place
  CHECK(verify(daemon).exit_code == 0);
  const Json again = document(adopt(daemon, {"--yes", "--log-key-file", dir / "own.pem"}));
  CHECK(number_member(again, "epoch") == 2);  // done already: a run that was cut short is finished so
  std::ofstream(dir / "config.toml") << "[log]\nkey = \"" + std::string(dir / "own.pem") + "\"\n";
  daemon.options().args = {"--config", dir / "config.toml"};
  daemon.start();
  run_echo(daemon, "two");
  REQUIRE(daemon.stop().code == 0);
  CHECK(adopt(daemon, {"--yes", "--log-key-file", dir / "own.pem"}).exit_code == 1);  // the log went on by that key
}

TEST_CASE("an adoption that is killed at any step has changed nothing, or is finished by the next") {
  const std::string tool = program("tests/bin/openexec-store-faults");
  struct Point {
    const char* name;
    bool is_durable;  // the store is in its new epoch when it dies there
  };
  for (const Point point : {Point{"adopt.begin", false}, Point{"adopt.key", false}, Point{"adopt.commit", true},
                            Point{"adopt.mark", true}, Point{"adopt.moved", true}}) {
    INFO(point.name);
    TestDaemon daemon(demo_daemon());
    run_echo(daemon, "one");
    REQUIRE(daemon.stop().code == 0);
    const Completed killed =
        run({.argv = {tool, "adopt", daemon.state().string()}, .env = {std::string("OPENEXEC_FAULT=") + point.name}});
    REQUIRE(killed.exit_code == 128 + SIGKILL);
    CHECK(number_member(document(cli({"store", "stat", daemon.state().string()})), "epoch") ==
          (point.is_durable ? 2 : 1));
    if (!point.is_durable) {
      daemon.start();  // as if nobody had tried
      REQUIRE(daemon.stop().code == 0);
    } else {
      CHECK(contains(why_refused(daemon), "openexec store adopt"));
    }
    const Json done = document(adopt(daemon));
    CHECK(number_member(done, "epoch") == 2);
    CHECK(*done.find("was_begun")->if_bool() == point.is_durable);
    CHECK(fs::exists(daemon.state() / "log.key.epoch-1"));
    CHECK_FALSE(fs::exists(daemon.state() / "log.key.next"));
    CHECK(verify(daemon).exit_code == 0);
    daemon.start();
    run_echo(daemon, "two");
    REQUIRE(daemon.stop().code == 0);
    CHECK(number_member(document(adopt(daemon)), "epoch") == 3);  // a next adoption is one of its own
  }
}

}  // namespace
}  // namespace openexec::test
