// SPDX-License-Identifier: Apache-2.0
// What keeps one user or one action from taking the whole daemon: the rate of requests, and the queue before the runs.
#include <fstream>
#include <map>
#include <string>

#include "proto-json/message.h"
#include "tests/support/catch.h"
#include "tests/support/openexecd.h"
#include "tests/support/vectors.h"

namespace openexec::test {
namespace {

DaemonOptions with_limits(DaemonOptions options, const TempDir& dir, std::string_view limits) {
  const auto file = dir / "openexec.toml";
  std::ofstream(file) << "[limits]\n" << limits << "\n";
  options.args = {"--config", file.string()};
  return options;
}

std::string reason_of(const Json& reply) { return Answer{reply}.reason(); }

TEST_CASE("past its rate a user is refused, before anything else is looked at, and the daemon goes on",
          "[integration]") {
  const TempDir dir;
  const TestDaemon daemon(with_limits(demo_daemon(), dir, "requests_per_second_per_uid = 5"));
  AgentSocket socket(daemon.socket());
  constexpr std::int64_t count = 200;
  std::string all;
  for (std::int64_t id = 0; id < count; ++id) {
    const Json params = execute_params("echo", Json::object({}), "n-" + std::to_string(id));
    all += (id % 2 == 0 ? encode_request(id, "execute", params) : encode_request(id, "info", Json(nullptr))) + "\n";
  }
  REQUIRE(socket.send(all));
  std::map<std::string, int> reasons;
  for (std::int64_t i = 0; i < count; ++i) {
    ++reasons[reason_of(socket.read_json())];
  }
  // 5 at once and 5 a second: only a machine that stood still for half a minute would let most of them in.
  CHECK(reasons["rate_limited"] > count / 4);
  CHECK(reasons[""] >= 1);
  CHECK(reasons[""] + reasons["rate_limited"] == count);
}

TEST_CASE("what finds no room to run waits for it, and is answered", "[integration]") {
  const TempDir dir;
  const Effects effects;
  DaemonOptions options = with_limits(demo_daemon(openexecd_faults_path()), dir, "runs_max = 2");
  options.env.push_back(effects.env());
  const TestDaemon daemon(options);
  AgentSocket socket(daemon.socket());
  constexpr std::int64_t count = 20;
  std::string all;
  for (std::int64_t id = 0; id < count; ++id) {
    const std::string tag = "t-" + std::to_string(id);
    all += encode_request(id, "execute", execute_params("test.count", tag_payload(tag), tag)) + "\n";
  }
  REQUIRE(socket.send(all));
  for (std::int64_t i = 0; i < count; ++i) {
    const Answer answer{socket.read_json()};
    CHECK(answer.reason().empty());
    CHECK_FALSE(answer.replayed());
  }
  CHECK(effects.lines().size() == count);
}

}  // namespace
}  // namespace openexec::test
