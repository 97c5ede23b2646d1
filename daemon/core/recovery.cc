// SPDX-License-Identifier: Apache-2.0
#include "daemon/core/recovery.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>

#include "daemon/core/big_endian.h"
#include "daemon/core/claims.h"
#include "daemon/core/meta_keys.h"
#include "daemon/core/receipt_log.h"

namespace openexec {
namespace {

// The `unknown` receipt of a claim: its `started` receipt, with what is known now.
StoreResult<Receipt> unknown_receipt(const ReadTxn& txn, std::uint64_t started, UtcTime now) {
  const auto leaf = leaf_at(txn, started);
  if (!leaf) {
    return std::unexpected(leaf.error());
  }
  auto content = read_leaf(leaf->value_or(""));
  if (!content) {
    return damaged("the entry of an open claim cannot be read: " + content.error());
  }
  auto* receipt = std::get_if<Receipt>(&*content);
  if (receipt == nullptr || receipt->kind != ReceiptKind::started) {
    return damaged("the entry of an open claim is no start");
  }
  receipt->kind = ReceiptKind::unknown;
  receipt->at = now;
  receipt->started = static_cast<std::int64_t>(started);
  return *receipt;
}

// Closes one open claim.
StoreResult<void> close_claim(WriteTxn& txn, LogWriter& log, const ClaimKey& key, std::uint64_t started, UtcTime now) {
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
  const auto index = log.append(*receipt);
  if (!index) {
    return std::unexpected(index.error());
  }
  (*record)->state = ClaimState::unknown;
  (*record)->index = *index;
  auto done = change_claim(txn, **record);
  return done ? txn.erase(Table::open, text_of(key.view())) : done;
}

// The key that signs this log, from its first recovery on.
StoreResult<void> bind_log_key(WriteTxn& txn, const NoteKey& key) {
  const auto bound = log_key(txn);
  if (!bound) {
    return std::unexpected(bound.error());
  }
  const std::string vkey = to_vkey(key);
  if (!*bound) {
    return put_log_key(txn, vkey);
  }
  if (**bound != vkey) {
    return std::unexpected(StoreError{fmt::format(
        "its log is signed with the key {}, and the key at hand is {}: put back the log.key that belongs to it",
        **bound, vkey)});
  }
  return {};
}

StoreResult<std::size_t> close_claims(WriteTxn& txn, LogWriter& log, UtcTime now, std::span<const ClaimKey> live) {
  std::size_t closed = 0;
  std::string after;
  while (true) {
    const auto row = txn.next(Table::open, after);
    if (!row) {
      return std::unexpected(row.error());
    }
    if (!*row) {
      return closed;
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
    if (auto done = close_claim(txn, log, *key, *started, now); !done) {
      return std::unexpected(done.error());
    }
    ++closed;
  }
}

StoreResult<void> count_recovery(WriteTxn& txn) {
  const auto count = txn.get(Table::meta, meta::recoveries);
  if (!count) {
    return std::unexpected(count.error());
  }
  const auto before = *count ? from_big_endian<std::uint64_t>(**count).value_or(0) : 0;
  return txn.put(Table::meta, meta::recoveries, to_big_endian(before + 1));
}

}  // namespace

StoreResult<Recovered> recover(Store& store, const NoteSigner& signer, UtcTime now, std::span<const ClaimKey> live) {
  auto txn = store.write();
  if (!txn) {
    return std::unexpected(txn.error());
  }
  if (auto bound = bind_log_key(*txn, signer.key()); !bound) {
    return std::unexpected(bound.error());
  }
  auto log = LogWriter::open(*txn, signer);
  if (!log) {
    return std::unexpected(log.error());
  }
  const auto closed = close_claims(*txn, *log, now, live);
  if (!closed) {
    return std::unexpected(closed.error());
  }
  auto checkpoint = log->seal();
  if (!checkpoint) {
    return std::unexpected(checkpoint.error());
  }
  auto done = count_recovery(*txn);
  done = done ? txn->commit() : done;
  if (!done) {
    return std::unexpected(done.error());
  }
  return Recovered{*closed, *std::move(checkpoint)};
}

}  // namespace openexec
