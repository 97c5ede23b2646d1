// SPDX-License-Identifier: Apache-2.0
#include "daemon/core/store_check.h"

#include <fmt/format.h>

#include <random>
#include <set>

#include "daemon/core/big_endian.h"
#include "daemon/core/claims.h"
#include "daemon/core/receipt_log.h"
#include "proto-json/encoding.h"
#include "proto-json/log_audit.h"
#include "tests/core/checked_store.h"
#include "tests/support/catch.h"

namespace openexec {
namespace {

using test::CheckedStore;
using test::lines_of;
using test::names;

// A store with an entry of every kind.
struct Filled : CheckedStore {
  Filled() { fill(); }
};

// Changes a row, calls, and puts it back.
template <typename Function>
void with_row(CheckedStore& store, Table table, const CheckedStore::Row& before, const CheckedStore::Row& changed,
              Function function) {
  store.erase(table, before.key);
  store.put(table, changed.key, changed.value);
  function();
  store.erase(table, changed.key);
  store.put(table, before.key, before.value);
}

std::string flipped(std::string text, std::size_t bit) {
  text.at(bit / 8) = static_cast<char>(static_cast<unsigned char>(text[bit / 8]) ^ (1U << (bit % 8)));
  return text;
}

// Flips each bit of the row's value, or `sample` of them.
template <typename Function>
void flip_bits(CheckedStore& store, Table table, const CheckedStore::Row& row, std::optional<std::size_t> sample,
               Function function) {
  std::mt19937 random(static_cast<unsigned>(row.value.size()));
  const std::size_t bits = row.value.size() * 8;
  for (std::size_t i = 0; i < sample.value_or(bits); ++i) {
    const std::size_t bit = sample ? random() % bits : i;
    with_row(store, table, row, {row.key, flipped(row.value, bit)}, [&] {
      INFO(table_names[static_cast<std::size_t>(table)] << " bit " << bit);
      function(store.check());
    });
  }
}

std::uint64_t index_of(const CheckedStore::Row& row) { return from_big_endian<std::uint64_t>(row.key).value(); }

TEST_CASE("a good store passes, with an entry of every kind and something that runs") {
  Filled store;
  const LogReport report = store.check_good();
  CHECK(report.entries == 12);
  CHECK(report.claims == 6);
  CHECK(report.running == 1);
  CHECK(report.results == 4);
  CHECK(report.approvals == 6);
  CHECK(report.denied == 1);
  CHECK(report.checkpoint == Checkpoint{std::string(test::origin), 12, report.checkpoint->root});
  for (const LogPart part : {LogPart::structure, LogPart::entries, LogPart::tree, LogPart::claims, LogPart::results,
                             LogPart::approvals, LogPart::checkpoint}) {
    CHECK(report.findings.answer(part) == "yes");
  }
  CHECK(report.findings.answer(LogPart::witnesses) == "not checked");
  CHECK(report.findings.answer(LogPart::high_water) == "not checked");
}

TEST_CASE("a store that has just been made passes") {
  CheckedStore store;
  CHECK(store.check_good().entries == 0);
}

TEST_CASE("every flipped bit of an entry is named by that entry") {
  Filled store;
  const auto rows = store.rows(Table::entries);
  for (const CheckedStore::Row& row : rows) {
    const bool whole = index_of(row) == 0 || index_of(row) + 1 == rows.size();
    flip_bits(
        store, Table::entries, row, whole ? std::nullopt : std::optional<std::size_t>(60),
        [&](const LogReport& report) {
          INFO(lines_of(report));
          CHECK(names(report, fmt::format("entry {}: it is not the leaf that the tree was made of", index_of(row))));
          CHECK(report.findings.count(LogPart::tree) == 0);        // the hashes are right
          CHECK(report.findings.count(LogPart::checkpoint) == 0);  // and signed
        });
  }
  store.check_good();
}

TEST_CASE("every flipped bit of a node is named by that node, and nothing else is") {
  Filled store;
  std::vector<TreeNode> order;
  for (std::uint64_t leaf = 0; leaf < store.rows(Table::entries).size(); ++leaf) {
    order.push_back({0, leaf});
    for (std::uint64_t bits = leaf; (bits & 1U) != 0; bits >>= 1U) {
      order.push_back({order.back().level + 1, order.back().index >> 1U});
    }
  }
  const auto rows = store.rows(Table::nodes);
  REQUIRE(rows.size() == order.size());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    flip_bits(store, Table::nodes, rows[i], i % 5 == 0 ? std::nullopt : std::optional<std::size_t>(8),
              [&](const LogReport& report) {
                INFO(lines_of(report));
                CHECK(report.findings.total() == 1);
                CHECK(names(report, fmt::format("node {}/{} is not", order[i].level, order[i].index)));
              });
  }
  store.check_good();
}

TEST_CASE("every flipped bit of a claim is named by the entry that claimed it") {
  Filled store;
  for (const CheckedStore::Row& row : store.rows(Table::claims)) {
    const auto record = decode_claim(index_of(row), row.value);
    REQUIRE(record.has_value());
    flip_bits(store, Table::claims, row, std::nullopt, [&](const LogReport& report) {
      INFO(lines_of(report));
      CHECK(report.findings.total() == 1);
      CHECK(
          names(report, fmt::format("the claim of entry {} (nonce ", record->first_index), "is not as it was written"));
    });
  }
  store.check_good();
}

TEST_CASE("every flipped bit of a result is named by its entry") {
  Filled store;
  for (const CheckedStore::Row& row : store.rows(Table::results)) {
    const std::uint64_t index = index_of(row);
    flip_bits(store, Table::results, row, std::nullopt, [&](const LogReport& report) {
      INFO(lines_of(report));
      CHECK(report.findings.total() == report.findings.count(LogPart::results));
      CHECK(names(report, fmt::format("the result of entry {} (nonce ", index)));
    });
  }
}

TEST_CASE("every flipped bit of a row of keys is named by the entry that it leads to") {
  Filled store;
  for (const auto& [table, name] : {std::pair{Table::nonces, "the nonce"}, std::pair{Table::approvals, "the approval"},
                                    std::pair{Table::executions, "the id"}}) {
    const auto rows = store.rows(table);
    CHECK(!rows.empty());
    CHECK(rows.size() < store.rows(Table::claims).size());  // the rest is in memory
    for (const CheckedStore::Row& row : rows) {
      flip_bits(store, table, row, std::nullopt, [&](const LogReport& report) {
        INFO(lines_of(report));
        CHECK(report.findings.total() == 1);
        CHECK(names(report, fmt::format("{} of entry ", name), "leads to another entry"));
      });
    }
  }
}

TEST_CASE("every flipped bit of an approval as presented is named by the entry that used it") {
  Filled store;
  CHECK(store.rows(Table::presented).size() == 6);
  for (const CheckedStore::Row& row : store.rows(Table::presented)) {
    flip_bits(store, Table::presented, row, 100, [&](const LogReport& report) {
      INFO(lines_of(report));
      CHECK(report.findings.total() == 1);
      CHECK(names(report, fmt::format("the approval of entry {} (nonce ", index_of(row)), "as it was presented"));
    });
  }
}

TEST_CASE("every flipped bit of how far keys are merged is named") {
  Filled store;
  const auto rows = store.rows(Table::meta);
  const auto progress = std::ranges::find(rows, "key_progress", &CheckedStore::Row::key);
  REQUIRE(progress != rows.end());
  flip_bits(store, Table::meta, *progress, std::nullopt,
            [&](const LogReport& report) { CHECK(names(report, "its key_progress cannot be read")); });
}

TEST_CASE("every row that is missing is named") {
  Filled store;
  constexpr std::pair<Table, std::string_view> tables[] = {{Table::entries, "entry"},
                                                           {Table::nodes, "node"},
                                                           {Table::claims, "the claim of"},
                                                           {Table::results, "the result of"},
                                                           {Table::open, "entry 11"},
                                                           {Table::approvals, "not found by its key"},
                                                           {Table::executions, "not found by its key"},
                                                           {Table::checkpoints, "no checkpoint"},
                                                           {Table::presented, "as it was presented"}};
  for (const auto& [table, name] : tables) {
    for (const CheckedStore::Row& row : store.rows(table)) {
      INFO(table_names[static_cast<std::size_t>(table)] << " " << to_hex(bytes_of(row.key)));
      store.erase(table, row.key);
      const LogReport report = store.check();
      INFO(lines_of(report));
      CHECK(names(report, name));
      if (table == Table::entries) {
        CHECK(names(report, fmt::format("entry {} is missing", index_of(row))));
        CHECK(report.findings.total() == 1);
      }
      if (table == Table::nodes) {
        CHECK(report.findings.total() == 1);
        CHECK(names(report, "is missing"));
      }
      store.put(table, row.key, row.value);
    }
  }
  store.check_good();
}

TEST_CASE("every row whose key was changed is named, as missing and as too many") {
  Filled store;
  std::mt19937 random(3);
  for (const Table table : {Table::entries, Table::nodes, Table::claims, Table::results, Table::open, Table::approvals,
                            Table::executions, Table::presented, Table::nonces}) {
    for (const CheckedStore::Row& row : store.rows(table)) {
      const std::string key = flipped(row.key, random() % (row.key.size() * 8));
      bool is_taken = false;
      for (const CheckedStore::Row& other : store.rows(table)) {
        is_taken = is_taken || other.key == key;
      }
      if (is_taken) {
        continue;
      }
      with_row(store, table, row, {key, row.value}, [&] {
        const LogReport report = store.check();
        INFO(table_names[static_cast<std::size_t>(table)] << "\n" << lines_of(report));
        CHECK(report.findings.total() >= 2);
      });
    }
  }
  store.check_good();
}

TEST_CASE("every row that was added is named") {
  Filled store;
  const auto claim = store.rows(Table::claims).front();
  const auto nonce = store.rows(Table::nonces).front();
  const auto result = store.rows(Table::results).front();
  const auto approval = store.rows(Table::approvals).front();
  const std::string past = to_big_endian(std::uint64_t{1000});
  struct Added {
    Table table;
    std::string key;
    std::string value;
    std::string_view part;
  };
  const Added all[] = {
      {Table::meta, "halted", "x", "table meta has a row that is none"},
      {Table::claims, past, claim.value, "a claim of entry 1000, which claimed nothing"},
      {Table::nonces, std::string(32, '\7'), past, "the nonce 0707"},
      {Table::nonces, "short", "", "the nonce 73686f7274 belongs to no entry"},
      {Table::claims, "short", "", "the claim 73686f7274 belongs to no entry"},
      {Table::open, nonce.key, to_big_endian(std::uint64_t{0}), "has an outcome, and is among what runs now"},
      {Table::open, std::string(32, '\7'), to_big_endian(std::uint64_t{0}),
       "is among what runs now, and belongs to no"},
      {Table::approvals, std::string(32, '\7'), approval.value, "the approval 0707"},
      {Table::results, "short", result.value, "the result 73686f7274 belongs to no entry"},
      {Table::results, past, result.value, "a result of entry 1000, which is none of an execution"},
      {Table::presented, "short", "", "the approval 73686f7274 as presented"},
      {Table::presented, past, "", "an approval of entry 1000, which used none"},
      {Table::entries, past, "{}", "entries 12 to 999"},
      {Table::entries, "short", "{}", "a row of table entries is none"},
      {Table::executions, std::string(16, '\7'), past, "the id 0707"},
      {Table::nodes, past, std::string(32, '\7'), "past the log's end"},
      {Table::nodes, "short", std::string(32, '\7'), "no"},
      {Table::checkpoints, "older", "x", "table checkpoints has a row that is none"},
  };
  for (const Added& added : all) {
    store.put(added.table, added.key, added.value);
    const LogReport report = store.check();
    INFO(lines_of(report));
    CHECK(names(report, added.part));
    CHECK_FALSE(report.ok());
    store.erase(added.table, added.key);
  }
  store.check_good();
}

TEST_CASE("rows that were swapped are named") {
  Filled store;
  for (const Table table : {Table::entries, Table::nodes, Table::claims, Table::results, Table::approvals,
                            Table::presented, Table::nonces, Table::executions}) {
    const auto rows = store.rows(table);
    for (std::size_t i = 1; i < rows.size(); ++i) {
      store.put(table, rows[i].key, rows[i - 1].value);
      store.put(table, rows[i - 1].key, rows[i].value);
      const LogReport report = store.check();
      INFO(table_names[static_cast<std::size_t>(table)] << "\n" << lines_of(report));
      CHECK(report.findings.total() >= 2);
      store.put(table, rows[i].key, rows[i].value);
      store.put(table, rows[i - 1].key, rows[i - 1].value);
    }
  }
  store.check_good();
}

TEST_CASE("an entry that was rewritten with its whole path of hashes is caught by the checkpoint") {
  Filled store;
  const auto entries = store.rows(Table::entries);
  std::string leaf = entries[1].value;  // denied: no table tells of it
  leaf.replace(leaf.find("\"uid\":1000"), 10, "\"uid\":1001");
  store.put(Table::entries, entries[1].key, leaf);
  TreeEdge tree;
  std::uint64_t position = 0;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    tree.append(leaf_hash(i == 1 ? leaf : entries[i].value),
                [&](const Hash& node) { store.put(Table::nodes, to_big_endian(position++), text_of(node.view())); });
  }
  const LogReport report = store.check();
  INFO(lines_of(report));
  CHECK(report.findings.total() == 1);
  CHECK(names(report, "the latest checkpoint signs another root"));
}

