// SPDX-License-Identifier: Apache-2.0
#include "daemon/core/approval_check.h"

#include <fmt/format.h>

#include "proto-json/encoding.h"

namespace openexec {

std::optional<Error> check_terms(const Policy& policy, const Attempt& attempt, const ClawshieldApproval& approval) {
  if (!policy.any_tenant() && approval.tenant_id != policy.tenant_id) {
    return Error{Reason::approval_tenant_mismatch, fmt::format("Tenant mismatch: expected {}, got {}",
                                                               policy.tenant_id.value_or(""), approval.tenant_id)};
  }
  if (approval.action_hash != to_hex(attempt.action_hash.view())) {
    return Error{Reason::approval_mismatch,
                 "Action hash mismatch: approval does not match this request. It was signed for another action or "
                 "payload: ask the "
                 "approver to sign this one"};
  }
  return std::nullopt;
}

std::optional<Error> check_validity(UtcTime issued, UtcTime expires, UtcTime now, std::int64_t clock_skew_s) {
  if (now >= expires) {
    return Error{Reason::approval_expired,
                 fmt::format("Approval artifact expired at {}: ask the approver for a new one", to_text(expires))};
  }
  if (issued > plus_s(now, clock_skew_s)) {
    return Error{
        Reason::approval_not_yet_valid,
        fmt::format("The approval was issued at {}, more than {} s ahead of this host's clock: wait, or set the clocks",
                    to_text(issued), clock_skew_s)};
  }
  return std::nullopt;
}

Error nonce_reused_error() {
  return {
      Reason::nonce_reused,
      "This nonce was used for another request (action, payload or approval differ): nothing was run. Use a new nonce"};
}

Error approval_used_error() {
  return {Reason::approval_used, "This approval was used already: one approval runs one execution. Ask for a new one"};
}

}  // namespace openexec
