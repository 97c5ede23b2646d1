// SPDX-License-Identifier: Apache-2.0
#include "proto-json/receipt.h"

#include <algorithm>
#include <string>
#include <vector>

#include "proto-json/crypto.h"
#include "proto-json/encoding.h"
#include "proto-json/limits.h"
#include "tests/support/catch.h"
#include "tests/support/receipts.h"
#include "tests/support/vectors.h"

namespace openexec {
namespace {

Json with(const Json& object, const std::string& key, const std::optional<Json>& value) {
  std::vector<Member> members = *object.if_object();
  std::erase_if(members, [&](const Member& member) { return member.key == key; });
  if (value) {
    members.push_back({key, *value});
  }
  return Json::object(std::move(members));
}

bool reads(const Json& json) { return receipt_from_json(json).has_value(); }

TEST_CASE("a receipt that was written reads as the same receipt") {
  init_crypto();
  RandomReceipts receipts(1);
  for (int i = 0; i < 3000; ++i) {
    const Receipt receipt = receipts.next();
    const std::string leaf = to_leaf(receipt);
    INFO(leaf);
    CHECK(receipt_from_json(to_json(receipt)) == receipt);
    const auto read = receipt_from_json(parsed(leaf));
    REQUIRE(read);
    CHECK(*read == receipt);
    CHECK(to_leaf(*read) == leaf);
  }
}

TEST_CASE("a receipt's leaf is the JCS form of its members") {
  CHECK(to_leaf(full_receipt(ReceiptKind::denied)) ==
        R"({"action":"payment.refund","action_hash":")" + to_hex(sha256("action").view()) +
            R"(","approval":{"approvers":["ops"],"hash":")" + to_hex(sha256("approval").view()) +
            R"(","id":"3f0e9a52-6c1f-4c55-8d55-0d1a7b0c9e11","key_ids":[")" + to_hex(sha256("key").view()) +
            R"("]},"at":"2026-11-21T12:00:00.500000Z","id":"a93c8466-c77d-8ee6-b591-ef9623dcf567","kind":"denied",)"
            R"("mode":"clawshield","nonce":"n-1","peer":{"gid":1002,"pid":1003,"uid":1001},"reason":"approval_used",)"
            R"("registry":")" +
            to_hex(sha256("registry").view()) + R"(","tenant_id":"acme","trace_id":"trace","v":1})");

  const Json executed = to_json(full_receipt(ReceiptKind::executed));
  CHECK(string_member(executed, "result_hash") == to_hex(sha256("result").view()));
  CHECK(string_member(executed, "receipt") == to_hex(sha256("receipt").view()));
  CHECK(member(executed, "duration_us") == Json(310000));
  CHECK(member(executed, "started") == Json(40));
  CHECK(member(executed, "exit") == parsed(R"({"code":0})"));
  CHECK(member(to_json(full_receipt(ReceiptKind::timed_out)), "exit") == parsed(R"({"signal":15})"));
}

TEST_CASE("what a receipt does not have is left out, but the tenant is null") {
  init_crypto();
  Receipt receipt = full_receipt(ReceiptKind::unknown);
  receipt.mode = Mode::demo;
  receipt.tenant_id.reset();
  receipt.approval.reset();
  receipt.trace_id.reset();
  receipt.started.reset();
  const Json json = to_json(receipt);
  CHECK(json.find("approval") == nullptr);
  CHECK(json.find("trace_id") == nullptr);
  CHECK(json.find("started") == nullptr);
  CHECK(json.find("reason") == nullptr);
  CHECK(json.find("result_hash") == nullptr);
  CHECK(member(json, "tenant_id").is_null());
  CHECK(receipt_from_json(json) == receipt);

  receipt.mode = Mode::clawshield;
  receipt.approval = ReceiptApproval{};
  CHECK(member(to_json(receipt), "approval") == Json::object({{"hash", std::string(64, '0')}}));
  CHECK(receipt_from_json(to_json(receipt)) == receipt);
}

TEST_CASE("a receipt with every name at its bound is below the bound of a leaf") {
  Receipt receipt = full_receipt(ReceiptKind::timed_out);
  // Two bytes in JCS form, more than any other byte that a name may have takes.
  const auto longest = [](std::size_t bytes) { return std::string(bytes, '"'); };
  receipt.tenant_id = longest(limits::tenant_id_bytes_max);
  receipt.action = std::string(limits::action_bytes_max, 'a');
  receipt.nonce = longest(limits::nonce_bytes_max);
  receipt.trace_id = longest(limits::trace_id_bytes_max);
  receipt.approval->key_ids.assign(limits::approver_keys_max, to_hex(sha256("key").view()));
  receipt.approval->approvers.assign(limits::approver_keys_max, longest(limits::approver_name_bytes_max));
  receipt.peer = {0xffffffff, 0xffffffff, -2147483647 - 1};
  receipt.duration_us = (std::int64_t{1} << 53) - 1;
  receipt.started = (std::int64_t{1} << 53) - 1;
  const std::string leaf = to_leaf(receipt);
  CHECK(leaf.size() < limits::receipt_bytes_max);
  CHECK(receipt_from_json(parsed(leaf)) == receipt);
}

