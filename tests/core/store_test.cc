// SPDX-License-Identifier: Apache-2.0
#include "daemon/core/store.h"

#include <lmdb.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "daemon/core/big_endian.h"
#include "daemon/core/receipt_log.h"
#include "tests/core/world.h"
#include "tests/support/catch.h"
#include "tests/support/vectors.h"

namespace openexec {
namespace {

using test::TempDir;

StoreOptions clawshield_options(const TempDir& dir) { return test::store_options(test::clawshield_policy(), dir); }

std::string refusal(const StoreOptions& options) {
  const auto store = Store::open(options);
  REQUIRE_FALSE(store.has_value());
  CHECK(store.error().find('\n') == std::string::npos);
  return store.error();
}

// A store with one row, closed again. `meta` is then changed as told.
void make_store(const StoreOptions& options, std::string_view meta_key = {}, std::string_view meta_value = {}) {
  const auto store = test::open_store(options);
  auto txn = store->write();
  REQUIRE(txn.has_value());
  REQUIRE(txn->put(Table::nonces, "key", "value").has_value());
  if (!meta_key.empty() && meta_value.empty()) {
    REQUIRE(txn->erase(Table::meta, meta_key).has_value());
  } else if (!meta_key.empty()) {
    REQUIRE(txn->put(Table::meta, meta_key, meta_value).has_value());
  }
  REQUIRE(txn->commit().has_value());
}

std::string data_file(const TempDir& dir) { return read_file(dir / "data.mdb"); }

// Another program's LMDB environment: a row in its unnamed table.
void make_foreign_environment(const TempDir& dir, std::string key) {
  MDB_env* env = nullptr;
  MDB_txn* txn = nullptr;
  MDB_dbi table = 0;
  std::string value = "theirs";
  REQUIRE(mdb_env_create(&env) == 0);
  const std::unique_ptr<MDB_env, void (*)(MDB_env*)> held(env, mdb_env_close);
  REQUIRE(mdb_env_open(env, dir.path().c_str(), 0, 0600) == 0);
  REQUIRE(mdb_txn_begin(env, nullptr, 0, &txn) == 0);
  REQUIRE(mdb_dbi_open(txn, nullptr, 0, &table) == 0);
  MDB_val mdb_key{key.size(), key.data()};
  MDB_val mdb_value{value.size(), value.data()};
  REQUIRE(mdb_put(txn, table, &mdb_key, &mdb_value, 0) == 0);
  REQUIRE(mdb_txn_commit(txn) == 0);
}

TEST_CASE("what was committed is there after the store is opened again, and what was not is not") {
  const TempDir dir;
  make_store(clawshield_options(dir));
  const auto store = test::open_store(clawshield_options(dir));
  {
    auto txn = store->write();
    REQUIRE(txn.has_value());
    REQUIRE(txn->put(Table::nonces, "other", "value").has_value());
    CHECK(txn->get(Table::nonces, "other").value() == "value");
  }
  const auto txn = store->read();
  REQUIRE(txn.has_value());
  CHECK(txn->get(Table::nonces, "key").value() == "value");
  CHECK_FALSE(txn->get(Table::nonces, "other").value().has_value());
  CHECK_FALSE(txn->get(Table::results, "key").value().has_value());
}

TEST_CASE("a reader sees the store as it was when it began") {
  const TempDir dir;
  const auto store = test::open_store(clawshield_options(dir));
  const auto before = store->read();
  auto txn = store->write();
  REQUIRE((before.has_value() && txn.has_value()));
  REQUIRE(txn->put(Table::open, "key", "value").has_value());
  REQUIRE(txn->commit().has_value());
  CHECK_FALSE(before->get(Table::open, "key").value().has_value());
  CHECK(store->read()->get(Table::open, "key").value() == "value");
}

TEST_CASE("rows are found by what comes last, what comes next and what begins alike") {
  const TempDir dir;
  const auto store = test::open_store(clawshield_options(dir));
  auto txn = store->write();
  REQUIRE(txn.has_value());
  CHECK_FALSE(txn->last(Table::open).value().has_value());
  CHECK_FALSE(txn->next(Table::open, "").value().has_value());
  for (const std::string_view row : {"b1", "b2", "d1"}) {
    REQUIRE(txn->put(Table::open, row, row).has_value());
  }
  CHECK(txn->last(Table::open).value()->key == "d1");
  CHECK(txn->last(Table::open, "b").value()->key == "b2");
  CHECK(txn->last(Table::open, "d").value()->value == "d1");
  for (const std::string_view prefix : {"a", "c", "e", "b3"}) {
    CHECK_FALSE(txn->last(Table::open, prefix).value().has_value());
  }
  CHECK(txn->next(Table::open, "").value()->key == "b1");
  CHECK(txn->next(Table::open, "b1").value()->key == "b2");
  CHECK(txn->next(Table::open, "c").value()->key == "d1");
  CHECK_FALSE(txn->next(Table::open, "d1").value().has_value());
}

TEST_CASE("an appended key must come after all others") {
  const TempDir dir;
  const auto store = test::open_store(clawshield_options(dir));
  auto txn = store->write();
  REQUIRE(txn.has_value());
  REQUIRE(txn->append(Table::entries, "b", "").has_value());
  CHECK_FALSE(txn->append(Table::entries, "b", "").has_value());
  CHECK_FALSE(txn->append(Table::entries, "a", "").has_value());
}

TEST_CASE("erasing a row that is not there changes nothing") {
  const TempDir dir;
  const auto store = test::open_store(clawshield_options(dir));
  auto txn = store->write();
  REQUIRE(txn.has_value());
  CHECK(txn->erase(Table::open, "none").has_value());
}

TEST_CASE("the files of a store are for its owner only") {
  const TempDir dir;
  make_store(clawshield_options(dir));
  for (const std::string_view name : {"data.mdb", "lock.mdb", "openexecd.lock"}) {
    struct stat status{};
    REQUIRE(stat((dir / name).c_str(), &status) == 0);
    CHECK((status.st_mode & 0777U) == 0600U);
  }
}

TEST_CASE("a store of one mode is refused in the other, untouched, and the message names the setting") {
  const TempDir dir;
  make_store(clawshield_options(dir));
  const std::string before = data_file(dir);
  const std::string said = refusal(test::store_options(test::demo_policy(), dir));
  CHECK(said.find("belongs to clawshield mode, not demo mode: set OPENEXEC_MODE=clawshield") != std::string::npos);
  CHECK(data_file(dir) == before);
}

TEST_CASE("a store of one tenant is refused for another, untouched") {
  const TempDir dir;
  make_store(clawshield_options(dir));
  const std::string before = data_file(dir);
  StoreOptions options = clawshield_options(dir);
  for (const std::string_view other : {"tenant-002", "*", "tenant-0011"}) {
    options.tenant_id = other;
    CHECK(refusal(options).find("belongs to tenant tenant-001, not " + std::string(other)) != std::string::npos);
  }
  CHECK(data_file(dir) == before);
}

TEST_CASE("a log keeps its name: another one is refused when somebody chose it, and given up when it is the default") {
  const TempDir dir;
  make_store(clawshield_options(dir));
  const std::string before = data_file(dir);
  StoreOptions options = clawshield_options(dir);
  options.origin = "renamed/openexec";
  options.origin_is_default = false;
  CHECK(refusal(options).find("is named test/openexec, not renamed/openexec") != std::string::npos);
  CHECK(data_file(dir) == before);
  options.origin_is_default = true;
  CHECK(test::open_store(options)->origin() == "test/openexec");
}

TEST_CASE("a store of another format is refused, untouched") {
  for (const std::uint32_t format : {store_format + 1, std::uint32_t{99}}) {
    const TempDir dir;
    make_store(clawshield_options(dir), "format", to_big_endian(format));
    const std::string before = data_file(dir);
    const std::string said = refusal(clawshield_options(dir));
    CHECK(said.find("has format " + std::to_string(format) + ", and this release reads format 3") != std::string::npos);
    CHECK(data_file(dir) == before);
  }
}

TEST_CASE("an environment whose format cannot be read is no store of ours, and stays as it is") {
  for (const std::string& format : {std::string(), std::string("one")}) {
    const TempDir dir;
    make_store(clawshield_options(dir), "format", format);
    const std::string before = data_file(dir);
    CHECK(refusal(clawshield_options(dir)).find("is no store of ours") != std::string::npos);
    CHECK(data_file(dir) == before);
  }
}

TEST_CASE("another program's environment is no store of ours, and stays as it is") {
  for (const std::string& key : {std::string("theirs"), std::string("meta")}) {
    const TempDir dir;
    make_foreign_environment(dir, key);
    const std::string before = data_file(dir);
    CHECK(refusal(clawshield_options(dir)).find("is no store of ours") != std::string::npos);
    CHECK(data_file(dir) == before);
  }
}

TEST_CASE("a store that does not say what it is for is damaged") {
  for (const std::string_view key : {"mode", "tenant_id", "origin"}) {
    const TempDir dir;
    make_store(clawshield_options(dir), key);
    CHECK(refusal(clawshield_options(dir)).find("is damaged: its " + std::string(key)) != std::string::npos);
  }
}

TEST_CASE("a data file that is no LMDB file is refused, untouched") {
  for (const std::string& garbage : {std::string("hello"), std::string(65536, 'x'), std::string(65536, '\0')}) {
    const TempDir dir;
    std::ofstream(dir / "data.mdb") << garbage;
    CHECK(refusal(clawshield_options(dir)).find("no store of ours") != std::string::npos);
    CHECK(data_file(dir) == garbage);
  }
}

TEST_CASE("a store that is open is refused to everybody else until it is closed") {
  const TempDir dir;
  auto store = test::open_store(clawshield_options(dir));
  CHECK(refusal(clawshield_options(dir)).find("is in use by another openexecd") != std::string::npos);
  store.reset();
  CHECK(test::open_store(clawshield_options(dir)) != nullptr);
}

TEST_CASE("a store that was refused can be opened as what it is") {
  const TempDir dir;
  make_store(clawshield_options(dir));
  CHECK_FALSE(refusal(test::store_options(test::demo_policy(), dir)).empty());
  CHECK(test::open_store(clawshield_options(dir)) != nullptr);
}

TEST_CASE("a folder that is not there, and a lock that is a symbolic link, are refused") {
  const TempDir dir;
  StoreOptions options = clawshield_options(dir);
  options.dir = dir / "none";
  CHECK(refusal(options).starts_with("cannot open the store's lock "));
  std::filesystem::create_symlink(dir / "elsewhere", dir / "openexecd.lock");
  CHECK(refusal(clawshield_options(dir)).starts_with("cannot open the store's lock "));
  CHECK_FALSE(std::filesystem::exists(dir / "elsewhere"));
}

TEST_CASE("the store says how full it is") {
  const TempDir dir;
  StoreOptions options = clawshield_options(dir);
  options.map_size_bytes = std::size_t{1} << 20;
  const auto store = test::open_store(options);
  CHECK(store->map_size_bytes() == std::size_t{1} << 20);
  const unsigned empty = store->used_percent();
  CHECK(empty < 10);
  auto txn = store->write();
  REQUIRE(txn.has_value());
  REQUIRE(txn->put(Table::results, "key", std::string(std::size_t{512} << 10, 'x')).has_value());
  REQUIRE(txn->commit().has_value());
  REQUIRE(store->write().has_value());
  CHECK(store->used_percent() >= empty + 50);
  CHECK(store->used_bytes() >= std::size_t{512} << 10);
}

TEST_CASE("a full map is an error and loses nothing") {
  const TempDir dir;
  StoreOptions options = clawshield_options(dir);
  options.map_size_bytes = std::size_t{1} << 20;
  make_store(options);
  const auto store = test::open_store(options);
  {
    auto txn = store->write();
    REQUIRE(txn.has_value());
    CHECK_FALSE(txn->put(Table::results, "key", std::string(std::size_t{2} << 20, 'x')).has_value());
    CHECK_FALSE(txn->commit().has_value());
  }
  CHECK(store->read()->get(Table::nonces, "key").value() == "value");
  auto again = store->write();
  REQUIRE(again.has_value());
  CHECK(again->put(Table::nonces, "more", "value").has_value());
  CHECK(again->commit().has_value());
}

TEST_CASE("a store that outgrew its setting opens with the size it has") {
  const TempDir dir;
  StoreOptions options = clawshield_options(dir);
  options.map_size_bytes = std::size_t{8} << 20;
  {
    const auto store = test::open_store(options);
    auto txn = store->write();
    REQUIRE(txn.has_value());
    REQUIRE(txn->put(Table::results, "key", std::string(std::size_t{4} << 20, 'x')).has_value());
    REQUIRE(txn->commit().has_value());
  }
  options.map_size_bytes = std::size_t{1} << 20;
  const auto store = test::open_store(options);
  CHECK(store->map_size_bytes() >= std::size_t{4} << 20);
  CHECK(store->used_percent() >= 90);
}

// What a child process comes to that runs `work`.
template <typename Work>
int exit_code_of(Work work) {
  const pid_t child = fork();
  if (child == 0) {
    _exit(work());
  }
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  REQUIRE(WIFEXITED(status));
  return WEXITSTATUS(status);
}

TEST_CASE("a reader that died without a word does not make the file grow for ever") {
  const TempDir dir;
  const auto store = test::open_store(test::store_options(test::demo_policy(), dir));
  const auto commit = [&](int count) {
    for (int i = 0; i < count; ++i) {
      auto txn = store->write();
      REQUIRE(txn.has_value());
      REQUIRE(txn->put(Table::results, "key", std::string(64 * 1024, static_cast<char>('a' + i % 26))).has_value());
      REQUIRE(txn->commit().has_value());
    }
  };
  commit(10);
  CHECK(exit_code_of([&] {
          const auto other = Store::open_to_read(dir.path().string());
          const auto txn = other ? (*other)->read() : std::unexpected(StoreError{});
          if (!txn) {
            return 1;
          }
          _exit(0);  // with the transaction open
        }) == 0);
  store->drop_dead_readers();
  const std::size_t before = store->used_bytes();
  commit(100);
  CHECK(store->used_bytes() < before + std::size_t{1024} * 1024);
}

TEST_CASE("a copy that only may be read is read, also by a user who can write nothing there") {
  if (geteuid() != 0) {
    WARN("only root can act as somebody else");
    return;
  }
  const TempDir dir;
  const TempDir copy;
  const auto store = test::open_store(test::store_options(test::demo_policy(), dir));
  test::copy_store(*store, copy.path());
  std::filesystem::permissions(copy.path(), std::filesystem::perms(0555));
  std::filesystem::permissions(copy.path() / "data.mdb", std::filesystem::perms(0444));
  const auto can_read = [&] {
    return exit_code_of([&] {
      return setgid(65534) == 0 && setuid(65534) == 0 && Store::open_to_read(copy.path().string()).has_value() ? 0 : 1;
    });
  };
  CHECK(can_read() == 0);
  // Where somebody may have it open there is a lock file, and without a place in it nothing is read.
  std::ofstream(copy.path() / "lock.mdb") << "";
  std::filesystem::permissions(copy.path() / "lock.mdb", std::filesystem::perms(0400));
  CHECK(can_read() == 1);
}

TEST_CASE("a name, tenant or epoch that nobody wrote is damage") {
  for (const auto& [key, value] : std::vector<std::pair<std::string, std::string>>{
           {"epoch", std::string(8, '\xff')},
           {"epoch", std::string(8, '\0')},
           {"epoch", to_big_endian(std::uint64_t{2})},  // and the key is of the first
           {"origin", "a b"},
           {"tenant_id", "acme"}}) {
    const TempDir dir;
    {
      const auto store = test::open_store(test::store_options(test::demo_policy(), dir));
      auto txn = store->write();
      REQUIRE(txn.has_value());
      REQUIRE(txn->put(Table::meta, key, value).has_value());
      REQUIRE(put_log_key(*txn, to_vkey(test::log_signer().key())).has_value());
      REQUIRE(txn->commit().has_value());
    }
    const auto opened = Store::open_to_change(dir.path().string());
    REQUIRE_FALSE(opened.has_value());
    CHECK(opened.error().find("is damaged") != std::string::npos);
  }
}

}  // namespace
}  // namespace openexec
