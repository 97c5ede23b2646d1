// SPDX-License-Identifier: Apache-2.0
// Receipts as leaves: their text is written as it stands in the log, member by member in JCS order, since every request
// that is claimed or denied pays for it.
#include <array>
#include <charconv>

#include "proto-json/canonical.h"
#include "proto-json/check.h"
#include "proto-json/encoding.h"
#include "proto-json/limits.h"
#include "proto-json/receipt.h"
#include "proto-json/receipt_rules.h"

namespace openexec {
namespace {

// One object. Its members are given in the order of their keys, which are plain ASCII.
class ObjectWriter {
 public:
  explicit ObjectWriter(std::string& out) : out_(out) { out_ += '{'; }
  void end() { out_ += '}'; }

  std::string& key(std::string_view name) {
    if (out_.back() != '{') {
      out_ += ',';
    }
    out_ += '"';
    out_ += name;
    out_ += "\":";
    return out_;
  }
  void text(std::string_view name, std::string_view value) { append_jcs_string(key(name), value); }
  void hex(std::string_view name, ByteView bytes) {
    key(name) += '"';
    out_ += to_hex(bytes);
    out_ += '"';
  }
  // Within the integers that a double holds: JCS then writes their digits.
  void number(std::string_view name, std::int64_t value) {
    OPENEXEC_CHECK(value >= -exact_integer_max && value <= exact_integer_max);
    std::array<char, 24> digits{};
    const auto [end, error] = std::to_chars(digits.data(), digits.data() + digits.size(), value);
    OPENEXEC_CHECK(error == std::errc());
    key(name).append(digits.data(), end);
  }
  void texts(std::string_view name, const std::vector<std::string>& values) {
    char before = '[';
    key(name);
    for (const std::string& value : values) {
      out_ += before;
      before = ',';
      append_jcs_string(out_, value);
    }
    out_ += ']';
  }

 private:
  std::string& out_;
};

void write(std::string& out, const ReceiptApproval& approval) {
  ObjectWriter object(out);
  if (!approval.approvers.empty()) {
    object.texts("approvers", approval.approvers);
  }
  object.hex("hash", approval.hash.view());
  if (approval.id) {
    object.text("id", *approval.id);
  }
  if (!approval.key_ids.empty()) {
    object.texts("key_ids", approval.key_ids);
  }
  object.end();
}

void write(std::string& out, const ProcessEnd& exit) {
  ObjectWriter object(out);
  object.number(exit.is_signal ? "signal" : "code", exit.number);
  object.end();
}

void write(std::string& out, const Peer& peer) {
  ObjectWriter object(out);
  object.number("gid", peer.gid);
  object.number("pid", peer.pid);
  object.number("uid", peer.uid);
  object.end();
}

}  // namespace

std::string to_leaf(const Receipt& receipt) {
  constexpr std::size_t usual_bytes = 1024;
  std::string leaf;
  leaf.reserve(usual_bytes);
  ObjectWriter object(leaf);
  object.text("action", receipt.action);
  object.hex("action_hash", receipt.action_hash.view());
  if (receipt.approval) {
    write(object.key("approval"), *receipt.approval);
  }
  object.text("at", to_text(receipt.at));
  if (receipt.duration_us) {
    object.number("duration_us", *receipt.duration_us);
  }
  if (receipt.exit) {
    write(object.key("exit"), *receipt.exit);
  }
  object.text("id", to_uuid_text(receipt.id));
  object.text("kind", to_text(receipt.kind));
  object.text("mode", to_text(receipt.mode));
  object.text("nonce", receipt.nonce);
  write(object.key("peer"), receipt.peer);
  if (receipt.reason) {
    object.text("reason", info(*receipt.reason).name);
  }
  if (receipt.receipt) {
    object.hex("receipt", receipt.receipt->view());
  }
  object.hex("registry", receipt.registry.view());
  if (receipt.result_hash) {
    object.hex("result_hash", receipt.result_hash->view());
  }
  if (receipt.started) {
    object.number("started", *receipt.started);
  }
  if (receipt.tenant_id) {
    object.text("tenant_id", *receipt.tenant_id);
  } else {
    object.key("tenant_id") += "null";
  }
  if (receipt.trace_id) {
    object.text("trace_id", *receipt.trace_id);
  }
  object.number("v", receipt_version);
  object.end();
  OPENEXEC_CHECK(leaf.size() <= limits::receipt_bytes_max);
  return leaf;
}

}  // namespace openexec
