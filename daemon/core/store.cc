// SPDX-License-Identifier: Apache-2.0
#include "daemon/core/store.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <lmdb.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "daemon/core/big_endian.h"
#include "proto-json/check.h"

namespace openexec {
namespace {

constexpr std::array<const char*, table_count> table_names = {"meta",    "claims",  "open",      "approvals",
                                                              "results", "entries", "executions"};

MDB_val to_val(std::string_view text) { return {text.size(), const_cast<char*>(text.data())}; }
std::string_view to_view(const MDB_val& val) { return {static_cast<const char*>(val.mv_data), val.mv_size}; }

std::unexpected<StoreError> store_error(std::string_view doing, int code) {
  return std::unexpected(StoreError{fmt::format("{}: {}", doing, mdb_strerror(code))});
}

std::string not_ours(std::string_view dir) {
  return fmt::format("{} holds an LMDB environment that is no store of ours: name another folder in OPENEXEC_DB_URL",
                     dir);
}

struct CloseCursor {
  void operator()(MDB_cursor* cursor) const noexcept { mdb_cursor_close(cursor); }
};
using Cursor = std::unique_ptr<MDB_cursor, CloseCursor>;

StoreResult<Cursor> open_cursor(MDB_txn* txn, MDB_dbi table) {
  MDB_cursor* cursor = nullptr;
  if (const int code = mdb_cursor_open(txn, table, &cursor); code != 0) {
    return store_error("open a cursor", code);
  }
  return Cursor(cursor);
}

}  // namespace

// --- transactions ---

ReadTxn::ReadTxn(ReadTxn&& other) noexcept : store_(other.store_), txn_(std::exchange(other.txn_, nullptr)) {}

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
  const int code = mdb_txn_commit(std::exchange(txn_, nullptr));
  if (code != 0) {
    return store_error("commit", code);
  }
  store_->measure();
  return {};
}

// --- the environment ---

Store::Lock::~Lock() {
  if (fd_ >= 0) {
    close(fd_);
  }
}

void Store::CloseEnv::operator()(MDB_env* env) const noexcept { mdb_env_close(env); }

Store::~Store() = default;

std::expected<Store::Lock, std::string> Store::lock(const std::string& dir) {
  const std::string path = dir + "/openexecd.lock";
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) {
    return std::unexpected(fmt::format("cannot open the store's lock {}: {}", path, std::strerror(errno)));
  }
  Lock held(fd);
  if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
    return std::unexpected(
        errno == EWOULDBLOCK
            ? fmt::format("the store {} is in use by another openexecd: stop that one, or give this one "
                          "a store of its own (OPENEXEC_DB_URL=lmdb:///DIR)",
                          dir)
            : fmt::format("cannot lock {}: {}", path, std::strerror(errno)));
  }
  return held;
}

// Refuses what is no LMDB file by reading alone: nothing of ours is put beside it. Whatever else is wrong, open_env()
// says.
std::expected<void, std::string> Store::probe(const std::string& dir) {
  MDB_env* env = nullptr;
  if (mdb_env_create(&env) != 0) {
    return {};
  }
  const std::unique_ptr<MDB_env, CloseEnv> owned(env);
  const int code = mdb_env_open(env, dir.c_str(), MDB_RDONLY | MDB_NOLOCK, 0);
  if (code == MDB_INVALID || code == MDB_VERSION_MISMATCH) {
    return std::unexpected(
        fmt::format("{} holds a data.mdb that is no store of ours ({}): name another folder in "
                    "OPENEXEC_DB_URL",
                    dir, mdb_strerror(code)));
  }
  return {};
}

std::expected<void, std::string> Store::open_env() {
  MDB_env* env = nullptr;
  if (const int code = mdb_env_create(&env); code != 0) {
    return std::unexpected(fmt::format("cannot make an LMDB environment: {}", mdb_strerror(code)));
  }
  env_.reset(env);
  const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  map_size_bytes_ = options_.map_size_bytes / page * page;
  const unsigned flags = MDB_NOTLS | (options_.durable ? 0U : unsigned{MDB_NOSYNC | MDB_NOMETASYNC});
  int code = mdb_env_set_mapsize(env, map_size_bytes_);
  if (code == 0) {
    code = mdb_env_set_maxdbs(env, table_count);
  }
  if (code == 0) {
    code = mdb_env_set_maxreaders(env, limits::store_readers_max);
  }
  if (code == 0) {
    code = mdb_env_open(env, options_.dir.c_str(), flags, 0600);
  }
  if (code != 0) {
    return std::unexpected(fmt::format("cannot open the store {}: {}", options_.dir, mdb_strerror(code)));
  }
  MDB_envinfo env_info{};  // a store that has outgrown the setting keeps its size
  OPENEXEC_CHECK(mdb_env_info(env, &env_info) == 0);
  map_size_bytes_ = env_info.me_mapsize;
  return {};
}

