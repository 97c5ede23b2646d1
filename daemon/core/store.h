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
#include <vector>

#include "daemon/core/recent_keys.h"
#include "proto-json/bytes.h"
#include "proto-json/limits.h"
#include "proto-json/receipt.h"

struct MDB_env;
struct MDB_txn;
struct MDB_cursor;

namespace openexec {

// Tables of format 3 (docs/formats.md, "Store"). Append-only list: each keeps its name for ever.
enum class Table : std::size_t {
  meta,
  claims,
  open,
  approvals,
  results,
  entries,
  executions,
  nodes,
  checkpoints,
  presented,
  nonces
};
inline constexpr std::size_t table_count = 11;
inline constexpr std::array<const char*, table_count> table_names = {
    "meta",       "claims", "open",        "approvals", "results", "entries",
    "executions", "nodes",  "checkpoints", "presented", "nonces"};

inline constexpr std::uint32_t store_format = 3;

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
  std::optional<std::string> tenant_id = std::nullopt;
  std::string origin = {};        // the log's name in its first epoch
  bool origin_is_default = true;  // nobody chose it: a store that has another keeps its own
  std::size_t key_run_min = limits::key_run_min;
  std::uint64_t key_salt = 0;  // not known to callers
  bool durable = true;  // false: commits are not synced. For the simulator, which loses nothing but what it means to
};

struct CloseCursor {
  void operator()(MDB_cursor* cursor) const noexcept;
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
  // All rows of the table.
  [[nodiscard]] StoreResult<class TableScan> scan(Table table) const;
  // The rows from `key` on.
  [[nodiscard]] StoreResult<class TableScan> scan_from(Table table, std::string_view key) const;
  [[nodiscard]] StoreResult<std::uint64_t> count(Table table) const;

  // The first entry of a claim whose key is not in its table yet: the first with that prefix that `is_it` says yes to.
  template <typename IsIt>
  [[nodiscard]] std::optional<std::uint64_t> find_recent(KeyKind kind, std::uint64_t prefix, IsIt is_it) const {
    for (const ClaimKeys& keys : added_) {
      const bool has_key = kind != KeyKind::approval || keys.has_approval;
      if (has_key && keys.prefixes[static_cast<std::size_t>(kind)] == prefix && is_it(keys.first_index)) {
        return keys.first_index;
      }
    }
    const std::uint64_t found = recent_->find(kind, prefix, is_it);
    return found == PrefixMap::none ? std::nullopt : std::optional(found);
  }

 protected:
  friend class Store;
  ReadTxn(const class Store& store, MDB_txn* txn, const RecentKeys& recent)
      : store_(&store), txn_(txn), recent_(&recent) {}
  const class Store* store_;
  MDB_txn* txn_;  // ended by the destructor unless committed
  const RecentKeys* recent_;
  std::vector<ClaimKeys> added_;  // by this transaction
};

// The rows of a table one after the other, in the order of keys. Does not outlive its transaction, in which nothing is
// written meanwhile.
class TableScan {
 public:
  // Nothing at the end. An error when the table is out of order or has another number of rows than it says: a damaged
  // one cannot send the reader round for ever.
  [[nodiscard]] StoreResult<std::optional<ReadTxn::Row>> next();
  [[nodiscard]] std::uint64_t count() const { return count_.value_or(0); }  // of all rows

 private:
  friend class ReadTxn;
  TableScan(Table table, std::optional<std::uint64_t> count, std::string_view from, MDB_cursor* cursor)
      : table_(table), count_(count), from_(from), cursor_(cursor) {}

  Table table_;
  std::optional<std::uint64_t> count_;  // nothing: of a part of the table
  std::string from_;
  std::unique_ptr<MDB_cursor, CloseCursor> cursor_;
  std::uint64_t seen_ = 0;
  std::string_view before_;  // the key of the row before, in the map
};

