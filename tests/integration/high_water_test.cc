// SPDX-License-Identifier: Apache-2.0
// A store that is not where the high-water file says it was is not run: it has forgotten what was used since.
#include <filesystem>
#include <fstream>
#include <string>

#include "tests/support/catch.h"
#include "tests/support/openexecd.h"

namespace openexec::test {
namespace {

namespace fs = std::filesystem;

fs::path mark_of(const TestDaemon& daemon) { return daemon.state().string() + ".high-water"; }
fs::path data_of(const TestDaemon& daemon) { return daemon.state() / "data.mdb"; }

void add_entries(TestDaemon& daemon, const std::string& nonce, int count) {
  AgentSocket socket(daemon.socket());
  for (int i = 0; i < count; ++i) {
    REQUIRE(execute(socket, "echo", tag_payload("x"), nonce + "-" + std::to_string(i)).succeeded());
  }
}

// One line that names what is wrong and what to do, and exit 2.
void require_refused(TestDaemon& daemon, const std::string& says) {
  daemon.launch();
  const ExitStatus end = daemon.wait();
  INFO(daemon.err());
  REQUIRE(end.code == 2);
  CHECK(daemon.err().find(says) != std::string::npos);
  CHECK(daemon.err().find(daemon.state().string()) != std::string::npos);
  CHECK(daemon.err().find('\n') == daemon.err().size() - 1);
}

TEST_CASE("a store that was put back to an older copy is refused, and its own is not", "[integration]") {
  TestDaemon daemon(demo_daemon());
  add_entries(daemon, "old", 3);
  REQUIRE(daemon.stop().code == 0);
  const TempDir kept;
  fs::copy_file(data_of(daemon), kept.path() / "older.mdb");
  daemon.start();
  add_entries(daemon, "new", 2);
  REQUIRE(daemon.stop().code == 0);
  fs::copy_file(data_of(daemon), kept.path() / "own.mdb");

  fs::copy_file(kept.path() / "older.mdb", data_of(daemon), fs::copy_options::overwrite_existing);
  require_refused(daemon, "has 3 entries, and had 5 before: it was put back to an older copy");
  CHECK(daemon.err().find("openexec store adopt") != std::string::npos);
  require_refused(daemon, "it was put back to an older copy");  // a refusal changes nothing

  fs::copy_file(kept.path() / "own.mdb", data_of(daemon), fs::copy_options::overwrite_existing);
  daemon.start();
  AgentSocket socket(daemon.socket());
  CHECK(execute(socket, "echo", tag_payload("x"), "new-1").replayed());
}

TEST_CASE("an older copy that went on by itself is refused", "[integration]") {
  TestDaemon daemon(demo_daemon());
  add_entries(daemon, "common", 2);
  REQUIRE(daemon.stop().code == 0);
  const TempDir kept;
  fs::copy_file(data_of(daemon), kept.path() / "older.mdb");
  fs::copy_file(mark_of(daemon), kept.path() / "older.mark");
  daemon.start();
  add_entries(daemon, "first", 2);
  REQUIRE(daemon.stop().code == 0);
  fs::copy_file(mark_of(daemon), kept.path() / "own.mark");

  // With its own mark beside it the copy cannot tell that it is one: whoever has a witness can.
  fs::copy_file(kept.path() / "older.mdb", data_of(daemon), fs::copy_options::overwrite_existing);
  fs::copy_file(kept.path() / "older.mark", mark_of(daemon), fs::copy_options::overwrite_existing);
  daemon.start();
  add_entries(daemon, "second", 3);
  REQUIRE(daemon.stop().code == 0);
  fs::copy_file(kept.path() / "own.mark", mark_of(daemon), fs::copy_options::overwrite_existing);
  require_refused(daemon, "are not those that it had before");
}

TEST_CASE("a store with entries and no high-water file is refused", "[integration]") {
  TestDaemon daemon(demo_daemon());
  add_entries(daemon, "n", 1);
  REQUIRE(daemon.stop().code == 0);
  SECTION("it is gone") { fs::remove(mark_of(daemon)); }
  SECTION("it is empty") { fs::resize_file(mark_of(daemon), 0); }
  require_refused(daemon, "has 1 entries and no high-water file");
  require_refused(daemon, "has 1 entries and no high-water file");
}

TEST_CASE("a store that has nothing may be new, with a mark or without", "[integration]") {
  TestDaemon daemon(demo_daemon());
  REQUIRE(daemon.stop().code == 0);
  SECTION("with its mark") {}
  SECTION("without") { fs::remove(mark_of(daemon)); }
  SECTION("all of it new") {
    fs::remove(mark_of(daemon));
    fs::remove_all(daemon.state());
  }
  daemon.start();
  add_entries(daemon, "n", 1);
}

TEST_CASE("a new store beside the high-water file of one that had entries is refused", "[integration]") {
  TestDaemon daemon(demo_daemon());
  add_entries(daemon, "n", 4);
  REQUIRE(daemon.stop().code == 0);
  fs::remove_all(daemon.state());
  require_refused(daemon, "has 0 entries, and had 4 before");
}

TEST_CASE("a damaged high-water file is refused, whatever is wrong with it", "[integration]") {
  TestDaemon daemon(demo_daemon());
  add_entries(daemon, "n", 1);
  REQUIRE(daemon.stop().code == 0);
  std::fstream file(mark_of(daemon), std::ios::in | std::ios::out | std::ios::binary);
  SECTION("another size") {
    file.seekp(50);
    file << '9';
  }
  SECTION("more after its end") {
    file.seekp(0, std::ios::end);
    file << "more\n";
  }
  SECTION("cut short") { fs::resize_file(mark_of(daemon), fs::file_size(mark_of(daemon)) - 1); }
  file.close();
  require_refused(daemon, ".high-water is damaged");
}

TEST_CASE("the high-water file stands where [store] high_water says", "[integration]") {
  DaemonOptions options = demo_daemon();
  const TempDir elsewhere;
  const TempDir config;
  std::ofstream(config / "openexec.toml") << "[store]\nhigh_water = \"" << (elsewhere / "mark").string() << "\"\n";
  options.args = {"--config", config / "openexec.toml"};
  TestDaemon daemon(options);
  add_entries(daemon, "n", 1);
  REQUIRE(daemon.stop().code == 0);
  CHECK_FALSE(fs::exists(mark_of(daemon)));
  fs::remove(elsewhere / "mark");
  require_refused(daemon, "no high-water file");
}

}  // namespace
}  // namespace openexec::test
