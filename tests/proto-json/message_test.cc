// SPDX-License-Identifier: Apache-2.0
#include "proto-json/message.h"

#include <optional>
#include <string>
#include <vector>

#include "proto-json/canonical.h"
#include "proto-json/crypto.h"
#include "proto-json/encoding.h"
#include "proto-json/limits.h"
#include "tests/support/catch.h"
#include "tests/support/vectors.h"

namespace openexec {
namespace {

struct Refused {
  Reason reason;
  std::optional<RequestId> id;
  bool operator==(const Refused&) const = default;
};

// How a line is refused; fails the test when it is not.
Refused refusal(std::string_view line) {
  INFO(line);
  const auto request = decode_request(line);
  REQUIRE_FALSE(request);
  CHECK_FALSE(request.error().error.message.empty());
  return {request.error().error.reason, request.error().id};
}

std::string message_of(std::string_view line) {
  const auto request = decode_request(line);
  REQUIRE_FALSE(request);
  return request.error().error.message;
}

const RequestId seven = std::int64_t{7};

TEST_CASE("a request is decoded") {
  const auto request = decode_request(R"({"jsonrpc":"2.0","id":7,"method":"execute","params":{"a":1}})");
  REQUIRE(request);
  CHECK(request->id == seven);
  CHECK(request->method == "execute");
  CHECK(request->params == parsed(R"({"a":1})"));
}

TEST_CASE("absent params are an empty object") {
  const auto request = decode_request(R"({"jsonrpc":"2.0","id":"x","method":"info"})");
  REQUIRE(request);
  CHECK(request->id == RequestId("x"));
  CHECK(request->params == Json::object({}));
}

TEST_CASE("an id is an integer or a text of at most 256 bytes") {
  const auto id_of = [](const std::string& id) -> std::optional<RequestId> {
    const auto request = decode_request(R"({"jsonrpc":"2.0","method":"info","id":)" + id + "}");
    if (request) {
      return request->id;
    }
    CHECK(request.error().error.reason == Reason::invalid_request);
    CHECK_FALSE(request.error().id.has_value());
    return std::nullopt;
  };
  CHECK(id_of("0") == RequestId(std::int64_t{0}));
  CHECK(id_of("-9223372036854775808") == RequestId(std::numeric_limits<std::int64_t>::min()));
  CHECK(id_of("9223372036854775807") == RequestId(std::numeric_limits<std::int64_t>::max()));
  CHECK(id_of(R"("")") == RequestId(""));
  CHECK(id_of(R"("\u00e9\n")") == RequestId("\xc3\xa9\n"));
  const std::string longest(limits::request_id_bytes_max, 'i');
  CHECK(id_of('"' + longest + '"') == RequestId(longest));
  for (const std::string& id : {'"' + longest + "x\"", std::string("null"), std::string("1.0"), std::string("1e3"),
                                std::string("true"), std::string("[1]"), std::string("{}")}) {
    CHECK_FALSE(id_of(id).has_value());
  }
}

TEST_CASE("what is not JSON is a parse error with no id") {
  for (const std::string line :
       {"x", "{", R"({"id":7)", R"({"jsonrpc":"2.0","id":7,"method":"info"} x)", "\xef\xbb\xbf{}",
        "{\"id\":7,\"method\":\"\xff\"}", R"({"id":7,"method":"\ud800"})",
        R"({"id":7,"params":{"a":9223372036854775808}})", R"({"id":7,"params":{"a":1e999}})"}) {
    CHECK(refusal(line) == Refused{Reason::parse_error, std::nullopt});
  }
  const std::string deep = std::string(limits::json_depth_max + 1, '[') + std::string(limits::json_depth_max + 1, ']');
  CHECK(refusal(deep) == Refused{Reason::parse_error, std::nullopt});
}

TEST_CASE("JSON that is no request is an invalid request, with the id where one can be read") {
  const std::optional<RequestId> none;
  CHECK(refusal("1") == Refused{Reason::invalid_request, none});
  CHECK(refusal("null") == Refused{Reason::invalid_request, none});
  CHECK(refusal(R"("text")") == Refused{Reason::invalid_request, none});
  CHECK(refusal("{}") == Refused{Reason::invalid_request, none});
  CHECK(refusal(R"({"jsonrpc":"2.0","method":"info"})") == Refused{Reason::invalid_request, none});
  CHECK(refusal(R"({"id":7,"method":"info"})") == Refused{Reason::invalid_request, seven});
  CHECK(refusal(R"({"id":7,"jsonrpc":2.0,"method":"info"})") == Refused{Reason::invalid_request, seven});
  CHECK(refusal(R"({"id":7,"jsonrpc":"1.0","method":"info"})") == Refused{Reason::invalid_request, seven});
  CHECK(refusal(R"({"id":7,"jsonrpc":"2.0"})") == Refused{Reason::invalid_request, seven});
  CHECK(refusal(R"({"id":7,"jsonrpc":"2.0","method":null})") == Refused{Reason::invalid_request, seven});
  CHECK(refusal(R"({"id":7,"jsonrpc":"2.0","method":"info","meta":1})") == Refused{Reason::invalid_request, seven});
  CHECK(message_of(R"({"id":7,"jsonrpc":"2.0","method":"info","meta":1})").find(R"("meta")") != std::string::npos);
}

TEST_CASE("a batch is refused as one, with no id") {
  CHECK(refusal(R"([{"jsonrpc":"2.0","id":7,"method":"info"}])") == Refused{Reason::invalid_request, std::nullopt});
  CHECK(message_of("[]").find("batch") != std::string::npos);
}

TEST_CASE("a method is a text of at most 64 bytes") {
  const auto with_method = [](const std::string& method) {
    return R"({"id":7,"jsonrpc":"2.0","method":")" + method + "\"}";
  };
  CHECK(decode_request(with_method(std::string(limits::method_bytes_max, 'm'))));
  CHECK(refusal(with_method(std::string(limits::method_bytes_max + 1, 'm'))) ==
        Refused{Reason::invalid_request, seven});
}

TEST_CASE("params that are no object are invalid params") {
  for (const std::string params : {"null", "[]", "1", "\"x\""}) {
    CHECK(refusal(R"({"id":7,"jsonrpc":"2.0","method":"info","params":)" + params + "}") ==
          Refused{Reason::invalid_params, seven});
  }
}

TEST_CASE("a duplicate member anywhere is an invalid request, with the id unless that is the duplicate") {
  CHECK(refusal(R"({"id":7,"jsonrpc":"2.0","method":"info","method":"execute"})") ==
        Refused{Reason::invalid_request, seven});
  CHECK(refusal(R"({"id":7,"jsonrpc":"2.0","method":"info","params":{"a":{"b":1,"\u0062":1}}})") ==
        Refused{Reason::invalid_request, seven});
  CHECK(refusal(R"({"id":7,"jsonrpc":"2.0","method":"info","params":{"id":1,"id":2}})") ==
        Refused{Reason::invalid_request, seven});
  CHECK(refusal(R"({"id":7,"id":7,"jsonrpc":"2.0","method":"info"})") ==
        Refused{Reason::invalid_request, std::nullopt});
  CHECK(refusal(R"({"id":7,"a":1,"a":1,"id":8})") == Refused{Reason::invalid_request, std::nullopt});
  CHECK(refusal(R"({"id":null,"a":1,"a":1})") == Refused{Reason::invalid_request, std::nullopt});
  CHECK(refusal(R"([{"id":7,"a":1,"a":1}])") == Refused{Reason::invalid_request, std::nullopt});
  CHECK(message_of(R"({"id":7,"a\n":1,"a\n":1})").find(R"("a\n")") != std::string::npos);
}

TEST_CASE("a request that was encoded is decoded as the same") {
  const Json params = parsed(R"({"b":[1,2.5,"é\n"],"a":null})");
  const std::string line = encode_request("id-\"1\"", "execute", params);
  CHECK(line == R"({"id":"id-\"1\"","jsonrpc":"2.0","method":"execute","params":{"a":null,"b":[1,2.5,"\u00e9\n"]}})");
  const auto request = decode_request(line);
  REQUIRE(request);
  CHECK(request->id == RequestId("id-\"1\""));
  CHECK(request->params == params);
  CHECK(encode_request(seven, "info", nullptr) == R"({"id":7,"jsonrpc":"2.0","method":"info"})");
}

