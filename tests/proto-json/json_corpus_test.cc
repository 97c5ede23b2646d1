// SPDX-License-Identifier: Apache-2.0
// The JSON parsing test suite: y_ must be read, n_ must be refused, i_ is up to the implementation.
#include <algorithm>
#include <string_view>

#include "proto-json/canonical.h"
#include "proto-json/json.h"
#include "tests/support/catch.h"
#include "tests/support/corpora.h"
#include "tests/support/vectors.h"

namespace openexec {
namespace {

// The y_ files that our rules refuse: both hold a duplicate member.
constexpr std::string_view duplicates[] = {"y_object_duplicated_key.json", "y_object_duplicated_key_and_value.json"};

// What we make of each i_ file: its compact form, or nothing where we refuse it.
struct Choice {
  std::string_view name;
  std::string_view compact;
};
constexpr std::string_view refused = "";
constexpr Choice choices[] = {
    {"i_number_double_huge_neg_exp.json", "[0.0]"},
    {"i_number_huge_exp.json", refused},
    {"i_number_neg_int_huge_exp.json", refused},
    {"i_number_pos_double_huge_exp.json", refused},
    {"i_number_real_neg_overflow.json", refused},
    {"i_number_real_pos_overflow.json", refused},
    {"i_number_real_underflow.json", "[0.0]"},
    {"i_number_too_big_neg_int.json", refused},
    {"i_number_too_big_pos_int.json", refused},
    {"i_number_very_big_negative_int.json", refused},
    {"i_object_key_lone_2nd_surrogate.json", refused},
    {"i_string_1st_surrogate_but_2nd_missing.json", refused},
    {"i_string_1st_valid_surrogate_2nd_invalid.json", refused},
    {"i_string_UTF-16LE_with_BOM.json", refused},
    {"i_string_UTF-8_invalid_sequence.json", refused},
    {"i_string_UTF8_surrogate_U+D800.json", refused},
    {"i_string_incomplete_surrogate_and_escape_valid.json", refused},
    {"i_string_incomplete_surrogate_pair.json", refused},
    {"i_string_incomplete_surrogates_escape_valid.json", refused},
    {"i_string_invalid_lonely_surrogate.json", refused},
    {"i_string_invalid_surrogate.json", refused},
    {"i_string_invalid_utf-8.json", refused},
    {"i_string_inverted_surrogates_U+1D11E.json", refused},
    {"i_string_iso_latin_1.json", refused},
    {"i_string_lone_second_surrogate.json", refused},
    {"i_string_lone_utf8_continuation_byte.json", refused},
    {"i_string_not_in_unicode_range.json", refused},
    {"i_string_overlong_sequence_2_bytes.json", refused},
    {"i_string_overlong_sequence_6_bytes.json", refused},
    {"i_string_overlong_sequence_6_bytes_null.json", refused},
    {"i_string_truncated-utf-8.json", refused},
    {"i_string_utf16BE_no_BOM.json", refused},
    {"i_string_utf16LE_no_BOM.json", refused},
    {"i_structure_500_nested_arrays.json", refused},
    {"i_structure_UTF-8_BOM_empty_object.json", refused},
};

void check_read(std::string_view name, const std::expected<Json, JsonError>& value) {
  if (std::ranges::find(duplicates, name) != std::end(duplicates)) {
    REQUIRE_FALSE(value.has_value());
    CHECK(value.error().kind == JsonError::Kind::duplicate_member);
    return;
  }
  REQUIRE(value.has_value());
  CHECK(parsed(to_compact(*value)) == *value);
}

void check_choice(std::string_view name, const std::expected<Json, JsonError>& value) {
  const auto* const choice = std::ranges::find(choices, name, &Choice::name);
  REQUIRE(choice != std::end(choices));
  CHECK((value ? to_compact(*value) : refused) == choice->compact);
}

TEST_CASE("each file of the JSON parsing test suite is read or refused as it must be") {
  const auto corpus = find_corpus("json-test-suite");
  if (!corpus) {
    return;
  }
  std::size_t files[3] = {};
  for (const auto& path : corpus_files(*corpus)) {
    const std::string name = path.filename().string();
    INFO(name);
    const auto value = parse_json(read_file(path));
    if (name.starts_with("y_")) {
      ++files[0];
      check_read(name, value);
    } else if (name.starts_with("n_")) {
      ++files[1];
      CHECK_FALSE(value.has_value());
    } else if (name.starts_with("i_")) {
      ++files[2];
      check_choice(name, value);
    }
  }
  CHECK(files[0] >= 95);
  CHECK(files[1] >= 188);
  CHECK(files[2] == std::size(choices));
}

}  // namespace
}  // namespace openexec
