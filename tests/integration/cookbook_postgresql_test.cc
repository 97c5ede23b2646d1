// SPDX-License-Identifier: Apache-2.0
// The PostgreSQL definition of docs/actions.md, against a server of its own.
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "tests/integration/cli_support.h"
#include "tests/integration/cookbook.h"
#include "tests/support/catch.h"
#include "tests/support/vectors.h"

namespace openexec::test {
namespace {

namespace fs = std::filesystem;

constexpr const char* postgresql_folder = "/usr/lib/postgresql";
constexpr uid_t nobody = 65534;

// The programs of the newest release that is there; nothing when the test is to be skipped.
std::optional<fs::path> postgresql_programs() {
  std::vector<fs::path> found;
  if (fs::exists(postgresql_folder)) {
    for (const auto& entry : fs::directory_iterator(postgresql_folder)) {
      if (fs::exists(entry.path() / "bin" / "initdb") && fs::exists(entry.path() / "bin" / "psql")) {
        found.push_back(entry.path() / "bin");
      }
    }
  }
  if (found.empty()) {
    has_program(std::string(postgresql_folder) + "/*/bin/initdb", "postgresql");
    return std::nullopt;
  }
  return *std::ranges::max_element(found);
}

// A server on a Unix socket in a folder of its own. PostgreSQL does not run as root, so root starts it as somebody
// else.
class PostgresServer {
 public:
  explicit PostgresServer(fs::path programs) : programs_(std::move(programs)) {
    if (::geteuid() == 0) {
      REQUIRE(::chown(dir_.path().c_str(), nobody, nobody) == 0);
      fs::permissions(dir_.path(), fs::perms(0755));  // a command has none of root's capabilities
      as_other_ = {"/usr/bin/setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"};
    }
    const Completed made = run(options(
        {programs_ / "initdb", "--pgdata", data(), "--username=owner", "--auth=trust", "--no-sync", "--locale=C"}));
    INFO(made.out << made.err);
    REQUIRE(made.exit_code == 0);
    process_.emplace(options({programs_ / "postgres", "-D", data(), "-k", dir_.path(), "-c", "listen_addresses=", "-c",
                              "fsync=off", "-c", "shared_buffers=1MB", "-c", "max_connections=10"}));
    const auto until = std::chrono::steady_clock::now() + generous_deadline;
    while (statement("SELECT 1").exit_code != 0) {
      INFO(process_->out() << process_->err());
      REQUIRE((!process_->ended() && std::chrono::steady_clock::now() < until));
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
  }

  [[nodiscard]] std::string folder() const { return dir_.path(); }
  // By its owner, in the database that there is from the start.
  Completed statement(const std::string& sql) {
    return run(options({programs_ / "psql", "--no-psqlrc", "--tuples-only", "--no-align", "--host", dir_.path(),
                        "--username=owner", "--command", sql, "postgres"}));
  }

 private:
  [[nodiscard]] std::string data() const { return dir_ / "data"; }
  [[nodiscard]] ProcessOptions options(std::vector<std::string> argv) const {
    argv.insert(argv.begin(), as_other_.begin(), as_other_.end());
    return {.argv = std::move(argv), .env = {"LANG=C"}, .directory = dir_.path()};
  }

  fs::path programs_;
  TempDir dir_;
  std::vector<std::string> as_other_;
  std::optional<Process> process_;
};

TEST_CASE("cookbook: a PostgreSQL statement is fixed, and takes a listed table and a number of days", "[integration]") {
  const auto programs = postgresql_programs();
  if (!programs) {
    return;
  }
  PostgresServer server(*programs);
  for (const char* const sql :
       {"CREATE ROLE openexec LOGIN", "CREATE TABLE sessions (made_at timestamptz)",
        "CREATE TABLE audit (made_at date)", "GRANT SELECT, DELETE ON sessions TO openexec",
        "INSERT INTO sessions SELECT now() - make_interval(days => n) FROM generate_series(1, 10) AS n"}) {
    REQUIRE(server.statement(sql).exit_code == 0);
  }
  const Cookbook book(GENERATE(as<int>{}, debian_12_landlock_abi, 0));
  fs::create_directory(book.path("sql"));
  book.write_shown("/usr/local/libexec/openexec/purge.sql", "sql/purge.sql");
  book.define("db.purge", {{"/usr/lib/postgresql/15/bin", *programs},
                           {"/run/postgresql", server.folder()},
                           {"PGDATABASE = \"shop\"", "PGDATABASE = \"postgres\""},
                           {"/usr/local/libexec/openexec/", book.path("sql/")},
                           {"[sandbox]\n", "[sandbox]\nread = [\"/usr\", \"" + book.path("sql") + "\"]\n"}});
  ActionDaemon actions("db.purge", book.with_config(demo_daemon()));
  const auto purge = [](std::string_view table, std::string_view days) {
    return Json::object({{"table", table}, {"days", days}});
  };

  CHECK(string_member(actions.run(purge("table=sessions", "days=7")), "stdout") == "4\n");
  CHECK(string_member(actions.run(purge("table=sessions", "days=7")), "stdout") == "0\n");
  CHECK(server.statement("SELECT count(*) FROM sessions").out == "6\n");
  // The role may not: the statement fails, and says so.
  CHECK(contains(string_member(actions.run(purge("table=audit", "days=7"), "failed"), "stderr"), "permission denied"));

  actions.refuses({purge("table=pg_authid", "days=7"), purge("table=sessions; DROP TABLE sessions", "days=7"),
                   purge("table=sessions", "days=7'; DROP TABLE sessions; --"), purge("table=sessions", "days=-7"),
                   purge("table=sessions", "days=7\n"), purge("--command=SELECT 1", "days=7"),
                   purge("table=sessions", "ON_ERROR_STOP=0"), Json::object({{"table", "table=sessions"}})});
}

}  // namespace
}  // namespace openexec::test
