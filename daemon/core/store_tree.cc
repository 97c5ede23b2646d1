// SPDX-License-Identifier: Apache-2.0
#include "daemon/core/store_tree.h"

#include <fmt/format.h>

#include "daemon/core/big_endian.h"
#include "proto-json/encoding.h"

namespace openexec {

StoredTree::StoredTree(TableScan nodes, std::span<const std::uint64_t> wanted, LogFindings& findings)
    : nodes_(std::move(nodes)), findings_(findings) {
  for (const std::uint64_t size : wanted) {
    roots_[size] = size == 0 ? std::optional(empty_root()) : std::nullopt;
  }
  read_row();
}

void StoredTree::read_row() {
  auto row = nodes_.next();
  if (!row) {
    failed_ = true;
    row_.reset();
    findings_.add(LogPart::structure, [&] { return row.error().message; });
    return;
  }
  row_ = *row;
}

std::optional<Hash> StoredTree::stored(TreeNode node) {
  const std::uint64_t position = position_++;
  std::optional<std::uint64_t> found;
  while (row_) {
    found = from_big_endian<std::uint64_t>(row_->key);
    if (found && *found >= position) {
      break;
    }
    findings_.add(LogPart::tree, [&] { return "a row of table nodes is no node: " + to_hex(bytes_of(row_->key)); });
    read_row();
  }
  if (failed_) {
    return std::nullopt;
  }
  if (!row_ || *found != position) {
    findings_.add(LogPart::tree, [&] { return fmt::format("node {}/{} is missing", node.level, node.index); });
    return std::nullopt;
  }
  const auto hash = Hash::from(bytes_of(row_->value));
  if (!hash) {
    findings_.add(LogPart::tree, [&] { return fmt::format("node {}/{} is no hash", node.level, node.index); });
  }
  read_row();
  return hash;
}

bool StoredTree::has_next_stored() const { return row_ && from_big_endian<std::uint64_t>(row_->key) == position_; }

bool StoredTree::append(const std::optional<Hash>& leaf) {
  const auto kept = stored({0, size_});
  if (!leaf && !kept) {
    return false;
  }
  Peak peak{leaf.value_or(kept.value_or(Hash{})), std::nullopt};
  if (kept && *kept != peak.hash) {
    peak.doubt = Doubt{*kept, {size_}};
  }
  TreeNode node{0, size_};
  for (std::uint64_t bits = size_; (bits & 1U) != 0; bits >>= 1U) {
    node = {node.level + 1, node.index >> 1U};
    peak = join(std::move(peaks_.back()), std::move(peak), node);
    peaks_.pop_back();
  }
  peaks_.push_back(std::move(peak));
  ++size_;
  if (const auto wanted = roots_.find(size_); wanted != roots_.end()) {
    wanted->second = fold_peaks(false);
  }
  return true;
}

StoredTree::Peak StoredTree::join(Peak left, Peak right, TreeNode node) {
  const Hash computed = node_hash(left.hash, right.hash);
  const auto kept = stored(node);
  if (!left.doubt && !right.doubt) {
    if (kept && *kept != computed) {
      findings_.add(LogPart::tree, [&] {
        return fmt::format("node {}/{} is not the hash of the two below it", node.level, node.index);
      });
    }
    return {computed, std::nullopt};
  }
  Doubt doubt{node_hash(left.doubt ? left.doubt->stored : left.hash, right.doubt ? right.doubt->stored : right.hash),
              {}};
  for (const auto& below : {left.doubt, right.doubt}) {
    if (below) {
      doubt.leaves.insert(doubt.leaves.end(), below->leaves.begin(), below->leaves.end());
    }
  }
  if (!kept) {
    return {computed, std::move(doubt)};
  }
  return {settle(doubt, computed, kept), std::nullopt};
}

Hash StoredTree::settle(const Doubt& doubt, const Hash& computed, const std::optional<Hash>& above) {
  const bool nodes_differ = above != doubt.stored;  // what stands above was not made of the stored hashes
  const bool leaves_differ = above != computed;     // … nor of these leaves
  for (const std::uint64_t leaf : doubt.leaves) {
    if (leaves_differ) {
      findings_.add(LogPart::entries, [&] {
        return fmt::format("entry {}: it is not the leaf that the tree was made of{}", leaf,
                           nodes_differ ? ", or its hash was changed" : "");
      });
    }
    if (nodes_differ) {
      findings_.add(LogPart::tree, [&] { return fmt::format("node 0/{} is not the hash of entry {}", leaf, leaf); });
    }
  }
  return nodes_differ ? computed : doubt.stored;
}

Hash StoredTree::fold_peaks(bool by_stored) const {
  std::vector<Hash> hashes;
  hashes.reserve(peaks_.size());
  for (const Peak& peak : peaks_) {
    hashes.push_back(by_stored && peak.doubt ? peak.doubt->stored : peak.hash);
  }
  return hashes.empty() ? empty_root() : fold(hashes);
}

void StoredTree::finish(const std::optional<Hash>& signed_root) {
  Doubt doubt{fold_peaks(true), {}};
  for (const Peak& peak : peaks_) {
    if (peak.doubt) {
      doubt.leaves.insert(doubt.leaves.end(), peak.doubt->leaves.begin(), peak.doubt->leaves.end());
    }
  }
  const Hash computed = fold_peaks(false);
  const Hash root = doubt.leaves.empty() ? computed : settle(doubt, computed, signed_root);
  if (const auto wanted = roots_.find(size_); wanted != roots_.end()) {
    wanted->second = root;
  }
  while (row_) {
    findings_.add(LogPart::tree,
                  [&] { return "a row of table nodes is past the log's end: " + to_hex(bytes_of(row_->key)); });
    read_row();
  }
}

std::optional<Hash> StoredTree::root(std::uint64_t size) const {
  const auto found = roots_.find(size);
  return found == roots_.end() ? std::nullopt : found->second;
}

}  // namespace openexec
