// SPDX-License-Identifier: Apache-2.0
// A real command that tries to get out of the default sandbox (tests/escape), as a user without rights, at each
// Landlock ABI that makes a difference. Without a sandbox the same attempts succeed.
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <optional>
#include <set>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "proto-json/canonical.h"
#include "tests/integration/cli_support.h"
#include "tests/support/catch.h"
#include "tests/support/openexecd.h"
#include "tests/support/process.h"
#include "tests/support/programs.h"
#include "tests/support/temp_dir.h"
#include "tests/support/vectors.h"

namespace openexec::test {
namespace {

namespace fs = std::filesystem;

constexpr uid_t nobody = 65534;  // whose rights a test by root takes on
constexpr int as_found = 0;

// Run with these before it, a program has no user's rights but those of nobody. A folder that root made for it, which
// the third word after them names a file in, becomes nobody's first.
std::vector<std::string> without_rights() {
  if (geteuid() != 0) {
    return {};
  }
  return {"/bin/sh", "-c",
          "chown 65534:65534 \"${3%/*}\" && exec setpriv --reuid=65534 --regid=65534 --clear-groups \"$@\"", "sh"};
}

std::vector<std::string> without_rights(std::vector<std::string> argv) {
  if (geteuid() == 0) {
    argv.insert(argv.begin(), {"/usr/bin/setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"});
  }
  return argv;
}

// A socket that somebody else on this host listens on.
class OtherSocket {
 public:
  OtherSocket(const std::string& name, int type) : fd_(::socket(AF_UNIX, type | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    name.copy(address.sun_path, sizeof address.sun_path - 1);
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
    if (::bind(fd_.get(), reinterpret_cast<const sockaddr*>(&address), size) != 0 ||
        (type == SOCK_STREAM && ::listen(fd_.get(), 16) != 0)) {
      throw std::runtime_error("cannot make a socket to be connected to");
    }
  }

 private:
  OwnedFd fd_;
};

using Scene = std::map<std::string, std::string>;

// A process of the same user that lets itself be traced.
class Neighbour {
 public:
  explicit Neighbour(const std::string& escape) : process_({.argv = without_rights({escape, "wait"})}) {
    std::string said;
    while (said.find('\n') == std::string::npos && !process_.ended()) {
      usleep(1000);
      said = process_.out();
    }
    std::istringstream(said) >> pid_ >> memory_;
    REQUIRE_FALSE(memory_.empty());
  }
  [[nodiscard]] const std::string& pid() const { return pid_; }
  [[nodiscard]] const std::string& memory() const { return memory_; }

 private:
  Process process_;
  std::string pid_;
  std::string memory_;
};

// All that a command could get at: the test's user's, or nobody's when that is root.
class Place {
 public:
  Place()
      : abstract_("openexec-escape-" + std::to_string(getpid())),
        stream_(path("stream"), SOCK_STREAM),
        datagram_(path("datagram"), SOCK_DGRAM),
        abstract_socket_('\0' + abstract_, SOCK_STREAM) {
    for (const char* folder : {"bin", "actions.d", "credentials", "outside", "own"}) {
      fs::create_directory(dir_ / folder);
    }
    copy(openexecd_faults_path());
    copy(openexec_launch_path());
    copy(program("tests/bin/openexec-escape"));
    fs::copy_file("/usr/bin/true", dir_ / "outside/program");
    write_private("outside/kept", "kept\n");
    write_private("credentials/token", "0123456789abcdef-token\n");
    write_private("openexec.toml", "[sandbox]\nrequired = true\n");
    write_private("actions.d/escape.toml", escape_definition("escape", ""));
    write_private("actions.d/network.toml", escape_definition("network", "network = true"));
    write_private("actions.d/unix.toml", escape_definition("unix", "unix = true"));
    write_private(
        "actions.d/outlive.toml",
        "name = \"outlive\"\ndescription = \"Stays\"\ntimeout = \"1s\"\nargv = [\"" + escape() + "\", \"outlive\"]\n");
    give_away();
    neighbour_.emplace(escape());
  }

  [[nodiscard]] std::string path(std::string_view name) const { return (dir_ / name).string(); }
  [[nodiscard]] std::string escape() const { return path("bin/openexec-escape"); }
  [[nodiscard]] Scene scene(const TestDaemon& daemon) const {
    return {{"abstract", abstract_},
            {"agent", daemon.socket()},
            {"credential", path("credentials/token")},
            {"daemon", std::to_string(daemon.pid())},
            {"datagram", path("datagram")},
            {"log_key", daemon.state() / "log.key"},
            {"memory", neighbour_->memory()},
            {"neighbour", neighbour_->pid()},
            {"outside", path("outside")},
            {"store", daemon.state() / "data.mdb"},
            {"stream", path("stream")}};
  }

  [[nodiscard]] DaemonOptions daemon(int landlock_abi) const {
    return {.binary = path("bin/openexecd-faults"),
            .args = {"--config", path("openexec.toml")},
            .env = {"CREDENTIALS_DIRECTORY=" + path("credentials"),
                    "OPENEXEC_TEST_LANDLOCK_ABI=" + std::to_string(landlock_abi)},
            .under = without_rights()};
  }

