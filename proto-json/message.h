// SPDX-License-Identifier: Apache-2.0
// JSON-RPC 2.0 messages, one a line (docs/protocol.md). Both sides of the socket use these; framing is line_splitter.h.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "proto-json/bytes.h"
#include "proto-json/error.h"
#include "proto-json/json.h"
#include "proto-json/limits.h"
#include "proto-json/names.h"
#include "proto-json/note.h"
#include "proto-json/receipt.h"
#include "proto-json/utc_time.h"

namespace openexec {

// A string of at most request_id_bytes_max bytes, or an integer.
using RequestId = std::variant<std::int64_t, std::string>;

struct Request {
  RequestId id;
  std::string method;
  Json params;  // an object; an absent one is {}
};

struct RequestFailure {
  std::optional<RequestId> id;  // when one could be read
  Error error;
};

std::expected<Request, RequestFailure> decode_request(std::string_view line);
// `params` is an object or null (left out). No line end.
std::string encode_request(const RequestId& id, std::string_view method, const Json& params);

// Replies, with their line end. Members stand in code point order, in compact seed form.
std::string encode_result(const RequestId& id, const Json& result);
// `data` are further members of error.data, after reason and retryable; an object or null.
std::string encode_error(const std::optional<RequestId>& id, const Error& error, const Json& data = nullptr);

struct Response {
  std::optional<RequestId> id;
  std::variant<Json, Json> outcome;  // index 0: `result`; index 1: `error`
  [[nodiscard]] const Json* result() const { return std::get_if<0>(&outcome); }
  [[nodiscard]] const Json* error() const { return std::get_if<1>(&outcome); }
};
// Errors are texts for a person: the peer is not one of ours.
std::expected<Response, std::string> decode_response(std::string_view line);

// --- execute ---

struct ExecuteRequest {
  std::string action;
  Json payload;  // an object
  std::string nonce;
  std::optional<Json> approval_artifact;  // an object
  std::optional<std::string> trace_id;
  bool proof = false;
  bool check = false;
};
// -32602, naming the member.
Result<ExecuteRequest> decode_execute(Json params);

// Where a receipt stands.
struct LogPosition {
  std::string origin;
  std::uint64_t index = 0;
};

struct ExecuteResult {
  ExecutionId id;
  std::string action;
  std::string result;                          // spaced seed form; goes into the reply byte for byte
  Hash receipt;                                // seed_receipt()
  ReceiptKind status = ReceiptKind::executed;  // executed, failed or timed_out
  bool replayed = false;
  UtcTime at;  // when the outcome was recorded
  std::int64_t duration_us = 0;
  LogPosition log;
  std::optional<std::string> proof;  // tlog-proof text, where it was asked for
};
std::string encode_execute_result(const RequestId& id, const ExecuteResult& result);

// `check: true`: what would happen, and what an approver must sign.
struct CheckResult {
  std::string would;            // "execute", "replay", "wait" or "deny"
  std::optional<Error> denial;  // for "deny"
  Hash action_hash;
  std::string canonical;  // canonical_request()
};
Json to_json(const CheckResult& result);

// --- receipts ---

struct ReceiptQuery {
  // index 0: execution id; 1: nonce; 2: entry index
  std::variant<ExecutionId, std::string, std::uint64_t> by;
};
Result<ReceiptQuery> decode_receipt_query(const Json& params);

struct ReceiptVerifyRequest {
  std::string exec_id;
  std::string result;  // the text given, or the spaced form of the object given
  std::string receipt;
};
Result<ReceiptVerifyRequest> decode_receipt_verify(const Json& params);
bool verify_seed_receipt(const ReceiptVerifyRequest& request);

// --- the log ---

struct EntriesQuery {
  std::uint64_t start = 0;
  std::size_t limit = limits::log_entries_max;  // 1 to log_entries_max
};
Result<EntriesQuery> decode_entries_query(const Json& params);

struct InclusionQuery {
  std::uint64_t index = 0;
  std::optional<std::uint64_t> size;  // nothing: the log's own
};
Result<InclusionQuery> decode_inclusion_query(const Json& params);

struct ConsistencyQuery {
  std::uint64_t from = 0;
  std::optional<std::uint64_t> to;  // nothing: the log's own size
};
Result<ConsistencyQuery> decode_consistency_query(const Json& params);

// What witnesses answered to a checkpoint of this log.
struct CosignedQuery {
  Note checkpoint;                          // as it was submitted
  std::vector<NoteSignature> cosignatures;  // signature lines as they came
};
Result<CosignedQuery> decode_cosigned_query(const Json& params);

// Methods with no parameters: {} only.
Result<void> decode_no_params(const Json& params);

}  // namespace openexec
