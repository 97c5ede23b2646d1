// SPDX-License-Identifier: Apache-2.0
// receipt_from_json(): the strict reader of receipts. What it accepts is exactly what to_json() can write.
#include <fmt/format.h>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <utility>

#include "proto-json/encoding.h"
#include "proto-json/limits.h"
#include "proto-json/names.h"
#include "proto-json/receipt.h"

namespace openexec {
namespace {

constexpr std::int64_t version_read = 1;
constexpr std::int64_t exact_integer_max = (std::int64_t{1} << 53) - 1;  // beyond it JCS is not one to one

// Reads the members of one object, and keeps the first thing that is wrong. Each reading function gives an empty value
// then.
class Reader {
 public:
  Reader(const Json& object, std::string_view what) : object_(object), what_(what) {
    if (object.if_object() == nullptr) {
      wrong(" is not an object");
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

  void wrong(std::string_view text) {
    if (!error_) {
      error_ = std::string(what_);
      error_->append(text);
    }
  }
  void wrong(std::string_view member, std::string_view text) {
    if (!error_) {
      error_ = std::string(what_);
      error_->append(": ").append(member).append(" ").append(text);
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
      wrong(" has a member that does not belong there");
    }
  }

  std::optional<std::string> optional_text(std::string_view member, bool (*is_valid)(std::string_view)) {
    const Json* value = take(member);
    if (value == nullptr) {
      return std::nullopt;
    }
    const std::string* text = value->if_string();
    if (text == nullptr || !is_valid(*text)) {
      wrong(member, "is ill-formed");
      return std::nullopt;
    }
    return *text;
  }

  std::string text(std::string_view member, bool (*is_valid)(std::string_view)) {
    return required(member, optional_text(member, is_valid));
  }

  std::optional<Hash> optional_hash(std::string_view member) {
    const std::optional<std::string> hex = optional_text(member, is_hash_text);
    const std::optional<std::vector<std::uint8_t>> bytes = hex ? from_hex(*hex) : std::nullopt;
    return bytes ? Hash::from(*bytes) : std::nullopt;
  }

  Hash hash(std::string_view member) { return required(member, optional_hash(member)); }

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
  std::vector<std::string> texts(std::string_view member, bool (*is_valid)(std::string_view)) {
    const Json* value = take(member);
    if (value == nullptr) {
      return {};
    }
    const Json::Array* array = value->if_array();
    if (array == nullptr || array->empty() || array->size() > limits::approver_keys_max) {
      wrong(member, fmt::format("is not an array of 1 to {} texts", limits::approver_keys_max));
      return {};
    }
    std::vector<std::string> out;
    for (const Json& element : *array) {
      const std::string* text = element.if_string();
      if (text == nullptr || !is_valid(*text)) {
        wrong(member, "has an ill-formed element");
        return {};
      }
      out.push_back(*text);
    }
    return out;
  }

  static bool is_hash_text(std::string_view text) {
    const auto bytes = from_hex(text);
    return bytes && bytes->size() == Hash::size_bytes;
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

bool is_time_text(std::string_view text) {
  const std::optional<UtcTime> time = from_text(text);
  return time && to_text(*time) == text;
}
bool is_execution_id_text(std::string_view text) { return from_uuid_text(text).has_value(); }
bool is_mode_name(std::string_view text) { return mode_named(text).has_value(); }
bool is_kind_name(std::string_view text) { return receipt_kind_named(text).has_value(); }
bool is_reason_name(std::string_view text) { return reason_named(text).has_value(); }

std::expected<ReceiptApproval, std::string> read_approval(const Json& json) {
  Reader reader(json, "receipt: approval");
  ReceiptApproval approval;
  approval.hash = reader.hash("hash");
  approval.id = reader.optional_text("id", is_uuid_text);
  approval.key_ids = reader.texts("key_ids", Reader::is_hash_text);
  approval.approvers = reader.texts("approvers", is_approver_name);
  reader.no_others();
  if (approval.key_ids.size() != approval.approvers.size() || approval.id.has_value() == approval.key_ids.empty()) {
    reader.wrong(": id, key_ids and approvers must come together");
  }
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

// The members that depend on the kind: each is there exactly when its kind has it (`started`: at most then).
void check_kind(Reader& reader, const Receipt& receipt) {
  bool has_result = false;
  bool may_have_started = false;
  bool has_reason = false;
  switch (receipt.kind) {
    case ReceiptKind::started:
      break;
    case ReceiptKind::executed:
    case ReceiptKind::failed:
    case ReceiptKind::timed_out:
      has_result = true;
      may_have_started = true;
      break;
    case ReceiptKind::unknown:
      may_have_started = true;
      break;
    case ReceiptKind::denied:
      has_reason = true;
      break;
  }
  const auto check = [&](std::string_view member, bool is_there, bool belongs) {
    if (is_there != belongs) {
      reader.wrong(member, belongs ? "is missing" : "does not belong to this kind");
    }
  };
  check("result_hash", receipt.result_hash.has_value(), has_result);
  check("receipt", receipt.receipt.has_value(), has_result);
  check("duration_us", receipt.duration_us.has_value(), has_result);
  check("started", receipt.started.has_value(), may_have_started && receipt.started.has_value());
  check("reason", receipt.reason.has_value(), has_reason);
}

}  // namespace

std::expected<Receipt, std::string> receipt_from_json(const Json& json) {
  Reader reader(json, "receipt");
  Receipt receipt;
  reader.integer("v", version_read, version_read);
  if (reader.failed()) {
    return reader.result(std::move(receipt));  // the other members of another version mean nothing here
  }
  receipt.kind = receipt_kind_named(reader.text("kind", is_kind_name)).value_or(ReceiptKind::denied);
  receipt.at = from_text(reader.text("at", is_time_text)).value_or(UtcTime{});
  receipt.mode = mode_named(reader.text("mode", is_mode_name)).value_or(Mode::demo);
  receipt.id = from_uuid_text(reader.text("id", is_execution_id_text)).value_or(ExecutionId{});
  receipt.action = reader.text("action", is_action_name);
  receipt.action_hash = reader.hash("action_hash");
  receipt.nonce = reader.text("nonce", is_nonce);
  receipt.registry = reader.hash("registry");
  receipt.trace_id = reader.optional_text("trace_id", is_trace_id);
  receipt.result_hash = reader.optional_hash("result_hash");
  receipt.receipt = reader.optional_hash("receipt");
  receipt.duration_us = reader.optional_integer("duration_us", 0, exact_integer_max);
  receipt.started = reader.optional_integer("started", 0, exact_integer_max);
  if (const std::optional<std::string> reason = reader.optional_text("reason", is_reason_name)) {
    receipt.reason = reason_named(*reason);
  }

  // A null tenant is written out, as in the execution id.
  const Json* tenant = json.find("tenant_id");
  if (tenant != nullptr && tenant->is_null()) {
    reader.take("tenant_id");
  } else {
    receipt.tenant_id = reader.text("tenant_id", is_tenant_id);
  }
  if (receipt.mode == Mode::demo && receipt.tenant_id) {
    reader.wrong("tenant_id", "must be null in demo mode");
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
  reader.no_others();
  check_kind(reader, receipt);
  return reader.result(std::move(receipt));
}

}  // namespace openexec
