// SPDX-License-Identifier: Apache-2.0
#include "daemon/core/secret_search.h"

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "tests/support/catch.h"

namespace openexec {
namespace {

using Place = SecretSearch::Place;

std::vector<Place> found(const std::vector<std::string>& secrets, std::string_view text) {
  const std::vector<std::string_view> views(secrets.begin(), secrets.end());
  return SecretSearch(views).find(text).places;
}

// Every place of every secret by itself, then joined.
std::vector<Place> found_by_hand(const std::vector<std::string>& secrets, std::string_view text) {
  std::vector<bool> covered(text.size() + 1);
  std::vector<bool> joined(text.size() + 1);  // to the byte before
  for (const std::string& secret : secrets) {
    for (std::size_t at = text.find(secret); at != std::string_view::npos; at = text.find(secret, at + 1)) {
      std::fill_n(covered.begin() + static_cast<std::ptrdiff_t>(at), secret.size(), true);
    }
  }
  std::vector<Place> out;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (covered[at] && at > 0 && covered[at - 1]) {
      out.back().end = at + 1;
    } else if (covered[at]) {
      out.push_back({at, at + 1});
    }
  }
  return out;
}

TEST_CASE("secrets are found that begin alike, end alike, hold one another and stand twice in the list") {
  const std::vector<std::string> secrets = {"abcd", "abce", "abcdef", "bcd", "cdefg", "abcd", "xabc", "\xFF\x01"};
  CHECK(found(secrets, "abcd").size() == 1);
  CHECK(found(secrets, "-abcdefg-") == std::vector<Place>{{1, 8}});
  CHECK(found(secrets, "-abce-xabcf-bcd") == std::vector<Place>{{1, 5}, {6, 10}, {12, 15}});
  CHECK(found(secrets, "xab\xFF\x01") == std::vector<Place>{{3, 5}});
  CHECK(found(secrets, "abc bc cdef").empty());
  CHECK(found({}, "abc").empty());
}

TEST_CASE("all secrets are found just where each by itself is") {
  std::mt19937 random(11);
  const auto made = [&](std::size_t bytes, unsigned letters) {
    std::string out(bytes, ' ');
    std::ranges::generate(out, [&] { return static_cast<char>('a' + random() % letters); });
    return out;
  };
  for (int round = 0; round < 3000; ++round) {
    const unsigned letters = 1 + random() % 3;
    std::vector<std::string> secrets(1 + random() % 8);
    std::ranges::generate(secrets, [&] { return made(1 + random() % 9, letters); });
    const std::string text = made(random() % 60, letters);
    INFO(text);
    REQUIRE(found(secrets, text) == found_by_hand(secrets, text));
  }
}

TEST_CASE("a place has the bytes of the text, however its characters are written") {
  CHECK(found({"a/\"\u20ac"}, R"(-a\/\"\u20AC-)") == std::vector<Place>{{1, 12}});
  CHECK(found({"\U0001F600"}, R"(\ud83d\ude00)") == std::vector<Place>{{0, 12}});
  CHECK(found({"\xAC"
               "bc"},
              R"(-\u20acbc)") == std::vector<Place>{{1, 9}});
  // As they are, where a backslash is one.
  CHECK(found({"\\n\\u0041"}, R"(-\n\u0041-)") == std::vector<Place>{{1, 9}});
  CHECK(found({"abc", "bcd"}, R"(abc\u0064)") == std::vector<Place>{{0, 9}});
}

TEST_CASE("the time for a text does not grow with how many secrets there are, nor with what is in it") {
  constexpr std::size_t secret_bytes = 4096;
  constexpr std::size_t text_bytes = std::size_t{1} << 20;
  const auto repeated = [](std::string_view part, std::size_t bytes) {
    std::string out;
    while (out.size() < bytes) {
      out += part;
    }
    return out.substr(0, bytes);
  };
  std::vector<std::string> secrets;
  for (char i = 0; i < 32; ++i) {
    std::string late = repeated("a", secret_bytes);  // it differs from the others, and from the text, late
    late[secret_bytes - 1 - static_cast<std::size_t>(i)] = 'b';
    secrets.push_back(late);
    secrets.push_back(repeated(std::string("a") + static_cast<char>('0' + i), secret_bytes));
  }
  const std::vector<std::string_view> views(secrets.begin(), secrets.end());
  const SecretSearch search(views);
  for (const std::string& part :
       {std::string("a"), std::string("a0"), std::string("a0a1a2"), secrets[1].substr(1), secrets[0].substr(0, 4095),
        std::string("\\u0061"), std::string("a\\u0061"), std::string("\\"), std::string("\xFF")}) {
    INFO(part.substr(0, 16));
    const auto steps = search.find(repeated(part, text_bytes)).steps;
    CHECK(steps <= SecretSearch::steps_per_byte_max * text_bytes);
  }
  CHECK(search.find(repeated("a", text_bytes)).steps >= text_bytes);  // they are counted
}

}  // namespace
}  // namespace openexec
