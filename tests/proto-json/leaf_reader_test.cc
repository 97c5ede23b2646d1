// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "proto-json/canonical.h"
#include "proto-json/receipt.h"
#include "proto-json/receipt_rules.h"
#include "tests/support/aborts.h"
#include "tests/support/catch.h"
#include "tests/support/model_leaf.h"
#include "tests/support/receipts.h"
#include "tests/support/vectors.h"

namespace openexec {
namespace {

using std::string_view_literals::operator""sv;

// Every text that is another by a byte changed, left out or put in, and by the text cut short there.
template <typename Function>
void for_each_mutation(const std::string& text, Function function) {
  constexpr std::string_view bytes = "\"\\/{}], 019-.eu\x7f\xc3\0"sv;
  for (std::size_t i = 0; i <= text.size(); ++i) {
    function(text.substr(0, i));
    for (const char byte : bytes) {
      function(text.substr(0, i) + byte + text.substr(i));
    }
    if (i == text.size()) {
      break;
    }
    function(text.substr(0, i) + text.substr(i + 1));
    for (const char byte : bytes) {
      function(text.substr(0, i) + byte + text.substr(i + 1));
    }
    for (unsigned bit = 0; bit < 8; ++bit) {
      std::string flipped = text;
      flipped[i] = static_cast<char>(static_cast<unsigned char>(flipped[i]) ^ (1U << bit));
      function(flipped);
    }
  }
}

Receipt demo_receipt() {
  Receipt receipt = full_receipt(ReceiptKind::unknown);
  receipt.mode = Mode::demo;
  receipt.tenant_id.reset();
  receipt.approval.reset();
  receipt.trace_id.reset();
  receipt.nonce = "\"\\\u2028\u00e9\U0001f600";
  return receipt;
}

TEST_CASE("what a leaf was written of is what is read from it") {
  RandomReceipts receipts(7);
  init_crypto();
  for (int i = 0; i < 3000; ++i) {
    const Receipt receipt = receipts.next();
    const std::string leaf = to_leaf(receipt);
    INFO(leaf);
    CHECK(read_leaf(leaf) == LeafContent(receipt));
    CHECK(both_ways_agree(leaf));
  }
  for (int i = 0; i < 300; ++i) {
    const LeafContent summary = receipts.summary();
    INFO(to_leaf(summary));
    CHECK(read_leaf(to_leaf(summary)) == summary);
    CHECK(both_ways_agree(to_leaf(summary)));
  }
  for (const LeafContent& content :
       {LeafContent(full_summary()), LeafContent(full_change()), LeafContent(demo_receipt())}) {
    CHECK(read_leaf(to_leaf(content)) == content);
  }
}

TEST_CASE("a leaf with any byte changed, missing or added is read only where it is another leaf's text") {
  std::vector<LeafContent> contents{demo_receipt(), full_summary(), full_change()};
  for (const ReceiptKind kind : {ReceiptKind::started, ReceiptKind::executed, ReceiptKind::denied}) {
    contents.emplace_back(full_receipt(kind));
  }
  for (const LeafContent& content : contents) {
    const std::string leaf = to_leaf(content);
    std::size_t disagreements = 0;
    std::size_t accepted = 0;
    std::string last;
    for_each_mutation(leaf, [&](const std::string& mutated) {
      if (!both_ways_agree(mutated)) {
        ++disagreements;
        last = mutated;
      }
      accepted += read_leaf(mutated).has_value() ? 1U : 0U;
    });
    INFO(leaf);
    INFO(last);
    CHECK(disagreements == 0);
    CHECK(accepted > 0);  // another digit of a hash is another leaf
  }
}

TEST_CASE("what is a good receipt in another spelling is no leaf") {
  const std::string leaf = to_leaf(full_receipt(ReceiptKind::executed));
  const Json json = parsed(leaf);
  CHECK(receipt_from_json(json));
  const auto spaced = read_leaf(to_spaced(json));
  REQUIRE_FALSE(spaced);
  CHECK(spaced.error().find("canonical form") != std::string::npos);

  const auto with = [&](std::string_view from, std::string_view to) {
    std::string out = leaf;
    out.replace(out.find(from), from.size(), to);
    REQUIRE(out != leaf);
    return read_leaf(out).has_value();
  };
  CHECK_FALSE(with("\"nonce\":\"n-1\"", "\"nonce\":\"n\\u002d1\""));
  CHECK_FALSE(with("\"nonce\":\"n-1\"", "\"nonce\":\"n\\/1\""));
  CHECK(with("\"nonce\":\"n-1\"", "\"nonce\":\"n/1\""));
  CHECK(with("\"nonce\":\"n-1\"", "\"nonce\":\"n\\\\1\""));
  CHECK_FALSE(with("\"nonce\":\"n-1\"", "\"nonce\":\"n\\n1\""));
  CHECK_FALSE(with("\"nonce\":\"n-1\"", "\"nonce\":\"n\x7f\""));
  CHECK_FALSE(with("\"nonce\":\"n-1\"", "\"nonce\":\"n\xc3\""));
  CHECK_FALSE(with("310000", "310000.0"));
  CHECK_FALSE(with("310000", "0310000"));
  CHECK_FALSE(with("310000", "-0"));
  CHECK(with("310000", "0"));
  CHECK_FALSE(with("310000", "9007199254740992"));
  CHECK(with("310000", "9007199254740991"));
  CHECK_FALSE(with(R"("approvers":["ops"])", R"("approvers":[])"));
  CHECK_FALSE(with(R"({"action":"payment.refund",)", R"({"a":1,"action":"payment.refund",)"));
}

TEST_CASE("the error of a leaf says what is wrong with it") {
  const auto error = [](std::string_view text) {
    const auto read = read_leaf(text);
    return read ? std::string() : read.error();
  };
  CHECK(error("").find("JSON") != std::string::npos);
  CHECK(error("[]").find("not an object") != std::string::npos);
  CHECK(error(std::string(limits::receipt_bytes_max + 1, ' ')).find("too long") != std::string::npos);
  std::string leaf = to_leaf(full_receipt(ReceiptKind::executed));
  leaf.replace(leaf.find("n-1"), 3, "");
  CHECK(error(leaf).find("nonce") != std::string::npos);
}

TEST_CASE("a summary's leaf is the JCS form of its members") {
  CHECK(to_leaf(full_summary()) ==
        R"({"at":"2026-11-21T12:01:00.000000Z","kind":"denied_summary","mode":"clawshield","registry":")" +
            to_hex(sha256("registry").view()) +
            R"(","rows":[{"count":1,"uid":0,"what":"approval_used"},)"
            R"({"count":9007199254740991,"uid":1000,"what":"parse_error"},{"count":12,"uid":1000,"what":"replayed"},)"
            R"({"count":7,"what":"overloaded"},{"count":8,"what":"replayed"}],)"
            R"("since":"2026-11-21T12:00:00.000001Z","tenant_id":"acme","v":1})");
  for (const ReasonInfo& each : reasons()) {
    CHECK(each.name != replayed_name);  // or a row could be read in two ways
  }
}

TEST_CASE("a change's leaf is the JCS form of its members") {
  const AdminChange change = full_change();
  CHECK(to_leaf(change) == R"({"at":"2026-11-21T12:01:00.000000Z","change":"adopt","epoch":2,"kind":"admin",)"
                           R"("log_key":")" +
                               change.log_key +
                               R"(","mode":"clawshield","origin":"host.example/openexec/epoch-2","tenant_id":"acme",)"
                               R"("v":1})");
  CHECK(admin_change_named(to_text(change.change)) == change.change);
  CHECK_FALSE(admin_change_named("").has_value());
}

