// SPDX-License-Identifier: Apache-2.0
#include "daemon/core/receipt_log.h"

#include "daemon/core/big_endian.h"

namespace openexec {

StoreResult<std::uint64_t> log_size(const ReadTxn& txn) {
  const auto row = txn.last(Table::entries);
  if (!row) {
    return std::unexpected(row.error());
  }
  if (!*row) {
    return 0;
  }
  const auto index = from_big_endian<std::uint64_t>((*row)->key);
  if (!index) {
    return damaged("an entry has no index");
  }
  return *index + 1;
}

StoreResult<std::optional<std::string>> leaf_at(const ReadTxn& txn, std::uint64_t index) {
  const auto bytes = txn.get(Table::entries, to_big_endian(index));
  if (!bytes) {
    return std::unexpected(bytes.error());
  }
  if (!*bytes) {
    return std::nullopt;
  }
  return std::string(**bytes);
}

StoreResult<std::optional<std::uint64_t>> latest_entry_of(const ReadTxn& txn, const ExecutionId& id) {
  const auto row = txn.last(Table::executions, text_of(id.view()));
  if (!row) {
    return std::unexpected(row.error());
  }
  if (!*row) {
    return std::nullopt;
  }
  const auto index = from_big_endian<std::uint64_t>((*row)->key.substr(ExecutionId::size_bytes));
  if (!index) {
    return damaged("an execution has no entry index");
  }
  return *index;
}

StoreResult<std::uint64_t> append_receipt(WriteTxn& txn, const Receipt& receipt) {
  const auto index = log_size(txn);
  if (!index) {
    return std::unexpected(index.error());
  }
  const std::string key = to_big_endian(*index);
  if (auto done = txn.append(Table::entries, key, to_leaf(receipt)); !done) {
    return std::unexpected(done.error());
  }
  if (receipt.kind != ReceiptKind::denied) {
    if (auto done = txn.put(Table::executions, std::string(text_of(receipt.id.view())) + key, {}); !done) {
      return std::unexpected(done.error());
    }
  }
  return *index;
}

}  // namespace openexec
