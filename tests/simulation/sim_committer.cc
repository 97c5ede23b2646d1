// SPDX-License-Identifier: Apache-2.0
#include "tests/simulation/sim_committer.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "daemon/core/receipt_log.h"
#include "daemon/core/recovery.h"
#include "tests/simulation/actions.h"

namespace openexec::simulation {
namespace {

StoreError error_for(CommitFate fate) {
  return {fate == CommitFate::failed_durable ? "simulated: the sync failed" : "simulated: nothing was written"};
}

}  // namespace

// Effectful claims that are on their way, those of one key and action once: each may come to be a run.
void SimCommitter::count_claims() {
  std::set<std::pair<std::string, ClaimKey>> claims;
  for (const auto* pending : {&queue_, &completed_}) {
    for (const Pending& each : *pending) {
      const auto* claim = std::get_if<Claim>(&each.op);
      if (claim != nullptr && !claim->finished) {
        claims.emplace(claim->attempt->action, claim->attempt->claim_key);
      }
    }
  }
  std::map<std::string, std::size_t> count;
  for (const auto& [action, key] : claims) {
    ++count[action];
  }
  around_.history.set_claims_pending(std::move(count));
}

void SimCommitter::tell_models(const Op& op) {
  around_.history.asked(op);
  if (const auto* claim = std::get_if<Claim>(&op)) {
    around_.rate.claim_asked(claim->attempt->peer.uid, claim->enter_denial);
  } else if (const auto* denial = std::get_if<Denial>(&op)) {
    around_.rate.asked(denial->attempt->peer.uid);
  } else if (const auto* summary = std::get_if<Summary>(&op)) {
    around_.counts.asked(*summary, around_.history.stopping());
  }
}

void SimCommitter::commit(Op op, CommitDone done) {
  if (known_failed_) {
    around_.findings.violate(Promise::fail_closed, "a commit was asked of a store that is known to have failed");
  }
  if (auto* summary = std::get_if<Summary>(&op); broken_ == Broken::summaries_forget && summary != nullptr) {
    summary->rows.back().count -= 1;
  }
  tell_models(op);
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
    around_.findings.violate(Promise::fail_closed, "a recovery was asked for while commits were under way");
  }
  live_ = std::move(live);
  recover_done_ = std::move(done);
}

bool SimCommitter::open(RecoveryFate fate) { return reopen(fate).has_value(); }

StoreResult<Committed> SimCommitter::apply(std::size_t count) {
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
  const UtcTime now = broken_ == Broken::commit_clock_stands_still ? opened_ : around_.clock.now();
  auto committed = commit_ops(*store_, around_.signer, around_.plan.rules, now, ops);
  around_.history.time_committed(now);
  around_.history.batched(ops, *store_);
  if (committed && committed->results.size() != count) {
    around_.findings.violate(Promise::answers_once, "a batch gave fewer results than it has operations");
  }
  return committed;
}

void SimCommitter::take(std::size_t count, CommitFate fate) {
  if (failed_) {
    return finish(count, std::unexpected(error_for(CommitFate::failed_absent)));
  }
  break_before(count, fate);
  StoreResult<Committed> committed = std::unexpected(error_for(fate));
  if (fate != CommitFate::failed_absent) {
    committed = apply(count);
    if (!committed) {
      around_.findings.count("fault: the store itself failed");
    }
  }
  if (fate == CommitFate::failed_durable) {
    committed = std::unexpected(error_for(fate));
  }
  if (committed && committed->log && fate == CommitFate::done) {
    around_.mark.write(*committed->log);
  }
  if (!committed || (committed->log && fate == CommitFate::not_marked)) {
    failed_ = true;
    around_.history.note_failure();
  }
  break_after();
  finish(count, std::move(committed));
}

void SimCommitter::finish(std::size_t count, StoreResult<Committed> committed) {
  for (std::size_t i = 0; i < count; ++i) {
    Pending pending = std::move(queue_.front());
    queue_.pop_front();
    if (committed) {
      pending.keys = std::exchange(committed->keys, {});
      pending.result = std::move(committed->results[i]);
    } else {
      pending.result = std::unexpected(committed.error());
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
    around_.history.commit_failed(pending.op);
  }
  const auto* denied = pending.result ? std::get_if<Denied>(&*pending.result) : nullptr;
  if (const auto* claim = std::get_if<Claim>(&pending.op); claim != nullptr && denied != nullptr && denied->index) {
    around_.rate.spent(claim->attempt->peer.uid);
  }
  if (std::holds_alternative<Summary>(pending.op)) {
    around_.counts.ended(pending.result && std::holds_alternative<Recorded>(*pending.result));
  }
  if (pending.result) {
    store_->publish(pending.keys);
    if (!pending.keys.added.empty()) {
      around_.history.published(pending.keys.added.back().first_index + 1);
    }
  }
  if (broken_ != Broken::callbacks_are_lost) {
    pending.done(std::move(pending.result));
  }
  count_claims();
}

// A store that was opened knows all of its claims.
void SimCommitter::tell_opened() const {
  const auto txn = store_->read();
  around_.history.published(txn ? log_size(*txn).value_or(0) : 0);
}

// A store that nobody put back may always be run.
std::optional<StoreError> SimCommitter::objection() {
  const auto behind = why_behind(*store_, around_.mark.read(), "openexec store adopt");
  if (behind && !*behind) {
    return std::nullopt;
  }
  StoreError error{behind ? **behind : behind.error().message};
  around_.findings.violate(Promise::log_only_grows, "the store is refused: " + error.message);
  store_.reset();
  return error;
}

StoreResult<std::size_t> SimCommitter::reopen(RecoveryFate fate) {
  store_.reset();
  if (fate == RecoveryFate::cannot_open) {
    return std::unexpected(StoreError{"simulated: cannot open"});
  }
  auto opened = Store::open(options_);
  if (!opened) {
    around_.findings.violate(Promise::fail_closed, "the store cannot be opened again: " + opened.error());
    return std::unexpected(StoreError{opened.error()});
  }
  store_ = std::move(*opened);
  tell_opened();
  if (auto error = objection()) {
    return std::unexpected(std::move(*error));
  }
  if (fate == RecoveryFate::failed_absent) {
    return std::unexpected(StoreError{"simulated: cannot recover"});
  }
  if (broken_ == Broken::recovery_is_left_out) {
    return 0;
  }
  if (broken_ == Broken::recovery_closes_what_runs) {
    live_.clear();
  }
  const auto recovered = openexec::recover(*store_, around_.signer, around_.clock.now(), live_);
  if (!recovered) {
    around_.findings.violate(Promise::fail_closed, "the store cannot be recovered: " + recovered.error().message);
    return std::unexpected(recovered.error());
  }
  if (fate != RecoveryFate::done) {
    return std::unexpected(StoreError{"simulated: the sync of the recovery failed"});
  }
  around_.mark.write(recovered->log);
  around_.mark.sync();
  return recovered->closed;
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
    around_.history.recovered();
  }
  done(result);
}

}  // namespace openexec::simulation
