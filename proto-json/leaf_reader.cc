// SPDX-License-Identifier: Apache-2.0
// read_leaf(). An attempt's leaf is read in one pass over its text, which has one spelling only: its members in JCS
// order, and in its strings no escape but \" and \\, since every name in a receipt bars control characters. Who checks
// a whole log reads millions of them.
#include <algorithm>
#include <charconv>
#include <limits>
#include <utility>

#include "proto-json/encoding.h"
#include "proto-json/limits.h"
#include "proto-json/receipt_rules.h"

namespace openexec {
namespace {

// Reads a text from left to right. Once something did not fit, the rest counts for nothing.
class Cursor {
 public:
  explicit Cursor(std::string_view text) : rest_(text) {}

  [[nodiscard]] bool is_good_to_the_end() const { return is_good_ && rest_.empty(); }

  bool skip(std::string_view literal) {
    if (!rest_.starts_with(literal)) {
      return false;
    }
    rest_.remove_prefix(literal.size());
    return true;
  }
  void expect(std::string_view literal) { is_good_ = skip(literal) && is_good_; }

  // A string, unescaped. Whether it is UTF-8 its rule says.
  std::string text() {
    expect("\"");
    std::string out;
    while (is_good_) {
      const auto run = static_cast<std::size_t>(std::ranges::find_if(rest_, ends_run) - rest_.begin());
      out.append(rest_.substr(0, run));
      rest_.remove_prefix(run);
      if (skip("\"")) {
        break;
      }
      const bool is_escape = rest_.size() >= 2 && ends_run(rest_[1]);  // its first is a backslash
      is_good_ = is_escape;
      out.append(is_escape ? rest_.substr(1, 1) : std::string_view());
      rest_.remove_prefix(is_escape ? 2 : 0);
    }
    return out;
  }

  // A string that stands for something else; none such holds an escape.
  template <typename T>
  T parsed(std::optional<T> (*parse)(std::string_view)) {
    expect("\"");
    const std::size_t end = rest_.find('"');
    std::optional<T> value = end == std::string_view::npos ? std::nullopt : parse(rest_.substr(0, end));
    if (!value) {
      is_good_ = false;
      return T{};
    }
    rest_.remove_prefix(end + 1);
    return *std::move(value);
  }

  std::vector<std::string> texts() {
    expect("[");
    std::vector<std::string> out;
    do {
      out.push_back(text());
    } while (is_good_ && skip(","));
    expect("]");
    return out;
  }

  std::int64_t integer(std::int64_t min, std::int64_t max) {
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), value);
    const std::string_view digits = rest_.substr(0, static_cast<std::size_t>(end - rest_.data()));
    const bool has_one_spelling = digits == "0" || !(digits.starts_with('0') || digits.starts_with("-0"));
    is_good_ = is_good_ && error == std::errc() && has_one_spelling && value >= min && value <= max;
    rest_.remove_prefix(digits.size());
    return value;
  }

 private:
  static bool ends_run(char c) { return c == '"' || c == '\\'; }

  std::string_view rest_;
  bool is_good_ = true;
};

ReceiptApproval read_approval(Cursor& in) {
  ReceiptApproval approval;
  in.expect("{");
  if (in.skip(R"("approvers":)")) {
    approval.approvers = in.texts();
    in.expect(",");
  }
  in.expect(R"("hash":)");
  approval.hash = in.parsed(hash_from_hex);
  if (in.skip(R"(,"id":)")) {
    approval.id = in.text();
  }
  if (in.skip(R"(,"key_ids":)")) {
    approval.key_ids = in.texts();
  }
  in.expect("}");
  return approval;
}

Peer read_peer(Cursor& in) {
  using Ids = std::numeric_limits<std::uint32_t>;
  using Pids = std::numeric_limits<std::int32_t>;
  Peer peer;
  in.expect(R"({"gid":)");
  peer.gid = static_cast<std::uint32_t>(in.integer(0, Ids::max()));
  in.expect(R"(,"pid":)");
  peer.pid = static_cast<std::int32_t>(in.integer(Pids::min(), Pids::max()));
  in.expect(R"(,"uid":)");
  peer.uid = static_cast<std::uint32_t>(in.integer(0, Ids::max()));
  in.expect("}");
  return peer;
}

