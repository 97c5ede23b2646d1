// SPDX-License-Identifier: Apache-2.0
// The real daemon, killed by kill -9 at moments that nobody chose, while several connections keep it busy.
#include <algorithm>
#include <chrono>
#include <map>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "proto-json/message.h"
#include "tests/crash/promises.h"
#include "tests/support/catch.h"
#include "tests/support/openexecd.h"
#include "tests/support/vectors.h"

namespace openexec::test {
namespace {

constexpr unsigned seed = 20261121;
constexpr int rounds = 20;
constexpr int connections = 4;
constexpr int requests = 60;  // of a round, each on one or two of the connections
constexpr int kill_after_us_max = 60'000;

std::vector<SentRequest> make_requests(std::mt19937& random, int round) {
  constexpr std::string_view actions[] = {"test.count", "test.count", "echo", "echo", "test.fail", "no.such.action"};
  std::vector<SentRequest> out;
  for (int i = 0; i < requests; ++i) {
    const auto action = actions[random() % std::size(actions)];
    out.push_back({std::string(action), "load-" + std::to_string(round) + "-" + std::to_string(i), {}, i % 3 == 0});
  }
  return out;
}

// Sends all of it, waits a moment, kills the daemon, and keeps the answers that came.
void send_and_kill(TestDaemon& daemon, std::mt19937& random, std::vector<SentRequest>& sent) {
  std::vector<AgentSocket> sockets;
  for (int i = 0; i < connections; ++i) {
    sockets.emplace_back(daemon.socket());
  }
  for (std::size_t i = 0; i < sent.size(); ++i) {
    // The request's place is its id.
    const std::string line = sent[i].line(static_cast<std::int64_t>(i));
    const auto first = random() % connections;
    sockets[first].send_line(line);
    if (random() % 2 == 0) {
      sockets[(first + 1) % connections].send_line(line);
    }
  }
  std::this_thread::sleep_for(std::chrono::microseconds(random() % kill_after_us_max));
  daemon.kill9();
  for (AgentSocket& socket : sockets) {
    while (const auto line = socket.read_line()) {
      const Json reply = parsed(*line);
      const std::int64_t* id = member(reply, "id").if_int();
      REQUIRE(id != nullptr);
      sent.at(static_cast<std::size_t>(*id)).answers.push_back({reply});
    }
  }
}

TEST_CASE("after kill -9 at any moment under load nothing ran twice and nothing answered is lost", "[crash]") {
  std::mt19937 random(seed);
  const Effects effects;
  DaemonOptions options = demo_daemon(openexecd_faults_path());
  options.env = {effects.env()};
  TestDaemon daemon(options);
  Promises promises(effects);
  std::map<Found, int> found;
  std::size_t answers = 0;
  std::size_t proofs = 0;
  for (int round = 0; round < rounds; ++round) {
    INFO("round " << round << " of seed " << seed);
    std::vector<SentRequest> sent = make_requests(random, round);
    send_and_kill(daemon, random, sent);
    const std::string mark = read_file(daemon.state().string() + ".high-water");
    daemon.start();
    for (const auto& [nonce, what] : promises.check(daemon.socket(), sent)) {
      ++found[what];
    }
    promises.log().check_mark(mark);
    for (const SentRequest& request : sent) {
      answers += request.answers.size();
      proofs += request.wants_proof ? request.answers.size() : 0;
    }
  }
  promises.log().check_store(daemon.state().string());
  // The rounds must have met the daemon at work, or they showed nothing.
  WARN(rounds << " rounds, " << answers << " answers before the kills; found again: " << found[Found::finished]
              << " finished, " << found[Found::unknown] << " unknown, " << found[Found::not_claimed] << " not claimed, "
              << found[Found::denied] << " denied");
  CHECK(answers > 0);
  CHECK(proofs > 0);
  CHECK(found[Found::finished] > 0);
}

}  // namespace
}  // namespace openexec::test
