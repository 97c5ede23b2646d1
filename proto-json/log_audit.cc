// SPDX-License-Identifier: Apache-2.0
#include "proto-json/log_audit.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>
#include <utility>

#include "proto-json/check.h"
#include "proto-json/encoding.h"
#include "proto-json/execution_id.h"
#include "proto-json/names.h"

namespace openexec {
namespace {

static_assert(sizeof(AuditedExecution) == 152);

// The first bytes as a number: the order of keys, but for those that begin alike.
template <std::size_t N, typename Tag>
std::uint64_t prefix_of(const FixedBytes<N, Tag>& key) {
  std::uint64_t out = 0;
  for (std::size_t i = 0; i < sizeof out; ++i) {
    out = (out << 8U) | key.data[i];
  }
  return out;
}

// Places in `executions` in the order of that member, then of their first entries.
template <auto Key>
std::vector<std::uint32_t> order_by(const std::vector<AuditedExecution>& executions) {
  struct Place {
    std::uint64_t prefix;
    std::uint32_t at;
  };
  std::vector<Place> places;
  places.reserve(executions.size());
  for (const AuditedExecution& each : executions) {
    places.push_back({prefix_of(each.*Key), static_cast<std::uint32_t>(places.size())});
  }
  std::ranges::sort(places, [&](const Place& a, const Place& b) {
    if (a.prefix != b.prefix) {
      return a.prefix < b.prefix;
    }
    const AuditedExecution& left = executions[a.at];
    const AuditedExecution& right = executions[b.at];
    return std::tie(left.*Key, left.first_index) < std::tie(right.*Key, right.first_index);
  });
  std::vector<std::uint32_t> out;
  out.reserve(places.size());
  for (const Place& place : places) {
    out.push_back(place.at);
  }
  return out;
}

// What must be the same in a start and its outcome.
bool is_same_attempt(const Receipt& start, const Receipt& outcome) {
  return start.id == outcome.id && start.nonce == outcome.nonce && start.action == outcome.action &&
         start.action_hash == outcome.action_hash && start.tenant_id == outcome.tenant_id &&
         start.approval == outcome.approval && start.registry == outcome.registry && start.peer == outcome.peer &&
         start.trace_id == outcome.trace_id;
}

// The origin of the first epoch; empty when the change's name is not made of it and of its key.
std::string_view base_of(const AdminChange& change) {
  const auto key = read_vkey(change.log_key);
  if (!key || key->name != change.origin) {
    return {};
  }
  const std::string suffix = epoch_name("", change.epoch, key->key);
  const std::string_view origin = change.origin;
  return origin.ends_with(suffix) ? origin.substr(0, origin.size() - suffix.size()) : std::string_view();
}

}  // namespace

void LogAudit::add(std::string_view leaf) {
  const std::uint64_t index = size_++;
  const auto content = read_leaf(leaf);
  if (!content) {
    unreadable_.insert(index);
    findings_.add(LogPart::entries, [&] { return fmt::format("entry {}: {}", index, content.error()); });
    return;
  }
  std::visit([&](const auto& each) { add_content(each, index); }, *content);
}

void LogAudit::expect(std::uint64_t leaves) {
  constexpr std::uint64_t room_max = 1U << 20U;  // what a damaged count may cost
  executions_.reserve(std::min(leaves, room_max));
}

void LogAudit::add_missing() { unreadable_.insert(size_++); }

void LogAudit::check_mode(Mode mode, std::uint64_t index) {
  if (!mode_) {
    mode_ = mode;
  } else if (*mode_ != mode) {
    findings_.add(LogPart::entries, [&] {
      return fmt::format("entry {}: it is of {} mode, and the log is of {} mode", index, to_text(mode),
                         to_text(*mode_));
    });
  }
}

void LogAudit::add_content(const Receipt& receipt, std::uint64_t index) {
  check_mode(receipt.mode, index);
  if (receipt.kind == ReceiptKind::denied) {
    ++denied_;
  } else if (receipt.started) {
    add_outcome(receipt, index);
  } else {
    if (receipt.kind == ReceiptKind::unknown) {
      findings_.add(LogPart::claims,
                    [&] { return fmt::format("entry {}: its outcome is unknown, and it names no start", index); });
    }
    add_first(receipt, index, index);
  }
}

void LogAudit::add_content(const DeniedSummary& summary, std::uint64_t index) { check_mode(summary.mode, index); }

void LogAudit::add_content(const AdminChange& change, std::uint64_t index) {
  check_mode(change.mode, index);
  const std::uint64_t before = adopted_ ? adopted_->epoch : 1;
  const bool is_next =
      change.epoch == before + 1 && !base_of(change).empty() && (!adopted_ || base_of(change) == base_of(*adopted_));
  if (!is_next) {
    findings_.add(LogPart::entries, [&] {
      return fmt::format("entry {}: it begins epoch {} of {}, which does not follow epoch {}{}", index, change.epoch,
                         change.origin, before, adopted_ ? " of " + adopted_->origin : "");
    });
  }
  adopted_ = change;
  adopted_at_ = index;
}

void LogAudit::add_first(const Receipt& receipt, std::uint64_t first_index, std::uint64_t index) {
  AuditedExecution execution{.claim = claim_key(receipt.tenant_id, receipt.nonce),
                             .id = receipt.id,
                             .first_index = first_index,
                             .index = index,
                             .at = receipt.at,
                             .duration_us = receipt.duration_us.value_or(0),
                             .result_hash = receipt.result_hash.value_or(Hash{}),
                             .receipt = receipt.receipt.value_or(Hash{}),
                             .kind = receipt.kind};
  add_approval(receipt, execution.claim, first_index);
  if (receipt.kind == ReceiptKind::started) {
    open_.emplace(index, Open{receipt, executions_.size()});
  }
  OPENEXEC_CHECK(executions_.size() < UINT32_MAX);
  executions_.push_back(execution);
}

void LogAudit::add_approval(const Receipt& receipt, const ClaimKey& claim, std::uint64_t index) {
  const bool must_have = receipt.mode == Mode::clawshield;
  const bool has = receipt.approval && receipt.approval->id && receipt.tenant_id;
  if (has) {
    approvals_.push_back(
        {approval_key(*receipt.tenant_id, *receipt.approval->id), claim, receipt.approval->hash, index});
  }
  if (has != must_have) {
    findings_.add(LogPart::approvals, [&] {
      return must_have ? fmt::format("entry {}: it was claimed with no approval that verified", index)
                       : fmt::format("entry {}: it names an approval, and demo mode has none", index);
    });
  }
}

void LogAudit::add_outcome(const Receipt& receipt, std::uint64_t index) {
  const auto started = static_cast<std::uint64_t>(*receipt.started);
  const auto open = open_.find(started);
  if (open == open_.end()) {
    if (unreadable_.contains(started)) {
      return add_first(receipt, started, index);  // the start itself cannot be read
    }
    const auto first = std::ranges::lower_bound(executions_, started, {}, &AuditedExecution::first_index);
    const bool has_outcome = first != executions_.end() && first->first_index == started && first->index != started;
    return findings_.add(LogPart::claims, [&] {
      return has_outcome ? fmt::format("entry {}: a second outcome of entry {}, which has one in entry {}", index,
                                       started, first->index)
                         : fmt::format("entry {}: it names entry {} as its start, which is none", index, started);
    });
  }
  if (!is_same_attempt(open->second.receipt, receipt)) {
    findings_.add(LogPart::claims, [&] {
      return fmt::format("entry {}: it names entry {} as its start, which is of another attempt", index, started);
    });
  }
  AuditedExecution& execution = executions_[open->second.place];
  execution.index = index;
  execution.at = receipt.at;
  execution.duration_us = receipt.duration_us.value_or(0);
  execution.result_hash = receipt.result_hash.value_or(Hash{});
  execution.receipt = receipt.receipt.value_or(Hash{});
  execution.kind = receipt.kind;
  open_.erase(open);
}

void LogAudit::finish() {
  by_claim_ = order_by<&AuditedExecution::claim>(executions_);
  by_id_ = order_by<&AuditedExecution::id>(executions_);
  std::ranges::sort(approvals_, [](const AuditedApproval& a, const AuditedApproval& b) {
    return std::tie(a.key, a.index) < std::tie(b.key, b.index);
  });
  find_twins();
}

void LogAudit::find_twins() {
  for (std::size_t i = 1; i < executions_.size(); ++i) {
    const AuditedExecution& first = executions_[by_claim_[i - 1]];
    const AuditedExecution& second = executions_[by_claim_[i]];
    if (first.claim == second.claim) {
      findings_.add(LogPart::claims, [&] {
        return fmt::format("entry {}: its nonce was claimed before, by entry {}", second.first_index,
                           first.first_index);
      });
    }
    const AuditedExecution& one = executions_[by_id_[i - 1]];
    const AuditedExecution& other = executions_[by_id_[i]];
    if (one.id == other.id && one.claim != other.claim) {
      findings_.add(LogPart::claims, [&] {
        return fmt::format("entry {}: its id {} is that of entry {}", other.first_index, to_uuid_text(other.id),
                           one.first_index);
      });
    }
  }
  for (std::size_t i = 1; i < approvals_.size(); ++i) {
    if (approvals_[i].key == approvals_[i - 1].key) {
      findings_.add(LogPart::approvals, [&] {
        return fmt::format("entry {}: its approval was used before, by entry {}", approvals_[i].index,
                           approvals_[i - 1].index);
      });
    }
  }
}

}  // namespace openexec
