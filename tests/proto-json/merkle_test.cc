// SPDX-License-Identifier: Apache-2.0
#include "proto-json/merkle.h"

#include <algorithm>
#include <bit>
#include <span>
#include <vector>

#include "proto-json/encoding.h"
#include "proto-json/limits.h"
#include "tests/support/aborts.h"
#include "tests/support/catch.h"
#include "tests/support/model_tree.h"

namespace openexec {
namespace {

constexpr std::size_t leaves_max = 130;

// A tree as a store keeps it: the nodes in the order of their completion.
struct GrownTree {
  TreeEdge edge;
  std::vector<Hash> nodes;

  explicit GrownTree(const ModelTree& model) {
    for (std::size_t i = 0; i < model.size(); ++i) {
      edge.append(leaf_hash(model.leaf(i)), [&](const Hash& hash) { nodes.push_back(hash); });
    }
  }
  [[nodiscard]] std::vector<Hash> read(const NodeRun& run) const {
    std::vector<Hash> out;
    for (const TreeNode& node : run) {
      out.push_back(nodes.at(node_position(node)));
    }
    return out;
  }
  [[nodiscard]] std::vector<Hash> fold_all(const std::vector<NodeRun>& runs) const {
    std::vector<Hash> out;
    for (const NodeRun& run : runs) {
      out.push_back(fold(read(run)));
    }
    return out;
  }
};

// Every proof that is another by one bit, by one hash more or by one hash less.
template <typename Function>
void for_each_damage(const std::vector<Hash>& proof, Function function) {
  for (std::size_t i = 0; i < proof.size(); ++i) {
    for (std::size_t bit = 0; bit < 8 * Hash::size_bytes; ++bit) {
      auto damaged = proof;
      damaged[i].data[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
      function(damaged);
    }
    auto shorter = proof;
    shorter.erase(shorter.begin() + static_cast<std::ptrdiff_t>(i));
    function(shorter);
  }
  for (std::size_t i = 0; i <= proof.size(); ++i) {
    auto longer = proof;
    longer.insert(longer.begin() + static_cast<std::ptrdiff_t>(i), Hash{});
    function(longer);
    longer[i] = proof.empty() ? sha256("x") : proof.back();
    function(longer);
  }
}

std::vector<Hash> flips_of(const Hash& hash) {
  std::vector<Hash> out;
  for (std::size_t bit = 0; bit < 8 * Hash::size_bytes; ++bit) {
    out.push_back(hash);
    out.back().data[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
  }
  return out;
}

TEST_CASE("leaves, nodes and the empty tree hash apart from each other") {
  init_crypto();
  CHECK(to_hex(empty_root().view()) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(to_hex(leaf_hash("").view()) == "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d");
  const Hash a = sha256("a");
  const Hash b = sha256("b");
  const std::string both = std::string(text_of(a.view())) + std::string(text_of(b.view()));
  CHECK(node_hash(a, b) == sha256("\x01" + both));
  CHECK(node_hash(a, b) != node_hash(b, a));
  CHECK(node_hash(a, b) != leaf_hash(both));
}

TEST_CASE("a growing tree completes its nodes in the order of their positions") {
  ModelTree model(leaves_max);
  std::vector<Hash> completed;
  TreeEdge edge;
  CHECK(edge.root() == empty_root());
  for (std::size_t i = 0; i < model.size(); ++i) {
    CHECK(node_count(i) == completed.size());
    edge.append(leaf_hash(model.leaf(i)), [&](const Hash& hash) { completed.push_back(hash); });
    for (unsigned level = 0; ((i + 1) >> level << level) == i + 1; ++level) {
      const std::size_t index = i >> level;
      INFO(i << " level " << level);
      CHECK(completed.at(node_position({level, index})) == model.hash(index << level, (index + 1) << level));
      CHECK(node_position({level, index}) == node_count(i) + level);
    }
    CHECK(edge.size() == i + 1);
    CHECK(edge.root() == model.root(i + 1));
  }
  CHECK(node_count(model.size()) == completed.size());
}

TEST_CASE("a tree goes on from its peaks as if it had never stopped") {
  ModelTree model(leaves_max);
  const GrownTree whole(model);
  for (std::size_t size = 0; size < model.size(); ++size) {
    TreeEdge edge(size, whole.read(root_nodes(size)));
    CHECK(edge.root() == model.root(size));
    std::vector<Hash> nodes(whole.nodes.begin(), whole.nodes.begin() + static_cast<std::ptrdiff_t>(node_count(size)));
    for (std::size_t i = size; i < model.size(); ++i) {
      edge.append(leaf_hash(model.leaf(i)), [&](const Hash& hash) { nodes.push_back(hash); });
    }
    CHECK(nodes == whole.nodes);
    CHECK(edge.root() == whole.edge.root());
  }
  CHECK(aborts([] { TreeEdge(3, {Hash{}}); }));
}

TEST_CASE("every root and every proof is the one that RFC 6962 defines, and verifies") {
  ModelTree model(leaves_max);
  const GrownTree tree(model);
  CHECK(root_nodes(0).empty());
  for (std::size_t size = 1; size <= model.size(); ++size) {
    INFO(size);
    CHECK(root_nodes(size).size() == static_cast<std::size_t>(std::popcount(size)));
    CHECK(fold(tree.read(root_nodes(size))) == model.root(size));
    bool inclusions_agree = true;
    bool consistencies_agree = true;
    for (std::size_t i = 0; i < size; ++i) {
      const auto proof = tree.fold_all(inclusion_nodes(i, size));
      inclusions_agree = inclusions_agree && proof == model.inclusion(i, size) &&
                         verify_inclusion(leaf_hash(model.leaf(i)), i, size, proof, model.root(size));
    }
    for (std::size_t from = 0; from <= size; ++from) {
      const auto proof = tree.fold_all(consistency_nodes(from, size));
      consistencies_agree = consistencies_agree && proof == model.consistency(from, size) &&
                            verify_consistency(from, size, model.root(from), model.root(size), proof);
    }
    CHECK(inclusions_agree);
    CHECK(consistencies_agree);
  }
}

TEST_CASE("an inclusion proof is good for its leaf, index, size and root only") {
  ModelTree model(leaves_max);
  std::size_t accepted = 0;
  for (const auto& [index, size] : {std::pair<std::size_t, std::size_t>{0, 1},
                                    {0, 2},
                                    {1, 2},
                                    {2, 3},
                                    {4, 7},
                                    {6, 7},
                                    {0, 8},
                                    {5, 8},
                                    {40, 100},
                                    {128, 129},
                                    {0, 130}}) {
    INFO(index << " of " << size);
    const Hash leaf = leaf_hash(model.leaf(index));
    const Hash root = model.root(size);
    const auto proof = model.inclusion(index, size);
    REQUIRE(verify_inclusion(leaf, index, size, proof, root));
    for_each_damage(proof, [&](const std::vector<Hash>& damaged) {
      accepted += verify_inclusion(leaf, index, size, damaged, root) ? 1U : 0U;
    });
    for (const Hash& other : flips_of(leaf)) {
      accepted += verify_inclusion(other, index, size, proof, root) ? 1U : 0U;
    }
    for (const Hash& other : flips_of(root)) {
      accepted += verify_inclusion(leaf, index, size, proof, other) ? 1U : 0U;
    }
    for (unsigned bit = 0; bit < 64; ++bit) {
      accepted += verify_inclusion(leaf, index ^ (std::uint64_t{1} << bit), size, proof, root) ? 1U : 0U;
    }
    for (std::size_t other = 0; other <= model.size(); ++other) {
      accepted += other != index && verify_inclusion(leaf, other, size, proof, root) ? 1U : 0U;
    }
  }
  CHECK(accepted == 0);
}

TEST_CASE("a consistency proof is good for its sizes and roots only") {
  ModelTree model(leaves_max);
  std::size_t accepted = 0;
  for (const auto& [from, to] : {std::pair<std::size_t, std::size_t>{0, 0},
                                 {0, 1},
                                 {0, 7},
                                 {1, 1},
                                 {1, 2},
                                 {2, 3},
                                 {3, 7},
                                 {4, 7},
                                 {6, 7},
                                 {4, 8},
                                 {7, 8},
                                 {64, 130},
                                 {129, 130},
                                 {130, 130}}) {
    INFO(from << " to " << to);
    const Hash from_root = model.root(from);
    const Hash to_root = model.root(to);
    const auto proof = model.consistency(from, to);
    REQUIRE(verify_consistency(from, to, from_root, to_root, proof));
    for_each_damage(proof, [&](const std::vector<Hash>& damaged) {
      accepted += verify_consistency(from, to, from_root, to_root, damaged) ? 1U : 0U;
    });
    for (const Hash& other : flips_of(from_root)) {
      accepted += verify_consistency(from, to, other, to_root, proof) ? 1U : 0U;
    }
    for (const Hash& other : flips_of(to_root)) {
      // From nothing anything may grow, and there is nothing to prove.
      accepted += from > 0 && verify_consistency(from, to, from_root, other, proof) ? 1U : 0U;
    }
    for (unsigned bit = 0; bit < 64 && from > 0; ++bit) {
      accepted += verify_consistency(from ^ (std::uint64_t{1} << bit), to, from_root, to_root, proof) ? 1U : 0U;
    }
    accepted += from != to && verify_consistency(to, from, to_root, from_root, proof) ? 1U : 0U;
  }
  CHECK(accepted == 0);
}

TEST_CASE("a proof longer than its tree is high is refused, also where it hashes to the root") {
  ModelTree model(4);
  const Hash above = sha256("above");
  const Hash leaf = leaf_hash(model.leaf(0));
  CHECK(verify_inclusion(leaf, 0, 1, {}, leaf));
  CHECK_FALSE(verify_inclusion(leaf, 0, 1, std::vector{above}, node_hash(above, leaf)));
  auto proof = model.inclusion(3, 4);
  proof.push_back(above);
  CHECK_FALSE(verify_inclusion(leaf_hash(model.leaf(3)), 3, 4, proof, node_hash(above, model.root(4))));

  proof = model.consistency(3, 4);
  proof.push_back(above);
  CHECK_FALSE(verify_consistency(3, 4, node_hash(above, model.root(3)), node_hash(above, model.root(4)), proof));
}

TEST_CASE("a tree that was rewritten is consistent with none of its former sizes past the change") {
  ModelTree model(40);
  ModelTree rewritten(40);
  rewritten.rewrite_from(20);
  for (std::size_t from = 1; from < 40; ++from) {
    const auto proof = rewritten.consistency(from, 40);
    CHECK(verify_consistency(from, 40, model.root(from), rewritten.root(40), proof) == (from <= 20));
  }
}

TEST_CASE("the largest trees have proofs of at most 63 hashes, of nodes that are in the tree") {
  constexpr std::uint64_t huge = (std::uint64_t{1} << 62U) - 1;
  for (const std::uint64_t index : {std::uint64_t{0}, huge / 3, huge / 2, huge - 1}) {
    const auto runs = inclusion_nodes(index, huge);
    CHECK(runs.size() <= limits::proof_hashes_max);
    for (const NodeRun& run : runs) {
      for (const TreeNode& node : run) {
        CHECK(((node.index + 1) << node.level) <= huge);
        CHECK(node_position(node) < node_count(huge));
      }
    }
    CHECK(consistency_nodes(index, huge).size() <= limits::proof_hashes_max);
  }
  CHECK(node_count(std::uint64_t{1} << 61U) == (std::uint64_t{1} << 62U) - 1);
  CHECK(aborts([] { static_cast<void>(inclusion_nodes(5, 5)); }));
  CHECK(aborts([] { static_cast<void>(consistency_nodes(6, 5)); }));
  CHECK(aborts([] { static_cast<void>(fold({})); }));
}

TEST_CASE("a proof that leads to the signed larger root tells another history from a wrong proof") {
  ModelTree model(40);
  for (std::size_t from = 1; from < 40; ++from) {
    ModelTree rewritten(40);
    rewritten.rewrite_from(from - 1);
    const Hash root = rewritten.root(40);
    auto proof = rewritten.consistency(from, 40);
    CHECK(check_consistency(from, 40, rewritten.root(from), root, proof) == Consistency::shown);
    // A power of two has no node of its own in the proof.
    CHECK(check_consistency(from, 40, model.root(from), root, proof) ==
          (std::has_single_bit(from) ? Consistency::not_shown : Consistency::other_history));
    for (std::size_t i = 0; i < proof.size(); ++i) {
      proof[i].data[3] ^= 1U;
      CHECK(check_consistency(from, 40, model.root(from), root, proof) == Consistency::not_shown);
      proof[i].data[3] ^= 1U;
    }
    proof.pop_back();
    CHECK(check_consistency(from, 40, model.root(from), root, proof) == Consistency::not_shown);
  }
  CHECK(check_consistency(5, 5, model.root(5), model.root(6), {}) == Consistency::not_shown);
}

}  // namespace
}  // namespace openexec
