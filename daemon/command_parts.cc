// SPDX-License-Identifier: Apache-2.0
#include "daemon/command_parts.h"

#include <utility>

namespace openexec {

std::expected<CommandParts, std::string> prepare_commands(const Config& config) {
  CommandParts parts;
  parts.sandbox = {config.sandbox_required, config.kernel.landlock_abi, config.kernel.seccomp,
                   config.cgroup.has_value(), config.kernel.missing()};
  if (config.resources.empty()) {
    return parts;
  }
  auto launcher = open_launcher();
  if (!launcher.has_value()) {
    return std::unexpected(launcher.error());
  }
  parts.launcher = *std::move(launcher);
  if (config.cgroup.has_value()) {
    if (const auto entered = enter_delegated_cgroup(*config.cgroup); !entered.has_value()) {
      return std::unexpected(entered.error());
    }
    parts.settings.cgroup = config.cgroup->path;
  }
  parts.settings.is_sandbox_required = config.sandbox_required;
  parts.settings.temp_parent = config.temp_parent;
  return parts;
}

}  // namespace openexec
