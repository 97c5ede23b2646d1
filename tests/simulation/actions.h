// SPDX-License-Identifier: Apache-2.0
// The actions of the simulated host, and what this model knows of them without asking the engine.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "daemon/core/registry.h"

namespace openexec::simulation {

// A payload names its request by `ref`, so that an effect can be told to whom it belongs.
struct Work {
  std::string action;
  std::int64_t ref = 0;
  bool payload_good = true;
  auto operator<=>(const Work&) const = default;
};

// echo, add (the daemon's own), note (pure, fails on an odd ref), pay (effectful, checks its payload), ship (effectful,
// takes any), secret (effectful; what an allow-list leaves out).
// `bounded`: no more runs of each at one time than concurrency_of() says.
Registry make_registry(bool bounded = true);

bool is_registered(std::string_view action);
bool is_effectful(std::string_view action);
bool checks_payload(std::string_view action);
// How many runs of it at one time.
std::size_t concurrency_of(std::string_view action);

Json payload_of(const Work& work);
// The `ref` of a payload of an effectful action.
std::optional<std::int64_t> ref_of(const Json& payload);

// What a pure action must come to, written by hand.
struct PureOutcome {
  ReceiptKind status;
  std::string result;
};
PureOutcome pure_outcome(const Work& work);

}  // namespace openexec::simulation
