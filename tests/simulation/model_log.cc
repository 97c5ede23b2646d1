// SPDX-License-Identifier: Apache-2.0
#include "tests/simulation/model_log.h"

#include <array>

#include "proto-json/crypto.h"

namespace openexec::simulation {
namespace {

Hash pair(const Hash& left, const Hash& right) {
  static constexpr std::array<std::uint8_t, 1> prefix = {1};
  return sha256({prefix, left.view(), right.view()});
}

}  // namespace

Hash ModelLog::hash_of(std::string_view leaf) {
  static constexpr std::array<std::uint8_t, 1> prefix = {0};
  return sha256({prefix, bytes_of(leaf)});
}

void ModelLog::append(std::string_view leaf) {
  Hash whole = hash_of(leaf);
  for (std::size_t level = 0;; ++level) {
    if (level == levels_.size()) {
      levels_.emplace_back();
    }
    std::vector<Hash>& row = levels_[level];
    row.push_back(whole);
    nodes_.push_back(whole);
    if (row.size() % 2 != 0) {
      return;
    }
    whole = pair(row[row.size() - 2], row.back());
  }
}

Hash ModelLog::hash(std::uint64_t begin, std::uint64_t end) const {
  std::size_t level = 0;
  std::uint64_t width = 1;  // the largest power of two that fits
  while (2 * width <= end - begin) {
    width *= 2;
    ++level;
  }
  const Hash& left = levels_[level][begin / width];
  return begin + width == end ? left : pair(left, hash(begin + width, end));
}

Hash ModelLog::root(std::uint64_t size) const { return size == 0 ? sha256(std::string_view()) : hash(0, size); }

}  // namespace openexec::simulation
