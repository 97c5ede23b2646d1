// SPDX-License-Identifier: Apache-2.0
// What the daemon runs commands with, found and made ready at its start.
#pragma once

#include <expected>
#include <string>

#include "daemon/config.h"
#include "daemon/core/service.h"
#include "daemon/io/command_runner.h"
#include "daemon/io/unique_fd.h"

namespace openexec {

struct CommandParts {
  SandboxState sandbox;
  CommandSettings settings;
  UniqueFd launcher;  // none where there are no commands
};

// Where there are commands: finds their launcher, and moves this process into the delegated cgroup. The error is one
// line for the operator.
std::expected<CommandParts, std::string> prepare_commands(const Config& config);

}  // namespace openexec
