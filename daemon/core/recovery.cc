// SPDX-License-Identifier: Apache-2.0
#include "daemon/core/recovery.h"

#include <algorithm>
#include <string>

#include "daemon/core/big_endian.h"
#include "daemon/core/claims.h"
#include "daemon/core/receipt_log.h"

namespace openexec {
namespace {

constexpr std::string_view recoveries_key = "recoveries";

// The `unknown` receipt of a claim: its `started` receipt, with what is known now.
StoreResult<Receipt> unknown_receipt(const ReadTxn& txn, std::uint64_t started, UtcTime now) {
  const auto leaf = leaf_at(txn, started);
  if (!leaf) {
    return std::unexpected(leaf.error());
  }
  const auto json = parse_json(leaf->value_or(""));
  auto receipt = json ? receipt_from_json(*json) : std::unexpected(json.error().message);
  if (!receipt) {
    return damaged("the entry of an open claim cannot be read: " + receipt.error());
  }
  if (receipt->kind != ReceiptKind::started) {
    return damaged("the entry of an open claim is no start");
  }
  receipt->kind = ReceiptKind::unknown;
  receipt->at = now;
  receipt->started = static_cast<std::int64_t>(started);
  return *receipt;
}

// Closes one open claim.
StoreResult<void> close_claim(WriteTxn& txn, const ClaimKey& key, std::uint64_t started, UtcTime now) {
  auto record = find_claim(txn, key);
  if (!record) {
    return std::unexpected(record.error());
  }
  if (!*record || (*record)->state != ClaimState::running) {
    return damaged("an open claim is not running");
  }
  const auto receipt = unknown_receipt(txn, started, now);
  if (!receipt) {
    return std::unexpected(receipt.error());
  }
  const auto index = append_receipt(txn, *receipt);
  if (!index) {
    return std::unexpected(index.error());
  }
  (*record)->state = ClaimState::unknown;
  (*record)->index = *index;
  auto done = txn.put(Table::claims, text_of(key.view()), encode(**record));
  return done ? txn.erase(Table::open, text_of(key.view())) : done;
}

}  // namespace

StoreResult<std::size_t> recover(Store& store, UtcTime now, std::span<const ClaimKey> live) {
  auto txn = store.write();
  if (!txn) {
    return std::unexpected(txn.error());
  }
  std::size_t closed = 0;
  std::string after;
  while (true) {
    const auto row = txn->next(Table::open, after);
    if (!row) {
      return std::unexpected(row.error());
    }
    if (!*row) {
      break;
    }
    after = (*row)->key;
    const auto key = ClaimKey::from(bytes_of(after));
    const auto started = from_big_endian<std::uint64_t>((*row)->value);
    if (!key || !started) {
      return damaged("an open claim cannot be read");
    }
    if (std::find(live.begin(), live.end(), *key) != live.end()) {
      continue;
    }
    if (auto done = close_claim(*txn, *key, *started, now); !done) {
      return std::unexpected(done.error());
    }
    ++closed;
  }
  const auto count = txn->get(Table::meta, recoveries_key);
  if (!count) {
    return std::unexpected(count.error());
  }
  const auto before = *count ? from_big_endian<std::uint64_t>(**count).value_or(0) : 0;
  if (auto done = txn->put(Table::meta, recoveries_key, to_big_endian(before + 1)); !done) {
    return std::unexpected(done.error());
  }
  if (auto done = txn->commit(); !done) {
    return std::unexpected(done.error());
  }
  return closed;
}

}  // namespace openexec
