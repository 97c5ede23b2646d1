// SPDX-License-Identifier: Apache-2.0
#include "daemon/core/registry.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <exception>

#include "proto-json/canonical.h"
#include "proto-json/check.h"
#include "proto-json/crypto.h"
#include "proto-json/encoding.h"
#include "proto-json/limits.h"
#include "proto-json/message.h"

namespace openexec {
namespace {

// What callers are told of it.
std::vector<Member> listing(const Action& action) {
  return {{"description", action.description},
          {"effect", to_text(action.effect)},
          {"name", action.name},
          {"schema", action.schema}};
}

Json definition(const Action& action) {
  std::vector<Member> out = listing(action);
  if (action.command != nullptr) {
    out.push_back({"command", to_json(*action.command)});
    out.push_back({"concurrency", static_cast<std::int64_t>(action.concurrency)});
  }
  return Json::object(std::move(out));
}

RunResult failed(std::string_view text) { return {ReceiptKind::failed, to_spaced(Json::object({{"error", text}})), 0}; }

// Text an action gave: what is no UTF-8 cannot stand in a result.
std::string printable(std::string_view text) {
  return is_utf8(text) ? std::string(text) : "the action failed, and its message is not UTF-8";
}

// The operand of `add`; nothing when it is no number. An absent one is the integer 0.
std::optional<Json> operand(const Json& payload, std::string_view name) {
  const Json* value = payload.find(name);
  if (value == nullptr) {
    return Json(0);
  }
  return value->if_int() != nullptr || value->if_double() != nullptr ? std::optional(*value) : std::nullopt;
}

// The sum; a text when there is none.
std::expected<Json, std::string> sum(const Json& payload) {
  const auto a = operand(payload, "a");
  const auto b = operand(payload, "b");
  if (!a || !b) {
    return std::unexpected(std::string(!a ? "/a" : "/b") + ": not a number");
  }
  if (a->if_int() != nullptr && b->if_int() != nullptr) {
    std::int64_t total = 0;
    if (__builtin_add_overflow(*a->if_int(), *b->if_int(), &total)) {
      return std::unexpected("the sum does not fit in 64 bits");
    }
    return Json(total);
  }
  const auto as_double = [](const Json& value) {
    return value.if_int() != nullptr ? static_cast<double>(*value.if_int()) : *value.if_double();
  };
  const double total = as_double(*a) + as_double(*b);
  if (!std::isfinite(total)) {
    return std::unexpected("the sum is not finite");
  }
  return Json(total);
}

}  // namespace

std::string_view to_text(Effect effect) {
  switch (effect) {
    case Effect::pure:
      return "pure";
    case Effect::effectful:
      return "effectful";
  }
  return "";
}

RunResult evaluate(const Action& action, const Json& payload) noexcept {
  try {
    const auto value = action.run(payload);
    if (!value) {
      return failed(printable(value.error()));
    }
    if (!has_canonical_form(*value)) {
      return failed("the action returned a number that is not finite or a text that is not UTF-8");
    }
    std::string result = to_spaced(*value);
    if (result.size() > limits::result_bytes_max) {
      return failed(fmt::format("the result has {} bytes, more than {}", result.size(), limits::result_bytes_max));
    }
    return {ReceiptKind::executed, std::move(result), 0};
  } catch (const std::exception& error) {
    return failed(printable(error.what()));
  } catch (...) {
    return failed("the action threw something that is no exception");
  }
}

std::expected<void, std::string> Registry::add(Action action) {
  if (!is_action_name(action.name)) {
    return std::unexpected(
        fmt::format("'{}' is no action name: 1 to {} of [A-Za-z0-9_.:-]", action.name, limits::action_bytes_max));
  }
  if (!action.run && action.command == nullptr) {
    return std::unexpected(fmt::format("action {} has no function", action.name));
  }
  if (action.run && action.command != nullptr) {
    return std::unexpected(fmt::format("action {} is a function and a command", action.name));
  }
  if (action.command != nullptr && (action.command->argv.empty() || action.command->argv.front().is_placeholder)) {
    return std::unexpected(fmt::format("action {} names no executable", action.name));
  }
  if (action.concurrency == 0 || action.concurrency > limits::concurrency_ceiling) {
    return std::unexpected(fmt::format("action {} has a concurrency of {}; say 1 to {}", action.name,
                                       action.concurrency, limits::concurrency_ceiling));
  }
  std::string name = action.name;
  if (!actions_.try_emplace(std::move(name), std::move(action)).second) {
    return std::unexpected(fmt::format("action {} is defined twice", action.name));
  }
  return {};
}

const Action* Registry::find(std::string_view name) const {
  const auto found = actions_.find(name);
  return found == actions_.end() ? nullptr : &found->second;
}

Hash Registry::digest() const {
  Json::Array definitions;
  for (const auto& [name, action] : actions_) {
    definitions.push_back(definition(action));
  }
  return sha256(to_jcs(std::move(definitions)));
}

Json Registry::to_json() const {
  Json::Array listed;
  for (const auto& [name, action] : actions_) {
    listed.push_back(Json::object(listing(action)));
  }
  return Json::object({{"actions", std::move(listed)}, {"registry", to_hex(digest().view())}});
}

void add_builtins(Registry& registry) {
  const Json number = Json::object({{"type", "number"}});
  auto added = registry.add({.name = "echo",
                             .description = "Returns its payload",
                             .schema = Json::object({{"type", "object"}}),
                             .effect = Effect::pure,
                             .check = {},
                             .run = [](const Json& payload) { return Json::object({{"echo", payload}}); }});
  OPENEXEC_CHECK(added);
  added = registry.add(
      {.name = "add",
       .description = "Adds two numbers; a missing one is 0",
       .schema = Json::object({{"type", "object"}, {"properties", Json::object({{"a", number}, {"b", number}})}}),
       .effect = Effect::pure,
       .check = [](const Json& payload) -> std::optional<std::string> {
         const auto total = sum(payload);
         return total ? std::nullopt : std::optional(total.error());
       },
       .run = [](const Json& payload) -> std::expected<Json, std::string> {
         const auto total = sum(payload);
         if (!total) {
           return std::unexpected(total.error());
         }
         return Json::object({{"sum", *total}});
       }});
  OPENEXEC_CHECK(added);
}

}  // namespace openexec
