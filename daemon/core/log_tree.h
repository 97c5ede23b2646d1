// SPDX-License-Identifier: Apache-2.0
// The log's Merkle tree as the store has it: the hash of each complete subtree, in completion order (proto-json/
// merkle.h). Roots and proofs of any size take a logarithmic number of reads.
#pragma once

#include <cstdint>
#include <vector>

#include "daemon/core/store.h"
#include "proto-json/merkle.h"

namespace openexec {

// The tree of the first `size` entries. An error for a size past the log's.
StoreResult<TreeEdge> tree_edge(const ReadTxn& txn, std::uint64_t size);
StoreResult<Hash> tree_root(const ReadTxn& txn, std::uint64_t size);

// index < size <= the log's size; from <= to <= the log's size.
StoreResult<std::vector<Hash>> inclusion_proof(const ReadTxn& txn, std::uint64_t index, std::uint64_t size);
StoreResult<std::vector<Hash>> consistency_proof(const ReadTxn& txn, std::uint64_t from, std::uint64_t to);

}  // namespace openexec
