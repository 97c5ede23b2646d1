// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <expected>
#include <string>

namespace openexec {

enum class MakeDir {
  last,  // only the folder itself: its parent must be there
  all,   // and every folder above it that is missing
};

// Makes the folder, 0700, when it is missing. Refuses one that is of another owner or that others may write. Errors are
// one line that says what to change.
std::expected<void, std::string> ensure_private_dir(const std::string& path, MakeDir make);

// The part before the last '/': "." when there is none.
std::string parent_dir(const std::string& path);

}  // namespace openexec
