// SPDX-License-Identifier: Apache-2.0
// CHECK aborts on a bug of ours. What input or the world can cause is a std::expected instead.
#pragma once

namespace openexec {
[[noreturn]] void check_failed(const char* expression, const char* file, int line) noexcept;
}

#define OPENEXEC_CHECK(expression) \
  (static_cast<bool>(expression) ? static_cast<void>(0) : ::openexec::check_failed(#expression, __FILE__, __LINE__))
