// SPDX-License-Identifier: Apache-2.0
// The life of an execution: screening, claims, runs, replays, waiting, checks, stopping.
#include "daemon/core/engine.h"

#include "proto-json/encoding.h"
#include "proto-json/execution_id.h"
#include "tests/core/world.h"
#include "tests/support/catch.h"

namespace openexec {
namespace {

using test::Asked;
using test::request;
using test::World;

ExecuteRequest effect(std::string_view nonce, std::string_view payload = "{}") {
  return request(test::effect_action, payload, nonce);
}
ExecuteRequest checked(ExecuteRequest request) {
  request.check = true;
  return request;
}

void check_same_but_replayed(const ExecuteResult& first, const ExecuteResult& again) {
  CHECK_FALSE(first.replayed);
  CHECK(again.replayed);
  ExecuteResult expected = first;
  expected.replayed = true;
  CHECK(encode_execute_result(1, again) == encode_execute_result(1, expected));
}

TEST_CASE("a pure action is evaluated and recorded in one commit, without the runner") {
  World world;
  const Asked asked = world.ask(request("add", R"({"a":2,"b":3})", "n"));
  const ExecuteResult& result = asked.result();
  CHECK(result.action == "add");
  CHECK(result.result == R"({"sum": 5})");
  CHECK(result.status == ReceiptKind::executed);
  CHECK_FALSE(result.replayed);
  CHECK(result.at == test::noon());
  CHECK(result.log.origin == test::origin);
  CHECK(result.log.index == 0);
  CHECK(result.id == execution_id(encode("add", "n", test::json(R"({"a":2,"b":3})"), std::nullopt, nullptr)));
  CHECK(result.receipt == seed_receipt(to_uuid_text(result.id), result.result));
  CHECK(world.committer().total() == 1);
  CHECK(world.runner().effects() == 0);
  CHECK(world.log().at(0).receipt == result.receipt);
}

TEST_CASE("no effect before its claim is durable and heard of, and no answer before its outcome is durable") {
  World world;
  const Asked asked = world.send(effect("n"));
  CHECK(world.runner().effects() == 0);
  world.committer().make_durable();
  CHECK(world.runner().effects() == 0);
  world.committer().deliver();
  CHECK(world.runner().effects() == 1);
  CHECK(world.log().at(0).kind == ReceiptKind::started);
  world.runner().finish();
  CHECK_FALSE(asked.is_answered());
  world.committer().make_durable();
  CHECK_FALSE(asked.is_answered());
  world.committer().deliver();
  CHECK(asked.result().result == R"({"done": true})");
  CHECK(asked.result().duration_us == 1500);
  CHECK(asked.result().log.index == 1);
  CHECK(world.log().at(1).started == 0);
}

TEST_CASE("a replay is the stored answer to the byte, and writes nothing") {
  World world;
  const Asked first = world.ask(request("echo", R"({"x":1.50,"é":"ü"})", "n"));
  world.clock().advance_s(1000);
  const Asked again = world.ask(request("echo", R"({"é":"ü","x":1.5})", "n"), 2000);
  check_same_but_replayed(first.result(), again.result());
  CHECK(world.committer().total() == 1);
}

TEST_CASE("a run that failed or timed out is recorded so and replayed, and never runs again") {
  for (const ReceiptKind status : {ReceiptKind::failed, ReceiptKind::timed_out}) {
    World world;
    const Asked first = world.ask(effect("n"));
    world.runner().finish({status, R"({"error": "x"})", 3});
    world.settle();
    CHECK(first.result().status == status);
    check_same_but_replayed(first.result(), world.ask(effect("n")).result());
    CHECK(world.runner().effects() == 1);
    CHECK(world.log().at(1).kind == status);
  }
}

TEST_CASE("64 submits of one request in one batch: one runs, 63 get its answer and say replayed") {
  for (const ExecuteRequest& same : {request("echo", "{}", "n"), effect("n")}) {
    World world;
    std::vector<Asked> asked;
    for (int i = 0; i < 64; ++i) {
      asked.push_back(world.send(same));
    }
    world.settle();
    if (world.runner().running() > 0) {
      world.runner().finish();
      world.settle();
    }
    CHECK(world.runner().effects() <= 1);
    for (std::size_t i = 1; i < asked.size(); ++i) {
      check_same_but_replayed(asked[0].result(), asked[i].result());
    }
    CHECK(world.log().back().kind == ReceiptKind::executed);
    CHECK(world.log_entries() == world.runner().effects() + 1);
  }
}

TEST_CASE("who asks while it runs waits for the same answer") {
  World world;
  const Asked first = world.ask(effect("n"));
  const Asked waiting = world.ask(effect("n"), 2000);
  CHECK_FALSE(waiting.is_answered());
  CHECK(world.engine().in_flight() == 2);
  world.runner().finish();
  world.settle();
  check_same_but_replayed(first.result(), waiting.result());
  CHECK(world.runner().effects() == 1);
  CHECK(world.engine().in_flight() == 0);
}

TEST_CASE("who asks between the durable claim and its completion waits too, and is never told it is unknown") {
  World world;
  const Asked first = world.send(effect("n"));
  world.committer().make_durable();
  const Asked early = world.send(effect("n"));
  CHECK_FALSE(early.is_answered());
  CHECK(world.send(checked(effect("n"))).check().would == "wait");
  world.settle();
  CHECK(world.runner().effects() == 1);
  CHECK_FALSE(early.is_answered());
  world.runner().finish();
  world.settle();
  check_same_but_replayed(first.result(), early.result());
}

TEST_CASE("who asks between the durable outcome and its completion gets it") {
  World world;
  const Asked first = world.ask(effect("n"));
  world.runner().finish();
  world.committer().make_durable();
  const Asked second = world.send(effect("n"));
  CHECK(second.result().replayed);
  CHECK_FALSE(first.is_answered());
  world.settle();
  check_same_but_replayed(first.result(), second.result());
}

TEST_CASE("a nonce with another request is refused, on record, whether the first is done or runs") {
  World world;
  world.ask(effect("n"));
  CHECK(world.ask(effect("n", R"({"x":1})")).reason() == Reason::nonce_reused);
  world.runner().finish();
  world.settle();
  const Asked reused = world.ask(request("echo", "{}", "n"));
  CHECK(reused.reason() == Reason::nonce_reused);
  CHECK(reused.refusal().receipt->index == 3);
  CHECK(world.log().at(3).reason == Reason::nonce_reused);
  CHECK(world.runner().effects() == 1);
}

TEST_CASE("two requests with one nonce at once: one runs, the other is refused") {
  World world;
  const Asked first = world.send(effect("n"));
  const Asked second = world.send(effect("n", R"({"x":1})"));
  world.settle();
  CHECK(second.reason() == Reason::nonce_reused);
  world.runner().finish();
  world.settle();
  CHECK_FALSE(first.result().replayed);
  CHECK(world.runner().effects() == 1);
}

TEST_CASE("screening denies in order and in the seed's words, each on record") {
  Policy policy = test::demo_policy();
  policy.allowed_actions = {"echo", "add", "ghost"};
  policy.allow_uids = {1000};
  policy.own_uid = 990;
  World world(policy);
  struct Case {
    ExecuteRequest request;
    std::uint32_t uid;
    Reason reason;
    std::string starts;
  };
  const std::vector<Case> cases = {
      {request("other", "{}", "1"), 1001, Reason::peer_not_allowed, "This user may not use this daemon"},
      {request("other", "{}", "2"), 1000, Reason::action_not_allowed,
       "Action 'other' is not in the execution allow-list"},
      {effect("3"), 1000, Reason::action_not_allowed, "Action 'test.effect' is not in the execution allow-list"},
      {request("ghost", "{}", "4"), 1000, Reason::unknown_action, "Unknown action: ghost"},
      {request("add", R"({"a":"1"})", "5"), 1000, Reason::payload_invalid, "/a: not a number"}};
  for (const Case& item : cases) {
    const Asked asked = world.ask(item.request, item.uid);
    CHECK(asked.reason() == item.reason);
    CHECK(asked.refusal().error.message.starts_with(item.starts));
    REQUIRE(asked.refusal().receipt.has_value());
    const Receipt entry = world.log().at(asked.refusal().receipt->index);
    CHECK(entry.kind == ReceiptKind::denied);
    CHECK(entry.reason == item.reason);
    CHECK(entry.nonce == item.request.nonce);
    CHECK(entry.peer.uid == item.uid);
  }
  CHECK(world.log_entries() == cases.size());
}

TEST_CASE("an allow-list that names nothing allows nothing") {
  Policy policy = test::demo_policy();
  policy.allowed_actions.emplace();
  World world(policy);
  CHECK(world.ask(request("echo", "{}", "n")).reason() == Reason::action_not_allowed);
}

TEST_CASE("a denial claims nothing: the nonce stays free") {
  World world;
  CHECK(world.ask(request("add", R"({"a":"1"})", "n")).reason() == Reason::payload_invalid);
  CHECK_FALSE(world.ask(request("add", R"({"a":1})", "n")).result().replayed);
}

TEST_CASE("past the run slots and the queue a request is refused before it claims, writes no entry, and works later") {
  Policy policy = test::demo_policy();
  policy.runs_max = 2;
  policy.queued_max = 0;
  World world(policy);
  world.ask(effect("a"));
  world.ask(effect("b"));
  const Asked over = world.ask(effect("c"));
  CHECK(over.reason() == Reason::overloaded);
  CHECK_FALSE(over.refusal().receipt.has_value());
  CHECK(world.log_entries() == 2);
  CHECK(world.engine().running() == 2);
  CHECK_FALSE(world.ask(request("echo", "{}", "pure")).result().replayed);  // needs no slot
  const Asked waiting = world.ask(effect("a"));                             // nor does who waits
  CHECK_FALSE(waiting.is_answered());
  world.runner().finish();
  world.settle();
  CHECK_FALSE(world.ask(effect("c")).is_answered());
  CHECK(world.runner().effects() == 3);
}

TEST_CASE("a claim that came to nothing gives its run slot back") {
  Policy policy = test::demo_policy();
  policy.runs_max = 1;
  policy.queued_max = 0;
  World world(policy);
  world.ask(request("echo", "{}", "n"));
  for (int i = 0; i < 3; ++i) {
    const Asked first = world.send(effect("m" + std::to_string(i)));
    const Asked other = world.send(effect("m" + std::to_string(i), R"({"x":1})"));
    world.settle();
    CHECK(other.reason() == Reason::nonce_reused);
    world.runner().finish();
    world.settle();
    CHECK_FALSE(first.result().replayed);
  }
}

TEST_CASE("past the executions under way a request is refused, and writes no entry") {
  Policy policy = test::demo_policy();
  policy.in_flight_total_max = 2;
  World world(policy);
  world.ask(effect("a"));
  world.ask(effect("b"));
  CHECK(world.ask(request("echo", "{}", "c")).reason() == Reason::overloaded);
  CHECK(world.log_entries() == 2);
}

TEST_CASE("a check says what would happen and writes nothing") {
  Policy policy = test::demo_policy();
  policy.allowed_actions = {"echo", std::string(test::effect_action)};
  World world(policy);
  world.ask(request("echo", "{}", "done"));
  world.ask(effect("runs"));
  const std::size_t before = world.committer().total();
  const auto would = [&](const ExecuteRequest& request) { return world.ask(checked(request)).check(); };

  const CheckResult execute = would(effect("new", R"({"b":2,"a":1})"));
  CHECK(execute.would == "execute");
  CHECK(execute.canonical == R"({"action":"test.effect","payload":{"a":1,"b":2}})");
  CHECK(execute.action_hash == sha256(execute.canonical));
  CHECK_FALSE(execute.denial.has_value());
  CHECK(would(request("echo", "{}", "done")).would == "replay");
  CHECK(would(effect("runs")).would == "wait");
  const CheckResult reused = would(effect("done"));
  CHECK(reused.would == "deny");
  CHECK(reused.denial->reason == Reason::nonce_reused);
  CHECK(would(request("add", "{}", "new")).denial->reason == Reason::action_not_allowed);

  CHECK(world.committer().total() == before);
  CHECK(world.runner().effects() == 1);
  CHECK_FALSE(world.ask(effect("new")).is_answered());  // the nonce is still free: it runs
  CHECK(world.runner().effects() == 2);
}

TEST_CASE("a stop waits for what runs, answers it, and claims nothing more") {
  World world;
  const Asked running = world.ask(effect("a"));
  const Asked claiming = world.send(effect("b"));
  int stopped = 0;
  world.engine().stop([&] { ++stopped; });
  CHECK(world.engine().stopping());
  CHECK(world.ask(request("echo", "{}", "c")).reason() == Reason::shutting_down);
  const Asked waiting = world.ask(effect("a"));
  CHECK(world.runner().running() == 2);
  CHECK(stopped == 0);
  world.runner().finish();
  world.settle();
  CHECK(running.result().status == ReceiptKind::executed);
  CHECK(waiting.result().replayed);
  CHECK(stopped == 0);
  world.runner().finish();
  CHECK(stopped == 0);
  world.settle();
  CHECK(claiming.result().status == ReceiptKind::executed);
  CHECK(stopped == 1);
  CHECK(world.ask(effect("a")).result().replayed);
  CHECK(stopped == 1);
}

TEST_CASE("an idle engine stops at once") {
  World world;
  int stopped = 0;
  world.engine().stop([&] { ++stopped; });
  CHECK(stopped == 1);
}

TEST_CASE("a reply may ask again before it returns") {
  World world;
  Asked second;
  std::optional<Answer> first;
  world.engine().submit({{1000, 1000, 1}, {}}, request("echo", "{}", "n"), [&](Answer answer) {
    first = std::move(answer);
    world.engine().submit({{1000, 1000, 1}, {}}, request("echo", "{}", "n"), second.reply());
  });
  world.settle();
  CHECK(first.has_value());
  CHECK(second.result().replayed);
}

}  // namespace
}  // namespace openexec
