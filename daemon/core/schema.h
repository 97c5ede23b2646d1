// SPDX-License-Identifier: Apache-2.0
// JSON Schema 2020-12 (json-schema.org/draft/2020-12), as much of it as an action's payload needs; docs/actions.md
// lists the keywords. Whoever writes a schema is trusted, whoever sends a payload is not: judging a value takes time
// that grows with its size and no faster (but for the logarithm of a sort, in uniqueItems).
#pragma once

#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "proto-json/json.h"

namespace openexec {

struct SchemaNode;

class Schema {
 public:
  // The error is "POINTER: what", the pointer into the document and "the schema" for all of it: an unknown keyword, an
  // ill-typed one, a pattern that RE2 does not take, more than limits::schema_*.
  static std::expected<Schema, std::string> compile(Json document);
  // The document with `additionalProperties: false` wherever it describes an object (has `properties`, or a `type` that
  // names it) and does not say.
  static Json closed(const Json& document);

  // The first thing that does not fit, as "POINTER: what the rule says"; the pointer into the value and "the payload"
  // for all of it, the keyword in backquotes. Of the value itself it holds member names and nothing else, each as
  // quoted_name() has it. Nothing when all fits.
  [[nodiscard]] std::optional<std::string> objection(const Json& value) const;
  [[nodiscard]] const Json& document() const { return document_; }

 private:
  Schema(Json document, std::shared_ptr<const SchemaNode> root)
      : document_(std::move(document)), root_(std::move(root)) {}
  Json document_;
  std::shared_ptr<const SchemaNode> root_;  // shared: an Action that holds one can be copied
};

}  // namespace openexec
