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
#include "daemon/core/claims.h"
#include "daemon/core/meta_keys.h"
#include "daemon/core/store_error.h"
#include "proto-json/check.h"
#include "proto-json/checkpoint.h"
#include "proto-json/names.h"

namespace openexec {
namespace {

std::string not_ours(std::string_view dir) {
  return fmt::format("{} holds an LMDB environment that is no store of ours: name another folder in OPENEXEC_DB_URL",
                     dir);
}

}  // namespace

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

// LMDB: an environment that could not be opened is closed, and never tried again.
int Store::try_open(Access access, unsigned flags) {
  MDB_env* env = nullptr;
  if (const int code = mdb_env_create(&env); code != 0) {
    return code;
  }
  env_.reset(env);
  int code = 0;
  if (access == Access::make) {  // otherwise the map is as large as the store says
    const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
    code = mdb_env_set_mapsize(env, options_.map_size_bytes / page * page);
  }
  if (code == 0) {
    code = mdb_env_set_maxdbs(env, table_count);
  }
  if (code == 0) {
    code = mdb_env_set_maxreaders(env, limits::store_readers_max);
  }
  return code == 0 ? mdb_env_open(env, options_.dir.c_str(), MDB_NOTLS | flags, 0600) : code;
}

std::expected<void, std::string> Store::open_env(Access access) {
  unsigned flags = options_.durable ? 0U : unsigned{MDB_NOSYNC | MDB_NOMETASYNC};
  if (access == Access::read) {
    flags = MDB_RDONLY;
  } else if (access == Access::read_copy) {
    flags = MDB_RDONLY | MDB_NOLOCK | MDB_NOSUBDIR;
  }
  int code = try_open(access, flags);
  if (access == Access::read && (code == EACCES || code == EROFS) &&
      ::access((options_.dir + "/lock.mdb").c_str(), F_OK) != 0) {
    // A place of our own in a lock file cannot be had, and nobody else has one: a copy that is only there to be read.
    code = try_open(access, MDB_RDONLY | MDB_NOLOCK);
  }
  if (code != 0) {
    return std::unexpected(fmt::format("cannot open the store {}: {}", options_.dir, mdb_strerror(code)));
  }
  MDB_envinfo env_info{};  // a store that has outgrown the setting keeps its size
  OPENEXEC_CHECK(mdb_env_info(env_.get(), &env_info) == 0);
  map_size_bytes_ = env_info.me_mapsize;
  return {};
}

std::expected<void, std::string> Store::check_format(const ReadTxn& txn) const {
  const auto bytes = txn.get(Table::meta, "format");
  const auto format = bytes && *bytes ? from_big_endian<std::uint32_t>(**bytes) : std::nullopt;
  if (!format) {
    return std::unexpected(not_ours(options_.dir));
  }
  if (*format < store_format) {
    return std::unexpected(fmt::format(
        "the store {} has format {}, of a development build before the first release; nonces used there are "
        "not known elsewhere: name another store in OPENEXEC_DB_URL, and use no approval from before",
        options_.dir, *format));
  }
  if (*format != store_format) {
    return std::unexpected(
        fmt::format("the store {} has format {}, and this release reads format {}: use the release that wrote it, or "
                    "another store",
                    options_.dir, *format, store_format));
  }
  return {};
}

std::expected<void, std::string> Store::open_tables(Access access) {
  MDB_txn* txn = nullptr;
  int code = mdb_txn_begin(env_.get(), nullptr, is_to_read(access) ? unsigned{MDB_RDONLY} : 0U, &txn);
  if (code != 0) {
    return std::unexpected(fmt::format("cannot begin on the store {}: {}", options_.dir, mdb_strerror(code)));
  }
  WriteTxn tables(*this, txn, keys_.recent());

  // Read before anything is made: a store of another format stays as it is.
  code = mdb_dbi_open(txn, table_names[0], 0, tables_.data());
  const bool is_new = code == MDB_NOTFOUND;
  if (is_new) {
    // Only an empty environment becomes a store: another program's stays as it is.
    MDB_dbi main = 0;
    MDB_stat stat{};
    code = mdb_dbi_open(txn, nullptr, 0, &main);
    code = code == 0 ? mdb_stat(txn, main, &stat) : code;
    if (code == 0 && (stat.ms_entries > 0 || access != Access::make)) {
      return std::unexpected(not_ours(options_.dir));
    }
  }
  if (code == MDB_INCOMPATIBLE) {
    return std::unexpected(not_ours(options_.dir));
  }
  if (code != 0) {
    return std::unexpected(fmt::format("cannot read the store {}: {}", options_.dir, mdb_strerror(code)));
  }
  if (!is_new) {
    if (auto known = check_format(tables); !known) {
      return known;
    }
  }
  for (std::size_t i = 0; i < table_count; ++i) {
    code = mdb_dbi_open(txn, table_names.at(i), is_new ? MDB_CREATE : 0, &tables_.at(i));
    if (code != 0) {
      return std::unexpected(
          fmt::format("the store {} lacks its table {}: {}", options_.dir, table_names.at(i), mdb_strerror(code)));
    }
  }
  return is_new ? make_tables(tables) : finish_tables(tables);
}

std::expected<void, std::string> Store::make_tables(WriteTxn& txn) {
  auto done = txn.put(Table::meta, "format", to_big_endian(store_format));
  done = done ? txn.put(Table::meta, "mode", to_text(options_.mode)) : done;
  done = done ? txn.put(Table::meta, "tenant_id", options_.tenant_id.value_or("")) : done;
  done = done ? txn.put(Table::meta, "origin", options_.origin) : done;
  done = done ? txn.put(Table::meta, "epoch", to_big_endian(epoch_)) : done;
  done = done ? txn.commit() : done;
  if (!done) {
    return std::unexpected(fmt::format("cannot make the store {}: {}", options_.dir, done.error().message));
  }
  return {};
}

// The handles of the tables outlive the transaction only when it is committed, also one that wrote nothing.
std::expected<void, std::string> Store::finish_tables(WriteTxn& txn) {
  if (auto done = txn.commit(); !done) {
    return std::unexpected(fmt::format("cannot open the store {}: {}", options_.dir, done.error().message));
  }
  return {};
}

// An adoption names the log with its key: the vkey says both.
std::expected<void, std::string> Store::take_log_name(const ReadTxn& txn, const std::string& origin) {
  log_name_ = origin;
  if (epoch_ == 1) {
    return {};
  }
  const auto vkey = txn.get(Table::meta, meta::log_key);
  const auto key = vkey && *vkey ? read_vkey(**vkey) : std::unexpected(std::string());
  if (!key || key->name != epoch_name(origin, epoch_, key->key)) {
    return std::unexpected(fmt::format("the store {} is damaged: its log_key cannot be read", options_.dir));
  }
  log_name_ = key->name;
  return {};
}

// The store remembers what it is for: a nonce that was used in another mode or for another tenant must not look new.
std::expected<void, std::string> Store::take_meta(Access access) {
  auto txn = read();
  if (!txn) {
    return std::unexpected(txn.error().message);
  }
  std::array<std::string, 4> values;
  constexpr std::array<std::string_view, 4> keys = {"mode", "tenant_id", "origin", "epoch"};
  for (std::size_t i = 0; i < keys.size(); ++i) {
    const auto value = txn->get(Table::meta, keys.at(i));
    if (!value || !*value) {
      return std::unexpected(fmt::format("the store {} is damaged: its {} cannot be read", options_.dir, keys.at(i)));
    }
    values.at(i) = **value;
  }
  const auto& [mode, tenant, origin, epoch_bytes] = values;
  const auto its_mode = mode_named(mode);
  const auto epoch = from_big_endian<std::uint64_t>(epoch_bytes);
  if (!its_mode || !epoch || *epoch == 0 || *epoch > limits::epoch_max || !is_note_key_name(origin) ||
      (!tenant.empty() && (*its_mode == Mode::demo || !is_tenant_id(tenant)))) {
    return std::unexpected(
        fmt::format("the store {} is damaged: its mode, tenant, origin or epoch is none", options_.dir));
  }
  epoch_ = *epoch;
  if (auto named = take_log_name(*txn, origin); !named) {
    return named;
  }
  if (access != Access::make) {
    options_.mode = *its_mode;
    options_.tenant_id = tenant.empty() ? std::nullopt : std::optional(tenant);
    options_.origin = origin;
    return {};
  }
  if (*its_mode != options_.mode) {
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

// The keys that no table has yet, out of the claims themselves.
std::expected<void, std::string> Store::load_keys() {
  const auto txn = read();
  const auto progress = txn ? key_progress(*txn) : std::unexpected(txn.error());
  auto claims = progress ? recent_claims(*txn) : std::unexpected(progress.error());
  if (!claims) {
    return std::unexpected(fmt::format(
        "the store {} cannot be used: {}; what it claimed would look new. Put back a copy (openexec store adopt)",
        options_.dir, claims.error().message));
  }
  for (const KeyChange& change : keys_.load(*progress, *std::move(claims))) {
    published_.apply(change);
  }
  return {};
}

void Store::measure() const {
  MDB_envinfo env_info{};
  MDB_stat stat{};
  OPENEXEC_CHECK(mdb_env_info(env_.get(), &env_info) == 0 && mdb_env_stat(env_.get(), &stat) == 0);
  used_bytes_ = (env_info.me_last_pgno + 1) * stat.ms_psize;
}

std::expected<std::unique_ptr<Store>, std::string> Store::open_as(const StoreOptions& options, Access access) {
  std::unique_ptr<Store> store(new Store(options));
  if (!is_to_read(access)) {
    auto held = lock(options.dir);
    if (!held) {
      return std::unexpected(held.error());
    }
    store->lock_ = std::move(*held);
  }
  auto opened = store->open_env(access);
  if (opened) {
    opened = store->open_tables(access);
  }
  if (opened) {
    opened = store->take_meta(access);
  }
  if (opened && !is_to_read(access)) {
    opened = store->load_keys();
  }
  if (!opened) {
    return std::unexpected(opened.error());
  }
  store->measure();
  return store;
}

std::expected<std::unique_ptr<Store>, std::string> Store::open(const StoreOptions& options) {
  if (const auto readable = probe(options.dir); !readable) {
    return std::unexpected(readable.error());
  }
  return open_as(options, Access::make);
}

std::expected<std::unique_ptr<Store>, std::string> Store::open_to_read(const std::string& dir) {
  return open_as({.dir = dir}, Access::read);
}

std::expected<std::unique_ptr<Store>, std::string> Store::open_copy(const std::string& file) {
  return open_as({.dir = file}, Access::read_copy);
}

std::expected<std::unique_ptr<Store>, std::string> Store::open_to_change(const std::string& dir) {
  struct stat status{};
  if (stat((dir + "/data.mdb").c_str(), &status) != 0) {
    return std::unexpected(fmt::format("{} holds no store: {}", dir, std::strerror(errno)));
  }
  if (const auto readable = probe(dir); !readable) {
    return std::unexpected(readable.error());
  }
  return open_as({.dir = dir}, Access::change);
}

StoreResult<ReadTxn> Store::read() const {
  MDB_txn* txn = nullptr;
  if (const int code = mdb_txn_begin(env_.get(), nullptr, MDB_RDONLY, &txn); code != 0) {
    return store_error("begin to read", code);
  }
  return ReadTxn(*this, txn, published_);
}

StoreResult<WriteTxn> Store::write() {
  MDB_txn* txn = nullptr;
  if (const int code = mdb_txn_begin(env_.get(), nullptr, 0, &txn); code != 0) {
    return store_error("begin to write", code);
  }
  return WriteTxn(*this, txn, keys_.recent());
}

StoreResult<void> Store::copy_to(int fd) const {
  const int code = mdb_env_copyfd2(env_.get(), fd, MDB_CP_COMPACT);
  return code == 0 ? StoreResult<void>() : store_error("copy", code);
}

std::size_t Store::used_bytes() const { return used_bytes_; }
std::size_t Store::map_size_bytes() const { return map_size_bytes_; }
unsigned Store::used_percent() const { return static_cast<unsigned>(used_bytes_ * 100 / map_size_bytes_); }

void Store::drop_dead_readers() {
  int dead = 0;
  static_cast<void>(mdb_reader_check(env_.get(), &dead));  // it is tried again soon
}

}  // namespace openexec
