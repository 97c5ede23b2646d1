// SPDX-License-Identifier: Apache-2.0
#include "daemon/launch/run_cgroup.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <utility>

namespace openexec::launch {
namespace {

constexpr mode_t private_mode = 0700;

}  // namespace

std::expected<RunCgroup, std::string> RunCgroup::make(const Plan& plan) {
  RunCgroup out;
  if (plan.cgroup.empty()) {
    if (plan.processes_max != 0) {
      return std::unexpected("cannot bound the number of processes: there is no cgroup to do it");
    }
    return out;
  }
  std::string path = plan.cgroup + "/" + std::string(cgroup_prefix) + std::to_string(getpid());
  // One of that name is an earlier run's, whose launcher was killed; its bounds are not ours.
  static_cast<void>(rmdir(path.c_str()));
  if (mkdir(path.c_str(), private_mode) != 0) {
    return failure("cannot make the cgroup " + path);
  }
  out.path_ = std::move(path);
  out.folder_ = UniqueFd(open(out.path_.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!out.folder_) {
    return failure("cannot open the cgroup " + out.path_);
  }
  if (Done done = out.bound(plan); !done.has_value()) {
    return std::unexpected(done.error());
  }
  return out;
}

Done RunCgroup::bound(const Plan& plan) {
  if (plan.processes_max != 0) {
    if (Done done = write("pids.max", std::to_string(plan.processes_max)); !done.has_value()) {
      return done;
    }
  }
  // Without that controller each process is bounded by itself.
  if (plan.memory_bytes_max != 0 && faccessat(folder_.get(), "memory.max", F_OK, 0) == 0) {
    if (Done done = write("memory.max", std::to_string(plan.memory_bytes_max)); !done.has_value()) {
      return done;
    }
    // Not there without swap. All processes of a run go together: one that lost half of them would do half of its work.
    static_cast<void>(write("memory.swap.max", "0"));
    static_cast<void>(write("memory.oom.group", "1"));
    bounds_memory_ = true;
  }
  return {};
}

Done RunCgroup::write(const char* file, std::string_view text) const {
  const UniqueFd fd(openat(folder_.get(), file, O_WRONLY | O_CLOEXEC));
  if (!fd || ::write(fd.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
    return failure("cannot write " + path_ + "/" + file);
  }
  return {};
}

Done RunCgroup::join() const { return path_.empty() ? Done() : write("cgroup.procs", "0"); }

void RunCgroup::kill() const {
  if (!path_.empty()) {
    static_cast<void>(write("cgroup.kill", "1"));  // Linux 5.14; the run's process group is killed as well
  }
}

bool RunCgroup::remove() {
  if (path_.empty() || rmdir(path_.c_str()) == 0 || errno == ENOENT) {
    path_.clear();
    return true;
  }
  return false;
}

}  // namespace openexec::launch
