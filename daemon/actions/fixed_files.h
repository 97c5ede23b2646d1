// SPDX-License-Identifier: Apache-2.0
// Files that fixed arguments name: a script behind its interpreter decides over what runs as much as the executable.
#pragma once

#include <expected>
#include <string>
#include <vector>

#include "daemon/actions/action_file.h"
#include "daemon/actions/sandbox_paths.h"
#include "daemon/core/registry.h"

namespace openexec {

// Each fixed argument behind the executable that is the absolute path of a regular file must be one that nobody but
// root and this user may write. The error is one line that names file, line and key.
std::expected<void, std::string> check_fixed_files(const ActionFile& file);

// The same files, as what a sandbox should not be given to write: `what` says whose argument it is.
std::vector<GuardedPath> fixed_files(const ActionFile& file);

// A warning for each of those files that a run of a command could change. The error says what cannot be looked at.
std::expected<std::vector<std::string>, std::string> fixed_file_warnings(const std::vector<GuardedPath>& files,
                                                                         const Registry& registry);

}  // namespace openexec
