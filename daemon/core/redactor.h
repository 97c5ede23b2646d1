// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "daemon/core/secret_search.h"
#include "proto-json/json.h"

namespace openexec {

inline constexpr std::string_view redacted_text = "[redacted]";

// Replaces a command's secrets wherever they stand whole, also behind the escapes of JSON: also those that overlap or
// touch, as one, and those that a replacement brings together. Takes time in proportion to the text.
class Redactor {
 public:
  // Each secret is longer than redacted_text: so every replacement makes a text shorter, and there is a last one.
  explicit Redactor(std::span<const std::string_view> secrets);

  // Of the first `bytes_max` bytes, in UTF-8: what is none becomes U+FFFD. A secret that begins before the bound is
  // replaced whole, and nothing from past it moves in. A character that the bound cuts is left out.
  [[nodiscard]] std::string text(std::string_view bytes, std::size_t bytes_max = std::string_view::npos) const;
  // In every string and in every name of a member; names that become the same get numbers. A number whose text holds a
  // secret is replaced, and so is the whole value when a secret still stands in its text.
  [[nodiscard]] Json value(const Json& json) const;

 private:
  [[nodiscard]] bool holds_secret(std::string_view text) const { return !search_.find(text).places.empty(); }
  [[nodiscard]] Json parts(const Json& json) const;
  [[nodiscard]] Json object(const Json::Object& members) const;

  SecretSearch search_;
};

}  // namespace openexec
