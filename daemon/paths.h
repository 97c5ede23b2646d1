// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <optional>
#include <vector>

namespace openexec {

// Absolute, without links as far as they can be followed, and without a '/' that ends it. It need not be there.
std::filesystem::path resolved(const std::filesystem::path& path);
// Whether `path` is the folder or stands anywhere below it. Both are resolved first.
bool lies_in(const std::filesystem::path& path, const std::filesystem::path& folder);

// A path as the kernel follows it. Neither part has a link in it.
struct FollowedPath {
  std::vector<std::filesystem::path> links;  // each that was met on the way
  std::filesystem::path end;                 // what is not there stays as it is written
};
// Nothing: there are more links than the kernel follows.
std::optional<FollowedPath> followed(const std::filesystem::path& path);

}  // namespace openexec
