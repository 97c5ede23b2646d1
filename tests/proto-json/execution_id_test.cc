// SPDX-License-Identifier: Apache-2.0
#include "proto-json/execution_id.h"

#include <optional>
#include <string>
#include <vector>

#include "proto-json/canonical.h"
#include "proto-json/crypto.h"
#include "proto-json/encoding.h"
#include "tests/support/catch.h"
#include "tests/support/vectors.h"

namespace openexec {
namespace {

std::optional<std::string> tenant_of(const Json& test) {
  const Json& tenant = member(test, "tenant_id");
  return tenant.is_null() ? std::nullopt : std::optional(string_member(test, "tenant_id"));
}

ExecutionId id_of(std::string_view action, std::string_view nonce, const Json& payload,
                  const std::optional<std::string>& tenant) {
  return execution_id(encode(action, nonce, payload, tenant, nullptr));
}

Hash fingerprint_of(std::string_view mode, const std::optional<std::string>& tenant, std::string_view action,
                    const Json& payload, const Json* approval) {
  return request_fingerprint(mode, encode(action, "n", payload, tenant, approval));
}

Json tenant_json(const std::optional<std::string>& tenant) { return tenant ? Json(*tenant) : Json(nullptr); }

TEST_CASE("the same request has the same execution id on every host") {
  init_crypto();
  const Json::Array cases = vector_cases("execution-ids");
  for (const Json& test : cases) {
    INFO(to_compact(test));
    const ExecutionId id = id_of(string_member(test, "action"), string_member(test, "nonce"),
                                 parsed(string_member(test, "payload")), tenant_of(test));
    CHECK(to_uuid_text(id) == string_member(test, "id"));
  }
}

TEST_CASE("an execution id is a UUID of version 8 and the RFC 9562 variant") {
  init_crypto();
  for (int i = 0; i < 1000; ++i) {
    const std::string text = to_uuid_text(id_of("echo", "nonce-" + std::to_string(i), Json::object({}), std::nullopt));
    CHECK(text[14] == '8');
    CHECK(std::string("89ab").find(text[19]) != std::string::npos);
  }
}

TEST_CASE("the pieces written one by one are the compact form of the object") {
  init_crypto();
  const Json payload = parsed(R"({"b": 1.0, "a": ["é", null, {"x": -7}], "": "\u0000\""})");
  const Json approval = parsed(R"({"approval_id": "x", "signature": 3})");
  const std::string action = "payment.refund";
  const std::string nonce = "n\xc3\xa9\"\\";
  for (const std::optional<std::string>& tenant :
       {std::optional<std::string>(), std::optional<std::string>("acme \xe2\x82\xac\"")}) {
    const std::string canonical = to_compact(Json::object({{"action", action}, {"payload", payload}}));
    CHECK(canonical_request(action, payload) == canonical);
    CHECK(canonical_request(encode(action, nonce, payload, tenant, nullptr)) == canonical);

    const std::string id_text = to_compact(
        Json::object({{"action", action}, {"nonce", nonce}, {"payload", payload}, {"tenant_id", tenant_json(tenant)}}));
    const Hash id_hash = sha256(std::string("openexec/id/v1\0", 15) + id_text);
    const ExecutionId id = id_of(action, nonce, payload, tenant);
    CHECK(std::equal(id.data.begin(), id.data.begin() + 6, id_hash.data.begin()));
    CHECK(id.data[7] == id_hash.data[7]);
    CHECK(std::equal(id.data.begin() + 9, id.data.end(), id_hash.data.begin() + 9));

    const std::string fingerprint_text = to_compact(Json::object({{"action", action},
                                                                  {"approval", approval},
                                                                  {"mode", "clawshield"},
                                                                  {"payload", payload},
                                                                  {"tenant_id", tenant_json(tenant)}}));
    CHECK(fingerprint_of("clawshield", tenant, action, payload, &approval) ==
          sha256(std::string("openexec/fingerprint/v1\0", 24) + fingerprint_text));
  }
}

TEST_CASE("an integer and a float of one value are two requests") {
  init_crypto();
  CHECK(canonical_request("add", parsed(R"({"a":1})")) == R"({"action":"add","payload":{"a":1}})");
  CHECK(canonical_request("add", parsed(R"({"a":1.0})")) == R"({"action":"add","payload":{"a":1.0}})");
  CHECK(id_of("add", "n", parsed(R"({"a":1})"), std::nullopt) !=
        id_of("add", "n", parsed(R"({"a":1.0})"), std::nullopt));
}

TEST_CASE("the order of members and the spelling of a text make no other request") {
  init_crypto();
  CHECK(id_of("echo", "n", parsed(R"({"a":"é","b":[1, 2]})"), "t") ==
        id_of("echo", "n", parsed(R"({ "b":[1,2], "\u0061":"\u00e9" })"), "t"));
}

TEST_CASE("whatever differs between two requests, their fingerprints differ") {
  init_crypto();
  const Json payload = parsed(R"({"a":1})");
  const Json approval = parsed(R"({"approval_id":"x"})");
  const Json no_members = Json::object({});
  const std::vector<Hash> fingerprints{
      fingerprint_of("clawshield", "t", "echo", payload, &approval),
      fingerprint_of("demo", "t", "echo", payload, &approval),
      fingerprint_of("clawshield", "u", "echo", payload, &approval),
      fingerprint_of("clawshield", std::nullopt, "echo", payload, &approval),
      fingerprint_of("clawshield", "null", "echo", payload, &approval),
      fingerprint_of("clawshield", "t", "add", payload, &approval),
      fingerprint_of("clawshield", "t", "echo", Json::object({}), &approval),
      fingerprint_of("clawshield", "t", "echo", payload, nullptr),
      fingerprint_of("clawshield", "t", "echo", payload, &no_members),
  };
  for (std::size_t i = 0; i < fingerprints.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      CHECK(fingerprints[i] != fingerprints[j]);
    }
  }
}

TEST_CASE("a claim key is the hash of tenant, zero byte and nonce") {
  init_crypto();
  CHECK(claim_key("acme", "n-1").data == sha256(std::string("acme\0n-1", 8)).data);
  CHECK(claim_key(std::nullopt, "n-1").data == sha256(std::string("\0n-1", 4)).data);
  CHECK(claim_key("a", "bc") != claim_key("ab", "c"));
}

TEST_CASE("one approval UUID has one key, in capitals or not") {
  init_crypto();
  const std::string lower = "67203e9d-7af3-4cec-b702-b95666250b1c";
  CHECK(approval_key("acme", "67203E9D-7AF3-4CEC-B702-B95666250B1C") == approval_key("acme", lower));
  CHECK(approval_key("acme", lower).data == sha256("acme" + std::string(1, '\0') + lower).data);
  CHECK(approval_key("ACME", lower) != approval_key("acme", lower));
}

}  // namespace
}  // namespace openexec
