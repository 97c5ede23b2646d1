// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <expected>
#include <string>

#include "daemon/config.h"
#include "daemon/core/registry.h"
#include "daemon/settings.h"

namespace openexec {

// The commands of the folder that the settings name, or of `actions.d` beside the configuration file: into the registry
// and the configuration, whose paths are all set. The error is one line that says what to change.
std::expected<void, std::string> set_commands(Config& config, const Settings& settings, const Surroundings& around,
                                              Registry& registry);

}  // namespace openexec
