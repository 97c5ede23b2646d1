// SPDX-License-Identifier: Apache-2.0
#include "tests/simulation/clients.h"

#include <fmt/format.h>

#include <algorithm>

namespace openexec::simulation {

std::size_t Clients::add(const Spec& spec) {
  const auto [found, added] = index_.try_emplace({spec.nonce, spec.work, spec.approval}, specs_.size());
  if (added) {
    specs_.push_back(spec);
  }
  return found->second;
}

Work Clients::new_work() {
  static const std::vector<std::string> pure = {"echo", "add", "note"};
  static const std::vector<std::string> effectful = {"pay", "ship"};
  return {prng_.pick(prng_.chance(plan_.effectful) ? effectful : pure), ++refs_, true};
}

std::size_t Clients::mint(ApprovalKind kind, const Work& work, std::size_t number, UtcTime now) {
  const std::string tenant = !plan_.policy.any_tenant() ? *plan_.policy.tenant_id
                             : prng_.chance(700)        ? "acme"
                                                        : "globex";
  approvals_.push_back(approvers_.mint(kind, work, tenant, number, now, prng_));
  return approvals_.size() - 1;
}

std::size_t Clients::good_request(UtcTime now) {
  Spec spec{++nonces_, new_work(), std::nullopt};
  if (plan_.policy.mode == Mode::clawshield) {
    spec.approval = mint(ApprovalKind::good, spec.work, ++approval_numbers_, now);
  }
  return add(spec);
}

std::size_t Clients::fresh(UtcTime now) {
  if (!prng_.chance(plan_.flawed)) {
    return good_request(now);
  }
  static const std::vector<std::string> refused = {"secret", "nosuch"};
  Spec spec{++nonces_, new_work(), std::nullopt};
  if (prng_.chance(200)) {
    spec.work.action = prng_.pick(refused);
  } else if (prng_.chance(200) && checks_payload(spec.work.action)) {
    spec.work.payload_good = false;
  }
  if (plan_.policy.mode == Mode::demo || prng_.chance(100)) {
    return add(spec);  // in ClawShield mode: no approval
  }
  Work approved = spec.work;
  if (prng_.chance(80)) {
    approved.ref = ++refs_;
  }
  const auto kind = static_cast<ApprovalKind>(prng_.below(approval_kind_count));
  const bool id_again = approval_numbers_ > 0 && prng_.chance(80);  // another document with an id that is out already
  spec.approval = mint(kind, approved, id_again ? 1 + prng_.below(approval_numbers_) : ++approval_numbers_, now);
  return add(spec);
}

std::size_t Clients::same_nonce(UtcTime now) {
  Spec spec = prng_.pick(specs_);
  switch (prng_.below(3)) {
    case 0:
      spec.work = new_work();
      break;
    case 1:
      if (plan_.policy.mode == Mode::clawshield) {
        spec.approval = mint(ApprovalKind::good, spec.work, ++approval_numbers_, now);
      }
      break;
    default:
      spec.approval = std::nullopt;
      break;
  }
  return add(spec);
}

std::size_t Clients::reused_approval() {
  Spec spec = prng_.pick(specs_);
  spec.nonce = ++nonces_;
  return add(spec);
}

std::size_t Clients::choose(UtcTime now) {
  if (specs_.empty()) {
    return good_request(now);
  }
  if (!to_retry_.empty() && prng_.chance(300)) {
    const std::size_t at = prng_.below(to_retry_.size());
    const std::size_t spec = to_retry_[at];
    to_retry_.erase(to_retry_.begin() + static_cast<std::ptrdiff_t>(at));
    return spec;
  }
  if (prng_.chance(plan_.duplicate)) {
    const std::size_t recent = std::min<std::size_t>(specs_.size(), 6);
    return prng_.chance(700) ? specs_.size() - 1 - prng_.below(recent) : prng_.below(specs_.size());
  }
  if (prng_.chance(100)) {
    return same_nonce(now);
  }
  if (prng_.chance(100)) {
    return reused_approval();
  }
  return fresh(now);
}

Caller Clients::caller(bool allowed) {
  static const std::vector<Caller> welcome = {
      {{1000, 100, 1}, {}}, {{1500, 2000, 2}, {}}, {{1501, 1501, 3}, {7, 2000}}, {{0, 0, 4}, {}}, {{990, 990, 5}, {}}};
  static const std::vector<Caller> unwelcome = {{{1001, 1001, 6}, {}}, {{2000, 1000, 7}, {1000, 990, 0}}};
  return prng_.pick(allowed ? welcome : unwelcome);
}

ExecuteRequest Clients::request(std::size_t index) const {
  const Spec& sent = specs_[index];
  ExecuteRequest request;
  request.action = sent.work.action;
  request.payload = payload_of(sent.work);
  request.nonce = nonce_text(index);
  if (sent.approval) {
    request.approval_artifact = approvals_[*sent.approval].artifact;
  }
  return request;
}

std::string Clients::nonce_text(std::size_t index) const { return fmt::format("n{}", specs_[index].nonce); }

const Approval* Clients::approval(std::size_t index) const {
  const Spec& sent = specs_[index];
  return sent.approval ? &approvals_[*sent.approval] : nullptr;
}

std::string Clients::tenant(std::size_t index) const {
  const Approval* shown = approval(index);
  return plan_.policy.any_tenant() ? (shown != nullptr ? shown->tenant : "") : plan_.policy.tenant_id.value_or("");
}

std::string Clients::approval_name(const Approval& approval) {
  return fmt::format("{}/{}", approval.tenant, approval.number);
}

std::optional<Reason> Clients::flaw(std::size_t index) const {
  const Work& work = specs_[index].work;
  if (plan_.has_list() &&
      std::ranges::find(*plan_.policy.allowed_actions, work.action) == plan_.policy.allowed_actions->end()) {
    return Reason::action_not_allowed;
  }
  if (!is_registered(work.action)) {
    return Reason::unknown_action;
  }
  if (!work.payload_good && checks_payload(work.action)) {
    return Reason::payload_invalid;
  }
  if (plan_.policy.mode == Mode::demo) {
    return std::nullopt;
  }
  const Approval* shown = approval(index);
  if (shown == nullptr) {
    return Reason::approval_required;
  }
  if (shown->flaw) {
    return shown->flaw;
  }
  if (!plan_.policy.any_tenant() && shown->tenant != plan_.policy.tenant_id) {
    return Reason::approval_tenant_mismatch;
  }
  if (shown->work != work) {
    return Reason::approval_mismatch;
  }
  return std::nullopt;
}

}  // namespace openexec::simulation