 private:
  void copy(const std::string& program) const { fs::copy_file(program, dir_ / "bin" / fs::path(program).filename()); }

  void write_private(const std::string& name, const std::string& text) const {
    write_file(dir_ / name, text);
    fs::permissions(dir_ / name, fs::perms::owner_read | fs::perms::owner_write);
  }

  // Each member of the scene is one argument.
  [[nodiscard]] std::string escape_definition(const std::string& name, const std::string& sandbox) const {
    std::string arguments = "\"" + escape() + "\", \"attempts\"";
    std::string properties;
    for (const char* member : {"abstract", "agent", "credential", "daemon", "datagram", "log_key", "memory",
                               "neighbour", "outside", "store", "stream"}) {
      arguments += ", \"{" + std::string(member) + "}\"";
      properties += "[schema.properties." + std::string(member) + "]\ntype = \"string\"\n";
    }
    return "name = \"" + name +
           "\"\ndescription = \"Tries to get out\"\ntimeout = \"60s\"\nstdin = \"none\"\nargv = [" + arguments +
           "]\nsecrets = { TOKEN = \"token\" }\n" + properties + "[sandbox]\n" + sandbox + "\n";
  }

  void give_away() const {
    if (geteuid() != 0) {
      return;
    }
    std::vector<fs::path> all = {dir_.path()};
    for (const auto& entry : fs::recursive_directory_iterator(dir_.path())) {
      all.push_back(entry.path());
    }
    for (const fs::path& path : all) {
      REQUIRE(lchown(path.c_str(), nobody, nobody) == 0);
    }
  }

