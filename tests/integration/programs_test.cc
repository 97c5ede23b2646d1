// SPDX-License-Identifier: Apache-2.0
// A sanitizer's run must not pass because it tested the programs of another build.
#include "tests/support/programs.h"

#include <fstream>
#include <stdexcept>
#include <string>
#include <string_view>

#include "tests/support/catch.h"

using namespace openexec::test;

namespace {

// The sanitizers that the build was configured with.
std::string sanitizers_of_build() {
  constexpr std::string_view name = "OPENEXEC_SANITIZE:STRING=";
  std::ifstream cache(programs_dir() / "CMakeCache.txt");
  for (std::string line; std::getline(cache, line);) {
    if (line.starts_with(name)) {
      return line.substr(name.size());
    }
  }
  throw std::runtime_error(programs_dir().string() + " is no build folder");
}

}  // namespace

TEST_CASE("the programs under test hold the sanitizers of the build that they are taken from", "[integration]") {
  const std::string sanitizers = sanitizers_of_build();
  WARN("programs under test: " << programs_dir().string()
                               << ", sanitizers: " << (sanitizers.empty() ? "none" : sanitizers));
  for (const std::string_view name :
       {"bin/openexecd", "bin/openexec", "bin/openexec-store", "bin/openexec-launch", "tests/bin/openexecd-faults",
        "tests/bin/openexec-store-faults", "tests/bin/openexec-launch"}) {
    for (const std::string_view sanitizer : {"address", "thread"}) {
      CAPTURE(name, sanitizer);
      CHECK(is_sanitized_by(sanitizer, name) == sanitizers.contains(sanitizer));
    }
  }
}
