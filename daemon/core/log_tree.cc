// SPDX-License-Identifier: Apache-2.0
#include "daemon/core/log_tree.h"

#include <fmt/format.h>

#include "daemon/core/big_endian.h"

namespace openexec {
namespace {

StoreResult<std::vector<Hash>> node_hashes(const ReadTxn& txn, const NodeRun& nodes) {
  std::vector<Hash> hashes;
  hashes.reserve(nodes.size());
  for (const TreeNode& node : nodes) {
    const auto bytes = txn.get(Table::nodes, to_big_endian(node_position(node)));
    if (!bytes) {
      return std::unexpected(bytes.error());
    }
    const auto hash = *bytes ? Hash::from(bytes_of(**bytes)) : std::nullopt;
    if (!hash) {
      return damaged(fmt::format("node {} of level {} of the log's tree cannot be read", node.index, node.level));
    }
    hashes.push_back(*hash);
  }
  return hashes;
}

StoreResult<std::vector<Hash>> fold_each(const ReadTxn& txn, const std::vector<NodeRun>& runs) {
  std::vector<Hash> out;
  out.reserve(runs.size());
  for (const NodeRun& run : runs) {
    const auto hashes = node_hashes(txn, run);
    if (!hashes) {
      return std::unexpected(hashes.error());
    }
    out.push_back(fold(*hashes));
  }
  return out;
}

}  // namespace

StoreResult<TreeEdge> tree_edge(const ReadTxn& txn, std::uint64_t size) {
  auto peaks = node_hashes(txn, root_nodes(size));
  if (!peaks) {
    return std::unexpected(peaks.error());
  }
  return TreeEdge(size, *std::move(peaks));
}

StoreResult<Hash> tree_root(const ReadTxn& txn, std::uint64_t size) {
  const auto edge = tree_edge(txn, size);
  if (!edge) {
    return std::unexpected(edge.error());
  }
  return edge->root();
}

StoreResult<std::vector<Hash>> inclusion_proof(const ReadTxn& txn, std::uint64_t index, std::uint64_t size) {
  return fold_each(txn, inclusion_nodes(index, size));
}

StoreResult<std::vector<Hash>> consistency_proof(const ReadTxn& txn, std::uint64_t from, std::uint64_t to) {
  return fold_each(txn, consistency_nodes(from, to));
}

}  // namespace openexec
