// SPDX-License-Identifier: Apache-2.0
// The launcher by itself: what becomes of a command, and of all that it starts.
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "tests/io/launched.h"
#include "tests/support/catch.h"
#include "tests/support/process_facts.h"
#include "tests/support/programs.h"

namespace openexec::test {
namespace {

namespace fs = std::filesystem;

constexpr const char* shell = "/usr/bin/dash";

launch::Plan script(const std::string& text, const TempDir& temp) { return plan_of({shell, "-c", text}, temp); }

launch::Report report_of(const launch::Plan& plan) {
  Launched run(plan);
  const auto report = run.report();
  INFO(run.out());
  REQUIRE(report.has_value());
  CHECK(run.wait() == 0);
  return *report;
}

std::string output_of(const launch::Plan& plan) {
  Launched run(plan);
  const auto report = run.report();
  REQUIRE(report.has_value());
  CHECK(report->not_started.empty());
  return run.out();
}

bool is_alive(pid_t pid) { return kill(pid, 0) == 0; }

std::vector<pid_t> pids_in(const std::string& text) {
  std::vector<pid_t> out;
  std::istringstream words(text);
  for (pid_t pid = 0; words >> pid;) {
    out.push_back(pid);
  }
  return out;
}

TEST_CASE("the report says how the command ended") {
  const TempDir temp;
  const launch::Report done = report_of(script("exit 7", temp));
  CHECK(done.not_started.empty());
  CHECK_FALSE(done.is_signal);
  CHECK(done.number == 7);
  CHECK(done.duration_us > 0);
  const launch::Report killed = report_of(script("kill -TERM $$", temp));
  CHECK(killed.is_signal);
  CHECK(killed.number == SIGTERM);
  CHECK_FALSE(killed.timed_out);
}

TEST_CASE("a command gets its arguments whole, its environment alone, and a folder of its own") {
  const TempDir temp;
  launch::Plan plan = script(R"(printf '[%s]' "$@"; pwd; printf '%s\n' "$TMPDIR"; umask; env -u PWD; ls -A)", temp);
  plan.argv.insert(plan.argv.end(), {"name", "a b", "$(id)", "line\nline", "--flag", ""});
  plan.env = {"ONE=1"};
  const std::string out = output_of(plan);
  CHECK(out.starts_with("[a b][$(id)][line\nline][--flag][]"));
  const std::string folder = temp / "openexec-run-";
  CHECK(out.find(folder) != std::string::npos);
  CHECK(out.find("\nTMPDIR=" + folder) != std::string::npos);
  CHECK(out.find("\n0077\n") != std::string::npos);
  CHECK(out.find("ONE=1\n") != std::string::npos);
  CHECK(out.find("PATH=") == std::string::npos);
}

TEST_CASE("a command has three descriptors, no privileges, and signals as they were made") {
  const TempDir temp;
  launch::Plan plan = plan_of({"/usr/bin/cat", "/proc/self/status"}, temp);
  plan.read.emplace_back("/proc");
  const std::string status = output_of(plan);
  for (const char* line : {"\nSigBlk:\t0000000000000000\n", "\nSigIgn:\t0000000000000000\n",
                           "\nCapInh:\t0000000000000000\n", "\nCapPrm:\t0000000000000000\n",
                           "\nCapEff:\t0000000000000000\n", "\nCapAmb:\t0000000000000000\n", "\nNoNewPrivs:\t1\n"}) {
    INFO(line << status);
    CHECK(status.find(line) != std::string::npos);
  }
  plan.argv = {"/usr/bin/ls", "/proc/self/fd"};
  CHECK(output_of(plan) == "0\n1\n2\n3\n");  // the last is the folder that it lists
  plan.argv = {"/usr/bin/cat", "/proc/self/limits"};
  const std::string bounds = output_of(plan);
  CHECK(bounds.find("Max open files            1024                 1024") != std::string::npos);
  CHECK((bounds.find("Max core file size        1                    1") != std::string::npos ||
         bounds.find("Max core file size        0                    0") != std::string::npos));
}

TEST_CASE("a command that cannot be executed was not started, and the report says why") {
  const TempDir temp;
  launch::Plan plan = plan_of({"/etc/hostname"}, temp);
  CHECK(report_of(plan).not_started.find("cannot execute /etc/hostname") == 0);
  plan = plan_of({shell}, temp);
  plan.read = {"/nowhere"};
  CHECK(report_of(plan).not_started.find("/nowhere") != std::string::npos);
  fs::create_directory_symlink("/usr", temp / "link");
  plan.read = {"/usr", temp / "link"};
  CHECK(report_of(plan).not_started.find("symbolic link") != std::string::npos);
  plan = plan_of({shell}, temp);
  plan.temp_parent = "/nowhere";
  CHECK(report_of(plan).not_started.find("temporary folder in /nowhere") != std::string::npos);
  plan = plan_of({shell}, temp);
  plan.processes_max = 16;
  CHECK(report_of(plan).not_started.find("there is no cgroup") != std::string::npos);
}

TEST_CASE("where the sandbox is required and cannot be, nothing runs") {
  const TempDir temp;
  launch::Plan plan = script("echo ran", temp);
  plan.is_sandbox_required = true;
  plan.landlock_abi_max = 1;
  Launched run(plan);
  const auto report = run.report();
  REQUIRE(report.has_value());
  CHECK(report->not_started.find("the sandbox is required") == 0);
  CHECK(run.out().empty());
}

TEST_CASE("a command past its timeout gets SIGTERM, and after the grace SIGKILL") {
  const TempDir temp;
  launch::Plan plan = script("trap 'exit 5' TERM; sleep 1000 & wait", temp);
  plan.timeout_ms = 100;
  const launch::Report heard = report_of(plan);
  CHECK(heard.timed_out);
  CHECK_FALSE(heard.is_signal);
  CHECK(heard.number == 5);
  plan = script("trap '' TERM; while :; do sleep 1000; done", temp);
  plan.timeout_ms = 100;
  const launch::Report deaf = report_of(plan);
  CHECK(deaf.timed_out);
  CHECK(deaf.is_signal);
  CHECK(deaf.number == SIGKILL);
  plan = script("kill -STOP $$", temp);
  plan.timeout_ms = 100;
  CHECK(report_of(plan).number == SIGTERM);
}

TEST_CASE("when a command has ended, so have its children and its orphans") {
  const TempDir temp;
  Launched run(script("sleep 1000 & echo $!; (sleep 1000 & echo $!) ; exit 0", temp));
  const auto report = run.report();
  REQUIRE(report.has_value());
  CHECK(report->number == 0);
  const auto pids = pids_in(run.out());
  CHECK(pids.size() == 2);
  for (const pid_t pid : pids) {
    CHECK_FALSE(is_alive(pid));
  }
}

TEST_CASE("a command that forks without end is dead when its time is over") {
  const TempDir temp;
  // Each process of the chain starts the next one and ends: whoever looks for them finds them gone.
  launch::Plan plan = script("trap '' TERM; f() { f & }; f; f; sleep 1000", temp);
  plan.timeout_ms = 200;
  Launched run(plan);
  const pid_t session = run.pid();
  const auto report = run.report();
  REQUIRE(report.has_value());
  CHECK(report->timed_out);
  CHECK(run.wait() == 0);
  for (const auto& entry : fs::directory_iterator("/proc")) {
    const pid_t pid = std::atoi(entry.path().filename().c_str());
    CHECK((pid == 0 || getsid(pid) != session));
  }
}

TEST_CASE("when the daemon's end of the channel closes, all of the run is killed") {
  const TempDir temp;
  Launched run(script("trap '' TERM HUP INT; sleep 1000 & echo $!; (sleep 1000 & echo $!); echo $$ there; wait", temp));
  const auto pids = pids_in(run.wait_for_output("there"));
  CHECK(pids.size() == 3);
  run.close_channel();
  CHECK(run.wait() == 0);
  for (const pid_t pid : pids) {
    CHECK_FALSE(is_alive(pid));
  }
  CHECK(fs::is_empty(temp.path()));
}

TEST_CASE("a launcher that is killed takes its command with it") {
  const TempDir temp;
  Launched run(script("echo $$ there; sleep 1000", temp));
  const auto pids = pids_in(run.wait_for_output("there"));
  REQUIRE(pids.size() == 1);
  kill(run.pid(), SIGKILL);
  CHECK(run.wait() == -1);
  for (int i = 0; i < 10'000 && is_alive(pids.front()); ++i) {
    usleep(1000);
  }
  CHECK_FALSE(is_alive(pids.front()));
}

TEST_CASE("the command's process group is told before the command runs") {
  const TempDir temp;
  Launched run(script("echo $$ there; sleep 1000", temp));
  const auto pids = pids_in(run.wait_for_output("there"));
  kill(run.pid(), SIGKILL);  // nothing is sent any more
  REQUIRE(pids.size() == 1);
  const auto started = run.started();
  REQUIRE(started.has_value());
  CHECK(started->group == pids.front());
}

TEST_CASE("orphans that end while the command runs are reaped") {
  const TempDir temp;
  Launched run(
      script("i=0; while [ $i -lt 20 ]; do (/usr/bin/true &); i=$((i+1)); done; echo there; sleep 1000", temp));
  run.wait_for_output("there");
  const auto until = std::chrono::steady_clock::now() + generous_deadline;
  // The command, and its `sleep` is its own child.
  while (children_of(run.pid()).size() > 1 && std::chrono::steady_clock::now() < until) {
    usleep(1000);
  }
  CHECK(children_of(run.pid()).size() == 1);
}

TEST_CASE("a sweep removes the folders that killed launchers left, and nothing else") {
  const TempDir temp;
  const TempDir kept;
  std::ofstream(kept / "file") << "kept";
  Launched live(script("echo there; sleep 1000", temp));
  live.wait_for_output("there");
  const fs::path of_live = fs::directory_iterator(temp.path())->path();
  {
    Launched lost(script(
        "mkdir -p a/b; echo x > a/b/file; ln -s " + kept.path().string() + " out; echo there; sleep 1000", temp));
    lost.wait_for_output("there");
    kill(lost.pid(), SIGKILL);
  }
  fs::create_directory_symlink(kept.path(), temp / "openexec-run-link");
  std::ofstream(temp / "openexec-run-file") << "x";
  fs::create_directory(temp / "other");
  CHECK(std::distance(fs::directory_iterator(temp.path()), {}) == 5);

  CHECK(openexec::test::run({.argv = {openexec::test::openexec_launch_path(), "--sweep", temp.path().string()}})
            .exit_code == 0);
  std::set<fs::path> left;
  for (const auto& entry : fs::directory_iterator(temp.path())) {
    left.insert(entry.path());
  }
  CHECK(left == std::set<fs::path>{of_live, temp / "openexec-run-link", temp / "openexec-run-file", temp / "other"});
  CHECK(fs::exists(kept / "file"));
}

TEST_CASE("a launcher keeps nothing open that it was not given") {
  const TempDir temp;
  std::array<int, 2> ends{};
  REQUIRE(pipe(ends.data()) == 0);  // inherited by whatever is started
  Launched run(script("echo there; sleep 1000", temp));
  close(ends[1]);
  run.wait_for_output("there");
  char byte = 0;
  CHECK(read(ends[0], &byte, 1) == 0);  // nobody has the other end
  close(ends[0]);
}

TEST_CASE("signals that are meant for the daemon do not end a run") {
  const TempDir temp;
  Launched run(script("echo there; while [ ! -e end ]; do sleep 0.01; done; exit 3", temp));
  run.wait_for_output("there");
  for (const int number : {SIGTERM, SIGHUP, SIGINT}) {
    kill(run.pid(), number);
  }
  for (const auto& folder : fs::directory_iterator(temp.path())) {
    std::ofstream(folder.path() / "end") << "now";
  }
  const auto report = run.report();
  REQUIRE(report.has_value());
  CHECK(report->number == 3);
}

TEST_CASE("a bound on memory without a cgroup is one of each process") {
  const TempDir temp;
  launch::Plan plan = script("ulimit -d", temp);
  plan.memory_bytes_max = 64 << 20;
  CHECK(output_of(plan) == "65536\n");
}

TEST_CASE("what is no plan ends the launcher, and nothing runs") {
  for (const std::string& message : {std::string("\4\0\0\0abcd", 8), std::string("\xff\xff\xff\xff", 4)}) {
    Launched run(message, shell);
    CHECK_FALSE(run.report().has_value());
    CHECK(run.wait() == 1);
    CHECK(run.out().empty());
  }
}

TEST_CASE("the temporary folder goes with all that is in it, however deep and closed") {
  const TempDir temp;
  const TempDir kept;
  std::ofstream(kept / "file") << "kept";
  report_of(script("ln -s " + kept.path().string() +
                       " out; mkdir -p a/b; echo x > a/b/file; ln -s ../.. a/b/up; mkdir -m 0 closed; mkdir -m 500 r;"
                       "i=0; while [ $i -lt 1500 ]; do mkdir d && cd d || exit 9; i=$((i+1)); done; echo x > file",
                   temp));
  CHECK(fs::is_empty(temp.path()));
  CHECK(fs::exists(kept / "file"));
}

}  // namespace
}  // namespace openexec::test
