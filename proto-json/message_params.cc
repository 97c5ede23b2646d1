// SPDX-License-Identifier: Apache-2.0
// The `params` of each method. Every error is -32602 and names the member.
#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <initializer_list>
#include <utility>

#include "proto-json/canonical.h"
#include "proto-json/crypto.h"
#include "proto-json/encoding.h"
#include "proto-json/limits.h"
#include "proto-json/message.h"

namespace openexec {
namespace {

std::unexpected<Error> invalid(std::string_view text) {
  return fail(Reason::invalid_params, "Invalid params: " + std::string(text));
}

std::string short_text(std::string_view member, std::size_t bytes_max) {
  return fmt::format("{} must be a string of 1 to {} bytes with no control characters", member, bytes_max);
}

// Holds the parameters to an object with no members but these.
Result<void> check_members(const Json& params, std::initializer_list<std::string_view> known) {
  const Json::Object* members = params.if_object();
  if (members == nullptr) {
    return invalid("params must be an object");
  }
  for (const Member& member : *members) {
    if (std::ranges::find(known, member.key) == known.end()) {
      return invalid("unknown member " + quoted_name(member.key));
    }
  }
  return {};
}

// A member that may be left out or be null; nullptr then.
const Json* find_unless_null(const Json& params, std::string_view member) {
  const Json* value = params.find(member);
  return value == nullptr || value->is_null() ? nullptr : value;
}

// A place in the log or a number of entries; nothing when it was left out.
Result<std::optional<std::uint64_t>> read_optional_count(const Json& params, std::string_view member) {
  const Json* value = find_unless_null(params, member);
  if (value == nullptr) {
    return std::nullopt;
  }
  const std::int64_t* number = value->if_int();
  if (number == nullptr || *number < 0) {
    return invalid(fmt::format("{} must be an integer of 0 or more", member));
  }
  return static_cast<std::uint64_t>(*number);
}

Result<std::uint64_t> read_count(const Json& params, std::string_view member) {
  const auto value = read_optional_count(params, member);
  if (!value) {
    return std::unexpected(value.error());
  }
  if (!*value) {
    return invalid(fmt::format("{} must be an integer of 0 or more", member));
  }
  return **value;
}

// An absent flag is false.
Result<bool> read_flag(const Json& params, std::string_view member) {
  const Json* value = params.find(member);
  if (value == nullptr) {
    return false;
  }
  const bool* flag = value->if_bool();
  if (flag == nullptr) {
    return invalid(std::string(member) + " must be true or false");
  }
  return *flag;
}

}  // namespace

Result<ExecuteRequest> decode_execute(Json params) {
  const Result<void> members =
      check_members(params, {"action", "payload", "nonce", "approval_artifact", "trace_id", "proof", "check"});
  if (!members) {
    return std::unexpected(members.error());
  }
  ExecuteRequest request;

  const std::string* action = params.find_string("action");
  if (action == nullptr || !is_action_name(*action)) {
    return invalid(
        fmt::format("action must be a string that matches [A-Za-z0-9_.:-]{{1,{}}}", limits::action_bytes_max));
  }
  request.action = *action;

  const Json* payload = find_unless_null(params, "payload");
  if (payload != nullptr && payload->if_object() == nullptr) {
    return invalid("payload must be an object");
  }
  request.payload = payload == nullptr ? Json::object({}) : params.take("payload");

  const std::string* nonce = params.find_string("nonce");
  if (nonce == nullptr || !is_nonce(*nonce)) {
    return invalid(short_text("nonce", limits::nonce_bytes_max));
  }
  request.nonce = *nonce;

  if (const Json* artifact = find_unless_null(params, "approval_artifact")) {
    if (artifact->if_object() == nullptr) {
      return invalid("approval_artifact must be an object");
    }
    request.approval_artifact = params.take("approval_artifact");
  }

  if (const Json* trace_id = find_unless_null(params, "trace_id")) {
    const std::string* text = trace_id->if_string();
    if (text == nullptr || !is_trace_id(*text)) {
      return invalid(short_text("trace_id", limits::trace_id_bytes_max));
    }
    request.trace_id = *text;
  }

  const Result<bool> check = read_flag(params, "check");
  if (!check) {
    return std::unexpected(check.error());
  }
  request.check = *check;

  const Result<bool> proof = read_flag(params, "proof");
  if (!proof) {
    return std::unexpected(proof.error());
  }
  request.proof = *proof;
  return request;
}

Result<ReceiptQuery> decode_receipt_query(const Json& params) {
  const Result<void> members = check_members(params, {"id", "nonce", "index"});
  if (!members) {
    return std::unexpected(members.error());
  }
  if (params.if_object()->size() != 1) {
    return invalid("exactly one of id, nonce and index is wanted");
  }
  if (const Json* id = params.find("id")) {
    const std::string* text = id->if_string();
    const std::optional<ExecutionId> value = text == nullptr ? std::nullopt : from_uuid_text(*text);
    if (!value) {
      return invalid("id must be a UUID of 36 characters in lower case");
    }
    return ReceiptQuery{*value};
  }
  if (const Json* nonce = params.find("nonce")) {
    const std::string* text = nonce->if_string();
    if (text == nullptr || !is_nonce(*text)) {
      return invalid(short_text("nonce", limits::nonce_bytes_max));
    }
    return ReceiptQuery{*text};
  }
  const auto index = read_count(params, "index");
  if (!index) {
    return std::unexpected(index.error());
  }
  return ReceiptQuery{*index};
}

Result<EntriesQuery> decode_entries_query(const Json& params) {
  const Result<void> members = check_members(params, {"start", "limit"});
  const auto start = members ? read_count(params, "start") : std::unexpected(members.error());
  const auto limit = start ? read_optional_count(params, "limit") : std::unexpected(start.error());
  if (!limit) {
    return std::unexpected(limit.error());
  }
  if (*limit && (**limit < 1 || **limit > limits::log_entries_max)) {
    return invalid(fmt::format("limit must be an integer of 1 to {}", limits::log_entries_max));
  }
  return EntriesQuery{*start, static_cast<std::size_t>(limit->value_or(limits::log_entries_max))};
}

Result<InclusionQuery> decode_inclusion_query(const Json& params) {
  const Result<void> members = check_members(params, {"index", "size"});
  const auto index = members ? read_count(params, "index") : std::unexpected(members.error());
  const auto size = index ? read_optional_count(params, "size") : std::unexpected(index.error());
  if (!size) {
    return std::unexpected(size.error());
  }
  return InclusionQuery{*index, *size};
}

Result<ConsistencyQuery> decode_consistency_query(const Json& params) {
  const Result<void> members = check_members(params, {"from", "to"});
  const auto from = members ? read_count(params, "from") : std::unexpected(members.error());
  const auto to = from ? read_optional_count(params, "to") : std::unexpected(from.error());
  if (!to) {
    return std::unexpected(to.error());
  }
  return ConsistencyQuery{*from, *to};
}

Result<CosignedQuery> decode_cosigned_query(const Json& params) {
  if (const Result<void> members = check_members(params, {"checkpoint", "cosignatures"}); !members) {
    return std::unexpected(members.error());
  }
  const std::string* checkpoint = params.find_string("checkpoint");
  auto note = checkpoint == nullptr ? std::unexpected(std::string("it must be a signed note")) : read_note(*checkpoint);
  if (!note) {
    return invalid("checkpoint: " + note.error());
  }
  const std::string* lines = params.find_string("cosignatures");
  auto cosignatures =
      lines == nullptr ? std::unexpected(std::string("it must be signature lines")) : read_signature_lines(*lines);
  if (!cosignatures) {
    return invalid("cosignatures: " + cosignatures.error());
  }
  return CosignedQuery{*std::move(note), *std::move(cosignatures)};
}

Result<ReceiptVerifyRequest> decode_receipt_verify(const Json& params) {
  const Result<void> members = check_members(params, {"exec_id", "result", "receipt"});
  if (!members) {
    return std::unexpected(members.error());
  }
  const std::string* exec_id = params.find_string("exec_id");
  if (exec_id == nullptr) {
    return invalid("exec_id must be a string");
  }
  const std::string* receipt = params.find_string("receipt");
  if (receipt == nullptr) {
    return invalid("receipt must be a string");
  }
  const Json* result = params.find("result");
  if (result == nullptr || (result->if_string() == nullptr && result->if_object() == nullptr)) {
    return invalid("result must be a string or an object");
  }
  const std::string* text = result->if_string();
  return ReceiptVerifyRequest{*exec_id, text == nullptr ? to_spaced(*result) : *text, *receipt};
}

bool verify_seed_receipt(const ReceiptVerifyRequest& request) {
  return request.receipt == to_hex(seed_receipt(request.exec_id, request.result).view());
}

Result<void> decode_no_params(const Json& params) { return check_members(params, {}); }

}  // namespace openexec
