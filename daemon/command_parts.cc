// SPDX-License-Identifier: Apache-2.0
#include "daemon/command_parts.h"

#include <utility>

#include "daemon/launch/kernel.h"

namespace openexec {
std::expected<CommandParts, std::string> prepare_commands(const AllCommandResources& commands, bool is_sandbox_required,
                                                          const std::optional<DelegatedCgroup>& cgroup,
                                                          const std::string& temp_parent) {
  const launch::KernelFeatures kernel = launch::kernel_features();
  CommandParts parts;
  parts.sandbox = {is_sandbox_required, kernel.landlock_abi, kernel.seccomp, cgroup.has_value(), kernel.missing()};
  if (commands.empty()) {
    return parts;
  }
  auto launcher = open_launcher();
  if (!launcher.has_value()) {
    return std::unexpected(launcher.error());
  }
  parts.launcher = *std::move(launcher);
  if (cgroup.has_value()) {
    if (const auto entered = enter_delegated_cgroup(*cgroup); !entered.has_value()) {
      return std::unexpected(entered.error());
    }
    parts.settings.cgroup = cgroup->path;
  }
  parts.settings.is_sandbox_required = is_sandbox_required;
  parts.settings.temp_parent = temp_parent;
  return parts;
}

}  // namespace openexec
