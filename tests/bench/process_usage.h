// SPDX-License-Identifier: Apache-2.0
// What /proc says of the daemon that is under load.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace openexec::bench {

// A line of /proc/PID/status in KiB: VmRSS, RssAnon (heap and stacks, without the mapped store), VmHWM. Nothing when it
// cannot be read.
std::optional<std::int64_t> memory_kib(std::int32_t pid, std::string_view line);

// The CPU time, user's and kernel's, of the process and of the children that it has waited for, in clock ticks: from
// the text of /proc/PID/stat. Nothing when that has another form.
std::optional<std::uint64_t> cpu_ticks_of(std::string_view stat);
// The same of a process, in microseconds.
std::optional<double> cpu_us(std::int32_t pid);

}  // namespace openexec::bench
