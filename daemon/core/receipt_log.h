// SPDX-License-Identifier: Apache-2.0
// The receipt log: entries by index, which of them an execution has, and the checkpoints that sign what it came to.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "daemon/core/store.h"
#include "proto-json/checkpoint.h"
#include "proto-json/merkle.h"
#include "proto-json/receipt.h"

namespace openexec {

// The rows of table checkpoints.
inline constexpr std::string_view checkpoint_latest_key = "latest";
inline constexpr std::string_view checkpoint_cosigned_key = "cosigned";

// How many entries there are: the index of the next.
StoreResult<std::uint64_t> log_size(const ReadTxn& txn);
// The leaf at that index, in JCS form; nothing when there is none. The view is into the map.
StoreResult<std::optional<std::string_view>> leaf_at(const ReadTxn& txn, std::uint64_t index);

// The signed note of the last commit that added entries. Every store that recovered once has one.
StoreResult<std::string> latest_checkpoint(const ReadTxn& txn);
// The latest checkpoint that witnesses cosigned, with their cosignatures.
StoreResult<std::optional<std::string>> cosigned_checkpoint(const ReadTxn& txn);
StoreResult<void> put_cosigned(WriteTxn& txn, std::string_view note);

// The vkey that this store's log is signed with; nothing before its first recovery.
StoreResult<std::optional<std::string>> log_key(const ReadTxn& txn);
StoreResult<void> put_log_key(WriteTxn& txn, std::string_view vkey);

// Appends to the log inside one write transaction, then signs the result once.
class LogWriter {
 public:
  // Both outlive the writer.
  static StoreResult<LogWriter> open(WriteTxn& txn, const NoteSigner& signer);

  [[nodiscard]] std::uint64_t next_index() const { return tree_.size(); }
  // The entry's index.
  StoreResult<std::uint64_t> append(const LeafContent& content);
  // Puts the checkpoint of what the log has now. It is signed here, inside the transaction, and read back from the
  // store by whoever hands it out: none leaves before its commit succeeded.
  StoreResult<Checkpoint> seal();

  // Entries were appended.
  [[nodiscard]] bool grew() const { return tree_.size() > begun_at_; }

 private:
  LogWriter(WriteTxn& txn, const NoteSigner& signer, TreeEdge tree)
      : txn_(&txn), signer_(&signer), tree_(std::move(tree)), begun_at_(tree_.size()) {}

  WriteTxn* txn_;
  const NoteSigner* signer_;
  TreeEdge tree_;
  std::uint64_t begun_at_;
};

}  // namespace openexec
