// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

namespace openexec {

// As in sd-daemon(3).
enum class LogLevel { error = 3, warning = 4, info = 6 };

// One line on standard error; when that is the journal, with the level that it understands.
void log_line(LogLevel level, std::string_view text);

}  // namespace openexec
