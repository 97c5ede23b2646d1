// SPDX-License-Identifier: Apache-2.0
#include "proto-json/json.h"

#include <simdjson.h>

#include <algorithm>
#include <functional>
#include <utility>

#include "proto-json/check.h"
#include "proto-json/limits.h"
#include "proto-json/lone_surrogate.h"
#include "proto-json/names.h"

namespace openexec {

// Makes objects of members that are known to be in order.
struct JsonBuilder {
  static Json object(Json::Object members) {
    Json out;
    out.value_ = std::move(members);
    return out;
  }
};

namespace {

namespace dom = simdjson::dom;

constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";
constexpr std::string_view too_deep = "nesting over 64";
static_assert(limits::json_depth_max == 64);

JsonError syntax_error(std::string_view message) {
  return {JsonError::Kind::syntax, std::string(message), std::nullopt, false};
}

// By key; members of one key stay in document order.
Json::Object sorted(Json::Object members) {
  if (std::ranges::is_sorted(members, std::less<>(), &Member::key)) {
    return members;
  }
  std::vector<Member*> order;
  order.reserve(members.size());
  for (Member& member : members) {
    order.push_back(&member);
  }
  std::ranges::sort(order, [](const Member* a, const Member* b) {
    const int by_key = a->key.compare(b->key);
    return by_key != 0 ? by_key < 0 : a < b;
  });
  Json::Object out;
  out.reserve(members.size());
  for (Member* const member : order) {
    out.push_back(std::move(*member));
  }
  return out;
}

// simdjson's tree to ours.
class Converter {
 public:
  std::expected<Json, std::string_view> convert(dom::element element, std::size_t depth) {
    // Not a switch: later versions of simdjson have further types.
    const dom::element_type type = element.type();
    if (type == dom::element_type::STRING) {
      return convert_scalar<std::string_view>(element);
    }
    if (type == dom::element_type::OBJECT) {
      return convert_object(element, depth + 1);
    }
    if (type == dom::element_type::ARRAY) {
      return convert_array(element, depth + 1);
    }
    if (type == dom::element_type::INT64) {
      return convert_scalar<std::int64_t>(element);
    }
    if (type == dom::element_type::DOUBLE) {
      return convert_scalar<double>(element);
    }
    if (type == dom::element_type::BOOL) {
      return convert_scalar<bool>(element);
    }
    if (type == dom::element_type::NULL_VALUE) {
      return Json();
    }
    // UINT64 holds only what is beyond INT64.
    return std::unexpected("integer outside -2^63..2^63-1");
  }

  // The first duplicate that was met.
  [[nodiscard]] const std::optional<std::string>& duplicate() const { return duplicate_; }
  [[nodiscard]] bool top_level_id_is_duplicate() const { return top_level_id_is_duplicate_; }

 private:
  template <typename T>
  static std::expected<Json, std::string_view> convert_scalar(dom::element element) {
    T value{};
    if (element.get<T>().get(value) != simdjson::SUCCESS) {
      return std::unexpected("not JSON");
    }
    return Json(value);
  }

  std::expected<Json, std::string_view> convert_array(dom::element element, std::size_t depth) {
    dom::array array;
    if (depth > limits::json_depth_max || element.get_array().get(array) != simdjson::SUCCESS) {
      return std::unexpected(too_deep);
    }
    Json::Array out;
    out.reserve(array.size());
    for (const dom::element item : array) {
      auto value = convert(item, depth);
      if (!value) {
        return value;
      }
      out.push_back(std::move(*value));
    }
    return Json(std::move(out));
  }

  std::expected<Json, std::string_view> convert_object(dom::element element, std::size_t depth) {
    dom::object object;
    if (depth > limits::json_depth_max || element.get_object().get(object) != simdjson::SUCCESS) {
      return std::unexpected(too_deep);
    }
    Json::Object out;
    out.reserve(object.size());
    for (const dom::key_value_pair member : object) {
      auto value = convert(member.value, depth);
      if (!value) {
        return value;
      }
      out.push_back({std::string(member.key), std::move(*value)});
    }
    out = sorted(std::move(out));
    drop_duplicates(out, depth);
    return JsonBuilder::object(std::move(out));
  }

  void drop_duplicates(Json::Object& members, std::size_t depth) {
    const auto is_duplicate = [&](const Member& a, const Member& b) {
      if (a.key != b.key) {
        return false;
      }
      if (!duplicate_) {
        duplicate_ = a.key;
      }
      if (depth == 1 && a.key == "id") {
        top_level_id_is_duplicate_ = true;
      }
      return true;
    };
    members.erase(std::unique(members.begin(), members.end(), is_duplicate), members.end());
  }

