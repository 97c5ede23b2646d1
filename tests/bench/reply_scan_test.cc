// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/reply_scan.h"

#include <string>
#include <vector>

#include "proto-json/canonical.h"
#include "proto-json/encoding.h"
#include "proto-json/error.h"
#include "proto-json/json.h"
#include "proto-json/message.h"
#include "proto-json/receipt.h"
#include "tests/support/catch.h"

namespace openexec::bench {
namespace {

std::string without_end(std::string line) {
  REQUIRE(line.ends_with('\n'));
  line.pop_back();
  return line;
}

// A reply as a daemon writes it, to a request that was executed with that result.
ExecuteResult executed(const Json& result) {
  ExecuteResult out;
  out.id.data.fill(0x11);
  out.action = "echo";
  out.result = to_spaced(result);
  out.receipt = seed_receipt(to_uuid_text(out.id), out.result);
  out.log = {"host.example/openexec", 41};
  return out;
}

std::string line_of(std::int64_t id, const ExecuteResult& result) {
  return without_end(encode_execute_result(RequestId(id), result));
}

std::string replaced(std::string text, std::string_view from, std::string_view to) {
  const std::size_t at = text.find(from);
  REQUIRE(at != std::string::npos);
  return text.replace(at, from.size(), to);
}

TEST_CASE("the scan of a reply reads what a parser reads") {
  for (const std::int64_t id : {0, 7, 63, 100'000}) {
    for (const ReceiptKind status : {ReceiptKind::executed, ReceiptKind::failed, ReceiptKind::timed_out}) {
      for (const bool replayed : {false, true}) {
        ExecuteResult result = executed(Json::object({{"amount", 120}}));
        result.status = status;
        result.replayed = replayed;
        const std::string line = line_of(id, result);
        CAPTURE(line);
        const auto scanned = scan_reply(line);
        REQUIRE(scanned.has_value());
        CHECK(scanned->id == static_cast<std::uint64_t>(id));
        CHECK(scanned->receipt == to_hex(result.receipt.view()));
        CHECK(scanned->status == to_text(status));
        CHECK(scanned->replayed == replayed);
        CHECK(scanned->reason.empty());
        CHECK(agrees(*scanned, line));
      }
    }
  }
}

TEST_CASE("nothing that an action answers is taken for a member of the reply") {
  const std::string forged = R"(,"receipt":"00","replayed":true,"result":{},"status":"failed"}})";
  const std::vector<Json> results = {
      Json::object({{"receipt", std::string(64, 'a')}, {"replayed", true}, {"status", "failed"}}),
      Json::object({{"status", "failed"}}),
      Json::object({{"text", forged}}),
      Json(forged),
      Json::object({{forged, Json::object({{"status", "failed"}})}}),
      Json(Json::Array{Json("failed")}),
      Json(nullptr),
  };
  for (const Json& answered : results) {
    ExecuteResult result = executed(answered);
    result.log.origin = R"(","receipt":")";
    result.proof = forged;
    const std::string line = line_of(3, result);
    CAPTURE(line);
    const auto scanned = scan_reply(line);
    REQUIRE(scanned.has_value());
    CHECK(scanned->receipt == to_hex(result.receipt.view()));
    CHECK(scanned->status == "executed");
    CHECK_FALSE(scanned->replayed);
    CHECK(agrees(*scanned, line));
  }
}

TEST_CASE("the scan of a refusal reads its reason and its id") {
  const Json position = Json::object({{"receipt", Json::object({{"index", 4}, {"origin", "host.example"}})}});
  for (const Reason reason : {Reason::approval_signature_invalid, Reason::unknown_action, Reason::overloaded}) {
    for (const Json& data : {Json(nullptr), position}) {
      const Error error{reason, R"(It says "},"id":9,"jsonrpc":"2.0"})"};
      const std::string line = without_end(encode_error(RequestId(std::int64_t{12}), error, data));
      CAPTURE(line);
      const auto scanned = scan_reply(line);
      REQUIRE(scanned.has_value());
      CHECK(scanned->reason == info(reason).name);
      CHECK(scanned->id == 12);
      CHECK(agrees(*scanned, line));
    }
  }
}

TEST_CASE("the scan refuses what is no reply of a daemon to an execute") {
  const std::string good = line_of(5, executed(Json::object({{"a", 1}})));
  const std::string refusal =
      without_end(encode_error(RequestId(std::int64_t{5}), {Reason::unknown_action, "unknown"}));
  const std::vector<std::string> bad = {
      "",
      "{}",
      "{\"id\":",
      "{\"error\":{\"code\":",
      without_end(encode_error(std::nullopt, {Reason::parse_error, "no JSON"})),
      without_end(encode_error(RequestId("five"), {Reason::unknown_action, "unknown"})),
      without_end(encode_result(RequestId(std::int64_t{5}), Json::object({{"ready", true}}))),
      replaced(good, R"("id":5)", R"("id":05)"),
      replaced(good, R"("id":5)", R"("id":-5)"),
      replaced(good, R"("id":5)", R"("id":99999999999999999999)"),
      replaced(good, R"("id":5)", R"("id":"5")"),
      replaced(good, R"(,"jsonrpc")", R"(, "jsonrpc")"),
      replaced(good, R"("receipt":")", R"("receipt":"0)"),
      replaced(good, R"("receipt":")", R"("receipt":"X)"),
      replaced(good, R"("replayed":false)", R"("replayed":null)"),
      replaced(good, R"("status")", R"("state")"),
      good + " ",
      refusal + " ",
      replaced(refusal, R"("reason":"unknown_action")", R"("reason":"")"),
  };
  REQUIRE(scan_reply(good).has_value());
  REQUIRE(scan_reply(refusal).has_value());
  for (const std::string& line : bad) {
    CAPTURE(line);
    CHECK_FALSE(scan_reply(line).has_value());
  }
  for (std::size_t size = 0; size < good.size(); ++size) {
    CHECK_FALSE(scan_reply(good.substr(0, size)).has_value());
  }
}

TEST_CASE("a scan that a parser does not agree with is found out") {
  const std::string line = line_of(5, executed(Json::object({{"a", 1}})));
  const auto scanned = scan_reply(line);
  REQUIRE(scanned.has_value());
  CHECK_FALSE(agrees(*scanned, line_of(6, executed(Json::object({{"a", 1}})))));
  CHECK_FALSE(agrees(*scanned, line_of(5, executed(Json::object({{"a", 2}})))));
  CHECK_FALSE(agrees(*scanned, replaced(line, R"("a": 1)", R"("a": 2)")));  // the receipt is of another result
  CHECK_FALSE(agrees(*scanned, replaced(line, R"("replayed":false)", R"("replayed":true)")));
  CHECK_FALSE(agrees(*scanned, replaced(line, R"("status":"executed")", R"("status":"failed")")));
  CHECK_FALSE(agrees(*scanned, line + "}"));
}

}  // namespace
}  // namespace openexec::bench
