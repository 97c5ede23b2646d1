// SPDX-License-Identifier: Apache-2.0
// What a person sees. Everything that did not come from this program is escaped before it reaches a terminal, where
// control characters are commands.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "client/cli/command.h"
#include "proto-json/json.h"
#include "proto-json/utc_time.h"

namespace openexec::cli {

enum class Colour { plain, green, yellow, red };

// Standard output, in one of its two forms.
class Screen {
 public:
  explicit Screen(const Globals& globals);

  // The form for people: on a terminal, or when asked for. Otherwise exactly one JSON document goes to standard output.
  [[nodiscard]] bool human() const { return human_; }

  // Writes text as it is.
  void print(std::string_view text) const;
  // The same, in colour.
  void print(std::string_view text, Colour colour) const;
  // One JSON document and a line end.
  void document(const Json& json) const;
  // "word       text", the word in colour. Both are made of printable() pieces.
  void row(std::string_view word, std::string_view text, Colour colour = Colour::plain) const;

 private:
  bool human_;
  bool colour_;
};

// Where the second column begins.
inline constexpr std::size_t column = 11;

// Standard error: what happened and why, then what to do next, each line of `next` indented.
void complain(std::string_view what, std::string_view next = {});

// The same text with every character that a terminal might obey, reorder or hide written as \uXXXX or \xXX.
std::string printable(std::string_view text);
// A text of several lines, each of them printable().
void print_lines(const Screen& screen, std::string_view text);
// The member of that name, the text printable(); 0 and empty where there is none.
std::uint64_t number_in(const Json& json, std::string_view name);
std::string text_in(const Json& json, std::string_view name);
// The compact form of a value, for a terminal: ASCII only.
std::string compact_text(const Json& json);
// The text as one word of a POSIX shell; one that cannot be shown exactly is shown as printable() has it.
std::string shell_word(std::string_view text);

std::string shortened(std::string_view hex);           // 3f9a…77c1
std::string with_separators(std::uint64_t number);     // 1,204
std::string with_unit(std::uint64_t bytes);            // 38 MiB
std::string seconds_text(std::int64_t duration_us);    // 0.31 s
std::string moment_text(UtcTime time);                 // 2026-11-21 14:12:40 UTC
std::string moment_text(std::string_view rfc3339);     // the same; as it is when it is no time
std::string posix_moment_text(std::uint64_t seconds);  // the same; of a time past the year 9999 the number
std::string lifetime_text(std::int64_t seconds);       // 5 minutes

}  // namespace openexec::cli
