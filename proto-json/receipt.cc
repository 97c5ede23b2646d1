// SPDX-License-Identifier: Apache-2.0
#include "proto-json/receipt.h"

#include <algorithm>
#include <array>
#include <tuple>
#include <utility>

#include "proto-json/canonical.h"
#include "proto-json/check.h"
#include "proto-json/crypto.h"
#include "proto-json/encoding.h"
#include "proto-json/limits.h"
#include "proto-json/receipt_rules.h"

namespace openexec {
namespace {

constexpr std::array<std::pair<Mode, std::string_view>, 2> mode_names{{
    {Mode::demo, "demo"},
    {Mode::clawshield, "clawshield"},
}};

constexpr std::array<std::pair<ReceiptKind, std::string_view>, 6> kind_names{{
    {ReceiptKind::started, "started"},
    {ReceiptKind::executed, "executed"},
    {ReceiptKind::failed, "failed"},
    {ReceiptKind::timed_out, "timed_out"},
    {ReceiptKind::unknown, "unknown"},
    {ReceiptKind::denied, "denied"},
}};

constexpr std::array<std::pair<AdminChange::Kind, std::string_view>, 1> admin_change_names{{
    {AdminChange::Kind::adopt, "adopt"},
}};

template <typename Enum, std::size_t N>
std::string_view name_of(const std::array<std::pair<Enum, std::string_view>, N>& names, Enum value) {
  const auto found = std::ranges::find(names, value, &std::pair<Enum, std::string_view>::first);
  OPENEXEC_CHECK(found != names.end());
  return found->second;
}

template <typename Enum, std::size_t N>
std::optional<Enum> value_named(const std::array<std::pair<Enum, std::string_view>, N>& names, std::string_view name) {
  const auto found = std::ranges::find(names, name, &std::pair<Enum, std::string_view>::second);
  return found == names.end() ? std::nullopt : std::optional(found->first);
}

Json tenant_json(const std::optional<std::string>& tenant_id) { return tenant_id ? Json(*tenant_id) : Json(nullptr); }

Json to_json(const std::vector<std::string>& texts) { return Json::Array(texts.begin(), texts.end()); }

Json to_json(const ReceiptApproval& approval) {
  std::vector<Member> members;
  members.push_back({"hash", to_hex(approval.hash.view())});
  if (approval.id) {
    members.push_back({"id", *approval.id});
  }
  if (!approval.key_ids.empty()) {
    members.push_back({"key_ids", to_json(approval.key_ids)});
  }
  if (!approval.approvers.empty()) {
    members.push_back({"approvers", to_json(approval.approvers)});
  }
  return Json::object(std::move(members));
}

Json to_json(const DeniedSummary::Row& row) {
  std::vector<Member> members;
  members.push_back({"count", static_cast<std::int64_t>(row.count)});
  if (row.uid) {
    members.push_back({"uid", std::int64_t{*row.uid}});
  }
  members.push_back({"what", row.reason ? info(*row.reason).name : replayed_name});
  return Json::object(std::move(members));
}

// A receipt's rules are its makers': they check their parts. These come of counting and of an operator's act.
void check_rules(const Receipt&) {}
void check_rules(const DeniedSummary& summary) { OPENEXEC_CHECK(!find_fault(summary)); }
void check_rules(const AdminChange& change) { OPENEXEC_CHECK(!find_fault(change)); }

}  // namespace

std::string_view to_text(Mode mode) { return name_of(mode_names, mode); }

std::optional<Mode> mode_named(std::string_view name) { return value_named(mode_names, name); }

std::string_view to_text(ReceiptKind kind) { return name_of(kind_names, kind); }

std::optional<ReceiptKind> receipt_kind_named(std::string_view name) { return value_named(kind_names, name); }

bool has_result(ReceiptKind kind) {
  switch (kind) {
    case ReceiptKind::executed:
    case ReceiptKind::failed:
    case ReceiptKind::timed_out:
      return true;
    case ReceiptKind::started:
    case ReceiptKind::unknown:
    case ReceiptKind::denied:
      return false;
  }
  std::unreachable();
}

Json to_json(const Receipt& receipt) {
  std::vector<Member> members;
  members.push_back({"v", receipt_version});
  members.push_back({"kind", to_text(receipt.kind)});
  members.push_back({"at", to_text(receipt.at)});
  members.push_back({"tenant_id", tenant_json(receipt.tenant_id)});
  members.push_back({"mode", to_text(receipt.mode)});
  members.push_back({"id", to_uuid_text(receipt.id)});
  members.push_back({"action", receipt.action});
  members.push_back({"action_hash", to_hex(receipt.action_hash.view())});
  members.push_back({"nonce", receipt.nonce});
  members.push_back({"registry", to_hex(receipt.registry.view())});
  members.push_back({"peer", Json::object({{"uid", std::int64_t{receipt.peer.uid}},
                                           {"gid", std::int64_t{receipt.peer.gid}},
                                           {"pid", std::int64_t{receipt.peer.pid}}})});
  if (receipt.approval) {
    members.push_back({"approval", to_json(*receipt.approval)});
  }
  if (receipt.trace_id) {
    members.push_back({"trace_id", *receipt.trace_id});
  }
  if (receipt.result_hash) {
    members.push_back({"result_hash", to_hex(receipt.result_hash->view())});
  }
  if (receipt.receipt) {
    members.push_back({"receipt", to_hex(receipt.receipt->view())});
  }
  if (receipt.duration_us) {
    members.push_back({"duration_us", *receipt.duration_us});
  }
  if (receipt.exit) {
    members.push_back({"exit", Json::object({{receipt.exit->is_signal ? "signal" : "code", receipt.exit->number}})});
  }
  if (receipt.started) {
    members.push_back({"started", *receipt.started});
  }
  if (receipt.reason) {
    members.push_back({"reason", info(*receipt.reason).name});
  }
  return Json::object(std::move(members));
}

std::string to_leaf(const Receipt& receipt) {
  std::string leaf = to_jcs(to_json(receipt));
  OPENEXEC_CHECK(leaf.size() <= limits::receipt_bytes_max);
  return leaf;
}

std::string_view to_text(AdminChange::Kind change) { return name_of(admin_change_names, change); }

std::optional<AdminChange::Kind> admin_change_named(std::string_view name) {
  return value_named(admin_change_names, name);
}

bool sorts_before(const DeniedSummary::Row& a, const DeniedSummary::Row& b) {
  const auto place = [](const DeniedSummary::Row& row) {
    return std::tuple(!row.uid, row.uid.value_or(0), !row.reason, row.reason.value_or(Reason{}));
  };
  return place(a) < place(b);
}

Json to_json(const DeniedSummary& summary) {
  Json::Array rows;
  for (const DeniedSummary::Row& row : summary.rows) {
    rows.push_back(to_json(row));
  }
  return Json::object({{"v", receipt_version},
                       {"kind", summary_kind_name},
                       {"at", to_text(summary.at)},
                       {"since", to_text(summary.since)},
                       {"tenant_id", tenant_json(summary.tenant_id)},
                       {"mode", to_text(summary.mode)},
                       {"registry", to_hex(summary.registry.view())},
                       {"rows", std::move(rows)}});
}

Json to_json(const AdminChange& change) {
  return Json::object({{"v", receipt_version},
                       {"kind", admin_kind_name},
                       {"change", to_text(change.change)},
                       {"at", to_text(change.at)},
                       {"tenant_id", tenant_json(change.tenant_id)},
                       {"mode", to_text(change.mode)},
                       {"epoch", static_cast<std::int64_t>(change.epoch)},
                       {"origin", change.origin},
                       {"log_key", change.log_key}});
}

std::string to_leaf(const LeafContent& content) {
  std::string leaf = std::visit(
      [](const auto& each) {
        check_rules(each);
        return to_jcs(to_json(each));
      },
      content);
  OPENEXEC_CHECK(leaf.size() <= limits::receipt_bytes_max);
  return leaf;
}

Hash seed_receipt(std::string_view execution_id, std::string_view result_spaced) {
  return sha256({bytes_of(execution_id), bytes_of(":"), bytes_of(result_spaced)});
}

}  // namespace openexec
