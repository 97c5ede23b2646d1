// SPDX-License-Identifier: Apache-2.0
// One LMDB environment: tables, transactions, limits. What the records mean stands in claims.h and receipt_log.h.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "proto-json/bytes.h"
#include "proto-json/limits.h"
#include "proto-json/receipt.h"

struct MDB_env;
struct MDB_txn;
struct MDB_cursor;

namespace openexec {

// Tables of format 1 (docs/formats.md, "Store"). Append-only list: each keeps its name for ever.
enum class Table : std::size_t { meta, claims, open, approvals, results, entries, executions };
inline constexpr std::size_t table_count = 7;

inline constexpr std::uint32_t store_format = 1;

struct StoreError {
  std::string message;  // for an operator, with LMDB's own words
};
template <typename T>
using StoreResult = std::expected<T, StoreError>;

// The error of a record that is not as we wrote it.
inline std::unexpected<StoreError> damaged(std::string_view what) {
  return std::unexpected(StoreError{"the store is damaged: " + std::string(what)});
}

struct StoreOptions {
  std::string dir;  // exists, 0700
  std::size_t map_size_bytes = limits::map_size_bytes;
  Mode mode = Mode::demo;
  std::optional<std::string> tenant_id;
  std::string origin;             // the log's name
  bool origin_is_default = true;  // nobody chose it: a store that has another keeps its own
  bool durable = true;  // false: commits are not synced. For the simulator, which loses nothing but what it means to
};

class ReadTxn {
 public:
  ReadTxn(ReadTxn&& other) noexcept;
  ReadTxn& operator=(ReadTxn&&) = delete;
  ReadTxn(const ReadTxn&) = delete;
  ReadTxn& operator=(const ReadTxn&) = delete;
  ~ReadTxn();

  // A view into the map, valid until the next write of this transaction or its end.
  [[nodiscard]] StoreResult<std::optional<std::string_view>> get(Table table, std::string_view key) const;

  struct Row {
    std::string_view key;
    std::string_view value;
  };
  // The last row of the table; of those whose key begins with `prefix`.
  [[nodiscard]] StoreResult<std::optional<Row>> last(Table table, std::string_view prefix = {}) const;
  // The first row whose key is greater than `key`.
  [[nodiscard]] StoreResult<std::optional<Row>> next(Table table, std::string_view key) const;

 protected:
  friend class Store;
  ReadTxn(const class Store& store, MDB_txn* txn) : store_(&store), txn_(txn) {}
  const class Store* store_;
  MDB_txn* txn_;  // ended by the destructor unless committed
};

// The one write transaction; aborts unless committed.
class WriteTxn : public ReadTxn {
 public:
  [[nodiscard]] StoreResult<void> put(Table table, std::string_view key, std::string_view value);
  // A key greater than every key of the table: cheaper, and refused when it is not.
  [[nodiscard]] StoreResult<void> append(Table table, std::string_view key, std::string_view value);
  [[nodiscard]] StoreResult<void> erase(Table table, std::string_view key);
  // Durable when it returns without an error. After an error it is not known whether the changes are durable.
  [[nodiscard]] StoreResult<void> commit();

 private:
  friend class Store;
  using ReadTxn::ReadTxn;
};

class Store {
 public:
  // Opens or makes the store. Refuses another format, mode or tenant, and a store another process has open. The error
  // is one line that says what to change.
  static std::expected<std::unique_ptr<Store>, std::string> open(const StoreOptions& options);
  ~Store();
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  // Short ones, from any thread, any number up to store_readers_max; they never wait for the writer.
  [[nodiscard]] StoreResult<ReadTxn> read() const;
  // One thread only.
  [[nodiscard]] StoreResult<WriteTxn> write();

  // How full the map is, in percent of its limit, as of the last commit.
  [[nodiscard]] unsigned used_percent() const;
  [[nodiscard]] std::size_t used_bytes() const;
  [[nodiscard]] std::size_t map_size_bytes() const;
  [[nodiscard]] const std::string& origin() const { return options_.origin; }
  [[nodiscard]] const StoreOptions& options() const { return options_; }

 private:
  friend class ReadTxn;
  friend class WriteTxn;
  struct CloseEnv {
    void operator()(MDB_env* env) const noexcept;
  };
  // Holds the flock that keeps a second daemon out.
  class Lock {
   public:
    Lock() = default;
    explicit Lock(int fd) : fd_(fd) {}
    Lock(Lock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    Lock& operator=(Lock&& other) noexcept {
      std::swap(fd_, other.fd_);
      return *this;
    }
    Lock(const Lock&) = delete;
    Lock& operator=(const Lock&) = delete;
    ~Lock();

   private:
    int fd_ = -1;
  };

  Store() = default;
  static std::expected<Lock, std::string> lock(const std::string& dir);
  static std::expected<void, std::string> probe(const std::string& dir);
  std::expected<void, std::string> open_env();
  std::expected<void, std::string> open_tables();
  std::expected<void, std::string> adopt_meta();
  void measure() const;

  StoreOptions options_;
  Lock lock_;
  std::unique_ptr<MDB_env, CloseEnv> env_;
  std::array<unsigned, table_count> tables_{};       // MDB_dbi
  mutable std::atomic<std::size_t> used_bytes_ = 0;  // as of the last commit
  std::size_t map_size_bytes_ = 0;
};

}  // namespace openexec