  TempDir dir_;
  std::string abstract_;
  OtherSocket stream_;
  OtherSocket datagram_;
  OtherSocket abstract_socket_;
  std::optional<Neighbour> neighbour_;
};

struct Attempt {
  std::string result;
  std::string name;
  std::string otherwise;  // what may stop it outside of a sandbox as well
};

std::vector<Attempt> attempts_in(const std::string& said) {
  std::vector<Attempt> out;
  std::istringstream lines(said);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream cells(line);
    Attempt attempt;
    std::getline(cells, attempt.result, '\t');
    std::getline(cells, attempt.name, '\t');
    std::getline(cells, attempt.otherwise, '\t');
    out.push_back(attempt);
  }
  return out;
}

bool is_signal(const Attempt& attempt) {
  constexpr std::string_view senders[] = {"kill()", "tgkill()", "tkill()", "pidfd_send_signal()", "rt_sigqueueinfo()"};
  return std::ranges::any_of(senders, [&](std::string_view sender) { return attempt.name.starts_with(sender); });
}

// What gave that answer; empty: none of what the sandbox is made of.
std::string stopped_by(const Attempt& attempt, int abi) {
  if (attempt.result == "EACCES") {
    return "Landlock (paths)";
  }
  if (attempt.result == "EXDEV") {
    return "Landlock (moving between folders)";
  }
  if (attempt.result == "EPERM" && is_signal(attempt)) {
    return abi >= 6 ? "Landlock (signals)" : "seccomp";
  }
  return std::set<std::string>{"EPERM", "EAFNOSUPPORT", "ENOSYS", "SIGSYS"}.contains(attempt.result) ? "seccomp" : "";
}

Json payload_of(const Scene& scene) {
  std::vector<Member> members;
  for (const auto& [name, value] : scene) {
    members.push_back({name, name + "=" + value});
  }
  return Json::object(std::move(members));
}

int landlock_abi() {
  constexpr unsigned version = 1;
  return static_cast<int>(syscall(SYS_landlock_create_ruleset, nullptr, 0, version));
}

// Whether there is a sandbox to get out of.
bool has_sandbox() {
  constexpr int minimum = 2;
  if (landlock_abi() >= minimum) {
    return true;
  }
  if (std::getenv("CI") != nullptr) {
    FAIL("this kernel has no Landlock of ABI 2 or later");
  }
  std::printf("skipped: this kernel has no Landlock of ABI 2 or later\n");
  return false;
}

// Those of the ABIs that make a difference which this kernel can be made to have.
std::vector<int> landlock_abis() {
  std::vector<int> out = {2, 4, 6};
  std::erase_if(out, [](int abi) { return abi > landlock_abi(); });
  if (out.size() < 3) {
    std::printf("not tried: ABIs later than %d, which this kernel has\n", landlock_abi());
  }
  out.push_back(as_found);
  return out;
}

std::vector<Attempt> attempts_by(AgentSocket& socket, std::string_view action, const Scene& scene) {
  const Answer answer = execute(socket, action, payload_of(scene), "n-" + std::string(action));
  INFO(to_compact(answer.reply));
  CHECK(string_member(answer.result(), "status") == "executed");
  std::vector<Attempt> attempts = attempts_in(string_member(member(answer.result(), "result"), "stdout"));
  CHECK(attempts.size() > 60);
  return attempts;
}

struct Kept {
  std::string text;
  mode_t mode = 0;
  time_t changed = 0;
  bool operator==(const Kept&) const = default;
};

Kept kept_in(const std::string& path) {
  struct stat status{};
  REQUIRE(stat(path.c_str(), &status) == 0);
  std::ifstream file(path, std::ios::binary);
  return {{std::istreambuf_iterator<char>(file), {}}, status.st_mode, status.st_ctim.tv_sec};
}

void check_that_none_gets_out(const Place& place, int abi_max) {
  TestDaemon daemon(place.daemon(abi_max));
  const int abi = abi_max == as_found ? landlock_abi() : abi_max;
  const Scene scene = place.scene(daemon);
  const Kept key_before = kept_in(scene.at("log_key"));
  const Kept file_before = kept_in(place.path("outside/kept"));

  AgentSocket socket(daemon.socket());
  for (const Attempt& attempt : attempts_by(socket, "escape", scene)) {
    const std::string by = stopped_by(attempt, abi);
    // Where something else would stop it as well, the error does not tell which did.
    std::printf("ABI %d: %-44s %-12s %s%s\n", abi, attempt.name.c_str(), attempt.result.c_str(),
                attempt.otherwise.empty() ? "" : "perhaps ", by.c_str());
    INFO("ABI " << abi << ": " << attempt.name << ": " << attempt.result);
    CHECK_FALSE(by.empty());
  }
  CHECK(kept_in(scene.at("log_key")) == key_before);
  CHECK(kept_in(place.path("outside/kept")) == file_before);
  CHECK(call(socket, "info").succeeded());  // nothing has happened to the daemon
}

// That what goes through is exactly this.
void check_that_only(const Place& place, int abi_max, std::string_view action, const std::set<std::string>& allowed) {
  TestDaemon daemon(place.daemon(abi_max));
  AgentSocket socket(daemon.socket());
  for (const Attempt& attempt : attempts_by(socket, action, place.scene(daemon))) {
    INFO(action << ": " << attempt.name << ": " << attempt.result);
    CHECK((attempt.result == "through") == allowed.contains(attempt.name));
  }
}

TEST_CASE("a command cannot get out of the default sandbox, whatever Landlock the kernel has") {
  if (!has_sandbox()) {
    return;
  }
  const Place place;
  for (const int abi : landlock_abis()) {
    check_that_none_gets_out(place, abi);
  }
}

TEST_CASE("a command that was given the network gets that and nothing else") {
  if (!has_sandbox()) {
    return;
  }
  const Place place;
  for (const int abi : landlock_abis()) {
    check_that_only(
        place, abi, "network",
        {"a TCP socket", "a UDP socket", "a socket by a garbled register", "an IPv6 socket", "a netlink socket"});
  }
}

TEST_CASE("a command that was given Unix sockets gets those and nothing else") {
  if (!has_sandbox()) {
    return;
  }
  const Place place;
  for (const int abi : landlock_abis()) {
    // It may connect to the daemon as well; the daemon then tells it that it belongs to a run.
    check_that_only(place, abi, "unix",
                    {"connect to the daemon", "connect to another socket", "connect to an abstract socket",
                     "datagrams to another socket", "datagrams from a pair"});
  }
}

TEST_CASE("without a sandbox every one of these attempts succeeds") {
  if (!has_sandbox()) {
    return;
  }
  const Place place;
  const TestDaemon daemon(place.daemon(as_found));
  ProcessOptions options{.argv = {place.escape(), "attempts"}, .directory = place.path("own")};
  for (const auto& [name, value] : place.scene(daemon)) {
    options.argv.push_back(name + "=" + value);
  }
  options.argv = without_rights(std::move(options.argv));
  const Completed done = run(std::move(options));
  const std::vector<Attempt> attempts = attempts_in(done.out);
  CHECK(attempts.size() > 60);
  for (const Attempt& attempt : attempts) {
    std::printf("no sandbox: %-40s %-14s %s\n", attempt.name.c_str(), attempt.result.c_str(),
                attempt.otherwise.c_str());
    INFO(attempt.name << ": " << attempt.result);
    CHECK((attempt.result == "through" || !attempt.otherwise.empty()));
  }
}

TEST_CASE("a command does not outlive its timeout, nor does any process of it") {
  if (!has_sandbox()) {
    return;
  }
  const Place place;
  for (const int abi : {2, as_found}) {
    TestDaemon daemon(place.daemon(abi));
    AgentSocket socket(daemon.socket());
    const Answer answer = execute(socket, "outlive", Json::object({}), "n-1");
    INFO(to_compact(answer.reply));
    CHECK(string_member(answer.result(), "status") == "timed_out");
    std::istringstream pids(string_member(member(answer.result(), "result"), "stdout"));
    int count = 0;
    for (pid_t pid = 0; pids >> pid; ++count) {
      CHECK_FALSE(fs::exists("/proc/" + std::to_string(pid)));
    }
    CHECK(count == 3);
  }
}

}  // namespace
}  // namespace openexec::test
