// SPDX-License-Identifier: Apache-2.0
#include "tests/support/programs.h"

#include <cstdlib>
#include <fstream>
#include <ios>
#include <stdexcept>

namespace openexec::test {

const std::filesystem::path& programs_dir() {
  static const std::filesystem::path dir = [] {
    const char* const given = std::getenv("OPENEXEC_PROGRAMS");
    return std::filesystem::path(given != nullptr ? given : OPENEXEC_BINARY_DIR);
  }();
  return dir;
}

std::string program(std::string_view name) {
  const auto path = programs_dir() / name;
  if (!std::filesystem::is_regular_file(path)) {
    throw std::runtime_error("there is no program to test at " + path.string());
  }
  return path.string();
}

bool is_sanitized_by(std::string_view sanitizer, std::string_view name) {
  const std::string_view start = sanitizer == "address" ? "__asan_init" : "__tsan_init";
  const std::string path = program(name);
  std::string bytes(std::filesystem::file_size(path), '\0');
  if (!std::ifstream(path, std::ios::binary).read(bytes.data(), static_cast<std::streamsize>(bytes.size()))) {
    throw std::runtime_error("cannot read " + path);
  }
  return bytes.find(start) != std::string::npos;
}

bool programs_are_sanitized() {
  static const bool are = is_sanitized_by("address", "bin/openexecd") || is_sanitized_by("thread", "bin/openexecd");
  return are;
}

}  // namespace openexec::test
