// SPDX-License-Identifier: Apache-2.0
#include "tests/simulation/log_observer.h"

#include <fmt/format.h>

#include "daemon/core/receipt_log.h"
#include "proto-json/approval.h"
#include "proto-json/crypto.h"
#include "proto-json/encoding.h"
#include "proto-json/execution_id.h"

namespace openexec::simulation {
namespace {

SeenClaim seen_claim(const Submission& submission, std::size_t owner, ClaimState state, const Receipt& receipt,
                     std::uint64_t index) {
  SeenClaim claim;
  claim.spec = submission.spec;
  claim.owner = owner;
  claim.state = state;
  claim.id = receipt.id;
  claim.index = index;
  return claim;
}

}  // namespace

void LogObserver::observe(const Store& store, bool recovering) {
  history_.set_used_percent(store.used_percent());
  const auto txn = store.read();
  const auto size = txn ? log_size(*txn) : std::unexpected(txn.error());
  if (!size) {
    return findings_.violate(Promise::log_only_grows, "the log cannot be read: " + size.error().message);
  }
  if (*size < model_.size()) {
    return findings_.violate(Promise::log_only_grows, fmt::format("{} entries became {}", model_.size(), *size));
  }
  while (model_.size() < *size) {
    const std::uint64_t index = model_.size();
    const auto leaf = leaf_at(*txn, index);
    const std::string_view text = leaf ? leaf->value_or("") : "";
    model_.append(text);
    const auto content = read_leaf(text);
    if (!content) {
      return findings_.violate(Promise::every_attempt_on_record,
                               fmt::format("entry {} cannot be read: {}", index, content.error()));
    }
    entry(index, *content, recovering);
  }
  evidence_.observe(*txn);
}

void LogObserver::check_proof(const Store& store, std::uint64_t index) {
  const auto txn = store.read();
  if (!txn) {
    return findings_.violate(Promise::log_only_grows, "the log cannot be read: " + txn.error().message);
  }
  evidence_.check_proof(*txn, index);
}

void LogObserver::entry(std::uint64_t index, const LeafContent& content, bool recovering) {
  if (const auto* receipt = std::get_if<Receipt>(&content)) {
    return attempt(index, *receipt, recovering);
  }
  if (const auto* closed = std::get_if<DeniedSummary>(&content)) {
    return summary(index, *closed);
  }
  findings_.violate(Promise::every_attempt_on_record, fmt::format("entry {} is an operator's, and none acted", index));
}

void LogObserver::summary(std::uint64_t index, const DeniedSummary& summary) {
  findings_.event("entry: denied_summary", fmt::format("{} of {} rows", index, summary.rows.size()));
  std::string before;  // text that sorts as rows must
  for (const DeniedSummary::Row& row : summary.rows) {
    std::string place = fmt::format("{:011}/{:03}", row.uid ? std::int64_t{*row.uid} : std::int64_t{9'999'999'999},
                                    row.reason ? static_cast<int>(*row.reason) : 999);
    if (place <= before || row.count == 0) {
      findings_.violate(Promise::every_attempt_on_record, fmt::format("entry {} has rows out of order", index));
    }
    before = std::move(place);
  }
  if (summary.at != clock_.now() || summary.mode != plan_.policy.mode || summary.tenant_id != plan_.policy.tenant_id ||
      summary.registry != registry_ || summary.rows.empty()) {
    findings_.violate(Promise::every_attempt_on_record, fmt::format("entry {} does not tell its window", index));
  }
  counts_.entry(index, summary);
}

void LogObserver::attempt(std::uint64_t index, const Receipt& receipt, bool recovering) {
  const auto owner = history_.traced(receipt.trace_id);
  if (!owner) {
    return findings_.violate(Promise::every_attempt_on_record,
                             fmt::format("entry {} is of no request that was sent", index));
  }
  findings_.event(fmt::format("entry: {}", to_text(receipt.kind)), fmt::format("{} of t{}", index, *owner));
  check_members(index, receipt, history_.submission(*owner));
  switch (receipt.kind) {
    case ReceiptKind::started:
      return started(index, receipt, *owner);
    case ReceiptKind::executed:
    case ReceiptKind::failed:
    case ReceiptKind::timed_out:
      return receipt.started ? finished(index, receipt, *owner) : finished_pure(index, receipt, *owner);
    case ReceiptKind::unknown:
      return unknown(index, receipt, *owner, recovering);
    case ReceiptKind::denied:
      return denied(index, receipt, *owner);
  }
}

void LogObserver::check_members(std::uint64_t index, const Receipt& receipt, const Submission& submission) {
  const ExecuteRequest request = clients_.request(submission.spec);
  const std::string tenant = clients_.tenant(submission.spec);
  const bool signed_mode = plan_.policy.mode == Mode::clawshield;
  bool good = receipt.mode == plan_.policy.mode && receipt.tenant_id.value_or("") == tenant &&
              receipt.nonce == request.nonce && receipt.action == request.action && receipt.registry == registry_ &&
              receipt.peer == submission.peer &&
              receipt.action_hash == sha256(canonical_request(request.action, request.payload)) &&
              receipt.approval.has_value() == (signed_mode && request.approval_artifact.has_value());
  if (good && receipt.approval) {
    good = receipt.approval->hash == presented_approval_hash(presented_approval(*request.approval_artifact));
  }
  if (!good) {
    findings_.violate(Promise::every_attempt_on_record, fmt::format("entry {} does not tell its request", index));
  }
  if (receipt.at != clock_.now()) {
    findings_.violate(Promise::every_attempt_on_record,
                      fmt::format("entry {} is of {}, and now is {}", index, openexec::to_text(receipt.at),
                                  openexec::to_text(clock_.now())));
  }
  if (submission.check) {
    findings_.violate(Promise::every_attempt_on_record, fmt::format("entry {} is of a request that only asked", index));
  }
}

// What must hold of whatever makes a claim.
void LogObserver::check_claimable(const std::string& what, const Receipt& receipt, const Submission& submission) {
  const auto flaw = clients_.flaw(submission.spec);
  if (flaw || !submission.peer_allowed) {
    findings_.violate(Promise::only_what_was_approved, what + " of a request that had to be refused: " +
                                                           std::string(flaw ? info(*flaw).name : "peer_not_allowed"));
  }
  if (history_.claim_of(submission.spec) != nullptr) {
    findings_.violate(Promise::at_most_once, what + " of a nonce that was claimed before");
  }
  if (submission.answered || submission.forgotten || submission.known) {
    findings_.violate(Promise::receipt_before_reply, what + " of a request that was over");
  }
  if (submission.store_failed || submission.stopping) {
    findings_.violate(Promise::fail_closed, what + " of a request that came when nothing might be claimed");
  }
  if (plus_s(receipt.at, plan_.rules.clock_skew_s + limits::clock_floor_step_s) < history_.time_floor()) {
    findings_.violate(Promise::fail_closed, what + " with a clock behind the store's");
  }
  if (history_.used_percent() >= plan_.rules.full_percent) {  // as it was when the batch began
    findings_.violate(Promise::fail_closed, what + " in a full store");
  }
  const Approval* approval = clients_.approval(submission.spec);
  if (plan_.policy.mode == Mode::demo || approval == nullptr) {
    return;
  }
  if (receipt.at >= approval->expires || approval->issued > plus_s(receipt.at, plan_.policy.clock_skew_s)) {
    findings_.violate(Promise::only_what_was_approved, what + " outside of its approval's time");
  }
  const std::vector<std::string> names = {fmt::format("approver-{}", approval->signer)};
  if (!receipt.approval || receipt.approval->approvers != names || !receipt.approval->id) {
    findings_.violate(Promise::every_attempt_on_record, what + " names another approver");
  }
  const std::string claim = clients_.claim_name(submission.spec);
  if (!history_.approvals_used().emplace(Clients::approval_name(*approval), claim).second) {
    findings_.violate(Promise::at_most_once, what + " by an approval that was used");
  }
}

void LogObserver::started(std::uint64_t index, const Receipt& receipt, std::size_t owner) {
  const Submission& submission = history_.submission(owner);
  const Work& work = clients_.spec(submission.spec).work;
  check_claimable(fmt::format("entry {}: a claim", index), receipt, submission);
  if (!is_effectful(work.action)) {
    findings_.violate(Promise::every_attempt_on_record, fmt::format("entry {}: a pure action was started", index));
  }
  SeenClaim claim = seen_claim(submission, owner, ClaimState::running, receipt, index);
  claim.started = index;
  const std::string name = clients_.claim_name(submission.spec);
  history_.claims().insert_or_assign(name, claim);
  history_.expect_effect(name, work);
}

void LogObserver::finished_pure(std::uint64_t index, const Receipt& receipt, std::size_t owner) {
  const Submission& submission = history_.submission(owner);
  const Work& work = clients_.spec(submission.spec).work;
  check_claimable(fmt::format("entry {}: an outcome", index), receipt, submission);
  if (is_effectful(work.action)) {
    return findings_.violate(Promise::claim_before_effect,
                             fmt::format("entry {}: an effect with no claim before it", index));
  }
  const PureOutcome expected = pure_outcome(work);
  if (receipt.kind != expected.status || receipt.result_hash != sha256(expected.result)) {
    findings_.violate(Promise::every_attempt_on_record,
                      fmt::format("entry {}: another outcome than the action's", index));
  }
  SeenClaim claim = seen_claim(submission, owner, ClaimState::finished, receipt, index);
  claim.status = expected.status;
  claim.result = expected.result;
  claim.at = receipt.at;
  history_.claims().insert_or_assign(clients_.claim_name(submission.spec), std::move(claim));
}

void LogObserver::finished(std::uint64_t index, const Receipt& receipt, std::size_t owner) {
  const Submission& submission = history_.submission(owner);
  SeenClaim* claim = history_.claim_of(submission.spec);
  if (claim == nullptr || claim->owner != owner || claim->state != ClaimState::running || receipt.id != claim->id ||
      static_cast<std::uint64_t>(*receipt.started) != claim->started) {
    return findings_.violate(Promise::every_attempt_on_record,
                             fmt::format("entry {}: an outcome of nothing that runs", index));
  }
  if (submission.answered || submission.forgotten) {
    findings_.violate(Promise::receipt_before_reply,
                      fmt::format("entry {}: an outcome of a request that was over", index));
  }
  if (!claim->ended || receipt.kind != claim->ended->status || receipt.result_hash != sha256(claim->ended->result) ||
      receipt.duration_us != claim->ended->duration_us) {
    return findings_.violate(Promise::every_attempt_on_record,
                             fmt::format("entry {}: another outcome than the run's", index));
  }
  claim->state = ClaimState::finished;
  claim->live = false;
  claim->index = index;
  claim->status = receipt.kind;
  claim->result = claim->ended->result;
  claim->duration_us = claim->ended->duration_us;
  claim->at = receipt.at;
}

void LogObserver::unknown(std::uint64_t index, const Receipt& receipt, std::size_t owner, bool recovering) {
  SeenClaim* claim = history_.claim_of(history_.submission(owner).spec);
  if (claim == nullptr || claim->owner != owner || claim->state != ClaimState::running || receipt.id != claim->id ||
      !receipt.started || static_cast<std::uint64_t>(*receipt.started) != claim->started) {
    return findings_.violate(Promise::every_attempt_on_record,
                             fmt::format("entry {}: `unknown` of nothing that ran", index));
  }
  if (!recovering || claim->live) {
    findings_.violate(Promise::every_attempt_on_record, fmt::format("entry {}: `unknown` of what still runs", index));
  }
  claim->state = ClaimState::unknown;
  claim->index = index;
}

void LogObserver::denied(std::uint64_t index, const Receipt& receipt, std::size_t owner) {
  Submission& submission = history_.submission(owner);
  const SeenClaim* claim = history_.claim_of(submission.spec);
  if (submission.answered || submission.forgotten || submission.denied_index ||
      (claim != nullptr && claim->owner == owner)) {
    findings_.violate(Promise::every_attempt_on_record,
                      fmt::format("entry {}: a denial of a request that was over", index));
  }
  if (!receipt.reason || !history_.plausible(submission, *receipt.reason)) {
    findings_.violate(Promise::reasons_are_true, fmt::format("entry {}: denied for a reason that is not so", index));
  }
  submission.denied_index = index;
  submission.denied_reason = receipt.reason;
}

}  // namespace openexec::simulation