TEST_CASE("replies are one line each, members in order") {
  CHECK(encode_result(seven, parsed(R"({"b":1,"a":"é"})")) ==
        "{\"id\":7,\"jsonrpc\":\"2.0\",\"result\":{\"a\":\"\\u00e9\",\"b\":1}}\n");
  CHECK(encode_error(std::nullopt, Error{Reason::parse_error, "Parse error: x"}) ==
        R"({"error":{"code":-32700,"data":{"reason":"parse_error","retryable":false},"message":"Parse error: x"},)"
        "\"id\":null,\"jsonrpc\":\"2.0\"}\n");
  CHECK(encode_error("a", Error{Reason::overloaded, "Busy\n"}, parsed(R"({"receipt":{"index":1}})")) ==
        R"({"error":{"code":42901,"data":{"reason":"overloaded","receipt":{"index":1},"retryable":true},)"
        R"("message":"Busy\n"},"id":"a","jsonrpc":"2.0"})"
        "\n");
}

TEST_CASE("every reason is told with its own code") {
  for (const ReasonInfo& reason : reasons()) {
    const auto response = decode_response(encode_error(seven, Error{reason.reason, "text"}));
    REQUIRE(response);
    REQUIRE(response->error() != nullptr);
    CHECK(member(*response->error(), "code") == Json(reason.code));
    CHECK(string_member(member(*response->error(), "data"), "reason") == reason.name);
    CHECK(bool_member(member(*response->error(), "data"), "retryable") == reason.retryable);
  }
}

