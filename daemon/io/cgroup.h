// SPDX-License-Identifier: Apache-2.0
// The part of the cgroup v2 tree that the service manager gave to this daemon (systemd: Delegate=), in which each run
// may have a group of its own.
//
// What is delegated is what carries the mark of it: an attribute `user.delegate` or `trusted.delegate` of "1" (systemd
// 251 and later; before, only the second, which root alone can read). Another group is never touched, even where we
// could write to it.
#pragma once

#include <expected>
#include <optional>
#include <string>

namespace openexec {

struct DelegatedCgroup {
  std::string path;     // its folder: a run makes its own in it, and processes of the daemon are in `path`/daemon
  bool memory = false;  // which controllers a run's group can have
  bool pids = false;
};

// Where the kernel says which group we are in, and where the tree is mounted. Tests have others.
struct CgroupFiles {
  std::string membership = "/proc/self/cgroup";
  std::string mounts = "/proc/self/mountinfo";
};

// Looks, and changes nothing. Nothing: no group is delegated to us, or we may not write to it.
std::optional<DelegatedCgroup> find_delegated_cgroup(const CgroupFiles& files = {});

// Once at start, before there are runs: moves this process into the group `daemon` below (a group with controllers for
// those below it has no processes itself), hands the controllers down, and kills and removes what runs of an earlier
// daemon left there. The error says what could not be done; runs can then have no groups.
std::expected<void, std::string> enter_delegated_cgroup(const DelegatedCgroup& cgroup);

}  // namespace openexec
