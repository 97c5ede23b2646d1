// SPDX-License-Identifier: Apache-2.0
#include "tests/support/doc_blocks.h"

#include <algorithm>
#include <filesystem>
#include <regex>

#include "tests/support/catch.h"
#include "tests/support/vectors.h"

namespace openexec::test {

std::vector<DocBlock> doc_blocks(std::string_view document) {
  static const std::regex block("(?:^|\n)```(\\w+)\n([^`]*?)```\n");
  static const std::regex named(R"(^(?:#|//|--) (/\S+)\n)");
  const std::string text = read_file(std::filesystem::path(OPENEXEC_SOURCE_DIR) / document);
  std::vector<DocBlock> out;
  for (std::sregex_iterator match(text.begin(), text.end(), block), end; match != end; ++match) {
    DocBlock found{(*match)[1], {}, (*match)[2]};
    if (std::smatch name; std::regex_search(found.text, name, named, std::regex_constants::match_continuous)) {
      found.path = name[1];
    }
    out.push_back(std::move(found));
  }
  INFO(document);
  REQUIRE_FALSE(out.empty());
  return out;
}

DocBlock doc_block(std::string_view document, std::string_view path) {
  const auto all = doc_blocks(document);
  const auto found = std::ranges::find(all, path, &DocBlock::path);
  INFO(document << " has no block named " << path);
  REQUIRE(found != all.end());
  return *found;
}

}  // namespace openexec::test
