// SPDX-License-Identifier: Apache-2.0
#include "daemon/core/claims.h"

#include "daemon/core/big_endian.h"
#include "proto-json/crypto.h"
#include "proto-json/encoding.h"
#include "tests/core/world.h"
#include "tests/support/catch.h"

namespace openexec {
namespace {

template <typename Fixed>
Fixed filled(std::uint8_t byte) {
  Fixed out;
  out.data.fill(byte);
  return out;
}

const ClaimKey key = filled<ClaimKey>(1);
const Hash fingerprint = filled<Hash>(3);

constexpr std::uint64_t first_index = 7;

ClaimRecord record(ClaimState state) {
  return {first_index, state, key, filled<ApprovalKey>(5), filled<ExecutionId>(2), fingerprint, 9};
}

StoredOutcome outcome() { return {{ReceiptKind::timed_out, R"({"a": 1})", 1234}, test::noon(), 9, filled<Hash>(6)}; }

std::string encoded(const StoredOutcome& of) { return encode_result(of.at, of.receipt, of.run); }

// A store with that claim and, unless it is empty, that result.
std::unique_ptr<Store> store_with(const test::TempDir& dir, std::string_view claim, std::string_view result) {
  auto store = test::open_store(test::store_options(test::demo_policy(), dir));
  auto txn = store->write();
  REQUIRE(txn.has_value());
  const std::string index = to_big_endian(first_index);
  REQUIRE(txn->put(Table::claims, index, claim).has_value());
  REQUIRE(txn->put(Table::nonces, text_of(key.view()), index).has_value());
  if (!result.empty()) {
    REQUIRE(txn->put(Table::results, to_big_endian(std::uint64_t{9}), result).has_value());
  }
  REQUIRE(txn->commit().has_value());
  return store;
}

TEST_CASE("a claim that is written reads back the same, in each state") {
  for (const ClaimState state : {ClaimState::running, ClaimState::finished, ClaimState::unknown}) {
    ClaimRecord written = record(state);
    for (const std::size_t bytes : {130U, 98U}) {
      const auto read = decode_claim(first_index, encode(written));
      REQUIRE(read.has_value());
      CHECK(encode(written).size() == bytes);
      CHECK(read->state == state);
      CHECK(read->key == key);
      CHECK(read->approval == written.approval);
      CHECK(read->id == filled<ExecutionId>(2));
      CHECK(read->fingerprint == fingerprint);
      CHECK(read->first_index == first_index);
      CHECK(read->index == 9);
      written.approval.reset();
    }
  }
}

TEST_CASE("the layout of a stored claim is fixed") {
  const std::string fields = std::string("\x02\x01") + std::string(32, '\x01') + std::string(32, '\x05') +
                             std::string(16, '\x02') + std::string(32, '\x03') + to_big_endian(std::uint64_t{9});
  const std::string check(text_of(sha256(to_big_endian(first_index) + fields).view()).substr(0, 8));
  CHECK(encode(record(ClaimState::finished)) == fields + check);
}

TEST_CASE("a claim cut short, too long, in no state or of another entry is damage and no claim") {
  const std::string bytes = encode(record(ClaimState::running));
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    CHECK_FALSE(decode_claim(first_index, bytes.substr(0, size)).has_value());
  }
  CHECK_FALSE(decode_claim(first_index, bytes + '\0').has_value());
  CHECK_FALSE(decode_claim(first_index + 1, bytes).has_value());
  for (const char state : {'\0', '\4', '\xff'}) {
    const auto read = decode_claim(first_index, state + bytes.substr(1));
    REQUIRE_FALSE(read.has_value());
    CHECK(read.error().message == "the store is damaged: the claim of entry 7 cannot be read");
  }
}

TEST_CASE("a result that is written reads back the same") {
  for (const ReceiptKind status : {ReceiptKind::executed, ReceiptKind::failed, ReceiptKind::timed_out}) {
    StoredOutcome written = outcome();
    written.run.status = status;
    const auto read = decode_result(9, encoded(written));
    REQUIRE(read.has_value());
    CHECK(read->run.status == status);
    CHECK(read->run.result == written.run.result);
    CHECK(read->run.duration_us == 1234);
    CHECK(read->at == test::noon());
    CHECK(read->index == 9);
    CHECK(read->receipt == filled<Hash>(6));
  }
}

TEST_CASE("an approval is kept byte for byte as it was presented") {
  const test::TempDir dir;
  const auto store = test::open_store(test::store_options(test::demo_policy(), dir));
  auto txn = store->write();
  REQUIRE(txn.has_value());
  REQUIRE(put_presented(*txn, first_index, R"({"a":"b"})").has_value());
  CHECK(presented_at(*txn, first_index).value() == R"({"a":"b"})");
  CHECK_FALSE(presented_at(*txn, first_index + 1).value().has_value());
}

TEST_CASE("one flipped bit anywhere in a claim is damage, and its entry is named") {
  const std::string bytes = encode(record(ClaimState::finished));
  for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    std::string bad = bytes;
    bad[bit / 8] = static_cast<char>(static_cast<unsigned char>(bad[bit / 8]) ^ (1U << (bit % 8)));
    const auto read = decode_claim(first_index, bad);
    REQUIRE_FALSE(read.has_value());
    CHECK(read.error().message.find("entry 7") != std::string::npos);
  }
}

