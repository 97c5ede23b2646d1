// SPDX-License-Identifier: Apache-2.0
// Strict JSON (RFC 8259): UTF-8 without BOM, no duplicate members, no lone surrogates, integers within 64 bits,
// finite doubles, bounded depth. A document becomes a value tree of our own, so that signed bytes never depend on a
// parser.
#pragma once

#include <cstdint>
#include <expected>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace openexec {

struct Member;

class Json {
 public:
  using Array = std::vector<Json>;
  // Sorted by key bytes (for UTF-8 that is code point order), no key twice. `object()` establishes both.
  using Object = std::vector<Member>;

  Json();  // null
  Json(std::nullptr_t);
  Json(bool value);
  Json(std::int64_t value);
  Json(int value);
  Json(double value);
  Json(std::string value);
  Json(std::string_view value);
  Json(const char* value);
  Json(Array value);

  // An object of these members. Aborts on a duplicate key: members of our own making.
  static Json object(std::vector<Member> members);
  static Json object(std::initializer_list<Member> members);

  [[nodiscard]] bool is_null() const { return std::holds_alternative<std::nullptr_t>(value_); }
  [[nodiscard]] const bool* if_bool() const { return std::get_if<bool>(&value_); }
  [[nodiscard]] const std::int64_t* if_int() const { return std::get_if<std::int64_t>(&value_); }
  [[nodiscard]] const double* if_double() const { return std::get_if<double>(&value_); }
  [[nodiscard]] const std::string* if_string() const { return std::get_if<std::string>(&value_); }
  [[nodiscard]] const Array* if_array() const { return std::get_if<Array>(&value_); }
  [[nodiscard]] const Object* if_object() const { return std::get_if<Object>(&value_); }

  // The member of that name; nullptr when this is no object or has none.
  [[nodiscard]] const Json* find(std::string_view key) const;
  // The string member of that name; nullptr when there is none or it is no string.
  [[nodiscard]] const std::string* find_string(std::string_view key) const;
  // The member's value, moved out: null stands in its place afterwards. Null when there is none.
  [[nodiscard]] Json take(std::string_view key);
  // All members, moved out: an empty object stays. None when this is no object.
  [[nodiscard]] Object take_members();

  bool operator==(const Json&) const;

 private:
  friend struct JsonBuilder;
  std::variant<std::nullptr_t, bool, std::int64_t, double, std::string, Array, Object> value_;
};

struct Member {
  std::string key;
  Json value;
  bool operator==(const Member&) const = default;
};

// Here and not in the class, which holds Members: only now they are complete.
inline Json::Json() = default;
inline Json::Json(std::nullptr_t) {}
inline Json::Json(bool value) : value_(value) {}
inline Json::Json(std::int64_t value) : value_(value) {}
inline Json::Json(int value) : value_(std::int64_t{value}) {}
inline Json::Json(double value) : value_(value) {}
inline Json::Json(std::string value) : value_(std::move(value)) {}
inline Json::Json(std::string_view value) : value_(std::string(value)) {}
inline Json::Json(const char* value) : value_(std::string(value)) {}
inline Json::Json(Array value) : value_(std::move(value)) {}

struct JsonError {
  enum class Kind { syntax, duplicate_member };
  Kind kind;
  std::string message;  // what is wrong; quotes nothing of the text but, for a duplicate, the member's name
  // For a duplicate in an otherwise good document: the document, the first of each set of duplicates kept (in document
  // order), and whether "id" of the top-level object is itself a duplicate. The framing needs both to answer with the
  // request's id.
  std::optional<Json> with_first_members;
  bool top_level_id_is_duplicate = false;
};

// Parses one whole document. Any byte beyond it but JSON white space is an error. Depth is bounded by json_depth_max.
std::expected<Json, JsonError> parse_json(std::string_view text);

}  // namespace openexec
