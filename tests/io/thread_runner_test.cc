// SPDX-License-Identifier: Apache-2.0
#include "daemon/io/thread_runner.h"

#include <future>
#include <stdexcept>
#include <thread>

#include "tests/io/io_support.h"

namespace openexec {
namespace {

Action action_of(std::function<std::expected<Json, std::string>(const Json&)> run) {
  Action action;
  action.name = "test";
  action.run = std::move(run);
  return action;
}

TEST_CASE("an action runs off the loop's thread and is called back on it, with its duration") {
  const auto loop = test::open_loop();
  ThreadRunner runner(*loop);
  std::thread::id ran_on;
  const Action action = action_of([&](const Json& payload) -> std::expected<Json, std::string> {
    ran_on = std::this_thread::get_id();
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
    return payload;
  });
  const Json payload = Json::object({{"a", 1}});
  std::optional<RunResult> result;
  runner.run(action, payload, [&](RunResult done) {
    CHECK(std::this_thread::get_id() != ran_on);
    result = std::move(done);
  });
  CHECK_FALSE(result.has_value());
  REQUIRE(test::serve_until(*loop, [&] { return result.has_value(); }));
  CHECK(result->status == ReceiptKind::executed);
  CHECK(result->result == R"({"a": 1})");
  CHECK(result->duration_us >= 2000);
}

TEST_CASE("an action that fails or throws is failed, and the daemon goes on") {
  const auto loop = test::open_loop();
  ThreadRunner runner(*loop);
  const Action failing =
      action_of([](const Json&) -> std::expected<Json, std::string> { return std::unexpected(std::string("no")); });
  const Action throwing =
      action_of([](const Json&) -> std::expected<Json, std::string> { throw std::runtime_error("no"); });
  const Json payload = Json::object({});
  std::vector<RunResult> results;
  for (const Action* action : {&failing, &throwing}) {
    runner.run(*action, payload, [&](RunResult done) { results.push_back(std::move(done)); });
  }
  REQUIRE(test::serve_until(*loop, [&] { return results.size() == 2; }));
  CHECK(results[0].status == ReceiptKind::failed);
  CHECK(results[1].status == ReceiptKind::failed);
}

TEST_CASE("runs go on at one time") {
  const auto loop = test::open_loop();
  std::promise<void> second_runs;
  ThreadRunner runner(*loop);
  const Action first =
      action_of([waiting = second_runs.get_future().share()](const Json&) -> std::expected<Json, std::string> {
        waiting.wait();
        return Json::object({});
      });
  const Action second = action_of([&](const Json&) -> std::expected<Json, std::string> {
    second_runs.set_value();
    return Json::object({});
  });
  const Json payload = Json::object({});
  int done = 0;
  for (const Action* action : {&first, &second}) {
    runner.run(*action, payload, [&](RunResult) { ++done; });
  }
  CHECK(test::serve_until(*loop, [&] { return done == 2; }));
}

}  // namespace
}  // namespace openexec
