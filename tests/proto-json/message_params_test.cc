// SPDX-License-Identifier: Apache-2.0
#include <string>
#include <string_view>
#include <vector>

#include "proto-json/crypto.h"
#include "proto-json/encoding.h"
#include "proto-json/limits.h"
#include "proto-json/message.h"
#include "tests/support/catch.h"
#include "tests/support/vectors.h"

namespace openexec {
namespace {

// True when the result is -32602 and its message names the member.
template <typename T>
bool names(const Result<T>& result, std::string_view named) {
  return !result && result.error().reason == Reason::invalid_params &&
         result.error().message.find(named) != std::string::npos;
}

Result<ExecuteRequest> execute(std::string_view params) { return decode_execute(parsed(params)); }

// Good parameters with one more member.
Result<ExecuteRequest> execute_with(const std::string& member) {
  return execute(R"({"action":"echo","nonce":"n",)" + member + "}");
}

TEST_CASE("an execute request is decoded, all its members in") {
  const auto request = execute(R"({"action":"payment.refund","nonce":"n-1","payload":{"a":1.0},"trace_id":"t",
      "approval_artifact":{"approval_id":3},"check":true,"proof":false})");
  REQUIRE(request);
  CHECK(request->action == "payment.refund");
  CHECK(request->nonce == "n-1");
  CHECK(request->payload == parsed(R"({"a":1.0})"));
  CHECK(request->trace_id == "t");
  CHECK(request->approval_artifact == parsed(R"({"approval_id":3})"));
  CHECK(request->check);
}

TEST_CASE("what may be left out of an execute request may") {
  for (const std::string_view params :
       {R"({"action":"echo","nonce":"n"})",
        R"({"action":"echo","nonce":"n","payload":null,"trace_id":null,"approval_artifact":null})"}) {
    const auto request = execute(params);
    REQUIRE(request);
    CHECK(request->payload == Json::object({}));
    CHECK_FALSE(request->trace_id.has_value());
    CHECK_FALSE(request->approval_artifact.has_value());
    CHECK_FALSE(request->check);
  }
}

TEST_CASE("an ill-formed execute request is refused, naming the member") {
  CHECK(names(execute("{}"), "action"));
  CHECK(names(execute(R"({"nonce":"n"})"), "action"));
  CHECK(names(execute(R"({"action":null,"nonce":"n"})"), "action"));
  CHECK(names(execute(R"({"action":"a b","nonce":"n"})"), "action"));
  CHECK(names(execute(R"({"action":"","nonce":"n"})"), "action"));
  CHECK(names(execute(R"({"action":"echo"})"), "nonce"));
  CHECK(names(execute(R"({"action":"echo","nonce":7})"), "nonce"));
  CHECK(names(execute(R"({"action":"echo","nonce":""})"), "nonce"));
  CHECK(names(execute(R"({"action":"echo","nonce":"a\u0000b"})"), "nonce"));
  CHECK(
      names(execute(R"({"action":"echo","nonce":")" + std::string(limits::nonce_bytes_max + 1, 'n') + "\"}"), "nonce"));
  CHECK(execute(R"({"action":"echo","nonce":")" + std::string(limits::nonce_bytes_max, 'n') + "\"}"));
  for (const std::string value : {"[]", "1", "\"{}\"", "false"}) {
    CHECK(names(execute_with("\"payload\":" + value), "payload"));
    CHECK(names(execute_with("\"approval_artifact\":" + value), "approval_artifact"));
  }
  for (const std::string value : {"[]", "1", "\"\"", "{}", R"("\u0007")"}) {
    CHECK(names(execute_with("\"trace_id\":" + value), "trace_id"));
  }
  for (const std::string value : {"null", "1", "\"true\"", "{}"}) {
    CHECK(names(execute_with("\"check\":" + value), "check"));
    CHECK(names(execute_with("\"proof\":" + value), "proof"));
  }
  CHECK(names(execute_with(R"("payloads":{})"), R"("payloads")"));
  CHECK(names(execute_with(R"("Action":"x")"), R"("Action")"));
}

TEST_CASE("a proof comes only when it is asked for") {
  CHECK(execute_with(R"("proof":true)")->proof);
  CHECK_FALSE(execute_with(R"("proof":false)")->proof);
  CHECK_FALSE(execute_with(R"("trace_id":"t")")->proof);
}

TEST_CASE("a page of entries begins anywhere and is bounded") {
  const auto query = [](std::string_view params) { return decode_entries_query(parsed(params)); };
  CHECK(query(R"({"start":0})")->limit == limits::log_entries_max);
  CHECK(query(R"({"start":9223372036854775807,"limit":1})")->start == 9223372036854775807U);
  CHECK(names(query("{}"), "start"));
  CHECK(names(query(R"({"start":-1})"), "start"));
  CHECK(names(query(R"({"start":1.0})"), "start"));
  CHECK(names(query(R"({"start":0,"limit":0})"), "limit"));
  CHECK(names(query(R"({"start":0,"limit":257})"), "limit"));
  CHECK(names(query(R"({"start":0,"limit":"1"})"), "limit"));
  CHECK(names(query(R"({"start":0,"end":1})"), R"("end")"));
}

TEST_CASE("proofs are asked for by index or size, and the log's own size is meant where none is said") {
  const auto inclusion = [](std::string_view params) { return decode_inclusion_query(parsed(params)); };
  const auto consistency = [](std::string_view params) { return decode_consistency_query(parsed(params)); };
  CHECK(inclusion(R"({"index":3})")->index == 3);
  CHECK_FALSE(inclusion(R"({"index":3,"size":null})")->size.has_value());
  CHECK(inclusion(R"({"index":3,"size":9})")->size == 9U);
  CHECK(names(inclusion("{}"), "index"));
  CHECK(names(inclusion(R"({"index":3,"size":-9})"), "size"));
  CHECK(names(inclusion(R"({"index":3,"to":9})"), R"("to")"));
  CHECK(consistency(R"({"from":3})")->from == 3);
  CHECK(consistency(R"({"from":3,"to":9})")->to == 9U);
  CHECK(names(consistency("{}"), "from"));
  CHECK(names(consistency(R"({"from":"3"})"), "from"));
  CHECK(names(consistency(R"({"from":3,"to":[]})"), "to"));
}

