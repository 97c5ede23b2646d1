// SPDX-License-Identifier: Apache-2.0
// The actions this daemon can run. Sealed at start: nothing registers an action over a socket.
#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "daemon/core/command.h"
#include "proto-json/bytes.h"
#include "proto-json/json.h"
#include "proto-json/limits.h"
#include "proto-json/receipt.h"

namespace openexec {

// pure: a function of its payload and nothing else; evaluated in place, claim and outcome in one commit.
// effectful: claimed durably first, then run by the Runner, then recorded.
enum class Effect { pure, effectful };
std::string_view to_text(Effect effect);

struct Action {
  std::string name;         // [A-Za-z0-9_.:-]{1,128}
  std::string description;  // one line
  Json schema;              // JSON Schema 2020-12 of the payload
  Effect effect = Effect::effectful;
  // Why a payload is refused (`payload_invalid`); nothing when it is good. Pure. Empty: every object is good.
  std::function<std::optional<std::string>(const Json& payload)> check;
  // Runs it. An error is a text; it becomes the status `failed` and the result {"error": text}.
  // An effectful one is called on a thread of its own and must not touch the engine.
  std::function<std::expected<Json, std::string>(const Json& payload)> run;
  // In place of `run`: it is a process of its own.
  std::shared_ptr<const Command> command{};
  // How many runs of this action at one time; what comes beyond waits. Counts for what is claimed first.
  std::size_t concurrency = limits::concurrency_ceiling;

  // A command always is, whatever it says of its effect: nobody but its author knows.
  [[nodiscard]] bool is_claimed_first() const { return effect == Effect::effectful || command != nullptr; }
};

// What running an action came to.
struct RunResult {
  ReceiptKind status = ReceiptKind::failed;  // executed, failed or timed_out
  std::string result;                        // spaced seed form
  std::int64_t duration_us = 0;              // 0 for a pure action, which is timed by nobody
  std::optional<ProcessEnd> exit{};          // of a command whose process was started
};

// Calls action.run; an error, an exception, a result past result_bytes_max or one that has no canonical form (a number
// that is not finite, a text that is not UTF-8) is `failed`.
RunResult evaluate(const Action& action, const Json& payload) noexcept;

class Registry {
 public:
  // Refused: a name that is no action name or is taken; neither a function nor a command, or both; a concurrency
  // of 0 or past its ceiling. Errors are texts for
  // an operator.
  std::expected<void, std::string> add(Action action);

  [[nodiscard]] const Action* find(std::string_view name) const;
  [[nodiscard]] const std::map<std::string, Action, std::less<>>& actions() const { return actions_; }

  // SHA-256 of the JCS form of every definition: by name, each {description, effect, name, schema} and, of a command,
  // all that its file says (docs/formats.md). Secrets are in it by name only.
  [[nodiscard]] Hash digest() const;
  // The answer of actions/list: {actions: […], registry: hex}.
  [[nodiscard]] Json to_json() const;

 private:
  std::map<std::string, Action, std::less<>> actions_;
};

// echo and add: the seed's two. Pure.
void add_builtins(Registry& registry);

}  // namespace openexec
