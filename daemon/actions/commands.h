// SPDX-License-Identifier: Apache-2.0
// The commands that an operator defined: their files, held against their schemas, the file system, the credentials and
// each other, and made actions of the registry.
#pragma once

#include <expected>
#include <optional>
#include <string>
#include <vector>

#include "daemon/actions/sandbox_paths.h"
#include "daemon/core/registry.h"
#include "daemon/io/cgroup.h"
#include "daemon/io/command_resources.h"

namespace openexec {

// What loading depends on beside the files themselves.
struct CommandSurroundings {
  std::string folder;                             // of the files
  std::optional<std::string> credentials_folder;  // nothing: there are no credentials
  std::string log_key;                            // a file that is no command's secret
  GuardedPaths guarded;                           // without what the commands themselves add
  std::optional<DelegatedCgroup> cgroup;
  // Nothing is to be started, and this may not be the service: what only the service has is not missed.
  bool is_check = false;
};

struct LoadedCommands {
  AllCommandResources resources;
  std::vector<std::string> warnings;
  std::vector<std::string> unchecked;  // in a check: what was not missed, by file, line and key
};

// Adds every command of the folder to the registry. The error is one line that names file, line and key; the registry
// may then hold some of them.
std::expected<LoadedCommands, std::string> load_commands(const CommandSurroundings& around, Registry& registry);

}  // namespace openexec