TEST_CASE("cosignatures come with the note that they are of") {
  const auto query = [](const Json& params) { return decode_cosigned_query(params); };
  const std::string line = "\u2014 w.example/1 AAAAAAAA\n";
  const std::string note = "text\n\n" + line;
  const auto good = query(Json::object({{"checkpoint", note}, {"cosignatures", line + line}}));
  REQUIRE(good);
  CHECK(good->checkpoint.text == "text\n");
  CHECK(good->cosignatures.size() == 2);
  CHECK(names(query(Json::object({{"cosignatures", line}})), "checkpoint"));
  CHECK(names(query(Json::object({{"checkpoint", note}})), "cosignatures"));
  CHECK(names(query(Json::object({{"checkpoint", "text"}, {"cosignatures", line}})), "checkpoint"));
  CHECK(names(query(Json::object({{"checkpoint", note}, {"cosignatures", "7\n"}})), "cosignatures"));
}

TEST_CASE("an unknown member's name is repeated only in part and in ASCII") {
  const auto request = execute_with('"' + std::string(100000, 'x') + R"(\u001b":1)");
  REQUIRE_FALSE(request);
  CHECK(request.error().message.size() < 200);
  CHECK(names(execute_with(R"("a\u001b":1)"), R"("a\u001b")"));
}

TEST_CASE("a receipt is asked for by exactly one of id, nonce and index") {
  const auto query = [](std::string_view params) { return decode_receipt_query(parsed(params)); };
  const std::string id = "a93c8466-c77d-8ee6-b591-ef9623dcf567";
  const auto by_id = query(R"({"id":")" + id + "\"}");
  REQUIRE(by_id);
  CHECK(to_uuid_text(std::get<ExecutionId>(by_id->by)) == id);
  const auto by_nonce = query(R"({"nonce":"n"})");
  REQUIRE(by_nonce);
  CHECK(std::get<std::string>(by_nonce->by) == "n");
  const auto by_index = query(R"({"index":9223372036854775807})");
  REQUIRE(by_index);
  CHECK(std::get<std::uint64_t>(by_index->by) == 9223372036854775807U);

  CHECK(names(query("{}"), "exactly one"));
  CHECK(names(query(R"({"id":")" + id + R"(","nonce":"n"})"), "exactly one"));
  CHECK(names(query(R"({"id":"x"})"), "id"));
  CHECK(names(query(R"({"id":7})"), "id"));
  CHECK(names(query(R"({"id":"A93C8466-C77D-8EE6-B591-EF9623DCF567"})"), "id"));
  CHECK(names(query(R"({"nonce":""})"), "nonce"));
  CHECK(names(query(R"({"nonce":null})"), "nonce"));
  CHECK(names(query(R"({"index":-1})"), "index"));
  CHECK(names(query(R"({"index":1.0})"), "index"));
  CHECK(names(query(R"({"index":"1"})"), "index"));
  CHECK(names(query(R"({"seq":1})"), R"("seq")"));
}

TEST_CASE("every seed receipt vector is judged as the seed judges it, as text and as an object") {
  init_crypto();
  const Json::Array cases = vector_cases("seed-receipts");
  CHECK(cases.size() == 32);
  for (const Json& test : cases) {
    const auto verdict = [&](const Json& result) {
      const auto request = decode_receipt_verify(Json::object(
          {{"exec_id", member(test, "exec_id")}, {"receipt", member(test, "receipt")}, {"result", result}}));
      REQUIRE(request);
      return verify_seed_receipt(*request);
    };
    const std::string& text = string_member(test, "result");
    INFO(text);
    CHECK(verdict(Json(text)) == bool_member(test, "valid"));
    if (bool_member(test, "valid")) {
      CHECK(verdict(parsed(text)));
      CHECK_FALSE(verdict(Json(text + "\n")));
      CHECK_FALSE(verdict(Json("")));
    }
  }
}

TEST_CASE("an ill-formed receipt check is refused, naming the member") {
  const auto verify = [](std::string_view params) { return decode_receipt_verify(parsed(params)); };
  REQUIRE(verify(R"({"exec_id":"x","receipt":"y","result":"z"})"));
  CHECK(names(verify("{}"), "exec_id"));
  CHECK(names(verify(R"({"exec_id":1,"receipt":"y","result":"z"})"), "exec_id"));
  CHECK(names(verify(R"({"exec_id":"x","result":"z"})"), "receipt"));
  CHECK(names(verify(R"({"exec_id":"x","receipt":null,"result":"z"})"), "receipt"));
  CHECK(names(verify(R"({"exec_id":"x","receipt":"y"})"), "result"));
  for (const std::string result : {"null", "1", "[]", "true"}) {
    CHECK(names(verify(R"({"exec_id":"x","receipt":"y","result":)" + result + "}"), "result"));
  }
  CHECK(names(verify(R"({"exec_id":"x","receipt":"y","result":"z","proof":1})"), R"("proof")"));
}

TEST_CASE("a method with no parameters takes none") {
  CHECK(decode_no_params(Json::object({})));
  CHECK(names(decode_no_params(parsed(R"({"verbose":true})")), R"("verbose")"));
  CHECK(names(decode_no_params(Json(nullptr)), "params"));
}

}  // namespace
}  // namespace openexec
