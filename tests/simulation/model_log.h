// SPDX-License-Identifier: Apache-2.0
// The log as it must be: every leaf ever seen, and the Merkle tree of any number of them by RFC 6962's own definition.
// It shares no code with the log's tree but SHA-256.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "proto-json/bytes.h"

namespace openexec::simulation {

class ModelLog {
 public:
  void append(std::string_view leaf);

  [[nodiscard]] std::uint64_t size() const { return levels_.empty() ? 0 : levels_.front().size(); }
  [[nodiscard]] static Hash hash_of(std::string_view leaf);
  [[nodiscard]] const Hash& leaf(std::uint64_t index) const { return levels_.front()[index]; }
  // MTH(D[0:size])
  [[nodiscard]] Hash root(std::uint64_t size) const;
  // The hashes of complete subtrees, in the order in which they became complete.
  [[nodiscard]] const std::vector<Hash>& nodes() const { return nodes_; }

 private:
  // MTH(D[begin:end]), begin < end, where `begin` is a multiple of the largest power of two that fits.
  [[nodiscard]] Hash hash(std::uint64_t begin, std::uint64_t end) const;

  std::vector<std::vector<Hash>> levels_;  // levels_[k][i]: of the leaves from i * 2^k up to (i + 1) * 2^k
  std::vector<Hash> nodes_;
};

}  // namespace openexec::simulation
