// SPDX-License-Identifier: Apache-2.0
// docs/actions.md against the loader: the table of keys, and the definitions it shows.
#include <algorithm>
#include <filesystem>
#include <regex>
#include <string>
#include <vector>

#include "daemon/actions/action_file.h"
#include "daemon/actions/action_schema.h"
#include "tests/support/catch.h"
#include "tests/support/doc_blocks.h"
#include "tests/support/vectors.h"

namespace openexec {
namespace {

constexpr const char* document = "docs/actions.md";

TEST_CASE("docs/actions.md has a row for every key of a definition, and for no other") {
  static const std::regex row("(?:^|\n)\\| `([a-z0-9_.]+)` \\|[^|\n]+\\|[^|\n]+\\|[^|\n]*\\|");
  const std::string text = read_file(std::filesystem::path(OPENEXEC_SOURCE_DIR) / document);
  std::vector<std::string> rows;
  for (std::sregex_iterator match(text.begin(), text.end(), row), end; match != end; ++match) {
    rows.push_back((*match)[1]);
  }
  std::vector<std::string> keys = action_file_keys();
  std::ranges::sort(rows);
  std::ranges::sort(keys);
  CHECK(rows == keys);
}

TEST_CASE("each definition of docs/actions.md is one that the loader reads, under its own name") {
  std::size_t count = 0;
  for (const test::DocBlock& block : test::doc_blocks(document)) {
    if (block.language != "toml" || block.path.empty()) {
      continue;
    }
    ++count;
    const auto file = read_action_file(block.text, block.path);
    INFO((file ? std::string() : file.error()));
    REQUIRE(file.has_value());
    CHECK(block.path == "/etc/openexec/actions.d/" + file->name + ".toml");
    const auto schema = action_schema(*file);
    INFO((schema ? std::string() : schema.error()));
    CHECK(schema.has_value());
  }
  CHECK(count == 6);
}

}  // namespace
}  // namespace openexec
