// SPDX-License-Identifier: Apache-2.0
// The strict readers of leaves that are parsed already. What they accept is exactly what to_json() can write.
#include <fmt/format.h>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <utility>

#include "proto-json/encoding.h"
#include "proto-json/limits.h"
#include "proto-json/receipt_rules.h"

namespace openexec {
namespace {

// Reads the members of one object, and keeps the first thing that is wrong. Each reading function gives an empty value
// then.
class Reader {
 public:
  Reader(const Json& object, std::string_view what) : object_(object), what_(what) {
    if (object.if_object() == nullptr) {
      wrong("is not an object");
    }
  }

  [[nodiscard]] bool failed() const { return error_.has_value(); }

  // The value that was read, unless something was wrong.
  template <typename T>
  [[nodiscard]] std::expected<T, std::string> result(T value) const {
    if (error_) {
      return std::unexpected(*error_);
    }
    return value;
  }
  // The same of a whole leaf, which is held to the rules of its kind.
  template <typename T>
  [[nodiscard]] std::expected<T, std::string> judged(T value) {
    no_others();
    if (const auto fault = failed() ? std::nullopt : find_fault(value)) {
      wrong(*fault);
    }
    return result(std::move(value));
  }

  void wrong(std::string_view text) {
    if (!error_) {
      error_ = fmt::format("{}: {}", what_, text);
    }
  }
  void wrong(std::string_view member, std::string_view text) {
    if (!error_) {
      error_ = fmt::format("{}: {} {}", what_, member, text);
    }
  }

  // Takes a member: those never taken are unknown. nullptr when there is none.
  const Json* take(std::string_view member) {
    const Json* value = object_.find(member);
    taken_ += value != nullptr ? 1 : 0;
    return value;
  }

  void no_others() {
    const Json::Object* members = object_.if_object();
    if (members != nullptr && members->size() != taken_) {
      wrong("has a member that does not belong there");
    }
  }

  std::optional<std::string> optional_text(std::string_view member) {
    const Json* value = take(member);
    if (value == nullptr) {
      return std::nullopt;
    }
    const std::string* text = value->if_string();
    if (text == nullptr) {
      wrong(member, "is not a string");
      return std::nullopt;
    }
    return *text;
  }

  std::string text(std::string_view member) { return required(member, optional_text(member)); }

  void expect_text(std::string_view member, std::string_view expected) {
    if (text(member) != expected) {
      wrong(member, "is another");
    }
  }

  // A text that stands for something else.
  template <typename T>
  std::optional<T> optional_parsed(std::string_view member, std::optional<T> (*parse)(std::string_view)) {
    const std::optional<std::string> text = optional_text(member);
    std::optional<T> value = text ? parse(*text) : std::nullopt;
    if (text && !value) {
      wrong(member, "is ill-formed");
    }
    return value;
  }

  template <typename T>
  T parsed(std::string_view member, std::optional<T> (*parse)(std::string_view)) {
    return required(member, optional_parsed(member, parse));
  }

  std::optional<std::int64_t> optional_integer(std::string_view member, std::int64_t min, std::int64_t max) {
    const Json* value = take(member);
    if (value == nullptr) {
      return std::nullopt;
    }
    const std::int64_t* integer = value->if_int();
    if (integer == nullptr || *integer < min || *integer > max) {
      wrong(member, "is not an integer in range");
      return std::nullopt;
    }
    return *integer;
  }

  std::int64_t integer(std::string_view member, std::int64_t min, std::int64_t max) {
    return required(member, optional_integer(member, min, max));
  }

  // An array of one or more texts, or absent.
  std::vector<std::string> texts(std::string_view member) {
    const Json* value = take(member);
    if (value == nullptr) {
      return {};
    }
    const Json::Array* array = value->if_array();
    if (array == nullptr || array->empty()) {
      wrong(member, "is not an array of one or more texts");
      return {};
    }
    std::vector<std::string> out;
    for (const Json& element : *array) {
      const std::string* text = element.if_string();
      if (text == nullptr) {
        wrong(member, "has an element that is no text");
        return {};
      }
      out.push_back(*text);
    }
    return out;
  }

  // A null tenant is written out, as in the execution id.
  std::optional<std::string> tenant_id() {
    const Json* tenant = object_.find("tenant_id");
    if (tenant != nullptr && tenant->is_null()) {
      take("tenant_id");
      return std::nullopt;
    }
    return text("tenant_id");
  }

 private:
  template <typename T>
  T required(std::string_view member, std::optional<T> value) {
    if (!value) {
      wrong(member, "is missing");  // kept only when nothing else was wrong with it
      return T{};
    }
    return *std::move(value);
  }

