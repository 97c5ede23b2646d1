// SPDX-License-Identifier: Apache-2.0
#include "daemon/actions/action_file.h"

#include <random>

#include "daemon/actions/action_schema.h"
#include "proto-json/encoding.h"
#include "proto-json/limits.h"
#include "tests/support/catch.h"
#include "tests/support/vectors.h"

namespace openexec {
namespace {

constexpr const char* path = "/etc/openexec/actions.d/x.toml";

constexpr const char* every_key = R"(name = "service.restart"
description = "Restart one of our units"
argv = ["/usr/bin/systemctl", "restart", "--", "{unit}"]
stdin = "none"
output = "json"
timeout = "500ms"
output_bytes_max = "1KiB"
sha256 = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
env = { LANG = "C", EMPTY = "" }
secrets = { TOKEN = "deploy-token" }
concurrency = 3
effect = "pure"
[schema.properties.unit]
enum = ["web.service"]
[sandbox]
read = ["/usr", "/etc/ssl"]
write = ["/srv/out"]
network = true
unix = true
memory = "256MiB"
processes = 16
)";

// With what every command has, and further lines: the first of them is line 4.
std::string with(const std::string& lines) {
  return "name = \"x\"\ndescription = \"X\"\nargv = [\"/bin/x\"]\n" + lines;
}

ActionFile read(const std::string& text) {
  auto file = read_action_file(text, path);
  INFO((file.has_value() ? std::string() : file.error()));
  REQUIRE(file.has_value());
  return *std::move(file);
}

// One line that begins with the file and holds each of these.
void check_refusal(const std::expected<void, std::string>& result, const std::vector<std::string>& parts) {
  REQUIRE_FALSE(result.has_value());
  INFO(result.error());
  CHECK(result.error().starts_with(path));
  CHECK(result.error().find('\n') == std::string::npos);
  for (const std::string& part : parts) {
    INFO("lacks: " << part);
    CHECK(result.error().find(part) != std::string::npos);
  }
}

void refused(const std::string& text, const std::vector<std::string>& parts) {
  INFO(text.substr(0, 300));
  const auto file = read_action_file(text, path);
  check_refusal(file.has_value() ? std::expected<void, std::string>() : std::unexpected(file.error()), parts);
}

TEST_CASE("every key of a command's file does what it says") {
  const ActionFile file = read(every_key);
  CHECK(file.path == path);
  CHECK(file.name == "service.restart");
  CHECK(file.description == "Restart one of our units");
  CHECK(file.command.argv ==
        std::vector<Argument>{{false, "/usr/bin/systemctl"}, {false, "restart"}, {false, "--"}, {true, "unit"}});
  CHECK(file.command.input == CommandInput::none);
  CHECK(file.command.output == CommandOutput::json);
  CHECK(file.command.timeout_ms == 500);
  CHECK(file.command.output_bytes_max == 1024);
  REQUIRE(file.command.sha256.has_value());
  CHECK(file.command.sha256->data[31] == 0x1f);
  CHECK(file.command.env == std::map<std::string, std::string>{{"EMPTY", ""}, {"LANG", "C"}});
  CHECK(file.command.secrets == std::map<std::string, std::string>{{"TOKEN", "deploy-token"}});
  CHECK(file.concurrency == 3);
  CHECK(file.effect == Effect::pure);
  CHECK(file.schema == parsed(R"({"properties":{"unit":{"enum":["web.service"]}}})"));
  CHECK(file.command.sandbox.read == std::vector<std::string>{"/usr", "/etc/ssl"});
  CHECK(file.command.sandbox.write == std::vector<std::string>{"/srv/out"});
  CHECK(file.command.sandbox.network);
  CHECK(file.command.sandbox.unix_sockets);
  CHECK(file.command.sandbox.memory_bytes_max == std::uint64_t{256} << 20);
  CHECK(file.command.sandbox.processes_max == 16U);
  CHECK(file.at("sandbox.read") == std::string(path) + ":16: sandbox.read");
  CHECK(file.at("secrets.TOKEN") == std::string(path) + ":10: secrets.TOKEN");
  CHECK(file.at_schema("/properties/unit/enum") == std::string(path) + ":14: schema/properties/unit/enum");
  CHECK(file.at_schema("/properties/nope") == std::string(path) + ":13: schema/properties/nope");
  CHECK(action_file_keys().size() == 19);  // a key more needs its line here
}

TEST_CASE("a file that says no more than it must has the documented defaults") {
  const ActionFile file = read(with(""));
  CHECK(file.command.input == CommandInput::payload);
  CHECK(file.command.output == CommandOutput::text);
  CHECK(file.command.timeout_ms == 30'000);
  CHECK(file.command.output_bytes_max == std::size_t{64} << 10);
  CHECK_FALSE(file.command.sha256.has_value());
  CHECK(file.command.env.empty());
  CHECK(file.command.secrets.empty());
  CHECK(file.concurrency == 1);
  CHECK(file.effect == Effect::effectful);
  CHECK(file.schema.is_null());
  CHECK(file.command.sandbox.read == std::vector<std::string>{"/usr"});
  CHECK(file.command.sandbox.write.empty());
  CHECK_FALSE(file.command.sandbox.network);
  CHECK_FALSE(file.command.sandbox.unix_sockets);
  CHECK_FALSE(file.command.sandbox.memory_bytes_max.has_value());
  CHECK_FALSE(file.command.sandbox.processes_max.has_value());
}

TEST_CASE("each bound of a command's file is the last value that it takes") {
  CHECK(read(with("timeout = \"1ms\"")).command.timeout_ms == 1);
  CHECK(read(with("timeout = \"24h\"")).command.timeout_ms == limits::run_timeout_ms_max);
  CHECK(read(with("output_bytes_max = 1")).command.output_bytes_max == 1);
  CHECK(read(with("output_bytes_max = \"4MiB\"")).command.output_bytes_max == limits::command_output_bytes_max_ceiling);
  CHECK(read(with("concurrency = 1024")).concurrency == limits::concurrency_ceiling);
  CHECK(read(with("sandbox.memory = 1048576")).command.sandbox.memory_bytes_max == limits::sandbox_memory_bytes_floor);
  CHECK(read(with("sandbox.memory = \"1TiB\"")).command.sandbox.memory_bytes_max ==
        limits::sandbox_memory_bytes_ceiling);
  CHECK(read(with("sandbox.processes = 1")).command.sandbox.processes_max == 1U);
  CHECK(read(with("sandbox.processes = 65536")).command.sandbox.processes_max == limits::sandbox_processes_ceiling);
  CHECK(read(with("sandbox.read = []")).command.sandbox.read.empty());
  const std::string name(limits::action_bytes_max, 'n');
  CHECK(read("name = \"" + name + "\"\ndescription = \"X\"\nargv = [\"/x\"]").name == name);
  const std::string text(limits::description_bytes_max, 'd');
  CHECK(read("name = \"x\"\ndescription = \"" + text + "\"\nargv = [\"/x\"]").description == text);

  std::string argv = R"("/x")";
  for (std::size_t i = 1; i < limits::arguments_max; ++i) {
    argv += ", \"\"";
  }
  CHECK(read("name = \"x\"\ndescription = \"X\"\nargv = [" + argv + "]").command.argv.size() == limits::arguments_max);
  refused("name = \"x\"\ndescription = \"X\"\nargv = [" + argv + ", \"\"]", {":3: argv: ", "256"});

  std::string variables;
  for (std::size_t i = 0; i < limits::environment_max; ++i) {
    variables += "env.V" + std::to_string(i) + " = \"v\"\n";
  }
  CHECK(read(with(variables)).command.env.size() == limits::environment_max);
  refused(with(variables + "secrets.ONE = \"one\""), {": secrets: ", "64"});
}

TEST_CASE("what is wrong in a command's file is refused with its line and key") {
  struct Case {
    const char* lines;
    std::vector<std::string> parts;
  };
  const Case cases[] = {
      {"colour = 1", {":4: ", "\"colour\" is no key"}},
      {"sandbox.colour = 1", {":4: ", "\"sandbox.colour\" is no key"}},
      {"[sandbox]\nuser = \"root\"", {":5: ", "\"sandbox.user\" is no key"}},
      {"\"a\\nb\" = 1", {":4: ", "is no key"}},
      {"[[sandbox]]\nread = []", {": sandbox: ", "write [sandbox]"}},
      {"sandbox = 1", {":4: sandbox: ", "section"}},
      {"stdin = \"file\"", {":4: stdin: ", "\"payload\" or \"none\""}},
      {"stdin = true", {":4: stdin: "}},
      {"output = \"xml\"", {":4: output: ", "\"json\" or \"text\""}},
      {"effect = \"none\"", {":4: effect: ", "\"effectful\" or \"pure\""}},
      {"timeout = 30", {":4: timeout: ", "30s"}},
      {"timeout = \"0s\"", {":4: timeout: "}},
      {"timeout = \"25h\"", {":4: timeout: ", "24h"}},
      {"timeout = \"-1s\"", {":4: timeout: "}},
      {"output_bytes_max = 0", {":4: output_bytes_max: "}},
      {"output_bytes_max = \"5MiB\"", {":4: output_bytes_max: ", "4194304"}},
      {"output_bytes_max = -1", {":4: output_bytes_max: "}},
      {"output_bytes_max = 1.5", {":4: output_bytes_max: "}},
      {"sha256 = \"abc\"", {":4: sha256: ", "64 lower-case"}},
      {"sha256 = \"000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F\"", {":4: sha256: "}},
      {"sha256 = 1", {":4: sha256: "}},
      {"env = [\"A=b\"]", {":4: env: ", "table"}},
      {"env = { \"A B\" = \"c\" }", {":4: env: ", "no name of a variable"}},
      {"env = { 1A = \"c\" }", {":4: env: ", "no name of a variable"}},
      {"env = { A = 1 }", {":4: env.A: ", "a text"}},
      {"env = { A = \"a\\u0000b\" }", {":4: env.A: ", "NUL"}},
      {"env = { TMPDIR = \"/tmp\" }", {":4: env.TMPDIR: ", "leave it out"}},
      {"secrets = { TMPDIR = \"t\" }", {":4: secrets.TMPDIR: "}},
      {"env = { A = \"a\" }\nsecrets = { A = \"a\" }", {":5: secrets.A: ", "in env and in secrets"}},
      {"secrets = { A = 1 }", {":4: secrets.A: "}},
      {"secrets = \"token\"", {":4: secrets: ", "table"}},
      {"concurrency = 0", {":4: concurrency: ", "1 to 1024"}},
      {"concurrency = 1025", {":4: concurrency: "}},
      {"concurrency = \"1\"", {":4: concurrency: "}},
      {"schema = true", {":4: schema: ", "write [schema]"}},
      {"schema.properties.a.const = 2026-01-01", {":4: schema/properties/a/const: ", "dates"}},
      {"schema.properties.a.const = 10:00:00", {":4: schema/properties/a/const: ", "dates"}},
      {"schema.properties.a.maximum = inf", {":4: schema/properties/a/maximum: ", "not finite"}},
      {"schema.properties.a.maximum = 9007199254740993", {":4: schema/properties/a/maximum: ", "2^53"}},
      {"schema.properties.a.enum = [1,\n 2,\n 2026-01-01]", {":6: schema/properties/a/enum/2: ", "dates"}},
      {"sandbox.read = \"/usr\"", {":4: sandbox.read: ", "list"}},
      {"sandbox.read = [\"usr\"]", {":4: sandbox.read: ", "no absolute path"}},
      {"sandbox.read = [\"\"]", {":4: sandbox.read: ", "no absolute path"}},
      {"sandbox.write = [1]", {":4: sandbox.write: ", "list"}},
      {"sandbox.write = [\"/a\\u0000\"]", {":4: sandbox.write: "}},
      {"sandbox.network = \"no\"", {":4: sandbox.network: ", "true or false"}},
      {"sandbox.unix = 0", {":4: sandbox.unix: ", "true or false"}},
      {"sandbox.memory = \"1023KiB\"", {":4: sandbox.memory: ", "1048576"}},
      {"sandbox.memory = \"2TiB\"", {":4: sandbox.memory: "}},
      {"sandbox.memory = true", {":4: sandbox.memory: "}},
      {"sandbox.processes = 0", {":4: sandbox.processes: ", "65536"}},
      {"sandbox.processes = 65537", {":4: sandbox.processes: "}},
      {"name = \"y\"", {":4"}},
      {"timeout = ", {":4"}},
      {"\xff", {".toml:"}},
  };
  for (const Case& wrong : cases) {
    refused(with(wrong.lines), wrong.parts);
  }
  std::string paths;
  for (std::size_t i = 0; i <= limits::sandbox_paths_max; ++i) {
    paths += "\"/p\",";
  }
  refused(with("sandbox.read = [" + paths + "]"), {":4: sandbox.read: ", "64"});
}

TEST_CASE("a name, a description and a command line are required, and must be such") {
  refused("description = \"X\"\nargv = [\"/x\"]", {"x.toml: name: it is missing"});
  refused("name = \"x\"\nargv = [\"/x\"]", {"x.toml: description: it is missing"});
  refused("name = \"x\"\ndescription = \"X\"", {"x.toml: argv: it is missing"});
  refused("", {"it is missing"});
  for (const char* name : {"1", "\"\"", "\"a b\"", "\"a/b\"", "\"\xc3\xa4\""}) {
    refused("name = " + std::string(name) + "\ndescription = \"X\"\nargv = [\"/x\"]", {":1: name: ", "A-Za-z0-9"});
  }
  for (const char* text : {"1", "\"\"", "\"a\\nb\""}) {
    refused("name = \"x\"\ndescription = " + std::string(text) + "\nargv = [\"/x\"]", {":2: description: "});
  }
  for (const char* argv :
       {"\"/x\"", "[]", "[1]", "[\"x\"]", "[\"\"]", "[\"{x}\"]", "[\"/bin/{x}\"]", "[\"/a\\u0000\"]"}) {
    refused("name = \"x\"\ndescription = \"X\"\nargv = " + std::string(argv), {":3: argv: "});
  }
}

TEST_CASE("a placeholder is one whole argument, and a brace is nothing else") {
  for (const char* argument :
       {"a{x}", "{x}a", "{x}{y}", "{", "}", "{}", "}{", "{{x}}", "--unit={x}", "{a b}", "{a/b}"}) {
    refused("name = \"x\"\ndescription = \"X\"\nargv = [\"/x\",\n\"" + std::string(argument) + "\"]",
            {":3: argv: ", "one whole argument"});
  }
}

// --- its schema ---

void schema_refused(const std::string& text, const std::vector<std::string>& parts) {
  INFO(text);
  const auto schema = action_schema(read(text));
  check_refusal(schema.has_value() ? std::expected<void, std::string>() : std::unexpected(schema.error()), parts);
}

std::string with_unit(const std::string& schema) {
  return "name = \"x\"\ndescription = \"X\"\nargv = [\"/x\", \"{unit}\"]\n" + schema;
}

TEST_CASE("a schema is closed, of type object, and requires every placeholder") {
  const auto document = [](const std::string& text) {
    auto schema = action_schema(read(text));
    INFO((schema.has_value() ? std::string() : schema.error()));
    REQUIRE(schema.has_value());
    return schema->document();
  };
  CHECK(document(with("")) == parsed(R"({"additionalProperties":false,"type":"object"})"));
  CHECK(document(with_unit("schema.properties.unit.type = \"string\"")) ==
        parsed(R"({"additionalProperties":false,"properties":{"unit":{"type":"string"}},"required":["unit"],)"
               R"("type":"object"})"));
  CHECK(document(with_unit("[schema]\nrequired = [\"b\", \"unit\"]\nadditionalProperties = true\n"
                           "[schema.properties]\nunit.const = 1\nb.type = \"array\"")) ==
        parsed(R"({"additionalProperties":true,"properties":{"b":{"type":"array"},"unit":{"const":1}},)"
               R"("required":["b","unit"],"type":"object"})"));
}

TEST_CASE("a placeholder needs a member of the schema that is one scalar") {
  schema_refused(with_unit(""), {":3: argv: ", "{unit}", "[schema.properties.unit]"});
  schema_refused(with_unit("schema.properties.other.type = \"string\""), {":3: argv: ", "{unit}"});
  for (const char* property :
       {"type = \"object\"", "type = \"array\"", "type = \"null\"", "type = [\"string\", \"null\"]", "minLength = 1",
        "enum = [\"a\", [1]]", "const = {}", "description = \"a unit\""}) {
    schema_refused(with_unit("schema.properties.unit." + std::string(property)), {":3: argv: ", "{unit}", "one type"});
  }
  for (const char* property : {"type = \"string\"", "type = \"integer\"", "type = \"number\"", "type = \"boolean\"",
                               "enum = [\"a\", 1, true, 1.5]", "const = \"a\""}) {
    INFO(property);
    CHECK(action_schema(read(with_unit("schema.properties.unit." + std::string(property)))).has_value());
  }
}

TEST_CASE("what is wrong in a schema is refused with its line and its pointer") {
  schema_refused(with("[schema]\ntype = \"array\""), {":5: schema/type: ", "\"object\""});
  schema_refused(with("[schema.properties.a]\ntype = \"text\""), {":5: schema/properties/a/type: "});
  schema_refused(with("[schema.properties.a]\ntype = \"string\"\npattern = \"(\""),
                 {":6: schema/properties/a/pattern: "});
  schema_refused(with("[schema.properties.a]\nformat = \"date\""), {":5: schema/properties/a/format: "});
  schema_refused(with("[schema]\nrequired = \"a\""), {":5: schema/required: "});
  schema_refused(with("[schema]\n\"a\\nb\" = 1"), {":5: schema/"});
}

// --- whatever else may stand in a file ---

TEST_CASE("garbage, and a file that was cut anywhere, is refused and never crashes the reader") {
  const std::string whole = every_key;
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const auto file = read_action_file(whole.substr(0, size), path);
    if (!file.has_value()) {
      CHECK(file.error().find('\n') == std::string::npos);
    }
  }
  std::mt19937 random(7);
  std::uniform_int_distribution<int> byte(0, 255);
  for (int round = 0; round < 500; ++round) {
    std::string text = whole;
    for (int change = 0; change <= round % 8; ++change) {
      text[static_cast<std::size_t>(random()) % text.size()] = static_cast<char>(byte(random));
    }
    const auto file = read_action_file(text, path);
    if (!file.has_value()) {
      CHECK(file.error().find('\n') == std::string::npos);
      CHECK(is_utf8(file.error()));
    } else {
      static_cast<void>(action_schema(*file));
    }
    std::string noise(static_cast<std::size_t>(random()) % 200, '\0');
    for (char& c : noise) {
      c = static_cast<char>(byte(random));
    }
    CHECK_FALSE(read_action_file(noise, path).has_value());
  }
}

TEST_CASE("a file nested as deep as its size allows is refused and never crashes the reader") {
  std::string dots;
  for (std::size_t i = 0; i < limits::action_file_bytes_max / 2 - 8; ++i) {
    dots += "a.";
  }
  const std::size_t deep = limits::action_file_bytes_max / 4;
  refused(dots + "a = 1", {":1: "});
  refused("\n[" + dots + "a]", {":2: "});
  refused("x = " + std::string(deep, '['), {":1: "});
  refused("x = " + std::string(deep, '[') + std::string(deep, ']'), {":1: "});
  std::string tables = "schema.x = ";
  for (std::size_t i = 0; i < limits::json_depth_max; ++i) {
    tables += "{ a = ";
  }
  refused(with(tables + "1" + std::string(limits::json_depth_max, '}')), {":4: schema/x/a", "nested deeper than 56"});
}

}  // namespace
}  // namespace openexec
