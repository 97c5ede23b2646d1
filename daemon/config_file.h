// SPDX-License-Identifier: Apache-2.0
// The configuration file: TOML. An unknown key is an error: a setting that is not honoured must not look as if it were.
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/settings.h"

namespace openexec {

// The error is one line that names file, line and key.
std::expected<Settings, std::string> read_config(std::string_view text, const std::string& file);

// Every key there is, as "section.name".
std::vector<std::string> config_keys();

}  // namespace openexec
