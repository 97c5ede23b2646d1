// SPDX-License-Identifier: Apache-2.0
// Room for runs: what waits for it, in which order, in what numbers; and how often a user may ask.
#include <string>
#include <vector>

#include "daemon/core/engine.h"
#include "tests/core/world.h"
#include "tests/support/catch.h"

namespace openexec {
namespace {

using test::approved;
using test::Asked;
using test::request;
using test::World;

ExecuteRequest effect(std::string_view nonce, std::string_view payload = "{}") {
  return request(test::effect_action, payload, nonce);
}
ExecuteRequest single(std::string_view nonce) { return request(test::single_action, "{}", nonce); }

Policy with_runs(std::size_t runs_max) {
  Policy policy = test::demo_policy();
  policy.runs_max = runs_max;
  return policy;
}

void finish_one(World& world) {
  world.runner().finish();
  world.settle();
}

std::vector<std::string> nonces_started(World& world) {
  std::vector<std::string> out;
  for (const Receipt& receipt : world.log()) {
    if (receipt.kind == ReceiptKind::started) {
      out.push_back(receipt.nonce);
    }
  }
  return out;
}

TEST_CASE("what finds no run slot waits, claims nothing meanwhile, and runs in the order of arrival") {
  World world(with_runs(1));
  world.ask(effect("a"));
  const Asked b = world.ask(effect("b"));
  const Asked c = world.ask(effect("c"));
  CHECK(world.log_entries() == 1);
  CHECK(world.committer().total() == 1);
  CHECK_FALSE(b.is_answered());
  finish_one(world);
  CHECK(nonces_started(world) == std::vector<std::string>{"a", "b"});
  finish_one(world);
  CHECK(b.result().status == ReceiptKind::executed);
  CHECK_FALSE(c.is_answered());
  finish_one(world);
  CHECK(c.result().status == ReceiptKind::executed);
  CHECK(nonces_started(world) == std::vector<std::string>{"a", "b", "c"});
}

TEST_CASE("an action runs as often at one time as it says, and the others pass it by") {
  World world(with_runs(4));
  world.ask(single("s1"));
  const Asked waits = world.ask(single("s2"));
  world.ask(effect("e1"));
  CHECK(world.runner().running() == 2);
  CHECK(nonces_started(world) == std::vector<std::string>{"s1", "e1"});
  finish_one(world);
  CHECK(nonces_started(world) == std::vector<std::string>{"s1", "e1", "s2"});
  CHECK_FALSE(waits.is_answered());
}

TEST_CASE("a command is claimed before it runs, also one that says it is pure") {
  World world;
  const Asked asked = world.send(request(test::command_action, "{}", "n"));
  CHECK(world.runner().effects() == 0);
  world.settle();
  CHECK(world.runner().effects() == 1);
  CHECK(nonces_started(world) == std::vector<std::string>{"n"});
  world.runner().finish({ReceiptKind::executed, R"({"exit_code": 0})", 1500, ProcessEnd{false, 0}});
  world.settle();
  CHECK(asked.result().status == ReceiptKind::executed);
  CHECK(world.log().back().exit == ProcessEnd{false, 0});
  CHECK(world.ask(request(test::command_action, "{}", "n")).result().replayed);
}

TEST_CASE("a pure action never waits for a run slot") {
  World world(with_runs(1));
  world.ask(effect("a"));
  world.ask(effect("b"));
  CHECK(world.ask(request("echo", "{}", "p")).result().status == ReceiptKind::executed);
}

TEST_CASE("the queue has a bound, for each action and for all, and for the bytes of what waits") {
  Policy policy = with_runs(1);
  const auto refuses_the = [](const Policy& tried, const std::vector<ExecuteRequest>& first,
                              const ExecuteRequest& last) {
    World world(tried);
    std::uint32_t uid = 1000;
    world.ask(effect("runs"), uid);
    for (const ExecuteRequest& each : first) {
      CHECK_FALSE(world.ask(each, ++uid).is_answered());
    }
    const Asked refused = world.ask(last, ++uid);
    REQUIRE(refused.is_answered());
    CHECK(refused.reason() == Reason::overloaded);
    CHECK_FALSE(refused.refusal().receipt.has_value());
    CHECK(world.log_entries() == 1);
  };
  policy.queued_max = 2;
  refuses_the(policy, {effect("a"), single("b")}, effect("c"));
  policy.queued_max = 10;
  policy.queued_per_action_max = 1;
  refuses_the(policy, {effect("a"), single("b")}, single("c"));
  policy.queued_per_action_max = 10;
  policy.queued_bytes_max = 2000;
  const std::string large = R"({"x":")" + std::string(400, 'x') + R"("})";
  refuses_the(policy, {effect("a", large), effect("b", large)}, effect("c", large));
  const std::string many = R"({"x":[0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0]})";  // little text, much memory
  refuses_the(policy, {effect("a", many), effect("b", many)}, effect("c", many));
}

TEST_CASE("one user has half of the queue at most, so that others find room") {
  Policy policy = with_runs(1);
  policy.queued_max = 6;
  policy.queued_per_action_max = 4;
  World world(policy);
  world.ask(effect("runs"), 1);
  CHECK_FALSE(world.ask(effect("a"), 1).is_answered());
  CHECK_FALSE(world.ask(effect("b"), 1).is_answered());
  CHECK(world.ask(effect("c"), 1).reason() == Reason::overloaded);  // half of the action's
  CHECK_FALSE(world.ask(single("d"), 1).is_answered());
  CHECK(world.ask(single("e"), 1).reason() == Reason::overloaded);  // half of all
  CHECK_FALSE(world.ask(effect("f"), 2).is_answered());
  CHECK_FALSE(world.ask(single("g"), 2).is_answered());
  while (world.runner().running() > 0) {
    finish_one(world);
  }
  CHECK_FALSE(world.ask(effect("c"), 1).is_answered());
  CHECK(world.runner().effects() == 7);
}

TEST_CASE("an approval that expires while its request waits is refused when its turn comes, and is not used up") {
  Policy policy = test::clawshield_policy();
  policy.runs_max = 1;
  World world(policy);
  world.ask(approved(effect("a")));
  const Asked waits =
      world.ask(approved(effect("b"), {.approval_id = "67203e9d-7af3-4cec-b702-b95666250b1d", .expires_s = 60}));
  world.clock().advance_s(61);
  finish_one(world);
  CHECK(waits.reason() == Reason::approval_expired);
  CHECK(world.runner().effects() == 1);
  CHECK(world.log().back().kind == ReceiptKind::denied);
}

TEST_CASE("copies of one request that wait run once, and all get its answer") {
  World world(with_runs(1));
  world.ask(effect("a"));
  std::vector<Asked> copies;
  for (int i = 0; i < 3; ++i) {
    copies.push_back(world.ask(effect("b")));
  }
  finish_one(world);
  finish_one(world);
  CHECK(world.runner().effects() == 2);
  CHECK_FALSE(copies.at(0).result().replayed);
  CHECK(copies.at(1).result().replayed);
  CHECK(copies.at(2).result().replayed);
  CHECK_FALSE(world.ask(effect("c")).is_answered());  // the slot is free again
  CHECK(world.runner().running() == 1);
}

TEST_CASE("a nonce that is used for two actions at one time has a slot of each, and one of them runs") {
  World world(with_runs(2));
  const Asked first = world.send(single("n"));
  const Asked second = world.send(effect("n"));
  world.settle();
  CHECK(second.reason() == Reason::nonce_reused);
  CHECK(world.runner().running() == 1);
  world.ask(effect("m"));
  CHECK(world.runner().running() == 2);
  CHECK_FALSE(world.ask(single("o")).is_answered());
  finish_one(world);
  CHECK(first.result().status == ReceiptKind::executed);
  CHECK(nonces_started(world) == std::vector<std::string>{"n", "m", "o"});
}

TEST_CASE("a stop turns away what waits and finishes what runs") {
  World world(with_runs(1));
  const Asked runs = world.ask(effect("a"));
  const Asked waits = world.ask(effect("b"));
  int stopped = 0;
  world.engine().stop([&] { ++stopped; });
  CHECK(waits.reason() == Reason::shutting_down);
  CHECK(stopped == 0);
  finish_one(world);
  CHECK(runs.result().status == ReceiptKind::executed);
  CHECK(stopped == 1);
  CHECK(world.runner().effects() == 1);
}

TEST_CASE("when the store fails, what waits is turned away as room becomes free") {
  World world(with_runs(1));
  const Asked runs = world.ask(effect("a"));
  const Asked waits = world.ask(effect("b"));
  world.committer().fail_next(test::CommitFailure::absent);
  const Asked fails = world.send(request("echo", "{}", "p"));
  world.committer().make_durable();
  world.committer().deliver();
  CHECK(fails.reason() == Reason::store_unavailable);
  CHECK_FALSE(waits.is_answered());
  world.runner().finish();
  CHECK(waits.reason() == Reason::store_unavailable);
  world.settle();
  CHECK(runs.result().status == ReceiptKind::executed);
  CHECK_FALSE(world.ask(effect("b")).is_answered());
  CHECK(world.runner().effects() == 2);
}

TEST_CASE("a user who asks more often than it may is told so, and the others are not touched") {
  Policy policy = test::demo_policy();
  policy.requests_per_second = 2;
  World world(policy);
  CHECK(world.ask(request("echo", "{}", "a"), 1000).result().status == ReceiptKind::executed);
  CHECK(world.ask(request("echo", "{}", "a"), 1000).result().replayed);
  const Asked limited = world.ask(request("echo", "{}", "b"), 1000);
  CHECK(limited.reason() == Reason::rate_limited);
  CHECK_FALSE(limited.refusal().receipt.has_value());
  CHECK_FALSE(world.engine().may_ask(1000));
  CHECK(world.engine().may_ask(1001));
  CHECK(world.ask(request("echo", "{}", "c"), 1001).result().status == ReceiptKind::executed);
  CHECK(world.log_entries() == 2);
  world.clock().advance_s(1);
  CHECK(world.ask(request("echo", "{}", "b"), 1000).result().status == ReceiptKind::executed);
}

TEST_CASE("without a rate any number of requests is taken") {
  World world;
  for (int i = 0; i < 1000; ++i) {
    REQUIRE(world.engine().may_ask(1000));
  }
}

}  // namespace
}  // namespace openexec
