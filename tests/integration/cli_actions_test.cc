// SPDX-License-Identifier: Apache-2.0
// What `openexec actions` shows of the actions that there are.
#include <filesystem>
#include <string>
#include <vector>

#include "tests/integration/cli_support.h"
#include "tests/integration/cookbook.h"
#include "tests/support/catch.h"
#include "tests/support/fake_daemon.h"
#include "tests/support/vectors.h"

namespace openexec::test {
namespace {

Json answer(const std::string& schema) {
  return Json::object({{"registry", std::string(64, 'a')},
                       {"actions", Json::Array{Json::object({{"name", "payment.refund"},
                                                             {"description", "Pays it back"},
                                                             {"effect", "effectful"},
                                                             {"schema", parsed(schema)}})}}});
}

// Of one action with that schema.
Completed shown(const std::string& schema, const std::string& format = "human") {
  const Json listed = answer(schema);  // here: assertions belong on this thread
  const FakeDaemon daemon([&listed](FakePeer& peer) { peer.write(reply_result(peer.read_line(), listed)); });
  const Completed completed = cli({"actions", "--format", format}, {.socket = daemon.socket()});
  CHECK(completed.exit_code == 0);
  CHECK(completed.err.empty());
  return completed;
}

TEST_CASE("actions shows each member of a payload with its type and its bounds", "[integration]") {
  const std::string text =
      shown(R"({"type":"object","additionalProperties":false,"required":["amount","to"],"properties":{
    "amount":{"type":"integer","minimum":1,"maximum":500,"description":"cents"},
    "to":{"type":"object","properties":{"iban":{"type":"string","pattern":"^[A-Z0-9]+$","maxLength":34}}},
    "tags":{"type":"array","maxItems":3,"items":{"enum":["a","b"]}},
    "note":{"type":["string","null"],"minLength":1},
    "kind":{"const":"refund"},
    "rate":{"type":"number","exclusiveMinimum":0,"exclusiveMaximum":1.5,"multipleOf":0.5}}})")
          .out;
  CHECK(text ==
        "payment.refund     effectful   Pays it back\n"
        "    amount    integer, at least 1, at most 500\n"
        "    kind      always refund; may be left out\n"
        "    note      string or null, 1 or more characters; may be left out\n"
        "    rate      number, above 0, below 1.5, a multiple of 0.5; may be left out\n"
        "    tags      array, 3 or fewer items, each item one of \"a\", \"b\"; may be left out\n"
        "    to        object\n"
        "    to.iban   string, matches ^[A-Z0-9]+$, 34 or fewer characters; may be left out\n"
        "    to.*      any other members\n"
        "registry   aaaa…aaaa\n");
}

TEST_CASE("actions says where any members may be sent, and where none may", "[integration]") {
  CHECK(contains(shown(R"({"type":"object"})").out, "\n    any members\n"));
  CHECK(contains(shown(R"({"type":"object","additionalProperties":false})").out, "\n    no members: {}\n"));
  const std::string some = shown(R"({"properties":{"a":true},"additionalProperties":{"type":"string"}})").out;
  CHECK(contains(some, "\n    a   anything; may be left out\n    *   any other member: string\n"));
}

TEST_CASE("actions shows the members of a list's items, and where other members may be sent below", "[integration]") {
  const std::string text = shown(R"({"type":"object","additionalProperties":false,"required":["lines"],"properties":{
    "lines":{"type":"array","items":{"type":"object","additionalProperties":true,"required":["cents"],"properties":{
      "cents":{"type":"integer"},"tags":{"type":"array","items":{"items":{"properties":{"a":{"type":"null"}},
        "additionalProperties":false}}}}}},
    "labels":{"type":"object","additionalProperties":{"properties":{"b":true},"additionalProperties":false}},
    "free":{"type":["object","null"]},
    "none":{"type":"object","additionalProperties":false}}})")
                               .out;
  CHECK(text ==
        "payment.refund     effectful   Pays it back\n"
        "    free                 object or null; may be left out\n"
        "    free.*               any other members\n"
        "    labels               object; may be left out\n"
        "    labels.*             any other member: anything, or an object as below\n"
        "    labels.*.b           anything; may be left out\n"
        "    lines                array, each item object\n"
        "    lines[].cents        integer\n"
        "    lines[].tags         array, each item each item anything, or an object as below; may be left out\n"
        "    lines[].tags[][].a   null; may be left out\n"
        "    lines[].*            any other members\n"
        "    none                 object; may be left out\n"
        "registry   aaaa…aaaa\n");
}

TEST_CASE("actions shows all that an order's payload of the documents holds", "[integration]") {
  if (!has_program("/usr/bin/python3", "python3")) {
    return;
  }
  const Cookbook book(0);
  std::filesystem::create_directory(book.path("scripts"));
  book.write_shown("/usr/local/libexec/openexec/order_total.py", "scripts/order_total.py");
  book.define("order.total", {{"/usr/local/libexec/openexec/", book.path("scripts/")}});
  const TestDaemon daemon(book.with_config(demo_daemon()));
  const std::string text = cli({"actions", "--format", "human"}, {.socket = daemon.socket()}).out;
  CHECK(contains(text,
                 "order.total        pure        Add up the lines of an order\n"
                 "    lines           array, 100 or fewer items, each item object\n"
                 "    lines[].cents   integer, at least 0, at most 100000000\n"
                 "    lines[].count   integer, at least 1, at most 1000\n"
                 "    lines[].name    string, 80 or fewer characters\n"));
}

TEST_CASE("a long list of values is cut, and the number of the others told", "[integration]") {
  std::string values = "0";
  for (int i = 1; i < 20; ++i) {
    values += "," + std::to_string(i);
  }
  CHECK(contains(shown(R"({"properties":{"a":{"enum":[)" + values + "]}}}").out,
                 "one of 0, 1, 2, 3, 4, 5, 6, 7 and 12 more;"));
}

TEST_CASE("nothing in a schema steers the terminal that shows it", "[integration]") {
  const std::string text =
      shown(R"({"properties":{"a\u001b[2J\nb":{"type":"str\u001bing","pattern":"\u0007","enum":["\u001b"],
    "\u009bnew":"\u001b"}}})")
          .out;
  for (const char c : {'\x1b', '\x07', '\x9b'}) {
    CHECK(text.find(c) == std::string::npos);
  }
  CHECK(contains(text, "\\u001b[2J"));
}

TEST_CASE("what is no schema is shown as far as it goes", "[integration]") {
  for (const char* schema : {"null", "1", "\"text\"", "[]", R"({"properties":1})", R"({"properties":{"a":1}})",
                             R"({"properties":{"a":{"type":1,"enum":1,"items":[]}},"required":"a"})"}) {
    INFO(schema);
    CHECK(shown(schema).out.starts_with("payment.refund "));
  }
}

TEST_CASE("with --json, actions prints the daemon's answer as it is", "[integration]") {
  const std::string schema = R"({"properties":{"a":{"enum":[1,2]}},"x":"\u001b"})";
  CHECK(document(shown(schema, "json")) == answer(schema));
}

}  // namespace
}  // namespace openexec::test
