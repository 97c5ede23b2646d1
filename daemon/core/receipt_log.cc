// SPDX-License-Identifier: Apache-2.0
#include "daemon/core/receipt_log.h"

#include "daemon/core/big_endian.h"
#include "daemon/core/log_tree.h"
#include "daemon/core/meta_keys.h"

namespace openexec {
namespace {

StoreResult<std::optional<std::string>> text_at(const ReadTxn& txn, Table table, std::string_view key) {
  const auto bytes = txn.get(table, key);
  if (!bytes) {
    return std::unexpected(bytes.error());
  }
  return *bytes ? std::optional(std::string(**bytes)) : std::nullopt;
}

}  // namespace

StoreResult<std::uint64_t> log_size(const ReadTxn& txn) {
  const auto row = txn.last(Table::entries);
  if (!row) {
    return std::unexpected(row.error());
  }
  if (!*row) {
    return 0;
  }
  const auto index = from_big_endian<std::uint64_t>((*row)->key);
  if (!index || *index >= tree_size_end - 1) {
    return damaged("an entry has no index");
  }
  return *index + 1;
}

StoreResult<std::optional<std::string_view>> leaf_at(const ReadTxn& txn, std::uint64_t index) {
  return txn.get(Table::entries, to_big_endian(index));
}

StoreResult<std::string> latest_checkpoint(const ReadTxn& txn) {
  auto note = text_at(txn, Table::checkpoints, checkpoint_latest_key);
  if (!note) {
    return std::unexpected(note.error());
  }
  if (!*note) {
    return damaged("the log has no checkpoint");
  }
  return **std::move(note);
}

StoreResult<std::optional<std::string>> cosigned_checkpoint(const ReadTxn& txn) {
  return text_at(txn, Table::checkpoints, checkpoint_cosigned_key);
}

StoreResult<void> put_cosigned(WriteTxn& txn, std::string_view note) {
  return txn.put(Table::checkpoints, checkpoint_cosigned_key, note);
}

StoreResult<std::optional<std::string>> log_key(const ReadTxn& txn) { return text_at(txn, Table::meta, meta::log_key); }

StoreResult<void> put_log_key(WriteTxn& txn, std::string_view vkey) {
  return txn.put(Table::meta, meta::log_key, vkey);
}

StoreResult<LogWriter> LogWriter::open(WriteTxn& txn, const NoteSigner& signer) {
  const auto size = log_size(txn);
  auto tree = size ? tree_edge(txn, *size) : std::unexpected(size.error());
  if (!tree) {
    return std::unexpected(tree.error());
  }
  return LogWriter(txn, signer, *std::move(tree));
}

StoreResult<std::uint64_t> LogWriter::append(const LeafContent& content) {
  const std::uint64_t index = tree_.size();
  const std::string key = to_big_endian(index);
  const std::string leaf = to_leaf(content);
  auto done = txn_->append(Table::entries, key, leaf);
  std::uint64_t position = node_count(index);
  tree_.append(leaf_hash(leaf), [&](const Hash& node) {
    done = done ? txn_->append(Table::nodes, to_big_endian(position), text_of(node.view())) : done;
    ++position;
  });
  if (!done) {
    return std::unexpected(done.error());
  }
  return index;
}

StoreResult<Checkpoint> LogWriter::seal() {
  Checkpoint checkpoint{signer_->key().name, tree_.size(), tree_.root()};
  if (auto done = txn_->put(Table::checkpoints, checkpoint_latest_key, sign_checkpoint(*signer_, checkpoint)); !done) {
    return std::unexpected(done.error());
  }
  return checkpoint;
}

}  // namespace openexec
