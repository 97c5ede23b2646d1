// SPDX-License-Identifier: Apache-2.0
#include "daemon/core/engine.h"

#include <fmt/format.h>

#include <algorithm>

#include "daemon/core/approval_check.h"
#include "daemon/core/claims.h"
#include "proto-json/check.h"
#include "proto-json/encoding.h"
#include "proto-json/execution_id.h"

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

CheckResult check_result(const Attempt& attempt, std::string would, std::optional<Error> denial = std::nullopt) {
  return {std::move(would), std::move(denial), attempt.action_hash, attempt.canonical};
}

}  // namespace

Engine::Engine(const Clock& clock, Verifier& verifier, Committer& committer, Runner& runner, const Registry& registry,
               const Keyring& keyring, const Policy& policy)
    : clock_(clock),
      verifier_(verifier),
      committer_(committer),
      runner_(runner),
      registry_(registry),
      keyring_(keyring),
      policy_(policy),
      registry_digest_(registry.digest()),
      meter_(policy.denied_entries_per_second) {}

Engine::~Engine() = default;

// --- received → screened → verified ---

void Engine::submit(const Caller& caller, ExecuteRequest request, Reply reply) {
  ++unanswered_;
  Submission submission;
  submission.check = request.check;
  submission.reply = std::move(reply);
  submission.attempt =
      std::make_shared<Attempt>(make_attempt(policy_, registry_digest_, caller.peer, std::move(request)));
  if (!may_connect(policy_, caller)) {
    return deny(std::move(submission), peer_not_allowed_error());
  }
  if (unanswered_ > policy_.in_flight_total_max) {
    return refuse(std::move(submission), {Reason::overloaded, "Too many requests are under way: ask again later"});
  }
  screen(std::move(submission));
}

void Engine::screen(Submission submission) {
  if (store_failed_) {
    return refuse(std::move(submission), store_unavailable());
  }
  const Attempt& attempt = *submission.attempt;
  const Store* store = committer_.store();
  auto txn = store != nullptr ? store->read() : std::unexpected(StoreError{});
  const auto known = txn ? known_claim(*txn, attempt.claim_key, attempt.fingerprint) : std::unexpected(txn.error());
  if (!known) {
    return refuse(std::move(submission), store_unavailable());
  }
  if (*known) {
    return answer_known(std::move(submission), **known);
  }
  if (stopping_) {
    return refuse(std::move(submission), {Reason::shutting_down, "The daemon is stopping: ask again once it is back"});
  }
  if (!allows(attempt.action)) {
    return deny(std::move(submission), {Reason::action_not_allowed,
                                        fmt::format("Action '{}' is not in the execution allow-list", attempt.action)});
  }
  submission.action = registry_.find(attempt.action);
  if (submission.action == nullptr) {
    return deny(std::move(submission), {Reason::unknown_action, fmt::format("Unknown action: {}", attempt.action)});
  }
  if (submission.action->check) {
    if (const auto objection = submission.action->check(attempt.payload)) {
      return deny(std::move(submission), {Reason::payload_invalid, *objection});
    }
  }
  switch (policy_.mode) {
    case Mode::demo:
      return claim(std::move(submission), std::nullopt);
    case Mode::clawshield:
      return check_approval(std::move(submission));
  }
}

void Engine::check_approval(Submission submission) {
  const Attempt& attempt = *submission.attempt;
  if (!attempt.presented) {
    return deny(std::move(submission), {Reason::approval_required, "ClawShield mode requires an approval artifact"});
  }
  auto approval = read_clawshield_approval(*attempt.presented, policy_.approval_lifetime_s_max);
  if (!approval) {
    return deny(std::move(submission), approval.error());
  }
  const Error invalid{Reason::approval_signature_invalid, "Invalid signature: approval artifact is not authentic"};
  if (!approval->signature) {
    return deny(std::move(submission), invalid);
  }
  SignatureCheck check{approval->signed_message(), *approval->signature};
  verifier_.verify(std::move(check), [this, invalid, approval = std::move(*approval),
                                      submission = std::move(submission)](std::optional<std::size_t> signer) mutable {
    if (!signer) {
      return deny(std::move(submission), invalid);
    }
    approve(std::move(submission), approval, *signer);
  });
}

