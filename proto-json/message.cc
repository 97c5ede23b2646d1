// SPDX-License-Identifier: Apache-2.0
#include "proto-json/message.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "proto-json/canonical.h"
#include "proto-json/check.h"
#include "proto-json/encoding.h"
#include "proto-json/limits.h"

namespace openexec {
namespace {

constexpr std::string_view version_text = "2.0";
constexpr std::array<std::string_view, 4> request_members{"id", "jsonrpc", "method", "params"};

std::unexpected<RequestFailure> refuse(std::optional<RequestId> id, Reason reason, std::string message) {
  return std::unexpected(RequestFailure{std::move(id), Error{reason, std::move(message)}});
}

// The id of a request or a response; nothing when there is none or it is no id.
std::optional<RequestId> read_id(const Json& message) {
  const Json* id = message.find("id");
  if (id == nullptr) {
    return std::nullopt;
  }
  if (const std::int64_t* number = id->if_int()) {
    return *number;
  }
  const std::string* text = id->if_string();
  if (text != nullptr && text->size() <= limits::request_id_bytes_max) {
    return *text;
  }
  return std::nullopt;
}

Json to_json(const RequestId& id) {
  return std::visit([](const auto& value) { return Json(value); }, id);
}

void append_id(std::string& out, const std::optional<RequestId>& id) {
  append_compact(out, id ? to_json(*id) : Json(nullptr));
}

std::unexpected<RequestFailure> refuse_unparsed(const JsonError& error) {
  switch (error.kind) {
    case JsonError::Kind::syntax:
      return refuse(std::nullopt, Reason::parse_error, "Parse error: " + error.message);
    case JsonError::Kind::duplicate_member:
      break;
  }
  std::optional<RequestId> id;
  if (error.with_first_members && !error.top_level_id_is_duplicate) {
    id = read_id(*error.with_first_members);
  }
  return refuse(std::move(id), Reason::invalid_request, "Invalid request: " + error.message);
}

}  // namespace

std::expected<Request, RequestFailure> decode_request(std::string_view line) {
  std::expected<Json, JsonError> parsed = parse_json(line);
  if (!parsed) {
    return refuse_unparsed(parsed.error());
  }
  if (parsed->if_array() != nullptr) {
    return refuse(std::nullopt, Reason::invalid_request,
                  "Invalid request: batches are not supported, send one request a line");
  }
  const Json::Object* members = parsed->if_object();
  if (members == nullptr) {
    return refuse(std::nullopt, Reason::invalid_request, "Invalid request: a request is a JSON object");
  }
  const std::optional<RequestId> id = read_id(*parsed);
  if (!id) {
    return refuse(std::nullopt, Reason::invalid_request,
                  fmt::format("Invalid request: id must be an integer or a string of at most {} bytes",
                              limits::request_id_bytes_max));
  }
  for (const Member& member : *members) {
    if (std::ranges::find(request_members, member.key) == request_members.end()) {
      return refuse(id, Reason::invalid_request, "Invalid request: unknown member " + quoted_name(member.key));
    }
  }
  const std::string* version = parsed->find_string("jsonrpc");
  if (version == nullptr || *version != version_text) {
    return refuse(id, Reason::invalid_request, R"(Invalid request: jsonrpc must be "2.0")");
  }
  const std::string* method = parsed->find_string("method");
  if (method == nullptr || method->size() > limits::method_bytes_max) {
    return refuse(
        id, Reason::invalid_request,
        fmt::format("Invalid request: method must be a string of at most {} bytes", limits::method_bytes_max));
  }
  const Json* params = parsed->find("params");
  if (params != nullptr && params->if_object() == nullptr) {
    return refuse(id, Reason::invalid_params, "Invalid params: params must be an object");
  }
  std::string name = *method;
  return Request{*id, std::move(name), params == nullptr ? Json::object({}) : parsed->take("params")};
}

std::string encode_request(const RequestId& id, std::string_view method, const Json& params) {
  OPENEXEC_CHECK(params.is_null() || params.if_object() != nullptr);
  std::string out = R"({"id":)";
  append_id(out, id);
  out += R"(,"jsonrpc":"2.0","method":)";
  append_seed_string(out, method);
  if (!params.is_null()) {
    out += R"(,"params":)";
    append_compact(out, params);
  }
  out += '}';
  return out;
}

std::string encode_result(const RequestId& id, const Json& result) {
  std::string out = R"({"id":)";
  append_id(out, id);
  out += R"(,"jsonrpc":"2.0","result":)";
  append_compact(out, result);
  out += "}\n";
  return out;
}

std::string encode_error(const std::optional<RequestId>& id, const Error& error, const Json& data) {
  OPENEXEC_CHECK(data.is_null() || data.if_object() != nullptr);
  const ReasonInfo& reason = info(error.reason);
  std::vector<Member> members{{"reason", reason.name}, {"retryable", reason.retryable}};
  if (const Json::Object* further = data.if_object()) {
    members.insert(members.end(), further->begin(), further->end());
  }
  std::string out = R"({"error":)";
  append_compact(
      out,
      Json::object({{"code", reason.code}, {"data", Json::object(std::move(members))}, {"message", error.message}}));
  out += R"(,"id":)";
  append_id(out, id);
  out += R"(,"jsonrpc":"2.0"})";
  out += '\n';
  return out;
}

std::expected<Response, std::string> decode_response(std::string_view line) {
  std::expected<Json, JsonError> parsed = parse_json(line);
  if (!parsed) {
    return std::unexpected("the reply is not JSON: " + parsed.error().message);
  }
  const std::string* version = parsed->find_string("jsonrpc");
  if (version == nullptr || *version != version_text) {
    return std::unexpected("the reply is not JSON-RPC 2.0: is this the socket of an OpenExec daemon?");
  }
  const Json* result = parsed->find("result");
  const Json* error = parsed->find("error");
  if ((result == nullptr) == (error == nullptr)) {
    return std::unexpected("the reply must have either a result or an error");
  }
  const Json* id_member = parsed->find("id");
  const std::optional<RequestId> id = read_id(*parsed);
  const bool has_null_id = id_member != nullptr && id_member->is_null();
  if (!id && !(has_null_id && error != nullptr)) {
    return std::unexpected("the reply has no valid id");
  }
  if (result != nullptr) {
    return Response{id, std::variant<Json, Json>(std::in_place_index<0>, *result)};
  }
  const Json* code = error->find("code");
  if (code == nullptr || code->if_int() == nullptr || error->find_string("message") == nullptr) {
    return std::unexpected("the reply's error has no integer code or no message");
  }
  return Response{id, std::variant<Json, Json>(std::in_place_index<1>, *error)};
}

std::string encode_execute_result(const RequestId& id, const ExecuteResult& result) {
  OPENEXEC_CHECK(has_result(result.status));
  std::string out = R"({"id":)";
  out.reserve(result.result.size() + 1024);
  append_id(out, id);
  out += R"(,"jsonrpc":"2.0","result":{"action":)";
  append_seed_string(out, result.action);
  out += R"(,"approved":true,"at":)";
  append_seed_string(out, to_text(result.at));
  out += R"(,"duration_us":)" + std::to_string(result.duration_us);
  out += R"(,"id":)";
  append_seed_string(out, to_uuid_text(result.id));
  out += R"(,"log":{"index":)" + std::to_string(result.log.index);
  out += R"(,"origin":)";
  append_seed_string(out, result.log.origin);
  out += '}';
  if (result.proof) {
    out += R"(,"proof":)";
    append_seed_string(out, *result.proof);
  }
  out += R"(,"receipt":)";
  append_seed_string(out, to_hex(result.receipt.view()));
  out += R"(,"replayed":)";
  out += result.replayed ? "true" : "false";
  out += R"(,"result":)" + result.result;
  out += R"(,"status":)";
  append_seed_string(out, to_text(result.status));
  out += "}}\n";
  return out;
}

Json to_json(const CheckResult& result) {
  std::vector<Member> members{
      {"action_hash", to_hex(result.action_hash.view())}, {"canonical", result.canonical}, {"would", result.would}};
  if (result.denial) {
    members.push_back({"reason", info(result.denial->reason).name});
    members.push_back({"message", result.denial->message});
  }
  return Json::object(std::move(members));
}

}  // namespace openexec
