// SPDX-License-Identifier: Apache-2.0
// The receipt log: entries by index, and which of them an execution has.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "daemon/core/store.h"
#include "proto-json/receipt.h"

namespace openexec {

// How many entries there are: the index of the next.
StoreResult<std::uint64_t> log_size(const ReadTxn& txn);
// The leaf at that index, in JCS form; nothing when there is none.
StoreResult<std::optional<std::string>> leaf_at(const ReadTxn& txn, std::uint64_t index);
// The latest entry of an execution that was claimed.
StoreResult<std::optional<std::uint64_t>> latest_entry_of(const ReadTxn& txn, const ExecutionId& id);

// Appends a receipt and gives its index. A claimed execution's receipts are found by id; a denial's are not.
StoreResult<std::uint64_t> append_receipt(WriteTxn& txn, const Receipt& receipt);

}  // namespace openexec