  std::optional<std::string> duplicate_;
  bool top_level_id_is_duplicate_ = false;
};

std::string_view explain(simdjson::error_code error) {
  if (error == simdjson::UTF8_ERROR) {
    return "not UTF-8";
  }
  if (error == simdjson::DEPTH_ERROR) {
    return too_deep;
  }
  if (error == simdjson::NUMBER_ERROR) {
    return "a number that is malformed, or outside what 64 bits hold";
  }
  if (error == simdjson::TAPE_ERROR) {
    return "not exactly one well-formed JSON value";
  }
  return simdjson::error_message(error);
}

// One parser a thread: its buffers are worth keeping from one message to the next, unless a large document made them
// large.
class Parser {
 public:
  // Valid until the next call.
  std::expected<dom::element, std::string_view> parse(std::string_view text) {
    // simdjson counts an empty container on the deepest level differently in different versions: it gets one level of
    // leeway, and Converter holds to the bound.
    constexpr std::size_t parser_depth_max = limits::json_depth_max + 2;
    if (parser_.max_depth() != parser_depth_max) {
      if (const auto error = parser_.allocate(limits::read_buffer_bytes, parser_depth_max)) {
        return std::unexpected(explain(error));
      }
    }
    dom::element element;
    if (const auto error = parser_.parse(text.data(), text.size(), true).get(element)) {
      return std::unexpected(explain(error));
    }
    return element;
  }

  void let_go_after(std::size_t document_bytes) {
    if (document_bytes > limits::json_parser_keep_bytes_max) {
      parser_ = dom::parser();
    }
  }

 private:
  dom::parser parser_;
};

std::expected<Json, JsonError> parse_with(Parser& parser, std::string_view text) {
  const auto element = parser.parse(text);
  if (!element) {
    return std::unexpected(syntax_error(element.error()));
  }
  Converter converter;
  auto value = converter.convert(*element, 0);
  if (!value) {
    return std::unexpected(syntax_error(value.error()));
  }
  if (converter.duplicate()) {
    return std::unexpected(JsonError{JsonError::Kind::duplicate_member,
                                     "duplicate member " + quoted_name(*converter.duplicate()), std::move(*value),
                                     converter.top_level_id_is_duplicate()});
  }
  return std::move(*value);
}

}  // namespace

Json Json::object(std::vector<Member> members) {
  members = sorted(std::move(members));
  OPENEXEC_CHECK(std::ranges::adjacent_find(members, std::equal_to<>(), &Member::key) == members.end());
  return JsonBuilder::object(std::move(members));
}

Json Json::object(std::initializer_list<Member> members) { return object(std::vector<Member>(members)); }

const Json* Json::find(std::string_view key) const {
  const Object* const members = if_object();
  if (members == nullptr) {
    return nullptr;
  }
  const auto found = std::ranges::lower_bound(*members, key, std::less<>(), &Member::key);
  return found != members->end() && found->key == key ? &found->value : nullptr;
}

const std::string* Json::find_string(std::string_view key) const {
  const Json* const value = find(key);
  return value == nullptr ? nullptr : value->if_string();
}

Json Json::take(std::string_view key) {
  auto* const members = std::get_if<Object>(&value_);
  if (members == nullptr) {
    return {};
  }
  const auto found = std::ranges::lower_bound(*members, key, std::less<>(), &Member::key);
  return found != members->end() && found->key == key ? std::exchange(found->value, Json()) : Json();
}

Json::Object Json::take_members() {
  auto* const members = std::get_if<Object>(&value_);
  return members == nullptr ? Object() : std::exchange(*members, {});
}

bool Json::operator==(const Json& other) const { return value_ == other.value_; }

std::expected<Json, JsonError> parse_json(std::string_view text) {
  if (text.empty()) {
    return std::unexpected(syntax_error("empty"));
  }
  // Some versions of simdjson skip it.
  if (text.starts_with(byte_order_mark)) {
    return std::unexpected(syntax_error("a byte order mark"));
  }
  if (has_lone_surrogate(text)) {
    return std::unexpected(syntax_error("a lone surrogate"));
  }
  thread_local Parser parser;
  auto out = parse_with(parser, text);
  parser.let_go_after(text.size());
  return out;
}

}  // namespace openexec
