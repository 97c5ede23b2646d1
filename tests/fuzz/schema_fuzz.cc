// SPDX-License-Identifier: Apache-2.0
// A schema in the first line, a value in the rest.
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "daemon/core/json_value.h"
#include "daemon/core/schema.h"
#include "proto-json/bytes.h"
#include "proto-json/canonical.h"
#include "proto-json/check.h"
#include "proto-json/json.h"

namespace openexec {
namespace {

bool is_one_printable_line(std::string_view text) {
  for (const char c : text) {
    if (static_cast<unsigned char>(c) < 0x20) {
      return false;
    }
  }
  return !text.empty();
}

void check_value(const Schema& schema, const Schema& closed, const Json& value) {
  const auto objection = schema.objection(value);
  OPENEXEC_CHECK(schema.objection(*parse_json(to_compact(value))) == objection);
  // What is closed takes no more than what is open.
  OPENEXEC_CHECK(!objection || closed.objection(value));
}

void check_schema(const Json& document, std::string_view rest) {
  const Json closed_document = Schema::closed(document);
  OPENEXEC_CHECK(Schema::closed(closed_document) == closed_document);
  const auto schema = Schema::compile(document);
  const auto closed = Schema::compile(closed_document);
  if (!schema) {
    OPENEXEC_CHECK(!closed);
    OPENEXEC_CHECK(is_one_printable_line(schema.error()));
    return;
  }
  OPENEXEC_CHECK(closed.has_value() && schema->document() == document);
  if (const auto value = parse_json(rest)) {
    check_value(*schema, *closed, *value);
    OPENEXEC_CHECK(value_key(*value) == value_key(*parse_json(to_compact(*value))));
  }
}

}  // namespace
}  // namespace openexec

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = openexec::text_of({data, size});
  const std::size_t line = text.find('\n');
  if (const auto document = openexec::parse_json(text.substr(0, line))) {
    openexec::check_schema(*document, line == std::string_view::npos ? std::string_view() : text.substr(line + 1));
  }
  return 0;
}
