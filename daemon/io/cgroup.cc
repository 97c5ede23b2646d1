// SPDX-License-Identifier: Apache-2.0
#include "daemon/io/cgroup.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <string_view>
#include <system_error>
#include <thread>

#include "daemon/io/mounts.h"
#include "daemon/io/system_error.h"
#include "daemon/io/unique_fd.h"
#include "daemon/launch/plan.h"
#include "proto-json/limits.h"

namespace openexec {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view own_group = "daemon";
constexpr mode_t group_mode = 0755;

// Of the cgroup v2 tree.
std::optional<Mount> mount_of_tree(const std::string& file) {
  const auto mounts = read_mounts(file);
  if (!mounts.has_value()) {
    return std::nullopt;
  }
  const auto found = std::ranges::find(*mounts, "cgroup2", &Mount::type);
  return found != mounts->end() ? std::optional(*found) : std::nullopt;
}

// Our place in the v2 tree: "0::/PATH".
std::optional<std::string> group_path(const std::string& membership) {
  std::ifstream file(membership);
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("0::/")) {
      return line.substr(3);
    }
  }
  return std::nullopt;
}

bool is_marked_as_delegated(const std::string& path) {
  for (const char* name : {"user.delegate", "trusted.delegate"}) {
    std::array<char, 2> value{};
    if (getxattr(path.c_str(), name, value.data(), value.size()) == 1 && value[0] == '1') {
      return true;
    }
  }
  return false;
}

bool write_text(const std::string& path, std::string_view text) {
  const UniqueFd fd(open(path.c_str(), O_WRONLY | O_CLOEXEC));
  return fd && write(fd.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
}

std::unexpected<std::string> cannot(std::string_view what, const std::string& path) {
  return std::unexpected(fmt::format("cannot {} {}: {}", what, path, system_message(errno)));
}

// A group goes once its processes have: they are killed, which takes a moment.
bool remove_group(const std::string& path) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(limits::run_cleanup_ms_max);
  static_cast<void>(write_text(path + "/cgroup.kill", "1"));
  while (rmdir(path.c_str()) != 0) {
    if (errno != EBUSY || std::chrono::steady_clock::now() >= deadline) {
      return false;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(limits::run_reap_poll_ms));
  }
  return true;
}

std::expected<void, std::string> remove_old_runs(const std::string& path) {
  std::error_code error;
  for (fs::directory_iterator entry(path, error), end; !error && entry != end; entry.increment(error)) {
    const std::string name = entry->path().filename();
    if (name.starts_with(launch::cgroup_prefix) && !remove_group(entry->path())) {
      return cannot("remove what an earlier daemon's run left in", entry->path());
    }
  }
  if (error) {
    return std::unexpected(fmt::format("cannot list {}: {}", path, error.message()));
  }
  return {};
}

}  // namespace

std::optional<DelegatedCgroup> find_delegated_cgroup(const CgroupFiles& files) {
  const auto mount = mount_of_tree(files.mounts);
  const auto group = group_path(files.membership);
  if (!mount.has_value() || !group.has_value()) {
    return std::nullopt;
  }
  std::string below = *group;
  if (mount->root != "/") {  // only a part of the tree is mounted: ours must be below it
    if (below != mount->root && !below.starts_with(mount->root + "/")) {
      return std::nullopt;
    }
    below.erase(0, mount->root.size());
  }
  DelegatedCgroup out{.path = mount->path + (below == "/" ? "" : below)};
  // Without the tree's own root: nobody could have delegated that.
  if (*group == "/" || !is_marked_as_delegated(out.path) || access(out.path.c_str(), W_OK) != 0 ||
      access((out.path + "/cgroup.procs").c_str(), W_OK) != 0) {
    return std::nullopt;
  }
  std::ifstream controllers(out.path + "/cgroup.controllers");
  for (std::string name; controllers >> name;) {
    out.memory = out.memory || name == "memory";
    out.pids = out.pids || name == "pids";
  }
  return out;
}

std::expected<void, std::string> enter_delegated_cgroup(const DelegatedCgroup& cgroup) {
  const std::string own = fmt::format("{}/{}", cgroup.path, own_group);
  if (mkdir(own.c_str(), group_mode) != 0 && errno != EEXIST) {
    return cannot("make the cgroup", own);
  }
  if (!write_text(own + "/cgroup.procs", std::to_string(getpid()))) {
    return cannot("move the daemon into the cgroup", own);
  }
  for (const auto& [is_there, name] : {std::pair{cgroup.memory, "+memory"}, std::pair{cgroup.pids, "+pids"}}) {
    if (is_there && !write_text(cgroup.path + "/cgroup.subtree_control", name)) {
      return cannot(fmt::format("hand down {} in the cgroup", name), cgroup.path);
    }
  }
  return remove_old_runs(cgroup.path);
}

}  // namespace openexec
