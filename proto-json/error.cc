// SPDX-License-Identifier: Apache-2.0
#include "proto-json/error.h"

#include <algorithm>
#include <array>
#include <cstddef>

#include "proto-json/check.h"

namespace openexec {
namespace {

constexpr std::array table = {
    ReasonInfo{Reason::parse_error, -32700, "parse_error", false, "the line is not one JSON value"},
    ReasonInfo{Reason::invalid_request, -32600, "invalid_request", false,
               "the line is JSON, but no JSON-RPC 2.0 request"},
    ReasonInfo{Reason::method_not_found, -32601, "method_not_found", false, "there is no such method"},
    ReasonInfo{Reason::invalid_params, -32602, "invalid_params", false, "a member of params is unknown or ill-typed"},
    ReasonInfo{Reason::unknown_action, 40001, "unknown_action", false, "no action of that name is registered"},
    ReasonInfo{Reason::payload_invalid, 40002, "payload_invalid", false,
               "the payload does not fit the action's schema"},
    ReasonInfo{Reason::action_not_allowed, 40301, "action_not_allowed", false,
               "the allow-list does not name the action"},
    ReasonInfo{Reason::approval_required, 40302, "approval_required", false, "the request carries no approval"},
    ReasonInfo{Reason::approval_mismatch, 40303, "approval_mismatch", false, "the approval is for another request"},
    ReasonInfo{Reason::approval_expired, 40304, "approval_expired", false, "the approval's expiry has passed"},
    ReasonInfo{Reason::approval_not_yet_valid, 40305, "approval_not_yet_valid", true,
               "the approval was issued further ahead of this clock than the skew allows"},
    ReasonInfo{Reason::approval_signature_invalid, 40306, "approval_signature_invalid", false,
               "no trusted key made the approval's signature"},
    ReasonInfo{Reason::approval_tenant_mismatch, 40307, "approval_tenant_mismatch", false,
               "the approval is for another tenant"},
    ReasonInfo{Reason::approval_used, 40308, "approval_used", false, "the approval has had its one use"},
    ReasonInfo{Reason::approval_malformed, 40311, "approval_malformed", false, "the approval is not well formed"},
    ReasonInfo{Reason::peer_not_allowed, 40320, "peer_not_allowed", false, "this peer may not do that"},
    ReasonInfo{Reason::receipt_not_found, 40401, "receipt_not_found", false,
               "no receipt of this peer's answers to that"},
    ReasonInfo{Reason::outcome_unknown, 40902, "outcome_unknown", false,
               "the action was started and its outcome was not recorded"},
    ReasonInfo{Reason::nonce_reused, 42201, "nonce_reused", false, "the nonce belongs to another request"},
    ReasonInfo{Reason::overloaded, 42901, "overloaded", true, "no room for another execution now"},
    ReasonInfo{Reason::rate_limited, 42902, "rate_limited", true, "this user asks more often than it may"},
    ReasonInfo{Reason::internal, 50001, "internal", false, "a fault of the daemon's own"},
    ReasonInfo{Reason::halted, 50301, "halted", true, "an operator has halted execution"},
    ReasonInfo{Reason::store_unavailable, 50303, "store_unavailable", true, "the store cannot be written"},
    ReasonInfo{Reason::shutting_down, 50304, "shutting_down", true, "the daemon is stopping"},
};

constexpr bool in_enum_order() {
  for (std::size_t i = 0; i < table.size(); ++i) {
    if (static_cast<std::size_t>(table[i].reason) != i) {
      return false;
    }
  }
  return true;
}
static_assert(in_enum_order());
static_assert(table.size() == static_cast<std::size_t>(Reason::shutting_down) + 1);

}  // namespace

std::span<const ReasonInfo> reasons() { return table; }

const ReasonInfo& info(Reason reason) {
  const auto index = static_cast<std::size_t>(reason);
  OPENEXEC_CHECK(index < table.size());
  return table[index];
}

std::optional<Reason> reason_named(std::string_view name) {
  const auto* const found = std::ranges::find(table, name, &ReasonInfo::name);
  if (found == table.end()) {
    return std::nullopt;
  }
  return found->reason;
}

}  // namespace openexec
