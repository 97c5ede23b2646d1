// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <system_error>

namespace openexec {

// The system's words for an errno value. Unlike strerror, safe on every thread.
inline std::string system_message(int error) { return std::generic_category().message(error); }

}  // namespace openexec
