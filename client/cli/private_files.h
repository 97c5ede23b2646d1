// SPDX-License-Identifier: Apache-2.0
// Folders that only their owner can use, and files in them that are replaced whole. Errors are texts for a person,
// already printable.
#pragma once

#include <expected>
#include <string>
#include <string_view>

namespace openexec::cli {

// Makes the folder (0700) and what is missing above it; one that is there must be as check_private_dir() wants it.
std::expected<void, std::string> make_private_dir(const std::string& path);
// A folder of the caller's own that nobody else can enter.
std::expected<void, std::string> check_private_dir(const std::string& path);

// Puts a file (0600) in place of whatever has that name. When this returns it is on disk; when the machine stops
// before, the old one is there whole. One caller at a time.
std::expected<void, std::string> replace_file(const std::string& dir, std::string_view name, std::string_view text);

}  // namespace openexec::cli
