// SPDX-License-Identifier: Apache-2.0
// The real daemon, killed as by kill -9 at each named step of an execution.
#include "tests/crash/fault_points.h"

#include <csignal>
#include <filesystem>
#include <regex>
#include <set>

#include "proto-json/message.h"
#include "tests/crash/promises.h"
#include "tests/support/catch.h"
#include "tests/support/openexecd.h"
#include "tests/support/vectors.h"

namespace openexec::test {
namespace {

// Starts the daemon so that it dies at that point once it has passed it that many times.
void start_to_die(TestDaemon& daemon, const Effects& effects, std::string_view point, int passes) {
  daemon.options().env = {effects.env(), "OPENEXEC_FAULT=" + std::string(point),
                          "OPENEXEC_FAULT_PASSES=" + std::to_string(passes)};
  daemon.start();
}

void start_again(TestDaemon& daemon, const Effects& effects) {
  daemon.options().env = {effects.env()};
  daemon.start();
}

// A checkpoint from before the death: it must be continued.
void look_and_stop(TestDaemon& daemon, Promises& promises) {
  {
    AgentSocket socket(daemon.socket());
    REQUIRE(execute(socket, "echo", tag_payload("first"), "first").succeeded());
    promises.log().check(socket);
  }
  REQUIRE(daemon.stop().code == 0);
}

// Sends it and waits for the answer; false when the daemon died instead.
bool send(AgentSocket& socket, SentRequest& request) {
  if (!socket.send_line(request.line(1))) {
    return false;
  }
  const auto answer = socket.read_line();
  if (answer) {
    request.answers.push_back({parsed(*answer)});
  }
  return answer.has_value();
}

// One after the other, until the daemon dies.
void send_each_twice(TestDaemon& daemon, std::vector<SentRequest>& requests) {
  AgentSocket socket(daemon.socket());
  for (SentRequest& request : requests) {
    if (!send(socket, request) || !send(socket, request)) {
      return;
    }
  }
}

struct Death {
  std::string_view action;
  std::string_view point;
  int passes;
  bool is_answered;     // before the daemon died
  std::size_t effects;  // before it was started again
  Found found;
};

constexpr std::string_view effectful = "test.count";
constexpr std::string_view failing = "test.fail";
constexpr std::string_view pure = "echo";
constexpr std::string_view denied = "no.such.action";

const Death deaths[] = {
    // The claim.
    {effectful, "commit.before", 0, false, 0, Found::not_claimed},
    {effectful, "commit.after", 0, false, 0, Found::unknown},
    {effectful, "commit.marked", 0, false, 0, Found::unknown},
    // The run.
    {effectful, "run.before", 0, false, 0, Found::unknown},
    {effectful, "run.after", 0, false, 1, Found::unknown},
    // The outcome.
    {effectful, "commit.before", 1, false, 1, Found::unknown},
    {effectful, "commit.after", 1, false, 1, Found::finished},
    {effectful, "commit.marked", 1, false, 1, Found::finished},
    // The answer.
    {effectful, "reply.before", 0, false, 1, Found::finished},
    {effectful, "reply.after", 0, true, 1, Found::finished},
    // An action that fails after its effect.
    {failing, "run.after", 0, false, 1, Found::unknown},
    {failing, "commit.before", 1, false, 1, Found::unknown},
    {failing, "commit.after", 1, false, 1, Found::finished},
    {failing, "commit.marked", 1, false, 1, Found::finished},
    {failing, "reply.after", 0, true, 1, Found::finished},
    // A pure action is one commit.
    {pure, "commit.before", 0, false, 0, Found::not_claimed},
    {pure, "commit.after", 0, false, 0, Found::finished},
    {pure, "commit.marked", 0, false, 0, Found::finished},
    {pure, "reply.before", 0, false, 0, Found::finished},
    {pure, "reply.after", 0, true, 0, Found::finished},
    // A denial claims nothing.
    {denied, "commit.before", 0, false, 0, Found::denied},
    {denied, "commit.after", 0, false, 0, Found::denied},
    {denied, "commit.marked", 0, false, 0, Found::denied},
    {denied, "reply.before", 0, false, 0, Found::denied},
    {denied, "reply.after", 0, true, 0, Found::denied},
};

TEST_CASE("after a death at any named step nothing ran twice, nothing answered is lost, and what is unknown says so",
          "[crash]") {
  for (const Death& death : deaths) {
    DYNAMIC_SECTION(death.action << " dies at " << death.point << " after " << death.passes << " passes") {
      const Effects effects;
      TestDaemon daemon(demo_daemon(openexecd_faults_path()));
      Promises promises(effects);
      look_and_stop(daemon, promises);
      start_to_die(daemon, effects, death.point, death.passes);

      SentRequest request{std::string(death.action), "crash-1", {}, true};
      AgentSocket socket(daemon.socket());
      REQUIRE(send(socket, request) == death.is_answered);
      REQUIRE(daemon.wait().signal == SIGKILL);
      REQUIRE(effects.count("crash-1") == death.effects);

      start_again(daemon, effects);
      REQUIRE(promises.check(daemon.socket(), {request}).at("crash-1") == death.found);
      // And again: the retry itself is on record.
      REQUIRE(daemon.stop().code == 0);
      daemon.start();
      const Found settled = death.found == Found::not_claimed ? Found::finished : death.found;
      REQUIRE(promises.check(daemon.socket(), {request}).at("crash-1") == settled);
    }
  }
}

TEST_CASE("a daemon may die at every passage of every fault point of a longer life", "[crash]") {
  for (const std::string_view point : fault_points) {
    DYNAMIC_SECTION(point) {
      const Effects effects;
      TestDaemon daemon(demo_daemon(openexecd_faults_path()));
      Promises promises(effects);
      look_and_stop(daemon, promises);
      bool died = true;
      int passes = 0;
      for (; died; ++passes) {
        INFO("after " << passes << " passes");
        // New nonces each time, on the same store.
        const std::string suffix = std::string(point) + "-" + std::to_string(passes);
        std::vector<SentRequest> sent = {{"test.count", "count-" + suffix, {}},
                                         {"echo", "echo-" + suffix, {}, true},
                                         {"no.such.action", "denied-" + suffix, {}},
                                         {"test.fail", "fail-" + suffix, {}, true}};
        start_to_die(daemon, effects, point, passes);
        send_each_twice(daemon, sent);
        const ExitStatus end = daemon.stop();
        died = end.signal == SIGKILL;
        REQUIRE((died || end.code == 0));

        const std::string mark = read_file(daemon.state().string() + ".high-water");
        start_again(daemon, effects);
        promises.check(daemon.socket(), sent);
        promises.log().check_mark(mark);
        REQUIRE(daemon.stop().code == 0);
      }
      REQUIRE(passes > 1);
      promises.log().check_store(daemon.state().string());
    }
  }
}

TEST_CASE("the list of fault points is that of the daemon's sources", "[crash]") {
  std::set<std::string> in_sources;
  const std::regex mark("OPENEXEC_FAULT_POINT\\(\"([^\"]+)\"\\)");
  for (const auto& entry :
       std::filesystem::recursive_directory_iterator(std::filesystem::path(OPENEXEC_SOURCE_DIR) / "daemon")) {
    if (entry.path().extension() == ".cc") {
      const std::string text = read_file(entry.path());
      for (std::sregex_iterator at(text.begin(), text.end(), mark), end; at != end; ++at) {
        in_sources.insert((*at)[1].str());
      }
    }
  }
  std::set<std::string> listed(std::begin(fault_points), std::end(fault_points));
  listed.insert(std::begin(command_fault_points), std::end(command_fault_points));
  listed.insert(std::begin(adopt_fault_points), std::end(adopt_fault_points));
  REQUIRE(in_sources == listed);
}

}  // namespace
}  // namespace openexec::test
