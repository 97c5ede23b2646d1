// SPDX-License-Identifier: Apache-2.0
// A setting that cannot be honoured: one line on standard error that says what to change, exit 2, and nothing is made.
#include <filesystem>
#include <fstream>
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

struct BadStart {
  std::string name;
  std::vector<std::string> args;
  std::vector<std::string> env;
  std::string says;  // part of the line
};

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

TEST_CASE("a start that cannot be honoured says in one line what to change, exits 2 and makes nothing",
          "[integration]") {
  for (const BadStart& bad : bad_starts()) {
    DYNAMIC_SECTION(bad.name) {
      const TempDir dir;
      write_file(dir / "text", "this is no key and no store\n");
      write_file(dir / "openexec.toml", "[socket]\ncolour = \"red\"\n");
      fs::create_directory(dir / "garbage");
      fs::permissions(dir / "garbage", fs::perms::owner_all);
      write_file(dir / "garbage/data.mdb", std::string(64 * 1024, 'g'));
      const auto before = contents(dir.path());

      ProcessOptions options;
      options.argv = {openexecd_path};
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
  return run({.argv = {openexecd_path, "--socket", (dir / "socket").string()}, .env = env});
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
    env = clawshield_daemon(openexecd_path, "tenant-002").env;
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
  const Completed checked = run({.argv = {openexecd_path, "--check", "--socket", (dir / "socket").string()},
                                 .env = {"OPENEXEC_DB_URL=lmdb://" + (dir / "state").string()}});
  CHECK(checked.exit_code == 0);
  CHECK(checked.out.starts_with("ok"));
  CHECK(contents(dir.path()).empty());
}

}  // namespace
}  // namespace openexec::test
