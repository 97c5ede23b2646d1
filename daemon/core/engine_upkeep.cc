// SPDX-License-Identifier: Apache-2.0
// The engine beside its executions: commits and a failed store, windows of what has no entry, stopping.
#include "daemon/core/engine.h"

namespace openexec {

// --- the store ---

Error Engine::store_unavailable() {
  return {Reason::store_unavailable,
          "The store cannot be read or written at this moment: nothing was run. Ask again later"};
}

void Engine::commit(Op op, CommitDone done) {
  ++commits_pending_;
  committer_.commit(std::move(op), [this, done = std::move(done)](StoreResult<OpResult> result) mutable {
    if (!result) {
      store_failed_ = true;
    }
    done(std::move(result));
    --commits_pending_;  // only now: `stopped` must not be called before what follows from this
    recover_when_quiet();
    check_stopped();
  });
}

void Engine::recover_when_quiet() {
  if (!store_failed_ || recovering_ || commits_pending_ > 0) {
    return;
  }
  recovering_ = true;
  std::vector<ClaimKey> live;
  live.reserve(runs_.size());
  for (const auto& [key, run] : runs_) {
    live.push_back(key);
  }
  committer_.recover(std::move(live), [this](const StoreResult<std::size_t>& closed) {
    recovering_ = false;
    if (!closed) {
      return check_stopped();  // retry_recovery() tries again
    }
    store_failed_ = false;
    auto unrecorded = std::exchange(unrecorded_, {});
    for (auto& [key, run] : unrecorded) {
      record(key, std::move(run));
    }
    check_stopped();
  });
}

void Engine::retry_recovery() { recover_when_quiet(); }

// --- what has no entry ---

void Engine::tick() {
  if (!store_failed_ && !closing_window_ && meter_.due(clock_.now())) {
    close_window();
  }
}

void Engine::close_window() {
  closing_window_ = true;
  Summary summary = meter_.take();
  commit(summary, [this, summary](const StoreResult<OpResult>& result) {
    closing_window_ = false;
    const bool recorded = result && std::holds_alternative<Recorded>(*result);
    last_window_lost_ = stopping_ && !recorded;
    if (!recorded) {
      meter_.put_back(summary);  // after a failed sync it may then be told twice, which is better than not at all
    }
  });
}

void Engine::count(std::uint32_t uid, std::optional<Reason> reason) { meter_.count(uid, reason, clock_.now()); }

void Engine::keep(Cosigning cosigning, std::move_only_function<void(std::optional<Error>)> done) {
  if (store_failed_) {
    return done(store_unavailable());
  }
  if (stopping_) {
    return done(Error{Reason::shutting_down, "The daemon is stopping: ask again once it is back"});
  }
  commit(std::move(cosigning), [done = std::move(done)](const StoreResult<OpResult>& result) mutable {
    done(result ? std::nullopt : std::optional(store_unavailable()));
  });
}

// --- stopping ---

void Engine::stop(std::function<void()> stopped) {
  stopping_ = true;
  stopped_ = std::move(stopped);
  for (Claimant& waiting : slots_.take_waiting()) {
    claim(std::move(waiting));  // is refused
  }
  check_stopped();
}

void Engine::check_stopped() {
  if (!stopping_ || !stopped_ || unanswered_ > 0 || !runs_.empty() || commits_pending_ > 0 || recovering_) {
    return;
  }
  if (!store_failed_ && !meter_.empty() && !last_window_lost_) {  // what came during the last window makes another
    return close_window();
  }
  std::exchange(stopped_, nullptr)();
}

}  // namespace openexec
