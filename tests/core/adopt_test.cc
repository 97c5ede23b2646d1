// SPDX-License-Identifier: Apache-2.0
#include "daemon/core/adopt.h"

#include <array>

#include "daemon/core/claims.h"
#include "daemon/core/receipt_log.h"
#include "daemon/core/recovery.h"
#include "proto-json/execution_id.h"
#include "tests/core/checked_store.h"
#include "tests/support/catch.h"

namespace openexec {
namespace {

using test::CheckedStore;

NoteSigner signer(std::uint64_t epoch, std::uint8_t byte = 40) {
  std::array<std::uint8_t, SecretKey::seed_bytes> seed{};
  seed.fill(static_cast<std::uint8_t>(byte + epoch));
  SecretKey key = SecretKey::from_seed(seed);
  std::string name = epoch_name(test::origin, epoch, key.public_key());
  return {std::move(name), NoteKeyType::ed25519, std::move(key)};
}

// A store on disk that was filled and closed, so that it can be opened to be changed.
struct Closed {
  test::TempDir dir;
  UtcTime now;

  Closed() {
    CheckedStore filled;
    filled.fill();
    filled.cosign();
    now = plus_s(filled.now(), 60);
    test::copy_store(filled.store(), dir.path());
  }
  [[nodiscard]] std::unique_ptr<Store> open() const {
    auto store = Store::open_to_change(dir.path().string());
    INFO((store ? std::string() : store.error()));
    REQUIRE(store.has_value());
    return *std::move(store);
  }
  [[nodiscard]] Adoption adopted(std::uint64_t epoch) const {
    const auto store = open();
    const auto done = adopt(*store, signer(epoch), now);
    INFO((done ? std::string() : done.error().message));
    REQUIRE(done.has_value());
    return *done;
  }
};

LogReport check(const Store& store, const StoreCheckRules& rules = {}) {
  return check_store(store, rules, [](std::string_view, std::uint64_t, std::uint64_t) {});
}

TEST_CASE("an adopted store has a new epoch, name and key, and a checkpoint of its whole log by that key") {
  const Closed closed;
  const Adoption adoption = closed.adopted(2);
  CHECK(adoption.epoch == 2);
  CHECK(adoption.log.origin == signer(2).key().name);
  CHECK(adoption.log.origin.starts_with(std::string(test::origin) + "/epoch-2-"));
  CHECK(adoption.log.size == 13);

  const auto store = closed.open();
  CHECK(store->epoch() == 2);
  CHECK(store->origin() == adoption.log.origin);
  StoreCheckRules rules;
  rules.trust.log = signer(2).key();
  rules.high_water = adoption.log;
  const LogReport report = check(*store, rules);
  INFO(test::lines_of(report));
  CHECK(report.ok());
  CHECK(report.checkpoint == adoption.log);
  CHECK_FALSE(report.cosigned.has_value());  // it was of the log under its old name

  const auto txn = store->read();
  REQUIRE(txn.has_value());
  CHECK(log_key(*txn).value() == to_vkey(signer(2).key()));
  const auto leaf = read_leaf(leaf_at(*txn, 12).value().value());
  REQUIRE(leaf.has_value());
  const auto* change = std::get_if<AdminChange>(&*leaf);
  REQUIRE(change != nullptr);
  CHECK(change->epoch == 2);
  CHECK(change->log_key == to_vkey(signer(2).key()));
  CHECK(change->tenant_id == std::string(test::tenant));
}

TEST_CASE("an approval that may have been used in what was forgotten is refused, and a later one is taken") {
  const Closed closed;
  const Adoption adoption = closed.adopted(2);
  // Whatever was used before now was issued, at the latest, ahead of now by the largest skew.
  CHECK(adoption.approvals_floor == plus_s(closed.now, limits::clock_skew_s_max));
  const auto store = closed.open();
  const auto txn = store->read();
  REQUIRE(txn.has_value());
  const ApprovalKey key = approval_key(test::tenant, "67203e9d-7af3-4cec-b702-b95666250bff");
  const UtcTime floor = adoption.approvals_floor;
  const auto before = approval_objection(*txn, {key, {floor.us - 1}, plus_s(floor, 60)});
  REQUIRE(before.has_value());
  REQUIRE(before->has_value());
  CHECK((*before)->reason == Reason::approval_expired);
  CHECK(approval_objection(*txn, {key, floor, plus_s(floor, 60)}).value() == std::nullopt);
}

TEST_CASE("a clock that is behind the store does not lower the floor of approvals") {
  const Closed closed;
  const auto store = closed.open();
  const auto seen = time_in_meta(*store->read(), "clock_floor").value().value();
  const auto done = adopt(*store, signer(2), plus_s(seen, -3600));
  REQUIRE(done.has_value());
  CHECK(done->approvals_floor == plus_s(seen, limits::clock_skew_s_max));
}

TEST_CASE("what ran in the copy is unknown once a daemon starts on it") {
  const Closed closed;
  const Adoption adoption = closed.adopted(2);
  const auto store = closed.open();
  const auto recovered = recover(*store, signer(2), plus_s(closed.now, 5), {});
  INFO((recovered ? std::string() : recovered.error().message));
  REQUIRE(recovered.has_value());
  CHECK(recovered->closed == 1);
  CHECK(recovered->log.size == adoption.log.size + 1);
  const LogReport report = check(*store);
  INFO(test::lines_of(report));
  CHECK(report.ok());
  CHECK(report.running == 0);
}

TEST_CASE("the key of the epoch before does not open an adopted log") {
  const Closed closed;
  static_cast<void>(closed.adopted(2));
  const auto store = closed.open();
  CHECK_FALSE(recover(*store, test::log_signer(), closed.now, {}).has_value());
  CHECK_FALSE(recover(*store, signer(2, 99), closed.now, {}).has_value());
}

TEST_CASE("a store can be adopted again and again, and each epoch follows the one before") {
  const Closed closed;
  for (std::uint64_t epoch = 2; epoch <= 4; ++epoch) {
    CHECK(closed.adopted(epoch).epoch == epoch);
    const auto store = closed.open();
    const LogReport report = check(*store);
    INFO(test::lines_of(report));
    CHECK(report.ok());
    const auto latest = latest_adoption(*store);
    REQUIRE(latest.has_value());
    REQUIRE(latest->has_value());
    CHECK((*latest)->epoch == epoch);
  }
}

TEST_CASE("the latest adoption is one only while nothing came after it") {
  const Closed closed;
  CHECK_FALSE(latest_adoption(*closed.open()).value().has_value());
  static_cast<void>(closed.adopted(2));
  const auto store = closed.open();
  CHECK(latest_adoption(*store).value().has_value());
  REQUIRE(recover(*store, signer(2), closed.now, {}).has_value());
  CHECK_FALSE(latest_adoption(*store).value().has_value());
}

TEST_CASE("an epoch or key in meta that the log does not tell of is found") {
  const Closed closed;
  static_cast<void>(closed.adopted(2));
  {
    const auto store = closed.open();
    auto txn = store->write();
    REQUIRE(txn.has_value());
    REQUIRE(put_log_key(*txn, to_vkey(signer(2, 99).key())).has_value());
    REQUIRE(txn->commit().has_value());
  }
  const LogReport report = check(*closed.open());
  CHECK(test::names(report, "entry 12 gives the log another name or key than the store has"));
}

}  // namespace
}  // namespace openexec
