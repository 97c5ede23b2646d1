// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace openexec::test {

// Of this test program itself, whose memory and descriptors are then not its alone. Of the programs that it starts, ask
// programs_are_sanitized().
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool is_sanitized = true;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
inline constexpr bool is_sanitized = true;
#else
inline constexpr bool is_sanitized = false;
#endif
#else
inline constexpr bool is_sanitized = false;
#endif

}  // namespace openexec::test
