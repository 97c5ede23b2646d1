// SPDX-License-Identifier: Apache-2.0
// Runs a fuzz target over the files of the folders given, so that targets and seeds keep working where libFuzzer is
// not.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <system_error>

#include "proto-json/bytes.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

// How many files it ran; each whole, and cut short at every length up to a bound.
std::size_t replay(const std::filesystem::path& folder) {
  constexpr std::size_t cuts_max = 512;
  std::size_t files = 0;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
    std::ifstream file(entry.path(), std::ios::binary);
    const std::string input((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
    const openexec::ByteView bytes = openexec::bytes_of(input);
    LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
    for (std::size_t size = 0; size < bytes.size() && size < cuts_max; ++size) {
      // A copy of just that size, so that a sanitizer sees a read past its end.
      const std::string cut = input.substr(0, size);
      LLVMFuzzerTestOneInput(openexec::bytes_of(cut).data(), size);
    }
    ++files;
  }
  return files;
}

}  // namespace

int main(int argc, char** argv) {
  std::size_t files = 0;
  for (int i = 1; i < argc; ++i) {
    files += replay(argv[i]);
  }
  std::printf("%zu inputs replayed\n", files);
  return files > 0 ? 0 : 1;
}
