// SPDX-License-Identifier: Apache-2.0
#include "daemon/io/mounts.h"

#include <fmt/format.h>

#include <fstream>
#include <sstream>
#include <string_view>

namespace openexec {
namespace {

std::vector<std::string> words_of(const std::string& line) {
  std::istringstream words(line);
  std::vector<std::string> out;
  for (std::string word; words >> word;) {
    out.push_back(word);
  }
  return out;
}

// In mountinfo a space, a tab, a line feed and a backslash are written as \ooo.
std::string unescaped(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto digit = [&](std::size_t at) { return static_cast<unsigned>(text[at] - '0'); };
    if (text[i] == '\\' && i + 3 < text.size()) {
      out.push_back(static_cast<char>((digit(i + 1) * 64) + (digit(i + 2) * 8) + digit(i + 3)));
      i += 3;
    } else {
      out.push_back(text[i]);
    }
  }
  return out;
}

}  // namespace

std::expected<std::vector<Mount>, std::string> read_mounts(const std::string& file) {
  std::ifstream in(file);
  std::vector<Mount> out;
  for (std::string line; std::getline(in, line);) {
    // ID PARENT DEVICE ROOT PATH OPTIONS [OPTIONAL...] - TYPE SOURCE OPTIONS
    const std::vector<std::string> words = words_of(line);
    for (std::size_t i = 6; i + 1 < words.size(); ++i) {
      if (words[i] == "-") {
        out.push_back({unescaped(words[3]), unescaped(words[4]), words[i + 1]});
        break;
      }
    }
  }
  if (!in.eof()) {
    return std::unexpected(fmt::format("cannot read {}", file));
  }
  return out;
}

}  // namespace openexec
