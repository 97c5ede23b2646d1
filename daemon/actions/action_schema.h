// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <expected>
#include <string>

#include "daemon/actions/action_file.h"
#include "daemon/core/schema.h"

namespace openexec {

// The schema that a command's payloads must fit: its file's, of type object, closed, and requiring every placeholder.
// Each placeholder must be a scalar in it. The error is one line that names file, line and key.
std::expected<Schema, std::string> action_schema(const ActionFile& file);

}  // namespace openexec
