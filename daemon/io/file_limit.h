// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

namespace openexec {

// Raises the limit of open files so that this many connections fit beside these others and what is always open. Gives
// how many do.
std::size_t fit_open_files(std::size_t connections, std::size_t others);

}  // namespace openexec
