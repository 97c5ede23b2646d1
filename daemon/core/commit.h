// SPDX-License-Identifier: Apache-2.0
// The write transaction: re-checks each operation's preconditions and applies it. An operation that may not be applied
// gets its own result (and its denial's entry, in the same transaction) and does not touch its neighbours.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "daemon/core/op.h"
#include "daemon/core/store.h"
#include "proto-json/checkpoint.h"

namespace openexec {

struct CommitRules {
  std::int64_t clock_skew_s = limits::clock_skew_s;
  unsigned warn_percent = limits::store_warn_percent;
  unsigned full_percent = limits::store_full_percent;
  Hash registry = {};  // digest of what may be run, for entries that are no attempt's
};

struct Committed {
  std::vector<OpResult> results;
  std::optional<Checkpoint> log;  // as it is now; nothing when no entry was added
  KeyChange keys;                 // for Store::publish(), before anybody is told of the results
};

// One transaction, one checkpoint, one sync. An error means indeterminate: none, or all, of it is durable.
StoreResult<Committed> commit_ops(Store& store, const NoteSigner& signer, const CommitRules& rules, UtcTime now,
                                  std::span<const Op> ops);

}  // namespace openexec
