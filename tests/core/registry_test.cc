// SPDX-License-Identifier: Apache-2.0
#include "daemon/core/registry.h"

#include <set>
#include <stdexcept>

#include "proto-json/encoding.h"
#include "proto-json/limits.h"
#include "tests/support/catch.h"
#include "tests/support/vectors.h"

namespace openexec {
namespace {

Action action_named(std::string name) {
  return {.name = std::move(name),
          .description = "Does nothing",
          .schema = Json::object({{"type", "object"}}),
          .effect = Effect::pure,
          .check = {},
          .run = [](const Json& payload) { return payload; }};
}

Registry builtins() {
  Registry registry;
  add_builtins(registry);
  return registry;
}

std::string run(std::string_view name, std::string_view payload) {
  const Registry registry = builtins();
  const RunResult result = evaluate(*registry.find(name), parsed(payload));
  CHECK(result.status == ReceiptKind::executed);
  CHECK(result.duration_us == 0);
  return result.result;
}

std::string add_objection(std::string_view payload) {
  const Registry registry = builtins();
  return registry.find("add")->check(parsed(payload)).value_or("");
}

TEST_CASE("an action is found by its exact name and by no other") {
  const Registry registry = builtins();
  REQUIRE(registry.find("echo") != nullptr);
  CHECK(registry.find("echo")->name == "echo");
  CHECK(registry.find("Echo") == nullptr);
  CHECK(registry.find("ech") == nullptr);
  CHECK(registry.find("") == nullptr);
}

TEST_CASE("a name that is none, a name that is taken and a missing function are refused") {
  Registry registry;
  CHECK(registry.add(action_named("a")).has_value());
  CHECK(registry.add(action_named("a")).error() == "action a is defined twice");
  CHECK_FALSE(registry.add(action_named("")).has_value());
  CHECK_FALSE(registry.add(action_named("a b")).has_value());
  CHECK_FALSE(registry.add(action_named(std::string(129, 'a'))).has_value());
  Action empty = action_named("b");
  empty.run = nullptr;
  CHECK(registry.add(std::move(empty)).error() == "action b has no function");
  CHECK(registry.actions().size() == 1);
}

Action command_named(std::string name, const Command& command) {
  Action out = action_named(std::move(name));
  out.run = nullptr;
  out.effect = Effect::effectful;
  out.concurrency = 1;
  out.command = std::make_shared<const Command>(command);
  return out;
}

Command some_command() {
  Command out;
  out.argv = {{false, "/bin/x"}, {false, "a"}, {true, "unit"}};
  out.env = {{"A", "a"}};
  out.secrets = {{"B", "b"}};
  return out;
}

TEST_CASE("an action is a function or a command that names its executable, never both") {
  Registry registry;
  CHECK(registry.add(command_named("a", some_command())).has_value());
  CHECK(registry.find("a")->is_claimed_first());
  Action both = command_named("b", some_command());
  both.run = [](const Json& payload) { return payload; };
  CHECK(registry.add(std::move(both)).error() == "action b is a function and a command");
  CHECK(registry.add(command_named("b", Command())).error() == "action b names no executable");
  Command placed = some_command();
  placed.argv.front().is_placeholder = true;
  CHECK(registry.add(command_named("b", placed)).error() == "action b names no executable");
  CHECK(registry.add(command_named("a", some_command())).error() == "action a is defined twice");
  CHECK(registry.actions().size() == 1);
}

TEST_CASE("an action runs once at a time at least, and as often as the ceiling at most") {
  Registry registry;
  Action action = action_named("a");
  for (const std::size_t wrong : {std::size_t{0}, limits::concurrency_ceiling + 1}) {
    action.concurrency = wrong;
    const auto refused = registry.add(action);
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().find("action a has a concurrency of " + std::to_string(wrong)) != std::string::npos);
    CHECK(registry.find("a") == nullptr);
  }
  action.concurrency = 1;
  CHECK(registry.add(action).has_value());
  action = action_named("b");
  action.concurrency = limits::concurrency_ceiling;
  CHECK(registry.add(action).has_value());
}

TEST_CASE("the registry's digest changes with each single setting of a command") {
  std::set<Hash> digests;
  std::size_t count = 0;
  const auto add = [&](const Action& action) {
    Registry registry;
    REQUIRE(registry.add(action).has_value());
    digests.insert(registry.digest());
    CHECK(digests.size() == ++count);
  };
  const auto changed = [&](const std::function<void(Command&)>& change) {
    Command command = some_command();
    change(command);
    add(command_named("a", command));
  };
  add(action_named("a"));
  changed([](Command&) {});
  changed([](Command& command) { command.argv[0].text = "/bin/y"; });
  changed([](Command& command) { command.argv[1].text = "b"; });
  changed([](Command& command) { command.argv[1].is_placeholder = true; });
  changed([](Command& command) { command.argv[2] = {false, "{unit}"}; });
  changed([](Command& command) { command.argv.push_back({false, ""}); });
  changed([](Command& command) { command.argv = {{false, "/bin/x"}, {false, "aunit"}}; });
  changed([](Command& command) { command.input = CommandInput::none; });
  changed([](Command& command) { command.output = CommandOutput::json; });
  changed([](Command& command) { command.timeout_ms += 1; });
  changed([](Command& command) { command.output_bytes_max += 1; });
  changed([](Command& command) { command.sha256 = Hash{}; });
  changed([](Command& command) { command.sha256 = Hash{{1}}; });
  changed([](Command& command) { command.env["A"] = "b"; });
  changed([](Command& command) { command.env = {{"C", "a"}}; });
  changed([](Command& command) { command.secrets["B"] = "c"; });
  changed([](Command& command) { command.secrets = {{"C", "b"}}; });
  changed([](Command& command) { std::swap(command.env, command.secrets); });
  changed([](Command& command) { command.sandbox.read.clear(); });
  changed([](Command& command) { command.sandbox.read = {"/usr", "/etc"}; });
  changed([](Command& command) { command.sandbox.write = {"/usr"}; });
  changed([](Command& command) { command.sandbox.network = true; });
  changed([](Command& command) { command.sandbox.unix_sockets = true; });
  changed([](Command& command) { command.sandbox.memory_bytes_max = limits::sandbox_memory_bytes_ceiling; });
  changed([](Command& command) { command.sandbox.memory_bytes_max = limits::sandbox_memory_bytes_ceiling - 1; });
  changed([](Command& command) { command.sandbox.processes_max = 1; });
  Action other = command_named("a", some_command());
  other.concurrency = 2;
  add(other);
  other = command_named("a", some_command());
  other.effect = Effect::pure;
  add(other);
}

TEST_CASE("the list of actions tells a command's schema and effect, and nothing of how it is run") {
  Registry registry;
  REQUIRE(registry.add(command_named("a", some_command())).has_value());
  const Json list = registry.to_json();
  CHECK(member(list, "actions") ==
        parsed(R"([{"description":"Does nothing","effect":"effectful","name":"a","schema":{"type":"object"}}])"));
  CHECK(string_member(list, "registry") == to_hex(registry.digest().view()));
}

TEST_CASE("the registry's digest changes with each member of a definition and with nothing else") {
  std::set<Hash> digests;
  const auto digest_with = [](Action action) {
    Registry registry;
    REQUIRE(registry.add(std::move(action)).has_value());
    return registry.digest();
  };
  digests.insert(Registry().digest());
  digests.insert(digest_with(action_named("a")));
  digests.insert(digest_with(action_named("b")));
  Action changed = action_named("a");
  changed.description = "Does something";
  digests.insert(digest_with(changed));
  changed = action_named("a");
  changed.effect = Effect::effectful;
  digests.insert(digest_with(changed));
  changed = action_named("a");
  changed.schema = Json::object({});
  digests.insert(digest_with(changed));
  CHECK(digests.size() == 6);

  changed = action_named("a");
  changed.check = [](const Json&) { return std::optional<std::string>("no"); };
  CHECK(digest_with(changed) == digest_with(action_named("a")));
}

TEST_CASE("the digest does not depend on the order of registration") {
  Registry forth;
  Registry back;
  REQUIRE((forth.add(action_named("a")).has_value() && forth.add(action_named("b")).has_value()));
  REQUIRE((back.add(action_named("b")).has_value() && back.add(action_named("a")).has_value()));
  CHECK(forth.digest() == back.digest());
}

TEST_CASE("the list of actions says what each does and carries the digest") {
  const Registry registry = builtins();
  const Json list = registry.to_json();
  CHECK(string_member(list, "registry") == to_hex(registry.digest().view()));
  const Json::Array& actions = *member(list, "actions").if_array();
  REQUIRE(actions.size() == 2);
  CHECK(string_member(actions[0], "name") == "add");
  CHECK(string_member(actions[1], "name") == "echo");
  CHECK(string_member(actions[1], "effect") == "pure");
  CHECK(string_member(actions[1], "description") == "Returns its payload");
  CHECK(member(actions[1], "schema") == Json::object({{"type", "object"}}));
}

TEST_CASE("echo returns its payload under its name") {
  CHECK(run("echo", R"({"b":1,"a":"é"})") == R"({"echo": {"a": "\u00e9", "b": 1}})");
  CHECK(run("echo", "{}") == R"({"echo": {}})");
}

TEST_CASE("add keeps integers integers, and a missing operand is 0") {
  CHECK(run("add", R"({"a":2,"b":3})") == R"({"sum": 5})");
  CHECK(run("add", R"({"a":2.5,"b":3})") == R"({"sum": 5.5})");
  CHECK(run("add", R"({"a":2.0,"b":3})") == R"({"sum": 5.0})");
  CHECK(run("add", R"({"b":3})") == R"({"sum": 3})");
  CHECK(run("add", "{}") == R"({"sum": 0})");
  CHECK(run("add", R"({"a":-9223372036854775808,"b":9223372036854775807})") == R"({"sum": -1})");
}

TEST_CASE("add refuses what it cannot add, and says why") {
  CHECK(add_objection(R"({"a":1,"b":2})").empty());
  CHECK(add_objection(R"({"a":"1"})") == "/a: not a number");
  CHECK(add_objection(R"({"b":true})") == "/b: not a number");
  CHECK(add_objection(R"({"b":null})") == "/b: not a number");
  CHECK(add_objection(R"({"a":9223372036854775807,"b":1})") == "the sum does not fit in 64 bits");
  CHECK(add_objection(R"({"a":-9223372036854775808,"b":-1})") == "the sum does not fit in 64 bits");
  CHECK(add_objection(R"({"a":1.7976931348623157e308,"b":1.7976931348623157e308})") == "the sum is not finite");
}

TEST_CASE("an action that fails or throws gives a failed result and never an exception") {
  Action action = action_named("a");
  action.run = [](const Json&) { return std::unexpected("the disk is full"); };
  CHECK(evaluate(action, Json::object({})).status == ReceiptKind::failed);
  CHECK(evaluate(action, Json::object({})).result == R"({"error": "the disk is full"})");
  action.run = [](const Json&) -> std::expected<Json, std::string> { throw std::runtime_error("it broke"); };
  CHECK(evaluate(action, Json::object({})).status == ReceiptKind::failed);
  CHECK(evaluate(action, Json::object({})).result == R"({"error": "it broke"})");
  action.run = [](const Json&) -> std::expected<Json, std::string> { throw 7; };
  CHECK(evaluate(action, Json::object({})).status == ReceiptKind::failed);
  action.run = [](const Json&) { return std::unexpected("\xff\xfe"); };
  CHECK(evaluate(action, Json::object({})).result == R"({"error": "the action failed, and its message is not UTF-8"})");

  for (const Json& value : {Json(std::numeric_limits<double>::quiet_NaN()), Json("\xff"),
                            Json(Json::Array{Json(std::numeric_limits<double>::infinity())})}) {
    action.run = [&](const Json&) { return Json::object({{"value", value}}); };
    CHECK(evaluate(action, Json::object({})).status == ReceiptKind::failed);
  }
}

TEST_CASE("each effect has its name") {
  CHECK(to_text(Effect::pure) == "pure");
  CHECK(to_text(Effect::effectful) == "effectful");
}

}  // namespace
}  // namespace openexec
