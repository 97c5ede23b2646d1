// SPDX-License-Identifier: Apache-2.0
#include "daemon/paths.h"

#include <algorithm>
#include <deque>
#include <system_error>

#include "proto-json/limits.h"

namespace openexec {

namespace fs = std::filesystem;

fs::path resolved(const fs::path& path) {
  std::error_code error;
  fs::path out = fs::weakly_canonical(path, error);
  if (error || !out.is_absolute()) {  // where nothing of it is there a relative one stays as it is
    out = fs::absolute(out.empty() ? path : out, error).lexically_normal();
  }
  return out.has_filename() ? out : out.parent_path();
}

bool lies_in(const fs::path& path, const fs::path& folder) {
  const fs::path inner = resolved(path);
  const fs::path outer = resolved(folder);
  return std::mismatch(outer.begin(), outer.end(), inner.begin(), inner.end()).first == outer.end();
}

std::optional<FollowedPath> followed(const fs::path& path) {
  std::error_code error;
  const fs::path whole = fs::absolute(path, error);
  std::deque<fs::path> parts(whole.begin(), whole.end());
  FollowedPath out;
  while (!parts.empty()) {
    const fs::path part = parts.front();
    parts.pop_front();
    if (part.empty() || part == ".") {
      continue;
    }
    if (part == "..") {
      out.end = out.end.parent_path();  // of the root: itself
      continue;
    }
    fs::path next = out.end / part;  // the root, where the part is
    const fs::path target = fs::read_symlink(next, error);
    if (error) {  // no link
      out.end = std::move(next);
      continue;
    }
    out.links.push_back(std::move(next));
    if (out.links.size() > limits::path_links_max) {
      return std::nullopt;
    }
    parts.insert(parts.begin(), target.begin(), target.end());
  }
  return out;
}

}  // namespace openexec
