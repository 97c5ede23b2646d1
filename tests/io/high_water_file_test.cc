// SPDX-License-Identifier: Apache-2.0
#include "daemon/io/high_water_file.h"

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "proto-json/crypto.h"
#include "tests/support/catch.h"
#include "tests/support/temp_dir.h"

namespace openexec {
namespace {

std::string path_in(const test::TempDir& dir) { return (dir.path() / "store.high-water").string(); }

Checkpoint log_of(std::uint64_t size) { return {"vm1/openexec", size, sha256(std::string_view(std::to_string(size)))}; }

TEST_CASE("the mark stands beside the store's folder, not in it") {
  CHECK(HighWaterFile::path_beside("/var/lib/openexec/store") == "/var/lib/openexec/store.high-water");
  CHECK(HighWaterFile::path_beside("/var/lib/openexec/store//") == "/var/lib/openexec/store.high-water");
}

TEST_CASE("a new file holds no mark, is its owner's alone, and then holds the last one that was written") {
  const test::TempDir dir;
  const auto file = HighWaterFile::open(path_in(dir));
  REQUIRE(file.has_value());
  struct stat status{};
  REQUIRE(stat(path_in(dir).c_str(), &status) == 0);
  CHECK((status.st_mode & 0777U) == 0600);
  CHECK_FALSE(file->read().value().has_value());
  for (const std::uint64_t size : {0U, 9U, 10U, 1'000'000U}) {
    REQUIRE(file->write(log_of(size)).has_value());
    CHECK(file->read().value() == log_of(size));
    CHECK(HighWaterFile::open(path_in(dir))->read().value() == log_of(size));
  }
}

TEST_CASE("a log with a shorter name leaves nothing of the longer one behind") {
  const test::TempDir dir;
  const auto file = HighWaterFile::open(path_in(dir));
  REQUIRE(file.has_value());
  REQUIRE(file->write(log_of(5)).has_value());
  const Checkpoint other{"v", 6, {}};
  REQUIRE(file->write(other).has_value());
  CHECK(file->read().value() == other);
}

TEST_CASE("a damaged mark is an error, and not a missing one") {
  const test::TempDir dir;
  std::ofstream(path_in(dir)) << "something else\n";
  std::filesystem::permissions(path_in(dir), std::filesystem::perms(0600));
  const auto file = HighWaterFile::open(path_in(dir));
  REQUIRE(file.has_value());
  const auto mark = file->read();
  REQUIRE_FALSE(mark.has_value());
  CHECK(mark.error().find("is damaged") != std::string::npos);
}

TEST_CASE("a link, a folder and a file that others may write are refused") {
  const test::TempDir dir;
  SECTION("a link") {
    std::ofstream((dir.path() / "target").string()) << "";
    std::filesystem::create_symlink(dir.path() / "target", path_in(dir));
  }
  SECTION("a folder") { std::filesystem::create_directory(path_in(dir)); }
  SECTION("writable by others") {
    std::ofstream(path_in(dir)) << "";
    std::filesystem::permissions(path_in(dir), std::filesystem::perms(0622));
  }
  CHECK_FALSE(HighWaterFile::open(path_in(dir)).has_value());
}

TEST_CASE("a folder that is not there is named, with the setting that chooses another") {
  const auto file = HighWaterFile::open("/nonexistent/store.high-water");
  REQUIRE_FALSE(file.has_value());
  CHECK(file.error().find("/nonexistent/store.high-water") != std::string::npos);
  CHECK(file.error().find("[store] high_water") != std::string::npos);
}

}  // namespace
}  // namespace openexec
