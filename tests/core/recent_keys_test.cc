// SPDX-License-Identifier: Apache-2.0
#include "daemon/core/recent_keys.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "daemon/core/big_endian.h"
#include "daemon/core/claims.h"
#include "daemon/core/commit.h"
#include "proto-json/execution_id.h"
#include "tests/core/world.h"
#include "tests/support/catch.h"

namespace openexec {
namespace {

constexpr auto any = [](std::uint64_t) { return true; };

TEST_CASE("a prefix is found with each index it was added with, among many others") {
  PrefixMap map;
  std::mt19937_64 random(1);
  std::vector<PrefixMap::Place> added;
  for (std::uint64_t index = 0; index < 5000; ++index) {
    const std::uint64_t prefix = index % 7 == 0 ? 42 : random();  // one has many, as if somebody aimed at it
    map.add(prefix, index);
    added.push_back({prefix, index});
  }
  CHECK(map.size() == added.size());
  for (const PrefixMap::Place& each : added) {
    CHECK(map.find(each.prefix, [&](std::uint64_t index) { return index == each.index; }) == each.index);
  }
  CHECK(map.find(43, any) == PrefixMap::none);
  CHECK(PrefixMap().find(42, any) == PrefixMap::none);

  const auto sorted = map.sorted();
  CHECK(sorted.size() == added.size());
  CHECK(std::ranges::is_sorted(sorted, {}, &PrefixMap::Place::prefix));
}

// A store whose claims are all known to the test.
class Claims {
 public:
  Claims() {
    options_.key_run_min = 20;
    open();
  }

  void close() { store_.reset(); }
  void open() {
    close();
    store_ = test::open_store(options_);
  }
  Store& store() { return *store_; }
  [[nodiscard]] std::uint64_t count() const { return claimed_.size(); }

  // Claims so many in one transaction.
  void claim(std::size_t count) {
    std::vector<Op> ops;
    for (std::size_t i = 0; i < count; ++i) {
      claimed_.push_back(made(claimed_.size()));
      ops.emplace_back(claimed_.back());
    }
    for (const OpResult& result : commit(ops)) {
      CHECK(std::holds_alternative<Recorded>(result));
    }
  }
  std::vector<OpResult> commit(const std::vector<Op>& ops) {
    auto committed = commit_ops(*store_, test::log_signer(), {}, test::noon(), ops);
    REQUIRE(committed.has_value());
    begun_ += committed->keys.run_began ? 1U : 0U;
    ended_ += committed->keys.run_ended ? 1U : 0U;
    store_->publish(committed->keys);
    return std::move(committed->results);
  }
  // The same nonces and approvals again: none is taken.
  void claim_again() {
    for (const Claim& claim : claimed_) {
      CHECK(std::holds_alternative<AlreadyClaimed>(commit({claim}).front()));
      Claim other = made(1'000'000 + claimed_.size());
      other.approval = claim.approval;
      const auto results = commit({other});
      const auto* denied = std::get_if<Denied>(&results.front());
      REQUIRE(denied != nullptr);
      CHECK(denied->error.reason == Reason::approval_used);
    }
  }
  void check_found(const ReadTxn& txn) const {
    for (const Claim& claim : claimed_) {
      const auto by_nonce = find_claim(txn, claim.attempt->claim_key).value();
      const auto by_approval = find_claim(txn, claim.approval->key).value();
      const auto by_id = find_claim(txn, claim.attempt->id).value();
      REQUIRE((by_nonce && by_approval && by_id));
      CHECK(by_nonce->id == claim.attempt->id);
      CHECK(by_approval->first_index == by_nonce->first_index);
      CHECK(by_id->first_index == by_nonce->first_index);
    }
  }
  [[nodiscard]] std::size_t runs_begun() const { return begun_; }
  [[nodiscard]] std::size_t runs_ended() const { return ended_; }

 private:
  static Claim made(std::size_t number) {
    const UtcTime now = test::noon();
    const std::string nonce = fmt::format("n-{}", number);
    auto attempt = std::make_shared<Attempt>(
        test::attempt_of(test::clawshield_policy(), test::request("echo", R"({"a":1})", nonce)));
    const ApprovalKey approval = approval_key("tenant", fmt::format("approval {}", number));
    return {std::move(attempt), ApprovalUse{approval, now, plus_s(now, 60)},
            std::make_shared<const RunResult>(RunResult{ReceiptKind::executed, "{}", 0}), false};
  }

