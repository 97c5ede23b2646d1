// SPDX-License-Identifier: Apache-2.0
// What an approval must say of a request, in the order of docs/protocol.md, "Order of checks". Messages that the seed
// also has keep the seed's words.
#pragma once

#include <optional>

#include "daemon/core/attempt.h"
#include "daemon/core/policy.h"
#include "proto-json/approval.h"
#include "proto-json/error.h"
#include "proto-json/utc_time.h"

namespace openexec {

// Whose and for what: tenant, action hash. After the signature.
std::optional<Error> check_terms(const Policy& policy, const Attempt& attempt, const ClawshieldApproval& approval);

// When: refused from `expires` on, and more than the skew before `issued`. Checked when the approval is read and again
// in the transaction that uses it up.
std::optional<Error> check_validity(UtcTime issued, UtcTime expires, UtcTime now, std::int64_t clock_skew_s);

// The errors that both the engine and the transaction find.
Error nonce_reused_error();
Error approval_used_error();

}  // namespace openexec
