// SPDX-License-Identifier: Apache-2.0
#include "daemon/core/command_result.h"

#include <fmt/format.h>

#include <vector>

#include "proto-json/canonical.h"
#include "proto-json/limits.h"
#include "tests/support/catch.h"
#include "tests/support/vectors.h"

namespace openexec::test {
namespace {

constexpr std::string_view token = "s3cr3t-token-0123456789";

struct Ended {
  CommandOutput output = CommandOutput::text;
  std::size_t output_bytes_max = 1000;
  ProcessOutcome outcome{{false, 0}, false, 1500};
  CapturedOutput out{};
  CapturedOutput err{};
  std::vector<std::string_view> secrets{};
};

RunResult result_of(Ended ended) {
  Command command;
  command.output = ended.output;
  command.output_bytes_max = ended.output_bytes_max;
  return command_result(command, ended.outcome, std::move(ended.out), std::move(ended.err), ended.secrets);
}

RunResult json_result_of(std::string output, std::vector<std::string_view> secrets = {}) {
  return result_of({.output = CommandOutput::json, .out = {std::move(output)}, .secrets = std::move(secrets)});
}

TEST_CASE("a command that ends with 0 is executed, and its text is the result") {
  const RunResult result = result_of({.out = {"hello\n"}, .err = {"warned"}});
  CHECK(result.status == ReceiptKind::executed);
  CHECK(result.result == R"({"exit_code": 0, "stderr": "warned", "stdout": "hello\n", "truncated": false})");
  CHECK(result.duration_us == 1500);
  CHECK(result.exit == ProcessEnd{false, 0});
}

TEST_CASE("a command that ends with another code, or by a signal, is failed") {
  const RunResult code = result_of({.outcome = {{false, 255}}, .out = {"x"}});
  CHECK(code.status == ReceiptKind::failed);
  CHECK(code.result == R"({"exit_code": 255, "stderr": "", "stdout": "x", "truncated": false})");
  CHECK(code.exit == ProcessEnd{false, 255});
  const RunResult signal = result_of({.outcome = {{true, 9}}});
  CHECK(signal.status == ReceiptKind::failed);
  CHECK(signal.result == R"({"signal": 9, "stderr": "", "stdout": "", "truncated": false})");
  CHECK(signal.exit == ProcessEnd{true, 9});
}

TEST_CASE("a command that was stopped at its timeout is timed out, however it ended") {
  for (const ProcessEnd end : {ProcessEnd{true, 15}, ProcessEnd{false, 0}}) {
    const RunResult result = result_of({.outcome = {end, true}, .out = {"so far"}});
    CHECK(result.status == ReceiptKind::timed_out);
    CHECK(string_member(parsed(result.result), "stdout") == "so far");
    CHECK(result.exit == end);
  }
  CHECK(result_of({.output = CommandOutput::json, .outcome = {{true, 9}, true}, .out = {"{"}}).status ==
        ReceiptKind::timed_out);
}

TEST_CASE("output past the bound is cut, and the result says so") {
  const auto truncated = [](Ended ended) { return *parsed(result_of(std::move(ended)).result).find("truncated"); };
  const RunResult cut = result_of({.output_bytes_max = 4, .out = {"12345"}});
  CHECK(cut.result == R"({"exit_code": 0, "stderr": "", "stdout": "1234", "truncated": true})");
  CHECK(truncated({.output_bytes_max = 4, .out = {"1234"}}) == Json(false));
  CHECK(truncated({.output_bytes_max = 4, .out = {"1234", true}}) == Json(true));
  CHECK(truncated({.output_bytes_max = 4, .err = {"12345"}}) == Json(true));
  CHECK(truncated({.output_bytes_max = 4, .err = {"1", true}}) == Json(true));
}

TEST_CASE("more is captured than is shown, by what a secret or a character at the bound needs") {
  Command command;
  command.output_bytes_max = 100;
  CHECK(captured_bytes_max(command, {}) == 103);
  const std::vector<std::string_view> secrets = {"0123456789abcdef", token};
  CHECK(captured_bytes_max(command, secrets) == 100 + 6 * token.size() - 1);  // each byte as \\u00XX
}

TEST_CASE("bytes that are no UTF-8 come as U+FFFD") {
  const RunResult result = result_of({.out = {"a\xFFz\xC3"}, .err = {std::string("\0\x1B", 2)}});
  CHECK(result.result ==
        R"({"exit_code": 0, "stderr": "\u0000\u001b", "stdout": "a\ufffdz\ufffd", "truncated": false})");
}

TEST_CASE("JSON on standard output becomes a value of the result") {
  const RunResult result = json_result_of(" {\"b\":[1,2.50,\"\\u00e9\"],\"a\":null}\n");
  CHECK(result.status == ReceiptKind::executed);
  CHECK(result.result ==
        R"({"exit_code": 0, "stderr": "", "stdout": {"a": null, "b": [1, 2.5, "\u00e9"]}, "truncated": false})");
  CHECK(json_result_of("7").result == R"({"exit_code": 0, "stderr": "", "stdout": 7, "truncated": false})");
}

TEST_CASE("standard output with nothing in it is an empty text also where JSON is wanted") {
  for (const char* blank : {"", "\n", " \t\r\n"}) {
    const RunResult result = json_result_of(blank);
    CHECK(result.status == ReceiptKind::executed);
    CHECK(result.result == R"({"exit_code": 0, "stderr": "", "stdout": "", "truncated": false})");
  }
}

TEST_CASE("standard output that is not JSON makes the run failed and is kept as text") {
  const std::string deep = std::string(62, '[') + std::string(62, ']');
  for (const std::string& text :
       {std::string("{"), std::string("{} x"), std::string("{\"a\":1,\"a\":2}"), std::string("99999999999999999999"),
        std::string("\"\xFF\""), std::string("NaN"), std::string("\xEF\xBB\xBF{}"), deep}) {
    const RunResult result = json_result_of(text);
    INFO(result.result);
    CHECK(result.status == ReceiptKind::failed);
    const Json json = parsed(result.result);
    CHECK(string_member(json, "error").starts_with("standard output is not JSON: "));
    CHECK(json.find_string("stdout") != nullptr);
    CHECK(result.exit == ProcessEnd{false, 0});
  }
  const std::string fits = std::string(61, '[') + std::string(61, ']');
  CHECK(json_result_of(fits).status == ReceiptKind::executed);
}

TEST_CASE("JSON that was cut is not read") {
  const RunResult result = result_of({.output = CommandOutput::json, .output_bytes_max = 2, .out = {"12345"}});
  CHECK(result.status == ReceiptKind::failed);
  CHECK(string_member(parsed(result.result), "stdout") == "12");
}

TEST_CASE("no secret is in a result: not in its text, not escaped in its JSON, not in an error") {
  const std::vector<std::string_view> secrets = {token};
  const std::string text(token);
  CHECK(result_of({.out = {"x " + text}, .err = {text + text}, .secrets = secrets}).result ==
        R"({"exit_code": 0, "stderr": "[redacted]", "stdout": "x [redacted]", "truncated": false})");
  CHECK(json_result_of("{\"" + text + "\":\"" + text + "\"}", secrets).result ==
        R"({"exit_code": 0, "stderr": "", "stdout": {"[redacted]": "[redacted]"}, "truncated": false})");
  // Escaped, it stands there only once it is read.
  CHECK(json_result_of("[\"\\u00733cr3t-token-0123456789\"]", secrets).result ==
        R"({"exit_code": 0, "stderr": "", "stdout": ["[redacted]"], "truncated": false})");
}

TEST_CASE("no member of any result holds a secret, or the beginning of one, however its characters are written") {
  const std::string longest = std::string(limits::quoted_name_bytes_max, 'k') + "/\"\n\u20ac-the-end";
  const std::string in_json = to_compact(Json(longest)).substr(1, to_compact(Json(longest)).size() - 2);
  const std::string with_slash = std::string(limits::quoted_name_bytes_max, 'k') + R"(\/\u0022\u000A\u20AC-the-end)";
  const std::string escaped = R"(\u00733cr3t-token-0123456789)";
  const std::vector<std::string_view> secrets = {token, longest, "1234567890123456"};
  std::vector<std::string> outputs = {"1234567890123456", "1.234567890123456e15", "[1234567890123456.0]"};
  for (const std::string& written : {std::string(token), escaped, longest, in_json, with_slash}) {
    for (const char* const form : {"{}", "[\"{}\"]", "{{\"{}\":1}}", "{{\"{0}\":1,\"{0}\":2}}",
                                   "{{\"a\":\"{}\"}} garbage", "{{\"a\":\"{}", "[\"{}\",\"x\",", "[\"{}\"]\xFF"}) {
      outputs.push_back(fmt::format(fmt::runtime(form), written));
    }
  }
  for (const std::string& output : outputs) {
    for (const CommandOutput kind : {CommandOutput::text, CommandOutput::json}) {
      for (const std::size_t output_bytes_max : {std::size_t{1000}, output.size() / 2}) {
        const RunResult result = result_of({.output = kind,
                                            .output_bytes_max = output_bytes_max,
                                            .out = {output},
                                            .err = {output},
                                            .secrets = secrets});
        INFO(output << " became " << result.result);
        const Json json = parsed(result.result);
        for (const Member& member : *json.if_object()) {
          const std::string text = to_compact(member.value);
          CHECK(text.find("3cr3t-token-0123456789") == std::string::npos);
          CHECK(text.find("kkkkkkkk") == std::string::npos);
          CHECK(text.find("the-end") == std::string::npos);
          CHECK(text.find("1234567890123456") == std::string::npos);
          CHECK((member.value.if_string() == nullptr || member.value.if_string()->find(longest) == std::string::npos));
        }
      }
    }
  }
}

TEST_CASE("an error says what is wrong with the JSON also where there are secrets, but not the name") {
  const auto error_of = [](std::string output, std::vector<std::string_view> secrets) {
    return string_member(parsed(json_result_of(std::move(output), std::move(secrets)).result), "error");
  };
  CHECK(error_of(R"({"name":1,"name":2})", {}) == R"(standard output is not JSON: duplicate member "name")");
  CHECK(error_of(R"({"name":1,"name":2})", {token}) == "standard output is not JSON: duplicate member");
  CHECK(error_of("{", {token}) == error_of("{", {}));
}

TEST_CASE("a secret over the bound is replaced whole") {
  const RunResult result =
      result_of({.output_bytes_max = 4, .out = {"12" + std::string(token), true}, .secrets = {token}});
  CHECK(result.result == R"({"exit_code": 0, "stderr": "", "stdout": "12[redacted]", "truncated": true})");
}

TEST_CASE("a command that was not started, or whose end is not known, is failed and has no end") {
  const RunResult refused = not_started_result("no \xFF file");
  CHECK(refused.status == ReceiptKind::failed);
  CHECK(refused.result == R"({"error": "the command was not started: no \ufffd file"})");
  CHECK_FALSE(refused.exit.has_value());
  const RunResult lost = lost_result();
  CHECK(lost.status == ReceiptKind::failed);
  CHECK(string_member(parsed(lost.result), "error").find("may have had its effect") != std::string::npos);
  CHECK_FALSE(lost.exit.has_value());
}

}  // namespace
}  // namespace openexec::test
