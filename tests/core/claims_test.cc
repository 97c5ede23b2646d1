// SPDX-License-Identifier: Apache-2.0
#include "daemon/core/claims.h"

#include "daemon/core/big_endian.h"
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

ClaimRecord record(ClaimState state) { return {state, filled<ExecutionId>(2), fingerprint, 7, 9}; }

StoredOutcome outcome() { return {{ReceiptKind::timed_out, R"({"a": 1})", 1234}, test::noon(), 9}; }

// A store with that claim and, unless it is empty, that result.
std::unique_ptr<Store> store_with(const test::TempDir& dir, std::string_view claim, std::string_view result) {
  auto store = test::open_store(test::store_options(test::demo_policy(), dir));
  auto txn = store->write();
  REQUIRE(txn.has_value());
  REQUIRE(txn->put(Table::claims, text_of(key.view()), claim).has_value());
  if (!result.empty()) {
    REQUIRE(txn->put(Table::results, text_of(key.view()), result).has_value());
  }
  REQUIRE(txn->commit().has_value());
  return store;
}

TEST_CASE("a claim that is written reads back the same, in each state") {
  for (const ClaimState state : {ClaimState::running, ClaimState::finished, ClaimState::unknown}) {
    const std::string bytes = encode(key, record(state));
    CHECK(bytes.size() == claim_record_bytes);
    const auto read = decode_claim(key, bytes);
    REQUIRE(read.has_value());
    CHECK(read->state == state);
    CHECK(read->id == filled<ExecutionId>(2));
    CHECK(read->fingerprint == fingerprint);
    CHECK(read->first_index == 7);
    CHECK(read->index == 9);
  }
}

TEST_CASE("the layout of a stored claim is fixed") {
  const std::string check =
      "\x91\xd9\xa0\x3d\x77\x1c\x12\x17";  // of SHA-256 over 32 times 01 and what stands before it
  CHECK(encode(key, record(ClaimState::finished)) == std::string("\x02") + std::string(16, '\x02') +
                                                         std::string(32, '\x03') + to_big_endian(std::uint64_t{7}) +
                                                         to_big_endian(std::uint64_t{9}) + check);
}

TEST_CASE("a claim cut short, too long or in no state is damage and no claim") {
  const std::string bytes = encode(key, record(ClaimState::running));
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    CHECK_FALSE(decode_claim(key, bytes.substr(0, size)).has_value());
  }
  CHECK_FALSE(decode_claim(key, bytes + '\0').has_value());
  for (const char state : {'\0', '\4', '\xff'}) {
    const auto read = decode_claim(key, state + bytes.substr(1));
    REQUIRE_FALSE(read.has_value());
    CHECK(read.error().message == "the store is damaged: claim " + to_hex(key.view()) + " cannot be read");
  }
}

TEST_CASE("a result that is written reads back the same") {
  for (const ReceiptKind status : {ReceiptKind::executed, ReceiptKind::failed, ReceiptKind::timed_out}) {
    StoredOutcome written = outcome();
    written.run.status = status;
    const auto read = decode_result(encode_result(written));
    REQUIRE(read.has_value());
    CHECK(read->run.status == status);
    CHECK(read->run.result == written.run.result);
    CHECK(read->run.duration_us == 1234);
    CHECK(read->at == test::noon());
    CHECK(read->index == 9);
  }
}

TEST_CASE("a used approval reads back with the claim that used it, byte for byte as it was presented") {
  const test::TempDir dir;
  const auto store = test::open_store(test::store_options(test::demo_policy(), dir));
  auto txn = store->write();
  REQUIRE(txn.has_value());
  REQUIRE(use_approval(*txn, filled<ApprovalKey>(5), key, R"({"a":"b"})").has_value());
  const auto used = used_approval(*txn, filled<ApprovalKey>(5));
  REQUIRE((used.has_value() && used->has_value()));
  CHECK((*used)->claim == key);
  CHECK((*used)->presented == R"({"a":"b"})");
  CHECK_FALSE(decode_approval(std::string(31, 'x')).has_value());
}

TEST_CASE("one flipped bit anywhere in a claim is damage, and the claim is named") {
  const std::string bytes = encode(key, record(ClaimState::finished));
  for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    std::string bad = bytes;
    bad[bit / 8] = static_cast<char>(static_cast<unsigned char>(bad[bit / 8]) ^ (1U << (bit % 8)));
    const auto read = decode_claim(key, bad);
    REQUIRE_FALSE(read.has_value());
    CHECK(read.error().message.find(to_hex(key.view())) != std::string::npos);
  }
  CHECK_FALSE(decode_claim(filled<ClaimKey>(9), bytes).has_value());
}

TEST_CASE("a result cut short in its fixed part is damage and no result") {
  const std::string bytes = encode_result(outcome());
  for (std::size_t size = 0; size < 25; ++size) {
    CHECK_FALSE(decode_result(bytes.substr(0, size)).has_value());
  }
}

TEST_CASE("a result with a status, a time, or a duration that nobody wrote is damage") {
  const std::string bytes = encode_result(outcome());
  CHECK_FALSE(decode_result('\3' + bytes.substr(1)).has_value());
  constexpr std::size_t at = 1;
  constexpr std::size_t duration = 9;
  for (const std::size_t field : {at, duration}) {
    std::string bad = bytes;
    bad[field] = '\x7f';
    if (field != duration) {
      CHECK_FALSE(decode_result(bad).has_value());
    }
    bad[field] = '\xff';
    CHECK_FALSE(decode_result(bad).has_value());
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
  CHECK_FALSE(used_approval(*txn, filled<ApprovalKey>(1)).value().has_value());
}

TEST_CASE("only the same request sees what a claim came to") {
  const test::TempDir dir;
  const auto store = store_with(dir, encode(key, record(ClaimState::finished)), encode_result(outcome()));
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
    const auto store = store_with(dir, encode(key, record(state)), "");
    const auto txn = store->read();
    REQUIRE(txn.has_value());
    const auto known = known_claim(*txn, key, fingerprint);
    REQUIRE((known.has_value() && known->has_value()));
    CHECK((*known)->state == state);
    CHECK_FALSE((*known)->outcome.has_value());
  }
}

TEST_CASE("damage to a claim or to its result is an error and not an unknown nonce") {
  const std::string finished = encode(key, record(ClaimState::finished));
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