TEST_CASE("a summary with every row at its longest is below the bound of a leaf") {
  DeniedSummary summary = full_summary();
  summary.tenant_id = std::string(limits::tenant_id_bytes_max, '"');
  summary.rows.clear();
  for (std::size_t i = 0; i < limits::summary_rows_max; ++i) {
    summary.rows.push_back({0xffffffffU - static_cast<std::uint32_t>(limits::summary_rows_max - i),
                            Reason::approval_signature_invalid, (std::uint64_t{1} << 53U) - 1});
  }
  const std::string leaf = to_leaf(summary);
  CHECK(leaf.size() < limits::receipt_bytes_max / 2);
  CHECK(read_leaf(leaf) == LeafContent(summary));
}

TEST_CASE("a summary that breaks a rule is neither written nor read") {
  const auto is_refused = [](const DeniedSummary& summary) {
    return find_fault(summary).has_value() && !summary_from_json(to_json(summary)) &&
           !read_leaf(to_jcs(to_json(summary)));
  };
  DeniedSummary summary = full_summary();
  CHECK_FALSE(is_refused(summary));
  summary.rows.clear();
  CHECK(is_refused(summary));
  CHECK(aborts([&] { static_cast<void>(to_leaf(summary)); }));
  summary = full_summary();
  std::swap(summary.rows[1], summary.rows[2]);
  CHECK(is_refused(summary));
  summary = full_summary();
  summary.rows[4] = summary.rows[3];
  CHECK(is_refused(summary));
  summary = full_summary();
  summary.rows[0].count = 0;
  CHECK(is_refused(summary));
  summary.rows[0].count = std::uint64_t{1} << 53U;
  CHECK(is_refused(summary));
  summary = full_summary();
  summary.since = plus_s(summary.at, 1);  // the clock was set back
  CHECK_FALSE(is_refused(summary));
  summary.mode = Mode::demo;
  CHECK(is_refused(summary));
  summary = full_summary();
  summary.rows.assign(limits::summary_rows_max + 1, {});
  for (std::size_t i = 0; i < summary.rows.size(); ++i) {
    summary.rows[i] = {static_cast<std::uint32_t>(i), Reason::overloaded, 1};
  }
  CHECK(is_refused(summary));
  summary.rows.pop_back();
  CHECK_FALSE(is_refused(summary));
}

