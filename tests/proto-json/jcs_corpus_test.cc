// SPDX-License-Identifier: Apache-2.0
// The test data of RFC 8785's authors: input, the canonical text, and that text in hexadecimal.
#include "proto-json/canonical.h"
#include "proto-json/encoding.h"
#include "tests/support/catch.h"
#include "tests/support/corpora.h"
#include "tests/support/vectors.h"

namespace openexec {
namespace {

TEST_CASE("JCS gives the bytes of each case of the RFC 8785 corpus") {
  const auto corpus = find_corpus("jcs");
  if (!corpus) {
    return;
  }
  const auto inputs = corpus_files(*corpus / "input");
  CHECK(inputs.size() == 6);
  for (const auto& input : inputs) {
    INFO(input.filename().string());
    const std::string canonical = to_jcs(parsed(read_file(input)));
    CHECK(canonical == read_file(*corpus / "output" / input.filename()));

    std::string digits;
    for (const char c : read_file(*corpus / "outhex" / input.stem().concat(".txt"))) {
      if (c != ' ' && c != '\n' && c != '\r') {
        digits += c;
      }
    }
    CHECK(to_hex(bytes_of(canonical)) == digits);
  }
}

}  // namespace
}  // namespace openexec
