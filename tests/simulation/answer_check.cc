// SPDX-License-Identifier: Apache-2.0
#include "tests/simulation/answer_check.h"

#include <fmt/format.h>

#include "proto-json/crypto.h"
#include "proto-json/encoding.h"
#include "proto-json/execution_id.h"

namespace openexec::simulation {
namespace {

// Refusals that are denials: each has an entry.
bool is_on_record(Reason reason) {
  switch (reason) {
    case Reason::unknown_action:
    case Reason::payload_invalid:
    case Reason::action_not_allowed:
    case Reason::approval_required:
    case Reason::approval_mismatch:
    case Reason::approval_expired:
    case Reason::approval_not_yet_valid:
    case Reason::approval_signature_invalid:
    case Reason::approval_tenant_mismatch:
    case Reason::approval_used:
    case Reason::approval_malformed:
    case Reason::peer_not_allowed:
    case Reason::nonce_reused:
      return true;
    case Reason::parse_error:
    case Reason::invalid_request:
    case Reason::method_not_found:
    case Reason::invalid_params:
    case Reason::receipt_not_found:
    case Reason::outcome_unknown:
    case Reason::overloaded:
    case Reason::rate_limited:
    case Reason::internal:
    case Reason::halted:
    case Reason::store_unavailable:
    case Reason::shutting_down:
      return false;
  }
  return false;
}

}  // namespace

void AnswerCheck::check(std::size_t index, const Answer& answer) {
  if (const auto* executed = std::get_if<ExecuteResult>(&answer)) {
    findings_.event(
        executed->replayed ? "answer: replayed" : fmt::format("answer: {}", openexec::to_text(executed->status)),
        fmt::format("t{} entry {}", index, executed->log.index));
    result(index, *executed);
  } else if (const auto* checked = std::get_if<CheckResult>(&answer)) {
    findings_.event(fmt::format("answer: would {}", checked->would),
                    fmt::format("t{} {}", index, checked->denial ? info(checked->denial->reason).name : ""));
    check_result(index, *checked);
  } else {
    const auto& refused = std::get<Refusal>(answer);
    findings_.event(
        fmt::format("answer: {}", info(refused.error.reason).name),
        fmt::format("t{} entry {}", index, refused.receipt ? std::to_string(refused.receipt->index) : "none"));
    refusal(index, refused);
  }
  history_.answered(index);
  count(index, answer);
}

// What has no entry of its own is counted: replays, and refusals that name none.
void AnswerCheck::count(std::size_t index, const Answer& answer) {
  const Submission& submission = history_.submission(index);
  if (const auto* executed = std::get_if<ExecuteResult>(&answer); executed != nullptr && executed->replayed) {
    return counts_.answered(submission.peer.uid, std::nullopt);
  }
  const auto* refused = std::get_if<Refusal>(&answer);
  if (refused == nullptr) {
    return;
  }
  if (refused->error.reason != Reason::outcome_unknown) {
    return refused->receipt ? static_cast<void>(0) : counts_.answered(submission.peer.uid, refused->error.reason);
  }
  const SeenClaim* claim = history_.claim_of(submission.spec);
  if (claim == nullptr || claim->owner != index) {  // the owner's attempt has its entries
    counts_.answered(submission.peer.uid, Reason::outcome_unknown);
  }
}

void AnswerCheck::result(std::size_t index, const ExecuteResult& result) {
  const Submission& submission = history_.submission(index);
  const std::string who = fmt::format("t{}: ", index);
  if (submission.check || !submission.peer_allowed || clients_.flaw(submission.spec)) {
    findings_.violate(Promise::only_what_was_approved, who + "a result for a request that had to be refused");
  }
  if (submission.store_failed) {
    findings_.violate(Promise::fail_closed, who + "a result while the store had failed");
  }
  SeenClaim* claim = history_.claim_of(submission.spec);
  if (claim == nullptr || (claim->spec == submission.spec && claim->state != ClaimState::finished)) {
    return findings_.violate(Promise::receipt_before_reply, who + "a result, and no outcome is durable");
  }
  if (claim->spec != submission.spec) {
    return findings_.violate(Promise::same_request_same_answer, who + "the result of another request");
  }
  const Hash receipt = sha256(to_uuid_text(claim->id) + ":" + claim->result);
  if (result.id != claim->id || result.action != clients_.spec(submission.spec).work.action ||
      result.result != claim->result || result.status != claim->status || result.receipt != receipt ||
      result.at != claim->at || result.duration_us != claim->duration_us || result.log.index != claim->index ||
      result.log.origin != plan_.policy.origin) {
    return findings_.violate(Promise::same_request_same_answer, who + "not what was recorded for this request");
  }
  if (result.replayed != (claim->owner != index)) {
    findings_.violate(Promise::same_request_same_answer, who + "`replayed` is wrong");
  }
  if (!result.replayed && ++claim->first_answers > 1) {
    findings_.violate(Promise::at_most_once, who + "a second answer that says it is the first");
  }
}

void AnswerCheck::check_result(std::size_t index, const CheckResult& result) {
  const Submission& submission = history_.submission(index);
  const std::string who = fmt::format("t{}: ", index);
  const ExecuteRequest request = clients_.request(submission.spec);
  const std::string canonical = canonical_request(request.action, request.payload);
  if (!submission.check || result.canonical != canonical || result.action_hash != sha256(canonical) ||
      result.denial.has_value() != (result.would == "deny")) {
    return findings_.violate(Promise::answers_once, who + "an answer to another question");
  }
  const SeenClaim* claim = history_.claim_of(submission.spec);
  const bool mine = claim != nullptr && claim->spec == submission.spec;
  bool right = false;
  if (result.would == "execute") {
    right = !clients_.flaw(submission.spec) && submission.peer_allowed && !submission.known && !submission.store_failed;
  } else if (result.would == "replay") {
    right = mine && claim->state == ClaimState::finished && submission.peer_allowed;
  } else if (result.would == "wait") {
    right = mine && claim->state == ClaimState::running && submission.peer_allowed;
  } else if (result.would == "deny") {
    right = history_.plausible(submission, result.denial->reason);
    findings_.count(fmt::format("check: {}", info(result.denial->reason).name));
  }
  if (!right) {
    findings_.violate(Promise::reasons_are_true, who + "said that it would " + result.would);
  }
}

void AnswerCheck::refusal(std::size_t index, const Refusal& refusal) {
  const Submission& submission = history_.submission(index);
  const Reason reason = refusal.error.reason;
  const std::string who = fmt::format("t{}: ", index);
  if (submission.check && reason != Reason::rate_limited) {  // which is before any question
    return findings_.violate(Promise::answers_once, who + "an answer to another question");
  }
  if (!history_.plausible(submission, reason)) {
    findings_.violate(Promise::reasons_are_true, who + std::string(info(reason).name) + ", and that is not so");
  }
  if (submission.store_failed && reason != Reason::store_unavailable && reason != Reason::outcome_unknown &&
      reason != Reason::overloaded && reason != Reason::rate_limited) {
    findings_.violate(Promise::fail_closed, who + std::string(info(reason).name) + " while the store had failed");
  }
  const ExecuteRequest request = clients_.request(submission.spec);
  const std::string canonical = canonical_request(request.action, request.payload);
  const bool tells = reason == Reason::approval_required;
  if (refusal.canonical != (tells ? std::optional(canonical) : std::nullopt) ||
      refusal.action_hash != (tells ? std::optional(sha256(canonical)) : std::nullopt)) {
    findings_.violate(Promise::answers_once, who + "does not say what must be signed");
  }
  refusal_receipt(index, refusal);
}

// The entry a refusal names is its own, and it names one when it has one.
void AnswerCheck::refusal_receipt(std::size_t index, const Refusal& refusal) {
  const Submission& submission = history_.submission(index);
  const Reason reason = refusal.error.reason;
  const std::string who = fmt::format("t{}: {} ", index, info(reason).name);
  const SeenClaim* claim = history_.claim_of(submission.spec);
  if (refusal.receipt && refusal.receipt->origin != plan_.policy.origin) {
    findings_.violate(Promise::receipt_before_reply, who + "names another log");
  }
  if (is_on_record(reason)) {
    return denial(index, refusal);
  }
  if (refusal.receipt && (reason != Reason::outcome_unknown || claim == nullptr ||
                          claim->state != ClaimState::unknown || claim->index != refusal.receipt->index)) {
    findings_.violate(Promise::receipt_before_reply, who + "names an entry that is not its own");
  }
  // What made an entry and is answered as if it had not: only when the store failed meanwhile.
  const bool made_entry = submission.denied_index || (claim != nullptr && claim->owner == index);
  if (made_entry && !history_.saw_failure(submission)) {
    findings_.violate(Promise::every_attempt_on_record, who + "was answered, and its entry says otherwise");
  }
}

// A denial has an entry while the rate and the room allow it.
void AnswerCheck::denial(std::size_t index, const Refusal& refusal) {
  const Submission& submission = history_.submission(index);
  const std::string who = fmt::format("t{}: {} ", index, info(refusal.error.reason).name);
  if (!refusal.receipt && !submission.denied_index) {
    if (!submission.entry_asked && !submission.claim_asked) {
      rate_.refused(submission.peer.uid);
    } else if (submission.entry_asked && !submission.was_nearly_full) {
      findings_.violate(Promise::every_attempt_on_record, who + "has no entry, and there is room for it");
    }
    return findings_.count(submission.entry_asked ? "denial with no room" : "denial only counted");
  }
  if (!refusal.receipt || submission.denied_index != refusal.receipt->index) {
    findings_.violate(Promise::receipt_before_reply, who + "without its entry");
  } else if (submission.denied_reason != refusal.error.reason) {
    findings_.violate(Promise::every_attempt_on_record, who + "is not what its entry says");
  }
}

}  // namespace openexec::simulation
