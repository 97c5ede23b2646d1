// SPDX-License-Identifier: Apache-2.0
// Adopting a store that is a copy or was put back to one: it begins a new epoch of its log, under another name and key,
// so that what it signs cannot be taken for the history that it has forgotten.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "daemon/core/store.h"
#include "proto-json/checkpoint.h"
#include "proto-json/utc_time.h"

namespace openexec {

struct Adoption {
  std::uint64_t epoch = 0;
  Checkpoint log;  // as it is now
  UtcTime approvals_floor;
};

// One transaction: the next epoch, its key, the entry that says so, the checkpoint that signs it. Approvals from before
// are refused from here on, as nobody knows which were used; so is what witnesses said of the log under its old name.
// `signer`: named epoch_name(origin, epoch + 1, its key), with a key that the log has not.
StoreResult<Adoption> adopt(Store& store, const NoteSigner& signer, UtcTime now);

// The adoption that this store's log ends with, when it does: whoever did it may have been stopped before the end.
StoreResult<std::optional<Adoption>> latest_adoption(const Store& store);

}  // namespace openexec
