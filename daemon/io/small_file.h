// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/stat.h>

#include <cstddef>
#include <expected>
#include <optional>
#include <string>

namespace openexec {

// What is wrong with an open file; nothing when it may be read.
using FileObjection = std::optional<std::string> (*)(const struct stat& status);

// The whole of a regular file of at most `bytes_max`. The error says what is wrong with the path, which it does not
// name.
std::expected<std::string, std::string> read_small_file(const std::string& path, std::size_t bytes_max,
                                                        FileObjection objection = nullptr);

}  // namespace openexec
