// SPDX-License-Identifier: Apache-2.0
// The Merkle tree by RFC 6962's recursive definitions, word for word: what the code's own way is held against.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "proto-json/crypto.h"
#include "proto-json/merkle.h"

namespace openexec {

class ModelTree {
 public:
  // Leaves are "<salt>0", "<salt>1" and so on.
  explicit ModelTree(std::size_t size, std::string salt = "leaf ") : salt_(std::move(salt)), size_(size) {
    init_crypto();
  }

  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] std::string leaf(std::size_t index) const { return salt_ + std::to_string(index); }
  // Other leaves from `index` on.
  void rewrite_from(std::size_t index) {
    rewritten_from_ = index;
    hashes_.clear();
  }

  // MTH(D[0:size])
  Hash root(std::size_t size) { return hash(0, size); }
  // MTH(D[begin:end])
  Hash hash(std::size_t begin, std::size_t end) {
    if (begin == end) {
      return sha256("");
    }
    if (const auto found = hashes_.find({begin, end}); found != hashes_.end()) {
      return found->second;
    }
    const std::size_t middle = begin + split(end - begin);
    const Hash out = end - begin == 1
                         ? sha256(std::string(1, '\0') + leaf(begin) + (begin < rewritten_from_ ? "" : "'"))
                         : pair(hash(begin, middle), hash(middle, end));
    hashes_[{begin, end}] = out;
    return out;
  }

  // PATH(index, D[begin:end])
  std::vector<Hash> inclusion(std::size_t index, std::size_t end, std::size_t begin = 0) {
    if (end - begin <= 1) {
      return {};
    }
    const std::size_t middle = begin + split(end - begin);
    const bool is_left = index < middle;
    std::vector<Hash> out = is_left ? inclusion(index, middle, begin) : inclusion(index, end, middle);
    out.push_back(is_left ? hash(middle, end) : hash(begin, middle));
    return out;
  }

  // PROOF(from, D[0:to]); none for 0, of which the RFC has no proof.
  std::vector<Hash> consistency(std::size_t from, std::size_t to) {
    return from == 0 ? std::vector<Hash>() : subproof(from, 0, to, true);
  }

 private:
  static std::size_t split(std::size_t size) {
    std::size_t k = 1;
    while (2 * k < size) {
      k *= 2;
    }
    return k;
  }

  static Hash pair(const Hash& left, const Hash& right) {
    return sha256("\x01" + std::string(text_of(left.view())) + std::string(text_of(right.view())));
  }

  std::vector<Hash> subproof(std::size_t from, std::size_t begin, std::size_t end, bool is_whole) {
    if (from == end) {
      return is_whole ? std::vector<Hash>() : std::vector{hash(begin, end)};
    }
    const std::size_t middle = begin + split(end - begin);
    const bool is_left = from <= middle;
    std::vector<Hash> out = is_left ? subproof(from, begin, middle, is_whole) : subproof(from, middle, end, false);
    out.push_back(is_left ? hash(middle, end) : hash(begin, middle));
    return out;
  }

  std::string salt_;
  std::size_t size_;
  std::size_t rewritten_from_ = static_cast<std::size_t>(-1);
  std::map<std::pair<std::size_t, std::size_t>, Hash> hashes_;
};

}  // namespace openexec