TEST_CASE("the log's key decides over the checkpoint, and one that was given over the store's own") {
  Filled store;
  StoreCheckRules rules;
  rules.trust.log = test::log_signer().key();
  CHECK(store.check_good(rules).log_key_given);
  CHECK_FALSE(store.check().log_key_given);
  rules.trust.log->key.data[0] ^= 1;
  const LogReport other = store.check(rules);
  CHECK(names(other, "that is not the key that you gave"));
  CHECK(other.findings.answer(LogPart::checkpoint) == "no");

  const auto latest = store.rows(Table::checkpoints).front();
  for (std::size_t bit = 0; bit < latest.value.size() * 8; bit += 3) {
    store.put(Table::checkpoints, latest.key, flipped(latest.value, bit));
    CHECK_FALSE(store.check().ok());
  }
}

TEST_CASE("cosigned checkpoints are counted by the keys that were given") {
  Filled store;
  StoreCheckRules rules;
  rules.trust.quorum = 1;
  rules.trust.witnesses = {store.cosign()};
  store.claim("after it", RunResult{ReceiptKind::executed, "{}", 0});
  const LogReport report = store.check_good(rules);
  CHECK(report.cosigned->size == 12);
  REQUIRE(report.cosignatures.size() == 1);
  CHECK(report.cosignatures[0].witness == "audit.example/w1");

  rules.trust.witnesses.push_back(rules.trust.witnesses[0]);
  rules.trust.quorum = 2;
  CHECK(names(store.check(rules), "1 of 1 witnesses cosigned, and 2 are wanted"));
  rules.trust.quorum = 1;
  rules.trust.witnesses = {rules.trust.witnesses[0]};
  rules.trust.witnesses[0].key.data[5] ^= 1;
  CHECK(names(store.check(rules), "0 of 1 witnesses cosigned"));

  rules = {};
  const auto rows = store.rows(Table::checkpoints);
  store.put(Table::checkpoints, "cosigned", rows.at(1).value);  // the later note in place of the cosigned one
  store.put(Table::checkpoints, "latest", rows.at(0).value);
  CHECK(names(store.check(rules), "signs 12 of 13 entries: entry 12 was added without it"));
}

