// SPDX-License-Identifier: Apache-2.0
#include "daemon/core/log_tree.h"

#include "daemon/core/big_endian.h"
#include "daemon/core/receipt_log.h"
#include "tests/core/world.h"
#include "tests/support/catch.h"

namespace openexec {
namespace {

constexpr std::uint64_t entries_max = 70;

// A log of that many denials, and the root at each size, by a tree of the test's own.
struct Log {
  test::TempDir dir;
  std::unique_ptr<Store> store = test::open_store(test::store_options(test::demo_policy(), dir));
  std::vector<Hash> leaves;
  std::vector<Hash> roots = {empty_root()};

  Log() {
    auto txn = store->write();
    REQUIRE(txn.has_value());
    const NoteSigner signer = test::log_signer();
    auto writer = LogWriter::open(*txn, signer);
    REQUIRE(writer.has_value());
    for (std::uint64_t i = 0; i < entries_max; ++i) {
      Receipt receipt =
          receipt_of(test::attempt_of(test::demo_policy(), test::request("echo", "{}", std::to_string(i))),
                     ReceiptKind::denied, test::noon());
      receipt.reason = Reason::unknown_action;
      REQUIRE(writer->append(receipt) == i);
      leaves.push_back(leaf_hash(to_leaf(receipt)));
      roots.push_back(root_of(0, leaves.size()));
    }
    REQUIRE(writer->seal().has_value());
    REQUIRE(txn->commit().has_value());
  }

  // RFC 6962, section 2.1, word by word.
  [[nodiscard]] Hash root_of(std::size_t begin, std::size_t end) const {
    if (end - begin == 1) {
      return leaves.at(begin);
    }
    std::size_t k = 1;
    while (k * 2 < end - begin) {
      k *= 2;
    }
    return node_hash(root_of(begin, begin + k), root_of(begin + k, end));
  }
};

TEST_CASE("the stored nodes give the root of every size the log ever had") {
  const Log log;
  const auto txn = log.store->read();
  REQUIRE(txn.has_value());
  for (std::uint64_t size = 0; size <= entries_max; ++size) {
    CHECK(tree_root(*txn, size) == log.roots.at(size));
  }
  CHECK(txn->count(Table::nodes) == node_count(entries_max));
}

TEST_CASE("every entry is proved in every size, and every size consistent with every later one") {
  const Log log;
  const auto txn = log.store->read();
  REQUIRE(txn.has_value());
  for (std::uint64_t size = 1; size <= entries_max; ++size) {
    for (std::uint64_t index = 0; index < size; ++index) {
      const auto proof = inclusion_proof(*txn, index, size);
      REQUIRE(proof.has_value());
      CHECK(verify_inclusion(log.leaves.at(index), index, size, *proof, log.roots.at(size)));
    }
    for (std::uint64_t from = 0; from <= size; ++from) {
      const auto proof = consistency_proof(*txn, from, size);
      REQUIRE(proof.has_value());
      CHECK(verify_consistency(from, size, log.roots.at(from), log.roots.at(size), *proof));
    }
  }
}

TEST_CASE("a size that the log has not reached is an error") {
  const Log log;
  const auto txn = log.store->read();
  REQUIRE(txn.has_value());
  CHECK_FALSE(tree_root(*txn, entries_max + 2).has_value());
  CHECK_FALSE(inclusion_proof(*txn, 0, entries_max + 2).has_value());
}

TEST_CASE("a node that cannot be read is named") {
  const Log log;
  auto txn = log.store->write();
  REQUIRE(txn.has_value());
  REQUIRE(txn->put(Table::nodes, to_big_endian(node_position({6, 0})), "short").has_value());
  const auto root = tree_root(*txn, entries_max);
  REQUIRE_FALSE(root.has_value());
  CHECK(root.error().message == "the store is damaged: node 0 of level 6 of the log's tree cannot be read");
}

}  // namespace
}  // namespace openexec
