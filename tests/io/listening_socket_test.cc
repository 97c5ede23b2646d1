// SPDX-License-Identifier: Apache-2.0
#include "daemon/io/listening_socket.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>

#include "daemon/io/socket_activation.h"
#include "daemon/io/unix_address.h"
#include "tests/io/io_support.h"
#include "tests/support/temp_dir.h"

namespace openexec {
namespace {

SocketSettings settings_for(const std::string& path) {
  SocketSettings settings;
  settings.path = path;
  settings.backlog = 8;
  return settings;
}

mode_t mode_of(const std::string& path) {
  struct stat status{};
  REQUIRE(lstat(path.c_str(), &status) == 0);
  return status.st_mode & 07777;
}

bool exists(const std::string& path) { return access(path.c_str(), F_OK) == 0; }

// A socket file with nobody behind it.
void leave_stale_socket(const std::string& path) {
  const UniqueFd fd(socket(AF_UNIX, SOCK_STREAM, 0));
  const auto address = unix_address(path);
  REQUIRE(::bind(fd.get(), address->get(), address->size_bytes) == 0);
}

UniqueFd listen_at(const std::string& path) {
  UniqueFd fd(socket(AF_UNIX, SOCK_STREAM, 0));
  const auto address = unix_address(path);
  REQUIRE(::bind(fd.get(), address->get(), address->size_bytes) == 0);
  REQUIRE(listen(fd.get(), 8) == 0);
  return fd;
}

TEST_CASE("a socket is made with exactly its mode, serves, and is removed at the end") {
  const test::TempDir dir;
  for (const mode_t mode : {0600U, 0660U, 0666U}) {
    const std::string path = dir / "socket";
    auto settings = settings_for(path);
    settings.mode = mode;
    {
      const auto socket = ListeningSocket::bind(settings);
      REQUIRE(socket.has_value());
      CHECK(mode_of(path) == mode);
      test::TestClient client(path);
    }
    CHECK_FALSE(exists(path));
  }
}

TEST_CASE("a stale socket is replaced") {
  const test::TempDir dir;
  const std::string path = dir / "socket";
  leave_stale_socket(path);
  CHECK(probe_socket_path(settings_for(path)).has_value());
  CHECK(exists(path));  // probing only looks
  const auto socket = ListeningSocket::bind(settings_for(path));
  REQUIRE(socket.has_value());
  test::TestClient client(path);
}

TEST_CASE("a live socket is never taken, whether its daemon holds our lock or not") {
  const test::TempDir dir;
  const std::string path = dir / "socket";
  SECTION("one of ours") {
    const auto first = ListeningSocket::bind(settings_for(path));
    REQUIRE(first.has_value());
    CHECK_FALSE(probe_socket_path(settings_for(path)).has_value());
    const auto second = ListeningSocket::bind(settings_for(path));
    REQUIRE_FALSE(second.has_value());
    CHECK(second.error().find("listens at") != std::string::npos);
    test::TestClient client(path);
  }
  SECTION("another program's") {
    const UniqueFd other = listen_at(path);
    CHECK_FALSE(probe_socket_path(settings_for(path)).has_value());
    CHECK_FALSE(ListeningSocket::bind(settings_for(path)).has_value());
    test::TestClient client(path);
  }
  SECTION("one whose backlog is full") {
    const UniqueFd other = listen_at(path);
    std::vector<UniqueFd> waiting;
    const auto address = unix_address(path);
    int result = 0;
    while (result == 0) {
      waiting.emplace_back(socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0));
      result = connect(waiting.back().get(), address->get(), address->size_bytes);
    }
    CHECK_FALSE(ListeningSocket::bind(settings_for(path)).has_value());
    CHECK(exists(path));
  }
}

TEST_CASE("a path that was closed for a stop is still held until the daemon is gone") {
  const test::TempDir dir;
  const std::string path = dir / "socket";
  auto first = ListeningSocket::bind(settings_for(path));
  REQUIRE(first.has_value());
  first->close();
  CHECK_FALSE(exists(path));
  CHECK_FALSE(ListeningSocket::bind(settings_for(path)).has_value());
}

TEST_CASE("what is no socket is refused and left alone") {
  const test::TempDir dir;
  const std::string path = dir / "socket";
  std::ofstream(path) << "precious";
  CHECK_FALSE(probe_socket_path(settings_for(path)).has_value());
  const auto socket = ListeningSocket::bind(settings_for(path));
  REQUIRE_FALSE(socket.has_value());
  CHECK(socket.error().find("no socket") != std::string::npos);
  std::string content;
  std::ifstream(path) >> content;
  CHECK(content == "precious");
}

TEST_CASE("a path that is too long is refused with its bound") {
  const test::TempDir dir;
  const std::string path = dir / std::string(socket_path_bytes_max, 'x');
  for (const auto& error :
       {probe_socket_path(settings_for(path)).error(), ListeningSocket::bind(settings_for(path)).error()}) {
    CHECK(error.find(std::to_string(socket_path_bytes_max)) != std::string::npos);
  }
  const std::string stem = dir / "";
  const std::string fits = stem + std::string(socket_path_bytes_max - stem.size(), 'x');
  CHECK(ListeningSocket::bind(settings_for(fits)).has_value());
}

TEST_CASE("a socket that somebody put in place of ours is not removed") {
  const test::TempDir dir;
  const std::string path = dir / "socket";
  {
    const auto socket = ListeningSocket::bind(settings_for(path));
    REQUIRE(socket.has_value());
    REQUIRE(unlink(path.c_str()) == 0);
    leave_stale_socket(path);
  }
  CHECK(exists(path));
}

TEST_CASE("only a default place is made, 0700; one that others may write is refused") {
  const test::TempDir dir;
  auto settings = settings_for(dir / "run/socket");
  CHECK_FALSE(probe_socket_path(settings).has_value());
  CHECK_FALSE(ListeningSocket::bind(settings).has_value());
  settings.make_dir = true;
  CHECK(probe_socket_path(settings).has_value());
  CHECK_FALSE(exists(dir / "run"));
  CHECK(ListeningSocket::bind(settings).has_value());
  CHECK(mode_of(dir / "run") == 0700);
  REQUIRE(chmod((dir / "run").c_str(), 0777) == 0);
  const auto socket = ListeningSocket::bind(settings);
  REQUIRE_FALSE(socket.has_value());
  CHECK(socket.error().find("others may write") != std::string::npos);
}

TEST_CASE("an inherited descriptor must be a listening Unix stream socket") {
  const test::TempDir dir;
  const std::string path = dir / "socket";
  {
    UniqueFd listening = listen_at(path);
    const int fd = listening.get();
    const auto socket = inherit_socket(std::move(listening));
    REQUIRE(socket.has_value());
    CHECK(socket->path() == path);
    CHECK((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
    CHECK((fcntl(fd, F_GETFL) & O_NONBLOCK) != 0);
  }
  CHECK(exists(path));  // it is not ours to remove
  CHECK_FALSE(inherit_socket(UniqueFd(socket(AF_UNIX, SOCK_STREAM, 0))).has_value());
  CHECK_FALSE(inherit_socket(UniqueFd(socket(AF_UNIX, SOCK_DGRAM, 0))).has_value());
  CHECK_FALSE(inherit_socket(UniqueFd(open("/dev/null", O_RDONLY))).has_value());
}

void set_listen_variables(const std::string& pid, const std::string& count, const std::string& names) {
  setenv("LISTEN_PID", pid.c_str(), 1);
  setenv("LISTEN_FDS", count.c_str(), 1);
  setenv("LISTEN_FDNAMES", names.c_str(), 1);
}

TEST_CASE("sockets handed to another process, several, or one for another purpose are not served") {
  const std::string own = std::to_string(getpid());
  set_listen_variables("1", "1", "agent");
  const auto foreign = take_inherited_socket();
  CHECK((foreign.has_value() && !foreign->has_value()));
  for (const char* name : {"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"}) {
    CHECK(std::getenv(name) == nullptr);
  }
  set_listen_variables(own, "0", "");
  const auto none = take_inherited_socket();
  CHECK((none.has_value() && !none->has_value()));
  set_listen_variables(own, "2", "agent:admin");
  CHECK_FALSE(take_inherited_socket().has_value());
  set_listen_variables(own, "1", "admin");
  CHECK_FALSE(take_inherited_socket().has_value());
}

TEST_CASE("a socket handed down as systemd does is served") {
  const test::TempDir dir;
  const std::string path = dir / "socket";
  const UniqueFd listening = listen_at(path);
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    dup2(listening.get(), 3);
    set_listen_variables(std::to_string(getpid()), "1", "agent");
    const auto socket = take_inherited_socket();
    _exit(socket.has_value() && socket->has_value() && (*socket)->fd() == 3 && (*socket)->path() == path ? 0 : 1);
  }
  int status = -1;
  REQUIRE(waitpid(child, &status, 0) == child);
  CHECK((WIFEXITED(status) && WEXITSTATUS(status) == 0));
}

}  // namespace
}  // namespace openexec
