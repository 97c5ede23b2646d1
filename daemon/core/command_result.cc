// SPDX-License-Identifier: Apache-2.0
#include "daemon/core/command_result.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "daemon/core/redactor.h"
#include "proto-json/canonical.h"
#include "proto-json/check.h"
#include "proto-json/crypto.h"
#include "proto-json/encoding.h"
#include "proto-json/limits.h"
#include "proto-json/receipt_rules.h"

namespace openexec {
namespace {

// The reply, its result, and the command's result are objects around what standard output holds.
constexpr std::size_t output_depth_max = limits::json_depth_max - 3;

constexpr std::size_t utf8_bytes_max = 4;  // of one character

bool is_deeper_than(const Json& value, std::size_t depth) {
  if (const Json::Array* array = value.if_array()) {
    return depth == 0 || std::ranges::any_of(*array, [&](const Json& one) { return is_deeper_than(one, depth - 1); });
  }
  if (const Json::Object* object = value.if_object()) {
    return depth == 0 ||
           std::ranges::any_of(*object, [&](const Member& one) { return is_deeper_than(one.value, depth - 1); });
  }
  return false;
}

bool is_blank(std::string_view text) { return text.find_first_not_of(" \t\r\n") == std::string_view::npos; }

struct Shown {
  std::string text;  // UTF-8, also where the output is none
  bool truncated = false;
  bool was_utf8 = true;
};

Shown show(CapturedOutput output, const Command& command, const Redactor& redactor, bool has_secrets) {
  Shown out{redactor.text(output.bytes, command.output_bytes_max),
            output.cut || output.bytes.size() > command.output_bytes_max, is_utf8(output.bytes)};
  if (has_secrets) {
    wipe(output.bytes);
  }
  return out;
}

// Without the name, which may be a secret, and is cut, when there are secrets.
std::string parse_error(const JsonError& error, bool has_secrets) {
  switch (error.kind) {
    case JsonError::Kind::syntax:
      return error.message;
    case JsonError::Kind::duplicate_member:
      return has_secrets ? "duplicate member" : error.message;
  }
  std::unreachable();
}

// What standard output says, as JSON; or why it is none.
std::expected<Json, std::string> read_output(const Shown& output, const Redactor& redactor, bool has_secrets) {
  if (output.truncated) {
    return std::unexpected(std::string("it is longer than output_bytes_max"));
  }
  if (!output.was_utf8) {
    return std::unexpected(std::string("it is not UTF-8"));
  }
  if (is_blank(output.text)) {
    return Json("");
  }
  auto value = parse_json(output.text);
  if (!value) {
    return std::unexpected(parse_error(value.error(), has_secrets));
  }
  if (is_deeper_than(*value, output_depth_max)) {
    return std::unexpected(fmt::format("it is nested more than {} deep", output_depth_max));
  }
  return redactor.value(*value);
}

RunResult error_result(std::string_view error) {
  return {ReceiptKind::failed, to_spaced(Json::object({{"error", error}}))};
}

}  // namespace

std::size_t captured_bytes_max(const Command& command, std::span<const std::string_view> secrets) {
  std::size_t longest = utf8_bytes_max;
  for (const std::string_view secret : secrets) {
    longest = std::max(longest, secret.size() * SecretSearch::spelling_bytes_max);
  }
  return command.output_bytes_max + longest - 1;  // of the last one that begins before the bound
}

RunResult command_result(const Command& command, const ProcessOutcome& outcome, CapturedOutput standard_output,
                         CapturedOutput standard_error, std::span<const std::string_view> secrets) {
  const ProcessEnd& end = outcome.end;
  OPENEXEC_CHECK(end.number >= (end.is_signal ? 1 : 0) && end.number <= (end.is_signal ? signal_max : exit_code_max));
  const Redactor redactor(secrets);
  Shown out = show(std::move(standard_output), command, redactor, !secrets.empty());
  Shown error = show(std::move(standard_error), command, redactor, !secrets.empty());

  std::vector<Member> members = {{end.is_signal ? "signal" : "exit_code", std::int64_t{end.number}},
                                 {"stderr", std::move(error.text)},
                                 {"truncated", out.truncated || error.truncated}};
  bool failed = end.is_signal || end.number != 0;
  switch (command.output) {
    case CommandOutput::text:
      members.push_back({"stdout", std::move(out.text)});
      break;
    case CommandOutput::json:
      if (auto value = read_output(out, redactor, !secrets.empty())) {
        members.push_back({"stdout", *std::move(value)});
      } else {
        members.push_back({"error", "standard output is not JSON: " + value.error()});
        members.push_back({"stdout", std::move(out.text)});
        failed = true;
      }
      break;
  }

  RunResult result;
  result.status = outcome.timed_out ? ReceiptKind::timed_out : failed ? ReceiptKind::failed : ReceiptKind::executed;
  result.result = to_spaced(Json::object(std::move(members)));
  if (result.result.size() > limits::result_bytes_max) {
    result = error_result(
        fmt::format("the result has {} bytes, more than {}", result.result.size(), limits::result_bytes_max));
  }
  result.duration_us = outcome.duration_us;
  result.exit = end;
  return result;
}

RunResult not_started_result(std::string_view why) {
  return error_result(Redactor({}).text(fmt::format("the command was not started: {}", why)));
}

RunResult lost_result() {
  return error_result("the command's launcher ended without a report: the command may have had its effect");
}

}  // namespace openexec
