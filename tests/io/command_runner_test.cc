// SPDX-License-Identifier: Apache-2.0
#include "daemon/io/command_runner.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <optional>

#include "proto-json/canonical.h"
#include "tests/io/io_support.h"
#include "tests/support/process_facts.h"
#include "tests/support/programs.h"
#include "tests/support/sanitized.h"
#include "tests/support/temp_dir.h"
#include "tests/support/vectors.h"

namespace openexec {
namespace {

UniqueFd open_program(const std::string& path) {
  UniqueFd low(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  REQUIRE(low);
  // Inherited, so that it can be a script: its interpreter opens it once more.
  UniqueFd fd(fcntl(low.get(), F_DUPFD, launch::executable_fd + 1));
  REQUIRE(fd);
  return fd;
}

Action action_of(std::vector<std::string> argv) {
  Command command;
  for (std::string& text : argv) {
    command.argv.push_back({false, std::move(text)});
  }
  Action action;
  action.name = "test";
  action.command = std::make_shared<const Command>(std::move(command));
  return action;
}

// A runner of one command.
struct Runs {
  explicit Runs(std::vector<std::string> argv, const std::string& launcher = test::openexec_launch_path())
      : action(action_of(argv)) {
    resources["test"] = {open_program(argv[0]), {}};
    runner.emplace(*loop, open_program(launcher), CommandSettings{false, dir.path().string(), {}}, resources);
  }

  RunResult run() {
    std::optional<RunResult> result;
    runner->run(action, payload, [&](RunResult done) { result = std::move(done); });
    CHECK_FALSE(result.has_value());  // never from inside run()
    REQUIRE(test::serve_until(*loop, [&] { return result.has_value(); }));
    return *std::move(result);
  }

  test::TempDir dir;
  std::unique_ptr<Loop> loop = test::open_loop();
  const Action action;
  const Json payload = parsed(R"({"a":1})");
  AllCommandResources resources;
  std::optional<CommandRunner> runner;
};

// Sweeps of earlier tests' runners, which are gone.
void reap_others() {
  while (waitpid(-1, nullptr, 0) > 0) {
  }
}

std::string error_of(const RunResult& result) { return string_member(parsed(result.result), "error"); }

// Lowers the bound of open files as long as it lives.
class FewFiles {
 public:
  explicit FewFiles(rlim_t files) {
    REQUIRE(getrlimit(RLIMIT_NOFILE, &before_) == 0);
    const rlimit few = {files, before_.rlim_max};
    REQUIRE(setrlimit(RLIMIT_NOFILE, &few) == 0);
  }
  FewFiles(const FewFiles&) = delete;
  FewFiles& operator=(const FewFiles&) = delete;
  ~FewFiles() { setrlimit(RLIMIT_NOFILE, &before_); }

 private:
  rlimit before_{};
};

TEST_CASE("a command is run, and its result is called back from the loop") {
  Runs runs({"/usr/bin/cat"});
  const RunResult result = runs.run();
  CHECK(result.status == ReceiptKind::executed);
  CHECK(result.result == R"({"exit_code": 0, "stderr": "", "stdout": "{\"a\":1}", "truncated": false})");
  CHECK(result.exit == ProcessEnd{false, 0});
  CHECK(result.duration_us > 0);
}

TEST_CASE("a run that finds no descriptor left is failed, and the next one runs") {
  if (test::is_sanitized) {
    return;  // a sanitizer looks at memory through a pipe of its own
  }
  Runs runs({"/usr/bin/true"});
  REQUIRE(runs.run().status == ReceiptKind::executed);
  const int next = open("/dev/null", O_RDONLY | O_CLOEXEC);
  REQUIRE(::close(next) == 0);
  for (rlim_t left = 0; left < 8; ++left) {
    const FewFiles few(static_cast<rlim_t>(next) + left);
    const RunResult result = runs.run();
    INFO(left << " left: " << result.result);
    CHECK(result.status == ReceiptKind::failed);
    CHECK(error_of(result).starts_with("the command was not started: "));
    CHECK_FALSE(result.exit.has_value());
  }
  CHECK(runs.run().status == ReceiptKind::executed);
  CHECK(fcntl(next, F_GETFD) == -1);  // nothing of those is left open
}

TEST_CASE("a launcher that cannot be executed is a failed run") {
  Runs runs({"/usr/bin/true"}, OPENEXEC_SOURCE_DIR "/README.md");
  const RunResult result = runs.run();
  CHECK(result.status == ReceiptKind::failed);
  CHECK(error_of(result).starts_with("the command was not started: "));
}

TEST_CASE("a launcher that ends without a report is a run whose outcome is not known, and says so") {
  for (const char* launcher : {"/usr/bin/true", "/usr/bin/false", "/usr/bin/cat"}) {
    Runs runs({"/usr/bin/true"}, launcher);
    const RunResult result = runs.run();
    CHECK(result.status == ReceiptKind::failed);
    CHECK(error_of(result).find("may have had its effect") != std::string::npos);
    CHECK_FALSE(result.exit.has_value());
  }
}

TEST_CASE("a launcher that does not keep its time is killed") {
  const auto loop = test::open_loop();
  std::vector<char> buffer(limits::run_read_bytes);
  std::optional<RunEnd> ended;
  RunProcess process(*loop, buffer, [&](RunEnd end) { ended = std::move(end); });
  const UniqueFd yes = open_program("/usr/bin/yes");  // it writes on without end, and does not look at its channel
  RunOrders orders;
  orders.launcher = yes.get();
  orders.executable = yes.get();
  orders.plan = "no plan";
  orders.captured_bytes_max = 6;
  orders.time_ms_max = 10;
  orders.overtime_ms = 10;
  REQUIRE(process.start(std::move(orders)).has_value());
  const pid_t session = process.session();
  CHECK(getsid(session) == session);
  REQUIRE(test::serve_until(*loop, [&] { return ended.has_value(); }));
  CHECK_FALSE(ended->report.has_value());
  CHECK(ended->standard_output.bytes == "y\ny\ny\n");
  CHECK(ended->standard_output.cut);
  CHECK(getsid(session) == -1);  // reaped
}

TEST_CASE("a run that is given up is killed") {
  reap_others();
  pid_t launcher = 0;
  {
    Runs runs({"/usr/bin/sleep", "3600"});
    runs.runner->run(runs.action, runs.payload, [](RunResult) { FAIL("called back"); });
    test::settle(*runs.loop);
    runs.runner.reset();
    test::settle(*runs.loop);
    launcher = waitpid(-1, nullptr, 0);  // nobody else reaps it: it has ended by itself
  }
  CHECK(launcher > 0);
}

// In the place of the launcher: it reports at once, and then goes on for a long time. It writes its process number into
// the file "pids".
class SlowCleanup {
 public:
  SlowCleanup() {
    const std::string report = launch::encode(launch::Report{.number = 0, .duration_us = 1});
    std::ofstream(dir_ / "report") << report;
    std::ofstream(path()) << "#!/usr/bin/dash\necho $$ >> " << (dir_ / "pids").string() << "\n/usr/bin/cat "
                          << (dir_ / "report").string() << " >&3\nexec /usr/bin/sleep 3600 >/dev/null 2>&1\n";
    std::filesystem::permissions(path(), std::filesystem::perms::owner_all);
  }
  SlowCleanup(const SlowCleanup&) = delete;
  SlowCleanup& operator=(const SlowCleanup&) = delete;
  ~SlowCleanup() {
    for (const pid_t pid : pids()) {
      ::kill(pid, SIGKILL);
      waitpid(pid, nullptr, 0);
    }
  }

  [[nodiscard]] std::string path() const { return dir_ / "launcher"; }
  [[nodiscard]] std::vector<pid_t> pids() const {
    std::ifstream file(dir_ / "pids");
    return {std::istream_iterator<pid_t>(file), {}};
  }

 private:
  test::TempDir dir_;
};

TEST_CASE("a run ends with its report, whatever its launcher still removes; with too many of those it waits for one") {
  const SlowCleanup slow;
  Runs runs({"/usr/bin/true"}, slow.path().c_str());
  for (std::size_t i = 0; i < limits::late_cleanups_max; ++i) {
    REQUIRE(runs.run().status == ReceiptKind::executed);
  }
  std::optional<RunResult> result;
  runs.runner->run(runs.action, runs.payload, [&](RunResult done) { result = std::move(done); });
  REQUIRE(test::serve_until(*runs.loop, [&] { return slow.pids().size() == limits::late_cleanups_max + 1; }));
  const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(300);
  CHECK(test::serve_until(*runs.loop, [&] { return std::chrono::steady_clock::now() > until; }));
  CHECK_FALSE(result.has_value());
  ::kill(slow.pids().front(), SIGKILL);
  REQUIRE(test::serve_until(*runs.loop, [&] { return result.has_value(); }));
  CHECK(result->status == ReceiptKind::executed);
}

TEST_CASE("after a run whose launcher was killed its temporary folder is removed") {
  reap_others();
  Runs runs({"/usr/bin/sleep", "3600"});
  std::optional<RunResult> result;
  runs.runner->run(runs.action, runs.payload, [&](RunResult done) { result = std::move(done); });
  std::vector<pid_t> of_run;
  REQUIRE(test::serve_until(*runs.loop, [&] {
    of_run = test::descendants_of(getpid());
    return of_run.size() == 2 && !std::filesystem::is_empty(runs.dir.path());
  }));
  ::kill(test::children_of(getpid()).front(), SIGKILL);
  REQUIRE(test::serve_until(*runs.loop, [&] { return result.has_value(); }));
  CHECK(result->status == ReceiptKind::failed);
  CHECK(test::serve_until(*runs.loop, [&] { return std::filesystem::is_empty(runs.dir.path()); }));
}

TEST_CASE("a process is known to be of a run by its session, and one that has ended may have been") {
  reap_others();
  Runs runs({"/usr/bin/sleep", "3600"});
  runs.runner->run(runs.action, runs.payload, [](RunResult) { FAIL("called back"); });
  std::vector<pid_t> of_run;
  REQUIRE(test::serve_until(*runs.loop, [&] {
    of_run = test::descendants_of(getpid());
    return of_run.size() == 2;
  }));
  for (const pid_t pid : of_run) {
    CHECK(runs.runner->may_be_of_a_run(pid));
  }
  CHECK_FALSE(runs.runner->may_be_of_a_run(getppid()));
  CHECK_FALSE(runs.runner->may_be_of_a_run(getpid()));
  CHECK_FALSE(runs.runner->may_be_of_a_run(0));
  CHECK_FALSE(runs.runner->may_be_of_a_run(-1));
  CHECK(runs.runner->may_be_of_a_run(std::numeric_limits<pid_t>::max()));
  runs.runner.reset();
  test::settle(*runs.loop);
  CHECK(waitpid(-1, nullptr, 0) > 0);
}

}  // namespace
}  // namespace openexec
