// SPDX-License-Identifier: Apache-2.0
// The units as systemd reads them, with the daemon that was just built in place of the installed one.
#include <filesystem>
#include <fstream>
#include <iterator>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <string_view>

#include "proto-json/limits.h"
#include "tests/support/catch.h"
#include "tests/support/openexecd.h"
#include "tests/support/process.h"
#include "tests/support/programs.h"
#include "tests/support/temp_dir.h"

namespace openexec::test {
namespace {

namespace fs = std::filesystem;

std::string read_file(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  REQUIRE(file.good());
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

void write_file(const fs::path& path, std::string_view text) {
  std::ofstream file(path, std::ios::binary);
  file << text;
  REQUIRE(file.good());
}

std::string service_text() {
  const std::string text = read_file(program("systemd/openexec.service"));
  static const std::regex installed("\nExecStart=/[^ ]*/openexecd ");
  REQUIRE(std::regex_search(text, installed));
  return std::regex_replace(text, installed, std::string("\nExecStart=") + openexecd_path() + " ");
}

std::string socket_text() { return read_file(OPENEXEC_SOURCE_DIR "/systemd/openexec.socket"); }

// The value of a setting that a unit has once.
std::string setting(const std::string& unit, const std::string& name) {
  std::smatch match;
  REQUIRE(std::regex_search(unit, match, std::regex("\n" + name + "=(.*)\n")));
  return match[1];
}

// What `systemd-analyze verify` has to say: it ends well even over settings that it does not know.
std::string complaints(const std::string& service, const std::string& socket) {
  const TempDir dir;
  write_file(dir / "openexec.service", service);
  write_file(dir / "openexec.socket", socket);
  const Completed done = run({.argv = {"/usr/bin/systemd-analyze", "verify", "--man=no",
                                       (dir / "openexec.service").string(), (dir / "openexec.socket").string()}});
  return done.out + done.err + (done.exit_code == 0 ? "" : "exit code " + std::to_string(done.exit_code));
}

// Whether the service's exposure, from 0 to 100, is at most `exposure_max`.
bool is_hardened(const std::string& service, int exposure_max) {
  const TempDir dir;
  write_file(dir / "openexec.service", service);
  const Completed done =
      run({.argv = {"/usr/bin/systemd-analyze", "security", "--offline=true", "--no-pager",
                    "--threshold=" + std::to_string(exposure_max), (dir / "openexec.service").string()}});
  INFO(done.out << done.err);
  REQUIRE(done.out.find("Overall exposure level") != std::string::npos);
  return done.exit_code == 0;
}

TEST_CASE("systemd has nothing to say about the units") { CHECK(complaints(service_text(), socket_text()).empty()); }

TEST_CASE("a setting that systemd does not know would be seen") {
  CHECK_FALSE(complaints(service_text() + "\n[Service]\nNoSuchSetting=yes\n", socket_text()).empty());
  CHECK_FALSE(complaints(service_text(), socket_text() + "\n[Socket]\nNoSuchSetting=yes\n").empty());
}

TEST_CASE("the service's exposure is at most 0.5 of 10") {
  CHECK(is_hardened(service_text(), 5));
  CHECK_FALSE(is_hardened(service_text() + "\n[Service]\nPrivateNetwork=no\nProtectSystem=no\n", 5));
}

// The system calls of a filter's words, those of sets with them.
std::set<std::string> calls_of(const std::string& words) {
  std::set<std::string> out;
  std::istringstream stream(words);
  for (std::string word; stream >> word;) {
    if (!word.starts_with('@')) {
      out.insert(word);
      continue;
    }
    const Completed done = run({.argv = {"/usr/bin/systemd-analyze", "syscall-filter", "--no-pager", word}});
    REQUIRE(done.exit_code == 0);
    std::istringstream lines(done.out);
    for (std::string line; std::getline(lines, line);) {
      if (line.starts_with("    ") && !line.starts_with("    #")) {
        out.merge(calls_of(line));
      }
    }
  }
  return out;
}

TEST_CASE("the service's filter leaves what the launcher needs to start and hold a command") {
  const std::string service = service_text();
  std::smatch match;
  REQUIRE(std::regex_search(service, match, std::regex("\nSystemCallFilter=([^~].*)\nSystemCallFilter=~(.*)\n")));
  std::set<std::string> calls = calls_of(match[1]);
  calls.merge(calls_of("@default"));  // always allowed
  for (const std::string& call : calls_of(match[2])) {
    calls.erase(call);
  }
  for (const char* call : {"landlock_create_ruleset",
                           "landlock_add_rule",
                           "landlock_restrict_self",
                           "seccomp",
                           "prctl",
                           "prlimit64",
                           "execveat",
                           "setsid",
                           "setpgid",
                           "kill",
                           "waitid",
                           "wait4",
                           "signalfd4",
                           "poll",
                           "recvfrom",
                           "sendto",
                           "socketpair",
                           "close_range",
                           "dup3",
                           "pipe2",
                           "openat2",
                           "renameat",
                           "unlinkat",
                           "fchmod",
                           "fchdir",
                           "capget"}) {
    INFO(call);
    CHECK(calls.contains(call));
  }
  for (const char* call : {"capset", "io_uring_setup", "mount", "bpf", "setpriority"}) {
    INFO(call);
    CHECK_FALSE(calls.contains(call));
  }
}

TEST_CASE("systemd waits longer for a stop than the daemon takes") {
  CHECK(std::stoi(setting(service_text(), "TimeoutStopSec")) > limits::stop_deadline_s);
}

TEST_CASE("the service may open a file for every connection") {
  CHECK(std::stoul(setting(service_text(), "LimitNOFILE")) > limits::connections_max);
}

TEST_CASE("a stop leaves the socket's folder to the socket unit") {
  CHECK(service_text().find("RuntimeDirectory=") == service_text().find("RuntimeDirectory= there"));
  CHECK(setting(socket_text(), "ListenStream") == "/run/openexec/openexec.sock");
  CHECK(setting(socket_text(), "SocketMode") == "0660");
}

TEST_CASE("the users that the units name are those that sysusers makes") {
  const TempDir root;
  fs::create_directories(root / "etc");
  const Completed done = run({.argv = {"/usr/bin/systemd-sysusers", "--dry-run", "--root=" + root.path().string(),
                                       OPENEXEC_SOURCE_DIR "/systemd/openexec-sysusers.conf"}});
  INFO(done.out << done.err);
  CHECK(done.exit_code == 0);
  const std::string said = done.out + done.err;
  CHECK(said.find("Creating user '" + setting(service_text(), "User") + "'") != std::string::npos);
  CHECK(said.find("Creating group '" + setting(service_text(), "Group") + "'") != std::string::npos);
  CHECK(said.find("Creating group '" + setting(socket_text(), "SocketGroup") + "'") != std::string::npos);
}

TEST_CASE("the example settings are ones that the daemon takes") {
  const TempDir dir;
  fs::create_directory(dir / "approvers.d");
  write_file(dir / "approvers.d/ops.pub.pem", Approver::trusted().public_key_pem());
  const std::string example = read_file(OPENEXEC_SOURCE_DIR "/systemd/openexec.toml");
  static const std::regex keys("/etc/openexec/approvers\\.d\"");
  REQUIRE(std::regex_search(example, keys));
  write_file(dir / "openexec.toml", std::regex_replace(example, keys, (dir / "approvers.d").string() + "\""));

  const Completed done = run({.argv = {openexecd_path(), "--config", (dir / "openexec.toml").string(), "--check"},
                              .env = {"OPENEXEC_DB_URL=lmdb://" + (dir / "state").string()}});
  INFO(done.out << done.err);
  CHECK(done.exit_code == 0);
}

}  // namespace
}  // namespace openexec::test