TEST_CASE("a receipt with a member missing, unknown or ill-typed is refused") {
  const std::vector<std::string> may_be_absent{"approval", "trace_id", "started", "exit"};
  for (const ReceiptKind kind : all_kinds) {
    const Json good = to_json(full_receipt(kind));
    REQUIRE(reads(good));
    for (const Member& member : *good.if_object()) {
      INFO(to_text(kind) << " " << member.key);
      CHECK(reads(with(good, member.key, std::nullopt)) == (std::ranges::count(may_be_absent, member.key) == 1));
      for (const Json& other : {Json(true), Json(-1), Json(1.5), Json(""), Json("x"), Json("a\nb"), Json(Json::Array{}),
                                Json::object({}), Json(std::string(300, 'x')), Json(std::string(64, 'A'))}) {
        if (member.key == "nonce" && (other == Json("x") || other == Json(std::string(64, 'A')))) {
          continue;
        }
        const bool is_name = member.key == "tenant_id" || member.key == "trace_id" || member.key == "action";
        if (is_name && (other == Json("x") || other == Json(std::string(64, 'A')))) {
          continue;
        }
        CHECK_FALSE(reads(with(good, member.key, other)));
      }
      CHECK(reads(with(good, member.key, Json(nullptr))) == (member.key == "tenant_id"));
    }
    CHECK_FALSE(reads(with(good, "extra", Json(1))));
  }
  for (const Json& json : {Json(nullptr), Json("x"), Json(Json::Array{}), Json::object({})}) {
    CHECK_FALSE(reads(json));
  }
}

TEST_CASE("a receipt has the members of its kind and no others") {
  const Json executed = to_json(full_receipt(ReceiptKind::executed));
  const Json denied = to_json(full_receipt(ReceiptKind::denied));
  for (const ReceiptKind kind : all_kinds) {
    const Json good = to_json(full_receipt(kind));
    for (const std::string name : {"result_hash", "receipt", "duration_us", "exit", "started", "reason"}) {
      if (good.find(name) == nullptr) {
        INFO(to_text(kind) << " " << name);
        CHECK_FALSE(reads(with(good, name, member(name == "reason" ? denied : executed, name))));
      }
    }
  }
}

TEST_CASE("a receipt of another version is refused before anything else is looked at") {
  const Json good = to_json(full_receipt(ReceiptKind::executed));
  for (const Json& version : {Json(0), Json(2), Json("1"), Json(1.0), Json(nullptr)}) {
    const auto read = receipt_from_json(with(with(good, "v", version), "extra", Json(1)));
    REQUIRE_FALSE(read);
    CHECK(read.error().find("v ") != std::string::npos);
  }
}

TEST_CASE("a receipt's time, ids and numbers have one form") {
  const Json good = to_json(full_receipt(ReceiptKind::executed));
  CHECK_FALSE(reads(with(good, "at", Json("2026-11-21T12:00:00.5Z"))));
  CHECK_FALSE(reads(with(good, "at", Json("2026-11-21T12:00:00.500000+00:00"))));
  CHECK_FALSE(reads(with(good, "id", Json("A93C8466-C77D-8EE6-B591-EF9623DCF567"))));
  CHECK_FALSE(reads(with(good, "kind", Json("denied_summary"))));
  CHECK_FALSE(reads(with(good, "mode", Json("Demo"))));
  CHECK_FALSE(reads(with(good, "started", Json(std::int64_t{1} << 53))));
  CHECK_FALSE(reads(with(good, "mode", Json("demo"))));  // and a tenant

  for (const char* end : {R"({"code":0})", R"({"code":255})", R"({"signal":1})", R"({"signal":64})"}) {
    CHECK(reads(with(good, "exit", parsed(end))));
  }
  for (const char* end :
       {R"({"code":256})", R"({"code":-1})", R"({"signal":0})", R"({"signal":65})", R"({"signal":-9})",
        R"({"code":0,"signal":1})", R"({"code":0,"core":true})", R"({"code":"0"})", R"({"code":0.0})"}) {
    CHECK_FALSE(reads(with(good, "exit", parsed(end))));
  }

  const Json& peer = member(good, "peer");
  CHECK_FALSE(reads(with(good, "peer", with(peer, "uid", Json(std::int64_t{1} << 32)))));
  CHECK_FALSE(reads(with(good, "peer", with(peer, "gid", Json(-1)))));
  CHECK_FALSE(reads(with(good, "peer", with(peer, "pid", std::nullopt))));
  CHECK_FALSE(reads(with(good, "peer", with(peer, "comm", Json("x")))));

  const Json& approval = member(good, "approval");
  for (const std::string part : {"id", "key_ids", "approvers", "hash"}) {
    CHECK_FALSE(reads(with(good, "approval", with(approval, part, std::nullopt))));
    CHECK_FALSE(reads(with(good, "approval", with(approval, part, Json(Json::Array{})))));
    CHECK_FALSE(reads(with(good, "approval", with(approval, part, Json(Json::Array{1})))));
  }
  CHECK_FALSE(reads(with(good, "approval", with(approval, "extra", Json(1)))));
  CHECK(reads(with(good, "approval", Json::object({{"hash", member(approval, "hash")}}))));
}

TEST_CASE("modes and kinds are named as they are read") {
  for (const Mode mode : {Mode::demo, Mode::clawshield}) {
    CHECK(mode_named(to_text(mode)) == mode);
  }
  for (const ReceiptKind kind : all_kinds) {
    CHECK(receipt_kind_named(to_text(kind)) == kind);
  }
  CHECK_FALSE(mode_named("").has_value());
  CHECK_FALSE(mode_named("DEMO").has_value());
  CHECK_FALSE(receipt_kind_named("admin").has_value());
}

TEST_CASE("the seed's receipt is the hash of id, colon and result") {
  init_crypto();
  CHECK(seed_receipt("id", "{}") == sha256("id:{}"));
}

}  // namespace
}  // namespace openexec
