// SPDX-License-Identifier: Apache-2.0
#include "daemon/actions/executable.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>

#include "proto-json/crypto.h"
#include "proto-json/encoding.h"
#include "tests/support/catch.h"
#include "tests/support/process.h"
#include "tests/support/temp_dir.h"
#include "tests/support/vectors.h"

namespace openexec {
namespace {

namespace fs = std::filesystem;

constexpr const char* echo_path = "/usr/bin/echo";

std::string write(const fs::path& path, const std::string& bytes, mode_t mode = 0755) {
  std::ofstream(path, std::ios::binary) << bytes;
  REQUIRE(chmod(path.c_str(), mode) == 0);
  return path;
}

void refused(const std::string& path, const std::string& says) {
  const auto opened = open_executable(path);
  REQUIRE_FALSE(opened.has_value());
  INFO(opened.error());
  CHECK(opened.error().find(says) != std::string::npos);
  CHECK(opened.error().find('\n') == std::string::npos);
}

// What a program says that is run by the descriptor of another process.
std::string output_of(const UniqueFd& fd) {
  const std::string path = "/proc/" + std::to_string(getpid()) + "/fd/" + std::to_string(fd.get());
  return test::run({.argv = {path, "hello"}}).out;
}

TEST_CASE("a program of root's or this user's own is opened and can be run by its descriptor") {
  const auto opened = open_executable(echo_path);
  INFO((opened.has_value() ? std::string() : opened.error()));
  REQUIRE(opened.has_value());
  CHECK(output_of(*opened) == "hello\n");
  CHECK((fcntl(opened->get(), F_GETFD) & FD_CLOEXEC) != 0);
  CHECK((fcntl(opened->get(), F_GETFL) & O_ACCMODE) == O_RDONLY);
}

TEST_CASE("what is no program that a command may run is refused, and why is said") {
  const test::TempDir dir;
  const std::string program = read_file(echo_path);
  refused(dir / "none", "No such file");
  refused(dir.path(), "no regular file");
  REQUIRE(mkfifo((dir / "fifo").c_str(), 0755) == 0);
  refused(dir / "fifo", "no regular file");
  refused(write(dir / "plain", program, 0644), "not executable");
  refused(write(dir / "group", program, 0775), "chmod go-w");
  refused(write(dir / "others", program, 0757), "chmod go-w");
  refused(write(dir / "setuid", program, 04755), "set-uid");
  refused(write(dir / "setgid", program, 02755), "set-gid");
  refused(write(dir / "script", "#!/bin/sh\n"), "name its interpreter first");
  if (geteuid() == 0) {
    const std::string other = write(dir / "other", program);
    REQUIRE(chown(other.c_str(), 12345, 12345) == 0);
    refused(other, "uid 12345");
  }
  CHECK(open_executable(write(dir / "ours", program, 0700)).has_value());
  fs::create_symlink(dir / "ours", dir / "link");
  CHECK(open_executable(dir / "link").has_value());
}

TEST_CASE("a pinned program is a copy of its own that nothing changes any more") {
  const test::TempDir dir;
  const std::string program = read_file(echo_path);
  const std::string path = write(dir / "program", program);
  const auto opened = open_executable(path);
  REQUIRE(opened.has_value());
  const auto pinned = pin_executable(*opened, sha256(program));
  INFO((pinned.has_value() ? std::string() : pinned.error()));
  REQUIRE(pinned.has_value());
  write(path, "overwritten");
  CHECK(output_of(*pinned) == "hello\n");
  CHECK((fcntl(pinned->get(), F_GETFD) & FD_CLOEXEC) != 0);
  errno = 0;
  CHECK(pwrite(pinned->get(), "x", 1, 0) == -1);
  CHECK(errno == EPERM);
  CHECK(ftruncate(pinned->get(), 0) == -1);
  CHECK(ftruncate(pinned->get(), static_cast<off_t>(program.size()) + 1) == -1);
  CHECK(fcntl(pinned->get(), F_ADD_SEALS, 0) == -1);
  struct stat status{};
  REQUIRE(fstat(pinned->get(), &status) == 0);
  CHECK(status.st_size == static_cast<off_t>(program.size()));
}

TEST_CASE("a program with another hash than the one that is pinned is refused, and its hash is told") {
  const auto opened = open_executable(echo_path);
  REQUIRE(opened.has_value());
  Hash wrong = sha256(read_file(echo_path));
  wrong.data[31] ^= 1;
  const auto pinned = pin_executable(*opened, wrong);
  REQUIRE_FALSE(pinned.has_value());
  CHECK(pinned.error() == "it hashes to " + to_hex(sha256(read_file(echo_path)).view()));
  const test::TempDir dir;
  const auto empty = open_executable(write(dir / "empty", ""));
  REQUIRE(empty.has_value());
  CHECK(pin_executable(*empty, sha256("")).has_value());
}

}  // namespace
}  // namespace openexec
