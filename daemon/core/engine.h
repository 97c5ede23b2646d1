// SPDX-License-Identifier: Apache-2.0
// The engine: decides what happens to a request. A state machine on one thread: no locks, no I/O of its own, no clock
// but the one it is given. docs/execution-lifecycle.md draws it.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <variant>
#include <vector>

#include "daemon/core/attempt.h"
#include "daemon/core/clock.h"
#include "daemon/core/committer.h"
#include "daemon/core/denial_meter.h"
#include "daemon/core/keyring.h"
#include "daemon/core/policy.h"
#include "daemon/core/registry.h"
#include "daemon/core/run_slots.h"
#include "daemon/core/runner.h"
#include "daemon/core/submission.h"
#include "daemon/core/uid_buckets.h"
#include "daemon/core/verifier.h"
#include "proto-json/message.h"

namespace openexec {

class Engine {
 public:
  // Everything outlives the engine. The store behind `committer` has been recovered.
  Engine(const Clock& clock, Verifier& verifier, Committer& committer, Runner& runner, const Registry& registry,
         const Keyring& keyring, const Policy& policy);
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  // Answers exactly once, maybe before it returns, maybe later; a destroyed engine answers nothing more.
  void submit(const Caller& caller, ExecuteRequest request, Reply reply);

  // Whether this uid may ask for something now, by [limits] requests_per_second_per_uid; asking counts. submit() asks
  // by itself.
  [[nodiscard]] bool may_ask(std::uint32_t uid);
  static Error rate_limited_error();

  // No new claims from here on, of what waits for room neither; what runs is finished, recorded and answered. `stopped`
  // is called once nothing is in flight.
  void stop(std::function<void()> stopped);

  [[nodiscard]] bool stopping() const { return stopping_; }
  // The last commit failed and the store is being opened again, or could not be.
  [[nodiscard]] bool store_failed() const { return store_failed_; }
  [[nodiscard]] std::size_t in_flight() const { return unanswered_; }  // requests that are owed an answer
  [[nodiscard]] std::size_t running() const { return runs_.size(); }

  // Closes the window of what has no entry, when it is over. Called every tick_ms by whoever has a timer.
  void tick();

  // Keeps a checkpoint that witnesses cosigned; `done` gets what stands against it, or nothing.
  void keep(Cosigning cosigning, std::move_only_function<void(std::optional<Error>)> done);

  // Tries again to open a store that could not be opened after a failure. Called now and then by whoever has a timer.
  void retry_recovery();

 private:
  struct Waiting {
    std::uint32_t uid = 0;
    Reply reply;
  };
  // A claim that is durable and has no outcome yet: the run, and whoever waits for it.
  struct Run {
    std::shared_ptr<const Attempt> attempt;
    std::vector<Waiting> waiting;  // the first is the caller whose claim it is
  };

  void screen(Submission submission);
  void check_approval(Submission submission);
  void approve(Submission submission, const ClawshieldApproval& approval, std::size_t signer);
  void claim(Claimant claimant);
  void check_claim(Claimant claimant);
  void commit_claim(Claimant claimant, std::shared_ptr<const RunResult> finished);
  void claimed(Submission submission, std::shared_ptr<const RunResult> finished, StoreResult<OpResult> result);
  void not_started(Submission submission, std::shared_ptr<const RunResult> finished, StoreResult<OpResult> result);
  void start_run(Submission submission);
  void record(const ClaimKey& key, std::shared_ptr<const RunResult> run);
  void recorded(const ClaimKey& key, const RunResult& run, const StoreResult<OpResult>& result);
  void answer_known(Submission submission, KnownClaim known);
  void start_waiting();

  static Error store_unavailable();
  void commit(Op op, CommitDone done);
  void close_window();
  void recover_when_quiet();
  void check_stopped();

  void deny(Submission submission, Error error);    // with an entry, while the rate allows it
  void refuse(Submission submission, Error error);  // without one
  // An attempt that gets no entry; no reason: a replay.
  void count(std::uint32_t uid, std::optional<Reason> reason);
  void answer(Reply& reply, Answer answer);
  [[nodiscard]] bool allows(const std::string& action) const;
  static CheckResult check_result(const Attempt& attempt, std::string would,
                                  std::optional<Error> denial = std::nullopt);
  [[nodiscard]] Refusal refusal(const Attempt& attempt, Error error, std::optional<std::uint64_t> index) const;
  [[nodiscard]] ExecuteResult result_of(const Attempt& attempt, StoredOutcome outcome, bool replayed) const;

  const Clock& clock_;
  Verifier& verifier_;
  Committer& committer_;
  Runner& runner_;
  const Registry& registry_;
  const Keyring& keyring_;
  const Policy& policy_;
  const Hash registry_digest_;

  std::unordered_map<ClaimKey, Run> runs_;
  std::vector<std::pair<ClaimKey, std::shared_ptr<const RunResult>>> unrecorded_;  // ended while the store was failed
  RunSlots slots_;
  UidBuckets requests_;
  std::size_t unanswered_ = 0;
  std::size_t commits_pending_ = 0;
  DenialMeter meter_;
  bool closing_window_ = false;    // a summary is on its way
  bool last_window_lost_ = false;  // it could not be recorded while stopping: it is not tried again
  bool stopping_ = false;
  bool store_failed_ = false;
  bool recovering_ = false;
  std::function<void()> stopped_;
};

}  // namespace openexec
