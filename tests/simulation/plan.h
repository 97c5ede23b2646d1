// SPDX-License-Identifier: Apache-2.0
// What kind of world a seed makes: its configuration, and how often each thing happens in it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "daemon/core/commit.h"
#include "daemon/core/policy.h"

namespace openexec::simulation {

// What a world has more of than others.
enum class Emphasis {
  runs,
  crashes,
  late_replies,
  denials,
  duplicates,
  failures,
  stops,
  clocks,
  approvals,
  full_store
};
inline constexpr std::size_t emphasis_count = 10;
std::string_view to_text(Emphasis emphasis);

// Parts that a meta-test breaks on purpose, to see that it is noticed.
enum class Broken {
  nothing,
  commits_are_not_applied,    // the committer reports success and writes nothing
  claims_are_answered_early,  // a run is let go before its claim is durable
  outcomes_are_dropped,       // an outcome is reported durable and is not
  callbacks_are_lost,         // a completion never comes
  commit_clock_stands_still,  // the transaction judges approvals by an old clock
  every_signature_verifies,
  runs_happen_twice,
  recovery_is_left_out,
  recovery_closes_what_runs,
  the_store_goes_back,     // a crash brings an older copy
  the_last_entry_changes,  // a leaf is overwritten in the store
  replays_differ,          // what a caller reads is not what was stored
  failures_are_ignored,    // the engine is told that a failed store recovered, and it did not
  checkpoints_are_early,   // one is out though its commit failed
  a_node_is_wrong,         // of the stored tree
  summaries_forget,        // the last of their counts
  the_mark_is_ahead,       // written before the commit, and the commit fails
  denials_know_no_rate,
  actions_know_no_concurrency,
  requests_know_no_rate,
};

enum class Event : std::size_t {
  submit,
  verify,
  take,
  deliver,
  finish,
  clock,
  recovery,
  retry,
  crash,
  stop,
  tick,
  cosign
};
inline constexpr std::size_t event_count = 12;

struct Plan {
  Emphasis emphasis = Emphasis::runs;
  Policy policy;
  CommitRules rules;
  bool real_signatures = false;
  std::size_t map_size_bytes = 0;
  std::size_t open_max = 0;  // requests under way at one time
  std::array<unsigned, event_count> weights{};
  // Per 1000:
  unsigned commit_fails = 0;
  unsigned recovery_fails = 0;
  unsigned mark_fails = 0;  // after a commit that did not
  unsigned duplicate = 0;   // an earlier request again
  unsigned flawed = 0;      // one that must be refused
  unsigned effectful = 0;

  [[nodiscard]] bool has_list() const { return policy.allowed_actions.has_value(); }
  [[nodiscard]] bool has_peers() const { return !policy.allow_uids.empty(); }
};

Plan plan_of(std::uint64_t seed);

}  // namespace openexec::simulation