  test::TempDir dir_;
  StoreOptions options_ = test::store_options(test::clawshield_policy(), dir_);
  std::unique_ptr<Store> store_;
  std::vector<Claim> claimed_;
  std::size_t begun_ = 0;
  std::size_t ended_ = 0;
};

TEST_CASE("every claim is found by all its keys at each point of a run, by the writer and by the reader") {
  Claims claims;
  std::mt19937_64 random(2);
  while (claims.count() < 200) {
    claims.claim(1 + random() % 7);
    claims.check_found(claims.store().write().value());
    claims.check_found(claims.store().read().value());
  }
  CHECK(claims.runs_begun() >= 4);
  CHECK(claims.runs_ended() + 1 >= claims.runs_begun());
}

std::uint64_t indexed(Claims& claims) { return key_progress(claims.store().read().value()).value().indexed; }

TEST_CASE("every claim is found after the store was opened again, wherever its run had got to") {
  Claims claims;
  std::mt19937_64 random(3);
  while (claims.count() < 150) {
    claims.claim(1 + random() % 3);
    claims.open();
    claims.check_found(claims.store().write().value());
    claims.check_found(claims.store().read().value());
  }
  claims.claim_again();
}

TEST_CASE("a run goes on where it was when the store was opened again, so that short lives end runs, too") {
  Claims claims;
  for (int life = 0; life < 60; ++life) {
    for (int i = 0; i < 4; ++i) {
      claims.claim(1);
    }
    claims.open();
    claims.check_found(claims.store().read().value());
  }
  CHECK(claims.count() == 240);
  CHECK(indexed(claims) >= claims.count() - 60);
}

TEST_CASE("how far keys are merged is stored with a check: one flipped bit keeps the store from being opened") {
  Claims claims;
  while (indexed(claims) == 0) {
    claims.claim(5);
  }
  const StoreOptions options = claims.store().options();
  const std::string good(claims.store().read()->get(Table::meta, "key_progress").value().value());
  for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
    std::string bad = good;
    bad[bit / 8] = static_cast<char>(static_cast<unsigned char>(bad[bit / 8]) ^ (1U << (bit % 8)));
    auto txn = claims.store().write();
    REQUIRE(txn->put(Table::meta, "key_progress", bad).has_value());
    const auto read = key_progress(*txn);
    REQUIRE_FALSE(read.has_value());
    CHECK(read.error().message == "the store is damaged: its key_progress cannot be read");
  }
  auto txn = claims.store().write();
  REQUIRE(txn->put(Table::meta, "key_progress", good.substr(1)).has_value());
  REQUIRE(txn->commit().has_value());
  claims.close();
  CHECK_FALSE(Store::open(options).has_value());
}

TEST_CASE("no nonce and no approval is taken twice while their keys are merged") {
  Claims claims;
  for (int i = 0; i < 12; ++i) {
    claims.claim(5);
    claims.claim_again();
  }
  CHECK(claims.runs_ended() >= 2);
}

TEST_CASE("a run ends before the next is due, however small the commits are") {
  Claims claims;
  while (claims.count() < 300) {
    claims.claim(1);
    CHECK(claims.runs_begun() - claims.runs_ended() <= 1);
  }
  const auto txn = claims.store().read();
  CHECK(txn->count(Table::nonces).value() >= indexed(claims));  // each entry is a claim's here
  CHECK(claims.count() - indexed(claims) <= 40);
}

TEST_CASE("a run grows with what is stored, up to its bound") {
  KeyMerger merger(20, 7);
  std::uint64_t index = 0;
  const auto claims_until_run = [&](std::uint64_t stored) {
    std::size_t count = 0;
    while (true) {
      const auto change = merger.committed(merger.next_slice(1), {{index++, false, {index, 0, ~index}}}, stored);
      ++count;
      if (change.run_began) {
        return count;
      }
    }
  };
  CHECK(claims_until_run(0) == 20);
  CHECK(claims_until_run(100 * limits::key_run_share) == 100);
  CHECK(claims_until_run(~std::uint64_t{0}) == limits::key_run_max);
}

TEST_CASE("a claim that cannot be read keeps a store from being opened, since its nonce cannot be known") {
  Claims claims;
  claims.claim(3);
  {
    auto txn = claims.store().write();
    REQUIRE(txn->put(Table::claims, to_big_endian(std::uint64_t{1}), "x").has_value());
    REQUIRE(txn->commit().has_value());
  }
  const StoreOptions options = claims.store().options();
  claims.close();
  const auto opened = Store::open(options);
  REQUIRE_FALSE(opened.has_value());
  CHECK(opened.error().find("the claim of entry 1 cannot be read") != std::string::npos);
  CHECK(opened.error().find("openexec store adopt") != std::string::npos);
}

}  // namespace
}  // namespace openexec
