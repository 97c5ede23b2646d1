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
template <typename Content>
std::string checked_leaf(const Content& content) {
  OPENEXEC_CHECK(!find_fault(content));
  std::string leaf = to_jcs(to_json(content));
  OPENEXEC_CHECK(leaf.size() <= limits::receipt_bytes_max);
  return leaf;
}

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
  const auto* receipt = std::get_if<Receipt>(&content);
  if (receipt != nullptr) {
    return to_leaf(*receipt);
  }
  const auto* summary = std::get_if<DeniedSummary>(&content);
  return summary != nullptr ? checked_leaf(*summary) : checked_leaf(std::get<AdminChange>(content));
}

Hash seed_receipt(std::string_view execution_id, std::string_view result_spaced) {
  return sha256({bytes_of(execution_id), bytes_of(":"), bytes_of(result_spaced)});
}

}  // namespace openexec
