// SPDX-License-Identifier: Apache-2.0
#include "proto-json/names.h"

#include <string>
#include <vector>

#include "proto-json/limits.h"
#include "tests/support/catch.h"

namespace openexec {
namespace {

TEST_CASE("an action name is 1 to 128 of the plain characters") {
  for (const char* const name : {"echo", "a", "payment.refund", "A-z_0.9:x", "."}) {
    CHECK(is_action_name(name));
  }
  for (const char* const name : {"", "a b", "a/b", "a\n", "\xc3\xa9", "a*", "a\"", "@", "[", "`", "{"}) {
    CHECK_FALSE(is_action_name(name));
  }
  CHECK(is_action_name(std::string(limits::action_bytes_max, 'a')));
  CHECK_FALSE(is_action_name(std::string(limits::action_bytes_max + 1, 'a')));
  CHECK_FALSE(is_action_name(std::string("a\0", 2)));
}

TEST_CASE("nonces, tenants, trace ids and approvers are short UTF-8 with no control characters") {
  struct Kind {
    bool (*is_valid)(std::string_view);
    std::size_t bytes_max;
  };
  for (const Kind& kind :
       {Kind{is_nonce, limits::nonce_bytes_max}, Kind{is_tenant_id, limits::tenant_id_bytes_max},
        Kind{is_trace_id, limits::trace_id_bytes_max}, Kind{is_approver_name, limits::approver_name_bytes_max}}) {
    CHECK(kind.is_valid("a"));
    CHECK(kind.is_valid(" "));
    CHECK(kind.is_valid("\"\\/"));
    CHECK(kind.is_valid("\xc3\xa9\xf0\x9f\x98\x80"));
    CHECK(kind.is_valid(std::string(kind.bytes_max, 'x')));
    CHECK_FALSE(kind.is_valid(std::string(kind.bytes_max + 1, 'x')));
    CHECK_FALSE(kind.is_valid(""));
    CHECK_FALSE(kind.is_valid(std::string_view("a\0b", 3)));
    CHECK_FALSE(kind.is_valid("a\nb"));
    CHECK_FALSE(kind.is_valid("\x1b[2J"));
    CHECK_FALSE(kind.is_valid("\x7f"));
    CHECK_FALSE(kind.is_valid("\xc2\x85"));      // U+0085
    CHECK_FALSE(kind.is_valid("\xff"));          // no UTF-8
    CHECK_FALSE(kind.is_valid("\xed\xa0\x80"));  // a surrogate
  }
}

TEST_CASE("a quoted name is short and ASCII") {
  CHECK(quoted_name("payload2") == R"("payload2")");
  CHECK(quoted_name("") == R"("")");
  CHECK(quoted_name("a\"\n\x1b\xc3\xa9") == R"("a\"\n\u001b\u00e9")");
  const std::string most(limits::quoted_name_bytes_max, 'x');
  CHECK(quoted_name(most) == '"' + most + '"');
  CHECK(quoted_name(most + "y") == '"' + most + "\"...");
  const std::string within(limits::quoted_name_bytes_max - 1, 'x');
  CHECK(quoted_name(within + "\xc3\xa9") == '"' + within + "\"...");
}

}  // namespace
}  // namespace openexec
