// SPDX-License-Identifier: Apache-2.0
// Whose word a file is.
#pragma once

#include <sys/stat.h>

#include <optional>
#include <string>

namespace openexec {

// Root made it or we did: nobody else could have put something else in its place.
bool owner_is_trusted(const struct stat& status);
// Why others than root and this user may have written it, and what to do; nothing when nobody else may.
std::optional<std::string> write_objection(const struct stat& status);

// The same of a folder, and of the link that the path may be; also why it cannot be looked at.
std::optional<std::string> folder_objection(const std::string& path);

}  // namespace openexec
