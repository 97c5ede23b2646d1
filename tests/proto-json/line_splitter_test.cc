// SPDX-License-Identifier: Apache-2.0
#include "proto-json/line_splitter.h"

#include <malloc.h>

#include <vector>

#include "proto-json/limits.h"
#include "tests/support/catch.h"
#include "tests/support/random_json.h"

namespace openexec {
namespace {

struct Lines {
  std::vector<std::string> lines;
  bool overflowed = false;
  std::size_t held_bytes = 0;

  bool operator==(const Lines&) const = default;
};

Lines drain(LineSplitter& splitter, Lines so_far = {}) {
  while (const auto line = splitter.next()) {
    so_far.lines.emplace_back(*line);
  }
  so_far.overflowed = splitter.overflowed();
  so_far.held_bytes = splitter.held_bytes();
  return so_far;
}

Lines split(std::string_view bytes, std::size_t bound, std::size_t chunk_bytes) {
  LineSplitter splitter(bound);
  Lines out;
  while (!bytes.empty()) {
    splitter.feed(bytes.substr(0, chunk_bytes));
    bytes.remove_prefix(std::min(chunk_bytes, bytes.size()));
    out = drain(splitter, std::move(out));
  }
  return out;
}

Lines split(std::string_view bytes, std::size_t bound = 100) { return split(bytes, bound, bytes.size()); }

using Texts = std::vector<std::string>;

TEST_CASE("a line ends in LF or CR LF") {
  CHECK(split("a\nbc\r\nd\n") == Lines{{"a", "bc", "d"}, false, 0});
  CHECK(split("a\rb\n").lines == Texts{"a\rb"});  // CR alone ends nothing
  CHECK(split("a\r\r\n").lines == Texts{"a\r"});  // and one is taken at most
}

TEST_CASE("a line of only spaces and tabs is skipped") {
  CHECK(split("\n\r\n \n\t\r\n \t \na\n\n") == Lines{{"a"}, false, 0});
  CHECK(split(" a\t\n").lines == Texts{" a\t"});
  CHECK(split(std::string_view("\0\n", 2)).lines == Texts{std::string(1, '\0')});
}

TEST_CASE("bytes after the last line end are held and never given out") {
  CHECK(split("a\nbcd") == Lines{{"a"}, false, 3});
  CHECK(split("bcd\r") == Lines{{}, false, 4});
  CHECK(split("") == Lines{{}, false, 0});
}

TEST_CASE("a line of exactly the bound is given out, one byte more is an overflow") {
  const std::string full(100, 'x');
  CHECK(split(full + "\n").lines == Texts{full});
  CHECK(split(full + "\r\n").lines == Texts{full});
  CHECK(split(full) == Lines{{}, false, 100});
  CHECK(split(full + "\r") == Lines{{}, false, 101});  // its end may be coming
  CHECK(split(full + "x") == Lines{{}, true, 0});
  CHECK(split(full + "x\n") == Lines{{}, true, 0});
  CHECK(split(full + "\rx") == Lines{{}, true, 0});
  CHECK(split(full + "\r\r\n") == Lines{{}, true, 0});
  CHECK(split(std::string(101, ' ') + "\n") == Lines{{}, true, 0});  // a blank one too
}

TEST_CASE("lines before an overflow are given out, and nothing after it") {
  const std::string bytes = "a\nb\n" + std::string(101, 'x') + "\nc\n";
  for (const std::size_t chunk : {1, 7, 50, 1000}) {
    CHECK(split(bytes, 100, chunk) == Lines{{"a", "b"}, true, 0});
  }
  LineSplitter splitter(4);
  splitter.feed("12345");
  CHECK_FALSE(splitter.next().has_value());
  REQUIRE(splitter.overflowed());
  splitter.feed("\nab\n");
  CHECK_FALSE(splitter.next().has_value());
  CHECK(splitter.overflowed());
  CHECK(splitter.held_bytes() == 0);
}

TEST_CASE("how the bytes arrive makes no difference") {
  RandomJson random(9);
  constexpr std::string_view alphabet = "\n\n\r\r \t\0ab{";
  for (int i = 0; i < 2000; ++i) {
    std::string bytes;
    for (std::uint64_t left = random.below(60); left > 0; --left) {
      bytes += alphabet[random.below(alphabet.size())];
    }
    const std::size_t bound = 1 + random.below(12);
    const Lines whole = split(bytes, bound);
    for (std::size_t chunk = 1; chunk <= bytes.size(); ++chunk) {
      CHECK(split(bytes, bound, chunk) == whole);
    }
    for (const std::string& line : whole.lines) {
      CHECK(line.size() <= bound);
      CHECK(line.find('\n') == std::string::npos);
      CHECK(line.find_first_not_of(" \t") != std::string::npos);
    }
    CHECK(whole.held_bytes <= bound + 1);
  }
}

TEST_CASE("the memory of a long line is given back") {
  const auto in_use = [] {
    const auto info = mallinfo2();
    return info.uordblks + info.hblkhd;
  };
  LineSplitter splitter(limits::line_bytes_max);
  const std::size_t before = in_use();
  if (before == 0) {
    WARN("skipped: this allocator does not say what is in use");
    return;
  }
  splitter.feed(std::string(limits::line_bytes_max, 'x') + "\nrest");
  REQUIRE(splitter.next().has_value());
  REQUIRE(in_use() > before + limits::line_bytes_max / 2);
  REQUIRE_FALSE(splitter.next().has_value());
  CHECK(splitter.held_bytes() == 4);
  CHECK(in_use() < before + 2 * limits::line_buffer_keep_bytes_max);
  splitter.feed(std::string(limits::line_bytes_max, 'x'));
  REQUIRE_FALSE(splitter.next().has_value());
  REQUIRE(splitter.overflowed());
  CHECK(in_use() < before + 2 * limits::line_buffer_keep_bytes_max);
}

}  // namespace
}  // namespace openexec