// The one write transaction; aborts unless committed.
class WriteTxn : public ReadTxn {
 public:
  [[nodiscard]] StoreResult<void> put(Table table, std::string_view key, std::string_view value);
  // A key greater than every key of the table: cheaper, and refused when it is not.
  [[nodiscard]] StoreResult<void> append(Table table, std::string_view key, std::string_view value);
  [[nodiscard]] StoreResult<void> erase(Table table, std::string_view key);
  // A claim was put whose keys are in no table yet. Whoever commits it takes them over.
  void add_keys(const ClaimKeys& keys) { added_.push_back(keys); }
  [[nodiscard]] std::vector<ClaimKeys> take_keys() { return std::exchange(added_, {}); }
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
  // Opens a store to read it, whatever its mode, tenant and origin, also while a daemon has it open. Nothing is written
  // but this reader's place in LMDB's lock file, and not even that where the folder is not writable.
  static std::expected<std::unique_ptr<Store>, std::string> open_to_read(const std::string& dir);
  // The same of one file that a copy was written to, and that nobody else has open.
  static std::expected<std::unique_ptr<Store>, std::string> open_copy(const std::string& file);
  // Opens a store that no daemon has open, whatever its mode, tenant and origin, to change it.
  static std::expected<std::unique_ptr<Store>, std::string> open_to_change(const std::string& dir);
  ~Store();
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  // Short ones, of one thread, any number up to store_readers_max; they never wait for the writer. They find a claim by
  // its keys once its commit was published.
  [[nodiscard]] StoreResult<ReadTxn> read() const;
  // One thread only; it may be another.
  [[nodiscard]] StoreResult<WriteTxn> write();
  // The writer's: what it holds of keys in memory.
  [[nodiscard]] KeyMerger& keys() { return keys_; }
  // The reader's, while it has no transaction, for each commit in order: takes over what it changed about keys.
  void publish(const KeyChange& change) { published_.apply(change); }

  // Forgets readers whose process died without ending their transaction: until then no page that was freed since is
  // used again. Cheap.
  void drop_dead_readers();

  // How full the map is, in percent of its limit, as of the last commit.
  [[nodiscard]] unsigned used_percent() const;
  [[nodiscard]] std::size_t used_bytes() const;
  [[nodiscard]] std::size_t map_size_bytes() const;
  // The log's name: in its first epoch the origin, later the name that the adoption gave it.
  [[nodiscard]] const std::string& origin() const { return log_name_; }
  [[nodiscard]] std::uint64_t epoch() const { return epoch_; }
  [[nodiscard]] const StoreOptions& options() const { return options_; }
  // A consistent copy of the whole store into a file that is open and empty; the writer goes on meanwhile.
  [[nodiscard]] StoreResult<void> copy_to(int fd) const;

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

  enum class Access { make, change, read, read_copy };

  explicit Store(StoreOptions options)
      : options_(std::move(options)), keys_(options_.key_run_min, options_.key_salt), published_(options_.key_salt) {}
  static std::expected<Lock, std::string> lock(const std::string& dir);
  static std::expected<void, std::string> probe(const std::string& dir);
  std::expected<void, std::string> open_env(Access access);
  int try_open(Access access, unsigned flags);
  std::expected<void, std::string> open_tables(Access access);
  static std::expected<std::unique_ptr<Store>, std::string> open_as(const StoreOptions& options, Access access);
  std::expected<void, std::string> make_tables(WriteTxn& txn);
  std::expected<void, std::string> finish_tables(WriteTxn& txn);
  std::expected<void, std::string> check_format(const ReadTxn& txn) const;
  std::expected<void, std::string> take_meta(Access access);
  std::expected<void, std::string> take_log_name(const ReadTxn& txn, const std::string& origin);
  static bool is_to_read(Access access) { return access == Access::read || access == Access::read_copy; }
  std::expected<void, std::string> load_keys();
  void measure() const;

  StoreOptions options_;
  Lock lock_;
  std::unique_ptr<MDB_env, CloseEnv> env_;
  std::array<unsigned, table_count> tables_{};       // MDB_dbi
  mutable std::atomic<std::size_t> used_bytes_ = 0;  // as of the last commit
  std::size_t map_size_bytes_ = 0;
  std::uint64_t epoch_ = 1;
  std::string log_name_;
  KeyMerger keys_;        // the writer's
  RecentKeys published_;  // the reader's
};

}  // namespace openexec
