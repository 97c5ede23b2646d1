// SPDX-License-Identifier: Apache-2.0
#include "tests/simulation/history.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "tests/simulation/actions.h"

namespace openexec::simulation {
namespace {

// What the transaction sets aside for one operation, at most.
std::size_t room_bytes(const Op& op) { return (std::holds_alternative<Summary>(op) ? 64 : 32) * 1024; }

const Attempt* attempt_of(const Op& op) {
  if (const auto* claim = std::get_if<Claim>(&op)) {
    return claim->attempt.get();
  }
  if (const auto* outcome = std::get_if<Outcome>(&op)) {
    return outcome->attempt.get();
  }
  const auto* denial = std::get_if<Denial>(&op);
  return denial != nullptr ? denial->attempt.get() : nullptr;
}

}  // namespace

std::size_t History::sent(Submission submission) {
  submission.clock_mark = clock_.mark();
  submission.failures_mark = failures_;
  const auto claim = claims_.find(clients_.claim_name(submission.spec));
  if (claim != claims_.end() && claim->second.started.value_or(claim->second.index) < published_) {
    submission.known = claim->second.state;
  }
  ++open_count_;
  submission.overloaded = open_count_ > plan_.policy.in_flight_total_max;
  submissions_.push_back(submission);
  return submissions_.size() - 1;
}

std::optional<std::size_t> History::traced(const std::optional<std::string>& trace_id) const {
  std::size_t index = 0;
  if (!trace_id || !trace_id->starts_with('t')) {
    return std::nullopt;
  }
  const char* end = trace_id->data() + trace_id->size();
  const auto [stop, error] = std::from_chars(trace_id->data() + 1, end, index);
  return error == std::errc() && stop == end && index < submissions_.size() ? std::optional(index) : std::nullopt;
}

void History::answered(std::size_t index) {
  Submission& submission = submissions_[index];
  if (submission.answered || submission.forgotten) {
    findings_.violate(Promise::answers_once,
                      fmt::format("request t{} got {}", index,
                                  submission.answered ? "a second answer" : "an answer from a dead process"));
    return;
  }
  submission.answered = true;
  --open_count_;
}

std::vector<std::size_t> History::process_died() {
  std::vector<std::size_t> forgotten;
  for (std::size_t i = open_from_; i < submissions_.size(); ++i) {
    Submission& submission = submissions_[i];
    if (!submission.answered && !submission.forgotten) {
      submission.forgotten = true;
      forgotten.push_back(submission.spec);
    }
  }
  open_from_ = submissions_.size();
  open_count_ = 0;
  runs_live_.clear();
  for (auto& [name, claim] : claims_) {
    claim.live = false;
  }
  return forgotten;
}

SeenClaim* History::claim_of(std::size_t spec) {
  const auto found = claims_.find(clients_.claim_name(spec));
  return found == claims_.end() ? nullptr : &found->second;
}

// Several claims may be for the same work: entries come in the order in which runs must begin, so the first that has
// had no effect is the one. With none left, this is one effect too many.
std::optional<std::string> History::effect(const std::string& action, const Json& payload) {
  const auto& all = claims_by_work_[{action, ref_of(payload).value_or(0), ref_of(payload).has_value()}];
  bool was_run = false;
  for (const std::string& name : all) {
    SeenClaim& claim = claims_.at(name);
    if (claim.effects > 0) {
      was_run = true;
    } else if (claim.state == ClaimState::running) {
      ++claim.effects;
      claim.live = true;
      ++runs_live_[action];
      return name;
    }
  }
  findings_.violate(
      was_run ? Promise::at_most_once : Promise::claim_before_effect,
      fmt::format("{} {} runs, and no claim that has not run yet is durable", action, ref_of(payload).value_or(0)));
  return std::nullopt;
}

void History::run_ended(const std::string& claim, const RunResult& result) {
  SeenClaim& ended = claims_.at(claim);
  ended.ended = result;
  --runs_live_[clients_.spec(ended.spec).work.action];
}

std::optional<std::size_t> History::owner_of(const Op& op) const {
  const Attempt* attempt = attempt_of(op);
  return attempt != nullptr ? traced(attempt->trace_id) : std::nullopt;
}

void History::batched(std::span<const Op> ops, const Store& store) {
  std::size_t bytes = store.used_bytes();
  for (const Op& op : ops) {
    bytes += room_bytes(op);
  }
  const std::size_t percent = bytes * 100 / store.map_size_bytes();
  for (const Op& op : ops) {
    if (const auto owner = owner_of(op)) {
      submissions_[*owner].was_full = percent >= plan_.rules.full_percent;
      submissions_[*owner].was_nearly_full = percent >= plan_.rules.warn_percent;
    }
  }
}

void History::asked(const Op& op) {
  const auto owner = owner_of(op);
  if (!owner) {
    return;
  }
  Submission& submission = submissions_[*owner];
  if (const auto* claim = std::get_if<Claim>(&op)) {
    submission.claim_asked = true;
    submission.entry_asked = claim->enter_denial;
  }
  submission.entry_asked = submission.entry_asked || std::holds_alternative<Denial>(op);
}

void History::commit_failed(const Op& op) {
  const auto owner = std::holds_alternative<Outcome>(op) ? owner_of(op) : std::nullopt;
  SeenClaim* claim = owner ? claim_of(submissions_[*owner].spec) : nullptr;
  if (claim != nullptr) {
    claim->live = false;
    claim->in_doubt = true;
  }
}

bool History::is_busy(const std::string& action) const {
  std::size_t all = 0;
  std::size_t of_action = 0;
  for (const auto* counts : {&runs_live_, &claims_pending_}) {
    for (const auto& [name, count] : *counts) {
      all += count;
      of_action += name == action ? count : 0;
    }
  }
  return all >= plan_.policy.runs_max || of_action >= concurrency_of(action);
}

bool History::queue_may_be_full(const std::string& action, std::uint32_t uid) const {
  std::size_t all = 0;
  std::size_t of_uid = 0;
  std::size_t of_action = 0;
  std::size_t of_both = 0;
  for (std::size_t i = open_from_; i < submissions_.size(); ++i) {
    const Submission& each = submissions_[i];
    const std::string& name = clients_.spec(each.spec).work.action;
    if (!each.answered && !each.forgotten && !each.claim_asked && is_effectful(name)) {
      ++all;
      of_uid += each.peer.uid == uid ? 1 : 0;
      of_action += name == action ? 1 : 0;
      of_both += name == action && each.peer.uid == uid ? 1 : 0;
    }
  }
  // One of them is the request that was refused; a uid has half of the room.
  const std::size_t most = plan_.policy.queued_max;
  const std::size_t most_of_action = plan_.policy.queued_per_action_max;
  return all > most || of_action > most_of_action || of_uid > (most + 1) / 2 || of_both > (most_of_action + 1) / 2;
}

bool History::plausible(const Submission& submission, Reason reason) {
  const SeenClaim* claim = claim_of(submission.spec);
  const Approval* approval = clients_.approval(submission.spec);
  const auto flaw = clients_.flaw(submission.spec);
  const auto [earliest, latest] = clock_.range_since(submission.clock_mark);
  const std::int64_t skew = plan_.policy.clock_skew_s;
  const bool mine = claim != nullptr && claim->spec == submission.spec;
  const std::string& action = clients_.spec(submission.spec).work.action;
  // A request that the engine could look up is told what it finds, not what is wrong with it.
  const bool unknown_nonce = submission.peer_allowed && !submission.known;
  switch (reason) {
    case Reason::peer_not_allowed:
      return !submission.peer_allowed;
    case Reason::action_not_allowed:
    case Reason::unknown_action:
    case Reason::payload_invalid:
    case Reason::approval_required:
    case Reason::approval_malformed:
    case Reason::approval_signature_invalid:
    case Reason::approval_tenant_mismatch:
    case Reason::approval_mismatch:
      return unknown_nonce && flaw == reason;
    case Reason::approval_expired:
      return unknown_nonce && !flaw && approval != nullptr && latest >= approval->expires;
    case Reason::approval_not_yet_valid:
      return unknown_nonce && !flaw && approval != nullptr && approval->issued > plus_s(earliest, skew);
    case Reason::approval_used: {
      const auto used =
          approval != nullptr ? approvals_used_.find(Clients::approval_name(*approval)) : approvals_used_.end();
      return unknown_nonce && !flaw && used != approvals_used_.end() &&
             used->second != clients_.claim_name(submission.spec);
    }
    case Reason::nonce_reused:
      return submission.peer_allowed && claim != nullptr && !mine;
    case Reason::outcome_unknown:
      return submission.peer_allowed && mine &&
             (claim->state == ClaimState::unknown || (claim->in_doubt && saw_failure(submission)));
    case Reason::overloaded:
      return submission.overloaded ||
             (is_effectful(action) && is_busy(action) && queue_may_be_full(action, submission.peer.uid));
    case Reason::rate_limited:
      return submission.peer_allowed && plan_.policy.requests_per_second > 0;
    case Reason::store_unavailable:
      return saw_failure(submission) || plus_s(earliest, skew) < time_floor_ || submission.was_full;
    case Reason::shutting_down:
      return stopping_ && !submission.known;
    case Reason::parse_error:
    case Reason::invalid_request:
    case Reason::method_not_found:
    case Reason::invalid_params:
    case Reason::receipt_not_found:
    case Reason::internal:
    case Reason::halted:
      return false;
  }
  return false;
}

}  // namespace openexec::simulation
