// SPDX-License-Identifier: Apache-2.0
// The tree as it is stored, held against the leaves: names just what was changed, a leaf or a hash, also where that
// makes every hash above it look wrong.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "daemon/core/store.h"
#include "proto-json/log_report.h"
#include "proto-json/merkle.h"

namespace openexec {

class StoredTree {
 public:
  // `wanted`: sizes whose roots are kept. The findings outlive this.
  StoredTree(TableScan nodes, std::span<const std::uint64_t> wanted, LogFindings& findings);

  // The next leaf, by its hash; nothing for one that is missing: its stored hash then stands for it. False when that is
  // missing, too: nothing more can be known of this tree.
  bool append(const std::optional<Hash>& leaf);
  // After the last leaf. `signed_root`: what the latest checkpoint signs for this size, if it does.
  void finish(const std::optional<Hash>& signed_root);

  [[nodiscard]] std::uint64_t size() const { return size_; }
  // The next leaf is not there to be appended, but its hash is stored.
  [[nodiscard]] bool has_next_stored() const;
  [[nodiscard]] std::uint64_t rows() const { return nodes_.count(); }
  // Of a size that was wanted; nothing when the tree is smaller.
  [[nodiscard]] std::optional<Hash> root(std::uint64_t size) const;

 private:
  // Leaves whose hashes are not the stored ones. Which of both was changed the hash above them shows.
  struct Doubt {
    Hash stored;  // what the node is if the stored hashes are right
    std::vector<std::uint64_t> leaves;
  };
  struct Peak {
    Hash hash;  // by the leaves that are there
    std::optional<Doubt> doubt;
  };

  std::optional<Hash> stored(TreeNode node);  // of the next node in completion order
  void read_row();
  Peak join(Peak left, Peak right, TreeNode node);
  // The findings of a doubt, by the hash above it: nothing when there is none.
  Hash settle(const Doubt& doubt, const Hash& computed, const std::optional<Hash>& above);
  [[nodiscard]] Hash fold_peaks(bool by_stored) const;

  TableScan nodes_;
  std::map<std::uint64_t, std::optional<Hash>> roots_;
  LogFindings& findings_;
  std::optional<ReadTxn::Row> row_;  // the next that nothing was compared with yet
  bool failed_ = false;              // the table cannot be read on
  std::uint64_t size_ = 0;
  std::uint64_t position_ = 0;  // of the next node
  std::vector<Peak> peaks_;
};

}  // namespace openexec
