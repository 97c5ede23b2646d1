// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace openexec::bench {

// A line of /proc/PID/status in KiB: VmRSS, RssAnon (heap and stacks, without the mapped store), VmHWM. Nothing when it
// cannot be read.
std::optional<std::int64_t> memory_kib(std::int32_t pid, std::string_view line);

}  // namespace openexec::bench
