// SPDX-License-Identifier: Apache-2.0
#include "daemon/core/redactor.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "proto-json/canonical.h"
#include "proto-json/check.h"
#include "proto-json/encoding.h"
#include "proto-json/utf8.h"

namespace openexec {
namespace {

constexpr std::string_view replacement_character = "\xEF\xBF\xBD";  // U+FFFD

// More than any text of honest programs takes: a text that still holds a secret then is given up.
constexpr int passes_max = 8;

std::string as_utf8(std::string text) {
  if (is_utf8(text)) {
    return text;
  }
  std::string out;
  out.reserve(text.size() + text.size() / 8);
  std::string_view rest = text;
  while (!rest.empty()) {
    const auto character = first_utf8_character(rest);
    const std::size_t bytes = character ? character->bytes : 1;
    out += character ? rest.substr(0, bytes) : replacement_character;
    rest.remove_prefix(bytes);
  }
  return out;
}

// Where a text that ends before `bytes_max` is cut so that no character is.
std::size_t whole_characters(std::string_view bytes, std::size_t bytes_max) {
  if (bytes.size() <= bytes_max) {
    return bytes.size();
  }
  constexpr std::size_t character_bytes_max = 4;
  for (std::size_t back = 1; back < character_bytes_max && back <= bytes_max; ++back) {
    const auto character = first_utf8_character(bytes.substr(bytes_max - back));
    if (character) {
      return character->bytes > back ? bytes_max - back : bytes_max;
    }
  }
  return bytes_max;
}

// The first `size` bytes, with a secret that begins in them replaced whole.
std::string replaced(std::string_view bytes, std::span<const SecretSearch::Place> secrets, std::size_t size) {
  std::string out;
  out.reserve(size);
  std::size_t copied = 0;
  for (const SecretSearch::Place& secret : secrets) {
    if (secret.begin >= size) {
      break;
    }
    out += bytes.substr(copied, secret.begin - copied);
    out += redacted_text;
    copied = secret.end;
  }
  if (copied < size) {
    out += bytes.substr(copied, size - copied);
  }
  return out;
}

}  // namespace

Redactor::Redactor(std::span<const std::string_view> secrets) : search_(secrets) {
  OPENEXEC_CHECK(std::ranges::all_of(secrets, [](auto secret) { return secret.size() > redacted_text.size(); }));
}

std::string Redactor::text(std::string_view bytes, std::size_t bytes_max) const {
  auto found = search_.find(bytes).places;
  std::string out = as_utf8(replaced(bytes, found, whole_characters(bytes, bytes_max)));
  if (found.empty() && out == bytes) {
    return out;
  }
  // A replacement, a repair or a cut can make a secret whole.
  for (int pass = 0; pass < passes_max; ++pass) {
    found = search_.find(out).places;
    if (found.empty()) {
      return out;
    }
    out = as_utf8(replaced(out, found, out.size()));
  }
  return std::string(redacted_text);
}

Json Redactor::value(const Json& json) const {
  if (!search_.has_secrets()) {
    return json;
  }
  // Its own layout may be a secret's, which may be a JSON text.
  Json out = parts(json);
  return holds_secret(to_spaced(out)) ? Json(redacted_text) : out;
}

Json Redactor::parts(const Json& json) const {
  if (const std::string* string = json.if_string()) {
    return text(*string);
  }
  if (const Json::Array* array = json.if_array()) {
    Json::Array out;
    out.reserve(array->size());
    for (const Json& element : *array) {
      out.push_back(parts(element));
    }
    return out;
  }
  if (const Json::Object* members = json.if_object()) {
    return object(*members);
  }
  return holds_secret(to_spaced(json)) || holds_secret(to_jcs(json)) ? Json(redacted_text) : json;
}

Json Redactor::object(const Json::Object& members) const {
  std::vector<Member> out;
  out.reserve(members.size());
  std::vector<Member> renamed;
  for (const Member& member : members) {
    Member redacted{text(member.key), parts(member.value)};
    (redacted.key == member.key ? out : renamed).push_back(std::move(redacted));
  }
  std::set<std::string> taken;
  if (!renamed.empty()) {
    for (const Member& member : out) {
      taken.insert(member.key);
    }
  }
  std::map<std::string, std::size_t> next_number;
  for (Member& member : renamed) {
    std::string key = member.key;
    while (!taken.insert(key).second) {
      key = member.key + " " + std::to_string(++next_number.try_emplace(member.key, 1).first->second);
    }
    member.key = std::move(key);
    out.push_back(std::move(member));
  }
  return Json::object(std::move(out));
}

}  // namespace openexec
