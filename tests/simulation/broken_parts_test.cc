// SPDX-License-Identifier: Apache-2.0
// A simulator that finds nothing proves nothing: each part broken on purpose must be found, as the promise that it
// breaks.
#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tests/simulation/simulator.h"
#include "tests/support/catch.h"

namespace openexec::simulation {
namespace {

struct Case {
  Broken broken;
  const char* name;
  std::vector<Promise> promises;  // which of them is seen first depends on what comes first
  const char* says = "";          // what a finding must hold
};

const std::vector<Case>& cases() {
  static const std::vector<Case> all = {
      {Broken::commits_are_not_applied,
       "commits are not applied",
       {Promise::claim_before_effect, Promise::receipt_before_reply}},
      {Broken::claims_are_answered_early, "claims are answered early", {Promise::claim_before_effect}},
      {Broken::outcomes_are_dropped,
       "outcomes are dropped",
       {Promise::receipt_before_reply, Promise::claim_before_effect}},
      {Broken::callbacks_are_lost, "callbacks are lost", {Promise::answers_once, Promise::reasons_are_true}},
      {Broken::commit_clock_stands_still, "the commit's clock stands still", {Promise::every_attempt_on_record}},
      {Broken::every_signature_verifies,
       "every signature verifies",
       {Promise::only_what_was_approved, Promise::reasons_are_true, Promise::every_attempt_on_record}},
      {Broken::runs_happen_twice, "runs happen twice", {Promise::at_most_once}},
      {Broken::recovery_is_left_out, "recovery is left out", {Promise::every_attempt_on_record}},
      {Broken::recovery_closes_what_runs, "recovery closes what runs", {Promise::every_attempt_on_record}},
      {Broken::the_store_goes_back,
       "the store goes back",
       {Promise::log_only_grows},
       "the store is refused: the store"},
      {Broken::the_last_entry_changes, "the last entry changes", {Promise::log_only_grows, Promise::fail_closed}},
      {Broken::replays_differ, "replays differ", {Promise::same_request_same_answer}},
      {Broken::failures_are_ignored, "failures are ignored", {Promise::every_attempt_on_record}},
      {Broken::checkpoints_are_early, "a checkpoint is out though its commit failed", {Promise::log_only_grows}},
      {Broken::a_node_is_wrong, "a node of the tree is stored wrong", {Promise::log_only_grows}},
      {Broken::summaries_forget, "summaries forget counts", {Promise::every_attempt_on_record}, "a summary tells"},
      {Broken::the_mark_is_ahead,
       "the mark is written ahead of the commit",
       {Promise::log_only_grows},
       "the high-water mark is of"},
      {Broken::denials_know_no_rate, "denials know no rate", {Promise::every_attempt_on_record}, "a denial of uid"},
      {Broken::actions_know_no_concurrency,
       "actions know no concurrency",
       {Promise::fail_closed},
       "more runs of one action"},
      {Broken::requests_know_no_rate, "requests know no rate", {Promise::every_attempt_on_record}, "a request of uid"},
  };
  return all;
}

std::optional<Violation> first_violation(Broken broken) {
  for (std::uint64_t seed = 0; seed < 4 * emphasis_count; ++seed) {
    const Findings findings = simulate(seed, world_steps, broken);
    if (findings.violation()) {
      return findings.violation();
    }
  }
  return std::nullopt;
}

TEST_CASE("the simulator finds every part that is broken on purpose") {
  for (const Case& each : cases()) {
    INFO(each.name);
    const auto violation = first_violation(each.broken);
    CHECK(violation.has_value());
    if (violation) {
      INFO(to_text(violation->promise) << ": " << violation->text);
      CHECK(std::ranges::find(each.promises, violation->promise) != each.promises.end());
      CHECK(violation->text.find(each.says) != std::string::npos);
    }
  }
}

}  // namespace
}  // namespace openexec::simulation
