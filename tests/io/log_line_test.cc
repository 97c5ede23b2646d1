// SPDX-License-Identifier: Apache-2.0
#include "daemon/io/log_line.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <string>

#include "daemon/io/unique_fd.h"
#include "tests/support/catch.h"

namespace openexec {
namespace {

// What is written to standard error by `log`, which is a pipe meanwhile.
template <typename Log>
std::string stderr_of(Log log) {
  std::array<int, 2> ends{};
  REQUIRE(pipe(ends.data()) == 0);
  const UniqueFd reader(ends[0]);
  UniqueFd writer(ends[1]);
  const UniqueFd before(dup(STDERR_FILENO));
  dup2(writer.get(), STDERR_FILENO);
  writer.reset();
  log();
  dup2(before.get(), STDERR_FILENO);
  std::array<char, 200> buffer{};
  const ssize_t size = read(reader.get(), buffer.data(), buffer.size());
  return {buffer.data(), static_cast<std::size_t>(size > 0 ? size : 0)};
}

TEST_CASE("what is told stays one line and steers no terminal") {
  unsetenv("JOURNAL_STREAM");
  const auto log = [] { log_line(LogLevel::error, "a\nb\x1b[31m\x7f"); };
  CHECK(stderr_of(log) == "a?b?[31m?\n");
}

TEST_CASE("the journal is told the level, and only when standard error is the journal's stream") {
  const auto own_stream = [] {
    struct stat status{};
    fstat(STDERR_FILENO, &status);
    setenv("JOURNAL_STREAM", fmt::format("{}:{}", status.st_dev, status.st_ino).c_str(), 1);
    log_line(LogLevel::info, "hello");
  };
  CHECK(stderr_of(own_stream) == "<6>hello\n");
  CHECK(stderr_of([] { log_line(LogLevel::info, "hello"); }) == "hello\n");  // another stream by now
  unsetenv("JOURNAL_STREAM");
}

}  // namespace
}  // namespace openexec
