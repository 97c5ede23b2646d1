// SPDX-License-Identifier: Apache-2.0
// The action that docs/actions.md shows, compiled and run.
#include <expected>
#include <filesystem>
#include <string>

#include "daemon/core/registry.h"
#include "daemon/core/schema.h"
#include "proto-json/check.h"
#include "tests/support/catch.h"
#include "tests/support/doc_blocks.h"
#include "tests/support/vectors.h"

namespace openexec {
namespace {

// One price in another currency: a pure function, so claim and outcome are one commit.
Action price_convert() {
  const Json cents = Json::object({{"type", "integer"}, {"minimum", 0}, {"maximum", 1'000'000}});
  auto schema = Schema::compile(Schema::closed(Json::object({{"type", "object"},
                                                             {"properties", Json::object({{"cents", cents}})},
                                                             {"required", Json(Json::Array{"cents"})}})));
  OPENEXEC_CHECK(schema.has_value());
  Action action;
  action.name = "price.convert";
  action.description = "Cents to pence, at the rate of this release";
  action.effect = Effect::pure;
  action.schema = schema->document();
  action.check = [schema = *std::move(schema)](const Json& payload) { return schema.objection(payload); };
  action.run = [](const Json& payload) -> std::expected<Json, std::string> {
    const std::int64_t* const amount = payload.find("cents")->if_int();
    if (amount == nullptr) {
      return std::unexpected("write cents without a fraction");
    }
    return Json::object({{"pence", *amount * 79 / 100}});
  };
  return action;
}

TEST_CASE("the action that docs/actions.md shows is this one, and does what it says") {
  Registry registry;
  REQUIRE(registry.add(price_convert()).has_value());
  const Action* const action = registry.find("price.convert");
  REQUIRE(action != nullptr);
  CHECK_FALSE(action->check(parsed(R"({"cents":250})")).has_value());
  CHECK(action->check(parsed(R"({"cents":-1})")) == "/cents: `minimum` is 0");
  CHECK(action->check(parsed(R"({"cents":1,"rate":2})")).has_value());
  CHECK(evaluate(*action, parsed(R"({"cents":250})")).result == R"({"pence": 197})");
  CHECK(evaluate(*action, parsed(R"({"cents":250.0})")).status == ReceiptKind::failed);

  std::string shown;
  for (const test::DocBlock& block : test::doc_blocks("docs/actions.md")) {
    if (block.language == "cpp") {
      shown = block.text;
    }
  }
  const auto source = std::filesystem::path(OPENEXEC_SOURCE_DIR) / "tests/core/action_example_test.cc";
  REQUIRE_FALSE(shown.empty());
  CHECK(read_file(source).find(shown) != std::string::npos);
}

}  // namespace
}  // namespace openexec
