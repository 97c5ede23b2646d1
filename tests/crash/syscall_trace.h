// SPDX-License-Identifier: Apache-2.0
// What strace -f saw: the system calls of all threads, each with the place of its beginning and of its end.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace openexec::test {

struct Syscall {
  std::string name;
  std::string text;   // arguments and result, as strace prints them with -y
  std::size_t begin;  // line of the trace
  std::size_t end;    // line on which it had returned

  // The path of the file descriptor that is its first argument, of -y.
  [[nodiscard]] std::string_view path() const;
  [[nodiscard]] std::optional<int> fd() const;
  // What it gave; nothing when it failed or never returned.
  [[nodiscard]] std::optional<std::int64_t> result() const;
};

// Whether strace works here. Where it must ($CI) and does not, that is a failure; elsewhere the test is skipped.
bool can_trace();

// In order of their ends.
std::vector<Syscall> read_trace(std::string_view trace);

}  // namespace openexec::test
