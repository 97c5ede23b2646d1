// SPDX-License-Identifier: Apache-2.0
#include <cstdint>
#include <limits>
#include <string>

#include "daemon/launch/plan.h"
#include "proto-json/limits.h"
#include "tests/support/catch.h"

namespace openexec::launch {
namespace {

Plan full_plan() {
  Plan plan;
  plan.argv = {"/usr/bin/x", "", std::string("a\nb\0c", 5), "--"};
  plan.env = {"A=1", "TOKEN=s3cret"};
  plan.read = {"/usr", "/etc/ssl"};
  plan.write = {"/srv/out"};
  plan.network = true;
  plan.unix_sockets = true;
  plan.is_sandbox_required = true;
  plan.timeout_ms = limits::run_timeout_ms_max;
  plan.grace_ms = 2000;
  plan.memory_bytes_max = std::numeric_limits<std::uint64_t>::max();
  plan.processes_max = 16;
  plan.cgroup = "/sys/fs/cgroup/x";
  plan.temp_parent = "/tmp";
  plan.landlock_abi_max = -1;
  return plan;
}

std::string body_of(const std::string& message) { return message.substr(length_bytes); }

TEST_CASE("a plan comes out of its message as it went in") {
  const Plan plan = full_plan();
  const std::string message = encode(plan);
  CHECK(decode_length(message) == message.size() - length_bytes);
  const auto decoded = decode_plan(body_of(message));
  REQUIRE(decoded.has_value());
  CHECK(*decoded == plan);
}

TEST_CASE("a report comes out of its message as it went in") {
  for (const Report& report : {Report{.not_started = "no such file", .number = 127},
                               Report{.timed_out = true, .is_signal = true, .number = 9, .duration_us = 12'345'678'901},
                               Report{.number = -1, .duration_us = -1}}) {
    const auto decoded = decode_report(body_of(encode(report)));
    REQUIRE(decoded.has_value());
    CHECK(*decoded == report);
  }
}

TEST_CASE("what a launcher says is heard as it comes, and no group is heard that is not one process's") {
  const Started started{.group = 4711};
  const Report report{.not_started = "no such file", .number = 127};
  const std::string said = encode(started) + encode(report);
  for (std::size_t size = 0; size <= said.size(); ++size) {
    const Heard heard = decode_heard(std::string_view(said).substr(0, size));
    CHECK(heard.started == (size >= encode(started).size() ? std::optional(started) : std::nullopt));
    CHECK(heard.report == (size == said.size() ? std::optional(report) : std::nullopt));
  }
  CHECK(decode_heard(encode(report)).report == report);
  for (const std::int32_t group : {-4711, -1, 0, 1}) {
    CHECK_FALSE(decode_heard(encode(Started{group}) + encode(report)).started.has_value());
  }
}

TEST_CASE("a plan that is cut short or too long anywhere is none") {
  const std::string body = body_of(encode(full_plan()));
  for (std::size_t size = 0; size < body.size(); ++size) {
    CHECK_FALSE(decode_plan(body.substr(0, size)).has_value());
  }
  CHECK_FALSE(decode_plan(body + '\0').has_value());
  const std::string report = body_of(encode(Report{.number = 1}));
  for (std::size_t size = 0; size < report.size(); ++size) {
    CHECK_FALSE(decode_report(report.substr(0, size)).has_value());
  }
}

TEST_CASE("a count or a size of more than there is takes no memory") {
  CHECK_FALSE(decode_plan("\xff\xff\xff\xff").has_value());
  CHECK_FALSE(decode_plan(std::string("\1\0\0\0\xff\xff\xff\xff", 8)).has_value());
  CHECK_FALSE(decode_report("\xff\xff\xff\xff").has_value());
}

TEST_CASE("a plan without a command line or a timeout is none") {
  Plan plan = full_plan();
  plan.argv.clear();
  CHECK_FALSE(decode_plan(body_of(encode(plan))).has_value());
  plan = full_plan();
  plan.timeout_ms = 0;
  CHECK_FALSE(decode_plan(body_of(encode(plan))).has_value());
  for (const std::int64_t time_ms : {std::numeric_limits<std::int64_t>::min(), std::int64_t{-1},
                                     limits::run_timeout_ms_max + 1, std::numeric_limits<std::int64_t>::max()}) {
    plan = full_plan();
    plan.timeout_ms = time_ms;
    CHECK_FALSE(decode_plan(body_of(encode(plan))).has_value());
    plan = full_plan();
    plan.grace_ms = time_ms;
    CHECK_FALSE(decode_plan(body_of(encode(plan))).has_value());
  }
}

TEST_CASE("a boolean is one of two bytes") {
  Report report;
  std::string body = body_of(encode(report));
  body[4] = 2;  // timed_out, behind the empty text's length
  CHECK_FALSE(decode_report(body).has_value());
}

}  // namespace
}  // namespace openexec::launch
