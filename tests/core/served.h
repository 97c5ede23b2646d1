// SPDX-License-Identifier: Apache-2.0
// A service over an engine and a real store, asked as a connection asks it.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "daemon/core/service.h"
#include "tests/core/world.h"
#include "tests/support/catch.h"
#include "tests/support/vectors.h"

namespace openexec::test {

inline Policy open_policy() {
  Policy policy = demo_policy();
  policy.own_uid = 990;
  return policy;
}

struct Served {
  World world;
  const unsigned warn_percent;
  std::optional<Service> service;

  explicit Served(Policy policy = open_policy(), CommitRules rules = {})
      : world(std::move(policy), rules), warn_percent(rules.warn_percent) {
    start();
  }

  // Dies as by kill -9, and starts again on the same store.
  void crash() {
    service.reset();  // it knows the parts that go
    world.crash();
    start();
  }
  void start() {
    service.emplace(world.clock(), world.engine(), world.committer(), world.registry(), world.policy(),
                    std::vector<std::string>{"mind the step"}, warn_percent,
                    SandboxState{true, 3, true, false, {"it cannot bar TCP"}});
  }

  // The whole reply.
  Json call(std::string_view method, std::string_view params = "{}", std::uint32_t uid = 1000) {
    std::optional<std::string> line;
    service->handle({{uid, uid, 1}, {}}, Request{RequestId(std::string("r")), std::string(method), parsed(params)},
                    [&](std::string answer) {
                      REQUIRE_FALSE(line.has_value());
                      line = std::move(answer);
                    });
    world.settle();
    REQUIRE(line.has_value());
    CHECK(line->back() == '\n');
    const Json reply = parsed(line->substr(0, line->size() - 1));
    CHECK(string_member(reply, "id") == "r");
    return reply;
  }
  Json result(std::string_view method, std::string_view params = "{}", std::uint32_t uid = 1000) {
    return member(call(method, params, uid), "result");
  }
  std::string reason(std::string_view method, std::string_view params = "{}", std::uint32_t uid = 1000) {
    return string_member(member(member(call(method, params, uid), "error"), "data"), "reason");
  }
  Json receipt(std::string_view query, std::uint32_t uid = 1000) {
    return member(result("receipts/get", query, uid), "receipt");
  }
};

}  // namespace openexec::test
