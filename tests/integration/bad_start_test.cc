// SPDX-License-Identifier: Apache-2.0
// A setting that cannot be honoured: one line on standard error that says what to change, exit 2, and nothing is made.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "proto-json/encoding.h"
#include "tests/support/catch.h"
#include "tests/support/openexecd.h"
#include "tests/support/vectors.h"

namespace openexec::test {
namespace {

namespace fs = std::filesystem;

// Every file below a directory, with what it holds.
std::map<std::string, std::string> contents(const fs::path& dir) {
  std::map<std::string, std::string> out;
  for (const auto& entry : fs::recursive_directory_iterator(dir)) {
    out[entry.path().string()] = entry.is_regular_file() ? read_file(entry.path()) : "not a file";
  }
  return out;
}

void write_file(const fs::path& path, std::string_view text) {
  std::ofstream file(path, std::ios::binary);
  file << text;
  file.close();
  REQUIRE(file.good());
}

// An empty configuration, and a definition of an action beside it.
void write_action(const fs::path& folder, std::string_view text) {
  fs::create_directories(folder / "actions.d");
  fs::permissions(folder / "actions.d", fs::perms::owner_all);
  write_file(folder / "openexec.toml", "");
  fs::permissions(folder / "openexec.toml", fs::perms::owner_read);
  write_file(folder / "actions.d/x.toml", text);
  fs::permissions(folder / "actions.d/x.toml", fs::perms::owner_read);
}

struct BadStart {
  std::string name;
  std::vector<std::string> args;
  std::vector<std::string> env;
  std::string says;      // part of the line
  std::string action{};  // the text of an actions.d/x.toml beside a configuration; empty: none
};

// A start with this definition of an action.
BadStart bad_action(std::string name, const std::string& text, const std::string& says) {
  return {std::move(name), {"--config", "@/acting/openexec.toml"}, {}, "/acting/actions.d/x.toml" + says, text};
}

// "@" stands for the directory of the test.
std::string in_dir(std::string text, const fs::path& dir) {
  if (const auto at = text.find('@'); at != std::string::npos) {
    text.replace(at, 1, dir.string());
  }
  return text;
}

std::string pem(std::string_view der) {
  return "-----BEGIN PUBLIC KEY-----\n" + to_base64(bytes_of(der)) + "\n-----END PUBLIC KEY-----\n";
}

std::vector<BadStart> bad_starts() {
  const std::string key = "CLAWSHIELD_PUBLIC_KEY=" + Approver::trusted().public_key_pem();
  const std::string tenant = "CLAWSHIELD_TENANT_ID=tenant-001";
  const std::string x25519 =
      "CLAWSHIELD_PUBLIC_KEY=" +
      pem(std::string("\x30\x2a\x30\x05\x06\x03\x2b\x65\x6e\x03\x21\x00", 12) + std::string(32, 'k'));
  const std::vector<std::string> config{"--config", "@/openexec.toml"};
  return {
      {"unknown flag", {"--verbose"}, {}, "--verbose"},
      {"unknown mode", {"--mode", "production"}, {}, "'production' is no mode; say demo or clawshield"},
      {"unknown mode in the environment", {}, {"OPENEXEC_MODE=Demo"}, "OPENEXEC_MODE: 'Demo' is no mode"},
      {"clawshield without a key", {"--mode", "clawshield"}, {tenant}, "set CLAWSHIELD_PUBLIC_KEY"},
      {"clawshield without a tenant", {"--mode", "clawshield"}, {key}, "set CLAWSHIELD_TENANT_ID"},
      {"a key that is not Ed25519", {"--mode", "clawshield"}, {x25519, tenant}, "Ed25519"},
      {"a private key for a public one",
       {"--mode", "clawshield"},
       {"CLAWSHIELD_PUBLIC_KEY=" + string_member(vectors("clawshield-v1"), "private_key_pem"), tenant},
       "CLAWSHIELD_PUBLIC_KEY"},
      {"a key file that is not there",
       {"--mode", "clawshield"},
       {"CLAWSHIELD_PUBLIC_KEY=@/none.pem", tenant},
       "none.pem"},
      {"a key file that is no key", {"--mode", "clawshield"}, {"CLAWSHIELD_PUBLIC_KEY=@/text", tenant}, "text"},
      {"an allow-list with an unknown action",
       {},
       {"OPENEXEC_ALLOWED_ACTIONS=echo,launch"},
       "there is no action 'launch'"},
      {"a store of the seed", {}, {"OPENEXEC_DB_URL=sqlite://@/openexec.db"}, "lmdb:///DIR"},
      {"a store that is no address", {}, {"OPENEXEC_DB_URL=lmdb://relative"}, "absolute path"},
      {"a store that is a file", {}, {"OPENEXEC_DB_URL=lmdb://@/text"}, "@/text"},
      {"a store in a folder that is not there", {}, {"OPENEXEC_DB_URL=lmdb://@/none/state"}, "@/none"},
      {"a store that is no store", {}, {"OPENEXEC_DB_URL=lmdb://@/garbage"}, "@/garbage"},
      {"a socket path that is too long",
       {"--socket", "@/" + std::string(108, 's')},
       {},
       "the system allows 107; choose a shorter one"},
      {"a socket in a folder that is not there", {"--socket", "@/none/socket"}, {}, "@/none"},
      {"a configuration that is not there", {"--config", "@/none.toml"}, {}, "none.toml"},
      {"an unknown key of the configuration", config, {}, "openexec.toml:2: socket.colour is no key of this release"},
  };
}

std::vector<BadStart> bad_action_starts() {
  return {
      {"an allow-list with a command that is not there",
       {"--config", "@/acting/openexec.toml"},
       {"OPENEXEC_ALLOWED_ACTIONS=y"},
       "there is no action 'y'",
       "name = \"x\"\ndescription = \"X\"\nargv = [\"/usr/bin/true\"]"},
      {"a folder of actions that is not there",
       {"--config", "@/no-actions.toml"},
       {},
       "no-actions.toml:1: actions.dir: /nonexistent/actions.d: No such file"},
      bad_action("an action with an unknown key", "name = \"x\"\ncolour = \"red\"\n", ":2: \"colour\" is no key"),
      bad_action("an action without a command line", "name = \"x\"\ndescription = \"X\"\n", ": argv: it is missing"),
      bad_action("an action by a relative path", "argv = [\"true\"]", ":1: argv: the first is the absolute path"),
      bad_action("an action whose executable is not there",
                 "name = \"x\"\ndescription = \"X\"\nargv = [\"/nonexistent/x\"]",
                 ":3: argv: \"/nonexistent/x\": No such file"),
      bad_action("an action named like a built-in", "name = \"echo\"\ndescription = \"X\"\nargv = [\"/usr/bin/true\"]",
                 ":1: name: echo is an action of the daemon's own"),
      bad_action("an action with a placeholder and no schema",
                 "name = \"x\"\ndescription = \"X\"\nargv = [\"/usr/bin/true\", \"{unit}\"]", ":3: argv: {unit} needs"),
      bad_action(
          "an action with a bad pattern",
          "name = \"x\"\ndescription = \"X\"\nargv = [\"/usr/bin/true\"]\n[schema.properties.a]\npattern = \"(\"",
          ":5: schema/properties/a/pattern: "),
      bad_action("an action that would read the store",
                 "name = \"x\"\ndescription = \"X\"\nargv = [\"/usr/bin/true\"]\nsandbox.read = [\"/\"]",
                 ":4: sandbox.read: \"/\" contains the store"),
      bad_action("an action that is no TOML", "name", ":1: "),
  };
}

TEST_CASE("a start that cannot be honoured says in one line what to change, exits 2 and makes nothing",
          "[integration]") {
  std::vector<BadStart> all = bad_starts();
  std::ranges::move(bad_action_starts(), std::back_inserter(all));
  for (const BadStart& bad : all) {
    DYNAMIC_SECTION(bad.name) {
      const TempDir dir;
      write_file(dir / "text", "this is no key and no store\n");
      write_file(dir / "openexec.toml", "[socket]\ncolour = \"red\"\n");
      write_file(dir / "no-actions.toml", "actions.dir = \"/nonexistent/actions.d\"\n");
      if (!bad.action.empty()) {
        write_action(dir / "acting", bad.action);
      }
      fs::create_directory(dir / "garbage");
      fs::permissions(dir / "garbage", fs::perms::owner_all);
      write_file(dir / "garbage/data.mdb", std::string(64 * 1024, 'g'));
      const auto before = contents(dir.path());

      ProcessOptions options;
      options.argv = {openexecd_path()};
      for (const std::string& arg : bad.args) {
        options.argv.push_back(in_dir(arg, dir.path()));
      }
      for (const std::string& entry : bad.env) {
        options.env.push_back(in_dir(entry, dir.path()));
      }
      // Behind the case's own, which count: so that nothing else of this host is touched.
      options.env.push_back("OPENEXEC_SOCKET=" + (dir / "socket").string());
      options.env.push_back("OPENEXEC_DB_URL=lmdb://" + (dir / "state").string());
      const Completed refused = run(options);

      INFO("it said: " << refused.err);
      CHECK(refused.exit_code == 2);
      CHECK(refused.out.empty());
      CHECK(refused.err.starts_with("openexecd: "));
      CHECK(refused.err.find('\n') == refused.err.size() - 1);
      CHECK(refused.err.find(in_dir(bad.says, dir.path())) != std::string::npos);
      CHECK(contents(dir.path()) == before);
    }
  }
}

// Writes the number of the store's format over, as a later release would have it.
void set_store_format(const fs::path& state, char format) {
  std::string bytes = read_file(state / "data.mdb");
  const std::string row = std::string("format") + std::string("\0\0\0", 3);
  std::size_t found = 0;
  for (auto at = bytes.find(row); at != std::string::npos; at = bytes.find(row, at + 1)) {
    bytes[at + row.size()] = format;
    ++found;
  }
  REQUIRE(found > 0);
  write_file(state / "data.mdb", bytes);
}

Completed start_on(const fs::path& dir, std::vector<std::string> env = {}) {
  env.push_back("OPENEXEC_DB_URL=lmdb://" + (dir / "state").string());
  return run({.argv = {openexecd_path(), "--socket", (dir / "socket").string()}, .env = env});
}

TEST_CASE("a store of a newer format is refused and stays as it is", "[integration]") {
  TestDaemon daemon(demo_daemon());
  {
    AgentSocket socket(daemon.socket());
    execute(socket, "echo", tag_payload("x"), "n");
  }
  REQUIRE(daemon.stop().code == 0);
  set_store_format(daemon.state(), 99);
  const std::string before = read_file(daemon.state() / "data.mdb");
  const Completed refused = start_on(daemon.dir());
  INFO(refused.err);
  CHECK(refused.exit_code == 2);
  CHECK(refused.err.find("format 99") != std::string::npos);
  CHECK(refused.err.find('\n') == refused.err.size() - 1);
  CHECK(read_file(daemon.state() / "data.mdb") == before);
}

TEST_CASE("a store is refused in another mode and for another tenant, and stays as it is", "[integration]") {
  TestDaemon daemon(clawshield_daemon());
  REQUIRE(daemon.stop().code == 0);
  const std::string before = read_file(daemon.state() / "data.mdb");
  std::string says;
  std::vector<std::string> env;
  SECTION("another mode") { says = "belongs to clawshield mode, not demo mode"; }
  SECTION("another tenant") {
    env = clawshield_daemon(openexecd_path(), "tenant-002").env;
    says = "belongs to tenant tenant-001, not tenant-002";
  }
  const Completed refused = start_on(daemon.dir(), env);
  INFO(refused.err);
  CHECK(refused.exit_code == 2);
  CHECK(refused.err.find(says) != std::string::npos);
  CHECK(refused.err.find('\n') == refused.err.size() - 1);
  CHECK(read_file(daemon.state() / "data.mdb") == before);
}

TEST_CASE("a good configuration passes --check: exit 0, and nothing is made", "[integration]") {
  const TempDir dir;
  const Completed checked = run({.argv = {openexecd_path(), "--check", "--socket", (dir / "socket").string()},
                                 .env = {"OPENEXEC_DB_URL=lmdb://" + (dir / "state").string()}});
  CHECK(checked.exit_code == 0);
  CHECK(checked.out.starts_with("ok"));
  CHECK(contents(dir.path()).empty());
}

TEST_CASE("a check shows each command with its program and its sandbox, and the registry's digest", "[integration]") {
  const TempDir dir;
  write_action(dir.path(), "name = \"x\"\ndescription = \"X\"\nargv = [\"/usr/bin/true\"]");
  const auto before = contents(dir.path());
  const auto check = [&] {
    return run({.argv = {openexecd_path(), "--check", "--config", (dir / "openexec.toml").string(), "--socket",
                         (dir / "socket").string()},
                .env = {"OPENEXEC_DB_URL=lmdb://" + (dir / "state").string()}});
  };
  const Completed checked = check();
  INFO(checked.err);
  CHECK(checked.exit_code == 0);
  CHECK(checked.out.find("(1 command)") != std::string::npos);
  CHECK(checked.out.find("\ncommand x   /usr/bin/true   reads /usr, writes nothing, no network\nregistry ") !=
        std::string::npos);
  CHECK(contents(dir.path()) == before);
  fs::remove_all(dir / "actions.d");
  write_action(dir.path(), "name = \"x\"\ndescription = \"X\"\nargv = [\"/usr/bin/true\", \"again\"]");
  CHECK(check().out != checked.out);  // another digest
}

TEST_CASE("a check outside of the service says what it could not check, and a start misses it", "[integration]") {
  const TempDir dir;
  write_action(dir.path(),
               "name = \"x\"\ndescription = \"X\"\nargv = [\"/usr/bin/true\"]\nsecrets.TOKEN = \"token\"\n");
  ProcessOptions options{
      .argv = {openexecd_path(), "--config", (dir / "openexec.toml").string(), "--socket", (dir / "socket").string()},
      .env = {"OPENEXEC_DB_URL=lmdb://" + (dir / "state").string(), "CREDENTIALS_DIRECTORY="}};
  const Completed refused = run(options);
  CHECK(refused.exit_code == 2);
  CHECK(refused.err.find("x.toml:4: secrets.TOKEN: there are no credentials") != std::string::npos);
  options.argv.emplace_back("--check");
  const Completed checked = run(options);
  INFO(checked.err);
  CHECK(checked.exit_code == 0);
  CHECK(checked.out.find("\nnot checked here: " + (dir / "actions.d/x.toml").string() +
                         ":4: secrets.TOKEN: the credential token: CREDENTIALS_DIRECTORY is not set\n") !=
        std::string::npos);
}

}  // namespace
}  // namespace openexec::test