std::expected<void, std::string> Store::open_tables() {
  MDB_txn* txn = nullptr;
  int code = mdb_txn_begin(env_.get(), nullptr, 0, &txn);
  if (code != 0) {
    return std::unexpected(fmt::format("cannot write to the store {}: {}", options_.dir, mdb_strerror(code)));
  }
  WriteTxn tables(*this, txn);

  // Read before anything is made: a store of another format stays as it is.
  code = mdb_dbi_open(txn, table_names[0], 0, tables_.data());
  const bool is_new = code == MDB_NOTFOUND;
  if (is_new) {
    // Only an empty environment becomes a store: another program's stays as it is.
    MDB_dbi main = 0;
    MDB_stat stat{};
    code = mdb_dbi_open(txn, nullptr, 0, &main);
    code = code == 0 ? mdb_stat(txn, main, &stat) : code;
    if (code == 0 && stat.ms_entries > 0) {
      return std::unexpected(not_ours(options_.dir));
    }
    code = code == 0 ? MDB_NOTFOUND : code;
  }
  if (code == MDB_INCOMPATIBLE) {
    return std::unexpected(not_ours(options_.dir));
  }
  if (code != 0 && code != MDB_NOTFOUND) {
    return std::unexpected(fmt::format("cannot read the store {}: {}", options_.dir, mdb_strerror(code)));
  }
  if (!is_new) {
    const auto bytes = tables.get(Table::meta, "format");
    const auto format = bytes && *bytes ? from_big_endian<std::uint32_t>(**bytes) : std::nullopt;
    if (!format) {
      return std::unexpected(not_ours(options_.dir));
    }
    if (*format != store_format) {
      return std::unexpected(
          fmt::format("the store {} has format {}, and this release reads format {}: use the release "
                      "that wrote it, or another store",
                      options_.dir, *format, store_format));
    }
  }
  for (std::size_t i = 0; i < table_count; ++i) {
    code = mdb_dbi_open(txn, table_names.at(i), is_new ? MDB_CREATE : 0, &tables_.at(i));
    if (code != 0) {
      return std::unexpected(
          fmt::format("the store {} lacks its table {}: {}", options_.dir, table_names.at(i), mdb_strerror(code)));
    }
  }
  if (is_new) {
    const std::string tenant = options_.tenant_id.value_or("");
    auto done = tables.put(Table::meta, "format", to_big_endian(store_format));
    done = done ? tables.put(Table::meta, "mode", to_text(options_.mode)) : done;
    done = done ? tables.put(Table::meta, "tenant_id", tenant) : done;
    done = done ? tables.put(Table::meta, "origin", options_.origin) : done;
    if (!done) {
      return std::unexpected(fmt::format("cannot make the store {}: {}", options_.dir, done.error().message));
    }
  }
  if (auto done = tables.commit(); !done) {
    return std::unexpected(fmt::format("cannot make the store {}: {}", options_.dir, done.error().message));
  }
  return {};
}

// The store remembers what it is for: a nonce that was used in another mode or for another tenant must not look new.
std::expected<void, std::string> Store::adopt_meta() {
  auto txn = read();
  if (!txn) {
    return std::unexpected(txn.error().message);
  }
  std::array<std::string, 3> values;
  constexpr std::array<std::string_view, 3> keys = {"mode", "tenant_id", "origin"};
  for (std::size_t i = 0; i < keys.size(); ++i) {
    const auto value = txn->get(Table::meta, keys.at(i));
    if (!value || !*value) {
      return std::unexpected(fmt::format("the store {} is damaged: its {} cannot be read", options_.dir, keys.at(i)));
    }
    values.at(i) = **value;
  }
  const auto& [mode, tenant, origin] = values;
  if (mode != to_text(options_.mode)) {
    return std::unexpected(
        fmt::format("the store {} belongs to {} mode, not {} mode: set OPENEXEC_MODE={}, or name another "
                    "store in OPENEXEC_DB_URL",
                    options_.dir, mode, to_text(options_.mode), mode));
  }
  if (tenant != options_.tenant_id.value_or("")) {
    return std::unexpected(
        fmt::format("the store {} belongs to tenant {}, not {}: set CLAWSHIELD_TENANT_ID to its tenant, "
                    "or name another store in OPENEXEC_DB_URL",
                    options_.dir, tenant, options_.tenant_id.value_or("")));
  }
  if (origin != options_.origin && !options_.origin_is_default) {
    return std::unexpected(
        fmt::format("the log in {} is named {}, not {}: set [log] origin to its name, or name another "
                    "store in OPENEXEC_DB_URL",
                    options_.dir, origin, options_.origin));
  }
  options_.origin = origin;
  return {};
}

void Store::measure() const {
  MDB_envinfo env_info{};
  MDB_stat stat{};
  OPENEXEC_CHECK(mdb_env_info(env_.get(), &env_info) == 0 && mdb_env_stat(env_.get(), &stat) == 0);
  used_bytes_ = (env_info.me_last_pgno + 1) * stat.ms_psize;
}

std::expected<std::unique_ptr<Store>, std::string> Store::open(const StoreOptions& options) {
  if (const auto readable = probe(options.dir); !readable) {
    return std::unexpected(readable.error());
  }
  auto held = lock(options.dir);
  if (!held) {
    return std::unexpected(held.error());
  }
  std::unique_ptr<Store> store(new Store);
  store->options_ = options;
  store->lock_ = std::move(*held);
  auto opened = store->open_env();
  if (opened) {
    opened = store->open_tables();
  }
  if (opened) {
    opened = store->adopt_meta();
  }
  if (!opened) {
    return std::unexpected(opened.error());
  }
  store->measure();
  return store;
}

StoreResult<ReadTxn> Store::read() const {
  MDB_txn* txn = nullptr;
  if (const int code = mdb_txn_begin(env_.get(), nullptr, MDB_RDONLY, &txn); code != 0) {
    return store_error("begin to read", code);
  }
  return ReadTxn(*this, txn);
}

StoreResult<WriteTxn> Store::write() {
  MDB_txn* txn = nullptr;
  if (const int code = mdb_txn_begin(env_.get(), nullptr, 0, &txn); code != 0) {
    return store_error("begin to write", code);
  }
  return WriteTxn(*this, txn);
}

std::size_t Store::used_bytes() const { return used_bytes_; }
std::size_t Store::map_size_bytes() const { return map_size_bytes_; }
unsigned Store::used_percent() const { return static_cast<unsigned>(used_bytes_ * 100 / map_size_bytes_); }

}  // namespace openexec
