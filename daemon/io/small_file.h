// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <expected>
#include <string>

namespace openexec {

// The whole of a regular file of at most `bytes_max`. The error says what is wrong with the path, which it does not
// name.
std::expected<std::string, std::string> read_small_file(const std::string& path, std::size_t bytes_max);

}  // namespace openexec
