// SPDX-License-Identifier: Apache-2.0
// What was sent, what the log says came of it, and what ran: the model that every promise is checked against. It knows
// nothing of the engine: it learns from requests, from runs and from durable entries.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "daemon/core/op.h"
#include "daemon/core/policy.h"
#include "daemon/core/registry.h"
#include "daemon/core/store.h"
#include "tests/simulation/clients.h"
#include "tests/simulation/findings.h"
#include "tests/simulation/sim_clock.h"

namespace openexec::simulation {

// A claim as its entries tell it.
struct SeenClaim {
  std::size_t spec = 0;
  std::size_t owner = 0;  // the submission that made it
  ClaimState state = ClaimState::running;
  ExecutionId id;
  std::optional<std::uint64_t> started;
  std::uint64_t index = 0;  // its latest entry
  // Finished:
  ReceiptKind status = ReceiptKind::failed;
  std::string result;
  std::int64_t duration_us = 0;
  UtcTime at;

  std::size_t effects = 0;
  std::optional<RunResult> ended;  // what its run gave, in this process
  bool live = false;               // its run is in this process, and its outcome was not lost
  bool in_doubt = false;           // the commit of its outcome failed
  std::size_t first_answers = 0;   // that were not replays
};

// One request that was sent, each with a trace id of its own.
struct Submission {
  std::size_t spec = 0;
  bool check = false;
  bool peer_allowed = true;
  Peer peer;
  std::optional<ClaimState> known;  // its nonce's claim when it was sent, if the engine could find it
  bool store_failed = false;        // the engine knew when it was sent
  bool stopping = false;            // a stop had begun when it was sent
  bool overloaded = false;          // too many requests were under way
  std::size_t clock_mark = 0;
  std::size_t failures_mark = 0;
  bool answered = false;
  bool forgotten = false;        // the daemon died before it answered
  bool was_full = false;         // its batch found no room for a claim
  bool was_nearly_full = false;  // nor for a denial
  bool claim_asked = false;      // of the store, by the engine
  bool entry_asked = false;      // for its denial, if it comes to one
  std::optional<std::uint64_t> denied_index;
  std::optional<Reason> denied_reason;
};

class History {
 public:
  History(const Plan& plan, const Clients& clients, const SimClock& clock, Findings& findings)
      : plan_(plan), clients_(clients), clock_(clock), findings_(findings) {}

  // --- requests ---
  std::size_t sent(Submission submission);
  [[nodiscard]] static std::string trace_id(std::size_t index) { return std::to_string(index).insert(0, 1, 't'); }
  [[nodiscard]] std::optional<std::size_t> traced(const std::optional<std::string>& trace_id) const;
  Submission& submission(std::size_t index) { return submissions_[index]; }
  [[nodiscard]] const std::vector<Submission>& submissions() const { return submissions_; }
  [[nodiscard]] std::size_t open_count() const { return open_count_; }
  void answered(std::size_t index);
  // The process is gone, with every caller and every run of it.
  std::vector<std::size_t> process_died();

  // --- claims ---
  std::map<std::string, SeenClaim, std::less<>>& claims() { return claims_; }
  [[nodiscard]] const std::map<std::string, SeenClaim, std::less<>>& claims() const { return claims_; }
  SeenClaim* claim_of(std::size_t spec);
  // Approval name → claim name.
  std::map<std::string, std::string, std::less<>>& approvals_used() { return approvals_used_; }

  // A `started` entry stands for this claim; effects are told by what they do.
  void expect_effect(const std::string& claim, const Work& work) { claims_by_work_[work].push_back(claim); }

  // --- runs ---
  // The Runner was told to run: the claim it is for; nothing, and a finding, when there is none that may run.
  std::optional<std::string> effect(const std::string& action, const Json& payload);
  void run_ended(const std::string& claim, const RunResult& result);

  // --- storage failures ---
  void commit_failed(const Op& op);
  void recovered() { in_doubt_ = false; }
  [[nodiscard]] std::size_t failures() const { return failures_; }
  // The store may have failed while this request was under way.
  [[nodiscard]] bool saw_failure(const Submission& submission) const {
    return in_doubt_ || submission.store_failed || failures_ != submission.failures_mark;
  }
  void note_failure() {
    in_doubt_ = true;
    ++failures_;
  }

  // Whether this reason can be true of this request now, by the model.
  [[nodiscard]] bool plausible(const Submission& submission, Reason reason);
  // These operations were one batch, and met a store so full: each is given room before it is written.
  void batched(std::span<const Op> ops, const Store& store);
  // The engine asks the store for this.
  void asked(const Op& op);
  // The request that an operation is for.
  [[nodiscard]] std::optional<std::size_t> owner_of(const Op& op) const;
  // The engine finds claims with an entry before this one: those of commits that it was told of, or that were there
  // when the store was opened.
  void published(std::uint64_t size) { published_ = std::max(published_, size); }
  // The latest time of a transaction; the stored floor is at most a second behind.
  void time_committed(UtcTime at) { time_floor_ = std::max(time_floor_, at); }
  [[nodiscard]] UtcTime time_floor() const { return time_floor_; }
  // As the last batch found it.
  void set_used_percent(unsigned percent) { used_percent_ = percent; }
  [[nodiscard]] unsigned used_percent() const { return used_percent_; }
  // Claims on their way to the disk, of effectful actions, by action: from the simulated committer.
  void set_claims_pending(std::map<std::string, std::size_t> count) { claims_pending_ = std::move(count); }
  void set_stopping(bool stopping) { stopping_ = stopping; }
  [[nodiscard]] bool stopping() const { return stopping_; }
  // A commit failed, and no recovery came since.
  [[nodiscard]] bool in_doubt() const { return in_doubt_; }

 private:
  // Whether no further run of this action may begin.
  [[nodiscard]] bool is_busy(const std::string& action) const;
  // Whether as many may wait for a run as there may; those whose signature is being checked may be among them.
  [[nodiscard]] bool queue_may_be_full(const std::string& action, std::uint32_t uid) const;

  const Plan& plan_;
  const Clients& clients_;
  const SimClock& clock_;
  Findings& findings_;

  std::vector<Submission> submissions_;
  std::size_t open_count_ = 0;
  std::size_t open_from_ = 0;  // every submission before it is closed
  std::map<std::string, SeenClaim, std::less<>> claims_;
  std::map<std::string, std::string, std::less<>> approvals_used_;
  std::map<Work, std::vector<std::string>> claims_by_work_;
  std::map<std::string, std::size_t> runs_live_;  // by action
  std::size_t failures_ = 0;
  bool in_doubt_ = false;
  UtcTime time_floor_;
  std::uint64_t published_ = 0;
  unsigned used_percent_ = 0;
  std::map<std::string, std::size_t> claims_pending_;
  bool stopping_ = false;
};

}  // namespace openexec::simulation
