// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/reply_scan.h"

#include <charconv>
#include <system_error>
#include <variant>

#include "client/client.h"
#include "proto-json/bytes.h"
#include "proto-json/json.h"
#include "proto-json/message.h"

namespace openexec::bench {
namespace {

constexpr std::size_t receipt_digits = Hash::size_bytes * 2;

bool skip(std::string_view& text, std::string_view expected) {
  if (!text.starts_with(expected)) {
    return false;
  }
  text.remove_prefix(expected.size());
  return true;
}

bool skip_back(std::string_view& text, std::string_view expected) {
  if (!text.ends_with(expected)) {
    return false;
  }
  text.remove_suffix(expected.size());
  return true;
}

// The longest run of these characters at the head of the text, which goes on behind it.
template <typename Is>
std::string_view take_while(std::string_view& text, Is is) {
  std::size_t size = 0;
  while (size < text.size() && is(text[size])) {
    ++size;
  }
  const std::string_view out = text.substr(0, size);
  text.remove_prefix(size);
  return out;
}

template <typename Is>
std::string_view take_back_while(std::string_view& text, Is is) {
  std::size_t begin = text.size();
  while (begin > 0 && is(text[begin - 1])) {
    --begin;
  }
  const std::string_view out = text.substr(begin);
  text.remove_suffix(out.size());
  return out;
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_hex_digit(char c) { return is_digit(c) || (c >= 'a' && c <= 'f'); }
bool is_name_character(char c) { return c == '_' || (c >= 'a' && c <= 'z'); }

std::optional<std::uint64_t> number_of(std::string_view digits) {
  std::uint64_t out = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), out);
  const bool whole = error == std::errc() && end == digits.data() + digits.size();
  const bool is_shortest = digits.size() == 1 || !digits.starts_with('0');
  return whole && is_shortest ? std::optional(out) : std::nullopt;
}

// Behind {"id": — a quote inside a JSON string is escaped, so the first `,"receipt":"` is a member, and of the result:
// what stands before it (action, at, log, …) has none of that name. The status is the last member, behind whatever the
// action answered.
std::optional<ScannedReply> scan_result(std::string_view text) {
  ScannedReply out;
  const auto id = number_of(take_while(text, is_digit));
  if (!id || !skip(text, R"(,"jsonrpc":"2.0","result":{"action":")")) {
    return std::nullopt;
  }
  out.id = *id;
  constexpr std::string_view receipt_member = R"(,"receipt":")";
  const std::size_t at = text.find(receipt_member);
  if (at == std::string_view::npos) {
    return std::nullopt;
  }
  text.remove_prefix(at + receipt_member.size());
  out.receipt = take_while(text, is_hex_digit);
  if (out.receipt.size() != receipt_digits || !skip(text, R"(","replayed":)")) {
    return std::nullopt;
  }
  out.replayed = skip(text, "true");
  if ((!out.replayed && !skip(text, "false")) || !skip(text, R"(,"result":)") || !skip_back(text, R"("}})")) {
    return std::nullopt;
  }
  out.status = take_back_while(text, is_name_character);
  return !out.status.empty() && skip_back(text, R"(,"status":")") && !text.empty() ? std::optional(out) : std::nullopt;
}

// Behind {"error":{"code": — of the errors whose data begins with the reason. The id stands behind the message, and
// nothing follows it but the version.
std::optional<ScannedReply> scan_error(std::string_view text) {
  ScannedReply out;
  if (!number_of(take_while(text, is_digit)) || !skip(text, R"(,"data":{"reason":")")) {
    return std::nullopt;
  }
  out.reason = take_while(text, is_name_character);
  if (out.reason.empty() || !skip(text, R"(",")") || !skip_back(text, R"(,"jsonrpc":"2.0"})")) {
    return std::nullopt;
  }
  const auto id = number_of(take_back_while(text, is_digit));
  if (!id || !skip_back(text, R"("},"id":)")) {
    return std::nullopt;
  }
  out.id = *id;
  return out;
}

}  // namespace

std::optional<ScannedReply> scan_reply(std::string_view line) {
  if (skip(line, R"({"id":)")) {
    return scan_result(line);
  }
  return skip(line, R"({"error":{"code":)") ? scan_error(line) : std::nullopt;
}

bool agrees(const ScannedReply& scanned, std::string_view line) {
  const auto response = decode_response(line);
  const auto* id = response && response->id ? std::get_if<std::int64_t>(&*response->id) : nullptr;
  if (id == nullptr || *id < 0 || static_cast<std::uint64_t>(*id) != scanned.id) {
    return false;
  }
  if (const Json* error = response->error()) {
    const Json* data = error->find("data");
    const std::string* reason = data != nullptr ? data->find_string("reason") : nullptr;
    return reason != nullptr && *reason == scanned.reason;
  }
  const Json& result = *response->result();
  const std::string* receipt = result.find_string("receipt");
  const std::string* status = result.find_string("status");
  const Json* replayed = result.find("replayed");
  return scanned.reason.empty() && receipt != nullptr && *receipt == scanned.receipt && status != nullptr &&
         *status == scanned.status && replayed != nullptr && replayed->if_bool() != nullptr &&
         *replayed->if_bool() == scanned.replayed && client::receipt_matches(result);
}

}  // namespace openexec::bench
