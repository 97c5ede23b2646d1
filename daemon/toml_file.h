// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <toml++/toml.h>

#include <expected>
#include <string>
#include <string_view>

namespace openexec {

// The text of a file as TOML. The error is one line that names file and line.
std::expected<toml::table, std::string> parse_toml(std::string_view text, const std::string& path);

}  // namespace openexec
