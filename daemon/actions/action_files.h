// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <expected>
#include <string>
#include <vector>

#include "daemon/actions/action_file.h"

namespace openexec {

struct ActionFiles {
  std::vector<ActionFile> files;      // by name
  std::vector<std::string> warnings;  // of what else is in the folder
};

// Every *.toml of the folder. The folder and the files belong to root or this user, and nobody else may write them:
// whoever could would say what the daemon runs. The error is one line that says what to change.
std::expected<ActionFiles, std::string> read_action_files(const std::string& folder);

}  // namespace openexec