void Engine::approve(Submission submission, const ClawshieldApproval& approval, std::size_t signer) {
  Attempt& attempt = *submission.attempt;
  const Approver& approver = keyring_.approvers().at(signer);
  attempt.approval->id = approval.approval_id;
  attempt.approval->key_ids = {approver.key_id};
  attempt.approval->approvers = {approver.name};
  auto error = check_terms(policy_, attempt, approval);
  if (!error) {
    error = check_validity(approval.issued, approval.expires, clock_.now(), policy_.clock_skew_s);
  }
  if (error) {
    return deny(std::move(submission), std::move(*error));
  }
  claim(std::move(submission),
        ApprovalUse{approval_key(approval.tenant_id, approval.approval_id), approval.issued, approval.expires});
}

// --- claimed → started → finished → recorded → answered ---

void Engine::claim(Submission submission, std::optional<ApprovalUse> approval) {
  if (stopping_) {
    return refuse(std::move(submission), {Reason::shutting_down, "The daemon is stopping: ask again once it is back"});
  }
  if (store_failed_) {
    return refuse(std::move(submission), store_unavailable());
  }
  if (submission.check) {
    const Store* store = committer_.store();
    auto txn = store != nullptr ? store->read() : std::unexpected(StoreError{});
    const Attempt& attempt = *submission.attempt;
    // Again: the same request may have been claimed while this one's signature was checked.
    const auto known = txn ? known_claim(*txn, attempt.claim_key, attempt.fingerprint) : std::unexpected(txn.error());
    auto objection = txn && approval ? approval_objection(*txn, *approval) : StoreResult<std::optional<Error>>();
    if (!known || !objection) {
      return refuse(std::move(submission), store_unavailable());
    }
    if (*known) {
      return answer_known(std::move(submission), **known);
    }
    if (*objection) {
      return deny(std::move(submission), std::move(**objection));
    }
    return answer(submission.reply, check_result(*submission.attempt, "execute"));
  }
  std::shared_ptr<const RunResult> finished;
  switch (submission.action->effect) {
    case Effect::pure:
      finished = std::make_shared<const RunResult>(evaluate(*submission.action, submission.attempt->payload));
      break;
    case Effect::effectful:
      if (slots_.size() >= policy_.runs_max && !slots_.contains(submission.attempt->claim_key)) {
        return refuse(std::move(submission),
                      {Reason::overloaded, fmt::format("{} actions are running, and no more may: "
                                                       "ask again later",
                                                       slots_.size())});
      }
      ++slots_[submission.attempt->claim_key].holders;
      break;
  }
  Claim op{submission.attempt, std::move(approval), finished,
           meter_.may_enter(submission.attempt->peer.uid, clock_.now())};
  commit(std::move(op), [this, finished, submission = std::move(submission)](StoreResult<OpResult> result) mutable {
    claimed(std::move(submission), std::move(finished), std::move(result));
  });
}

void Engine::claimed(Submission submission, std::shared_ptr<const RunResult> finished, StoreResult<OpResult> result) {
  const bool is_effectful = submission.action->effect == Effect::effectful;
  const ClaimKey key = submission.attempt->claim_key;
  auto early = is_effectful ? std::exchange(slots_.at(key).early, {}) : std::vector<Submission>();
  if (result && std::holds_alternative<Claimed>(*result)) {
    start_run(std::move(submission));
  } else {
    if (is_effectful) {
      release_slot(key);
    }
    not_started(std::move(submission), std::move(finished), std::move(result));
  }
  for (Submission& waiting : early) {
    screen(std::move(waiting));
  }
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
                   answer(submission.reply, result_of(attempt, *finished, done.at, done.index, false));
                 },
                 [&](const AlreadyClaimed& known) { answer_known(std::move(submission), known.claim); },
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
  runner_.run(*submission.action, attempt->payload, [this, key](RunResult ended) {
    release_slot(key);
    record(key, std::make_shared<const RunResult>(std::move(ended)));
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
      answer(waiting.reply, result_of(*ended.attempt, run, done->at, done->index, replayed));
    } else {
      answer(waiting.reply, refusal(*ended.attempt, outcome_unknown_error(), std::nullopt));
    }
    replayed = true;
  }
}

