// SPDX-License-Identifier: Apache-2.0
// A kill alone cannot show that anything is on disk: the kernel keeps what was written. So this watches the system
// calls. LMDB makes a transaction durable in two steps: the data pages are written and synced, then the meta page that
// makes them count is written to a descriptor that was opened with O_DSYNC. Both must be over before the daemon begins
// to answer.
#include <algorithm>
#include <chrono>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "proto-json/message.h"
#include "tests/crash/syscall_trace.h"
#include "tests/support/catch.h"
#include "tests/support/openexecd.h"
#include "tests/support/vectors.h"

namespace openexec::test {
namespace {

constexpr std::string_view traced =
    "trace=openat,read,recvmsg,recvfrom,fdatasync,fsync,msync,pwrite64,pwritev,write,writev,sendmsg,sendto";

bool is_one_of(const Syscall& call, std::initializer_list<std::string_view> names) {
  return std::find(names.begin(), names.end(), call.name) != names.end();
}

bool is_read(const Syscall& call) { return is_one_of(call, {"read", "recvmsg", "recvfrom"}); }
bool is_write(const Syscall& call) { return is_one_of(call, {"write", "writev", "sendmsg", "sendto"}); }
// How strace names it depends on its version.
bool is_on_socket(const Syscall& call) { return call.path().starts_with("socket:") || call.path().starts_with("UNIX"); }

// The parts of a traced daemon's life that matter here.
class Life {
 public:
  explicit Life(std::vector<Syscall> calls) : calls_(std::move(calls)) {
    for (const Syscall& call : calls_) {
      if (call.name == "openat" && call.text.find("data.mdb") != std::string::npos &&
          call.text.find("O_DSYNC") != std::string::npos && call.result()) {
        meta_fds_.insert(static_cast<int>(*call.result()));
      }
    }
    REQUIRE_FALSE(meta_fds_.empty());
  }

  // Where the daemon had read the request of that id.
  [[nodiscard]] std::size_t arrival(const std::string& id) const {
    return find([&](const Syscall& call) { return is_read(call) && is_on_socket(call) && mentions(call, id); }).end;
  }
  // Where it began to write the reply of that id.
  [[nodiscard]] std::size_t reply(const std::string& id) const {
    return find([&](const Syscall& call) { return is_write(call) && is_on_socket(call) && mentions(call, id); }).begin;
  }
  // Where it began to write that line into the file of effects.
  [[nodiscard]] std::size_t effect(const std::string& tag) const {
    return find([&](const Syscall& call) {
             return is_write(call) && call.path().ends_with("/effects") && call.text.find(tag) != std::string::npos;
           })
        .begin;
  }

  // Durable transactions between two places: a sync of the data that succeeded, then a write of the meta page that did.
  [[nodiscard]] std::size_t commits(std::size_t after, std::size_t before) const {
    std::size_t count = 0;
    bool is_synced = false;
    for (const Syscall& call : calls_) {
      if (call.begin <= after || call.end >= before || !call.path().ends_with("/data.mdb") || !call.result()) {
        continue;
      }
      const bool is_meta = call.fd() && meta_fds_.contains(*call.fd());
      if (is_one_of(call, {"fdatasync", "fsync"})) {
        is_synced = true;
      } else if (is_one_of(call, {"pwrite64", "write"}) && is_meta) {
        count += is_synced ? 1 : 0;
        is_synced = false;
      } else if (is_one_of(call, {"pwrite64", "pwritev", "write", "writev"})) {
        is_synced = false;  // data pages that are not synced yet
      }
    }
    return count;
  }

  // Where it began to write the high-water mark of a log of that many entries.
  [[nodiscard]] std::size_t mark(std::uint64_t size) const {
    const std::string digits = std::to_string(size);
    const std::string line = "\\n" + std::string(20 - digits.size(), '0') + digits + "\\n";
    return find([&](const Syscall& call) {
             return call.name == "pwrite64" && is_on_mark(call) && call.text.find(line) != std::string::npos;
           })
        .begin;
  }
  // Where the high-water file was durable for the first time.
  [[nodiscard]] std::size_t mark_synced() const {
    return find([&](const Syscall& call) { return call.name == "fsync" && is_on_mark(call) && call.result(); }).end;
  }

 private:
  static bool is_on_mark(const Syscall& call) { return call.path().ends_with(".high-water"); }
  static bool mentions(const Syscall& call, const std::string& id) {
    return call.text.find("\\\"" + id + "\\\"") != std::string::npos;
  }
  template <typename Predicate>
  [[nodiscard]] const Syscall& find(Predicate is_it) const {
    const auto found = std::find_if(calls_.begin(), calls_.end(), is_it);
    REQUIRE(found != calls_.end());
    return *found;
  }