  const Json& object_;
  std::string_view what_;
  std::size_t taken_ = 0;
  std::optional<std::string> error_;
};

std::expected<ReceiptApproval, std::string> read_approval(const Json& json) {
  Reader reader(json, "receipt: approval");
  ReceiptApproval approval;
  approval.hash = reader.parsed("hash", hash_from_hex);
  approval.id = reader.optional_text("id");
  approval.key_ids = reader.texts("key_ids");
  approval.approvers = reader.texts("approvers");
  reader.no_others();
  return reader.result(std::move(approval));
}

std::expected<Peer, std::string> read_peer(const Json& json) {
  Reader reader(json, "receipt: peer");
  Peer peer;
  peer.uid = static_cast<std::uint32_t>(reader.integer("uid", 0, std::numeric_limits<std::uint32_t>::max()));
  peer.gid = static_cast<std::uint32_t>(reader.integer("gid", 0, std::numeric_limits<std::uint32_t>::max()));
  peer.pid = static_cast<std::int32_t>(
      reader.integer("pid", std::numeric_limits<std::int32_t>::min(), std::numeric_limits<std::int32_t>::max()));
  reader.no_others();
  return reader.result(peer);
}

std::expected<ProcessEnd, std::string> read_exit(const Json& json) {
  Reader reader(json, "receipt: exit");
  const auto signal = reader.optional_integer("signal", 0, exit_code_max);
  const auto code = signal ? std::nullopt : reader.optional_integer("code", 0, exit_code_max);
  if (!signal && !code) {
    reader.wrong("has neither a code nor a signal");
  }
  reader.no_others();
  return reader.result(ProcessEnd{signal.has_value(), static_cast<std::int32_t>(signal ? *signal : code.value_or(0))});
}

std::expected<DeniedSummary::Row, std::string> read_row(const Json& json) {
  Reader reader(json, "denied_summary: row");
  DeniedSummary::Row row;
  row.count = static_cast<std::uint64_t>(reader.integer("count", 1, exact_integer_max));
  const auto uid = reader.optional_integer("uid", 0, std::numeric_limits<std::uint32_t>::max());
  row.uid = uid ? std::optional(static_cast<std::uint32_t>(*uid)) : std::nullopt;
  const std::string what = reader.text("what");
  row.reason = reason_named(what);
  if (!row.reason && what != replayed_name) {
    reader.wrong("what", "is ill-formed");
  }
  reader.no_others();
  return reader.result(row);
}

}  // namespace

std::expected<Receipt, std::string> receipt_from_json(const Json& json) {
  Reader reader(json, "receipt");
  Receipt receipt;
  reader.integer("v", receipt_version, receipt_version);
  if (reader.failed()) {
    return reader.result(std::move(receipt));  // the other members of another version mean nothing here
  }
  receipt.kind = reader.parsed("kind", receipt_kind_named);
  receipt.at = reader.parsed("at", time_from_exact_text);
  receipt.tenant_id = reader.tenant_id();
  receipt.mode = reader.parsed("mode", mode_named);
  receipt.id = reader.parsed("id", from_uuid_text);
  receipt.action = reader.text("action");
  receipt.action_hash = reader.parsed("action_hash", hash_from_hex);
  receipt.nonce = reader.text("nonce");
  receipt.registry = reader.parsed("registry", hash_from_hex);
  receipt.trace_id = reader.optional_text("trace_id");
  receipt.result_hash = reader.optional_parsed("result_hash", hash_from_hex);
  receipt.receipt = reader.optional_parsed("receipt", hash_from_hex);
  receipt.duration_us = reader.optional_integer("duration_us", 0, exact_integer_max);
  receipt.started = reader.optional_integer("started", 0, exact_integer_max);
  receipt.reason = reader.optional_parsed("reason", reason_named);

  if (const Json* exit = reader.take("exit")) {
    const std::expected<ProcessEnd, std::string> read = read_exit(*exit);
    if (!read) {
      return std::unexpected(read.error());
    }
    receipt.exit = *read;
  }
  if (const Json* peer = reader.take("peer")) {
    const std::expected<Peer, std::string> read = read_peer(*peer);
    if (!read) {
      return std::unexpected(read.error());
    }
    receipt.peer = *read;
  } else {
    reader.wrong("peer", "is missing");
  }
  if (const Json* approval = reader.take("approval")) {
    std::expected<ReceiptApproval, std::string> read = read_approval(*approval);
    if (!read) {
      return std::unexpected(read.error());
    }
    receipt.approval = *std::move(read);
  }
  return reader.judged(std::move(receipt));
}

std::expected<DeniedSummary, std::string> summary_from_json(const Json& json) {
  Reader reader(json, summary_kind_name);
  DeniedSummary summary;
  reader.integer("v", receipt_version, receipt_version);
  reader.expect_text("kind", summary_kind_name);
  summary.at = reader.parsed("at", time_from_exact_text);
  summary.since = reader.parsed("since", time_from_exact_text);
  summary.tenant_id = reader.tenant_id();
  summary.mode = reader.parsed("mode", mode_named);
  summary.registry = reader.parsed("registry", hash_from_hex);
  const Json* rows = reader.take("rows");
  const Json::Array* array = rows == nullptr ? nullptr : rows->if_array();
  if (array == nullptr) {
    reader.wrong("rows", "is not an array");
    return reader.result(std::move(summary));
  }
  for (const Json& each : *array) {
    const std::expected<DeniedSummary::Row, std::string> row = read_row(each);
    if (!row) {
      return std::unexpected(row.error());
    }
    summary.rows.push_back(*row);
  }
  return reader.judged(std::move(summary));
}

std::expected<AdminChange, std::string> admin_from_json(const Json& json) {
  Reader reader(json, admin_kind_name);
  AdminChange change;
  reader.integer("v", receipt_version, receipt_version);
  reader.expect_text("kind", admin_kind_name);
  change.change = reader.parsed("change", admin_change_named);
  change.at = reader.parsed("at", time_from_exact_text);
  change.tenant_id = reader.tenant_id();
  change.mode = reader.parsed("mode", mode_named);
  change.epoch = static_cast<std::uint64_t>(reader.integer("epoch", 0, exact_integer_max));
  change.origin = reader.text("origin");
  change.log_key = reader.text("log_key");
  return reader.judged(std::move(change));
}

}  // namespace openexec
