// SPDX-License-Identifier: Apache-2.0
#include "daemon/io/private_dir.h"

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "tests/support/catch.h"
#include "tests/support/temp_dir.h"

namespace openexec {
namespace {

TEST_CASE("a folder is made 0700, with what is above it only where that was asked for") {
  const test::TempDir dir;
  const std::string deep = dir / "a/b/c";
  CHECK_FALSE(ensure_private_dir(deep, MakeDir::last).has_value());
  CHECK_FALSE(std::filesystem::exists(dir / "a"));
  REQUIRE(ensure_private_dir(deep, MakeDir::all).has_value());
  struct stat status{};
  for (const char* made : {"a", "a/b", "a/b/c"}) {
    REQUIRE(stat((dir / made).c_str(), &status) == 0);
    CHECK((status.st_mode & 07777) == 0700);
  }
  CHECK(ensure_private_dir(deep, MakeDir::last).has_value());  // again
}

TEST_CASE("a folder that others may write, of another owner, or that is none, is refused") {
  const test::TempDir dir;
  const std::string path = dir / "folder";
  REQUIRE(ensure_private_dir(path, MakeDir::last).has_value());
  REQUIRE(chmod(path.c_str(), 0755) == 0);
  CHECK(ensure_private_dir(path, MakeDir::last).has_value());
  for (const mode_t open_mode : {0720U, 0702U, 01777U}) {
    REQUIRE(chmod(path.c_str(), open_mode) == 0);
    const auto refused = ensure_private_dir(path, MakeDir::last);
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().find("others may write") != std::string::npos);
  }
  if (geteuid() == 0) {  // only root can give a folder away
    REQUIRE(chmod(path.c_str(), 0700) == 0);
    REQUIRE(chown(path.c_str(), 12345, 12345) == 0);
    const auto refused = ensure_private_dir(path, MakeDir::last);
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().find("12345") != std::string::npos);
    const std::string link = dir / "link";
    std::filesystem::create_directory_symlink(dir.path(), link);
    REQUIRE(lchown(link.c_str(), 12345, 12345) == 0);
    CHECK_FALSE(ensure_private_dir(link, MakeDir::last).has_value());
  }
  std::ofstream(dir / "file") << "x";
  CHECK_FALSE(ensure_private_dir(dir / "file", MakeDir::last).has_value());
}

TEST_CASE("the folder of a path is what stands before its last slash") {
  CHECK(parent_dir("/a/b") == "/a");
  CHECK(parent_dir("/a") == "/");
  CHECK(parent_dir("a") == ".");
  CHECK(parent_dir("a/b") == "a");
}

}  // namespace
}  // namespace openexec
