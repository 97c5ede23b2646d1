// SPDX-License-Identifier: Apache-2.0
// Denials past the rate, replays and what was turned away: counted, and told in a summary that closes each window.
#include "daemon/core/claims.h"
#include "daemon/core/engine.h"
#include "tests/core/world.h"
#include "tests/support/catch.h"

namespace openexec {
namespace {

using test::Asked;
using test::noon;
using test::request;
using test::World;

Policy with_rate(std::uint32_t entries_per_second, Policy policy = test::demo_policy()) {
  policy.denied_entries_per_second = entries_per_second;
  return policy;
}

std::vector<DeniedSummary> summaries(World& world) {
  std::vector<DeniedSummary> out;
  for (const LeafContent& content : test::leaves(world.committer().real_store())) {
    if (const auto* summary = std::get_if<DeniedSummary>(&content)) {
      out.push_back(*summary);
    }
  }
  return out;
}

void next_window(World& world) {
  world.clock().advance_s(limits::summary_window_s);
  world.engine().tick();
  world.settle();
}

using Rows = std::vector<DeniedSummary::Row>;

TEST_CASE("a flood of denials has entries at the rate, and all of it is on record") {
  World world(with_rate(3));
  for (int i = 0; i < 50; ++i) {
    const Asked asked = world.ask(request("nope", "{}", std::to_string(i)));
    CHECK(asked.reason() == Reason::unknown_action);
    CHECK(asked.refusal().receipt.has_value() == (i < 3));
  }
  CHECK(world.log().size() == 3);
  CHECK(summaries(world).empty());
  next_window(world);
  REQUIRE(summaries(world).size() == 1);
  const DeniedSummary summary = summaries(world).front();
  CHECK(summary.rows == Rows{{1000, Reason::unknown_action, 47}});
  CHECK(summary.since == noon());
  CHECK(summary.at == plus_s(noon(), limits::summary_window_s));
  next_window(world);
  CHECK(summaries(world).size() == 1);
}

TEST_CASE("one user's flood leaves another's denials their entries") {
  World world(with_rate(1));
  CHECK(world.ask(request("nope", "{}", "a"), 1).refusal().receipt.has_value());
  CHECK_FALSE(world.ask(request("nope", "{}", "b"), 1).refusal().receipt.has_value());
  CHECK(world.ask(request("nope", "{}", "c"), 2).refusal().receipt.has_value());
}

TEST_CASE("a denial that the transaction finds is held to the same rate") {
  World world(with_rate(1, test::clawshield_policy()));
  CHECK(world.ask(test::approved(request("echo", "{}", "first"))).result().log.index == 0);
  std::vector<Asked> asked;
  for (int i = 0; i < 5; ++i) {
    asked.push_back(world.ask(test::approved(request("echo", "{}", std::to_string(i)))));
  }
  for (std::size_t i = 0; i < asked.size(); ++i) {
    CHECK(asked[i].reason() == Reason::approval_used);
    CHECK(asked[i].refusal().receipt.has_value() == (i == 0));
  }
  next_window(world);
  CHECK(summaries(world).at(0).rows == Rows{{1000, Reason::approval_used, 4}});
}

TEST_CASE("denials that were under way together when the rate was reached are paid back by those that follow") {
  World world(with_rate(2, test::clawshield_policy()));
  CHECK(world.ask(test::approved(request("echo", "{}", "first"))).result().log.index == 0);
  std::vector<Asked> asked;
  for (int i = 0; i < 6; ++i) {
    asked.push_back(world.send(test::approved(request("echo", "{}", std::to_string(i)))));
  }
  world.settle();
  CHECK(world.log().size() == 7);
  world.clock().advance_s(1);
  CHECK_FALSE(world.ask(request("nope", "{}", "x")).refusal().receipt.has_value());
  world.clock().advance_s(2);
  CHECK(world.ask(request("nope", "{}", "y")).refusal().receipt.has_value());
}

TEST_CASE("replays, waiters and repeated requests of unknown outcome are counted, and have no entry") {
  World world;
  world.ask(request("echo", "{}", "pure"));
  CHECK(world.ask(request("echo", "{}", "pure")).result().replayed);
  world.ask(request(test::effect_action, "{}", "slow"));
  const Asked waits = world.ask(request(test::effect_action, "{}", "slow"));
  CHECK_FALSE(waits.is_answered());
  world.runner().finish();
  world.settle();
  CHECK(waits.result().replayed);
  next_window(world);
  CHECK(summaries(world).at(0).rows == Rows{{1000, std::nullopt, 2}});
  world.ask(request(test::effect_action, "{}", "lost"));
  world.crash();
  CHECK(world.ask(request(test::effect_action, "{}", "lost")).reason() == Reason::outcome_unknown);
  world.ask(request("echo", "{}", "pure"));
  const std::size_t before = world.log().size();
  next_window(world);
  CHECK(world.log().size() == before);
  CHECK(summaries(world).at(1).rows == Rows{{1000, Reason::outcome_unknown, 1}, {1000, std::nullopt, 1}});
}

TEST_CASE("who waited for a run whose outcome is lost is counted as that, and not as answered") {
  World world;
  world.ask(request(test::effect_action, "{}", "n"), 1000);
  const Asked waits = world.ask(request(test::effect_action, "{}", "n"), 2000);
  world.committer().fail_next(test::CommitFailure::absent);
  world.runner().finish();
  world.settle();
  CHECK(waits.reason() == Reason::outcome_unknown);
  next_window(world);
  CHECK(summaries(world).at(0).rows == Rows{{2000, Reason::outcome_unknown, 1}});
}

TEST_CASE("what is turned away for lack of room or of a store is counted by its reason") {
  Policy policy = test::demo_policy();
  policy.runs_max = 1;
  policy.queued_max = 0;
  World world(policy);
  world.ask(request(test::effect_action, "{}", "runs"));
  CHECK(world.ask(request(test::effect_action, "{}", "no room")).reason() == Reason::overloaded);
  world.committer().fail_next(test::CommitFailure::absent);
  const Asked failed = world.send(request("echo", "{}", "fails"));
  world.committer().make_durable();
  world.committer().deliver();
  CHECK(failed.reason() == Reason::store_unavailable);
  CHECK(world.ask(request("echo", "{}", "meanwhile")).reason() == Reason::store_unavailable);
  world.settle();
  next_window(world);
  CHECK(summaries(world).at(0).rows == Rows{{1000, Reason::overloaded, 1}, {1000, Reason::store_unavailable, 2}});
}

TEST_CASE("denials that a full store only counts are in the summary") {
  CommitRules rules;
  rules.warn_percent = 0;
  World world(test::demo_policy(), rules);
  CHECK_FALSE(world.ask(request("nope", "{}", "n")).refusal().receipt.has_value());
  next_window(world);
  CHECK(summaries(world).at(0).rows == Rows{{1000, Reason::unknown_action, 1}});
}

TEST_CASE("a question is no attempt, and is not counted") {
  World world(with_rate(0));
  ExecuteRequest question = request("nope", "{}", "n");
  question.check = true;
  world.ask(question);
  next_window(world);
  CHECK(summaries(world).empty());
}

TEST_CASE("counts that could not be recorded are told with the next window") {
  World world(with_rate(0));
  world.ask(request("nope", "{}", "a"));
  world.committer().fail_next(test::CommitFailure::absent);
  next_window(world);
  CHECK(summaries(world).empty());
  world.ask(request("nope", "{}", "b"));
  next_window(world);
  REQUIRE(summaries(world).size() == 1);
  CHECK(summaries(world).at(0).since == noon());
  CHECK(summaries(world).at(0).rows == Rows{{1000, Reason::unknown_action, 2}});
}

TEST_CASE("only one summary is on its way at a time") {
  World world(with_rate(0));
  world.ask(request("nope", "{}", "a"));
  world.clock().advance_s(limits::summary_window_s);
  world.engine().tick();
  world.engine().tick();
  CHECK(world.committer().queued() == 1);
}

TEST_CASE("a stop closes the window before it is over, and is not held up by a full store") {
  for (const unsigned full_percent : {limits::store_full_percent, 0U}) {
    CommitRules rules;
    World world(with_rate(0), rules);
    world.ask(request("nope", "{}", "a"));
    world.committer().rules().full_percent = full_percent;
    bool stopped = false;
    world.engine().stop([&] { stopped = true; });
    CHECK_FALSE(stopped);
    world.settle();
    CHECK(stopped);
    CHECK(summaries(world).size() == (full_percent > 0 ? 1 : 0));
  }
}

TEST_CASE("an approval from before an adoption is not said to be good when only asked about") {
  World world(test::clawshield_policy());
  {
    auto txn = world.committer().real_store().write();
    REQUIRE(txn.has_value());
    REQUIRE(put_approvals_floor(*txn, noon()).has_value());
    REQUIRE(txn->commit().has_value());
  }
  ExecuteRequest question = test::approved(request("echo", "{}", "n"));
  question.check = true;
  CHECK(world.ask(question).check().denial.value().reason == Reason::approval_expired);
  CHECK(world.ask(test::approved(request("echo", "{}", "n"))).reason() == Reason::approval_expired);
}

}  // namespace
}  // namespace openexec