TEST_CASE("a store behind its high-water mark is named as an older copy") {
  Filled store;
  const LogReport now = store.check();
  StoreCheckRules rules;
  rules.high_water = now.checkpoint;
  CHECK(store.check_good(rules).findings.answer(LogPart::high_water) == "yes");
  rules.high_water->size = 13;
  CHECK(names(store.check(rules), "had 13 entries before, and has 12"));
  rules.high_water->size = 12;
  rules.high_water->root.data[0] ^= 1;
  CHECK(names(store.check(rules), "are not those that the log had before"));
  rules.high_water->origin = "elsewhere";
  CHECK(names(store.check(rules), "the high-water file is of the log elsewhere"));
}

TEST_CASE("a start without an outcome must be among what runs") {
  Filled store;
  store.erase(Table::open, store.rows(Table::open).front().key);
  const LogReport report = store.check();
  CHECK(names(report, "entry 11 (nonce \"running\") has no outcome, and is not among what runs now"));
}

TEST_CASE("only the first problems are listed, and all are counted") {
  Filled store;
  for (const CheckedStore::Row& row : store.rows(Table::nodes)) {
    store.erase(Table::nodes, row.key);
  }
  for (int i = 0; i < 200; ++i) {
    store.put(Table::open, fmt::format("{:032}", i), "x");
  }
  const LogReport report = store.check();
  CHECK(report.findings.problems().size() == limits::log_problems_max);
  CHECK(report.findings.total() >= 200);
}

}  // namespace
}  // namespace openexec
