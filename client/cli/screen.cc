// SPDX-License-Identifier: Apache-2.0
#include "client/cli/screen.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <utility>

#include "proto-json/canonical.h"
#include "proto-json/encoding.h"

namespace openexec::cli {
namespace {

bool terminal_takes_colour() {
  const char* no_color = std::getenv("NO_COLOR");
  const char* terminal = std::getenv("TERM");
  return ::isatty(STDOUT_FILENO) == 1 && (no_color == nullptr || *no_color == '\0') &&
         (terminal == nullptr || std::string_view(terminal) != "dumb");
}

std::string_view code_of(Colour colour) {
  switch (colour) {
    case Colour::plain:
      return "";
    case Colour::green:
      return "\x1b[32m";
    case Colour::yellow:
      return "\x1b[33m";
    case Colour::red:
      return "\x1b[31m";
  }
  std::unreachable();
}

// Bytes of the UTF-8 sequence that begins with this byte, by its first bits.
std::size_t sequence_bytes(unsigned char first) {
  if (first < 0x80) {
    return 1;
  }
  return first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
}

char32_t decoded(std::string_view sequence) {
  const auto first = static_cast<unsigned char>(sequence[0]);
  if (sequence.size() == 1) {
    return first;
  }
  char32_t out = first & (0x7fU >> sequence.size());
  for (const char next : sequence.substr(1)) {
    out = out << 6 | (static_cast<unsigned char>(next) & 0x3fU);
  }
  return out;
}

// Controls, and characters with no width or that turn the direction of what follows.
bool must_be_escaped(char32_t c) {
  constexpr std::array<std::pair<char32_t, char32_t>, 13> ranges{{{0x00, 0x1f},
                                                                  {0x7f, 0x9f},
                                                                  {0xad, 0xad},
                                                                  {0x61c, 0x61c},
                                                                  {0x115f, 0x1160},
                                                                  {0x180e, 0x180e},
                                                                  {0x200b, 0x200f},
                                                                  {0x2028, 0x202e},
                                                                  {0x2060, 0x206f},
                                                                  {0x3164, 0x3164},
                                                                  {0xfeff, 0xfeff},
                                                                  {0xfff0, 0xfffb},
                                                                  {0xe0000, 0xe0fff}}};
  return std::ranges::any_of(ranges, [c](const auto& range) { return c >= range.first && c <= range.second; });
}

}  // namespace

Screen::Screen(const Globals& globals)
    : human_(globals.format == Format::human || (globals.format == Format::automatic && ::isatty(STDOUT_FILENO) == 1)),
      colour_(human_ && terminal_takes_colour()) {}

// Nothing looks at the result here: main() asks once, at the end, whether all of standard output was written.
void Screen::print(std::string_view text) const { static_cast<void>(std::fwrite(text.data(), 1, text.size(), stdout)); }

// The spaced form leaves a `result` exactly as its receipt hash was taken over it.
void Screen::document(const Json& json) const { print(to_spaced(json) + "\n"); }

void Screen::print(std::string_view text, Colour colour) const {
  const bool painted = colour_ && colour != Colour::plain;
  print(painted ? fmt::format("{}{}\x1b[0m", code_of(colour), text) : std::string(text));
}

void Screen::row(std::string_view word, std::string_view text, Colour colour) const {
  print(word, colour);
  print(fmt::format("{:{}}{}\n", "", word.size() < column ? column - word.size() : 1, text));
}

void complain(std::string_view what, std::string_view next) {
  std::string out = "openexec: ";
  for (std::string_view text : {what, next}) {
    while (!text.empty()) {
      const std::size_t end = std::min(text.find('\n'), text.size());
      out += fmt::format("{}{}\n", out.ends_with('\n') ? "  " : "", text.substr(0, end));
      text.remove_prefix(std::min(end + 1, text.size()));
    }
  }
  static_cast<void>(std::fwrite(out.data(), 1, out.size(), stderr));
}

std::string printable(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const std::string_view sequence = text.substr(0, sequence_bytes(static_cast<unsigned char>(text[0])));
    if (!is_utf8(sequence)) {
      out += fmt::format("\\x{:02x}", static_cast<unsigned char>(text[0]));
      text.remove_prefix(1);
      continue;
    }
    const char32_t c = decoded(sequence);
    if (must_be_escaped(c)) {
      const auto number = static_cast<std::uint32_t>(c);
      out += number > 0xffff ? fmt::format("\\U{:08x}", number) : fmt::format("\\u{:04x}", number);
    } else {
      out += sequence;
    }
    text.remove_prefix(sequence.size());
  }
  return out;
}

