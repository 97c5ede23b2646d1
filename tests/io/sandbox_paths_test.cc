// SPDX-License-Identifier: Apache-2.0
#include "daemon/actions/sandbox_paths.h"

#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "daemon/paths.h"
#include "proto-json/limits.h"
#include "tests/support/catch.h"
#include "tests/support/temp_dir.h"

namespace openexec {
namespace {

namespace fs = std::filesystem;

// state/store is unreadable, bin/tool and etc are unwritable; out is nobody's.
struct Tree {
  Tree() {
    for (const char* folder : {"state/store", "bin", "etc", "out/deep"}) {
      fs::create_directories(dir / folder);
    }
    std::ofstream(dir / "bin/tool") << "x";
    std::ofstream(dir / "state/store/data.mdb") << "x";
    guarded.unreadable = {{dir / "state/store", "the store"}, {dir / "state/mark", "the high-water file"}};
    guarded.unwritable = {{dir / "bin/tool", "the executable of x"}, {dir / "etc", "the configuration"}};
  }

  [[nodiscard]] PathGuard guard() const {
    auto out = PathGuard::of(guarded);
    REQUIRE(out.has_value());
    return *std::move(out);
  }
  void allowed(const std::string& name, PathUse use) const {
    const auto found = guard().sandbox_path(dir / name, use);
    INFO((found.has_value() ? std::string() : found.error()));
    REQUIRE(found.has_value());
    CHECK(*found == fs::canonical(dir / name).string());
  }
  void refused(const std::string& path, PathUse use, const std::vector<std::string>& parts) const {
    const auto found = guard().sandbox_path(path, use);
    INFO(path);
    REQUIRE_FALSE(found.has_value());
    INFO(found.error());
    for (const std::string& part : parts) {
      CHECK(found.error().find(part) != std::string::npos);
    }
  }
  void refused_both(const std::string& name, const std::vector<std::string>& parts) const {
    refused(dir / name, PathUse::read, parts);
    refused(dir / name, PathUse::write, parts);
  }

