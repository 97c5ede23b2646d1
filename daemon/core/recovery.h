// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>

#include "daemon/core/store.h"
#include "proto-json/bytes.h"
#include "proto-json/utc_time.h"

namespace openexec {

// Gives every claim without an outcome an `unknown` entry, but for those still running in this process (`live`): one
// transaction. Always commits something, so that whatever the last commit of an earlier process or of a failed sync
// left in doubt is durable once this returns. Gives the number of claims it closed.
StoreResult<std::size_t> recover(Store& store, UtcTime now, std::span<const ClaimKey> live);

}  // namespace openexec
