// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <lmdb.h>

#include "daemon/core/store.h"
#include "daemon/core/store_error.h"
#include "proto-json/check.h"

namespace openexec {
namespace {

MDB_val to_val(std::string_view text) { return {text.size(), const_cast<char*>(text.data())}; }
std::string_view to_view(const MDB_val& val) { return {static_cast<const char*>(val.mv_data), val.mv_size}; }

using Cursor = std::unique_ptr<MDB_cursor, CloseCursor>;

StoreResult<Cursor> open_cursor(MDB_txn* txn, MDB_dbi table) {
  MDB_cursor* cursor = nullptr;
  if (const int code = mdb_cursor_open(txn, table, &cursor); code != 0) {
    return store_error("open a cursor", code);
  }
  return Cursor(cursor);
}

}  // namespace

std::unexpected<StoreError> store_error(std::string_view doing, int lmdb_code) {
  return std::unexpected(StoreError{fmt::format("{}: {}", doing, mdb_strerror(lmdb_code))});
}

ReadTxn::ReadTxn(ReadTxn&& other) noexcept
    : store_(other.store_),
      txn_(std::exchange(other.txn_, nullptr)),
      recent_(other.recent_),
      added_(std::move(other.added_)) {}

ReadTxn::~ReadTxn() {
  if (txn_ != nullptr) {
    mdb_txn_abort(txn_);
  }
}

StoreResult<std::optional<std::string_view>> ReadTxn::get(Table table, std::string_view key) const {
  MDB_val mdb_key = to_val(key);
  MDB_val value{};
  const int code = mdb_get(txn_, store_->tables_[static_cast<std::size_t>(table)], &mdb_key, &value);
  if (code == MDB_NOTFOUND) {
    return std::nullopt;
  }
  if (code != 0) {
    return store_error("read", code);
  }
  return to_view(value);
}

StoreResult<std::optional<ReadTxn::Row>> ReadTxn::last(Table table, std::string_view prefix) const {
  auto cursor = open_cursor(txn_, store_->tables_[static_cast<std::size_t>(table)]);
  if (!cursor) {
    return std::unexpected(cursor.error());
  }
  MDB_val key{};
  MDB_val value{};
  int code = MDB_NOTFOUND;
  if (!prefix.empty()) {
    // The first row past every key with this prefix, then one back. No key of ours has 16 bytes of ff after a prefix.
    const std::string past = std::string(prefix) + std::string(16, '\xff');
    key = to_val(past);
    code = mdb_cursor_get(cursor->get(), &key, &value, MDB_SET_RANGE);
    if (code == 0) {
      code = mdb_cursor_get(cursor->get(), &key, &value, MDB_PREV);
    } else if (code == MDB_NOTFOUND) {
      code = mdb_cursor_get(cursor->get(), &key, &value, MDB_LAST);
    }
  } else {
    code = mdb_cursor_get(cursor->get(), &key, &value, MDB_LAST);
  }
  if (code == MDB_NOTFOUND) {
    return std::nullopt;
  }
  if (code != 0) {
    return store_error("read the last row", code);
  }
  if (!to_view(key).starts_with(prefix)) {
    return std::nullopt;
  }
  return Row{to_view(key), to_view(value)};
}

StoreResult<std::optional<ReadTxn::Row>> ReadTxn::next(Table table, std::string_view key) const {
  auto cursor = open_cursor(txn_, store_->tables_[static_cast<std::size_t>(table)]);
  if (!cursor) {
    return std::unexpected(cursor.error());
  }
  MDB_val found = to_val(key);
  MDB_val value{};
  int code = mdb_cursor_get(cursor->get(), &found, &value, key.empty() ? MDB_FIRST : MDB_SET_RANGE);
  if (code == 0 && !key.empty() && to_view(found) == key) {
    code = mdb_cursor_get(cursor->get(), &found, &value, MDB_NEXT);
  }
  if (code == MDB_NOTFOUND) {
    return std::nullopt;
  }
  if (code != 0) {
    return store_error("read the next row", code);
  }
  return Row{to_view(found), to_view(value)};
}

StoreResult<TableScan> ReadTxn::scan(Table table) const {
  const auto rows = count(table);
  auto cursor =
      rows ? open_cursor(txn_, store_->tables_[static_cast<std::size_t>(table)]) : std::unexpected(rows.error());
  if (!cursor) {
    return std::unexpected(cursor.error());
  }
  return TableScan(table, *rows, {}, cursor->release());
}

StoreResult<TableScan> ReadTxn::scan_from(Table table, std::string_view key) const {
  auto cursor = open_cursor(txn_, store_->tables_[static_cast<std::size_t>(table)]);
  if (!cursor) {
    return std::unexpected(cursor.error());
  }
  return TableScan(table, std::nullopt, key, cursor->release());
}

void CloseCursor::operator()(MDB_cursor* cursor) const noexcept { mdb_cursor_close(cursor); }

StoreResult<std::optional<ReadTxn::Row>> TableScan::next() {
  const auto name = [this] { return table_names[static_cast<std::size_t>(table_)]; };
  MDB_val key{};
  MDB_val value{};
  MDB_cursor_op step = seen_ == 0 ? MDB_FIRST : MDB_NEXT;
  if (seen_ == 0 && !from_.empty()) {
    key = to_val(from_);
    step = MDB_SET_RANGE;
  }
  const int code = mdb_cursor_get(cursor_.get(), &key, &value, step);
  if (code == MDB_NOTFOUND && (!count_ || seen_ == *count_)) {
    return std::nullopt;
  }
  if (code == MDB_NOTFOUND || (code == 0 && count_ && seen_ == *count_)) {
    return damaged(fmt::format("table {} says that it has {} rows, and has {}", name(), count(),
                               code == 0 ? "more" : fmt::format("{}", seen_)));
  }
  if (code != 0) {
    return store_error(fmt::format("read the next row of table {}", name()), code);
  }
  const std::string_view found = to_view(key);
  if (seen_ > 0 && found <= before_) {
    return damaged(fmt::format("the rows of table {} are out of order", name()));
  }
  before_ = found;
  ++seen_;
  return ReadTxn::Row{found, to_view(value)};
}

StoreResult<std::uint64_t> ReadTxn::count(Table table) const {
  MDB_stat stat{};
  const int code = mdb_stat(txn_, store_->tables_[static_cast<std::size_t>(table)], &stat);
  return code == 0 ? StoreResult<std::uint64_t>(stat.ms_entries) : store_error("count rows", code);
}

StoreResult<void> WriteTxn::put(Table table, std::string_view key, std::string_view value) {
  MDB_val mdb_key = to_val(key);
  MDB_val mdb_value = to_val(value);
  const int code = mdb_put(txn_, store_->tables_[static_cast<std::size_t>(table)], &mdb_key, &mdb_value, 0);
  return code == 0 ? StoreResult<void>() : store_error("write", code);
}

StoreResult<void> WriteTxn::append(Table table, std::string_view key, std::string_view value) {
  MDB_val mdb_key = to_val(key);
  MDB_val mdb_value = to_val(value);
  const int code = mdb_put(txn_, store_->tables_[static_cast<std::size_t>(table)], &mdb_key, &mdb_value, MDB_APPEND);
  return code == 0 ? StoreResult<void>() : store_error("append", code);
}

StoreResult<void> WriteTxn::erase(Table table, std::string_view key) {
  MDB_val mdb_key = to_val(key);
  const int code = mdb_del(txn_, store_->tables_[static_cast<std::size_t>(table)], &mdb_key, nullptr);
  return code == 0 || code == MDB_NOTFOUND ? StoreResult<void>() : store_error("erase", code);
}

StoreResult<void> WriteTxn::commit() {
  OPENEXEC_CHECK(added_.empty());  // or nothing would find those claims
  const int code = mdb_txn_commit(std::exchange(txn_, nullptr));
  if (code != 0) {
    return store_error("commit", code);
  }
  store_->measure();
  return {};
}

}  // namespace openexec
