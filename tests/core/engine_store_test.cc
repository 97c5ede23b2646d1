// SPDX-License-Identifier: Apache-2.0
// What the engine does when the store fails, fills up, is damaged, or comes back after a crash.
#include <string>

#include "daemon/core/big_endian.h"
#include "daemon/core/claims.h"
#include "daemon/core/engine.h"
#include "tests/core/world.h"
#include "tests/support/catch.h"

namespace openexec {
namespace {

using test::Asked;
using test::CommitFailure;
using test::request;
using test::World;

ExecuteRequest effect(std::string_view nonce) { return request(test::effect_action, "{}", nonce); }
ExecuteRequest echo(std::string_view nonce) { return request("echo", "{}", nonce); }

// All but the recovery.
void settle_but_recovery(World& world) {
  while (world.verifier().step() || world.committer().deliver() || world.committer().make_durable()) {
  }
}

void put(World& world, Table table, std::string_view key, std::string_view value) {
  auto txn = world.committer().real_store().write();
  REQUIRE(txn.has_value());
  REQUIRE(txn->put(table, key, value).has_value());
  REQUIRE(txn->commit().has_value());
}

TEST_CASE("a claim whose commit failed and is absent answers store_unavailable, and runs when asked again") {
  World world;
  world.committer().fail_next(CommitFailure::absent);
  const Asked pure = world.send(echo("p"));
  const Asked asked = world.send(effect("n"));
  settle_but_recovery(world);
  CHECK(pure.reason() == Reason::store_unavailable);
  CHECK(asked.reason() == Reason::store_unavailable);
  CHECK_FALSE(asked.refusal().receipt.has_value());
  CHECK(world.engine().store_failed());
  CHECK(world.runner().effects() == 0);
  world.settle();
  CHECK_FALSE(world.engine().store_failed());
  CHECK_FALSE(world.ask(echo("p")).result().replayed);
  const Asked again = world.ask(effect("n"));
  world.runner().finish();
  world.settle();
  CHECK_FALSE(again.result().replayed);
  CHECK(world.runner().effects() == 1);
}

TEST_CASE("a claim whose commit failed and is durable after all never runs, and says that its outcome is unknown") {
  World world;
  world.committer().fail_next(CommitFailure::durable);
  const Asked pure = world.send(echo("p"));
  const Asked asked = world.send(effect("n"));
  world.settle();
  CHECK(pure.reason() == Reason::store_unavailable);
  CHECK(asked.reason() == Reason::store_unavailable);
  const Asked again = world.ask(effect("n"));
  CHECK(again.reason() == Reason::outcome_unknown);
  CHECK(world.log().at(again.refusal().receipt->index).kind == ReceiptKind::unknown);
  CHECK(world.ask(echo("p")).result().replayed);
  CHECK(world.runner().effects() == 0);
}

TEST_CASE("nothing is claimed, recorded or read between a failure and the end of its recovery") {
  World world;
  world.ask(echo("before"));
  world.committer().fail_next(CommitFailure::absent);
  world.send(echo("n"));
  settle_but_recovery(world);
  CHECK(world.committer().recovery_asked());
  const std::size_t before = world.committer().total();
  CHECK(world.send(echo("m")).reason() == Reason::store_unavailable);
  CHECK(world.send(echo("before")).reason() == Reason::store_unavailable);
  CHECK(world.send(request("ghost", "{}", "g")).reason() == Reason::store_unavailable);
  ExecuteRequest check = echo("m");
  check.check = true;
  CHECK(world.send(check).check().denial->reason == Reason::store_unavailable);
  CHECK(world.committer().total() == before);
  world.settle();
  CHECK(world.ask(echo("before")).result().replayed);
}

TEST_CASE("an outcome whose commit failed answers outcome_unknown, and keeps saying what recovery finds") {
  for (const CommitFailure how : {CommitFailure::absent, CommitFailure::durable}) {
    World world;
    const Asked asked = world.ask(effect("n"));
    const Asked waiting = world.ask(effect("n"));
    world.committer().fail_next(how);
    world.runner().finish();
    world.settle();
    CHECK(asked.reason() == Reason::outcome_unknown);
    CHECK(waiting.reason() == Reason::outcome_unknown);
    const Asked again = world.ask(effect("n"));
    if (how == CommitFailure::durable) {
      CHECK(again.result().replayed);
    } else {
      CHECK(again.reason() == Reason::outcome_unknown);
    }
    CHECK(world.runner().effects() == 1);
  }
}

TEST_CASE("a run that ends while the store is failed is recorded after the recovery, and answered then") {
  World world;
  const Asked running = world.ask(effect("n"));
  world.committer().fail_next(CommitFailure::absent);
  world.send(echo("m"));
  settle_but_recovery(world);
  world.runner().finish();
  settle_but_recovery(world);
  CHECK_FALSE(running.is_answered());
  CHECK(world.committer().finish_recovery());
  CHECK_FALSE(running.is_answered());
  world.settle();
  CHECK(running.result().status == ReceiptKind::executed);
  CHECK(world.log().at(1).kind == ReceiptKind::executed);
}

TEST_CASE("a run that goes on through a recovery is not closed by it") {
  World world;
  const Asked running = world.ask(effect("n"));
  world.committer().fail_next(CommitFailure::absent);
  world.ask(echo("m"));
  CHECK_FALSE(world.engine().store_failed());
  CHECK_FALSE(running.is_answered());
  CHECK_FALSE(world.ask(effect("n")).is_answered());
  world.runner().finish();
  world.settle();
  CHECK(running.result().status == ReceiptKind::executed);
}

TEST_CASE("who asks for a durable claim whose commit was told to have failed is told the store is unavailable") {
  World world;
  const Asked first = world.send(effect("n"));
  world.committer().fail_next(CommitFailure::durable);
  world.committer().make_durable();
  const Asked early = world.send(effect("n"));
  CHECK_FALSE(early.is_answered());
  settle_but_recovery(world);
  CHECK(first.reason() == Reason::store_unavailable);
  CHECK(early.reason() == Reason::store_unavailable);
  world.settle();
  CHECK(world.ask(effect("n")).reason() == Reason::outcome_unknown);
}

TEST_CASE("a recovery that fails is tried again when told to, and until then nothing is claimed") {
  World world;
  world.committer().fail_next(CommitFailure::absent);
  world.send(echo("n"));
  settle_but_recovery(world);
  CHECK(world.committer().finish_recovery(false));
  CHECK(world.engine().store_failed());
  CHECK_FALSE(world.committer().recovery_asked());
  CHECK(world.ask(echo("n")).reason() == Reason::store_unavailable);
  world.engine().retry_recovery();
  CHECK(world.committer().recovery_asked());
  world.engine().retry_recovery();
  world.settle();
  CHECK_FALSE(world.engine().store_failed());
  CHECK_FALSE(world.ask(echo("n")).result().replayed);
}

TEST_CASE("a retry with nothing to recover does nothing") {
  World world;
  world.engine().retry_recovery();
  CHECK_FALSE(world.committer().recovery_asked());
}

TEST_CASE("the recovery waits until every commit before it was heard of") {
  World world;
  world.send(echo("a"));
  world.committer().fail_next(CommitFailure::absent);
  world.committer().make_durable();
  world.send(echo("b"));
  world.committer().make_durable();
  world.committer().deliver_one();
  CHECK(world.engine().store_failed());
  CHECK_FALSE(world.committer().recovery_asked());
  world.committer().deliver_one();
  CHECK(world.committer().recovery_asked());
  world.settle();
}

TEST_CASE("a denial that could not be recorded is answered with store_unavailable") {
  World world;
  world.committer().fail_next(CommitFailure::absent);
  CHECK(world.ask(request("ghost", "{}", "n")).reason() == Reason::store_unavailable);
  CHECK(world.ask(request("ghost", "{}", "n")).reason() == Reason::unknown_action);
}

TEST_CASE("after a crash a claim without an outcome is unknown, and never runs again") {
  World world;
  world.ask(effect("n"));
  world.crash();
  const Asked again = world.ask(effect("n"));
  CHECK(again.reason() == Reason::outcome_unknown);
  CHECK(again.refusal().receipt->index == 1);
  ExecuteRequest check = effect("n");
  check.check = true;
  CHECK(world.ask(check).check().denial->reason == Reason::outcome_unknown);
  CHECK(world.ask(request(test::effect_action, R"({"x":1})", "n")).reason() == Reason::nonce_reused);
  CHECK(world.runner().effects() == 1);
}

TEST_CASE("after a crash before the claim was durable the request runs, once") {
  World world;
  world.send(effect("n"));
  world.crash();
  CHECK(world.log_entries() == 0);
  world.ask(effect("n"));
  CHECK(world.runner().effects() == 1);
}

TEST_CASE("after a crash a finished request is replayed and an approval stays used") {
  World world(test::clawshield_policy());
  const Asked first = world.ask(test::approved(echo("n")));
  world.crash();
  const Asked again = world.ask(test::approved(echo("n")));
  CHECK(again.result().replayed);
  CHECK(again.result().log.index == first.result().log.index);
  CHECK(again.result().at == first.result().at);
  CHECK(world.ask(test::approved(echo("m"))).reason() == Reason::approval_used);
}

TEST_CASE("a clock behind the store's claims nothing, replays, and goes on once it has caught up") {
  World world;
  world.ask(echo("n"));
  world.clock().advance_s(-31);
  const Asked behind = world.ask(echo("m"));
  CHECK(behind.reason() == Reason::store_unavailable);
  CHECK(behind.refusal().error.message.find("set the clock") != std::string::npos);
  CHECK(world.ask(effect("e")).reason() == Reason::store_unavailable);
  CHECK(world.ask(echo("n")).result().replayed);
  CHECK(world.log_entries() == 1);
  CHECK_FALSE(world.engine().store_failed());
  world.clock().advance_s(1);
  CHECK_FALSE(world.ask(echo("m")).result().replayed);
}

TEST_CASE("above the warning mark denials are only counted") {
  World world(test::demo_policy(), {.warn_percent = 0});
  const Asked denied = world.ask(request("ghost", "{}", "n"));
  CHECK(denied.reason() == Reason::unknown_action);
  CHECK_FALSE(denied.refusal().receipt.has_value());
  CHECK_FALSE(world.ask(echo("n")).result().replayed);
  CHECK(world.log_entries() == 1);
}

TEST_CASE("above the full mark claims are refused, say what to raise, and what runs is still recorded") {
  World world;
  const Asked running = world.ask(effect("n"));
  world.committer().rules().full_percent = 0;
  const Asked refused = world.ask(echo("m"));
  CHECK(refused.reason() == Reason::store_unavailable);
  CHECK(refused.refusal().error.message.find("map_size") != std::string::npos);
  CHECK(world.ask(effect("e")).reason() == Reason::store_unavailable);
  world.runner().finish();
  world.settle();
  CHECK(running.result().status == ReceiptKind::executed);
  CHECK(world.ask(effect("n")).result().replayed);
  world.committer().rules().full_percent = 90;
  CHECK_FALSE(world.ask(echo("m")).result().replayed);
}

TEST_CASE("a damaged record answers store_unavailable for its nonce only, and crashes nothing") {
  World world;
  world.ask(echo("n"));
  world.ask(echo("m"));
  const std::string index = to_big_endian(std::uint64_t{0});  // of its entry
  SECTION("the claim") { put(world, Table::claims, index, "x"); }
  SECTION("the result") { put(world, Table::results, index, "x"); }
  SECTION("the result's time") {
    put(world, Table::results, index, std::string(1, '\0') + std::string(8, '\x7f') + std::string(40, '\0'));
  }
  CHECK(world.ask(echo("n")).reason() == Reason::store_unavailable);
  CHECK(world.ask(echo("m")).result().replayed);
  CHECK_FALSE(world.ask(echo("o")).result().replayed);
}

TEST_CASE("a stop while the store is failed waits for the runs whose outcome is not recorded") {
  World world;
  const Asked running = world.ask(effect("n"));
  world.committer().fail_next(CommitFailure::absent);
  world.send(echo("m"));
  settle_but_recovery(world);
  int stopped = 0;
  world.engine().stop([&] { ++stopped; });
  world.runner().finish();
  CHECK(stopped == 0);
  world.settle();
  CHECK(running.result().status == ReceiptKind::executed);
  CHECK(stopped == 1);
}

}  // namespace
}  // namespace openexec