void print_lines(const Screen& screen, std::string_view text) {
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    screen.print(printable(text.substr(0, end)) + "\n");
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

std::uint64_t number_in(const Json& json, std::string_view name) {
  const Json* member = json.find(name);
  const std::int64_t* number = member == nullptr ? nullptr : member->if_int();
  return number == nullptr || *number < 0 ? 0 : static_cast<std::uint64_t>(*number);
}

std::string text_in(const Json& json, std::string_view name) {
  const std::string* text = json.find_string(name);
  return text == nullptr ? std::string() : printable(*text);
}

std::string compact_text(const Json& json) { return to_compact(json); }

std::string shell_word(std::string_view text) {
  constexpr std::string_view safe = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_./:@%+=,-";
  const std::string shown = printable(text);
  if (!shown.empty() && shown.find_first_not_of(safe) == std::string::npos) {
    return shown;
  }
  std::string out = "'";
  for (const char c : shown) {
    out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  }
  return out + "'";
}

std::string shortened(std::string_view hex) {
  return hex.size() <= 12 ? printable(hex)
                          : printable(hex.substr(0, 4)) + "\u2026" + printable(hex.substr(hex.size() - 4));
}

std::string with_separators(std::uint64_t number) {
  std::string out = fmt::format("{}", number);
  for (std::size_t end = out.size(); end > 3; end -= 3) {
    out.insert(end - 3, ",");
  }
  return out;
}

std::string with_unit(std::uint64_t bytes) {
  constexpr std::array<std::string_view, 4> units{"KiB", "MiB", "GiB", "TiB"};
  if (bytes < 1024) {
    return fmt::format("{} bytes", bytes);
  }
  std::size_t unit = 0;
  std::uint64_t scaled = bytes / 1024;
  while (scaled >= 1024 && unit + 1 < units.size()) {
    scaled /= 1024;
    ++unit;
  }
  return fmt::format("{} {}", scaled, units.at(unit));
}

std::string seconds_text(std::int64_t duration_us) {
  return fmt::format("{:.2f} s", static_cast<double>(duration_us) / static_cast<double>(us_per_s));
}

std::string moment_text(UtcTime time) {
  const std::string text = to_text(time);  // 2026-11-21T14:12:40.000000Z
  return fmt::format("{} {} UTC", text.substr(0, 10), text.substr(11, 8));
}

std::string moment_text(std::string_view rfc3339) {
  const auto time = from_text(rfc3339);
  return time ? moment_text(*time) : printable(rfc3339);
}

std::string posix_moment_text(std::uint64_t seconds) {
  const auto time = from_posix_s(seconds);
  return time ? moment_text(*time) : fmt::format("{} s after 1970", seconds);
}

std::string lifetime_text(std::int64_t seconds) {
  const auto count = [](std::int64_t number, std::string_view unit) {
    return fmt::format("{} {}{}", number, unit, number == 1 ? "" : "s");
  };
  if (seconds % 3600 == 0) {
    return count(seconds / 3600, "hour");
  }
  return seconds % 60 == 0 ? count(seconds / 60, "minute") : count(seconds, "second");
}

}  // namespace openexec::cli
