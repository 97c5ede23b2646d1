// SPDX-License-Identifier: Apache-2.0
// The Merkle tree of RFC 6962, section 2.1: hashes, which nodes make a root or a proof, and the check of proofs.
//
//   leaf hash   SHA-256(00 ‖ leaf)
//   node hash   SHA-256(01 ‖ left ‖ right)
//
// Only complete subtrees have a hash that never changes, so only those are ever stored. Everything else is folded from
// at most 64 of them.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "proto-json/bytes.h"

namespace openexec {

Hash leaf_hash(std::string_view leaf);
Hash node_hash(const Hash& left, const Hash& right);
// Of the tree with no leaves: SHA-256 of nothing.
Hash empty_root();

// A complete subtree: the leaves from index << level up to, not including, (index + 1) << level.
struct TreeNode {
  unsigned level = 0;
  std::uint64_t index = 0;
  bool operator==(const TreeNode&) const = default;
};

// No tree has this many leaves: below it, shifts and sums of sizes stay within 64 bits.
inline constexpr std::uint64_t tree_size_end = std::uint64_t{1} << 62U;

// Complete subtrees in the order in which a growing tree completes them: a leaf, then each subtree that it completes,
// from the lowest up. Storing them by their place in that order only ever appends. Sizes are below 2^62.
std::uint64_t node_position(TreeNode node);
// How many a tree of that many leaves has completed: the position of the next.
std::uint64_t node_count(std::uint64_t size);

// Complete subtrees side by side, the widest first, whose hashes fold() into one.
using NodeRun = std::vector<TreeNode>;
// hashes[0] over (hashes[1] over (…)); not empty.
Hash fold(std::span<const Hash> hashes);

// The root of the first `size` leaves; of none it is empty, and the root is empty_root().
NodeRun root_nodes(std::uint64_t size);
// Each run folds into one hash of the inclusion proof (section 2.1.1), leaf's sibling first. index < size.
std::vector<NodeRun> inclusion_nodes(std::uint64_t index, std::uint64_t size);
// The same of the consistency proof (section 2.1.2). from <= to; empty when from is 0 or to.
std::vector<NodeRun> consistency_nodes(std::uint64_t from, std::uint64_t to);

// False for every proof but the one that section 2.1.1 defines for that index and size.
bool verify_inclusion(const Hash& leaf, std::uint64_t index, std::uint64_t size, std::span<const Hash> proof,
                      const Hash& root);
enum class Consistency {
  shown,          // the second tree begins with the first
  other_history,  // the second tree begins with another one of that size: no log that only grows has both roots
  not_shown,      // it is no proof of that second root: it says nothing of the trees
};
// `shown` for no proof but the one that section 2.1.2 defines; from 0 the only one is empty, and `from_root` that of
// the empty tree. Such a proof holds the first tree's nodes, so it can also show that they are others, but where `from`
// is a power of two: there `from_root` itself is the proof's first node, and a proof of another history is `not_shown`.
Consistency check_consistency(std::uint64_t from, std::uint64_t to, const Hash& from_root, const Hash& to_root,
                              std::span<const Hash> proof);
// Whether it is shown.
bool verify_consistency(std::uint64_t from, std::uint64_t to, const Hash& from_root, const Hash& to_root,
                        std::span<const Hash> proof);

// The right edge of a growing tree: what is needed to go on, and no more.
class TreeEdge {
 public:
  TreeEdge() = default;
  // `peaks`: the hashes of root_nodes(size), in that order.
  TreeEdge(std::uint64_t size, std::vector<Hash> peaks);

  // Adds a leaf by its hash. `completed` is called with the hash of each subtree that is complete now, in completion
  // order, the leaf itself first.
  template <typename Completed>
  void append(const Hash& leaf, Completed completed) {
    Hash node = leaf;
    completed(node);
    for (std::uint64_t bits = size_; (bits & 1U) != 0; bits >>= 1U) {
      node = node_hash(peaks_.back(), node);
      peaks_.pop_back();
      completed(node);
    }
    peaks_.push_back(node);
    ++size_;
  }
  [[nodiscard]] std::uint64_t size() const { return size_; }
  [[nodiscard]] Hash root() const;

 private:
  std::uint64_t size_ = 0;
  std::vector<Hash> peaks_;  // of the complete subtrees, the widest first
};

}  // namespace openexec
