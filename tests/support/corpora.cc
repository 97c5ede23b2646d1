// SPDX-License-Identifier: Apache-2.0
#include "tests/support/corpora.h"

#include <algorithm>
#include <cstdlib>

#include "tests/support/catch.h"

namespace openexec {

std::optional<std::filesystem::path> find_corpus(std::string_view name) {
  const char* const given = std::getenv("OPENEXEC_CORPORA");
  const auto folder = given != nullptr
                          ? std::filesystem::path(given)
                          : std::filesystem::path(OPENEXEC_SOURCE_DIR).parent_path() / "shared" / "corpora";
  auto path = folder / name;
  if (std::filesystem::exists(path)) {
    return path;
  }
  if (given != nullptr || std::getenv("CI") != nullptr) {
    FAIL("the corpus " << path.string() << " is not there");
  }
  WARN("skipped: the corpus " << path.string() << " is not there (OPENEXEC_CORPORA names the folder)");
  return std::nullopt;
}

std::vector<std::filesystem::path> corpus_files(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> out;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.is_regular_file()) {
      out.push_back(entry.path());
    }
  }
  std::ranges::sort(out);
  INFO(folder.string());
  REQUIRE_FALSE(out.empty());
  return out;
}

}  // namespace openexec
