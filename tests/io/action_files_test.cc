// SPDX-License-Identifier: Apache-2.0
#include "daemon/actions/action_files.h"

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "proto-json/limits.h"
#include "tests/support/catch.h"
#include "tests/support/temp_dir.h"

namespace openexec {
namespace {

namespace fs = std::filesystem;

constexpr uid_t somebody = 12345;

std::string definition(const std::string& name) {
  return "name = \"" + name + "\"\ndescription = \"X\"\nargv = [\"/bin/x\"]\n";
}

// A folder of definitions.
struct Folder {
  Folder() { REQUIRE(mkdir(path.c_str(), 0755) == 0); }

  std::string write(const std::string& name, const std::string& text, mode_t mode = 0644) const {
    const std::string file = fs::path(path) / name;
    std::ofstream(file, std::ios::binary) << text;
    REQUIRE(chmod(file.c_str(), mode) == 0);
    return file;
  }
  // One line that holds each of these.
  void refused(const std::vector<std::string>& parts) const {
    const auto read = read_action_files(path);
    REQUIRE_FALSE(read.has_value());
    INFO(read.error());
    CHECK(read.error().find('\n') == std::string::npos);
    for (const std::string& part : parts) {
      INFO("lacks: " << part);
      CHECK(read.error().find(part) != std::string::npos);
    }
  }

  test::TempDir dir;
  std::string path = dir / "actions.d";
};

TEST_CASE("every *.toml of the folder is read, in the order of their names") {
  const Folder folder;
  CHECK(read_action_files(folder.path)->files.empty());
  folder.write("b.toml", definition("second"), 0400);
  folder.write("a.toml", definition("first"), 0600);
  const auto read = read_action_files(folder.path);
  REQUIRE(read.has_value());
  REQUIRE(read->files.size() == 2);
  CHECK(read->files[0].name == "first");
  CHECK(read->files[1].path == folder.path + "/b.toml");
  CHECK(read->warnings.empty());
}

TEST_CASE("what is no *.toml is left out, and named in a warning") {
  const Folder folder;
  folder.write("a.toml", definition("a"));
  folder.write("README", "no definition");
  folder.write("a.toml~", "no definition");
  folder.write(".a.toml.swp", "no definition");
  folder.write(".hidden.toml", "no definition");
  folder.write("new\nline", "no definition", 0666);
  fs::create_directory(folder.dir / "actions.d/sub");
  const auto read = read_action_files(folder.path);
  REQUIRE(read.has_value());
  CHECK(read->files.size() == 1);
  REQUIRE(read->warnings.size() == 1);
  CHECK(read->warnings[0].find("README") != std::string::npos);
  CHECK(read->warnings[0].ends_with("and 3 more"));
  CHECK(read->warnings[0].find('\n') == std::string::npos);
}

TEST_CASE("a folder of definitions that others may write, of another owner, or that is none, is refused") {
  const Folder folder;
  for (const mode_t open_mode : {0775U, 0757U, 01777U}) {
    REQUIRE(chmod(folder.path.c_str(), open_mode) == 0);
    folder.refused({folder.path, "chmod go-w"});
  }
  REQUIRE(chmod(folder.path.c_str(), 0755) == 0);
  if (geteuid() == 0) {  // only root can give a folder away
    const std::string link = folder.dir / "link";
    fs::create_directory_symlink(folder.path, link);
    CHECK(read_action_files(link).has_value());
    REQUIRE(lchown(link.c_str(), somebody, somebody) == 0);
    CHECK_FALSE(read_action_files(link).has_value());
    REQUIRE(chown(folder.path.c_str(), somebody, somebody) == 0);
    folder.refused({folder.path, "uid 12345"});
  }
  std::ofstream(folder.dir / "file") << "x";
  CHECK(read_action_files(folder.dir / "file").error().find("no folder") != std::string::npos);
  CHECK(read_action_files(folder.dir / "none").error().find("No such file") != std::string::npos);
}

TEST_CASE("a file that others may write, of another owner, or that is none, is refused") {
  const Folder folder;
  for (const mode_t open_mode : {0664U, 0646U, 0666U}) {
    folder.write("a.toml", definition("a"), open_mode);
    folder.refused({"/a.toml: ", "chmod go-w"});
  }
  if (geteuid() == 0) {
    const std::string file = folder.write("a.toml", definition("a"));
    REQUIRE(chown(file.c_str(), somebody, somebody) == 0);
    folder.refused({"/a.toml: ", "uid 12345"});
  }
  fs::remove(folder.dir / "actions.d/a.toml");
  SECTION("a folder") {
    fs::create_directory(folder.dir / "actions.d/a.toml");
    folder.refused({"/a.toml: ", "no regular file"});
  }
  SECTION("a FIFO, which would hold up the start") {
    REQUIRE(mkfifo((folder.dir / "actions.d/a.toml").c_str(), 0600) == 0);
    folder.refused({"/a.toml: ", "no regular file"});
  }
  SECTION("one that is too large") {
    folder.write("a.toml", definition("a") + "#" + std::string(limits::action_file_bytes_max, 'x'));
    folder.refused({"/a.toml: ", std::to_string(limits::action_file_bytes_max)});
  }
  SECTION("one of which a message could not tell the name") {
    folder.write("a\nb.toml", definition("a"));
    folder.refused({"rename it"});
  }
  SECTION("one whose name is no UTF-8") {
    folder.write("\xff.toml", definition("a"));
    folder.refused({"rename it"});
  }
  SECTION("one that is not as it must be") {
    folder.write("a.toml", "name = 1");
    folder.refused({folder.path + "/a.toml:1: name: "});
  }
}

TEST_CASE("a link is followed, and what it leads to is judged") {
  const Folder folder;
  const std::string target = folder.dir / "target";
  std::ofstream(target) << definition("a");
  REQUIRE(chmod(target.c_str(), 0644) == 0);
  fs::create_symlink(target, folder.dir / "actions.d/a.toml");
  CHECK(read_action_files(folder.path)->files.at(0).name == "a");
  REQUIRE(chmod(target.c_str(), 0666) == 0);
  folder.refused({"/a.toml: ", "chmod go-w"});
  fs::remove(target);
  folder.refused({"/a.toml: ", "No such file"});
}

TEST_CASE("as many files are read as the bound says, and not one more") {
  const Folder folder;
  for (std::size_t i = 0; i < limits::action_files_max; ++i) {
    folder.write(std::to_string(i) + ".toml", definition("a" + std::to_string(i)));
  }
  CHECK(read_action_files(folder.path)->files.size() == limits::action_files_max);
  folder.write("one-more.toml", definition("one-more"));
  folder.refused({folder.path, "257", "256 are the most"});
}

}  // namespace
}  // namespace openexec
