// SPDX-License-Identifier: Apache-2.0
#include "tests/support/process_facts.h"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>

namespace openexec::test {
namespace {

namespace fs = std::filesystem;

fs::path proc(pid_t pid) { return "/proc/" + std::to_string(pid); }

}  // namespace

std::vector<pid_t> children_of(pid_t pid) {
  std::vector<pid_t> out;
  for (const auto& task : fs::directory_iterator(proc(pid) / "task")) {
    std::ifstream file(task.path() / "children");
    for (pid_t child = 0; file >> child;) {
      out.push_back(child);
    }
  }
  return out;
}

std::vector<pid_t> descendants_of(pid_t pid) {
  std::vector<pid_t> out = children_of(pid);
  for (std::size_t i = 0; i < out.size(); ++i) {
    std::error_code gone;
    if (fs::exists(proc(out[i]) / "task", gone)) {
      for (const pid_t child : children_of(out[i])) {
        out.push_back(child);
      }
    }
  }
  return out;
}

std::optional<std::size_t> open_files_of(pid_t pid) {
  std::error_code error;
  const fs::directory_iterator files(proc(pid) / "fd", error);
  return error ? std::nullopt : std::optional(static_cast<std::size_t>(std::distance(begin(files), end(files))));
}

std::int64_t anonymous_kib_of(pid_t pid) {
  constexpr std::string_view name = "RssAnon:";
  std::ifstream file(proc(pid) / "status");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with(name)) {
      return std::stoll(line.substr(name.size()));
    }
  }
  throw std::runtime_error("cannot read the memory of " + std::to_string(pid));
}

}  // namespace openexec::test
