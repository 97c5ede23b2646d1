// SPDX-License-Identifier: Apache-2.0
// The write transaction: re-checks each operation's preconditions and applies it. An operation that may not be applied
// gets its own result (and its denial's entry, in the same transaction) and does not touch its neighbours.
#pragma once

#include <span>
#include <vector>

#include "daemon/core/op.h"
#include "daemon/core/store.h"

namespace openexec {

struct CommitRules {
  std::int64_t clock_skew_s = limits::clock_skew_s;
  unsigned warn_percent = limits::store_warn_percent;
  unsigned full_percent = limits::store_full_percent;
};

// One transaction, one sync. An error means indeterminate: none, or all, of it is durable.
StoreResult<std::vector<OpResult>> commit_ops(Store& store, const CommitRules& rules, UtcTime now,
                                              std::span<const Op> ops);

}  // namespace openexec
