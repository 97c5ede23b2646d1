// SPDX-License-Identifier: Apache-2.0
#include "tests/simulation/actions.h"

#include <fmt/format.h>

#include "proto-json/check.h"

namespace openexec::simulation {
namespace {

std::optional<std::string> needs_ref(const Json& payload) {
  return ref_of(payload) ? std::nullopt : std::optional<std::string>("/ref: required");
}

std::expected<Json, std::string> note(const Json& payload) {
  const std::int64_t ref = ref_of(payload).value_or(1);
  if (ref % 2 != 0) {
    return std::unexpected("odd");
  }
  return Json::object({{"noted", ref}});
}

// The simulated Runner stands for the effect: this is never called.
std::expected<Json, std::string> never(const Json& payload) {
  static_cast<void>(payload);
  OPENEXEC_CHECK(false);
  return std::unexpected("");
}

}  // namespace

Registry make_registry(bool bounded) {
  Registry registry;
  add_builtins(registry);
  const Json schema = Json::object({{"type", "object"}});
  bool added = registry
                   .add({.name = "note",
                         .description = "Notes an even number",
                         .schema = schema,
                         .effect = Effect::pure,
                         .check = needs_ref,
                         .run = note})
                   .has_value();
  for (const char* name : {"pay", "ship", "secret"}) {
    Action action{.name = name, .description = "Has an effect", .schema = schema, .check = {}, .run = never};
    if (bounded) {
      action.concurrency = concurrency_of(name);
    }
    if (checks_payload(name)) {
      action.check = needs_ref;
    }
    added = registry.add(std::move(action)).has_value() && added;
  }
  OPENEXEC_CHECK(added);
  return registry;
}

bool is_effectful(std::string_view action) { return action == "pay" || action == "ship" || action == "secret"; }
bool is_registered(std::string_view action) {
  return is_effectful(action) || action == "echo" || action == "add" || action == "note";
}
bool checks_payload(std::string_view action) { return action == "add" || action == "note" || action == "pay"; }

std::size_t concurrency_of(std::string_view action) { return action == "pay" ? 1 : action == "ship" ? 2 : 3; }

Json payload_of(const Work& work) {
  if (!work.payload_good) {
    return Json::object({{"a", fmt::format("x{}", work.ref)}});
  }
  if (work.action == "add") {
    return Json::object({{"a", work.ref}, {"b", 1}});
  }
  return Json::object({{"ref", work.ref}});
}

std::optional<std::int64_t> ref_of(const Json& payload) {
  const Json* ref = payload.find("ref");
  return ref != nullptr && ref->if_int() != nullptr ? std::optional(*ref->if_int()) : std::nullopt;
}

PureOutcome pure_outcome(const Work& work) {
  if (work.action == "add") {
    return {ReceiptKind::executed, fmt::format("{{\"sum\": {}}}", work.ref + 1)};
  }
  if (work.action == "note") {
    return work.ref % 2 == 0 ? PureOutcome{ReceiptKind::executed, fmt::format("{{\"noted\": {}}}", work.ref)}
                             : PureOutcome{ReceiptKind::failed, "{\"error\": \"odd\"}"};
  }
  return {ReceiptKind::executed, fmt::format("{{\"echo\": {{\"ref\": {}}}}}", work.ref)};
}

}  // namespace openexec::simulation