TEST_CASE("a change that breaks a rule is neither written nor read") {
  const auto is_refused = [](const AdminChange& change) {
    return find_fault(change).has_value() && !admin_from_json(to_json(change)) && !read_leaf(to_jcs(to_json(change)));
  };
  AdminChange change = full_change();
  CHECK_FALSE(is_refused(change));
  change.epoch = 1;
  CHECK(is_refused(change));
  CHECK(aborts([&] { static_cast<void>(to_leaf(change)); }));
  change = full_change();
  change.origin = "host.example/openexec";
  CHECK(is_refused(change));
  change = full_change();
  change.log_key = to_vkey(test_witness(change.origin).key());
  CHECK(is_refused(change));
  change.log_key = "x";
  CHECK(is_refused(change));
  change = full_change();
  change.tenant_id = "a\nb";
  CHECK(is_refused(change));
}

TEST_CASE("a summary or a change with a member missing, unknown or ill-typed is refused") {
  for (const Json& good : {to_json(full_summary()), to_json(full_change())}) {
    REQUIRE(read_leaf(to_jcs(good)));
    for (const Member& each : *good.if_object()) {
      INFO(each.key);
      std::vector<Member> members = *good.if_object();
      std::erase_if(members, [&](const Member& other) { return other.key == each.key; });
      CHECK_FALSE(read_leaf(to_jcs(Json::object(members))));
      for (const Json& other : {Json(true), Json(-1), Json(1.5), Json("a\nb"), Json(Json::Array{}), Json::object({}),
                                Json(Json::Array{1}), Json(std::int64_t{1} << 54U)}) {
        auto changed = members;
        changed.push_back({each.key, other});
        CHECK_FALSE(read_leaf(to_jcs(Json::object(changed))));
      }
    }
    std::vector<Member> members = *good.if_object();
    members.push_back({"extra", 1});
    CHECK_FALSE(read_leaf(to_jcs(Json::object(members))));
  }
}

}  // namespace
}  // namespace openexec