  std::vector<Syscall> calls_;
  std::set<int> meta_fds_;  // descriptors whose every write is synced
};

std::string whole_trace(const std::filesystem::path& file) {
  const auto until = std::chrono::steady_clock::now() + generous_deadline;
  while (true) {
    std::string text = read_file(file);
    if (text.find("+++ exited with 0 +++") != std::string::npos && text.ends_with("+++\n")) {
      return text;
    }
    REQUIRE(std::chrono::steady_clock::now() < until);
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
}

void ask(AgentSocket& socket, const std::string& id, std::string_view action, std::string_view reason) {
  socket.send_line(encode_request(id, "execute", execute_params(action, tag_payload(id), "nonce of " + id)));
  const Answer answer{socket.read_json()};
  REQUIRE(answer.reason() == reason);
}

TEST_CASE(
    "every reply and every high-water mark comes after the data sync and the meta write of what it speaks of, every "
    "effect after its claim's",
    "[crash]") {
  if (!can_trace()) {
    return;
  }
  const Effects effects;
  const TempDir dir;
  DaemonOptions options = demo_daemon(openexecd_faults_path());
  // The leak checker of the address sanitizer does not work under a tracer.
  options.env = {effects.env(), "ASAN_OPTIONS=detect_leaks=0"};
  // -D: the daemon is our child, not the tracer's.
  options.under = {"/usr/bin/strace",       "-D", "-f", "-y", "-s", "4096", "-e", std::string(traced), "-o",
                   (dir / "trace").string()};
  TestDaemon daemon(options);
  {
    AgentSocket socket(daemon.socket());
    ask(socket, "pure-1", "echo", "");
    ask(socket, "effect-1", "test.count", "");
    ask(socket, "denied-1", "no.such.action", "unknown_action");
    ask(socket, "failed-1", "test.fail", "");
    ask(socket, "pure-2", "add", "");
  }
  REQUIRE(daemon.stop().code == 0);
  const Life life(read_trace(whole_trace(dir / "trace")));

  CHECK(life.mark_synced() < life.arrival("pure-1"));
  std::uint64_t size = 0;
  for (const std::string id : {"pure-1", "effect-1", "denied-1", "failed-1", "pure-2"}) {
    INFO(id);
    if (id != "effect-1" && id != "failed-1") {
      CHECK(life.commits(life.arrival(id), life.reply(id)) == 1);
      CHECK(life.commits(life.arrival(id), life.mark(++size)) == 1);
      continue;
    }
    CHECK(life.commits(life.arrival(id), life.effect(id)) == 1);
    CHECK(life.commits(life.arrival(id), life.mark(++size)) == 1);
    CHECK(life.commits(life.effect(id), life.reply(id)) == 1);
    CHECK(life.commits(life.effect(id), life.mark(++size)) == 1);
  }
}

TEST_CASE("the reader of traces finds commits, and misses those that are not durable", "[crash]") {
  const std::string open =
      R"(10 openat(AT_FDCWD</>, "/s/data.mdb", O_WRONLY|O_CREAT|O_DSYNC|O_CLOEXEC, 0600) = 8</s/data.mdb>)"
      "\n";
  const std::string data = "11 pwrite64(7</s/data.mdb>, \"x\"..., 4096, 8192) = 4096\n";
  const std::string sync =
      "11 fdatasync(7</s/data.mdb> <unfinished ...>\n10 read(5<UNIX>, \"{\", 1) = 1\n"
      "11 <... fdatasync resumed>) = 0\n";
  const std::string meta = "11 pwrite64(8</s/data.mdb>, \"x\"..., 120, 4112) = 120\n";
  const auto commits = [&](const std::string& text) { return Life(read_trace(open + text)).commits(1, 100); };
  CHECK(commits(data + sync + meta) == 1);
  CHECK(commits(data + sync + meta + data + sync + meta) == 2);
  CHECK(commits(data + meta) == 0);
  CHECK(commits(data + sync) == 0);
  CHECK(commits(sync + data + meta) == 0);
  CHECK(commits(data + "11 fdatasync(7</s/data.mdb>) = -1 EIO (Input/output error)\n" + meta) == 0);
  CHECK(Life(read_trace(open + data + sync + meta)).commits(1, 5) == 0);

  const std::string mark = "11 pwrite64(9</s.high-water>, \"x\\n00000000000000000012\\nx\\n\", 200, 0) = 200\n";
  const auto commits_before_mark = [&](const std::string& text) {
    const Life life(read_trace(open + text));
    return life.commits(1, life.mark(12));
  };
  CHECK(commits_before_mark(data + sync + meta + mark) == 1);
  CHECK(commits_before_mark(data + sync + mark + meta) == 0);
}

}  // namespace
}  // namespace openexec::test
