// SPDX-License-Identifier: Apache-2.0
// Every error that a caller can be given: the closed, append-only list of docs/protocol.md ("Errors"). Callers switch
// on `reason`; the first three digits of our own codes are the HTTP status that fits.
#pragma once

#include <expected>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace openexec {

enum class Reason {
  parse_error,
  invalid_request,
  method_not_found,
  invalid_params,
  unknown_action,
  payload_invalid,
  action_not_allowed,
  approval_required,
  approval_mismatch,
  approval_expired,
  approval_not_yet_valid,
  approval_signature_invalid,
  approval_tenant_mismatch,
  approval_used,
  approval_malformed,
  peer_not_allowed,
  receipt_not_found,
  outcome_unknown,
  nonce_reused,
  overloaded,
  rate_limited,
  internal,
  halted,
  store_unavailable,
  shutting_down,
};

struct ReasonInfo {
  Reason reason;
  int code;                // JSON-RPC error code
  std::string_view name;   // the `reason` string
  bool retryable;          // the same request may succeed later
  std::string_view about;  // one clause for docs and tests
};

// The whole list, in the order of the enum.
std::span<const ReasonInfo> reasons();
const ReasonInfo& info(Reason reason);
std::optional<Reason> reason_named(std::string_view name);

// What went wrong, for a caller. `message` says what was wrong and what to do; it never holds a payload or a secret.
struct Error {
  Reason reason;
  std::string message;
};

template <typename T>
using Result = std::expected<T, Error>;

inline std::unexpected<Error> fail(Reason reason, std::string message) {
  return std::unexpected(Error{reason, std::move(message)});
}

}  // namespace openexec