TEST_CASE("a response is decoded") {
  const auto good = decode_response(R"({"jsonrpc":"2.0","id":7,"result":null})");
  REQUIRE(good);
  CHECK(good->id == seven);
  REQUIRE(good->result() != nullptr);
  CHECK(good->result()->is_null());
  CHECK(good->error() == nullptr);

  const auto bad = decode_response(R"({"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"x"}})");
  REQUIRE(bad);
  CHECK_FALSE(bad->id.has_value());
  REQUIRE(bad->error() != nullptr);
  CHECK(bad->result() == nullptr);
}

TEST_CASE("what is no response is refused in words") {
  for (const std::string line :
       {"", "HTTP/1.1 400 Bad Request", "[]", "{}", R"({"jsonrpc":"2.0"})", R"({"jsonrpc":"2.0","id":7})",
        R"({"jsonrpc":"2.0","result":1})", R"({"jsonrpc":"2.0","id":null,"result":1})", R"({"id":7,"result":1})",
        R"({"jsonrpc":"1.0","id":7,"result":1})", R"({"jsonrpc":"2.0","id":7.5,"result":1})",
        R"({"jsonrpc":"2.0","id":7,"result":1,"error":{"code":1,"message":"x"}})",
        R"({"jsonrpc":"2.0","id":7,"error":"x"})", R"({"jsonrpc":"2.0","id":7,"error":{"code":1}})",
        R"({"jsonrpc":"2.0","error":{"code":1,"message":"x"}})", R"({"jsonrpc":"2.0","id":7,"result":1,"result":1})",
        R"({"jsonrpc":"2.0","id":7,"error":{"code":"1","message":"x"}})"}) {
    INFO(line);
    const auto response = decode_response(line);
    REQUIRE_FALSE(response);
    CHECK_FALSE(response.error().empty());
  }
}

TEST_CASE("an execute result carries the result byte for byte") {
  init_crypto();
  ExecuteResult result;
  result.id = from_uuid_text("a93c8466-c77d-8ee6-b591-ef9623dcf567").value();
  result.action = "echo";
  result.result = R"({"echo": {"a": 1.0, "b": "\u00e9"}})";
  result.receipt = seed_receipt(to_uuid_text(result.id), result.result);
  result.status = ReceiptKind::executed;
  result.replayed = true;
  result.at = from_text("2026-11-21T12:00:00Z").value();
  result.duration_us = 12;
  result.log = {"vm1/openexec", 41};
  const std::string line = encode_execute_result("r", result);
  CHECK(line == R"({"id":"r","jsonrpc":"2.0","result":{"action":"echo","approved":true,)"
                R"("at":"2026-11-21T12:00:00.000000Z","duration_us":12,"id":"a93c8466-c77d-8ee6-b591-ef9623dcf567",)"
                R"("log":{"index":41,"origin":"vm1/openexec"},"receipt":")" +
                    to_hex(result.receipt.view()) +
                    R"(","replayed":true,"result":{"echo": {"a": 1.0, "b": "\u00e9"}},"status":"executed"}})"
                    "\n");
  // So a client can check the seed's receipt from the reply.
  const Json reply = *decode_response(line)->result();
  CHECK(to_spaced(member(reply, "result")) == result.result);
  CHECK(verify_seed_receipt(
      {string_member(reply, "id"), to_spaced(member(reply, "result")), string_member(reply, "receipt")}));
}

TEST_CASE("a check result says what would happen and what must be signed") {
  init_crypto();
  CheckResult result{"execute", std::nullopt, sha256("x"), R"({"action":"echo","payload":{}})"};
  CHECK(to_json(result) == Json::object({{"would", "execute"},
                                         {"action_hash", to_hex(sha256("x").view())},
                                         {"canonical", R"({"action":"echo","payload":{}})"}}));
  result.would = "deny";
  result.denial = Error{Reason::approval_required, "Approval required"};
  CHECK(to_json(result) == Json::object({{"would", "deny"},
                                         {"action_hash", to_hex(sha256("x").view())},
                                         {"canonical", R"({"action":"echo","payload":{}})"},
                                         {"reason", "approval_required"},
                                         {"message", "Approval required"}}));
}

}  // namespace
}  // namespace openexec