ProcessEnd read_exit(Cursor& in) {
  ProcessEnd exit;
  exit.is_signal = in.skip(R"({"signal":)");
  if (!exit.is_signal) {
    in.expect(R"({"code":)");
  }
  exit.number = static_cast<std::int32_t>(in.integer(0, exit_code_max));
  in.expect("}");
  return exit;
}

// From `reason` on: what follows the peer.
void read_end(Cursor& in, Receipt& receipt) {
  if (in.skip(R"(,"reason":)")) {
    receipt.reason = in.parsed(reason_named);
  }
  if (in.skip(R"(,"receipt":)")) {
    receipt.receipt = in.parsed(hash_from_hex);
  }
  in.expect(R"(,"registry":)");
  receipt.registry = in.parsed(hash_from_hex);
  if (in.skip(R"(,"result_hash":)")) {
    receipt.result_hash = in.parsed(hash_from_hex);
  }
  if (in.skip(R"(,"started":)")) {
    receipt.started = in.integer(0, exact_integer_max);
  }
  in.expect(R"(,"tenant_id":)");
  if (!in.skip("null")) {
    receipt.tenant_id = in.text();
  }
  if (in.skip(R"(,"trace_id":)")) {
    receipt.trace_id = in.text();
  }
  in.expect(R"(,"v":1})");
  static_assert(receipt_version == 1);
}

// The receipt whose leaf that is; nothing when it is none's.
std::optional<Receipt> read_attempt(std::string_view leaf) {
  Cursor in(leaf);
  std::optional<Receipt> receipt(std::in_place);
  in.expect(R"({"action":)");
  receipt->action = in.text();
  in.expect(R"(,"action_hash":)");
  receipt->action_hash = in.parsed(hash_from_hex);
  if (in.skip(R"(,"approval":)")) {
    receipt->approval = read_approval(in);
  }
  in.expect(R"(,"at":)");
  receipt->at = in.parsed(time_from_exact_text);
  if (in.skip(R"(,"duration_us":)")) {
    receipt->duration_us = in.integer(0, exact_integer_max);
  }
  if (in.skip(R"(,"exit":)")) {
    receipt->exit = read_exit(in);
  }
  in.expect(R"(,"id":)");
  receipt->id = in.parsed(from_uuid_text);
  in.expect(R"(,"kind":)");
  receipt->kind = in.parsed(receipt_kind_named);
  in.expect(R"(,"mode":)");
  receipt->mode = in.parsed(mode_named);
  in.expect(R"(,"nonce":)");
  receipt->nonce = in.text();
  in.expect(R"(,"peer":)");
  receipt->peer = read_peer(in);
  read_end(in, *receipt);
  if (!in.is_good_to_the_end() || find_fault(*receipt)) {
    receipt.reset();
  }
  return receipt;
}

std::unexpected<std::string> wrong(std::string_view what) { return std::unexpected(std::string(what)); }

// What is wrong with a leaf that is no attempt's and no other's.
std::unexpected<std::string> explain(const Json& json) {
  const auto receipt = receipt_from_json(json);
  return receipt ? wrong("receipt: it is not in its canonical form") : std::unexpected(receipt.error());
}

template <typename Content>
std::expected<LeafContent, std::string> held_to_its_text(const std::expected<Content, std::string>& content,
                                                         std::string_view leaf) {
  if (!content) {
    return std::unexpected(content.error());
  }
  if (to_leaf(*content) != leaf) {
    return wrong("it is not in its canonical form");
  }
  return *content;
}

}  // namespace

std::expected<LeafContent, std::string> read_leaf(std::string_view leaf) {
  if (leaf.size() > limits::receipt_bytes_max) {
    return wrong("it is too long for a leaf");
  }
  if (auto receipt = read_attempt(leaf)) {
    return *std::move(receipt);
  }
  const auto json = parse_json(leaf);
  if (!json) {
    return wrong("it is not JSON: " + json.error().message);
  }
  const std::string* kind = json->find_string("kind");
  if (kind != nullptr && *kind == summary_kind_name) {
    return held_to_its_text(summary_from_json(*json), leaf);
  }
  if (kind != nullptr && *kind == admin_kind_name) {
    return held_to_its_text(admin_from_json(*json), leaf);
  }
  return explain(*json);
}

}  // namespace openexec
