// SPDX-License-Identifier: Apache-2.0
#include "tests/support/random_json.h"

#include <array>
#include <bit>
#include <cmath>
#include <string_view>

namespace openexec {
namespace {

using std::string_view_literals::operator""sv;

constexpr std::array characters = {
    "\0"sv,     "\x01"sv,   "\b"sv,         "\t"sv,         "\n"sv,         "\f"sv,     "\r"sv,     "\x1F"sv,
    " "sv,      "\""sv,     "\\"sv,         "/"sv,          "0"sv,          "A"sv,      "a"sv,      "~"sv,
    "\x7F"sv,   "\u0080"sv, "\u00E9"sv,     "\u07FF"sv,     "\u0800"sv,     "\u2028"sv, "\uD7FF"sv, "\uE000"sv,
    "\uFEFF"sv, "\uFFFF"sv, "\U00010000"sv, "\U0001F600"sv, "\U0010FFFF"sv,
};

}  // namespace

double RandomJson::number() {
  double out = 0;
  do {
    out = std::bit_cast<double>(engine_());
  } while (!std::isfinite(out));
  return out;
}

std::string RandomJson::text(std::size_t characters_max) {
  std::string out;
  for (std::uint64_t left = below(characters_max + 1); left > 0; --left) {
    out += characters[below(characters.size())];
  }
  return out;
}

Json RandomJson::value(std::size_t depth) {
  switch (below(depth > 0 ? 9 : 6)) {
    case 0:
      return nullptr;
    case 1:
      return below(2) == 0;
    case 2:
      return std::bit_cast<std::int64_t>(engine_());
    case 3:
      return static_cast<std::int64_t>(below(2001)) - 1000;
    case 4:
      return below(2) == 0 ? number() : (static_cast<double>(below(2001)) - 1000) / 8;
    case 5:
      return text(12);
    case 6: {
      Json::Array out;
      for (std::uint64_t left = below(5); left > 0; --left) {
        out.push_back(value(depth - 1));
      }
      return out;
    }
    default: {
      std::vector<Member> members;
      for (std::uint64_t left = below(6); left > 0; --left) {
        std::string key = text(4);
        bool taken = false;
        for (const Member& member : members) {
          taken = taken || member.key == key;
        }
        if (!taken) {
          members.push_back({std::move(key), value(depth - 1)});
        }
      }
      return Json::object(std::move(members));
    }
  }
}

}  // namespace openexec
