// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>

#include "daemon/core/store.h"
#include "proto-json/bytes.h"
#include "proto-json/checkpoint.h"
#include "proto-json/utc_time.h"

namespace openexec {

// Gives every claim without an outcome an `unknown` entry, but for those still running in this process (`live`): one
// transaction. Always commits something, so that whatever the last commit of an earlier process or of a failed sync
// left in doubt is durable once this returns. A new store gets its log's key and first checkpoint here; one whose log
// another key signs is refused.
struct Recovered {
  std::size_t closed = 0;  // claims
  Checkpoint log;          // as it is now
};
StoreResult<Recovered> recover(Store& store, const NoteSigner& signer, UtcTime now, std::span<const ClaimKey> live);

}  // namespace openexec
