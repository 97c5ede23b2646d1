// SPDX-License-Identifier: Apache-2.0
// The keyword `pattern`: a regular expression of RE2's syntax, which is near to ECMA-262's. docs/actions.md names the
// differences.
#pragma once

#include <cstdint>
#include <expected>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace re2 {
class RE2;
}

namespace openexec {

class SchemaPattern {
 public:
  static std::expected<SchemaPattern, std::string> compile(const std::string& pattern);

  // Anywhere in it, as JSON Schema has it: "^" and "$" are the ends of the whole text. At worst it takes steps_for()
  // it.
  [[nodiscard]] bool is_found_in(std::string_view text) const;
  // The text's size times that of the pattern, which a counted repetition makes large.
  [[nodiscard]] std::uint64_t steps_for(std::string_view text) const;
  [[nodiscard]] std::string_view text() const;

 private:
  explicit SchemaPattern(std::shared_ptr<const re2::RE2> expression) : expression_(std::move(expression)) {}
  std::shared_ptr<const re2::RE2> expression_;
};

}  // namespace openexec
