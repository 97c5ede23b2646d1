// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <expected>
#include <string>
#include <vector>

namespace openexec {

struct Mount {
  std::string root;  // what part of its file system is mounted
  std::string path;  // where
  std::string type;  // "ext4", "cgroup2"
};

inline constexpr const char* own_mounts = "/proc/self/mountinfo";

// In the order in which they were made. The error names the file.
std::expected<std::vector<Mount>, std::string> read_mounts(const std::string& file = own_mounts);

}  // namespace openexec
