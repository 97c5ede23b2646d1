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
      slots_(policy),
      requests_(policy.requests_per_second),
      meter_(policy.denied_entries_per_second) {}

Engine::~Engine() = default;

// --- received → screened → verified ---

void Engine::submit(const Caller& caller, ExecuteRequest request, Reply reply) {
  ++unanswered_;
  const bool may_use = may_connect(policy_, caller);
  if (may_use && !may_ask(caller.peer.uid)) {  // before anything is made of the request
    count(caller.peer.uid, Reason::rate_limited);
    return answer(reply, Refusal{.error = rate_limited_error(), .receipt = {}, .action_hash = {}, .canonical = {}});
  }
  Submission submission;
  submission.check = request.check;
  submission.reply = std::move(reply);
  submission.attempt =
      std::make_shared<Attempt>(make_attempt(policy_, registry_digest_, caller.peer, std::move(request)));
  if (!may_use) {
    return deny(std::move(submission), peer_not_allowed_error());
  }
  if (unanswered_ > policy_.in_flight_total_max) {
    return refuse(std::move(submission), {Reason::overloaded, "Too many requests are under way: ask again later"});
  }
  screen(std::move(submission));
}

bool Engine::may_ask(std::uint32_t uid) {
  if (policy_.requests_per_second == 0) {
    return true;
  }
  const bool may = requests_.allows(uid, clock_.now());
  if (may) {
    requests_.spend(uid, clock_.now());
  }
  return may;
}

Error Engine::rate_limited_error() {
  return {Reason::rate_limited,
          "This user asks more often than [limits] requests_per_second_per_uid allows: ask again later"};
}

void Engine::screen(Submission submission) {
  if (store_failed_) {
    return refuse(std::move(submission), store_unavailable());
  }
  const Attempt& attempt = *submission.attempt;
  const Store* store = committer_.store();
  auto txn = store != nullptr ? store->read() : std::unexpected(StoreError{});
  auto known = txn ? known_claim(*txn, attempt.claim_key, attempt.fingerprint) : std::unexpected(txn.error());
  if (!known) {
    return refuse(std::move(submission), store_unavailable());
  }
  if (*known) {
    return answer_known(std::move(submission), **std::move(known));
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
      return claim({std::move(submission), std::nullopt});
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
  claim({std::move(submission),
         ApprovalUse{approval_key(approval.tenant_id, approval.approval_id), approval.issued, approval.expires}});
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

CheckResult Engine::check_result(const Attempt& attempt, std::string would, std::optional<Error> denial) {
  return {std::move(would), std::move(denial), attempt.action_hash, attempt.canonical};
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

ExecuteResult Engine::result_of(const Attempt& attempt, StoredOutcome outcome, bool replayed) const {
  ExecuteResult out;
  out.id = attempt.id;
  out.action = attempt.action;
  out.result = std::move(outcome.run.result);
  out.receipt = outcome.receipt;
  out.status = outcome.run.status;
  out.replayed = replayed;
  out.at = outcome.at;
  out.duration_us = outcome.run.duration_us;
  out.log = {policy_.origin, outcome.index};
  return out;
}

}  // namespace openexec
