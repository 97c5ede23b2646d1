// SPDX-License-Identifier: Apache-2.0
#include "tests/lint/sources.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "tests/support/catch.h"

namespace openexec::lint {
namespace {

namespace fs = std::filesystem;

constexpr std::array<std::string_view, 5> folders = {"proto-json", "daemon", "client", "systemd", "tests"};
constexpr std::array<std::string_view, 6> extensions = {".cc", ".h", ".txt", ".sh", ".cmake", ".in"};
// Inputs and expectations: other people's, or exact bytes.
constexpr std::array<std::string_view, 3> data_folders = {"tests/vectors/", "tests/transcripts/", "tests/fuzz/seeds/"};

std::string read_file(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  REQUIRE(file.good());
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

bool is_cpp(std::string_view path) { return path.ends_with(".cc") || path.ends_with(".h"); }

// The end of the raw string literal whose quote stands at `quote`; npos when it is not one.
std::size_t raw_string_end(std::string_view text, std::size_t quote) {
  if (quote == 0 || text[quote - 1] != 'R') {
    return std::string_view::npos;
  }
  const std::size_t open = text.find('(', quote);
  if (open == std::string_view::npos) {
    return text.size();
  }
  const std::string close = ")" + std::string(text.substr(quote + 1, open - quote - 1)) + "\"";
  const std::size_t end = text.find(close, open);
  return end == std::string_view::npos ? text.size() : end + close.size();
}

// The end of the literal that begins with the quote at `quote`.
std::size_t literal_end(std::string_view text, std::size_t quote) {
  if (const std::size_t end = raw_string_end(text, quote); text[quote] == '"' && end != std::string_view::npos) {
    return end;
  }
  for (std::size_t i = quote + 1; i < text.size(); ++i) {
    if (text[i] == '\\') {
      ++i;
    } else if (text[i] == text[quote] || text[i] == '\n') {
      return i + 1;
    }
  }
  return text.size();
}

bool is_digit_separator(std::string_view text, std::size_t quote) {
  const auto is_alnum = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
  };
  return text[quote] == '\'' && quote > 0 && quote + 1 < text.size() && is_alnum(text[quote - 1]) &&
         is_alnum(text[quote + 1]);
}

}  // namespace

std::vector<SourceFile> all_sources() {
  const fs::path root(OPENEXEC_SOURCE_DIR);
  std::vector<SourceFile> out;
  for (const std::string_view folder : folders) {
    for (const auto& entry : fs::recursive_directory_iterator(root / folder)) {
      const std::string path = fs::relative(entry.path(), root).generic_string();
      const bool wanted = std::ranges::find(extensions, entry.path().extension().string()) != extensions.end();
      const bool data =
          std::ranges::any_of(data_folders, [&](std::string_view below) { return path.starts_with(below); });
      if (entry.is_regular_file() && wanted && !data) {
        out.push_back({path, read_file(entry.path())});
      }
    }
  }
  for (const std::string_view path : {"CMakeLists.txt", "dev", ".ci/run"}) {
    out.push_back({std::string(path), read_source(path)});
  }
  return out;
}

std::vector<SourceFile> cpp_sources() {
  std::vector<SourceFile> out = all_sources();
  std::erase_if(out, [](const SourceFile& file) { return !is_cpp(file.path); });
  REQUIRE(out.size() > 50);  // a walk that found little proves little
  return out;
}

std::string read_source(std::string_view path) { return read_file(fs::path(OPENEXEC_SOURCE_DIR) / path); }

std::string code_of(std::string_view text) {
  std::string out;
  std::size_t i = 0;
  while (i < text.size()) {
    if (text.substr(i, 2) == "//") {
      i = std::min(text.find('\n', i), text.size());
    } else if (text.substr(i, 2) == "/*") {
      const std::size_t end = text.find("*/", i + 2);
      i = end == std::string_view::npos ? text.size() : end + 2;
      out += ' ';
    } else if (text[i] == '"' || (text[i] == '\'' && !is_digit_separator(text, i))) {
      const std::size_t end = literal_end(text, i);
      out += text[i];
      out += text[i];
      i = end;
    } else {
      out += text[i++];
    }
  }
  return out;
}

}  // namespace openexec::lint