  test::TempDir dir;
  GuardedPaths guarded;
};

TEST_CASE("a command may be given what holds nothing of the daemon's, without the links on the way") {
  const Tree tree;
  tree.allowed("out", PathUse::read);
  tree.allowed("out", PathUse::write);
  tree.allowed("out/deep/../../out", PathUse::write);
  tree.allowed("bin", PathUse::read);
  tree.allowed("bin/tool", PathUse::read);
  tree.allowed("etc", PathUse::read);
  fs::create_directory_symlink(tree.dir / "out", tree.dir / "link");
  tree.allowed("link", PathUse::write);
  tree.allowed("link/deep", PathUse::write);
}

TEST_CASE("what is, lies in or contains what no command may read is refused, to read and to write") {
  const Tree tree;
  tree.refused_both("state/store", {"lies in the store"});
  tree.refused_both("state/store/data.mdb", {"lies in the store"});
  tree.refused_both("state", {"contains the store"});
  tree.refused_both("", {"contains the store"});
  tree.refused_both("out/../state", {"contains the store"});
  tree.refused("/", PathUse::read, {"\"/\" contains the store", "which no command may read"});
  tree.refused("/tmp", PathUse::write, {"contains the store", "which no command may write"});
  fs::create_directory_symlink(tree.dir / "state", tree.dir / "out/link");
  tree.refused_both("out/link", {"contains the store"});
  tree.refused_both("out/link/store", {"lies in the store"});
}

TEST_CASE("what is guarded but not there yet is guarded all the same") {
  Tree tree;
  tree.guarded.unreadable = {{tree.dir / "state/mark", "the high-water file"}};
  tree.refused_both("state", {"contains the high-water file"});
  std::ofstream(tree.dir / "state/mark") << "x";
  tree.refused_both("state/mark", {"lies in the high-water file"});
  tree.allowed("state/store", PathUse::write);  // stands beside it
}

TEST_CASE("a folder in which others have folders of their own is refused, and what lies in it is not") {
  Tree tree;
  tree.guarded.unreadable = {{.path = tree.dir / "out", .what = "other runs' temporary folders", .and_below = false}};
  tree.refused_both("out", {"contains other runs' temporary folders"});
  tree.refused_both("", {"contains other runs' temporary folders"});
  tree.allowed("out/deep", PathUse::write);
}

TEST_CASE("what decides over what runs is refused to write, and may be read") {
  const Tree tree;
  for (const char* name : {"bin", "bin/tool", "etc"}) {
    tree.allowed(name, PathUse::read);
    tree.refused(tree.dir / name, PathUse::write, {"which no command may write"});
  }
}

TEST_CASE("a folder with a link on the way to what is guarded is refused to write: the link could be turned") {
  Tree tree;
  fs::create_directory_symlink(tree.dir / "bin", tree.dir / "out/tools");
  tree.guarded.unwritable = {{tree.dir / "out/tools/tool", "the executable of x"}};
  tree.refused(tree.dir / "out", PathUse::write, {"contains the executable of x"});
  tree.allowed("out", PathUse::read);
  tree.allowed("out/deep", PathUse::write);
  tree.refused(tree.dir / "bin", PathUse::write, {"contains the executable of x"});
}

TEST_CASE("each link of a chain that leads to what is guarded is guarded, wherever it is") {
  Tree tree;
  for (const char* folder : {"first", "middle/deep", "last"}) {
    fs::create_directories(tree.dir / folder);
  }
  fs::create_symlink(tree.dir / "bin/tool", tree.dir / "last/tool");
  fs::create_directory_symlink("../../last", tree.dir / "middle/deep/tools");
  fs::create_symlink("../middle/deep/tools/tool", tree.dir / "first/tool");
  tree.guarded.unwritable = {{tree.dir / "first/tool", "the executable of x"}};
  for (const char* folder : {"first", "middle", "middle/deep", "last", "bin", "bin/tool"}) {
    tree.refused(tree.dir / folder, PathUse::write, {"the executable of x"});
  }
  tree.allowed("out", PathUse::write);
}

TEST_CASE("what is guarded by a path that leads in a circle is refused as it stands") {
  const Tree tree;
  fs::create_symlink(tree.dir / "b", tree.dir / "a");
  fs::create_symlink(tree.dir / "a", tree.dir / "b");
  const auto guard = PathGuard::of({.unreadable = {}, .unwritable = {{tree.dir / "a/tool", "the executable of x"}}});
  REQUIRE_FALSE(guard.has_value());
  CHECK(guard.error().find("too many links") != std::string::npos);
  // As many as the kernel follows are followed.
  fs::path last = tree.dir / "bin";
  for (std::size_t i = 0; i < limits::path_links_max; ++i) {
    const fs::path link = tree.dir / ("link" + std::to_string(i));
    fs::create_directory_symlink(last, link);
    last = link;
  }
  CHECK(fs::exists(last / "tool"));
  REQUIRE(followed(last / "tool").has_value());
  CHECK(followed(last / "tool")->end == fs::canonical(tree.dir / "bin/tool"));
  fs::create_directory_symlink(last, tree.dir / "one-more");
  CHECK_FALSE(followed(tree.dir / "one-more/tool").has_value());
}

TEST_CASE("a path that leads to a name which no message could show is refused") {
  const Tree tree;
  const char* said[] = {"not-text", "two-lines"};
  const std::string names[] = {"\xff\xfe", "a\nb"};
  for (std::size_t i = 0; i < std::size(names); ++i) {
    fs::create_directory(tree.dir / names[i]);
    fs::create_directory_symlink(tree.dir / names[i], tree.dir / said[i]);
    tree.refused_both(said[i], {"leads to a name that cannot be shown"});
  }
}

enum class InChild { good, bad, cannot_mount };

// In a child with mounts of its own, where state is mounted at out/mirror as well.
InChild look_with_second_name(const Tree& tree) {
  if (unshare(geteuid() == 0 ? CLONE_NEWNS : CLONE_NEWNS | CLONE_NEWUSER) != 0 ||
      mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
      mount((tree.dir / "state").c_str(), (tree.dir / "out/mirror").c_str(), nullptr, MS_BIND, nullptr) != 0) {
    return InChild::cannot_mount;
  }
  const auto guard = PathGuard::of(tree.guarded);
  if (!guard.has_value()) {
    return InChild::bad;
  }
  const auto says = [&](const char* name, std::string_view part) {
    const auto found = guard->sandbox_path(tree.dir / name, PathUse::read);
    return !found.has_value() && found.error().find(part) != std::string::npos;
  };
  const bool is_good = says("out/mirror", "contains the store") && says("out/mirror/store", "lies in the store") &&
                       says("out/mirror/store/data.mdb", "lies in the store") && says("out", "contains the store") &&
                       guard->sandbox_path(tree.dir / "out/deep", PathUse::read).has_value();
  return is_good ? InChild::good : InChild::bad;
}

TEST_CASE("a second name that a mount gives to what is guarded is refused as the first is") {
  const Tree tree;
  fs::create_directory(tree.dir / "out/mirror");
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    _exit(static_cast<int>(look_with_second_name(tree)));
  }
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  REQUIRE(WIFEXITED(status));
  if (WEXITSTATUS(status) == static_cast<int>(InChild::cannot_mount)) {
    CHECK(std::getenv("CI") == nullptr);  // where nothing may be missing
    WARN("skipped: no mounts of its own for this process");
    return;
  }
  CHECK(WEXITSTATUS(status) == static_cast<int>(InChild::good));
}

TEST_CASE("what is not there, and what is another thing for each process, is refused") {
  const Tree tree;
  tree.refused_both("none", {"No such file"});
  tree.refused_both("bin/tool/none", {"Not a directory"});
  fs::create_symlink(tree.dir / "none", tree.dir / "dangling");
  tree.refused_both("dangling", {"No such file"});
  for (const char* path :
       {"/proc/self", "/proc/self/root/usr/../proc/self", "/dev/fd", "/proc/thread-self", "/proc/1"}) {
    if (fs::exists(path)) {
      tree.refused(path, PathUse::read, {"is of one process"});
    }
  }
}

TEST_CASE("a path lies in a folder when it is the folder or below it, after every link") {
  const Tree tree;
  CHECK(lies_in("/a/b", "/a"));
  CHECK(lies_in("/a", "/a/"));
  CHECK(lies_in("/a/./b/../c", "/a/c"));
  CHECK(lies_in("/a", "/"));
  CHECK_FALSE(lies_in("/ab", "/a"));
  CHECK_FALSE(lies_in("/a", "/a/b"));
  CHECK_FALSE(lies_in("/a/../b", "/a"));
  fs::create_directory_symlink(tree.dir / "out", tree.dir / "link");
  CHECK(lies_in(tree.dir / "link/new/file", tree.dir / "out"));
  CHECK(resolved("relative").is_absolute());
}

}  // namespace
}  // namespace openexec
