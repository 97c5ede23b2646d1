// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/raw_lmdb.h"

#include <fmt/format.h>
#include <lmdb.h>
#include <stdlib.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <memory>
#include <random>
#include <system_error>
#include <utility>

#include "tests/bench/statistics.h"

namespace openexec::bench {
namespace {

using Clock = std::chrono::steady_clock;
using Done = std::expected<void, std::string>;

constexpr std::size_t rows_before = 100'000;
constexpr std::size_t value_bytes = 100;
constexpr std::size_t map_bytes = std::size_t{8} << 30U;

using Key = std::array<std::uint64_t, 4>;

struct CloseEnv {
  void operator()(MDB_env* env) const noexcept { mdb_env_close(env); }
};

// A new folder that goes with all that is in it.
class ScratchFolder {
 public:
  static std::expected<ScratchFolder, std::string> make(const std::string& dir) {
    std::string pattern = dir + "/base-rates-XXXXXX";
    if (mkdtemp(pattern.data()) == nullptr) {
      return std::unexpected(fmt::format("cannot make a folder in {}: {}", dir, std::strerror(errno)));
    }
    return ScratchFolder(std::move(pattern));
  }
  ScratchFolder(ScratchFolder&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  ScratchFolder& operator=(ScratchFolder&&) = delete;
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  ~ScratchFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  explicit ScratchFolder(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

Done done_or(const char* what, int code) {
  return code == 0 ? Done() : std::unexpected(fmt::format("cannot {}: {}", what, mdb_strerror(code)));
}

class RawTable {
 public:
  Done open(const std::string& dir) {
    MDB_env* env = nullptr;
    int code = mdb_env_create(&env);
    env_.reset(env);
    code = code == 0 ? mdb_env_set_mapsize(env, map_bytes) : code;
    code = code == 0 ? mdb_env_open(env, dir.c_str(), 0, 0600) : code;
    MDB_txn* txn = nullptr;
    code = code == 0 ? mdb_txn_begin(env, nullptr, 0, &txn) : code;
    if (code == 0) {
      code = mdb_dbi_open(txn, nullptr, 0, &table_);
      code = code == 0 ? mdb_txn_commit(txn) : (mdb_txn_abort(txn), code);
    }
    return done_or("open an LMDB environment", code);
  }

  // One transaction, synced.
  Done commit(std::size_t keys) {
    MDB_txn* txn = nullptr;
    if (const int code = mdb_txn_begin(env_.get(), nullptr, 0, &txn); code != 0) {
      return done_or("begin to write", code);
    }
    for (std::size_t i = 0; i < keys; ++i) {
      Key key = {random_(), random_(), random_(), random_()};
      MDB_val mdb_key{sizeof key, key.data()};
      MDB_val mdb_value{value_.size(), value_.data()};
      if (const int code = mdb_put(txn, table_, &mdb_key, &mdb_value, 0); code != 0) {
        mdb_txn_abort(txn);
        return done_or("put a key", code);
      }
    }
    return done_or("commit", mdb_txn_commit(txn));
  }

 private:
  std::unique_ptr<MDB_env, CloseEnv> env_;
  MDB_dbi table_ = 0;
  std::mt19937_64 random_;  // the same keys each time
  std::array<char, value_bytes> value_{};
};

}  // namespace

std::expected<CommitRate, std::string> raw_commit_rate(const std::string& dir, std::size_t keys, double seconds) {
  const auto folder = ScratchFolder::make(dir);
  if (!folder) {
    return std::unexpected(folder.error());
  }
  RawTable table;
  auto done = table.open(folder->path());
  if (done) {
    done = table.commit(rows_before);
  }
  std::vector<float> took_us;
  const auto begin = Clock::now();
  auto now = begin;
  while (done && now - begin < std::chrono::duration<double>(seconds)) {
    done = table.commit(keys);
    const auto after = Clock::now();
    took_us.push_back(std::chrono::duration<float, std::micro>(after - now).count());
    now = after;
  }
  if (!done) {
    return std::unexpected(done.error());
  }
  const double elapsed_s = std::chrono::duration<double>(now - begin).count();
  std::sort(took_us.begin(), took_us.end());
  return CommitRate{static_cast<double>(took_us.size() * keys) / elapsed_s, percentile(took_us, 0.5),
                    percentile(took_us, 0.99)};
}

}  // namespace openexec::bench
