// SPDX-License-Identifier: Apache-2.0
// A user's processes can use up what the kernel watches for that user. A process that gets no more of it, by a filter
// of its own, is in the same place.
#include "daemon/io/watchers.h"

#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <array>
#include <cstddef>
#include <optional>

#include "daemon/io/agent_server.h"
#include "daemon/io/command_runner.h"
#include "proto-json/message.h"
#include "tests/io/io_support.h"
#include "tests/support/temp_dir.h"

namespace openexec {
namespace {

using test::request_line;
using test::TestClient;

// From here on nothing new is watched in this process.
bool use_up_watches() {
  std::array<sock_filter, 6> code = {{BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
                                      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_epoll_ctl, 0, 3),
                                      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, args[1])),
                                      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, EPOLL_CTL_ADD, 0, 1),
                                      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSPC),
                                      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)}};
  const sock_fprog program = {code.size(), code.data()};
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

// Tried in a process of its own: what a filter took does not come back.
template <typename Function>
bool holds_apart(Function function) {
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    bool holds = false;
    try {
      holds = function();
    } catch (...) {  // a failed REQUIRE: reported already
    }
    _exit(holds ? 0 : 1);
  }
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  return status == 0;
}

struct Server {
  Server() {
    auto socket = ListeningSocket::bind({.path = path, .mode = 0600, .backlog = 16, .make_dir = false});
    REQUIRE(socket.has_value());
    server.emplace(*loop, turn, *std::move(socket), ConnectionLimits{}, 16,
                   [](const Caller&, const Request& request, Respond respond) {
                     respond(encode_result(request.id, Json::object({})));
                   });
    test::settle(*loop);
  }
  test::TempDir dir;
  const std::string path = dir / "socket";
  std::unique_ptr<Loop> loop = test::open_loop();
  LoopTurn turn{*loop};
  std::optional<AgentServer> server;
};

TEST_CASE("what the kernel cannot watch is known before the loop has it") {
  const auto loop = test::open_loop();
  std::array<int, 2> ends{};
  REQUIRE(pipe2(ends.data(), O_CLOEXEC) == 0);
  const UniqueFd reading(ends[0]);
  const UniqueFd writing(ends[1]);
  CHECK(watch_in_advance(loop->get(), reading.get()));
  CHECK(watch_in_advance(loop->get(), reading.get()));  // once more is no harm
  const UniqueFd file(open(OPENEXEC_SOURCE_DIR "/README.md", O_RDONLY | O_CLOEXEC));
  REQUIRE(file);
  CHECK_FALSE(watch_in_advance(loop->get(), file.get()));
}

TEST_CASE("a connection that cannot be watched is refused, and those that are there are served on") {
  CHECK(holds_apart([] {
    Server server;
    TestClient before(server.path);
    test::settle(*server.loop);
    if (!use_up_watches()) {
      return false;
    }
    TestClient refused(server.path);
    before.send(request_line(1));
    return test::serve_until(*server.loop, [&] { return refused.ended() && before.replies().size() == 1; }) &&
           refused.replies().size() == 1 && server.server->connection_count() == 1;
  }));
}

TEST_CASE("a listening socket that cannot be watched again is tried again later") {
  CHECK(holds_apart([] {
    Server server;
    const TestClient client(server.path);
    const int next = open("/dev/null", O_RDONLY | O_CLOEXEC);
    const rlimit none = {static_cast<rlim_t>(next), static_cast<rlim_t>(next)};
    if (close(next) != 0 || setrlimit(RLIMIT_NOFILE, &none) != 0 || !use_up_watches()) {
      return false;
    }
    const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(3 * limits::accept_backoff_ms);
    return test::serve_until(*server.loop, [&] { return std::chrono::steady_clock::now() > until; });
  }));
}

TEST_CASE("a run whose pipes cannot be watched is not started") {
  CHECK(holds_apart([] {
    const auto loop = test::open_loop();
    const Waker waker(*loop, [] {});  // a loop of nothing watches nothing, not even what it has of its own
    std::vector<char> buffer(limits::run_read_bytes);
    RunProcess process(*loop, buffer, [](RunEnd) { FAIL("called back"); });
    test::settle(*loop);
    if (!use_up_watches()) {
      return false;
    }
    RunOrders orders;
    const auto started = process.start(std::move(orders));
    test::settle(*loop);
    return !started.has_value() && started.error().find("max_user_watches") != std::string::npos &&
           process.session() == 0;
  }));
}

}  // namespace
}  // namespace openexec
