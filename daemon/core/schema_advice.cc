// SPDX-License-Identifier: Apache-2.0
#include "daemon/core/schema_advice.h"

#include <algorithm>
#include <iterator>

namespace openexec {
namespace {

struct Advice {
  std::string_view keyword;
  std::string_view text;
};

constexpr std::string_view write_out = "write the schema out where it is used";
constexpr std::string_view write_one = "write one schema that holds for every value";
constexpr std::string_view name_members = "name each member in `properties`";
constexpr std::string_view one_items = "give all items one schema in `items`";

constexpr Advice advices[] = {
    {"$anchor", write_out},
    {"$defs", write_out},
    {"$dynamicAnchor", write_out},
    {"$dynamicRef", write_out},
    {"$id", write_out},
    {"$ref", write_out},
    {"additionalItems", one_items},
    {"allOf", write_one},
    {"anyOf", write_one},
    {"contains", one_items},
    {"definitions", write_out},
    {"dependencies", "use `required`"},
    {"dependentRequired", "use `required`"},
    {"dependentSchemas", write_one},
    {"else", write_one},
    {"format", "use `pattern`: by the specification a format need not be checked"},
    {"if", write_one},
    {"not", write_one},
    {"oneOf", write_one},
    {"patternProperties", name_members},
    {"prefixItems", one_items},
    {"propertyNames", name_members},
    {"then", write_one},
    {"unevaluatedItems", one_items},
    {"unevaluatedProperties", "use `additionalProperties`"},
};

}  // namespace

std::string_view schema_advice(std::string_view keyword) {
  const auto* const advice = std::ranges::find(advices, keyword, &Advice::keyword);
  return advice == std::ranges::end(advices) ? "docs/actions.md lists those that are" : advice->text;
}

}  // namespace openexec
