// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cerrno>
#include <expected>
#include <string>
#include <string_view>
#include <system_error>

namespace openexec::launch {

using Done = std::expected<void, std::string>;

// "WHAT: the system's words", of the call that failed just now unless another errno is given.
inline std::unexpected<std::string> failure(std::string_view what, int error = errno) {
  return std::unexpected(std::string(what) + ": " + std::generic_category().message(error));
}

}  // namespace openexec::launch
