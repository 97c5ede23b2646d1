// SPDX-License-Identifier: Apache-2.0
#include "proto-json/merkle.h"

#include <array>
#include <bit>
#include <utility>

#include "proto-json/check.h"
#include "proto-json/crypto.h"

namespace openexec {
namespace {

constexpr std::array<std::uint8_t, 1> leaf_prefix = {0x00};
constexpr std::array<std::uint8_t, 1> node_prefix = {0x01};

// The complete subtrees of the leaves [begin, end), where `begin` is a multiple of the widest's width.
NodeRun nodes_of(std::uint64_t begin, std::uint64_t end) {
  NodeRun nodes;
  while (begin < end) {
    const auto level = static_cast<unsigned>(std::bit_width(end - begin)) - 1;
    nodes.push_back({level, begin >> level});
    begin += std::uint64_t{1} << level;
  }
  return nodes;
}

// Where RFC 6962 splits a tree of more than one leaf: the largest power of two below its size.
std::uint64_t split_of(std::uint64_t size) { return std::bit_floor(size - 1); }

}  // namespace

Hash leaf_hash(std::string_view leaf) { return sha256({leaf_prefix, bytes_of(leaf)}); }

Hash node_hash(const Hash& left, const Hash& right) { return sha256({node_prefix, left.view(), right.view()}); }

Hash empty_root() { return sha256(std::string_view()); }

std::uint64_t node_position(TreeNode node) {
  const std::uint64_t last_leaf = ((node.index + 1) << node.level) - 1;
  return node_count(last_leaf) + node.level;
}

std::uint64_t node_count(std::uint64_t size) { return 2 * size - static_cast<std::uint64_t>(std::popcount(size)); }

Hash fold(std::span<const Hash> hashes) {
  OPENEXEC_CHECK(!hashes.empty());
  Hash out = hashes.back();
  for (std::size_t i = hashes.size() - 1; i > 0; --i) {
    out = node_hash(hashes[i - 1], out);
  }
  return out;
}

NodeRun root_nodes(std::uint64_t size) { return nodes_of(0, size); }

std::vector<NodeRun> inclusion_nodes(std::uint64_t index, std::uint64_t size) {
  OPENEXEC_CHECK(index < size && size < tree_size_end);
  std::vector<NodeRun> runs;  // from the root down
  std::uint64_t begin = 0;
  std::uint64_t end = size;
  while (end - begin > 1) {
    const std::uint64_t middle = begin + split_of(end - begin);
    if (index < middle) {
      runs.push_back(nodes_of(middle, end));
      end = middle;
    } else {
      runs.push_back(nodes_of(begin, middle));
      begin = middle;
    }
  }
  return {runs.rbegin(), runs.rend()};
}

std::vector<NodeRun> consistency_nodes(std::uint64_t from, std::uint64_t to) {
  OPENEXEC_CHECK(from <= to && to < tree_size_end);
  if (from == 0 || from == to) {
    return {};
  }
  // SUBPROOF(from, [begin, end), is_whole): `is_whole` while the first `from` leaves are a tree the verifier has.
  std::vector<NodeRun> runs;  // from the root down
  std::uint64_t begin = 0;
  std::uint64_t end = to;
  bool is_whole = true;
  while (from < end) {
    const std::uint64_t middle = begin + split_of(end - begin);
    if (from <= middle) {
      runs.push_back(nodes_of(middle, end));
      end = middle;
    } else {
      runs.push_back(nodes_of(begin, middle));
      begin = middle;
      is_whole = false;
    }
  }
  if (!is_whole) {
    runs.push_back(nodes_of(begin, end));
  }
  return {runs.rbegin(), runs.rend()};
}

bool verify_inclusion(const Hash& leaf, std::uint64_t index, std::uint64_t size, std::span<const Hash> proof,
                      const Hash& root) {
  if (index >= size) {
    return false;
  }
  // Up from the leaf: `index` and `last` are the places of the node and of the last node of its level.
  std::uint64_t last = size - 1;
  Hash node = leaf;
  for (const Hash& sibling : proof) {
    if (last == 0) {
      return false;  // at the root already
    }
    if ((index & 1U) != 0 || index == last) {
      node = node_hash(sibling, node);
      while ((index & 1U) == 0 && index != 0) {  // a last node without a sibling is carried up as it is
        index >>= 1U;
        last >>= 1U;
      }
    } else {
      node = node_hash(node, sibling);
    }
    index >>= 1U;
    last >>= 1U;
  }
  return last == 0 && node == root;
}

Consistency check_consistency(std::uint64_t from, std::uint64_t to, const Hash& from_root, const Hash& to_root,
                              std::span<const Hash> proof) {
  const auto shown_if = [](bool is_shown) { return is_shown ? Consistency::shown : Consistency::not_shown; };
  if (from > to) {
    return Consistency::not_shown;
  }
  if (from == to) {
    return shown_if(proof.empty() && from_root == to_root && (from != 0 || from_root == empty_root()));
  }
  if (from == 0) {
    return shown_if(proof.empty() && from_root == empty_root());
  }
  // The node that ends the first tree, and the last node of its level in the second.
  std::uint64_t index = from - 1;
  std::uint64_t last = to - 1;
  while ((index & 1U) != 0) {
    index >>= 1U;
    last >>= 1U;
  }
  // A complete first tree is the first node itself, and is left out of the proof.
  const bool is_complete = std::has_single_bit(from);
  if (!is_complete && proof.empty()) {
    return Consistency::not_shown;
  }
  Hash first = is_complete ? from_root : proof.front();
  Hash second = first;
  for (const Hash& sibling : proof.subspan(is_complete ? 0 : 1)) {
    if (last == 0) {
      return Consistency::not_shown;
    }
    if ((index & 1U) != 0 || index == last) {
      first = node_hash(sibling, first);
      second = node_hash(sibling, second);
      while ((index & 1U) == 0 && index != 0) {
        index >>= 1U;
        last >>= 1U;
      }
    } else {
      second = node_hash(second, sibling);
    }
    index >>= 1U;
    last >>= 1U;
  }
  if (last != 0 || second != to_root) {
    return Consistency::not_shown;
  }
  // Every hash of the proof is a node below the second root now, and `first` the root of its first `from` leaves.
  return first == from_root ? Consistency::shown : Consistency::other_history;
}

bool verify_consistency(std::uint64_t from, std::uint64_t to, const Hash& from_root, const Hash& to_root,
                        std::span<const Hash> proof) {
  return check_consistency(from, to, from_root, to_root, proof) == Consistency::shown;
}

TreeEdge::TreeEdge(std::uint64_t size, std::vector<Hash> peaks) : size_(size), peaks_(std::move(peaks)) {
  OPENEXEC_CHECK(peaks_.size() == static_cast<std::size_t>(std::popcount(size)));
}

Hash TreeEdge::root() const { return peaks_.empty() ? empty_root() : fold(peaks_); }

}  // namespace openexec
