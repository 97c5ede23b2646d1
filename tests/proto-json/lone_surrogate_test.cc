// SPDX-License-Identifier: Apache-2.0
#include "proto-json/lone_surrogate.h"

#include "tests/support/catch.h"

namespace openexec {
namespace {

TEST_CASE("a lone surrogate is found wherever it stands") {
  for (const std::string_view text :
       {R"("\ud800")", R"("\uDBFF")", R"("\udc00")", R"("\uDFFF")", R"("\udc00\ud800")", R"("\ud800\ud800")",
        R"("\ud800\ud800\udc00")", R"("\ud800x\udc00")", R"("\ud800\n")", R"("\ud800\\udc00")", R"("\ud800\u0041")",
        R"("\ud83d\ude00\ude00")", R"("\\\ud800")", R"({"\udc00":1})", R"(["a","b\ud800"])", R"("\ud800)", R"(\udc00)",
        R"("\ud800\u)", R"("\ud800\udc0)"}) {
    CAPTURE(text);
    CHECK(has_lone_surrogate(text));
  }
}

TEST_CASE("whole pairs, and what only looks like an escape, are left alone") {
  for (const std::string_view text :
       {"", R"("")", R"("\ud800\udc00")", R"("\uDBFF\uDFFF")", R"("\ud83D\uDe00\ud83d\ude00")", R"("\\ud800")",
        R"("\\\\udc00")", R"("\ud7ff\ue000")", R"("\n\ud800\udc00\n")", R"("\u0041")", R"("ud800")", "\\", R"("\u)",
        R"("\ud80)", R"("\ud8g0")", "\"\U0001F600\""}) {
    CAPTURE(text);
    CHECK_FALSE(has_lone_surrogate(text));
  }
}

}  // namespace
}  // namespace openexec