TEST_CASE("a claim is found by its nonce, its approval and its id, in the transaction that adds it and after") {
  const test::TempDir dir;
  const auto store = test::open_store(test::store_options(test::demo_policy(), dir));
  auto txn = store->write();
  REQUIRE(txn.has_value());
  REQUIRE(add_claim(*txn, record(ClaimState::running)).has_value());
  const auto check_found = [](const ReadTxn& in) {
    CHECK(find_claim(in, key).value().value().first_index == first_index);
    CHECK(find_claim(in, filled<ApprovalKey>(5)).value().value().first_index == first_index);
    CHECK(find_claim(in, filled<ExecutionId>(2)).value().value().first_index == first_index);
    CHECK_FALSE(find_claim(in, filled<ClaimKey>(2)).value().has_value());
    CHECK_FALSE(find_claim(in, filled<ApprovalKey>(1)).value().has_value());
    CHECK_FALSE(find_claim(in, filled<ExecutionId>(5)).value().has_value());
  };
  check_found(*txn);
  const auto change = store->keys().committed({}, txn->take_keys(), 1);
  REQUIRE(txn->commit().has_value());
  check_found(store->write().value());
  store->publish(change);
  check_found(store->read().value());
}

TEST_CASE("a key that leads to no claim, or to another's, is damage and not an unknown key") {
  const test::TempDir dir;
  const auto store = store_with(dir, encode(record(ClaimState::running)), "");
  auto txn = store->write();
  REQUIRE(txn.has_value());
  const std::string other(text_of(filled<ClaimKey>(9).view()));
  for (const std::string& value : {to_big_endian(first_index), to_big_endian(first_index + 1), std::string("x")}) {
    REQUIRE(txn->put(Table::nonces, other, value).has_value());
    const auto found = find_claim(*txn, filled<ClaimKey>(9));
    REQUIRE_FALSE(found.has_value());
    CHECK(found.error().message.starts_with("the store is damaged: "));
  }
}

TEST_CASE("a result cut short in its fixed part is damage and no result") {
  const std::string bytes = encoded(outcome());
  for (std::size_t size = 0; size < 17 + Hash::size_bytes; ++size) {
    CHECK_FALSE(decode_result(9, bytes.substr(0, size)).has_value());
  }
}

TEST_CASE("a result with a status, a time, or a duration that nobody wrote is damage") {
  const std::string bytes = encoded(outcome());
  CHECK_FALSE(decode_result(9, '\3' + bytes.substr(1)).has_value());
  constexpr std::size_t at = 1;
  constexpr std::size_t duration = 9;
  for (const std::size_t field : {at, duration}) {
    std::string bad = bytes;
    bad[field] = '\x7f';
    if (field != duration) {
      CHECK_FALSE(decode_result(9, bad).has_value());
    }
    bad[field] = '\xff';
    CHECK_FALSE(decode_result(9, bad).has_value());
  }
}

TEST_CASE("only a time that can be written as text is a stored time") {
  const std::int64_t last = from_text("9999-12-31T23:59:59.999999Z")->us;
  CHECK(stored_time(0) == UtcTime{0});
  CHECK(stored_time(static_cast<std::uint64_t>(last)) == UtcTime{last});
  CHECK_FALSE(stored_time(static_cast<std::uint64_t>(last) + 1).has_value());
  CHECK_FALSE(stored_time(~std::uint64_t{0}).has_value());
}

TEST_CASE("a nonce that was never claimed is not known") {
  const test::TempDir dir;
  const auto store = test::open_store(test::store_options(test::demo_policy(), dir));
  const auto txn = store->read();
  REQUIRE(txn.has_value());
  CHECK_FALSE(find_claim(*txn, key).value().has_value());
  CHECK_FALSE(known_claim(*txn, key, fingerprint).value().has_value());
  CHECK_FALSE(find_claim(*txn, filled<ApprovalKey>(1)).value().has_value());
}

TEST_CASE("only the same request sees what a claim came to") {
  const test::TempDir dir;
  const auto store = store_with(dir, encode(record(ClaimState::finished)), encoded(outcome()));
  const auto txn = store->read();
  REQUIRE(txn.has_value());
  const auto same = known_claim(*txn, key, fingerprint);
  REQUIRE((same.has_value() && same->has_value()));
  CHECK((*same)->same_request);
  CHECK((*same)->state == ClaimState::finished);
  CHECK((*same)->index == 9);
  REQUIRE((*same)->outcome.has_value());
  CHECK((*same)->outcome->run.result == outcome().run.result);

  const auto other = known_claim(*txn, key, filled<Hash>(4));
  REQUIRE((other.has_value() && other->has_value()));
  CHECK_FALSE((*other)->same_request);
  CHECK_FALSE((*other)->outcome.has_value());
}

TEST_CASE("a claim that runs or is unknown has no outcome") {
  for (const ClaimState state : {ClaimState::running, ClaimState::unknown}) {
    const test::TempDir dir;
    const auto store = store_with(dir, encode(record(state)), "");
    const auto txn = store->read();
    REQUIRE(txn.has_value());
    const auto known = known_claim(*txn, key, fingerprint);
    REQUIRE((known.has_value() && known->has_value()));
    CHECK((*known)->state == state);
    CHECK_FALSE((*known)->outcome.has_value());
  }
}

TEST_CASE("damage to a claim or to its result is an error and not an unknown nonce") {
  const std::string finished = encode(record(ClaimState::finished));
  for (const auto& [claim, result] :
       {std::pair<std::string, std::string>{"garbage", ""}, {finished, ""}, {finished, "garbage"}}) {
    const test::TempDir dir;
    const auto store = store_with(dir, claim, result);
    const auto txn = store->read();
    REQUIRE(txn.has_value());
    const auto known = known_claim(*txn, key, fingerprint);
    REQUIRE_FALSE(known.has_value());
    CHECK(known.error().message.starts_with("the store is damaged: "));
  }
}

}  // namespace
}  // namespace openexec
