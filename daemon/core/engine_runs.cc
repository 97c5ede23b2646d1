// SPDX-License-Identifier: Apache-2.0
// The engine from a claim to its outcome: room for a run, the claim, the run, the record of it, and whoever asks for
// the same meanwhile.
#include <fmt/format.h>

#include <utility>

#include "daemon/core/approval_check.h"
#include "daemon/core/claims.h"
#include "daemon/core/engine.h"
#include "proto-json/check.h"

namespace openexec {
namespace {

template <typename... Callables>
struct Overloaded : Callables... {
  using Callables::operator()...;
};

Error outcome_unknown_error() {
  return {
      Reason::outcome_unknown,
      "This request was started and its outcome is not known: it may or may not have taken effect, and it is never run "
      "again. Find out what happened, then use a new nonce"};
}

}  // namespace

// --- claimed → started → finished → recorded → answered ---

void Engine::claim(Claimant claimant) {
  Submission& submission = claimant.submission;
  if (stopping_) {
    return refuse(std::move(submission), {Reason::shutting_down, "The daemon is stopping: ask again once it is back"});
  }
  if (store_failed_) {
    return refuse(std::move(submission), store_unavailable());
  }
  if (submission.check) {
    return check_claim(std::move(claimant));
  }
  const Action& action = *submission.action;
  if (!action.is_claimed_first()) {
    auto finished = std::make_shared<const RunResult>(evaluate(action, submission.attempt->payload));
    return commit_claim(std::move(claimant), std::move(finished));
  }
  if (slots_.take(submission.attempt->claim_key, action)) {
    return commit_claim(std::move(claimant), nullptr);
  }
  if (auto refused = slots_.wait(std::move(claimant))) {
    refuse(std::move(refused->submission),
           {Reason::overloaded,
            fmt::format("{} actions are running, and as many wait as may: ask again later", slots_.taken())});
  }
}

// What would become of it.
void Engine::check_claim(Claimant claimant) {
  Submission& submission = claimant.submission;
  const Store* store = committer_.store();
  auto txn = store != nullptr ? store->read() : std::unexpected(StoreError{});
  const Attempt& attempt = *submission.attempt;
  // Again: the same request may have been claimed while this one's signature was checked.
  auto known = txn ? known_claim(*txn, attempt.claim_key, attempt.fingerprint) : std::unexpected(txn.error());
  auto objection =
      txn && claimant.approval ? approval_objection(*txn, *claimant.approval) : StoreResult<std::optional<Error>>();
  if (!known || !objection) {
    return refuse(std::move(submission), store_unavailable());
  }
  if (*known) {
    return answer_known(std::move(submission), **std::move(known));
  }
  if (*objection) {
    return deny(std::move(submission), std::move(**objection));
  }
  answer(submission.reply, check_result(attempt, "execute"));
}

// What is claimed first holds a slot; the rest is `finished`.
void Engine::commit_claim(Claimant claimant, std::shared_ptr<const RunResult> finished) {
  Submission& submission = claimant.submission;
  Claim op{submission.attempt, std::move(claimant.approval), finished,
           meter_.may_enter(submission.attempt->peer.uid, clock_.now())};
  commit(std::move(op), [this, finished = std::move(finished),
                         submission = std::move(submission)](StoreResult<OpResult> result) mutable {
    claimed(std::move(submission), std::move(finished), std::move(result));
  });
}

void Engine::claimed(Submission submission, std::shared_ptr<const RunResult> finished, StoreResult<OpResult> result) {
  const Action& action = *submission.action;
  const bool has_slot = finished == nullptr;
  const ClaimKey key = submission.attempt->claim_key;
  auto early = has_slot ? slots_.take_early(key) : std::vector<Submission>();
  if (result && std::holds_alternative<Claimed>(*result)) {
    start_run(std::move(submission));
  } else {
    if (has_slot) {
      slots_.give_back(key, action);
    }
    not_started(std::move(submission), std::move(finished), std::move(result));
  }
  for (Submission& waiting : early) {
    screen(std::move(waiting));
  }
  start_waiting();
}

void Engine::not_started(Submission submission, std::shared_ptr<const RunResult> finished,
                         StoreResult<OpResult> result) {
  if (!result) {
    return refuse(std::move(submission), {Reason::store_unavailable,
                                          "The store failed while this request was being claimed: nothing was run. Ask "
                                          "again later, with the same nonce"});
  }
  const Attempt& attempt = *submission.attempt;
  std::visit(Overloaded{
                 [](const Claimed&) { OPENEXEC_CHECK(false); },
                 [&](const Recorded& done) {
                   answer(submission.reply, result_of(attempt, {*finished, done.at, done.index, done.receipt}, false));
                 },
                 [&](AlreadyClaimed& known) { answer_known(std::move(submission), std::move(known.claim)); },
                 [&](Denied& denied) {
                   if (denied.index) {
                     meter_.entered(attempt.peer.uid, clock_.now());
                   } else {
                     count(attempt.peer.uid, denied.error.reason);
                   }
                   answer(submission.reply, refusal(attempt, std::move(denied.error), denied.index));
                 },
                 [](const Kept&) { OPENEXEC_CHECK(false); },
                 [&](NotTaken& refused) { refuse(std::move(submission), std::move(refused.error)); },
             },
             *result);
}

void Engine::start_run(Submission submission) {
  const ClaimKey key = submission.attempt->claim_key;
  const std::shared_ptr<const Attempt> attempt = submission.attempt;
  const auto [run, added] = runs_.try_emplace(key);
  OPENEXEC_CHECK(added);
  run->second.attempt = attempt;
  run->second.waiting.push_back({attempt->peer.uid, std::move(submission.reply)});
  const Action& action = *submission.action;
  runner_.run(action, attempt->payload, [this, key, &action](RunResult ended) {
    record(key, std::make_shared<const RunResult>(std::move(ended)));
    slots_.give_back(key, action);
    start_waiting();
  });
}

void Engine::record(const ClaimKey& key, std::shared_ptr<const RunResult> run) {
  if (store_failed_) {
    unrecorded_.emplace_back(key, std::move(run));
    return;
  }
  Outcome op{runs_.at(key).attempt, run};
  commit(std::move(op), [this, key, run](const StoreResult<OpResult>& result) { recorded(key, *run, result); });
}

void Engine::recorded(const ClaimKey& key, const RunResult& run, const StoreResult<OpResult>& result) {
  auto node = runs_.extract(key);
  OPENEXEC_CHECK(!node.empty());
  Run& ended = node.mapped();
  const auto* done = result ? std::get_if<Recorded>(&*result) : nullptr;
  bool replayed = false;
  for (Waiting& waiting : ended.waiting) {
    if (replayed) {
      count(waiting.uid, done != nullptr ? std::nullopt : std::optional(Reason::outcome_unknown));
    }
    if (done != nullptr) {
      answer(waiting.reply, result_of(*ended.attempt, {run, done->at, done->index, done->receipt}, replayed));
    } else {
      answer(waiting.reply, refusal(*ended.attempt, outcome_unknown_error(), std::nullopt));
    }
    replayed = true;
  }
}

void Engine::answer_known(Submission submission, KnownClaim known) {
  const Attempt& attempt = *submission.attempt;
  if (!known.same_request) {
    return deny(std::move(submission), nonce_reused_error());
  }
  switch (known.state) {
    case ClaimState::finished:
      if (submission.check) {
        return answer(submission.reply, check_result(attempt, "replay"));
      }
      count(attempt.peer.uid, std::nullopt);
      return answer(submission.reply, result_of(attempt, *std::move(known.outcome), true));
    case ClaimState::running: {
      const auto run = runs_.find(attempt.claim_key);
      if (run == runs_.end() && !slots_.holds(attempt.claim_key)) {
        break;  // its outcome could not be recorded, and recovery has not yet said so
      }
      if (submission.check) {
        return answer(submission.reply, check_result(attempt, "wait"));
      }
      if (run != runs_.end()) {
        run->second.waiting.push_back({attempt.peer.uid, std::move(submission.reply)});
      } else {
        slots_.add_early(attempt.claim_key, std::move(submission));
      }
      return;
    }
    case ClaimState::unknown:
      break;
  }
  if (submission.check) {
    return answer(submission.reply, check_result(attempt, "deny", outcome_unknown_error()));
  }
  count(attempt.peer.uid, Reason::outcome_unknown);
  answer(submission.reply, refusal(attempt, outcome_unknown_error(), known.index));
}

// What room there is goes to what waits for it.
void Engine::start_waiting() {
  while (auto claimant = slots_.next()) {
    const ClaimKey next = claimant->submission.attempt->claim_key;
    const Action& next_action = *claimant->submission.action;
    if (store_failed_) {
      slots_.give_back(next, next_action);
      refuse(std::move(claimant->submission), store_unavailable());
    } else {
      commit_claim(*std::move(claimant), nullptr);
    }
  }
}

}  // namespace openexec
