// SPDX-License-Identifier: Apache-2.0
#include "daemon/core/recovery.h"

#include "daemon/core/big_endian.h"
#include "daemon/core/claims.h"
#include "daemon/core/commit.h"
#include "daemon/core/log_tree.h"
#include "daemon/core/receipt_log.h"
#include "tests/core/world.h"
#include "tests/support/catch.h"

namespace openexec {
namespace {

using test::noon;

std::shared_ptr<const Attempt> attempt(std::string_view nonce) {
  ExecuteRequest request = test::approved(test::request("test.effect", "{}", nonce));
  request.trace_id = "trace";
  return std::make_shared<const Attempt>(test::attempt_of(test::clawshield_policy(), request));
}

struct Fixture {
  test::TempDir dir;
  std::unique_ptr<Store> store = test::open_store(test::store_options(test::clawshield_policy(), dir));

  void claim(const std::shared_ptr<const Attempt>& attempt) const {
    const Op op = Claim{attempt, std::nullopt, nullptr};
    const auto committed = commit_ops(*store, test::log_signer(), {}, noon(), {&op, 1});
    REQUIRE(committed.has_value());
    store->publish(committed->keys);
  }
  [[nodiscard]] ClaimRecord record(const Attempt& attempt) const {
    const auto txn = store->read();
    REQUIRE(txn.has_value());
    return find_claim(*txn, attempt.claim_key).value().value();
  }
  void put(Table table, std::string_view key, std::string_view value) const {
    auto txn = store->write();
    REQUIRE(txn.has_value());
    REQUIRE(txn->put(table, key, value).has_value());
    REQUIRE(txn->commit().has_value());
  }
};

std::size_t recovered(const Fixture& f, UtcTime now, const std::vector<ClaimKey>& live) {
  const auto done = recover(*f.store, test::log_signer(), now, live);
  INFO((done ? std::string() : done.error().message));
  REQUIRE(done.has_value());
  const auto txn = f.store->read();
  REQUIRE(txn.has_value());
  CHECK(done->log.size == log_size(*txn).value());
  CHECK(done->log.root == tree_root(*txn, done->log.size).value());
  return done->closed;
}

TEST_CASE("recovery gives each claim without an outcome an unknown entry, once") {
  const Fixture f;
  const auto a = attempt("a");
  const auto b = attempt("b");
  f.claim(a);
  f.claim(b);
  CHECK(recovered(f, plus_s(noon(), 5), {}) == 2U);
  const auto log = test::entries(*f.store);
  REQUIRE(log.size() == 4);
  for (const Receipt& receipt : {log[2], log[3]}) {
    CHECK(receipt.kind == ReceiptKind::unknown);
    CHECK(receipt.at == plus_s(noon(), 5));
    REQUIRE(receipt.started.has_value());
    Receipt expected = log.at(static_cast<std::size_t>(*receipt.started));
    CHECK(expected.kind == ReceiptKind::started);
    expected.kind = ReceiptKind::unknown;
    expected.at = receipt.at;
    expected.started = receipt.started;
    CHECK(receipt == expected);
  }
  CHECK(f.record(*a).state == ClaimState::unknown);
  CHECK(f.record(*a).first_index == 0);
  CHECK(f.record(*b).index >= 2);

  CHECK(recovered(f, plus_s(noon(), 9), {}) == 0U);
  CHECK(test::entries(*f.store).size() == 4);
}

TEST_CASE("recovery leaves alone what still runs in this process, and what has an outcome") {
  const Fixture f;
  const auto lost = attempt("lost");
  const auto live = attempt("live");
  const auto done = attempt("done");
  f.claim(lost);
  f.claim(live);
  f.claim(done);
  const Op op = Outcome{done, std::make_shared<const RunResult>(RunResult{ReceiptKind::failed, "{}", 0})};
  REQUIRE(commit_ops(*f.store, test::log_signer(), {}, noon(), {&op, 1}).has_value());  // claims nothing new

  const std::vector<ClaimKey> keys = {live->claim_key};
  CHECK(recovered(f, noon(), keys) == 1U);
  CHECK(f.record(*lost).state == ClaimState::unknown);
  CHECK(f.record(*live).state == ClaimState::running);
  CHECK(f.record(*done).state == ClaimState::finished);
  CHECK(recovered(f, noon(), {}) == 1U);
  CHECK(f.record(*live).state == ClaimState::unknown);
}

TEST_CASE("recovery always commits something, so that what was in doubt is durable after it") {
  const Fixture f;
  for (std::uint64_t count = 1; count <= 3; ++count) {
    REQUIRE(recover(*f.store, test::log_signer(), noon(), {}).has_value());
    CHECK(f.store->read()->get(Table::meta, "recoveries").value() == to_big_endian(count));
  }
}

TEST_CASE("a new store gets its log's key and a first checkpoint, of no entries") {
  const Fixture f;
  REQUIRE(recover(*f.store, test::log_signer(), noon(), {}).has_value());
  const auto txn = f.store->read();
  REQUIRE(txn.has_value());
  CHECK(log_key(*txn).value() == to_vkey(test::log_signer().key()));
  const auto note = read_note(latest_checkpoint(*txn).value());
  REQUIRE(note.has_value());
  CHECK(open_checkpoint(*note, test::log_signer().key()) == Checkpoint{std::string(test::origin), 0, empty_root()});
}

TEST_CASE("a log that another key signs is not recovered") {
  const Fixture f;
  REQUIRE(recover(*f.store, test::log_signer(), noon(), {}).has_value());
  const NoteSigner other(std::string(test::origin), NoteKeyType::ed25519, test::approver_key());
  const auto refused = recover(*f.store, other, noon(), {});
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().message.find(to_vkey(test::log_signer().key())) != std::string::npos);
  CHECK(refused.error().message.find("log.key") != std::string::npos);
}

TEST_CASE("an open claim that cannot be read stops the recovery, and nothing of it is written") {
  const Fixture f;
  f.claim(attempt("a"));
  const std::string key(text_of(attempt("a")->claim_key.view()));
  SECTION("its key is none") { f.put(Table::open, "\xff", to_big_endian(std::uint64_t{0})); }
  SECTION("its index is none") { f.put(Table::open, key, "x"); }
  SECTION("it points at no entry") { f.put(Table::open, key, to_big_endian(std::uint64_t{9})); }
  SECTION("its claim is garbage") { f.put(Table::claims, to_big_endian(std::uint64_t{0}), "x"); }
  SECTION("its claim is not running") {
    ClaimRecord record = f.record(*attempt("a"));
    record.state = ClaimState::finished;
    f.put(Table::claims, to_big_endian(std::uint64_t{0}), encode(record));
  }
  SECTION("its entry is no receipt") { f.put(Table::entries, to_big_endian(std::uint64_t{0}), "{}"); }
  SECTION("its entry is not that of a start") {
    Receipt other = receipt_of(*attempt("a"), ReceiptKind::denied, noon());
    other.reason = Reason::unknown_action;
    f.put(Table::entries, to_big_endian(std::uint64_t{0}), to_leaf(other));
  }
  const auto result = recover(*f.store, test::log_signer(), noon(), {});
  REQUIRE_FALSE(result.has_value());
  CHECK(result.error().message.starts_with("the store is damaged: "));
  CHECK_FALSE(f.store->read()->get(Table::meta, "recoveries").value().has_value());
}

}  // namespace
}  // namespace openexec
