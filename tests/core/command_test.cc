// SPDX-License-Identifier: Apache-2.0
#include "daemon/core/command.h"

#include "proto-json/limits.h"
#include "tests/support/catch.h"
#include "tests/support/vectors.h"

namespace openexec {
namespace {

Command command_of(std::vector<Argument> further) {
  Command out;
  out.argv = std::move(further);
  out.argv.insert(out.argv.begin(), Argument{false, "/bin/x"});
  return out;
}

std::string objection(const Command& command, const Json& payload,
                      const Json& schema = Json::object({{"type", "object"}})) {
  return arguments_objection(command, schema, payload).value_or("");
}

Json unit(const Json& value) { return Json::object({{"unit", value}}); }

TEST_CASE("each placeholder becomes one whole argument, whatever is in it") {
  const Command command = command_of({{false, "restart"}, {true, "unit"}, {false, "a b"}, {true, "unit"}});
  for (const char* text :
       {"web.service", "", "a b", "$(reboot)", "a;b|c&d", "`x`", "'\"", "a\nb", "*", "{unit}", "\xc3\xa4"}) {
    CHECK(objection(command, unit(text)).empty());
    CHECK(arguments_of(command, unit(text)) == std::vector<std::string>{"/bin/x", "restart", text, "a b", text});
  }
}

TEST_CASE("a number is written in the compact seed form, and a truth as true or false") {
  const Command command = command_of({{true, "unit"}});
  const auto last = [&](const Json& value) {
    CHECK(objection(command, unit(value)).empty());
    return arguments_of(command, unit(value)).back();
  };
  CHECK(last(7) == "7");
  CHECK(last(std::int64_t{9223372036854775807}) == "9223372036854775807");
  CHECK(last(1.0) == "1.0");
  CHECK(last(1e300) == "1e+300");
  CHECK(last(true) == "true");
  CHECK(last(false) == "false");
}

TEST_CASE("what is no scalar, or is not there, cannot be an argument") {
  const Command command = command_of({{true, "unit"}});
  for (const Json& value : {Json(), Json(Json::Array{}), Json::object({})}) {
    CHECK(objection(command, unit(value)).starts_with("/unit: "));
  }
  CHECK(objection(command, Json::object({})).starts_with("/unit: "));
  CHECK(objection(command_of({}), Json::object({})).empty());
}

TEST_CASE("a NUL cannot be in an argument") {
  const Command command = command_of({{true, "unit"}});
  for (const std::string& text : {std::string("\0", 1), std::string("a\0b", 3), std::string("a\0", 2)}) {
    CHECK(objection(command, unit(text)).find("NUL") != std::string::npos);
  }
}

TEST_CASE("a value that could be taken for an option is refused, unless options have ended or the schema lists it") {
  const Command open = command_of({{true, "unit"}});
  const Json values = parsed(R"(["-", "--", "-f", "--foo", "--foo=bar", -1, -1.5])");
  for (const Json& value : *values.if_array()) {
    CHECK(objection(open, unit(value)).find("option") != std::string::npos);
    CHECK(objection(command_of({{false, "--"}, {true, "unit"}}), unit(value)).empty());
    CHECK(objection(command_of({{true, "unit"}, {false, "--"}}), unit(value)).find("option") != std::string::npos);
    // The options have ended for the program that has the "--", and what stands behind may be another with its own.
    CHECK(objection(command_of({{false, "--"}, {true, "unit"}, {true, "unit"}}), unit(value)).empty());
    CHECK(objection(command_of({{false, "--"}, {false, "a"}, {true, "unit"}}), unit(value)).find("option") !=
          std::string::npos);
    CHECK(objection(command_of({{false, "--"}, {true, "unit"}, {false, "a"}, {true, "unit"}}), unit(value))
              .find("option") != std::string::npos);
    CHECK(objection(command_of({{false, "--"}, {false, "a"}, {false, "--"}, {true, "unit"}}), unit(value)).empty());
    CHECK(objection(command_of({{false, "-"}, {true, "unit"}}), unit(value)).find("option") != std::string::npos);

    const auto schema = [](const char* keyword, const Json& listed) {
      return Json::object({{"properties", Json::object({{"unit", Json::object({{keyword, listed}})}})}});
    };
    CHECK(objection(open, unit(value), schema("const", value)).empty());
    CHECK(objection(open, unit(value), schema("enum", Json::Array{"a", value})).empty());
    CHECK_FALSE(objection(open, unit(value), schema("enum", Json::Array{"a"})).empty());
    CHECK_FALSE(objection(open, unit(value), schema("pattern", value)).empty());
  }
  CHECK(objection(open, unit("a-b")).empty());
  CHECK(objection(open, unit(" -f")).empty());
  // A "--" that a caller sends ends nothing.
  const Json two = parsed(R"({"a":"--","unit":"-f"})");
  CHECK(objection(command_of({{true, "a"}, {true, "unit"}}), two, parsed(R"({"properties":{"a":{"const":"--"}}})"))
            .starts_with("/unit: "));
}

TEST_CASE("an argument may be as long as the system takes, and not longer") {
  const Command command = command_of({{true, "unit"}});
  CHECK(objection(command, unit(std::string(limits::argument_bytes_max, 'a'))).empty());
  CHECK(objection(command, unit(std::string(limits::argument_bytes_max + 1, 'a'))).find("131071") != std::string::npos);
  CHECK(objection(command, unit(std::string(std::size_t{1} << 20, 'a'))).starts_with("/unit: "));
}

TEST_CASE("the arguments and the environment together may be as long as the bound, and not longer") {
  // NULs count, and so do a variable's name and '='.
  constexpr std::size_t long_count = 7;
  Command command = command_of(std::vector<Argument>(long_count, Argument{true, "unit"}));
  const Json payload = unit(std::string(limits::argument_bytes_max, 'a'));
  const std::size_t used = sizeof "/bin/x" + long_count * (limits::argument_bytes_max + 1);
  REQUIRE(used < limits::arguments_bytes_max);
  const std::size_t left = limits::arguments_bytes_max - used;
  command.env["A"] = std::string(left - 3, 'e');
  CHECK(objection(command, payload).empty());
  command.env["A"] += 'e';
  CHECK(objection(command, payload).find("1048576") != std::string::npos);
  command.env["A"].resize(left - 3 - (limits::secret_bytes_max + 3));
  command.secrets["B"] = "credential";  // counts as long as a secret may be
  CHECK(objection(command, payload).empty());
  command.env["A"] += 'e';
  CHECK_FALSE(objection(command, payload).empty());
  command.env.clear();
  command.secrets.clear();
  command.argv.push_back({false, std::string(left, 'f')});
  CHECK_FALSE(objection(command, payload).empty());
}

TEST_CASE("an objection tells nothing of what was sent") {
  const std::string secret = "--hunter2-hunter2";
  CHECK(objection(command_of({{true, "unit"}}), unit(secret)).find("hunter2") == std::string::npos);
}

TEST_CASE("a command's definition holds every setting, defaults included") {
  Command command = command_of({{false, "a"}, {true, "unit"}});
  CHECK(to_json(command) ==
        parsed(R"({"argv":["/bin/x","a",{"placeholder":"unit"}],"env":{},"output":"text","output_bytes_max":65536,)"
               R"("sandbox":{"memory":null,"network":false,"processes":null,"read":["/usr"],"unix":false,"write":[]},)"
               R"("secrets":{},"sha256":null,"stdin":"payload","timeout_ms":30000})"));
}

}  // namespace
}  // namespace openexec
