// SPDX-License-Identifier: Apache-2.0
#include "daemon/io/cgroup.h"

#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "tests/io/launched.h"
#include "tests/support/catch.h"
#include "tests/support/process.h"
#include "tests/support/temp_dir.h"

namespace openexec::test {
namespace {

namespace fs = std::filesystem;

void write_text(const fs::path& path, const std::string& text) {
  std::ofstream file(path, std::ios::binary);
  file << text;
}

std::string text_of(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

bool mark_as_delegated(const fs::path& path, const std::string& value = "1") {
  return setxattr(path.c_str(), "user.delegate", value.data(), value.size(), 0) == 0;
}

// Files that look like a cgroup v2 tree in which a service manager gave us a group.
class FakeTree {
 public:
  FakeTree() {
    fs::create_directories(group() / "daemon");
    for (const char* file : {"cgroup.procs", "cgroup.subtree_control", "daemon/cgroup.procs"}) {
      write_text(group() / file, "");
    }
    write_text(group() / "cgroup.controllers", "cpuset cpu io memory hugetlb pids\n");
    write_text(dir_ / "membership", "9:name=systemd:/elsewhere\n0::/system.slice/a b.service\n");
    write_text(dir_ / "mounts",
               "22 27 0:21 / /proc rw,relatime - proc proc rw\n"
               "36 23 0:33 / /nowhere rw,relatime shared:4 - cgroup cgroup rw,pids\n"
               "41 31 0:38 / " +
                   (dir_ / "the\\040tree").string() + " rw,nosuid shared:5 master:1 - cgroup2 cgroup2 rw\n");
  }
  [[nodiscard]] fs::path group() const { return dir_ / "the tree/system.slice/a b.service"; }
  [[nodiscard]] fs::path path(std::string_view name) const { return dir_ / name; }
  [[nodiscard]] CgroupFiles files() const { return {path("membership"), path("mounts")}; }

 private:
  TempDir dir_;
};

bool has_attributes(const FakeTree& tree) {
  if (mark_as_delegated(tree.group())) {
    return true;
  }
  std::printf("skipped: the file system of /tmp has no user attributes\n");
  return false;
}

TEST_CASE("a group that was delegated to us is found, with what it can bound") {
  const FakeTree tree;
  if (!has_attributes(tree)) {
    return;
  }
  const auto found = find_delegated_cgroup(tree.files());
  REQUIRE(found.has_value());
  CHECK(found->path == tree.group());
  CHECK(found->memory);
  CHECK(found->pids);
  write_text(tree.group() / "cgroup.controllers", "cpu memory_other\n");
  CHECK_FALSE(find_delegated_cgroup(tree.files())->memory);
  CHECK_FALSE(find_delegated_cgroup(tree.files())->pids);
}

TEST_CASE("a group that nobody delegated to us is left alone") {
  const FakeTree tree;
  CHECK_FALSE(find_delegated_cgroup(tree.files()).has_value());
  if (!has_attributes(tree)) {
    return;
  }
  CHECK(find_delegated_cgroup(tree.files()).has_value());
  mark_as_delegated(tree.group(), "0");
  CHECK_FALSE(find_delegated_cgroup(tree.files()).has_value());
  mark_as_delegated(tree.group());
  write_text(tree.path("membership"), "0::/\n");  // the root of the tree
  CHECK_FALSE(find_delegated_cgroup(tree.files()).has_value());
  write_text(tree.path("membership"), "3:pids:/system.slice/a b.service\n");
  CHECK_FALSE(find_delegated_cgroup(tree.files()).has_value());
  CHECK_FALSE(find_delegated_cgroup({"/nowhere", "/nowhere"}).has_value());
}

TEST_CASE("where only a part of the tree is mounted our group is sought below it") {
  const FakeTree tree;
  if (!has_attributes(tree)) {
    return;
  }
  const std::string at = (tree.path("the\\040tree")).string() + "/system.slice rw - cgroup2 cgroup2 rw\n";
  write_text(tree.path("mounts"), "41 31 0:38 /system.slice " + at);
  CHECK(find_delegated_cgroup(tree.files()).has_value());
  write_text(tree.path("mounts"), "41 31 0:38 /system " + at);
  CHECK_FALSE(find_delegated_cgroup(tree.files()).has_value());
}

TEST_CASE("the daemon enters a group of its own, hands the controllers down, and removes old runs") {
  const FakeTree tree;
  fs::create_directory(tree.group() / "run-17");
  fs::create_directory(tree.group() / "other");
  const auto entered = enter_delegated_cgroup({.path = tree.group(), .memory = true, .pids = false});
  REQUIRE(entered.has_value());
  CHECK(text_of(tree.group() / "daemon/cgroup.procs") == std::to_string(getpid()));
  CHECK(text_of(tree.group() / "cgroup.subtree_control") == "+memory");
  CHECK_FALSE(fs::exists(tree.group() / "run-17"));
  CHECK(fs::exists(tree.group() / "other"));
}

TEST_CASE("a group that cannot be entered is an error that names it") {
  const FakeTree tree;
  fs::remove(tree.group() / "daemon/cgroup.procs");
  const auto entered = enter_delegated_cgroup({.path = tree.group()});
  REQUIRE_FALSE(entered.has_value());
  CHECK(entered.error().find(tree.group() / "daemon") != std::string::npos);
}

// A group in the real tree. This process comes back from wherever it was moved, and the group goes.
class RealGroup {
 public:
  RealGroup() {
    for (const char* tree : {"/sys/fs/cgroup", "/sys/fs/cgroup/unified"}) {
      const fs::path group = fs::path(tree) / ("openexec-test-" + std::to_string(getpid()));
      if (fs::exists(fs::path(tree) / "cgroup.controllers") && mkdir(group.c_str(), 0755) == 0) {
        tree_ = tree;
        group_ = group;
        std::ifstream membership("/proc/self/cgroup");
        for (std::string line; std::getline(membership, line);) {
          home_ = line.starts_with("0::") ? line.substr(3) : home_;
        }
        return;
      }
    }
  }
  RealGroup(const RealGroup&) = delete;
  RealGroup& operator=(const RealGroup&) = delete;
  ~RealGroup() {
    if (!group_.empty()) {
      write_text(tree_.string() + home_ + "/cgroup.procs", std::to_string(getpid()));
      rmdir((group_ / "daemon").c_str());
      rmdir(group_.c_str());
    }
  }
  [[nodiscard]] bool is_there() const {
    if (group_.empty() || !fs::exists(group_ / "cgroup.kill") || !mark_as_delegated(group_)) {
      std::printf("skipped: no cgroup v2 group can be made here, or none that can be killed\n");
      return false;
    }
    return true;
  }
  [[nodiscard]] const fs::path& path() const { return group_; }
  [[nodiscard]] CgroupFiles files(const TempDir& temp) const {
    write_text(temp / "membership", "0::/" + group_.filename().string() + "\n");
    return {temp / "membership", "/proc/self/mountinfo"};
  }

 private:
  fs::path tree_;
  fs::path group_;
  std::string home_;
};

TEST_CASE("what an earlier daemon's runs left in the real tree is killed") {
  const RealGroup group;
  if (!group.is_there()) {
    return;
  }
  const TempDir temp;
  const auto found = find_delegated_cgroup(group.files(temp));
  REQUIRE(found.has_value());
  CHECK(found->path == group.path());

  fs::create_directory(group.path() / "run-1");
  Process left({.argv = {"/usr/bin/sleep", "1000"}});
  write_text(group.path() / "run-1/cgroup.procs", std::to_string(left.pid()));
  REQUIRE(enter_delegated_cgroup(*found).has_value());
  CHECK(left.wait().signal == SIGKILL);
  CHECK_FALSE(fs::exists(group.path() / "run-1"));
  CHECK(text_of("/proc/self/cgroup").find(group.path().filename().string() + "/daemon\n") != std::string::npos);
}

TEST_CASE("a run has a group of its own in the real tree, for as long as it lasts") {
  const RealGroup group;
  if (!group.is_there()) {
    return;
  }
  const TempDir temp;
  const auto found = find_delegated_cgroup(group.files(temp));
  REQUIRE(found.has_value());
  REQUIRE(enter_delegated_cgroup(*found).has_value());
  launch::Plan plan = plan_of({"/usr/bin/cat", "/proc/self/cgroup"}, temp);
  plan.read.emplace_back("/proc");
  plan.cgroup = found->path;
  if (found->pids) {
    plan.processes_max = 4;
  }
  Launched run(plan);
  const std::string name = "run-" + std::to_string(run.pid());
  const auto report = run.report();
  REQUIRE(report.has_value());
  CHECK(report->not_started.empty());
  CHECK(run.out().find(group.path().filename().string() + "/" + name + "\n") != std::string::npos);
  CHECK(run.wait() == 0);
  CHECK_FALSE(fs::exists(group.path() / name));

  plan.processes_max = 1;
  plan.argv = {"/usr/bin/dash", "-c", "sleep 0 & wait; echo forked"};
  Launched bounded(plan);
  const auto bounds = bounded.report();
  REQUIRE(bounds.has_value());
  // Without the controller nothing runs: a bound that was asked for is kept.
  CHECK(bounds->not_started.empty() == found->pids);
  CHECK(bounded.out().find("forked\n") == std::string::npos);
}

}  // namespace
}  // namespace openexec::test
