// SPDX-License-Identifier: Apache-2.0
// The program that a command runs. It is opened once, at start, and run by that descriptor: what stands at its path
// later does not matter.
#pragma once

#include <expected>
#include <string>

#include "daemon/io/unique_fd.h"
#include "proto-json/bytes.h"

namespace openexec {

// A regular executable file of root's or this user's own that nobody else may write, without set-uid and set-gid; no
// script. The error says what is wrong with the path, and what to do.
std::expected<UniqueFd, std::string> open_executable(const std::string& path);

// A copy in memory that nothing can change any more, and whose content has that hash.
std::expected<UniqueFd, std::string> pin_executable(const UniqueFd& executable, const Hash& expected);

}  // namespace openexec
