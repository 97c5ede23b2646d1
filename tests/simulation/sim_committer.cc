// SPDX-License-Identifier: Apache-2.0
#include "tests/simulation/sim_committer.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "daemon/core/commit.h"
#include "daemon/core/receipt_log.h"
#include "daemon/core/recovery.h"
#include "tests/simulation/actions.h"

namespace openexec::simulation {
namespace {

StoreError error_for(CommitFate fate) {
  return {fate == CommitFate::failed_absent ? "simulated: nothing was written" : "simulated: the sync failed"};
}

}  // namespace

// Keys of effectful claims that are on their way: each may come to be a run.
void SimCommitter::count_claims() {
  std::set<ClaimKey> keys;
  for (const auto* pending : {&queue_, &completed_}) {
    for (const Pending& each : *pending) {
      const auto* claim = std::get_if<Claim>(&each.op);
      if (claim != nullptr && !claim->finished) {
        keys.insert(claim->attempt->claim_key);
      }
    }
  }
  history_.set_claims_pending(keys.size());
}

void SimCommitter::commit(Op op, CommitDone done) {
  if (known_failed_) {
    findings_.violate(Promise::fail_closed, "a commit was asked of a store that is known to have failed");
  }
  if (broken_ == Broken::claims_are_answered_early && std::holds_alternative<Claim>(op) &&
      !std::get<Claim>(op).finished) {
    completed_.push_back({op, std::move(done), OpResult(Claimed{0})});
    done = [](const StoreResult<OpResult>&) {};
  }
  queue_.push_back({std::move(op), std::move(done), OpResult(Claimed{0})});
  count_claims();
}

void SimCommitter::recover(std::vector<ClaimKey> live, RecoverDone done) {
  if (!queue_.empty() || !completed_.empty() || recover_done_) {
    findings_.violate(Promise::fail_closed, "a recovery was asked for while commits were under way");
  }
  live_ = std::move(live);
  recover_done_ = std::move(done);
}

bool SimCommitter::open(RecoveryFate fate) { return reopen(fate).has_value(); }

// What a lying disk would say.
StoreResult<std::vector<OpResult>> SimCommitter::invent(std::size_t count) const {
  std::vector<OpResult> results;
  const auto txn = store_->read();
  std::uint64_t next = txn ? log_size(*txn).value_or(0) : 0;
  for (std::size_t i = 0; i < count; ++i) {
    const Op& op = queue_[i].op;
    if (const auto* claim = std::get_if<Claim>(&op); claim != nullptr && !claim->finished) {
      results.emplace_back(Claimed{next++});
    } else if (const auto* denial = std::get_if<Denial>(&op)) {
      results.emplace_back(Denied{{denial->reason, {}}, next++});
    } else {
      results.emplace_back(Recorded{next++, clock_.now()});
    }
  }
  return results;
}

StoreResult<std::vector<OpResult>> SimCommitter::apply(std::size_t count) {
  const auto end = queue_.begin() + static_cast<std::ptrdiff_t>(count);
  if (broken_ == Broken::commits_are_not_applied ||
      (broken_ == Broken::outcomes_are_dropped && std::any_of(queue_.begin(), end, [](const Pending& each) {
         return std::holds_alternative<Outcome>(each.op);
       }))) {
    return invent(count);
  }
  std::vector<Op> ops;
  ops.reserve(count);
  std::transform(queue_.begin(), end, std::back_inserter(ops), [](const Pending& each) { return each.op; });
  const UtcTime now = broken_ == Broken::commit_clock_stands_still ? opened_ : clock_.now();
  auto results = commit_ops(*store_, plan_.rules, now, ops);
  history_.time_committed(now);
  for (const Op& op : ops) {
    history_.batched(op, *store_, count);
  }
  if (results && results->size() != count) {
    findings_.violate(Promise::answers_once, "a batch gave fewer results than it has operations");
  }
  return results;
}

void SimCommitter::take(std::size_t count, CommitFate fate) {
  StoreResult<std::vector<OpResult>> results = std::unexpected(error_for(fate));
  if (!failed_) {
    if (fate != CommitFate::failed_absent) {
      results = apply(count);
      if (!results) {
        findings_.count("fault: the store itself failed");
      }
    }
    if (fate != CommitFate::done) {
      results = std::unexpected(error_for(fate));
    }
    if (!results) {
      failed_ = true;
      history_.note_failure();
    }
  }
  for (std::size_t i = 0; i < count; ++i) {
    Pending pending = std::move(queue_.front());
    queue_.pop_front();
    if (results) {
      pending.result = std::move((*results)[i]);
    } else {
      pending.result = std::unexpected(results.error());
    }
    completed_.push_back(std::move(pending));
  }
}

void SimCommitter::tear(std::size_t count) {
  if (store_ != nullptr && !failed_) {
    static_cast<void>(apply(count));
  }
}

void SimCommitter::deliver() {
  Pending pending = std::move(completed_.front());
  completed_.pop_front();
  count_claims();
  if (!pending.result) {
    known_failed_ = true;
    history_.commit_failed(pending.op);
  }
  if (broken_ != Broken::callbacks_are_lost) {
    pending.done(std::move(pending.result));
  }
  count_claims();
}

StoreResult<std::size_t> SimCommitter::reopen(RecoveryFate fate) {
  store_.reset();
  if (fate == RecoveryFate::cannot_open) {
    return std::unexpected(StoreError{"simulated: cannot open"});
  }
  auto opened = Store::open(options_);
  if (!opened) {
    findings_.violate(Promise::fail_closed, "the store cannot be opened again: " + opened.error());
    return std::unexpected(StoreError{opened.error()});
  }
  store_ = std::move(*opened);
  if (fate == RecoveryFate::failed_absent) {
    return std::unexpected(StoreError{"simulated: cannot recover"});
  }
  if (broken_ == Broken::recovery_is_left_out) {
    return 0;
  }
  if (broken_ == Broken::recovery_closes_what_runs) {
    live_.clear();
  }
  auto closed = openexec::recover(*store_, clock_.now(), live_);
  if (!closed) {
    findings_.violate(Promise::fail_closed, "the store cannot be recovered: " + closed.error().message);
  }
  return fate == RecoveryFate::done ? closed
                                    : std::unexpected(StoreError{"simulated: the sync of the recovery failed"});
}

void SimCommitter::step_recovery(RecoveryFate fate) {
  if (!recovered_) {
    recovered_ = broken_ == Broken::failures_are_ignored ? StoreResult<std::size_t>(0) : reopen(fate);
    return;
  }
  const StoreResult<std::size_t> result = std::move(*recovered_);
  recovered_.reset();
  RecoverDone done = std::move(*recover_done_);
  recover_done_.reset();
  hidden_ = !result.has_value();
  if (result) {
    failed_ = known_failed_ = false;
    history_.recovered();
  }
  done(result);
}

}  // namespace openexec::simulation