void Engine::answer_known(Submission submission, const KnownClaim& known) {
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
      return answer(submission.reply,
                    result_of(attempt, known.outcome->run, known.outcome->at, known.outcome->index, true));
    case ClaimState::running: {
      const auto run = runs_.find(attempt.claim_key);
      const auto slot = slots_.find(attempt.claim_key);
      if (run == runs_.end() && slot == slots_.end()) {
        break;  // its outcome could not be recorded, and recovery has not yet said so
      }
      if (submission.check) {
        return answer(submission.reply, check_result(attempt, "wait"));
      }
      if (run != runs_.end()) {
        run->second.waiting.push_back({attempt.peer.uid, std::move(submission.reply)});
      } else {
        slot->second.early.push_back(std::move(submission));
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

void Engine::release_slot(const ClaimKey& key) {
  const auto slot = slots_.find(key);
  OPENEXEC_CHECK(slot != slots_.end());
  if (--slot->second.holders == 0) {
    OPENEXEC_CHECK(slot->second.early.empty());
    slots_.erase(slot);
  }
}

// --- answers ---

void Engine::deny(Submission submission, Error error) {
  if (submission.check) {
    return answer(submission.reply, check_result(*submission.attempt, "deny", std::move(error)));
  }
  if (store_failed_) {
    return refuse(std::move(submission), store_unavailable());
  }
  const Attempt& attempt = *submission.attempt;
  if (!meter_.may_enter(attempt.peer.uid, clock_.now())) {
    count(attempt.peer.uid, error.reason);
    return answer(submission.reply, refusal(attempt, std::move(error), std::nullopt));
  }
  meter_.entered(attempt.peer.uid, clock_.now());
  Denial op{submission.attempt, error.reason};
  commit(std::move(op), [this, error = std::move(error),
                         submission = std::move(submission)](const StoreResult<OpResult>& result) mutable {
    const auto* denied = result ? std::get_if<Denied>(&*result) : nullptr;
    if (denied == nullptr) {
      return refuse(std::move(submission), store_unavailable());
    }
    if (!denied->index) {
      count(submission.attempt->peer.uid, error.reason);
    }
    answer(submission.reply, refusal(*submission.attempt, std::move(error), denied->index));
  });
}

void Engine::refuse(Submission submission, Error error) {
  if (submission.check) {
    return answer(submission.reply, check_result(*submission.attempt, "deny", std::move(error)));
  }
  count(submission.attempt->peer.uid, error.reason);
  answer(submission.reply, refusal(*submission.attempt, std::move(error), std::nullopt));
}

void Engine::answer(Reply& reply, Answer answer) {
  OPENEXEC_CHECK(unanswered_ > 0);
  --unanswered_;
  reply(std::move(answer));
  check_stopped();
}

bool Engine::allows(const std::string& action) const {
  return !policy_.allowed_actions || std::find(policy_.allowed_actions->begin(), policy_.allowed_actions->end(),
                                               action) != policy_.allowed_actions->end();
}

Refusal Engine::refusal(const Attempt& attempt, Error error, std::optional<std::uint64_t> index) const {
  Refusal out;
  if (error.reason == Reason::approval_required) {
    out.action_hash = attempt.action_hash;
    out.canonical = attempt.canonical;
  }
  if (index) {
    out.receipt = LogPosition{policy_.origin, *index};
  }
  out.error = std::move(error);
  return out;
}

ExecuteResult Engine::result_of(const Attempt& attempt, const RunResult& run, UtcTime at, std::uint64_t index,
                                bool replayed) const {
  ExecuteResult out;
  out.id = attempt.id;
  out.action = attempt.action;
  out.result = run.result;
  out.receipt = seed_receipt(to_uuid_text(attempt.id), run.result);
  out.status = run.status;
  out.replayed = replayed;
  out.at = at;
  out.duration_us = run.duration_us;
  out.log = {policy_.origin, index};
  return out;
}

}  // namespace openexec
