// SPDX-License-Identifier: Apache-2.0
// What the daemon tells openexec-launch, and what it hears back. Both stand in one folder, since they must agree byte
// for byte; they are always of one release.
//
// The launcher's descriptors: 0, 1 and 2 are the command's; `channel_fd` is one end of a stream socket pair, the other
// is the daemon's; `executable_fd` is the command's executable. The daemon sends one plan. What comes back is one
// Started, which the process that is to be the command sends before it runs anything of the command (none where it does
// not come to that), then one Report, after which the launcher removes what is left of the temporary folder, and ends.
// The daemon's end closing before the report means: kill everything of this run, and end.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace openexec::launch {

inline constexpr int channel_fd = 3;
inline constexpr int executable_fd = 4;

// How the names of runs' temporary folders and cgroups begin. The daemon knows its earlier runs' cgroups by it.
inline constexpr std::string_view temp_prefix = "openexec-run-";
inline constexpr std::string_view cgroup_prefix = "run-";

// `openexec-launch --sweep FOLDER`: removes the temporary folders there that are nobody's. It needs no descriptors.
inline constexpr std::string_view sweep_flag = "--sweep";

struct Plan {
  std::vector<std::string> argv;  // argv[0] too is what the command sees; what runs is executable_fd
  std::vector<std::string> env;   // "NAME=value", secrets included; the launcher adds TMPDIR
  // Absolute paths, as SandboxRules has them, with no symbolic link in any part: who could change a link could choose
  // what the next run may touch. A path that leads over one is refused.
  std::vector<std::string> read;
  std::vector<std::string> write;
  bool network = false;
  bool unix_sockets = false;
  bool is_sandbox_required = false;    // the minimum that docs/sandbox.md names, or no run
  std::int64_t timeout_ms = 0;         // 1 or more
  std::int64_t grace_ms = 0;           // between SIGTERM and SIGKILL
  std::uint64_t memory_bytes_max = 0;  // 0: no bound
  std::uint32_t processes_max = 0;     // 0: no bound; needs `cgroup`
  std::string cgroup;                  // a delegated cgroup in which to make one for the run; empty: none
  std::string temp_parent;             // where to make the run's temporary folder
  std::int32_t landlock_abi_max = 0;   // 0: as found; tests ask for less
  bool operator==(const Plan&) const = default;
};

// So that the daemon can kill the command when its launcher was killed.
struct Started {
  std::int32_t group = 0;  // the command's process, and its process group
  bool operator==(const Started&) const = default;
};

struct Report {
  // Empty: the command was started. Else why it was not: nothing of it ran.
  std::string not_started{};
  bool timed_out = false;
  bool is_signal = false;  // `number` is a signal, else an exit code
  std::int32_t number = 0;
  std::int64_t duration_us = 0;  // from its start to its end
  bool operator==(const Report&) const = default;
};

// A 32-bit little-endian length and the body it counts.
std::string encode(const Plan& plan);
std::string encode(const Started& started);
std::string encode(const Report& report);
// Of a body, without its length.
std::expected<Plan, std::string> decode_plan(std::string_view body);
std::expected<Started, std::string> decode_started(std::string_view body);
std::expected<Report, std::string> decode_report(std::string_view body);

// The length that the first four bytes of a message state, when there are four.
inline constexpr std::size_t length_bytes = 4;
std::uint32_t decode_length(std::string_view bytes);

// What a launcher has said, of all the bytes that have come from it so far.
struct Heard {
  std::optional<Started> started;
  std::optional<Report> report;
};
Heard decode_heard(std::string_view bytes);

}  // namespace openexec::launch
