// SPDX-License-Identifier: Apache-2.0
// For the check of a store: tables and the audit's records are walked together, each once and in one order.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "daemon/core/store.h"
#include "daemon/core/store_check.h"
#include "proto-json/log_audit.h"

namespace openexec {

// Calls a CheckProgress now and then.
class ProgressMeter {
 public:
  ProgressMeter(const CheckProgress& progress, Table table, std::uint64_t of)
      : progress_(progress), table_(table_names[static_cast<std::size_t>(table)]), of_(of) {
    progress_(table_, 0, of_);
  }
  void step() {
    constexpr std::uint64_t rows_between = 1U << 14U;
    if (++done_ % rows_between == 0) {
      progress_(table_, done_, of_);
    }
  }

 private:
  const CheckProgress& progress_;
  std::string_view table_;
  std::uint64_t of_;
  std::uint64_t done_ = 0;
};

// A table's rows beside keys that somebody else has in the same order.
class SideBySide {
 public:
  SideBySide(const ReadTxn& txn, Table table, const CheckProgress& progress, LogFindings& findings)
      : findings_(findings) {
    auto scan = txn.scan(table);
    if (!scan) {
      fail(scan.error());
      return;
    }
    scan_.emplace(*std::move(scan));
    meter_.emplace(progress, table, scan_->count());
    advance();
  }

  // The value of that key; nothing when it has no row. Rows in between, for which there is no such key, go to `extra`.
  template <typename Extra>
  std::optional<std::string_view> at(std::string_view key, Extra extra) {
    while (row_ && row_->key < key) {
      skip(extra);
    }
    if (!row_ || row_->key != key) {
      return std::nullopt;
    }
    is_known_ = true;
    return row_->value;
  }
  // The rows after the last key.
  template <typename Extra>
  void finish(Extra extra) {
    while (row_) {
      skip(extra);
    }
  }

  // Of a table that cannot be read to its end it is not known what is missing.
  [[nodiscard]] bool failed() const { return failed_; }
  [[nodiscard]] std::uint64_t count() const { return scan_ ? scan_->count() : 0; }

 private:
  template <typename Extra>
  void skip(Extra extra) {
    if (!is_known_) {
      extra(*row_);
    }
    advance();
  }
  void advance() {
    auto row = scan_->next();
    if (!row) {
      return fail(row.error());
    }
    meter_->step();
    row_ = *row;
    is_known_ = false;
  }
  void fail(const StoreError& error) {
    failed_ = true;
    row_.reset();
    findings_.add(LogPart::structure, [&] { return error.message; });
  }

  LogFindings& findings_;
  std::optional<TableScan> scan_;
  std::optional<ProgressMeter> meter_;
  std::optional<ReadTxn::Row> row_;
  bool is_known_ = false;  // somebody asked for that row
  bool failed_ = false;
};

// Calls for each execution in that order, which is none of memory's: what comes soon is fetched ahead.
template <typename Function>
void for_each_in(std::span<const std::uint32_t> order, const std::vector<AuditedExecution>& executions,
                 Function function) {
  constexpr std::size_t ahead = 8;
  constexpr std::size_t cache_line_bytes = 64;
  for (std::size_t i = 0; i < order.size(); ++i) {
    if (i + ahead < order.size()) {
      const std::uint8_t* soon = executions[order[i + ahead]].claim.data.data();
      for (std::size_t at = 0; at < sizeof(AuditedExecution); at += cache_line_bytes) {
        __builtin_prefetch(soon + at);
      }
    }
    function(executions[order[i]]);
  }
}

}  // namespace openexec
