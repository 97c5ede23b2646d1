// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

namespace openexec {

// The whole of `openexec-store`, given its arguments: COMMAND DIR [--OPTION VALUE]... The exit code.
int run_store_tool(const std::vector<std::string>& words);

}  // namespace openexec
