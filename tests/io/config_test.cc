// SPDX-License-Identifier: Apache-2.0
#include "daemon/config.h"

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <map>

#include "daemon/config_file.h"
#include "daemon/config_report.h"
#include "daemon/config_values.h"
#include "proto-json/crypto.h"
#include "proto-json/pem.h"
#include "proto-json/socket_path.h"
#include "tests/io/given_config.h"
#include "tests/support/catch.h"
#include "tests/support/note_keys.h"

namespace openexec {
namespace {

using test::Given;
using test::key_of;
using test::public_pem;

constexpr const char* p256_public_pem =
    "-----BEGIN PUBLIC KEY-----\n"
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEaxfR8uEsQkf4vOblY6RA8ncDfYEt\n"
    "6zOg9KE5RdiYwpZP40Li/hp/m47n60p8D54WK84zV2sxXs7LtkBoN79R9Q==\n"
    "-----END PUBLIC KEY-----\n";

TEST_CASE("with no configuration at all it is demo mode with the documented places and bounds") {
  Given given;
  const Config config = given.load();
  CHECK(config.policy.mode == Mode::demo);
  CHECK_FALSE(config.policy.tenant_id.has_value());
  CHECK_FALSE(config.policy.allowed_actions.has_value());
  CHECK(config.policy.origin == "vm1/openexec");
  CHECK(config.policy.own_uid == 1000);
  CHECK(config.store.dir == "/home/somebody/.local/state/openexec/store");
  CHECK(config.make_state_dir == MakeDir::all);
  CHECK(config.store.origin_is_default);
  CHECK(config.socket.path == "/tmp/openexec-1000/openexec.sock");
  CHECK(config.socket.mode == 0600);
  CHECK(config.socket.make_dir);
  CHECK(config.connection.line_bytes_max == limits::line_bytes_max);
  CHECK(config.connection.in_flight_max == limits::in_flight_per_connection);
  CHECK(config.connections_max == limits::connections_max);
  CHECK(config.policy.clock_skew_s == limits::clock_skew_s);
  CHECK(config.policy.approval_lifetime_s_max == limits::approval_lifetime_s_max);
  REQUIRE(config.warnings.size() == 1);
  CHECK(describe(config, given.registry) == "demo mode: nothing is signed, anything registered may run");
}

TEST_CASE("every key of the file does what it says") {
  Given given;
  const std::string keys = given.write("approver.pub", public_pem(1));
  given.write("definitions/README", "no definition");
  REQUIRE(chmod((given.dir / "definitions").c_str(), 0755) == 0);
  given.config_file(R"(
mode = "clawshield"
tenant_id = "tenant-001"
allowed_actions = ["echo"]
db_url = "lmdb:///srv/state"
[socket]
path = "/srv/agent.sock"
mode = "0660"
allow_uids = [1001, 1002]
allow_gids = [2001]
[approval]
keys = ")" + keys + R"("
clock_skew = "10s"
lifetime_max = "2h"
formats = ["clawshield-v1"]
[log]
origin = "host/log"
reader_uids = [7]
key = "/srv/log.key"
witnesses = [")" + to_vkey(test_witness("w.example/1").key()) +
                    R"("]
[actions]
dir = ")" + (given.dir / "definitions").string() +
                    R"("
[sandbox]
required = false
[limits]
runs_max = 3
queued_max = 4
requests_per_second_per_uid = 50
line_bytes_max = "2MiB"
in_flight_per_connection = 8
connections_max = 100
backlog = 16
denied_entries_per_second = 5
[store]
map_size = "1GiB"
warn_at = "70%"
high_water = "/srv/marks/one"
)");
  const Config config = given.load();
  CHECK(config.policy.mode == Mode::clawshield);
  CHECK(config.store.mode == Mode::clawshield);
  CHECK(config.policy.tenant_id == "tenant-001");
  CHECK(config.store.tenant_id == "tenant-001");
  CHECK(config.policy.allowed_actions == std::vector<std::string>{"echo"});
  CHECK(config.store.dir == "/srv/state");
  CHECK(config.make_state_dir == MakeDir::last);
  CHECK(config.socket.path == "/srv/agent.sock");
  CHECK(config.socket.mode == 0660);
  CHECK_FALSE(config.socket.make_dir);
  CHECK(config.policy.allow_uids == std::vector<std::uint32_t>{1001, 1002});
  CHECK(config.policy.allow_gids == std::vector<std::uint32_t>{2001});
  REQUIRE(config.keyring.approvers().size() == 1);
  CHECK(config.keyring.approvers()[0].name == "approver");
  CHECK(config.policy.clock_skew_s == 10);
  CHECK(config.commit_rules.clock_skew_s == 10);
  CHECK(config.policy.approval_lifetime_s_max == 7200);
  CHECK(config.policy.origin == "host/log");
  CHECK(config.store.origin == "host/log");
  CHECK_FALSE(config.store.origin_is_default);
  CHECK(config.policy.reader_uids == std::vector<std::uint32_t>{7});
  CHECK(config.log_key.path == "/srv/log.key");
  CHECK_FALSE(config.log_key.is_ours);
  CHECK(config.policy.witnesses == std::vector{test_witness("w.example/1").key()});
  CHECK_FALSE(config.sandbox_required);
  CHECK(config.resources.empty());
  CHECK(config.warnings.size() == 1);  // of what else is in the folder
  CHECK(config.policy.runs_max == 3);
  CHECK(config.policy.queued_max == 4);
  CHECK(config.policy.requests_per_second == 50);
  CHECK(config.policy.denied_entries_per_second == 5);
  CHECK(config.high_water_path == "/srv/marks/one");
  CHECK(config.connection.line_bytes_max == std::size_t{2} << 20);
  CHECK(config.connection.in_flight_max == 8);
  CHECK(config.connections_max == 100);
  CHECK(config.socket.backlog == 16);
  CHECK(config.store.map_size_bytes == std::size_t{1} << 30);
  CHECK(config.commit_rules.warn_percent == 70);
  CHECK(describe(config, given.registry) == "clawshield mode: 1 approver key, tenant tenant-001, 1 of 2 actions");
  CHECK(config_keys().size() == 29);  // a key more needs its line here
}

TEST_CASE("flags go over the environment, the environment over the file, the file over the default") {
  Given given;
  given.write("system.toml", "[socket]\npath = \"/srv/file.sock\"\n[limits]\nbacklog = 5\n");
  CHECK(given.load().socket.path == "/srv/file.sock");
  CHECK(given.load().socket.backlog == 5);
  given.env["OPENEXEC_SOCKET"] = "/srv/env.sock";
  CHECK(given.load().socket.path == "/srv/env.sock");
  given.flags.socket = "/srv/flag.sock";
  CHECK(given.load().socket.path == "/srv/flag.sock");
  given.config_file("[socket]\npath = \"/srv/other.sock\"\n");  // --config replaces the system's file
  CHECK(given.load().socket.backlog != 5);

  given.clawshield();
  CHECK(given.load().policy.mode == Mode::clawshield);
  given.flags.mode = "demo";
  CHECK(given.load().policy.mode == Mode::demo);
}

TEST_CASE("every variable of the environment does what it says, and set to nothing counts as unset") {
  Given given;
  given.clawshield();
  given.env["CLAWSHIELD_TENANT_ID"] = "*";
  given.env["OPENEXEC_ALLOWED_ACTIONS"] = " add ,, echo,";
  given.env["OPENEXEC_DB_URL"] = "lmdb:///srv/state";
  given.env["OPENEXEC_SOCKET"] = "/srv/agent.sock";
  const Config config = given.load();
  CHECK(config.policy.any_tenant());
  CHECK(config.policy.allowed_actions == std::vector<std::string>{"add", "echo"});
  CHECK(config.store.dir == "/srv/state");
  CHECK(config.socket.path == "/srv/agent.sock");
  REQUIRE(config.keyring.approvers().size() == 1);
  CHECK(config.keyring.approvers()[0].name == "CLAWSHIELD_PUBLIC_KEY");
  CHECK(describe(config, given.registry) == "clawshield mode: 1 approver key, any tenant, 2 of 2 actions");

  for (const char* name : {"OPENEXEC_MODE", "CLAWSHIELD_TENANT_ID", "CLAWSHIELD_PUBLIC_KEY", "OPENEXEC_ALLOWED_ACTIONS",
                           "OPENEXEC_DB_URL", "OPENEXEC_SOCKET"}) {
    given.env[name] = "";
  }
  const Config unset = given.load();
  CHECK(unset.policy.mode == Mode::demo);
  CHECK_FALSE(unset.policy.allowed_actions.has_value());
  CHECK(unset.socket.make_dir);
}

TEST_CASE("an allow-list that is set but names nothing allows nothing") {
  Given given;
  for (const char* nothing : {",", " , ", " "}) {
    given.env["OPENEXEC_ALLOWED_ACTIONS"] = nothing;
    CHECK(given.load().policy.allowed_actions == std::vector<std::string>{});
  }
  given.env.erase("OPENEXEC_ALLOWED_ACTIONS");
  given.config_file("allowed_actions = []");
  CHECK(given.load().policy.allowed_actions == std::vector<std::string>{});
}

TEST_CASE("the store's folder is the first of those that are named") {
  Given given;
  given.around.uid = 0;
  given.env.erase("HOME");
  CHECK(given.load().store.dir == "/var/lib/openexec/store");
  given.around.uid = 1000;
  given.refused({"OPENEXEC_DB_URL=lmdb:///DIR"});
  given.env["XDG_STATE_HOME"] = "/x/state";
  CHECK(given.load().store.dir == "/x/state/openexec/store");
  given.env["STATE_DIRECTORY"] = "/s/openexec:/s/other";
  CHECK(given.load().store.dir == "/s/openexec/store");
  given.env["OPENEXEC_DB_URL"] = "lmdb:///d/b";
  CHECK(given.load().store.dir == "/d/b");
}

TEST_CASE("approver keys come from text, a file, or each *.pem and *.pub of a folder") {
  Given given;
  given.clawshield();
  given.env["CLAWSHIELD_PUBLIC_KEY"] = given.write("one.pem", public_pem(1));
  REQUIRE(given.load().keyring.approvers().size() == 1);
  CHECK(given.load().keyring.approvers()[0].name == "one");

  const std::filesystem::path folder = given.dir / "approvers";
  given.write("approvers/b.pem", public_pem(2));
  given.write("approvers/a.pub", public_pem(3));
  given.write("approvers/again.pem", public_pem(2));
  given.write("approvers/README", "not a key");
  given.env.erase("CLAWSHIELD_PUBLIC_KEY");
  given.config_file("[approval]\nkeys = \"" + folder.string() + "\"");
  const Config config = given.load();
  REQUIRE(config.keyring.approvers().size() == 2);
  CHECK(config.keyring.approvers()[0].name == "a");
}

TEST_CASE("keys that are no approver's public key are refused by name, and never quoted") {
  Given given;
  given.clawshield();
  SECTION("a private key") {
    const std::string secret = to_secret_key_pem(key_of(9));
    given.env["CLAWSHIELD_PUBLIC_KEY"] = given.write("ops.pem", secret);
    given.refused({"CLAWSHIELD_PUBLIC_KEY", "ops.pem", "private key"});
    CHECK(given.error().find(secret.substr(30, 20)) == std::string::npos);
  }
  SECTION("a private key in a folder") {
    given.write("approvers/good.pem", public_pem(1));
    given.write("approvers/ops.pem", to_secret_key_pem(key_of(9)));
    given.env["CLAWSHIELD_PUBLIC_KEY"] = (given.dir / "approvers").string();
    given.refused({"ops.pem", "private key"});
  }
  SECTION("a key that is not Ed25519") {
    given.env["CLAWSHIELD_PUBLIC_KEY"] = p256_public_pem;
    given.refused({"CLAWSHIELD_PUBLIC_KEY", "not an Ed25519"});
  }
  SECTION("a file that is not there") {
    given.env["CLAWSHIELD_PUBLIC_KEY"] = "/nonexistent/key.pem";
    given.refused({"CLAWSHIELD_PUBLIC_KEY", "/nonexistent/key.pem", "No such file"});
  }
  SECTION("a file that is too large") {
    given.env["CLAWSHIELD_PUBLIC_KEY"] = given.write("big.pem", std::string(limits::key_file_bytes_max + 1, ' '));
    given.refused({"big.pem", std::to_string(limits::key_file_bytes_max)});
  }
  SECTION("no regular file") {
    REQUIRE(mkfifo((given.dir / "fifo").c_str(), 0600) == 0);
    given.env["CLAWSHIELD_PUBLIC_KEY"] = (given.dir / "fifo").string();
    given.refused({"no regular file"});
  }
  SECTION("an empty folder") {
    std::filesystem::create_directory(given.dir / "empty");
    given.env["CLAWSHIELD_PUBLIC_KEY"] = (given.dir / "empty").string();
    given.refused({"no *.pem or *.pub"});
  }
}

TEST_CASE("a setting that cannot be honoured stops the start and says what to change") {
  Given given;
  SECTION("unknown mode by flag") {
    given.flags.mode = "prod";
    given.refused({"--mode", "'prod'", "demo or clawshield"});
  }
  SECTION("unknown mode by environment") {
    given.env["OPENEXEC_MODE"] = "Demo";
    given.refused({"OPENEXEC_MODE", "'Demo'"});
  }
  SECTION("clawshield without a key") {
    given.clawshield();
    given.env.erase("CLAWSHIELD_PUBLIC_KEY");
    given.refused({"CLAWSHIELD_PUBLIC_KEY", "[approval] keys"});
  }
  SECTION("clawshield without a tenant") {
    given.clawshield();
    given.env["CLAWSHIELD_TENANT_ID"] = "";
    given.refused({"CLAWSHIELD_TENANT_ID"});
  }
  SECTION("a tenant that is no name") {
    given.clawshield();
    given.env["CLAWSHIELD_TENANT_ID"] = std::string(limits::tenant_id_bytes_max + 1, 't');
    given.refused({"CLAWSHIELD_TENANT_ID", std::to_string(limits::tenant_id_bytes_max)});
  }
  SECTION("an allow-list that names an unknown action") {
    given.env["OPENEXEC_ALLOWED_ACTIONS"] = "echo,reboot";
    given.refused({"OPENEXEC_ALLOWED_ACTIONS", "'reboot'"});
  }
  SECTION("SQLite") {
    given.env["OPENEXEC_DB_URL"] = "sqlite:///openexec.db";
    given.refused({"OPENEXEC_DB_URL", "nonces used there are not known here", "lmdb:///DIR"});
  }
  SECTION("another or a relative store") {
    for (const char* url : {"postgres://db", "lmdb://relative", "lmdb:///", "lmdb://", "/srv/state"}) {
      given.env["OPENEXEC_DB_URL"] = url;
      given.refused({"OPENEXEC_DB_URL", "lmdb:///DIR"});
    }
  }
  SECTION("a socket path that is too long, or none") {
    given.flags.socket = "/" + std::string(200, 's');
    given.refused({"--socket", "201 bytes"});
    given.flags.socket = "";
    given.refused({"--socket", "empty"});
  }
  SECTION("a default socket path that is too long") {
    given.env["XDG_RUNTIME_DIR"] = "/" + std::string(200, 's');
    given.refused({"socket path has"});
  }
  SECTION("a configuration that cannot be read") {
    given.flags.config = "/nonexistent/openexec.toml";
    given.refused({"/nonexistent/openexec.toml", "--config"});
    given.flags.config = given.dir.path().string();
    given.refused({"no regular file"});
    given.config_file("#" + std::string(limits::config_file_bytes_max, 'x'));
    given.refused({std::to_string(limits::config_file_bytes_max)});
  }
  SECTION("a host whose name cannot name a log") {
    given.around.hostname = "my host";
    given.refused({"[log] origin"});
  }
}

TEST_CASE("what is wrong in the file is refused with its line and key") {
  struct Case {
    const char* text;
    std::vector<std::string> parts;
  };
  const Case cases[] = {
      {"colour = 1", {":1: colour"}},
      {"mode = \"demo\"\n[limits]\nspeed = 1", {":3: limits.speed"}},
      {"[actions]\nfolder = \"/etc\"", {":2: actions.folder"}},
      {"[actions]\ndir = 1", {":2: actions.dir", "a text"}},
      {"[actions]\ndir = \"actions.d\"", {":2: actions.dir", "no absolute path"}},
      {"[actions]\ndir = \"/nonexistent\"", {":2: actions.dir", "/nonexistent", "No such file"}},
      {"[sandbox]\nrequired = \"yes\"", {":2: sandbox.required", "true or false"}},
      {"[limits]\nruns_max = 0", {":2: limits.runs_max", "1024"}},
      {"[limits]\nruns_max = 1025", {":2: limits.runs_max"}},
      {"[limits]\nqueued_max = -1", {":2: limits.queued_max", "65536"}},
      {"[limits]\nqueued_max = 65537", {":2: limits.queued_max"}},
      {"[limits]\nrequests_per_second_per_uid = 1000001", {":2: limits.requests_per_second_per_uid"}},
      {"[limits]\nrequests_per_second_per_uid = \"off\"", {":2: limits.requests_per_second_per_uid"}},
      {"[socket]\nadmin_path = \"/a\"", {":2: socket.admin_path"}},
      {"socket = 1", {":1: socket", "section"}},
      {"mode = 1", {":1: mode", "a text"}},
      {"mode = \"\"", {":1: mode", "a text"}},
      {"mode = \"live\"", {":1: mode", "'live'"}},
      {"allowed_actions = \"echo\"", {":1: allowed_actions", "list of texts"}},
      {"allowed_actions = [1]", {":1: allowed_actions", "list of texts"}},
      {"allowed_actions = [\"nope\"]", {":1: allowed_actions", "'nope'"}},
      {"db_url = \"sqlite:///x\"", {":1: db_url", "not known here"}},
      {"[socket]\nmode = 660", {":2: socket.mode", "0660"}},
      {"[socket]\nmode = \"0999\"", {":2: socket.mode"}},
      {"[socket]\nmode = \"1777\"", {":2: socket.mode"}},
      {"[socket]\nallow_uids = [\"root\"]", {":2: socket.allow_uids", "numeric"}},
      {"[socket]\nallow_gids = [-1]", {":2: socket.allow_gids", "numeric"}},
      {"[socket]\nallow_uids = 4294967295", {":2: socket.allow_uids"}},
      {"[socket]\nallow_uids = [4294967295]", {":2: socket.allow_uids"}},
      {"[approval]\nclock_skew = 30", {":2: approval.clock_skew", "30s"}},
      {"[approval]\nclock_skew = \"11m\"", {":2: approval.clock_skew", "600"}},
      {"[approval]\nlifetime_max = \"0s\"", {":2: approval.lifetime_max"}},
      {"[approval]\nlifetime_max = \"367d\"", {":2: approval.lifetime_max"}},
      {"[approval]\nformats = [\"dsse\"]", {":2: approval.formats", "not in this release"}},
      {"[approval]\nformats = [\"pgp\"]", {":2: approval.formats", "'pgp'"}},
      {"[approval]\nformats = []", {":2: approval.formats"}},
      {"[log]\norigin = \"a b\"", {":2: log.origin"}},
      {"[log]\norigin = \"a+b\"", {":2: log.origin"}},
      {"[log]\nreader_uids = [1.5]", {":2: log.reader_uids"}},
      {"[limits]\nline_bytes_max = 4095", {":2: limits.line_bytes_max", "4096"}},
      {"[limits]\nline_bytes_max = \"65MiB\"", {":2: limits.line_bytes_max"}},
      {"[limits]\nline_bytes_max = \"1MB\"", {":2: limits.line_bytes_max"}},
      {"[limits]\nin_flight_per_connection = 0", {":2: limits.in_flight_per_connection"}},
      {"[limits]\nin_flight_per_connection = \"64\"", {":2: limits.in_flight_per_connection"}},
      {"[limits]\nconnections_max = -1", {":2: limits.connections_max"}},
      {"[limits]\nbacklog = 65536", {":2: limits.backlog"}},
      {"[store]\nmap_size = 1", {":2: store.map_size"}},
      {"[store]\nwarn_at = \"91%\"", {":2: store.warn_at", "90"}},
      {"[store]\nwarn_at = true", {":2: store.warn_at"}},
      {"mode = ", {":1"}},
      {"mode = \"demo\"\nmode = \"demo\"", {":2"}},
      {"\xff", {":1"}},
  };
  Given given;
  for (const Case& wrong : cases) {
    INFO(wrong.text);
    given.config_file(wrong.text);
    auto parts = wrong.parts;
    parts.emplace_back("test.toml");
    given.refused(parts);
  }
}

TEST_CASE("a configuration nested as deep as its size allows is refused and never crashes the reader") {
  std::string deep;
  for (std::size_t i = 0; i < limits::config_file_bytes_max / 2 - 8; ++i) {
    deep += "a.";
  }
  Given given;
  given.config_file(deep + "a = 1");
  given.refused({"test.toml:1: ", "dots"});
}

TEST_CASE("dots in comments and in quoted texts are no parts of a key, and others are") {
  const std::string dots(2 * limits::json_depth_max, '.');
  Given given;
  given.config_file("# " + dots + "\nmode = \"demo\"  # " + dots + "\nallowed_actions = []\n");
  CHECK(given.load().policy.mode == Mode::demo);
  struct Quotes {
    const char* begin;
    const char* end;
  };
  for (const auto& [begin, end] :
       {Quotes{"\"", "\""}, Quotes{"'", "'"}, Quotes{"\"\\\"", "\""}, Quotes{"\"\"\"\n", "\"\"\""},
        Quotes{"'''\n", "'''"}, Quotes{"\"\"\"\\\"\"\"", "\"\"\"\"\""}}) {
    INFO(begin);
    given.config_file("mode = " + (begin + dots + end));
    given.refused({"test.toml:1: mode", "is no mode"});
  }
  std::string deep = "a";
  for (std::size_t i = 0; i <= limits::json_depth_max; ++i) {
    deep += i % 2 == 0 ? ". \"b\"" : ".'c.#'";
  }
  // Each ends where the parser has it end: what is behind is looked at.
  for (const std::string before : {"", "x = \"#\"\n", "x = '\\'\n", "x = \"\"\n", "x = ''\n", "x = \"\\\\\"\n",
                                   "# \"\n", "x = \"\"\"\"a\"\"\"\"\"\n", "x = \"\"\"a\n\\\"\"\"\"\n", "x = '''a''''\n",
                                   "x = { y = \"\"\"\"\"\"\"\" , ", "x = '\n", "x = [\"a\", "}) {
    INFO(before);
    given.config_file(before + deep + " = 1");
    given.refused({"test.toml:", "dots in a row"});
  }
}

TEST_CASE("a configuration or an approver's key that others may write is refused, and what to run is said") {
  Given given;
  given.clawshield();
  given.write("approvers/a.pem", public_pem(1));
  given.env["CLAWSHIELD_PUBLIC_KEY"] = given.dir / "approvers";
  given.config_file("");
  CHECK(given.load().keyring.approvers().size() == 1);
  for (const mode_t extra : {0020U, 0002U}) {
    for (const char* name : {"test.toml", "approvers/a.pem", "approvers"}) {
      const std::string path = given.dir / name;
      struct stat status{};
      REQUIRE(stat(path.c_str(), &status) == 0);
      REQUIRE(chmod(path.c_str(), (status.st_mode & 07777) | extra) == 0);
      given.refused({path, "others may write it; run chmod go-w on it"});
      REQUIRE(chmod(path.c_str(), status.st_mode & 07777) == 0);
    }
  }
  if (geteuid() != 0) {
    WARN("skipped: only root can give a file away");
    return;
  }
  for (const char* name : {"test.toml", "approvers/a.pem", "approvers"}) {
    const std::string path = given.dir / name;
    REQUIRE(chown(path.c_str(), 12345, 0) == 0);
    given.refused({path, "it belongs to uid 12345"});
    REQUIRE(chown(path.c_str(), 0, 0) == 0);
  }
}

TEST_CASE("a warning that quotes a path is one line of UTF-8, whatever the path is") {
  CHECK(one_line("a \xc3\xa4 b") == "a \xc3\xa4 b");
  CHECK(one_line("a\nb\x1b\xff\xc3\x7f\xc2\x85") == "a?b?????");
  Given given;
  given.flags.config = given.write("\xff\n/test.toml", "[approval]\nkeys = \"/nonexistent\"");
  const Config config = given.load();
  REQUIRE(config.warnings.size() == 2);
  CHECK(config.warnings[1].find("/?"
                                "?/test.toml:2: approval.keys has no effect") != std::string::npos);
}

TEST_CASE("signing that has no effect in demo mode is a warning of health") {
  Given given;
  given.clawshield();
  given.flags.mode = "demo";
  const Config config = given.load();
  CHECK(config.warnings.size() == 3);
  CHECK(config.keyring.empty());
  CHECK_FALSE(config.policy.tenant_id.has_value());
}

TEST_CASE("loading a configuration makes nothing") {
  Given given;
  given.env["OPENEXEC_DB_URL"] = "lmdb://" + (given.dir / "state").string();
  given.flags.socket = given.dir / "run/socket";
  static_cast<void>(given.load());
  CHECK(std::filesystem::is_empty(given.dir.path()));
}

TEST_CASE("quantities are read whole or not at all") {
  CHECK(duration_s_of("30s") == 30);
  CHECK(duration_s_of("5m") == 300);
  CHECK(duration_s_of("24h") == 86400);
  CHECK(duration_s_of("7d") == 604800);
  for (const char* wrong :
       {"", "30", "s", "-1s", "1.5h", " 1s", "1s ", "1 s", "99999999999999999999s", "9223372036854775807d"}) {
    CHECK_FALSE(duration_s_of(wrong).has_value());
  }
  CHECK(duration_ms_of("500ms") == 500);
  CHECK(duration_ms_of("30s") == 30'000);
  CHECK(duration_ms_of("5m") == 300'000);
  CHECK(duration_ms_of("24h") == 86'400'000);
  CHECK(duration_ms_of("7d") == 604'800'000);
  for (const char* wrong : {"", "30", "ms", "-1ms", "1.5s", " 1ms", "1 ms", "9223372036854775807s"}) {
    CHECK_FALSE(duration_ms_of(wrong).has_value());
  }
  CHECK(size_bytes_of("0") == 0);
  CHECK(size_bytes_of("16KiB") == 16384);
  CHECK(size_bytes_of("4GiB") == std::uint64_t{4} << 30);
  CHECK(size_bytes_of("1TiB") == std::uint64_t{1} << 40);
  for (const char* wrong : {"", "GiB", "4GB", "4 GiB", "4gib", "-4GiB", "18446744073709551615TiB", "0x10"}) {
    CHECK_FALSE(size_bytes_of(wrong).has_value());
  }
  CHECK(percent_of("80%") == 80);
  CHECK_FALSE(percent_of("80").has_value());
  CHECK(file_mode_of("0660") == 0660);
  CHECK(file_mode_of("777") == 0777);
  for (const char* wrong : {"", "1000", "0o660", "8", "-1"}) {
    CHECK_FALSE(file_mode_of(wrong).has_value());
  }
}

TEST_CASE("the command line is read strictly") {
  const auto parse = [](std::vector<const char*> args) {
    args.insert(args.begin(), "openexecd");
    return parse_command_line(static_cast<int>(args.size()), args.data());
  };
  const auto all = parse({"--config", "f", "--socket", "s", "--mode", "demo", "--check"});
  REQUIRE(std::holds_alternative<CommandLine>(all));
  CHECK(std::get<CommandLine>(all).config == "f");
  CHECK(std::get<CommandLine>(all).socket == "s");
  CHECK(std::get<CommandLine>(all).mode == "demo");
  CHECK(std::get<CommandLine>(all).check);
  CHECK(std::get<PrintAndExit>(parse({"--version"})).text == "openexecd 0.1.0\n");
  CHECK(std::get<PrintAndExit>(parse({"--help"})).text.find("Examples:") != std::string::npos);
  for (const std::vector<const char*>& wrong :
       {std::vector{"--nope"}, {"serve"}, {"--socket"}, {"--mode", "a", "--mode", "b"}}) {
    const auto parsed = parse(wrong);
    REQUIRE(std::holds_alternative<UsageError>(parsed));
    CHECK(std::get<UsageError>(parsed).message.find('\n') == std::string::npos);
  }
}

}  // namespace
}  // namespace openexec
