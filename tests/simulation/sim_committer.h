// SPDX-License-Identifier: Apache-2.0
// The simulated Committer, over the real store and the real transactions: a batch is any prefix of the queue, may fail
// with or without having become durable, and its completions come later, in order. The high-water mark follows it.
#pragma once

#include <cstddef>
#include <deque>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "daemon/core/commit.h"
#include "daemon/core/committer.h"
#include "proto-json/checkpoint.h"
#include "tests/simulation/counts.h"
#include "tests/simulation/history.h"
#include "tests/simulation/plan.h"
#include "tests/simulation/sim_mark.h"
#include "tests/simulation/uid_rate.h"

namespace openexec::simulation {

enum class CommitFate { done, not_marked, failed_absent, failed_durable };
enum class RecoveryFate { done, cannot_open, failed_absent, failed_durable };

// What outlives a simulated process, or watches it.
struct Surroundings {
  const Plan& plan;
  const SimClock& clock;
  const NoteSigner& signer;
  SimMark& mark;
  History& history;
  Counts& counts;
  UidRate& rate;
  Findings& findings;
};

class SimCommitter final : public Committer {
 public:
  SimCommitter(const Surroundings& around, StoreOptions options, Broken broken)
      : around_(around), options_(std::move(options)), broken_(broken) {}

  // --- what the engine sees ---
  void commit(Op op, CommitDone done) override;
  void recover(std::vector<ClaimKey> live, RecoverDone done) override;
  [[nodiscard]] const Store* store() const override { return recover_done_ || hidden_ ? nullptr : store_.get(); }

  // --- what the scheduler does ---
  // A process starts: opens the store and recovers. Nothing when that failed as `fate` says: the daemon does not start.
  bool open(RecoveryFate fate);
  [[nodiscard]] std::size_t queued() const { return recover_done_ ? 0 : queue_.size(); }
  [[nodiscard]] std::size_t deliverable() const { return completed_.size(); }
  [[nodiscard]] bool recovery_pending() const { return recover_done_.has_value(); }
  [[nodiscard]] bool recovery_worked() const { return recovered_.has_value(); }
  [[nodiscard]] bool idle() const { return queue_.empty() && completed_.empty() && !recover_done_; }
  // The next commit will fail, and the engine does not know.
  [[nodiscard]] bool will_fail() const { return failed_ && !known_failed_; }
  void take(std::size_t count, CommitFate fate);
  void deliver();
  // The first call does the work, the second tells the engine.
  void step_recovery(RecoveryFate fate);
  // The process dies inside a transaction that did become durable.
  void tear(std::size_t count);
  // The real store, while it is open.
  [[nodiscard]] Store* real_store() { return store_.get(); }

 private:
  struct Pending {
    Op op;
    CommitDone done;
    StoreResult<OpResult> result;
    KeyChange keys = {};  // the whole commit's, with its first operation
  };
  [[nodiscard]] StoreResult<Committed> apply(std::size_t count);
  [[nodiscard]] StoreResult<Committed> invent(std::size_t count) const;
  [[nodiscard]] Checkpoint would_be(std::size_t count);
  void break_before(std::size_t count, CommitFate fate);
  void break_after();
  void finish(std::size_t count, StoreResult<Committed> committed);
  [[nodiscard]] std::optional<StoreError> objection();
  void tell_opened() const;
  StoreResult<std::size_t> reopen(RecoveryFate fate);
  void tell_models(const Op& op);
  void count_claims();

  const Surroundings around_;
  const StoreOptions options_;
  const Broken broken_;
  const UtcTime opened_ = around_.clock.now();

  std::unique_ptr<Store> store_;
  bool failed_ = false;        // since the last recovery
  bool known_failed_ = false;  // and the engine was told
  bool hidden_ = false;        // a recovery failed
  std::deque<Pending> queue_;
  std::deque<Pending> completed_;
  std::vector<ClaimKey> live_;
  std::optional<RecoverDone> recover_done_;
  std::optional<StoreResult<std::size_t>> recovered_;
};

}  // namespace openexec::simulation
